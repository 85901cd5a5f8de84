package auth

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"testzone/airspace"
)

// CookieName is the session cookie. The prefix makes browsers insist on
// Secure, Path=/ and no Domain, so that no other host can plant one.
const CookieName = "__Host-tz_session"

// sessions holds who is signed in, by the digest of the cookie.
type sessions struct {
	idle, absolute time.Duration
	limit          int

	mu       sync.Mutex // guards the fields below
	byDigest map[digest]*session
}

type session struct {
	actor   airspace.Actor
	started time.Time
	used    time.Time
}

func (s *sessions) ended(v *session, now time.Time) bool {
	return now.Sub(v.used) >= s.idle || now.Sub(v.started) >= s.absolute
}

func (s *sessions) start(actor airspace.Actor, now time.Time) string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	secret := base64.RawURLEncoding.EncodeToString(b[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byDigest) >= s.limit {
		s.makeRoom(now)
	}
	s.byDigest[digestOf(secret)] = &session{actor: actor, started: now, used: now}
	return secret
}

// makeRoom forgets the sessions that ended, else the one that was idle longest.
func (s *sessions) makeRoom(now time.Time) {
	var oldest digest
	var at time.Time
	before := len(s.byDigest)
	for d, v := range s.byDigest {
		switch {
		case s.ended(v, now):
			delete(s.byDigest, d)
		case at.IsZero() || v.used.Before(at):
			oldest, at = d, v.used
		}
	}
	if len(s.byDigest) == before {
		delete(s.byDigest, oldest)
	}
}

func (s *sessions) use(d digest, now time.Time) (airspace.Actor, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.byDigest[d]
	if !ok {
		return airspace.Actor{}, false
	}
	if s.ended(v, now) {
		delete(s.byDigest, d)
		return airspace.Actor{}, false
	}
	v.used = now
	return v.actor, true
}

func (s *sessions) end(d digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byDigest, d)
}

// SignIn exchanges a token for a session. A session that the request already
// has ends, so that a planted cookie is never raised to a signed-in one.
func (a *Authenticator) SignIn(r *http.Request, token string) (airspace.Actor, *http.Cookie, error) {
	now := a.clock()
	address := addressOf(r)
	if wait := a.failures.wait(address, now); wait > 0 {
		return airspace.Actor{}, nil, &LimitedError{RetryAfter: wait}
	}
	actor, ok := a.holder(token)
	if !ok {
		a.failures.add(address, now)
		return airspace.Actor{}, nil, ErrBadToken
	}
	if old, err := r.Cookie(CookieName); err == nil {
		a.sessions.end(digestOf(old.Value))
	}
	return actor, cookie(a.sessions.start(actor, now), int(a.sessions.absolute/time.Second)), nil
}

// SignOut ends the request's session. The cookie it returns takes the
// browser's away.
func (a *Authenticator) SignOut(r *http.Request) *http.Cookie {
	if c, err := r.Cookie(CookieName); err == nil {
		a.sessions.end(digestOf(c.Value))
	}
	return cookie("", -1)
}

func cookie(value string, maxAgeS int) *http.Cookie {
	return &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: maxAgeS,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
