// Package auth answers who is calling: it turns the credential of an HTTP
// request into an airspace.Actor.
//
// There are three credentials: a token of the configuration (the bootstrap
// token is one), an API key that stands for a person with fewer rights, and the
// session cookie that a browser gets for a token, for login and password, or
// from an identity provider. What a person may do is read from the register at
// each use, so that a revoked key, a changed role or a disabled person ends at
// once; long-lived connections ask again. Sessions live in memory: they end
// when idle for too long, at an absolute age, at sign-out, when the person's
// rights or password change, and when the server restarts.
//
// Names, passwords (argon2id), digests of keys and their last use stand in
// Secrets, encrypted beside the journal and erasable. Tokens are compared as
// SHA-256 digests in constant time and are never stored or logged. Failed
// attempts are limited by address and by account. An Authenticator is safe for
// concurrent use. Who checks what somebody may do is package web.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"testzone/airspace"
)

var (
	// ErrNoCredential is returned when a request carries no credential, or a session that has ended.
	ErrNoCredential = errors.New("sign in first")
	// ErrBadToken is returned when a token is not one of ours.
	ErrBadToken = errors.New("token is not valid")
	// ErrBadPassword is returned when login name and password do not fit together, or the person may not sign in.
	ErrBadPassword = errors.New("login name or password is not right")
	// ErrNoSession is returned when something needs the session of a person and the caller has none.
	ErrNoSession = errors.New("sign in with your own login name and password first")
	// ErrConfig is returned when a configured token cannot be used.
	ErrConfig = errors.New("token is not usable")
)

// LimitedError is returned when there were too many attempts.
type LimitedError struct {
	RetryAfter time.Duration
	Busy       bool // others sign in: nobody failed
}

func (e *LimitedError) Error() string {
	if e.Busy {
		return "too many people sign in at this moment: try again"
	}
	return fmt.Sprintf("too many failed sign-ins: wait %.0f s", math.Ceil(e.RetryAfter.Seconds()))
}

// MinTokenLength is the shortest token that is accepted: bearer tokens are not
// slowed down, so they must not be guessable.
const MinTokenLength = 16

// Token is one accepted bearer token and who it stands for.
type Token struct {
	Secret string // the token itself, at least 16 characters; or
	SHA256 string // its digest in hex, so that a file need not hold the token
	Actor  airspace.Actor
}

// String hides the secret, whatever prints the configuration.
func (t Token) String() string { return "token of " + t.Actor.ID }

// GoString hides the secret from %#v.
func (t Token) GoString() string { return t.String() }

// Config of an Authenticator. Without tokens nobody can sign in.
type Config struct {
	Tokens   []Token
	Idle     time.Duration    // a session without a request ends; default 12 h
	Absolute time.Duration    // every session ends; default 24 h
	Sessions int              // sessions at the same time; default 4,096, the longest idle one gives way
	Clock    func() time.Time // default time.Now

	Accounts Accounts       // people and keys; default none
	Secrets  *Secrets       // names, passwords and digests of keys; default in memory
	Proxies  []netip.Prefix // whose X-Forwarded-For is believed; default nobody's
	Logger   *slog.Logger   // default slog.Default
	OIDC     *OIDCConfig    // identity provider; default none
	Events   func(Event)    // told of every sign-in, sign-out and refusal; default nobody. It must not block
}

// Accounts is who may act, as the register knows it.
type Accounts interface {
	Person(id string) (airspace.Person, error)
	PersonActor(id string) (actor airspace.Actor, rev uint64, err error)
	KeyActor(id string) (airspace.Actor, airspace.APIKey, error)
	HasAdministrator() bool
	Ahead(org string) time.Duration // of an organisation's clock
}

// noAccounts is a zone without people.
type noAccounts struct{}

func (noAccounts) Person(string) (airspace.Person, error) {
	return airspace.Person{}, airspace.ErrNotFound
}
func (noAccounts) PersonActor(string) (airspace.Actor, uint64, error) {
	return airspace.Actor{}, 0, airspace.ErrNotFound
}
func (noAccounts) KeyActor(string) (airspace.Actor, airspace.APIKey, error) {
	return airspace.Actor{}, airspace.APIKey{}, airspace.ErrNotFound
}
func (noAccounts) HasAdministrator() bool     { return false }
func (noAccounts) Ahead(string) time.Duration { return 0 }

