package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
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

// HasKeySecret reports whether the secret of a key was made.
func (a *Authenticator) HasKeySecret(id string) bool {
	s := a.secrets
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key(id) != nil
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
	if err != nil || k.Expired(now.Add(a.accounts.Ahead(actor.Org))) || !k.From(peer) {
		return airspace.Actor{}, ErrBadToken
	}
	a.secrets.used(id, peer.String(), now)
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

// used notes the use of a key, for Flush to write: nobody waits for a disk to
// be let in.
func (s *Secrets) used(id, address string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.key(id); k != nil {
		k.UsedUS, k.UsedFrom = now.UnixMicro(), address
	}
}

// Flush writes the last uses that are not in the files yet.
func (s *Secrets) Flush() error {
	var due []string
	s.mu.Lock()
	for id, v := range s.people {
		for _, k := range v.Keys {
			if k.UsedUS != k.savedUS {
				due = append(due, id)
				break
			}
		}
	}
	s.mu.Unlock()
	erased := errors.New("erased meanwhile")
	var errs []error
	for _, id := range due {
		err := s.change(id, func(v *sealed) error {
			if len(v.Keys) == 0 {
				return erased
			}
			return nil
		})
		if err != erased {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Run writes the last uses of keys now and then, until ctx ends, and once more.
func (a *Authenticator) Run(ctx context.Context) error {
	again := time.NewTicker(flushEvery)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-ctx.Done():
		}
		if err := a.secrets.Flush(); err != nil {
			a.log.Warn("last use of keys not written", "err", err) // no reason to stop, nor to fail at the stop
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}
