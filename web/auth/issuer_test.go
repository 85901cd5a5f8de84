package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

type object = map[string]any

// issuer is a real identity provider in this process: authorisation endpoint,
// token endpoint with PKCE, keys.
type issuer struct {
	t      *testing.T
	server *httptest.Server
	clock  *testClock
	rsa    *rsa.PrivateKey // whose public half is published
	signer *rsa.PrivateKey // who signs
	ec     *ecdsa.PrivateKey
	ed     ed25519.PrivateKey

	mu     sync.Mutex // guards the fields below
	codes  map[string]url.Values
	edit   func(header, claims object) // what is wrong with the next tokens
	token  func() string               // overrides the token
	down   bool
	fetchs int
}

func newIssuer(t *testing.T, clock *testClock) *issuer {
	t.Helper()
	i := &issuer{t: t, clock: clock, codes: map[string]url.Values{}}
	var err1, err2, err3 error
	i.rsa, err1 = rsa.GenerateKey(rand.Reader, 2048)
	i.ec, err2 = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, i.ed, err3 = ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	i.signer = i.rsa
	mux := http.NewServeMux()
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /auth", i.authorise)
	mux.HandleFunc("POST /token", i.exchange)
	i.server = httptest.NewServer(mux)
	t.Cleanup(i.server.Close)
	return i
}

func (i *issuer) config() *OIDCConfig {
	return &OIDCConfig{
		Issuer: i.server.URL, ClientID: "zone", ClientSecret: "client secret", AuthURL: i.server.URL + "/auth", TokenURL: i.server.URL + "/token",
		JWKSURL: i.server.URL + "/keys", RedirectURL: "https://zone.example.org/v1/oidc/callback", AllowPrivate: true,
	}
}

func (i *issuer) keys(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fetchs++
	if i.down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: &i.rsa.PublicKey, KeyID: "rsa", Algorithm: "RS256", Use: "sig"}, {Key: &i.ec.PublicKey, KeyID: "ec"}, {Key: i.ed.Public(), KeyID: "ed"},
		{Key: &i.rsa.PublicKey, KeyID: "enc", Use: "enc"}, {Key: []byte("a shared secret that is published"), KeyID: "oct"},
	}})
}

func (i *issuer) authorise(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != "zone" || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || len(q.Get("state")) < 43 {
		i.t.Errorf("authorisation request: %v", q)
	}
	code := random()
	i.codes[code] = q
	http.Redirect(w, r, q.Get("redirect_uri")+"?code="+code+"&state="+q.Get("state")+"&session_state=x", http.StatusFound)
}

func (i *issuer) exchange(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	q, ok := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	_, secret, _ := r.BasicAuth()
	if secret == "" {
		secret = r.FormValue("client_secret")
	}
	if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") || secret != "client+secret" && secret != "client secret" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	token := i.sign(q.Get("nonce"))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object{"access_token": "x", "token_type": "Bearer", "id_token": token})
}

// sign makes a token, right but for edit. Called with i.mu held.
func (i *issuer) sign(nonce string) string {
	if i.token != nil {
		return i.token()
	}
	now := i.clock.now().Unix()
	header := object{"alg": "RS256", "kid": "rsa", "typ": "JWT"}
	claims := object{"iss": i.server.URL, "aud": "zone", "sub": "sub-ada", "nonce": nonce, "iat": now, "exp": now + 300}
	if i.edit != nil {
		i.edit(header, claims)
	}
	return i.jwt(header, claims)
}

func (i *issuer) jwt(header, claims object) string {
	part := func(o object) string {
		maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
		b, _ := json.Marshal(o)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	alg := header["alg"]
	body := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(body))
	var sig []byte
	switch alg {
	case "RS256":
		sig, _ = rsa.SignPKCS1v15(rand.Reader, i.signer, crypto.SHA256, sum[:])
	case "PS256":
		sig, _ = rsa.SignPSS(rand.Reader, i.signer, crypto.SHA256, sum[:], nil)
	case "ES256":
		r, s, _ := ecdsa.Sign(rand.Reader, i.ec, sum[:])
		sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case "EdDSA":
		sig = ed25519.Sign(i.ed, []byte(body))
	case "HS256": // the classical confusion: the public key as a shared secret
		der, _ := x509.MarshalPKIXPublicKey(&i.rsa.PublicKey)
		secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		if header["kid"] == "oct" {
			secret = []byte("a shared secret that is published")
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(body))
		sig = mac.Sum(nil)
	}
	return body + "." + base64.RawURLEncoding.EncodeToString(sig)
}
