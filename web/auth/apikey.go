package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"testzone/airspace"
)

// keyPrefix begins every API key: tz_<id>_<32 random bytes>. The id begins with
// k_, which no token of another kind does.
const keyPrefix = "tz_k_"

// KeyUse is when and from where a key was used last.
type KeyUse struct {
	Label  string
	UsedUS int64 // 0: never
	From   string
}

// NewKeySecret makes the secret of a key that the register made, and keeps its
// digest. It is the only time that the secret is seen.
func (a *Authenticator) NewKeySecret(k airspace.APIKey, label string) (string, error) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	token := "tz_" + k.ID + "_" + base64.RawURLEncoding.EncodeToString(b[:])
	sum := sha256.Sum256([]byte(token))
	err := a.secrets.change(k.Person, func(v *sealed) error {
		if v.Keys == nil {
			v.Keys = map[string]*keySecret{}
		}
		v.Keys[k.ID] = &keySecret{SHA256: sum[:], Label: label}
		return nil
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// KeyUse is what the store knows of a key; empty for an erased one.
func (a *Authenticator) KeyUse(id string) KeyUse {
	s := a.secrets
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.key(id)
	if k == nil {
		return KeyUse{}
	}
	return KeyUse{Label: k.Label, UsedUS: k.UsedUS, From: k.UsedFrom}
}

// key is nil when there is none. Called with s.mu held.
func (s *Secrets) key(id string) *keySecret {
	person, ok := s.keys[id]
	if !ok {
		return nil
	}
	return s.people[person].Keys[id]
}

// keyID is the id inside a token, empty when it is no API key.
func keyID(token string) string {
	rest, ok := strings.CutPrefix(token, keyPrefix)
	if !ok {
		return ""
	}
	id, _, ok := strings.Cut(rest, "_")
	if !ok {
		return ""
	}
	return "k_" + id
}

// byKey is who acts with a key whose secret was right. Whatever is wrong with
// the key, the answer is the same.
func (a *Authenticator) byKey(id string, peer netip.Addr) (airspace.Actor, error) {
	now := a.clock()
	actor, k, err := a.accounts.KeyActor(id)
	if err != nil || k.Expired(now) || !k.From(peer) {
		return airspace.Actor{}, ErrBadToken
	}
	if err := a.secrets.used(id, peer.String(), now); err != nil {
		return airspace.Actor{}, fmt.Errorf("note the use of key %s: %w", id, err)
	}
	actor.Name = a.secrets.Profile(actor.Person).Name
	return actor, nil
}

func (s *Secrets) matches(id, token string) bool {
	sum := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.key(id)
	return k != nil && subtle.ConstantTimeCompare(sum[:], k.SHA256) == 1
}

// used notes the use of a key, in the file only now and then.
func (s *Secrets) used(id, address string, now time.Time) error {
	s.mu.Lock()
	k := s.key(id)
	if k == nil {
		s.mu.Unlock()
		return nil
	}
	person := s.keys[id]
	k.UsedUS, k.UsedFrom = now.UnixMicro(), address
	due := k.UsedUS-k.savedUS >= useEvery.Microseconds()
	s.mu.Unlock()
	if !due {
		return nil
	}
	return s.change(person, func(*sealed) error { return nil })
}
