package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"testzone/airspace"
)

var (
	// ErrNoProvider is returned when sign-in by an identity provider is not configured.
	ErrNoProvider = errors.New("no identity provider is configured")
	// ErrProvider is returned when the identity provider cannot be reached or answers nonsense; the cause is for the log.
	ErrProvider = errors.New("the identity provider did not answer as it should: try again, or sign in another way")
	// ErrBadIdentity is returned when what came back from the identity provider does not prove who somebody is.
	ErrBadIdentity = errors.New("the sign-in at the identity provider is not valid: start again")
	// ErrNotLinked is returned when the identity is of nobody whom an administrator has linked.
	ErrNotLinked = errors.New("nobody here is linked to this identity: ask an administrator")
)

// OIDCConfig names an identity provider. Its URLs are fixed here and are never
// taken from what the provider says.
type OIDCConfig struct {
	Name         string // that people know it by; default the issuer's host
	Issuer       string
	ClientID     string
	ClientSecret string // empty: a public client
	AuthURL      string
	TokenURL     string
	JWKSURL      string
	RedirectURL  string   // …/v1/oidc/callback of this server, as the browser sees it
	Algorithms   []string // of signatures; default RS256, ES256, EdDSA
	AllowPrivate bool     // the provider may be at a private or loopback address, and without TLS
}

// String hides the secret, whatever prints the configuration.
func (c OIDCConfig) String() string { return "identity provider " + c.Issuer }

// GoString hides the secret from %#v.
func (c OIDCConfig) GoString() string { return c.String() }

// asymmetric are the algorithms that may be allowed: a shared secret is none,
// so that a public key is never taken for one.
func asymmetric() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// Check says what is wrong with the configuration, and fills in defaults.
func (c *OIDCConfig) Check() error {
	if c.Issuer == "" || c.ClientID == "" {
		return fmt.Errorf("%w: the identity provider needs issuer and client id", ErrConfig)
	}
	for name, raw := range map[string]string{"issuer": c.Issuer, "auth url": c.AuthURL, "token url": c.TokenURL, "jwks url": c.JWKSURL, "redirect url": c.RedirectURL} {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || name != "redirect url" && !c.AllowPrivate) {
			return fmt.Errorf("%w: the %s of the identity provider, %q, is not an https URL", ErrConfig, name, raw)
		}
	}
	if c.Name == "" {
		u, _ := url.Parse(c.Issuer) // it was parsed above
		c.Name = u.Host
	}
	if n := utf8.RuneCountInString(c.Name); n > maxProviderName || strings.ContainsFunc(c.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%w: the name of the identity provider has at most %d characters that can be printed", ErrConfig, maxProviderName)
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{"RS256", "ES256", "EdDSA"}
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(asymmetric(), a) {
			return fmt.Errorf("%w: the algorithm %q is not one of %v", ErrConfig, a, asymmetric())
		}
	}
	return nil
}

// StateCookie binds a sign-in at the identity provider to the browser that
// started it.
const StateCookie = "__Host-tz_oidc"

const (
	pendingLife = 10 * time.Minute
	maxPending  = 1000

	maxProviderName = 40          // characters: it stands on a button
	clockLeeway     = time.Minute // between the provider's clock and ours
)

// provider is the identity provider and the sign-ins that are on their way.
type provider struct {
	cfg    OIDCConfig
	oauth  oauth2.Config
	keys   *keySet
	verify *oidc.IDTokenVerifier
	client *http.Client
	clock  func() time.Time

	mu      sync.Mutex // guards the fields below
	pending map[digest]pendingSignIn
}

type pendingSignIn struct {
	nonce, verifier string
	started         time.Time
}

func newProvider(cfg OIDCConfig, clock func() time.Time) (*provider, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	client := newClient(cfg.AllowPrivate)
	keys := &keySet{url: cfg.JWKSURL, client: client, algorithms: cfg.Algorithms, clock: clock}
	return &provider{
		cfg: cfg, keys: keys, client: client, clock: clock, pending: map[digest]pendingSignIn{},
		oauth: oauth2.Config{
			ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, RedirectURL: cfg.RedirectURL,
			Endpoint: oauth2.Endpoint{AuthURL: cfg.AuthURL, TokenURL: cfg.TokenURL}, Scopes: []string{oidc.ScopeOpenID},
		},
		// Times are ours to check: the library's leeways are 0 and 5 minutes.
		verify: oidc.NewVerifier(cfg.Issuer, keys, &oidc.Config{ClientID: cfg.ClientID, SupportedSigningAlgs: cfg.Algorithms, SkipExpiryCheck: true}),
	}, nil
}

func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// start begins a sign-in: where to send the browser, and the state.
func (p *provider) start() (location, state string) {
	now := p.clock()
	state = random()
	s := pendingSignIn{nonce: random(), verifier: oauth2.GenerateVerifier(), started: now}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) >= maxPending {
		p.makeRoom(now)
	}
	p.pending[digestOf(state)] = s
	return p.oauth.AuthCodeURL(state, oidc.Nonce(s.nonce), oauth2.S256ChallengeOption(s.verifier)), state
}

