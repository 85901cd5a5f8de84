package web

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestPasswordSpray: one address is stopped, who signed in from it before is not.
func TestPasswordSpray(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	z.account("ada", "zone", "controller") // has signed in from here
	z.person(adminToken, "bob", "zone", "controller")
	count := map[string]int{}
	for i := range 15 {
		count[z.code(z.password(fmt.Sprint("user-", i), "a guess of many"))]++
	}
	if count["401 bad_password"] != 10 || count["429 too_many_attempts"] != 5 {
		t.Errorf("spray: %v", count)
	}
	z.want(z.password("bob", "first password"), "429 too_many_attempts") // never seen here
	z.want(z.password("ada", testPassword), "200")
	clear(count)
	for range 15 {
		count[z.code(z.password("ada", "a guess of many"))]++
	}
	if count["401 bad_password"] != 10 || count["429 too_many_attempts"] != 5 {
		t.Errorf("guesses at a known account: %v", count)
	}
	z.clock.advance(time.Minute)
	z.want(z.password("bob", "first password"), "200")
	z.want(z.password("ada", testPassword), "200")
}

// TestBearerGuesses: wrong tokens are limited, the right one is not held up.
func TestBearerGuesses(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	limited := 0
	for range 250 {
		if r := z.call("wrong-token-wrong-token", "GET", "/v1/zone", ""); r.StatusCode == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 20 || limited > 50 { // 200 are free, two more come each second
		t.Errorf("%d of 250 were limited", limited)
	}
	z.want(z.call(observerToken, "GET", "/v1/zone", ""), "200")
}

// TestSessionFixation: a cookie that somebody planted is never signed in.
func TestSessionFixation(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	z.account("ada", "zone", "controller")
	planted := z.signIn(observerToken)
	r := z.call("", "POST", "/v1/session", `{"login":"ada","password":"`+testPassword+`"}`, "Cookie", planted)
	z.want(r, "200")
	if cookieOf(r) == planted {
		t.Error("the cookie stayed")
	}
	z.want(z.call("", "GET", "/v1/session", "", "Cookie", planted), "401 unauthenticated")
	for _, kind := range []string{"application/x-www-form-urlencoded", "text/plain"} {
		z.want(z.call("", "POST", "/v1/session", `{"login":"ada","password":"`+testPassword+`"}`, "Content-Type", kind), "415 unsupported_media_type")
	}
	z.want(z.call("", "POST", "/v1/session", `{"login":"ada","password":"`+testPassword+`"}`, "Sec-Fetch-Site", "cross-site"), "403 cross_origin")
}
