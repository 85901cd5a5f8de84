package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"testzone/airspace"
)

// oidcPeople: p_ada may act, p_bob may not.
type oidcPeople struct{ fakePeople }

func (oidcPeople) PersonActor(id string) (airspace.Actor, uint64, error) {
	if id != "p_ada" {
		return airspace.Actor{}, 0, airspace.ErrDisabled
	}
	return airspace.Actor{ID: id, Person: id, Roles: []airspace.Role{airspace.Observer}}, 1, nil
}

func newOIDC(t *testing.T, change func(*OIDCConfig)) (*Authenticator, *issuer, *testClock) {
	t.Helper()
	clock := &testClock{at: time.UnixMilli(1_700_000_000_000)}
	i := newIssuer(t, clock)
	cfg := i.config()
	if change != nil {
		change(cfg)
	}
	secrets, err := OpenSecrets("", "")
	if err != nil {
		t.Fatal(err)
	}
	for person, subject := range map[string]string{"p_ada": "sub-ada", "p_bob": "sub-bob"} {
		if err := secrets.SetProfile(person, Profile{Subject: subject, Name: "Name of " + person}); err != nil {
			t.Fatal(err)
		}
	}
	a, err := New(Config{Accounts: oidcPeople{}, Secrets: secrets, OIDC: cfg, Clock: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	return a, i, clock
}

// browse goes to the provider and comes back with a code and a state.
func browse(t *testing.T, a *Authenticator) (code, state string, cookie *http.Cookie) {
	t.Helper()
	location, cookie, err := a.StartOIDC()
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(location)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || back.Host != "zone.example.org" {
		t.Fatalf("sent back to %q", res.Header.Get("Location"))
	}
	return back.Query().Get("code"), back.Query().Get("state"), cookie
}

func comeBack(a *Authenticator, code, state string, cookie *http.Cookie) (airspace.Actor, []http.Cookie, error) {
	return a.FinishOIDC(request("Cookie", cookie.Name+"="+cookie.Value), code, state)
}

func TestOIDCSignIn(t *testing.T) {
	a, i, _ := newOIDC(t, nil)
	for _, alg := range [][2]string{{"RS256", "rsa"}, {"ES256", "ec"}, {"EdDSA", "ed"}} {
		i.edit = func(header, _ object) { header["alg"], header["kid"] = alg[0], alg[1] }
		code, state, cookie := browse(t, a)
		if cookie.Name != StateCookie || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" {
			t.Errorf("state cookie: %v", cookie)
		}
		actor, cookies, err := comeBack(a, code, state, cookie)
		if err != nil || actor.ID != "p_ada" || actor.Name != "Name of p_ada" || len(cookies) != 2 || cookies[0].MaxAge >= 0 {
			t.Fatalf("%s: %+v, %v, %v", alg, actor, cookies, err)
		}
		if who, err := a.FromRequest(request("Cookie", cookies[1].Name+"="+cookies[1].Value)); err != nil || who.ID != "p_ada" {
			t.Errorf("%s: session of %q, %v", alg, who.ID, err)
		}
		if _, _, err := comeBack(a, code, state, cookie); !errors.Is(err, ErrBadIdentity) {
			t.Errorf("%s: the same answer again: %v", alg, err)
		}
		if _, left := a.provider.take(state); left {
			t.Errorf("%s: the state is good for another answer", alg)
		}
	}
}

// TestTokenAttacks is the list of platform.md section 11.4: none gets in.
func TestTokenAttacks(t *testing.T) {
	a, i, clock := newOIDC(t, nil)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := func() int64 { return clock.now().Unix() }
	attacks := map[string]struct {
		edit func(header, claims object)
		want error
	}{
		"none":                     {nil, nil},
		"exp 59 s ago":             {func(_, c object) { c["exp"] = now() - 59 }, nil},
		"nbf in 59 s":              {func(_, c object) { c["nbf"] = now() + 59 }, nil},
		"iat in 59 s":              {func(_, c object) { c["iat"] = now() + 59 }, nil},
		"audience among others":    {func(_, c object) { c["aud"], c["azp"] = []string{"x", "zone"}, "zone" }, nil},
		"expired":                  {func(_, c object) { c["exp"] = now() - 60 }, ErrBadIdentity},
		"never expires":            {func(_, c object) { c["exp"] = nil }, ErrBadIdentity},
		"of the future":            {func(_, c object) { c["iat"] = now() + 61 }, ErrBadIdentity},
		"not valid yet":            {func(_, c object) { c["nbf"] = now() + 61 }, ErrBadIdentity},
		"other audience":           {func(_, c object) { c["aud"] = "other" }, ErrBadIdentity},
		"no audience":              {func(_, c object) { c["aud"] = nil }, ErrBadIdentity},
		"audiences without azp":    {func(_, c object) { c["aud"] = []string{"zone", "other"} }, ErrBadIdentity},
		"azp of another":           {func(_, c object) { c["azp"] = "other" }, ErrBadIdentity},
		"other issuer":             {func(_, c object) { c["iss"] = "https://evil.example.org" }, ErrBadIdentity},
		"issuer's beginning":       {func(_, c object) { c["iss"] = i.server.URL + "/x" }, ErrBadIdentity},
		"no issuer":                {func(_, c object) { c["iss"] = nil }, ErrBadIdentity},
		"other nonce":              {func(_, c object) { c["nonce"] = "x" }, ErrBadIdentity},
		"no nonce":                 {func(_, c object) { c["nonce"] = nil }, ErrBadIdentity},
		"no subject":               {func(_, c object) { c["sub"] = nil }, ErrBadIdentity},
		"alg none":                 {func(h, _ object) { h["alg"] = "none" }, ErrBadIdentity},
		"alg None":                 {func(h, _ object) { h["alg"] = "None" }, ErrBadIdentity},
		"no alg":                   {func(h, _ object) { h["alg"] = nil }, ErrBadIdentity},
		"HS256 by the public key":  {func(h, _ object) { h["alg"] = "HS256" }, ErrBadIdentity},
		"HS256 by a published key": {func(h, _ object) { h["alg"], h["kid"] = "HS256", "oct" }, ErrBadIdentity},
		"alg that is not allowed":  {func(h, _ object) { h["alg"] = "PS256" }, ErrBadIdentity},
		"unknown kid":              {func(h, _ object) { h["kid"] = "new" }, ErrBadIdentity},
		"no kid":                   {func(h, _ object) { h["kid"] = nil }, ErrBadIdentity},
		"kid of another key":       {func(h, _ object) { h["kid"] = "ec" }, ErrBadIdentity},
		"key for encryption":       {func(h, _ object) { h["kid"] = "enc" }, ErrBadIdentity},
		"kid as a path":            {func(h, _ object) { h["kid"] = "../../../../dev/null" }, ErrBadIdentity},
		"crit that nobody knows":   {func(h, _ object) { h["crit"], h["x"] = []string{"x"}, 1 }, ErrBadIdentity},
		"not linked":               {func(_, c object) { c["sub"] = "sub-eve" }, ErrNotLinked},
		"disabled person":          {func(_, c object) { c["sub"] = "sub-bob" }, ErrNotLinked},
	}
	evil := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a token made us fetch %s", r.URL)
	}))
	defer evil.Close()
	jwk := jose.JSONWebKey{Key: &other.PublicKey, KeyID: "rsa", Algorithm: "RS256"}
	for name, header := range map[string]object{"jku": {"jku": evil.URL + "/keys"}, "x5u": {"x5u": evil.URL + "/cert"}, "jwk": {"jwk": jwk}} {
		attacks[name] = struct {
			edit func(header, claims object)
			want error
		}{func(h, _ object) {
			maps.Copy(h, header)
			i.signer = other
		}, ErrBadIdentity}
	}
	passed := 0
	for name, attack := range attacks {
		clock.at = clock.at.Add(time.Minute) // the limits of sign-in are another test's
		i.edit = attack.edit
		code, state, cookie := browse(t, a)
		_, _, err := comeBack(a, code, state, cookie)
		i.signer = i.rsa
		if !errors.Is(err, attack.want) {
			passed++
			t.Errorf("%s: %v, want %v", name, err, attack.want)
		}
	}
	i.edit = nil
	tokens := map[string]string{
		"empty": "", "dots": "..", "one part": "x", "JSON serialisation": `{"payload":"e30","signatures":[]}`,
		"signature cut": func() string {
			s := i.jwt(object{"alg": "RS256", "kid": "rsa"}, object{})
			return s[:strings.LastIndex(s, ".")+1]
		}(),
	}
	for name, token := range tokens {
		clock.at = clock.at.Add(time.Minute)
		i.token = func() string { return token }
		code, state, cookie := browse(t, a)
		if _, _, err := comeBack(a, code, state, cookie); !errors.Is(err, ErrBadIdentity) && !errors.Is(err, ErrProvider) {
			passed++
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Logf("auth/token_attacks_passed %d of %d", passed, len(attacks)+len(tokens)-5)
}

func TestOIDCState(t *testing.T) {
	a, _, clock := newOIDC(t, nil)
	try := func(name string, attack func(code, state *string, cookie *http.Cookie)) {
		t.Helper()
		clock.at = clock.at.Add(time.Minute)
		code, state, cookie := browse(t, a)
		attack(&code, &state, cookie)
		if _, _, err := comeBack(a, code, state, cookie); !errors.Is(err, ErrBadIdentity) {
			t.Errorf("%s: %v", name, err)
		}
	}
	try("no state", func(_, state *string, _ *http.Cookie) { *state = "" })
	try("neither state nor cookie", func(_, state *string, c *http.Cookie) { *state, c.Value = "", "" })
	try("cookie of another browser", func(_, _ *string, c *http.Cookie) { _, other, _ := a.StartOIDC(); c.Value = other.Value })
	try("made-up state", func(_, state *string, c *http.Cookie) { *state, c.Value = "made-up", "made-up" })
	try("no code", func(code, _ *string, _ *http.Cookie) { *code = "" })
	try("made-up code", func(code, _ *string, _ *http.Cookie) { *code = "made-up" })
	try("code of another sign-in", func(code, _ *string, _ *http.Cookie) { *code, _, _ = browse(t, a) }) // PKCE
	try("too late", func(_, _ *string, _ *http.Cookie) { clock.at = clock.at.Add(pendingLife) })
	for range maxPending + 50 {
		if _, _, err := a.StartOIDC(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(a.provider.pending); n != maxPending {
		t.Errorf("%d sign-ins are remembered", n)
	}
}

// TestKeysOfTheProvider: down, they stay good for an hour; unknown kids do not
// make us ask more often than every ten seconds.
func TestKeysOfTheProvider(t *testing.T) {
	a, i, clock := newOIDC(t, nil)
	try := func() error {
		code, state, cookie := browse(t, a)
		_, _, err := comeBack(a, code, state, cookie)
		return err
	}
	i.down = true
	if err := try(); !errors.Is(err, ErrProvider) {
		t.Errorf("never had keys: %v", err)
	}
	clock.at = clock.at.Add(refreshEvery)
	i.down = false
	if err := try(); err != nil {
		t.Fatal(err)
	}
	before := i.fetchs
	for n := range 20 {
		clock.at = clock.at.Add(time.Second)
		i.edit = func(h, _ object) { h["kid"] = fmt.Sprint("unknown-", n) }
		a.limits = newLimits()
		if err := try(); !errors.Is(err, ErrBadIdentity) {
			t.Errorf("unknown kid: %v", err)
		}
	}
	if n := i.fetchs - before; n > 2 {
		t.Errorf("20 unknown kids in 20 s made %d fetches", n)
	}
	i.edit, i.down = nil, true
	a.limits = newLimits()
	clock.at = clock.at.Add(keysLife - time.Minute)
	if err := try(); err != nil {
		t.Errorf("down for less than an hour: %v", err)
	}
	clock.at = clock.at.Add(2 * time.Minute)
	if err := try(); !errors.Is(err, ErrProvider) {
		t.Errorf("down for more than an hour: %v", err)
	}
	i.down = false
	clock.at = clock.at.Add(refreshEvery)
	if err := try(); err != nil {
		t.Errorf("up again: %v", err)
	}
	i.server.Close()
	clock.at = clock.at.Add(2 * keysLife)
	if _, err := a.provider.identity(t.Context(), "x.y.z", "n"); !errors.Is(err, ErrProvider) {
		t.Errorf("gone: %v", err)
	}
}

// TestProviderInside: names that lead into our own network are not followed.
func TestProviderInside(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true, "127.0.0.1": false, "::1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false,
		"169.254.169.254": false, "fe80::1": false, "fd00::1": false, "0.0.0.0": false, "::": false, "224.0.0.1": false, "100.64.0.1": false, "::ffff:127.0.0.1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %v", text, got)
		}
	}
	hit := false
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit = true }))
	defer inside.Close()
	if _, err := newClient(false).Get(inside.URL); !errors.Is(err, errPrivateTarget) || hit {
		t.Errorf("loopback: %v", err)
	}
	redirect := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusFound))
	defer redirect.Close()
	if res, err := newClient(true).Get(redirect.URL); err != nil || res.StatusCode != http.StatusFound || hit {
		t.Errorf("a redirect is followed: %v", err)
	}
}

