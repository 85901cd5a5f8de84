package auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"testzone/airspace"
)

// SignIn exchanges a token or an API key for a session.
func (a *Authenticator) SignIn(r *http.Request, token string) (airspace.Actor, *http.Cookie, error) {
	actor, who, err := a.byToken(r, token)
	if err != nil {
		if errors.Is(err, ErrBadToken) {
			err = a.refuseToken(r, a.limits.address)
		}
		return airspace.Actor{}, nil, err
	}
	return actor, a.begin(r, actor, who), nil
}

// begin starts a session. One that the request already has ends, so that a
// planted cookie is never raised to a signed-in one.
func (a *Authenticator) begin(r *http.Request, actor airspace.Actor, who principal) *http.Cookie {
	now := a.clock()
	if old, err := r.Cookie(CookieName); err == nil {
		a.sessions.end(digestOf(old.Value))
	}
	a.tell(Event{Kind: SignedIn, Actor: actor, Address: addressKey(peerOf(r, a.proxies)), At: now})
	return cookie(a.sessions.start(who, now), int(a.sessions.absolute/time.Second))
}

// SignInPassword exchanges login name and password for a session. Who is
// unknown, disabled or without a password gets the same answer after the same
// work as who mistyped.
func (a *Authenticator) SignInPassword(r *http.Request, login, password string) (airspace.Actor, *http.Cookie, error) {
	address := addressKey(peerOf(r, a.proxies))
	v, _ := a.secrets.byLogin(login) // an unknown person has no password
	if err := a.tryPassword(r.Context(), v, login, password, address); err != nil {
		return airspace.Actor{}, nil, err
	}
	actor, cookie, err := a.signInPerson(r, v.Person, true)
	if err != nil {
		a.tell(Event{Kind: Refused, Address: address, At: a.clock()})
		return airspace.Actor{}, nil, ErrBadPassword
	}
	a.know(v.Person, address)
	return actor, cookie, nil
}

// know remembers where a person signs in from. A full disk keeps nobody out.
func (a *Authenticator) know(person, address string) {
	if err := a.secrets.know(person, address); err != nil {
		a.log.Warn("address of a sign-in not remembered", "person", person, "err", err)
	}
}

// signInPerson starts the session of a person that has proved who it is, by its
// password (typed) or at the identity provider.
func (a *Authenticator) signInPerson(r *http.Request, person string, typed bool) (airspace.Actor, *http.Cookie, error) {
	_, rev, err := a.accounts.PersonActor(person)
	if err != nil {
		return airspace.Actor{}, nil, err
	}
	who := principal{person: person, rev: rev, typed: typed}
	actor, err := a.resolve(who, peerOf(r, a.proxies))
	if err != nil {
		return airspace.Actor{}, nil, err
	}
	return actor, a.begin(r, actor, who), nil
}

// tryPassword judges a password under the limits.
func (a *Authenticator) tryPassword(ctx context.Context, v sealed, login, password, address string) error {
	now := a.clock()
	account := fold(login)
	draw := []attempt{{a.limits.address, address}, {a.limits.account, account}}
	if slices.Contains(v.Known, address) {
		draw = []attempt{{a.limits.known, account + " " + address}}
	}
	giveBack, wait := takeAll(now, draw...)
	if wait > 0 {
		a.tell(Event{Kind: Limited, Actor: airspace.Actor{ID: v.Person}, Address: address, At: now})
		return &LimitedError{RetryAfter: wait}
	}
	ok, err := a.hasher.verify(ctx, password, v.Password)
	if err != nil {
		giveBack()
		return err
	}
	if !ok {
		a.tell(Event{Kind: Refused, Actor: airspace.Actor{ID: v.Person}, Address: address, At: now})
		return ErrBadPassword
	}
	giveBack()
	return nil
}

// SignOut ends the request's session. The cookie it returns takes the
// browser's away.
func (a *Authenticator) SignOut(r *http.Request) *http.Cookie {
	if c, err := r.Cookie(CookieName); err == nil {
		if who, ok := a.sessions.use(digestOf(c.Value), a.clock()); ok {
			actor, _ := a.resolve(who, peerOf(r, a.proxies))
			a.tell(Event{Kind: SignedOut, Actor: actor, Address: addressKey(peerOf(r, a.proxies)), At: a.clock()})
		}
		a.sessions.end(digestOf(c.Value))
	}
	return cookie("", -1)
}

// ChangePassword gives the person of the request's session a new password. All
// its sessions end; the cookie is of a new one.
func (a *Authenticator) ChangePassword(r *http.Request, current, next string) (*http.Cookie, error) {
	actor, err := a.FromRequest(r)
	if err != nil {
		return nil, err
	}
	if actor.Person == "" || actor.Key != "" {
		return nil, ErrNoSession
	}
	v, _ := a.secrets.person(actor.Person)
	if err := a.tryPassword(r.Context(), v, v.Login, current, addressKey(peerOf(r, a.proxies))); err != nil {
		return nil, err
	}
	if err := a.SetPassword(r.Context(), actor.Person, next, false); err != nil {
		return nil, err
	}
	address := addressKey(peerOf(r, a.proxies))
	a.tell(Event{Kind: PasswordChanged, Actor: actor, Address: address, At: a.clock()})
	_, cookie, err := a.signInPerson(r, actor.Person, true)
	if err != nil {
		return nil, err
	}
	a.know(actor.Person, address)
	return cookie, nil
}

// SetPassword sets a person's password and ends its sessions. With mustChange
// the person has no rights before it chose another.
func (a *Authenticator) SetPassword(ctx context.Context, person, password string, mustChange bool) error {
	v, _ := a.secrets.person(person)
	if err := CheckPassword(password, Profile{Login: v.Login}); err != nil {
		return err
	}
	hash, err := a.hasher.make(ctx, password)
	if err != nil {
		return err
	}
	if err := a.secrets.setPassword(person, hash, mustChange); err != nil {
		return err
	}
	a.sessions.endPerson(person)
	return nil
}

// ResetPassword sets the password that an administrator decided at a time. To do
// it again does nothing: the person may have chosen another meanwhile.
func (a *Authenticator) ResetPassword(ctx context.Context, person, password string, decidedUS int64) error {
	if v, _ := a.secrets.person(person); v.ResetUS >= decidedUS {
		return nil
	}
	if err := a.SetPassword(ctx, person, password, true); err != nil {
		return err
	}
	return a.secrets.change(person, func(v *sealed) error {
		v.ResetUS = decidedUS
		return nil
	})
}
