// Package auth answers who is calling: it turns the credential of an HTTP
// request into an airspace.Actor.
//
// There are two credentials: a bearer token from the configuration (the
// bootstrap token is one of them), and the session cookie that a browser gets
// in exchange for such a token. Secrets are compared as SHA-256 digests in
// constant time and are never stored or logged. Sessions live in memory: they
// end when idle for too long, at an absolute age, at sign-out, and when the
// server restarts.
//
// Failed sign-ins are limited per address; the table of addresses is bounded.
// An Authenticator is safe for concurrent use. It says who somebody is; what
// they may do is Actor.May, and who checks that is package web.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"testzone/airspace"
)

var (
	// ErrNoCredential is returned when a request carries no credential, or a session that has ended.
	ErrNoCredential = errors.New("sign in first")
	// ErrBadToken is returned when a token is not one of ours.
	ErrBadToken = errors.New("token is not valid")
	// ErrConfig is returned when a configured token cannot be used.
	ErrConfig = errors.New("token is not usable")
)

// LimitedError is returned when an address failed to sign in too often.
type LimitedError struct {
	RetryAfter time.Duration
}

func (e *LimitedError) Error() string {
	return fmt.Sprintf("too many failed sign-ins from this address: wait %.0f s", e.RetryAfter.Seconds())
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
}

// Bootstrap is the token of the first administrator.
func Bootstrap(secret string) Token {
	return Token{Secret: secret, Actor: airspace.Actor{
		ID: "bootstrap", Name: "Administrator", Roles: []airspace.Role{airspace.Administrator},
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
	failures *failures
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
	a := &Authenticator{
		sessions: &sessions{idle: cfg.Idle, absolute: cfg.Absolute, limit: cfg.Sessions, byDigest: map[digest]*session{}},
		failures: newFailures(),
		clock:    cfg.Clock,
	}
	for _, t := range cfg.Tokens {
		d, err := t.digest()
		if err != nil {
			return nil, err
		}
		a.holders = append(a.holders, holder{digest: d, actor: t.Actor})
	}
	return a, nil
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

// holder finds whose token it is. It looks at every token, so that the time
// does not tell which one nearly matched.
func (a *Authenticator) holder(secret string) (airspace.Actor, bool) {
	d := digestOf(secret)
	found := -1
	for i := range a.holders {
		if subtle.ConstantTimeCompare(d[:], a.holders[i].digest[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return airspace.Actor{}, false
	}
	return a.holders[found].actor, true
}

// FromRequest is who a request comes from: by bearer token, else by session
// cookie. Call it again with the same request to learn whether a long-lived
// connection is still allowed; that counts as use of the session.
func (a *Authenticator) FromRequest(r *http.Request) (airspace.Actor, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, secret, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return airspace.Actor{}, ErrNoCredential
		}
		actor, ok := a.holder(strings.TrimSpace(secret))
		if !ok {
			return airspace.Actor{}, ErrBadToken
		}
		return actor, nil
	}
	cookie, err := r.Cookie(CookieName)
	if err != nil {
		return airspace.Actor{}, ErrNoCredential
	}
	actor, ok := a.sessions.use(digestOf(cookie.Value), a.clock())
	if !ok {
		return airspace.Actor{}, ErrNoCredential
	}
	return actor, nil
}