// EventKind is what happened at the door.
type EventKind string

// The kinds.
const (
	SignedIn        EventKind = "signed_in"
	SignedOut       EventKind = "signed_out"
	Refused         EventKind = "refused" // wrong token or password
	Limited         EventKind = "limited" // not judged: too many failures before
	PasswordChanged EventKind = "password_changed"
)

// Event is one thing that happened at the door, for the audit. It names no
// login and no token: those of a failed attempt may be a password typed into
// the wrong field.
type Event struct {
	Kind    EventKind
	Actor   airspace.Actor // of a refusal: empty, or the person whose password was wrong
	Address string
	At      time.Time
}

// Bootstrap is the token of whoever sets up the zone. Until an administrator
// exists it has every right; from then on it is an administrator's, for the day
// on which nobody else can sign in.
func Bootstrap(secret string) Token {
	return Token{Secret: secret, Actor: airspace.Actor{
		ID: "bootstrap", Name: "Administrator", Roles: []airspace.Role{airspace.Administrator, airspace.SetUp},
	}}
}

type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

type holder struct {
	digest digest
	actor  airspace.Actor
}

// Authenticator knows the tokens and the sessions.
type Authenticator struct {
	holders  []holder
	sessions *sessions
	limits   limits
	hasher   *hasher
	accounts Accounts
	secrets  *Secrets
	proxies  []netip.Prefix
	tell     func(Event)
	log      *slog.Logger
	provider *provider // nil: none
	clock    func() time.Time
}

