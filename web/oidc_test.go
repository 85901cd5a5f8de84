package web

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"testzone/web/auth"
)

// newIssuer is an identity provider of which everybody is sub-ada; the attacks
// on it are tests of package auth.
func newIssuer(t *testing.T, z func() *testZone) *httptest.Server {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: private, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "1"}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		now := z().clock.now().Unix()
		claims, _ := json.Marshal(map[string]any{ // the test sends the nonce as the code
			"iss": server.URL, "aud": "zone", "sub": "sub-ada", "nonce": r.FormValue("code"), "iat": now, "exp": now + 60,
		})
		jws, err := signer.Sign(claims)
		if err != nil {
			t.Error(err)
			return
		}
		token, _ := jws.CompactSerialize()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"access_token": "x", "token_type": "Bearer", "id_token": token})
	})
	return server
}

func TestOIDC(t *testing.T) {
	var z *testZone
	issuer := newIssuer(t, func() *testZone { return z })
	z = newTestZone(t, zoneOptions{oidc: &auth.OIDCConfig{
		Issuer: issuer.URL, ClientID: "zone", AuthURL: issuer.URL + "/auth", TokenURL: issuer.URL + "/token", JWKSURL: issuer.URL + "/keys",
		RedirectURL: "https://zone.example.org/v1/oidc/callback", AllowPrivate: true,
	}})
	z.organisation("zone", "authority")
	begin := func() (query url.Values, cookie string) {
		r := z.call("", "GET", "/v1/oidc/start", "")
		z.want(r, "302")
		to, err := url.Parse(r.Header.Get("Location"))
		if err != nil || !strings.HasPrefix(to.String(), issuer.URL+"/auth?") {
			t.Fatalf("sent to %s", r.Header.Get("Location"))
		}
		return to.Query(), cookieOf(r)
	}
	back := func(query url.Values, cookie string) reply {
		return z.call("", "GET", "/v1/oidc/callback?session_state=x&code="+query.Get("nonce")+"&state="+query.Get("state"), "", "Cookie", cookie)
	}
	if r := z.call("", "GET", "/v1/session/ways", ""); strings.TrimSpace(string(r.body)) != `{"provider":{"name":"`+strings.TrimPrefix(issuer.URL, "http://")+`"}}` {
		t.Errorf("ways in: %s", r.body)
	}
	z.want(back(begin()), "403 not_linked")
	// A browser is not shown JSON: the page says what went wrong.
	query, cookie := begin()
	r := z.call("", "GET", "/v1/oidc/callback?code="+query.Get("nonce")+"&state="+query.Get("state"), "", "Cookie", cookie, "Accept", "text/html,application/xhtml+xml")
	if z.want(r, "302"); r.Header.Get("Location") != "/#signin=not_linked" || len(r.Cookies()) != 0 {
		t.Errorf("a browser is sent to %v", r.Header)
	}
	ada := z.person(adminToken, "ada", "zone", "controller")
	z.call(adminToken, "PUT", "/v1/people/"+ada.ID+"/profile", `{"login":"","name":"Ada","subject":"sub-ada"}`)
	r = back(begin())
	z.want(r, "302")
	cookies := r.Cookies()
	if r.Header.Get("Location") != "/" || len(cookies) != 2 || cookies[0].Name != auth.StateCookie || cookies[0].MaxAge >= 0 || cookies[1].Name != auth.CookieName {
		t.Fatalf("signed in: %v", r.Header)
	}
	if r := z.call("", "GET", "/v1/session", "", "Cookie", cookies[1].Name+"="+cookies[1].Value); !strings.Contains(string(r.body), ada.ID) || !strings.Contains(string(r.body), "fence.write") {
		t.Errorf("session: %s", r.body)
	}
	query, _ = begin()
	_, other := begin()
	z.want(back(query, other), "401 bad_identity")
	issuer.Close()
	z.want(back(begin()), "503 provider_unavailable")
}

func TestNoOIDC(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	if r := z.call("", "GET", "/v1/session/ways", ""); r.StatusCode != 200 || strings.TrimSpace(string(r.body)) != `{"provider":null}` {
		t.Errorf("ways in: %d %s", r.StatusCode, r.body)
	}
	z.want(z.call("", "GET", "/v1/oidc/start", ""), "404 no_provider")
	z.want(z.call("", "GET", "/v1/oidc/callback?code=x&state=y&error=z", ""), "404 no_provider")
}
