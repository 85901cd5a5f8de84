package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"testzone/web/auth"
)

// signIn returns the session cookie as a Cookie header.
func (z *testZone) signIn(token string) string {
	z.t.Helper()
	r := z.call("", "POST", "/v1/session", fmt.Sprintf(`{"token":%q}`, token))
	if r.StatusCode != 200 {
		z.t.Fatalf("sign in: %d %s", r.StatusCode, r.body)
	}
	cookies := r.Cookies()
	if len(cookies) != 1 {
		z.t.Fatalf("cookies: %v", cookies)
	}
	return cookies[0].Name + "=" + cookies[0].Value
}

func TestSession(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	r := z.call("", "POST", "/v1/session", `{"token":"`+observerToken+`"}`)
	var s Session
	r.json(t, &s)
	if s.Actor.ID != "olga" || fmt.Sprint(s.Actor.Roles, s.Actor.Scopes) != "[observer] [zone.read]" {
		t.Errorf("session: %s", r.body)
	}
	c := r.Cookies()[0]
	if c.Name != auth.CookieName || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 {
		t.Errorf("cookie: %v", c)
	}
	cookie := c.Name + "=" + c.Value
	if r := z.call("", "GET", "/v1/session", "", "Cookie", cookie); r.StatusCode != 200 || !strings.Contains(string(r.body), `"olga"`) {
		t.Errorf("who am I: %d %s", r.StatusCode, r.body)
	}
	if r := z.call("", "POST", "/v1/fences", fenceBody("x", square, ""), "Cookie", cookie); r.StatusCode != 403 {
		t.Errorf("observer's cookie sets a fence: %d", r.StatusCode)
	}
	// A new sign-in from the same browser ends the old session.
	admin := z.call("", "POST", "/v1/session", `{"token":"`+adminToken+`"}`, "Cookie", cookie)
	fresh := admin.Cookies()[0].Name + "=" + admin.Cookies()[0].Value
	if r := z.call("", "GET", "/v1/session", "", "Cookie", cookie); r.StatusCode != 401 {
		t.Errorf("old session: %d", r.StatusCode)
	}
	out := z.call("", "DELETE", "/v1/session", "", "Cookie", fresh)
	if out.StatusCode != 204 || out.Cookies()[0].MaxAge >= 0 {
		t.Errorf("sign out: %d %v", out.StatusCode, out.Cookies())
	}
	if r := z.call("", "GET", "/v1/zone", "", "Cookie", fresh); r.StatusCode != 401 || r.problem(t).Code != "unauthenticated" {
		t.Errorf("after sign out: %d", r.StatusCode)
	}
	again := z.signIn(adminToken)
	z.clock.advance(25 * time.Hour)
	if r := z.call("", "GET", "/v1/session", "", "Cookie", again); r.StatusCode != 401 {
		t.Errorf("expired session: %d", r.StatusCode)
	}
}

func TestSignInLimit(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	try := func(token string) reply {
		return z.call("", "POST", "/v1/session", fmt.Sprintf(`{"token":%q}`, token))
	}
	limited := 0
	for range 15 {
		r := try("wrong-token-wrong-token")
		switch p := r.problem(t); p.Code {
		case "bad_token":
		case "too_many_attempts":
			limited++
			if r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
				t.Errorf("limited: %d, Retry-After %q", r.StatusCode, r.Header.Get("Retry-After"))
			}
		default:
			t.Fatalf("code %s", p.Code)
		}
	}
	if limited != 5 {
		t.Errorf("%d of 15 attempts were limited", limited)
	}
	// Others behind the same address are not locked out: a token cannot be guessed.
	if r := try(adminToken); r.StatusCode != 200 {
		t.Errorf("the right token of a limited address: %d", r.StatusCode)
	}
	z.clock.advance(time.Minute)
	if r := try("wrong-token-wrong-token"); r.StatusCode != 401 {
		t.Errorf("a minute later: %d", r.StatusCode)
	}
	if strings.Contains(z.log.String(), "wrong-token") || strings.Contains(z.log.String(), adminToken) {
		t.Error("a token is in the log")
	}
}