// New makes an authenticator.
func New(cfg Config) (*Authenticator, error) {
	if cfg.Idle <= 0 {
		cfg.Idle = 12 * time.Hour
	}
	if cfg.Absolute <= 0 {
		cfg.Absolute = 24 * time.Hour
	}
	if cfg.Sessions <= 0 {
		cfg.Sessions = 4096
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Accounts == nil {
		cfg.Accounts = noAccounts{}
	}
	if cfg.Secrets == nil {
		var err error
		if cfg.Secrets, err = OpenSecrets("", ""); err != nil {
			return nil, err
		}
	}
	if cfg.Events == nil {
		cfg.Events = func(Event) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	a := &Authenticator{
		log:      cfg.Logger,
		sessions: &sessions{idle: cfg.Idle, absolute: cfg.Absolute, limit: cfg.Sessions, byDigest: map[digest]*session{}},
		limits:   newLimits(),
		hasher:   newHasher(),
		accounts: cfg.Accounts,
		secrets:  cfg.Secrets,
		proxies:  cfg.Proxies,
		tell:     cfg.Events,
		clock:    cfg.Clock,
	}
	for _, t := range cfg.Tokens {
		d, err := t.digest()
		if err != nil {
			return nil, err
		}
		a.holders = append(a.holders, holder{digest: d, actor: t.Actor})
	}
	if cfg.OIDC != nil {
		var err error
		if a.provider, err = newProvider(*cfg.OIDC, cfg.Clock); err != nil {
			return nil, err
		}
	}
	return a, a.eraseErased()
}

// Secrets is the store of what is personal.
func (a *Authenticator) Secrets() *Secrets { return a.secrets }

// eraseErased finishes what a crash between the decision to erase a person and
// the erasing left.
func (a *Authenticator) eraseErased() error {
	for _, id := range a.secrets.People() {
		if p, err := a.accounts.Person(id); err == nil && p.Erased {
			if err := a.secrets.Erase(id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t Token) digest() (digest, error) {
	if t.Actor.ID == "" {
		return digest{}, fmt.Errorf("%w: it names no actor", ErrConfig)
	}
	if len(t.Actor.Scopes()) == 0 {
		return digest{}, fmt.Errorf("%w: %s has no role with a right", ErrConfig, t.Actor.ID)
	}
	if t.SHA256 == "" {
		if len(t.Secret) < MinTokenLength {
			return digest{}, fmt.Errorf("%w: the token of %s is shorter than %d characters", ErrConfig, t.Actor.ID, MinTokenLength)
		}
		return digestOf(t.Secret), nil
	}
	b, err := hex.DecodeString(t.SHA256)
	if err != nil || len(b) != sha256.Size {
		return digest{}, fmt.Errorf("%w: the digest of %s is not 64 hex digits", ErrConfig, t.Actor.ID)
	}
	return digest(b), nil
}

// holder finds which configured token it is; -1 when none. It looks at every
// token, so that the time does not tell which one nearly matched.
func (a *Authenticator) holder(secret string) int {
	d := digestOf(secret)
	found := -1
	for i := range a.holders {
		if subtle.ConstantTimeCompare(d[:], a.holders[i].digest[:]) == 1 {
			found = i
		}
	}
	return found
}

// configured is the actor of a configured token as it is now: the rights of
// the set-up end when an administrator exists.
func (a *Authenticator) configured(actor airspace.Actor) airspace.Actor {
	if slices.Contains(actor.Roles, airspace.SetUp) && a.accounts.HasAdministrator() {
		actor.Roles = slices.DeleteFunc(slices.Clone(actor.Roles), func(r airspace.Role) bool { return r == airspace.SetUp })
	}
	return actor
}

// byToken is whose token it is: one of the configuration, or an API key.
func (a *Authenticator) byToken(r *http.Request, token string) (airspace.Actor, principal, error) {
	if i := a.holder(token); i >= 0 {
		return a.configured(a.holders[i].actor), principal{holder: i + 1}, nil
	}
	id, peer := keyID(token), peerOf(r, a.proxies)
	if !a.secrets.matches(id, token) {
		return airspace.Actor{}, principal{}, ErrBadToken
	}
	actor, err := a.byKey(id, peer)
	return actor, principal{key: id}, err
}

// resolve is who a session is of now, for a request from peer; an error when
// that may not act any more.
func (a *Authenticator) resolve(who principal, peer netip.Addr) (airspace.Actor, error) {
	switch {
	case who.holder > 0:
		return a.configured(a.holders[who.holder-1].actor), nil
	case who.key != "":
		return a.byKey(who.key, peer)
	}
	actor, rev, err := a.accounts.PersonActor(who.person)
	if err != nil || rev != who.rev {
		return airspace.Actor{}, ErrNoCredential
	}
	v, _ := a.secrets.person(who.person)
	actor.Name = v.Name
	if v.MustChange && who.typed {
		actor.Only = []airspace.Scope{} // no rights before the password is one's own
	}
	return actor, nil
}

// FromRequest is who a request comes from: by bearer token, else by session
// cookie. Call it again with the same request to learn whether a long-lived
// connection is still allowed; that counts as use of the session.
func (a *Authenticator) FromRequest(r *http.Request) (airspace.Actor, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return airspace.Actor{}, ErrNoCredential
		}
		actor, _, err := a.byToken(r, strings.TrimSpace(token))
		if errors.Is(err, ErrBadToken) {
			return airspace.Actor{}, a.refuseToken(r, a.limits.bearer)
		}
		return actor, err
	}
	cookie, err := r.Cookie(CookieName)
	if err != nil {
		return airspace.Actor{}, ErrNoCredential
	}
	who, ok := a.sessions.use(digestOf(cookie.Value), a.clock())
	if !ok {
		return airspace.Actor{}, ErrNoCredential
	}
	actor, err := a.resolve(who, peerOf(r, a.proxies))
	if err != nil {
		return airspace.Actor{}, ErrNoCredential
	}
	return actor, nil
}

// refuseToken counts a wrong token: a right one never comes here.
func (a *Authenticator) refuseToken(r *http.Request, by *failures) error {
	now, address := a.clock(), addressKey(peerOf(r, a.proxies))
	if _, wait := by.take(address, now); wait > 0 {
		a.tell(Event{Kind: Limited, Address: address, At: now})
		return &LimitedError{RetryAfter: wait}
	}
	a.tell(Event{Kind: Refused, Address: address, At: now})
	return ErrBadToken
}
