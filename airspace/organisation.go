package airspace

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// OrganisationKind is what an organisation is in the zone.
type OrganisationKind string

// The kinds.
const (
	Operator   OrganisationKind = "operator"   // runs tests; its id is the operator of vehicles and fences
	Department OrganisationKind = "department" // reviews permits and supervises
	Authority  OrganisationKind = "authority"  // runs the zone
	Sandbox    OrganisationKind = "sandbox"    // rehearses, with a clock of its own: see Now
)

// Organisation is who people belong to. Its JSON is the journal's form: members
// are added, never changed.
type Organisation struct {
	ID       string           `json:"id"` // chosen: 1 to 40 of a-z, 0-9 and -
	Kind     OrganisationKind `json:"kind"`
	Name     string           `json:"name"`
	Disabled bool             `json:"disabled,omitempty"` // none of its people and keys may act
	ShiftUS  int64            `json:"shift_us,omitempty"` // of a sandbox: how far its clock is ahead
	Stamp
}

// maxName is the longest name of an organisation in characters.
const maxName = 120

func (o *Organisation) check() error {
	switch n := utf8.RuneCountInString(o.Name); {
	case !validName(o.ID):
		return fmt.Errorf("%w: id %q: use 1 to 40 of a-z, 0-9 and -", ErrAccount, o.ID)
	case !slices.Contains([]OrganisationKind{Operator, Department, Authority, Sandbox}, o.Kind):
		return fmt.Errorf("%w: kind %q: use operator, department, authority or sandbox", ErrAccount, o.Kind)
	case n < 1 || n > maxName:
		return fmt.Errorf("%w: a name has 1 to %d characters", ErrAccount, maxName)
	}
	return o.checkClock()
}

// Organisations lists all organisations, by id.
func (r *Register) Organisations() []Organisation {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return sorted(r.accounts.organisations)
}

// sorted is the values of m in the order of their ids.
func sorted[T any](m map[string]T) []T {
	out := make([]T, 0, len(m))
	for _, id := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[id])
	}
	return out
}

// Organisation is one organisation.
func (r *Register) Organisation(id string) (Organisation, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return find(r.accounts.organisations, "organisation", id)
}

func find[T any](m map[string]T, what, id string) (T, error) {
	v, ok := m[id]
	if !ok {
		return v, fmt.Errorf("%s %s: %w", what, id, ErrNotFound)
	}
	return v, nil
}

// CreateOrganisation adds an organisation under the id that it names.
func (r *Register) CreateOrganisation(ctx context.Context, who Actor, o Organisation) (Organisation, error) {
	if !who.May(Admin) {
		return Organisation{}, fmt.Errorf("create organisation: %s: %w", who.ID, ErrForbidden)
	}
	o.Stamp = Stamp{}
	if err := o.check(); err != nil {
		return Organisation{}, err
	}
	done, err := r.decideAccounts(ctx, who, "organisation.create", func(time.Time) ([]accountChange, error) {
		if _, taken := r.accounts.organisations[o.ID]; taken {
			return nil, fmt.Errorf("organisation %s: %w", o.ID, ErrExists)
		}
		made := o
		return []accountChange{{Organisation: &made}}, nil
	})
	if err != nil {
		return Organisation{}, err
	}
	return *done[0].Organisation, nil
}

// ReplaceOrganisation changes name, clock and whether the organisation is
// disabled, if rev is its current revision. The kind stays: people have rights
// because of it.
func (r *Register) ReplaceOrganisation(ctx context.Context, who Actor, rev uint64, o Organisation) (Organisation, error) {
	if !who.May(Admin) {
		return Organisation{}, fmt.Errorf("replace organisation %s: %s: %w", o.ID, who.ID, ErrForbidden)
	}
	_, err := r.decideAccounts(ctx, who, "organisation.replace", func(time.Time) ([]accountChange, error) {
		old, err := find(r.accounts.organisations, "organisation", o.ID)
		if err != nil {
			return nil, err
		}
		if err := current("organisation", o.ID, old.Stamp, rev); err != nil {
			return nil, err
		}
		made := old
		made.Name, made.Disabled, made.ShiftUS = o.Name, o.Disabled, o.ShiftUS
		if err := made.check(); err != nil {
			return nil, err
		}
		if made.ShiftUS < old.ShiftUS {
			return nil, fmt.Errorf("%w: the clock of a sandbox only goes forward", ErrAccount)
		}
		// Its people lose their rights all at once; administrators go one by one.
		if o.Disabled && r.administrators(func(p Person) bool { return p.Org != o.ID }) > 0 {
			return nil, fmt.Errorf("organisation %s has administrators: %w", o.ID, ErrTwoPersons)
		}
		return []accountChange{{Organisation: &made}}, nil
	})
	if err != nil {
		return Organisation{}, err
	}
	return r.Organisation(o.ID)
}