// makeRoom forgets what was given up, else the oldest.
func (p *provider) makeRoom(now time.Time) {
	var oldest digest
	var at time.Time
	for d, s := range p.pending {
		if now.Sub(s.started) >= pendingLife {
			delete(p.pending, d)
		} else if at.IsZero() || s.started.Before(at) {
			oldest, at = d, s.started
		}
	}
	if len(p.pending) >= maxPending {
		delete(p.pending, oldest)
	}
}

// take ends a pending sign-in: a state is good for one answer.
func (p *provider) take(state string) (pendingSignIn, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.pending[digestOf(state)]
	delete(p.pending, digestOf(state))
	return s, ok && p.clock().Sub(s.started) < pendingLife
}

// finish exchanges the code for an identity: the subject at the provider.
func (p *provider) finish(ctx context.Context, code, state string) (subject string, err error) {
	s, ok := p.take(state)
	if !ok || code == "" {
		return "", ErrBadIdentity
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.oauth.Exchange(ctx, code, oauth2.VerifierOption(s.verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response.StatusCode < 500 {
		return "", fmt.Errorf("%w: the provider refused the code", ErrBadIdentity)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrProvider, err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return "", fmt.Errorf("%w: no id_token in its answer", ErrProvider)
	}
	return p.identity(ctx, raw, s.nonce)
}

// identity verifies an ID token: OpenID Connect Core section 3.1.3.7.
func (p *provider) identity(ctx context.Context, raw, nonce string) (subject string, err error) {
	if err := p.keys.ready(ctx); err != nil {
		return "", err
	}
	token, err := p.verify.Verify(ctx, raw)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadIdentity, err)
	}
	var claims struct {
		NotBefore *float64 `json:"nbf"`
		AZP       string   `json:"azp"`
	}
	if err := token.Claims(&claims); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadIdentity, err)
	}
	now := p.clock()
	switch {
	case !now.Before(token.Expiry.Add(clockLeeway)):
		err = errors.New("it has expired")
	case token.IssuedAt.After(now.Add(clockLeeway)):
		err = errors.New("it is of the future")
	case claims.NotBefore != nil && *claims.NotBefore > float64(now.Add(clockLeeway).Unix()):
		err = errors.New("it is not valid yet")
	case len(token.Audience) > 1 && claims.AZP == "", claims.AZP != "" && claims.AZP != p.cfg.ClientID:
		err = errors.New("it is for another client")
	case nonce == "" || subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1:
		err = errors.New("its nonce is of another sign-in")
	case token.Subject == "":
		err = errors.New("it names nobody")
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadIdentity, err)
	}
	return token.Subject, nil
}

// Provider is the name of the identity provider; empty when there is none.
func (a *Authenticator) Provider() string {
	if a.provider == nil {
		return ""
	}
	return a.provider.cfg.Name
}

// StartOIDC begins a sign-in at the identity provider: where to send the
// browser, with a cookie that it brings back.
func (a *Authenticator) StartOIDC() (location string, state *http.Cookie, err error) {
	if a.provider == nil {
		return "", nil, ErrNoProvider
	}
	location, secret := a.provider.start()
	return location, stateCookie(secret, int(pendingLife/time.Second)), nil
}

func stateCookie(value string, maxAgeS int) *http.Cookie {
	c := cookie(value, maxAgeS)
	c.Name = StateCookie
	return c
}

// FinishOIDC turns what the browser brought back from the identity provider
// into a session. Who is linked by an administrator gets in, nobody else. The
// cookies are to be set, also with an error.
func (a *Authenticator) FinishOIDC(r *http.Request, code, state string) (airspace.Actor, []http.Cookie, error) {
	gone := []http.Cookie{*stateCookie("", -1)}
	if a.provider == nil {
		return airspace.Actor{}, nil, ErrNoProvider
	}
	now, address := a.clock(), addressKey(peerOf(r, a.proxies))
	giveBack, wait := a.limits.address.take(address, now)
	if wait > 0 {
		a.tell(Event{Kind: Limited, Address: address, At: now})
		return airspace.Actor{}, gone, &LimitedError{RetryAfter: wait}
	}
	actor, session, err := a.finishOIDC(r, code, state)
	switch {
	case err == nil:
		giveBack()
		return actor, append(gone, *session), nil
	case errors.Is(err, ErrProvider):
		giveBack()
	default:
		a.tell(Event{Kind: Refused, Address: address, At: now})
	}
	return airspace.Actor{}, gone, err
}

func (a *Authenticator) finishOIDC(r *http.Request, code, state string) (airspace.Actor, *http.Cookie, error) {
	c, err := r.Cookie(StateCookie)
	if err != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(state)) != 1 {
		return airspace.Actor{}, nil, ErrBadIdentity // another browser started it
	}
	subject, err := a.provider.finish(r.Context(), code, state)
	if err != nil {
		return airspace.Actor{}, nil, err
	}
	person, ok := a.secrets.bySubject(subject)
	if !ok {
		return airspace.Actor{}, nil, ErrNotLinked
	}
	actor, session, err := a.signInPerson(r, person, false)
	if err != nil {
		return airspace.Actor{}, nil, ErrNotLinked
	}
	return actor, session, nil
}