func TestOIDCConfig(t *testing.T) {
	good := OIDCConfig{
		Issuer: "https://id.example.org", ClientID: "zone", ClientSecret: "client secret", AuthURL: "https://id.example.org/auth",
		TokenURL: "https://id.example.org/token", JWKSURL: "https://id.example.org/keys", RedirectURL: "http://127.0.0.1:8080/v1/oidc/callback",
	}
	for name, c := range map[string]struct {
		change func(*OIDCConfig)
		ok     bool
	}{
		"good":           {func(*OIDCConfig) {}, true},
		"no issuer":      {func(c *OIDCConfig) { c.Issuer = "" }, false},
		"no client":      {func(c *OIDCConfig) { c.ClientID = "" }, false},
		"no TLS":         {func(c *OIDCConfig) { c.JWKSURL = "http://id.example.org/keys" }, false},
		"inside, no TLS": {func(c *OIDCConfig) { c.JWKSURL, c.AllowPrivate = "http://10.0.0.1/keys", true }, true},
		"file":           {func(c *OIDCConfig) { c.JWKSURL, c.AllowPrivate = "file:///etc/passwd", true }, false},
		"HS256":          {func(c *OIDCConfig) { c.Algorithms = []string{"RS256", "HS256"} }, false},
		"none":           {func(c *OIDCConfig) { c.Algorithms = []string{"none"} }, false},
	} {
		cfg := good
		c.change(&cfg)
		if err := cfg.Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", good, &good, Config{OIDC: &good}); strings.Contains(s, "client secret") {
		t.Errorf("printing tells the secret: %s", s)
	}
}

// FuzzToken: bytes of a provider never panic and never are anybody.
func FuzzToken(f *testing.F) {
	keys := &keySet{algorithms: []string{"RS256", "ES256", "EdDSA"}, clock: time.Now, client: newClient(false), tried: time.Now()}
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(`{"payload":"e30","signatures":[{"protected":"eyJhbGciOiJSUzI1NiJ9","signature":""}]}`)
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := keys.VerifySignature(t.Context(), token); err == nil {
			t.Error("verified without a key")
		}
	})
}
