package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	keysFresh    = 10 * time.Minute // after that they are fetched again, when possible
	keysLife     = time.Hour        // after that they are not believed
	refreshEvery = 10 * time.Second // between two fetches, whatever asks for them
	maxJWKS      = 1 << 20          // bytes
	fetchTimeout = 5 * time.Second
)

var errNoKey = errors.New("no key of the provider has signed it")

// keySet is the provider's public keys, from one fixed URL. Tokens choose among
// them by kid; what a token says of keys elsewhere (jku, x5u, jwk) is not
// looked at. An unknown kid makes it fetch, but not often: tokens are made by
// anybody. While the provider is down the keys that are known stay good for
// their time.
type keySet struct {
	url        string
	client     *http.Client
	algorithms []string
	clock      func() time.Time

	mu      sync.Mutex // guards the fields below
	keys    []jose.JSONWebKey
	fetched time.Time // when keys arrived
	tried   time.Time // when they were asked for last
	cause   error     // why that failed
}

// VerifySignature is the payload of a token that one of the keys signed. It
// implements oidc.KeySet.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	algorithms := make([]jose.SignatureAlgorithm, len(k.algorithms))
	for i, a := range k.algorithms {
		algorithms[i] = jose.SignatureAlgorithm(a)
	}
	jws, err := jose.ParseSigned(token, algorithms)
	if err != nil {
		return nil, err
	}
	if len(jws.Signatures) != 1 {
		return nil, errors.New("it has not one signature")
	}
	key, err := k.key(ctx, jws.Signatures[0].Header.KeyID)
	if err != nil {
		return nil, err
	}
	if key.Algorithm != "" && key.Algorithm != jws.Signatures[0].Header.Algorithm {
		return nil, errNoKey
	}
	return jws.Verify(key)
}

// ready is an ErrProvider when there are no keys to believe.
func (k *keySet) ready(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock()
	if now.Sub(k.fetched) >= keysFresh {
		k.refresh(ctx, now)
	}
	if now.Sub(k.fetched) >= keysLife {
		return fmt.Errorf("%w: its keys cannot be fetched: %w", ErrProvider, k.cause)
	}
	return nil
}

// key is the key of that id. The fetch is under the lock: who comes meanwhile
// would fetch the same.
func (k *keySet) key(ctx context.Context, kid string) (jose.JSONWebKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, known := k.find(kid)
	if !known {
		k.refresh(ctx, k.clock())
		key, known = k.find(kid)
	}
	if !known {
		return key, errNoKey
	}
	return key, nil
}

func (k *keySet) find(kid string) (jose.JSONWebKey, bool) {
	for _, key := range k.keys {
		if key.KeyID == kid && (key.Use == "" || key.Use == "sig") && key.Valid() && key.IsPublic() {
			return key, true
		}
	}
	return jose.JSONWebKey{}, false
}

// refresh fetches the keys, unless that was just tried. Called with k.mu held.
func (k *keySet) refresh(ctx context.Context, now time.Time) {
	if !k.tried.IsZero() && now.Sub(k.tried) < refreshEvery {
		return
	}
	k.tried = now
	keys, err := k.fetch(ctx)
	if k.cause = err; err == nil {
		k.keys, k.fetched = keys, now
	}
}

func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	// Who hangs up must not make everybody wait for the next fetch.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	res, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", k.url, res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxJWKS))
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("keys of %s: %w", k.url, err)
	}
	return set.Keys, nil
}

var errPrivateTarget = errors.New("the address is loopback, link-local or private: allow it in the configuration if that is meant")

// newClient talks to the identity provider: to no address inside our own
// network unless that is allowed, over no proxy, and it follows no redirect.
func newClient(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: fetchTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		if allowPrivate {
			return nil
		}
		// After name resolution: a name cannot hide where it leads.
		ap, err := netip.ParseAddrPort(address)
		if err != nil || !public(ap.Addr()) {
			return fmt.Errorf("%s: %w", address, errPrivateTarget)
		}
		return nil
	}}
	return &http.Client{
		Timeout:       2 * fetchTimeout,
		Transport:     &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: fetchTimeout, MaxIdleConns: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// public reports whether an address is one of the public internet.
func public(a netip.Addr) bool {
	a = a.Unmap()
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10) // RFC 6598
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}
