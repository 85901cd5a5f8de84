package main

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// newIssuer is an identity provider at which everybody is sub-ada and is asked
// nothing: it sends the browser straight back to where it says. The first who
// comes cancels.
func newIssuer(t *testing.T, back *atomic.Pointer[string]) *httptest.Server {
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
	var visits atomic.Int32
	mux.HandleFunc("/auth", func(w http.ResponseWriter, r *http.Request) {
		to := url.Values{"state": {r.FormValue("state")}, "code": {r.FormValue("nonce")}} // the code stands for the nonce
		if visits.Add(1) == 1 {
			to = url.Values{"state": {r.FormValue("state")}, "error": {"access_denied"}}
		}
		http.Redirect(w, r, *back.Load()+"/v1/oidc/callback?"+to.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "1"}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Unix()
		claims, _ := json.Marshal(map[string]any{
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

// TestProviderInBrowser signs in at an identity provider from the sign-in page:
// cancelled, linked to nobody, and well.
func TestProviderInBrowser(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, "web", "ui", "dist", "index.html")); err != nil {
		t.Fatal("the page is not built: run `make ui` first, or the tests by `make test`")
	}
	var back atomic.Pointer[string]
	issuer := newIssuer(t, &back)
	config := filepath.Join(t.TempDir(), "testzone.yaml")
	text := fmt.Sprintf(`
zone: {id: test, name: Test, tz: Asia/Shanghai, bbox: [121.90, 30.88, 121.96, 30.92]}
data_dir: %q
log: {level: info}
mavlink: [{name: open, addr: "127.0.0.1:0", mode: open}]
http:
  addr: "127.0.0.1:0"
  oidc:
    {name: Harbour ID, issuer: %[2]q, client_id: zone, auth_url: "%[2]s/auth", token_url: "%[2]s/token", jwks_url: "%[2]s/keys",
     redirect_url: "https://zone.example.org/v1/oidc/callback", allow_private: true}
`, t.TempDir(), issuer.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "serve", "--config", config)
	back.Store(&p.url)
	t.Log(node(t, 3*time.Minute, []string{"TZ_URL=" + p.url, "TZ_TOKEN=" + p.token, "TZ_ISSUER=" + issuer.URL}, "--test", filepath.Join("test", "provider", "signin.test.mjs")))
}
