package airspace

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// APIKey is what a program shows to act for a person. The register knows all
// but the secret, whose digest stands in the secret store. Its JSON is the
// journal's form: members are added, never changed.
type APIKey struct {
	ID        string   `json:"id"`     // k_…
	Person    string   `json:"person"` // owner: its rights bound the key's, and it answers for the key
	Scopes    []Scope  `json:"scopes"`
	ExpiresUS int64    `json:"expires_us,omitempty"` // 0: never
	CIDRs     []string `json:"cidrs,omitempty"`      // addresses that may use it; none: all
	Revoked   bool     `json:"revoked,omitempty"`
	Stamp
}

// maxCIDRs bounds what is compared with each request.
const maxCIDRs = 32

func (k APIKey) clone() APIKey {
	k.Scopes, k.CIDRs = slices.Clone(k.Scopes), slices.Clone(k.CIDRs)
	return k
}

// From reports whether the key may be used from an address.
func (k *APIKey) From(addr netip.Addr) bool {
	if len(k.CIDRs) == 0 {
		return true
	}
	return slices.ContainsFunc(k.CIDRs, func(cidr string) bool {
		p, err := netip.ParsePrefix(cidr)
		return err == nil && p.Contains(addr.Unmap().WithZone(""))
	})
}

// Expired reports whether the key's time is over, by the clock of its owner's
// organisation.
func (k *APIKey) Expired(now time.Time) bool {
	return k.ExpiresUS != 0 && now.UnixMicro() >= k.ExpiresUS
}

// APIKeys lists all keys, by id; revoked and expired ones too.
func (r *Register) APIKeys() []APIKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := sorted(r.accounts.keys)
	for i := range out {
		out[i] = out[i].clone()
	}
	return out
}

// APIKey is one key.
func (r *Register) APIKey(id string) (APIKey, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	k, err := find(r.accounts.keys, "key", id)
	return k.clone(), err
}

// KeyActor is the owner of a key as somebody who acts by it: the owner's roles,
// narrowed to the key's scopes. Expiry and addresses are the caller's to check.
func (r *Register) KeyActor(id string) (Actor, APIKey, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	k, err := find(r.accounts.keys, "key", id)
	if err != nil {
		return Actor{}, k, err
	}
	if k.Revoked {
		return Actor{}, k, fmt.Errorf("key %s: %w", id, ErrDisabled)
	}
	p, err := r.activePerson(k.Person)
	if err != nil {
		return Actor{}, k, err
	}
	k = k.clone()
	return Actor{ID: k.ID, Key: k.ID, Person: p.ID, Org: p.Org, Roles: slices.Clone(p.Roles), Only: k.Scopes}, k, nil
}

// CreateAPIKey makes a key; the id is the register's. It has no right that its
// owner lacks. Whoever has the key acts as its owner, so that only the owner
// makes it: else an administrator could be two persons. The telemetry of
// vehicles is excepted, since vehicles make no keys.
func (r *Register) CreateAPIKey(ctx context.Context, who Actor, k APIKey) (APIKey, error) {
	made := APIKey{ID: newAccountID(ctx, "k_"), Person: k.Person, Scopes: k.Scopes, ExpiresUS: k.ExpiresUS, CIDRs: k.CIDRs}
	if who.Key != "" { // else a stolen key could have children that outlive it
		return APIKey{}, fmt.Errorf("create key: %w", ErrNoPerson)
	}
	if who.Person != k.Person && !who.May(Admin) {
		return APIKey{}, fmt.Errorf("create key for %s: %s: %w", k.Person, who.ID, ErrForbidden)
	}
	done, err := r.decideAccounts(ctx, who, "key.create", func(now time.Time) ([]accountChange, error) {
		owner, err := r.activePerson(k.Person)
		if err != nil {
			return nil, err
		}
		org := r.accounts.organisations[owner.Org]
		if err := made.check(org.Now(now)); err != nil {
			return nil, err
		}
		for _, s := range made.Scopes {
			own := who.Person == owner.ID && who.May(s)
			if !owner.may(s) || !own && s != VehicleTelemetry {
				return nil, fmt.Errorf("key with %s: %w", s, ErrOwnRights)
			}
		}
		next := made.clone()
		return []accountChange{{Key: &next}}, nil
	})
	if err != nil {
		return APIKey{}, err
	}
	return done[0].Key.clone(), nil
}

func (k *APIKey) check(now time.Time) error {
	if len(k.Scopes) == 0 {
		return fmt.Errorf("%w: give the key at least one scope", ErrAccount)
	}
	for i, s := range k.Scopes {
		if !slices.Contains(AllScopes(), s) || slices.Contains(k.Scopes[:i], s) {
			return fmt.Errorf("%w: %q is not a scope, or stands twice", ErrAccount, s)
		}
	}
	if k.Expired(now) {
		return fmt.Errorf("%w: the key would have expired already", ErrAccount)
	}
	if len(k.CIDRs) > maxCIDRs {
		return fmt.Errorf("%w: at most %d address ranges", ErrAccount, maxCIDRs)
	}
	for _, c := range k.CIDRs {
		if p, err := netip.ParsePrefix(c); err != nil || p != p.Masked() || p.Addr().Is4In6() {
			return fmt.Errorf("%w: %q is not an address range such as 192.0.2.0/24", ErrAccount, c)
		}
	}
	return nil
}

// RevokeAPIKey ends a key for good, if rev is its current revision. Its owner
// and administrators may.
func (r *Register) RevokeAPIKey(ctx context.Context, who Actor, id string, rev uint64) (APIKey, error) {
	_, err := r.decideAccounts(ctx, who, "key.revoke", func(time.Time) ([]accountChange, error) {
		k, err := find(r.accounts.keys, "key", id)
		if err != nil {
			return nil, err
		}
		if who.Person != k.Person && !who.May(Admin) {
			return nil, fmt.Errorf("key %s: %w", id, ErrNotFound) // of others one does not learn
		}
		if err := current("key", id, k.Stamp, rev); err != nil {
			return nil, err
		}
		next := k.clone()
		next.Revoked = true
		return []accountChange{{Key: &next}}, nil
	})
	if err != nil {
		return APIKey{}, err
	}
	return r.APIKey(id)
}
