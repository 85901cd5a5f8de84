package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
)

const secret = "a-token-that-is-long"

type testClock struct{ at time.Time }

func (c *testClock) now() time.Time { return c.at }

func newTest(t *testing.T, cfg Config) (*Authenticator, *testClock) {
	t.Helper()
	clock := &testClock{at: time.UnixMilli(1_700_000_000_000)}
	cfg.Clock = clock.now
	if cfg.Tokens == nil {
		digest := sha256.Sum256([]byte("token-by-digest-only"))
		cfg.Tokens = []Token{Bootstrap(secret), {SHA256: hex.EncodeToString(digest[:]), Actor: airspace.Actor{
			ID: "olga", Name: "Olga", Roles: []airspace.Role{airspace.Observer},
		}}}
	}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a, clock
}

func request(header ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func TestBearer(t *testing.T) {
	a, _ := newTest(t, Config{})
	cases := []struct {
		header string
		actor  string
		err    error
	}{
		{"Bearer " + secret, "bootstrap", nil},
		{"bearer  " + secret + " ", "bootstrap", nil},
		{"Bearer token-by-digest-only", "olga", nil},
		{"Bearer " + secret + "x", "", ErrBadToken},
		{"Bearer " + secret[:len(secret)-1], "", ErrBadToken},
		{"Bearer ", "", ErrBadToken},
		{"Bearer", "", ErrBadToken},
		{"Basic " + secret, "", ErrNoCredential},
	}
	for _, c := range cases {
		actor, err := a.FromRequest(request("Authorization", c.header))
		if actor.ID != c.actor || !errors.Is(err, c.err) {
			t.Errorf("%q is %q, %v", c.header, actor.ID, err)
		}
	}
	if _, err := a.FromRequest(request()); !errors.Is(err, ErrNoCredential) {
		t.Errorf("no credential: %v", err)
	}
	if _, err := a.FromRequest(httptest.NewRequest("GET", "/?token="+secret, nil)); !errors.Is(err, ErrNoCredential) {
		t.Errorf("token in the URL: %v", err)
	}
}

func TestConfigRefusals(t *testing.T) {
	who := airspace.Actor{ID: "x", Roles: []airspace.Role{airspace.Observer}}
	for name, token := range map[string]Token{
		"short":       {Secret: "short", Actor: who},
		"empty":       {Actor: who},
		"no actor":    {Secret: secret},
		"no role":     {Secret: secret, Actor: airspace.Actor{ID: "x"}},
		"bad role":    {Secret: secret, Actor: airspace.Actor{ID: "x", Roles: []airspace.Role{"king"}}},
		"bad digest":  {SHA256: "zz", Actor: who},
		"long digest": {SHA256: strings.Repeat("a", 66), Actor: who},
	} {
		if _, err := New(Config{Tokens: []Token{token}}); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells the token", name)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", Bootstrap(secret), Config{Tokens: []Token{Bootstrap(secret)}}, []Token{Bootstrap(secret)}); strings.Contains(s, secret) {
		t.Errorf("printing tells the token: %s", s)
	}
}

func TestSessionLife(t *testing.T) {
	a, clock := newTest(t, Config{Idle: time.Hour, Absolute: 3 * time.Hour})
	signIn := func() *http.Request {
		_, cookie, err := a.SignIn(request(), secret)
		if err != nil {
			t.Fatal(err)
		}
		return request("Cookie", cookie.Name+"="+cookie.Value)
	}
	alive := func(r *http.Request) bool { _, err := a.FromRequest(r); return err == nil }

	r := signIn()
	for range 2 {
		clock.at = clock.at.Add(59 * time.Minute)
		if !alive(r) {
			t.Fatal("a session that is used ended")
		}
	}
	clock.at = clock.at.Add(time.Hour)
	if alive(r) {
		t.Error("an idle session lives")
	}
	r = signIn()
	for range 3 {
		clock.at = clock.at.Add(59 * time.Minute)
		alive(r)
	}
	clock.at = clock.at.Add(4 * time.Minute)
	if alive(r) {
		t.Error("a session lives beyond its absolute age")
	}
	r = signIn()
	a.SignOut(r)
	if alive(r) {
		t.Error("a session lives after sign-out")
	}
	if alive(request("Cookie", CookieName+"=")) || alive(request("Cookie", CookieName+"="+secret)) {
		t.Error("a made-up cookie is a session")
	}
	// A bearer header, even a wrong one, is not helped by a cookie.
	r = signIn()
	r.Header.Set("Authorization", "Bearer wrong-wrong-wrong-wrong")
	if _, err := a.FromRequest(r); !errors.Is(err, ErrBadToken) {
		t.Errorf("wrong token with a cookie: %v", err)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	a, clock := newTest(t, Config{Sessions: 3})
	var cookies []string
	for range 5 {
		clock.at = clock.at.Add(time.Second)
		_, c, err := a.SignIn(request(), secret)
		if err != nil {
			t.Fatal(err)
		}
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	for i, c := range cookies {
		if _, err := a.FromRequest(request("Cookie", c)); (err == nil) != (i >= 2) {
			t.Errorf("session %d of 5: %v", i, err)
		}
	}
}

func TestFailuresAreBounded(t *testing.T) {
	f := newFailures(time.Second, 1)
	now := time.UnixMilli(0)
	for i := range maxLimited + 100 {
		f.take(fmt.Sprint("address-", i), now)
	}
	if len(f.byKey) != maxLimited {
		t.Errorf("%d keys are kept", len(f.byKey))
	}
	if _, wait := f.take("one-more", now); wait == 0 {
		t.Error("a key without room does not share the limit of those without room")
	}
	f.take("later", now.Add(time.Hour))
	if len(f.byKey) != 1 {
		t.Errorf("%d keys are kept after an hour", len(f.byKey))
	}
}

func TestFailures(t *testing.T) {
	a, b := newFailures(time.Second, 3), newFailures(time.Second, 1)
	now := time.UnixMilli(0)
	for i := range 5 { // what is given back was never taken
		giveBack, wait := takeAll(now, attempt{a, "x"}, attempt{b, "y"})
		if wait != 0 {
			t.Fatalf("attempt %d waits %v", i, wait)
		}
		giveBack()
	}
	if _, wait := takeAll(now, attempt{a, "x"}, attempt{b, "y"}); wait != 0 {
		t.Fatal("the one attempt is refused")
	}
	for range 5 { // one refusal takes from neither
		if _, wait := takeAll(now, attempt{a, "x"}, attempt{b, "y"}); wait != time.Second {
			t.Errorf("wait %v", wait)
		}
	}
	for range 2 {
		if _, wait := a.take("x", now); wait != 0 {
			t.Errorf("a refusal by one bucket emptied the other")
		}
	}
	if _, wait := a.take("x", now); wait == 0 {
		t.Error("four attempts of three")
	}
}

func TestPeer(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct{ remote, forwarded, plain, proxied string }{
		{"192.0.2.7:1234", "203.0.113.9", "192.0.2.7", "192.0.2.7"},
		{"127.0.0.1:1", "203.0.113.9", "127.0.0.1", "203.0.113.9"},
		{"127.0.0.1:1", "203.0.113.9, 198.51.100.1, 10.1.1.1", "127.0.0.1", "198.51.100.1"},
		{"127.0.0.1:1", "203.0.113.9, nonsense", "127.0.0.1", "127.0.0.1"},
		{"127.0.0.1:1", "", "127.0.0.1", "127.0.0.1"},
		{"[::ffff:192.0.2.7]:1", "", "192.0.2.7", "192.0.2.7"},
		{"[2001:db8:1:2:3:4:5:6]:1", "", "2001:db8:1:2::/64", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:1", "", "fe80::/64", "fe80::/64"},
		{"pipe", "203.0.113.9", "invalid IP", "invalid IP"},
	} {
		r := request("X-Forwarded-For", c.forwarded)
		r.RemoteAddr = c.remote
		if got := addressKey(peerOf(r, nil)); got != c.plain {
			t.Errorf("%s counts as %s", c.remote, got)
		}
		if got := addressKey(peerOf(r, proxies)); got != c.proxied {
			t.Errorf("%s for %s counts as %s", c.remote, c.forwarded, got)
		}
	}
}
