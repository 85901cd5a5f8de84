package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	f := newFailures()
	now := time.UnixMilli(0)
	for i := range maxAddresses + 100 {
		f.add(fmt.Sprint("address-", i), now)
	}
	if len(f.byAddr) != maxAddresses {
		t.Errorf("%d addresses are kept", len(f.byAddr))
	}
	if f.wait("address-0", now) != 0 || f.wait("one-more", now) == 0 {
		t.Error("an address without room shares the limit of those without room")
	}
	f.add("later", now.Add(time.Hour))
	if len(f.byAddr) != 1 {
		t.Errorf("%d addresses are kept after an hour", len(f.byAddr))
	}
}

func TestAddress(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64", "pipe": "pipe",
	} {
		r := request("X-Forwarded-For", "10.0.0.1")
		r.RemoteAddr = remote
		if got := addressOf(r); got != want {
			t.Errorf("%s counts as %s", remote, got)
		}
	}
}
