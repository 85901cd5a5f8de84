package airspace

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Person is somebody who acts in the zone, as the journal knows it: what is
// personal (name, login, password) stands in the secret store beside the
// journal and can be erased. Its JSON is the journal's form: members are added,
// never changed. The revision moves with every change of rights, so that
// whatever was signed in before ends.
type Person struct {
	ID       string `json:"id"` // p_…
	Org      string `json:"org"`
	Roles    []Role `json:"roles"`
	Disabled bool   `json:"disabled,omitempty"`
	Erased   bool   `json:"erased,omitempty"` // its personal data is gone for good; implies Disabled
	// ResetBy is who gave this person a new password or identity last, and when:
	// for a week the two do not count as two persons.
	ResetBy string `json:"reset_by,omitempty"`
	ResetUS int64  `json:"reset_us,omitempty"`
	Stamp
}

// clone keeps the state's slices from being shared.
func (p Person) clone() Person {
	p.Roles = slices.Clone(p.Roles)
	return p
}

func (p *Person) has(role Role) bool { return slices.Contains(p.Roles, role) }

// may reports whether the person's roles hold the scope.
func (p *Person) may(s Scope) bool { return Actor{Roles: p.Roles}.May(s) }

// People lists all people, by id; disabled and erased ones too.
func (r *Register) People() []Person {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := sorted(r.accounts.people)
	for i := range out {
		out[i] = out[i].clone()
	}
	return out
}

// Person is one person.
func (r *Register) Person(id string) (Person, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p, err := find(r.accounts.people, "person", id)
	return p.clone(), err
}

// PersonActor is the person as somebody who acts, with the revision of its
// rights. An ErrDisabled says that it may not act at all.
func (r *Register) PersonActor(id string) (Actor, uint64, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p, err := r.activePerson(id)
	if err != nil {
		return Actor{}, 0, err
	}
	return Actor{ID: p.ID, Person: p.ID, Org: p.Org, Roles: slices.Clone(p.Roles)}, p.Rev, nil
}

// activePerson is a person that may act. Called with r.mu held.
func (r *Register) activePerson(id string) (Person, error) {
	p, err := find(r.accounts.people, "person", id)
	if err != nil {
		return p, err
	}
	if p.Disabled || r.accounts.organisations[p.Org].Disabled {
		return p, fmt.Errorf("person %s: %w", id, ErrDisabled)
	}
	return p, nil
}

// HasAdministrator reports whether an administrator exists who may act: from
// then on the zone is set up, and the bootstrap token is an administrator's only.
func (r *Register) HasAdministrator() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.administrators(func(Person) bool { return false }) > 0
}

// administrators counts those who may act, without those that are named.
// Called with r.mu held.
func (r *Register) administrators(without func(Person) bool) (n int) {
	for _, p := range r.accounts.people {
		if r.administers(&p) && !without(p) {
			n++
		}
	}
	return n
}

// administers reports whether a person is an administrator who may act. Called
// with r.mu held.
func (r *Register) administers(p *Person) bool {
	return p.has(Administrator) && !p.Disabled && !r.accounts.organisations[p.Org].Disabled
}

// administratorsWithout refuses to leave no administrator behind. Called with r.mu held.
func (r *Register) administratorsWithout(without func(Person) bool) error {
	if r.administrators(func(Person) bool { return false }) > 0 && r.administrators(without) == 0 {
		return ErrLastAdministrator
	}
	return nil
}

// CreatePerson adds a person; the id is the register's. Once two administrators
// exist, a further one needs two persons: see ActAppoint.
func (r *Register) CreatePerson(ctx context.Context, who Actor, p Person) (Person, error) {
	if !who.May(Admin) {
		return Person{}, fmt.Errorf("create person: %s: %w", who.ID, ErrForbidden)
	}
	made := Person{ID: newAccountID(ctx, "p_"), Org: p.Org, Roles: p.Roles, Disabled: p.Disabled}
	done, err := r.decideAccounts(ctx, who, "person.create", func(time.Time) ([]accountChange, error) {
		if err := r.checkPerson(&made); err != nil {
			return nil, err
		}
		if r.administers(&made) && r.appointNeedsTwo() {
			return nil, fmt.Errorf("a further administrator: %w", ErrTwoPersons)
		}
		next := made.clone()
		return []accountChange{{Person: &next}}, nil
	})
	if err != nil {
		return Person{}, err
	}
	return done[0].Person.clone(), nil
}

// appointNeedsTwo: a single administrator has nobody who could confirm. Called with r.mu held.
func (r *Register) appointNeedsTwo() bool {
	return r.administrators(func(Person) bool { return false }) >= 2
}

// checkPerson finds what is wrong with a person. Called with r.mu held.
func (r *Register) checkPerson(p *Person) error {
	org, ok := r.accounts.organisations[p.Org]
	if !ok {
		return fmt.Errorf("%w: there is no organisation %q", ErrAccount, p.Org)
	}
	if len(p.Roles) == 0 {
		return fmt.Errorf("%w: give at least one role", ErrAccount)
	}
	for i, role := range p.Roles {
		if !slices.Contains(Roles(), role) || slices.Contains(p.Roles[:i], role) {
			return fmt.Errorf("%w: %q is not a role, or stands twice", ErrAccount, role)
		}
		if !fits(role, org.Kind) {
			return fmt.Errorf("%w: nobody in an organisation of kind %s can be %s", ErrAccount, org.Kind, role)
		}
	}
	return nil
}

// fits says which roles an organisation's people may have: who applies for
// permits does not decide about them, and only the authority runs the zone.
func fits(role Role, kind OrganisationKind) bool {
	switch role {
	case Administrator, Controller:
		return kind == Authority
	case Reviewer:
		return kind == Department || kind == Sandbox
	case Auditor: // reads of everybody what they did
		return kind == Authority || kind == Department
	case TestOperator, Applicant, VehicleRole:
		return kind == Operator || kind == Sandbox
	}
	return true
}

// ReplacePerson gives a person another organisation, other roles, or disables
// it, if rev is its current revision. Who takes an administrator's rights away,
// and who makes one where two exist, needs a second person.
func (r *Register) ReplacePerson(ctx context.Context, who Actor, rev uint64, p Person) (Person, error) {
	if !who.May(Admin) {
		return Person{}, fmt.Errorf("replace person %s: %s: %w", p.ID, who.ID, ErrForbidden)
	}
	_, err := r.decideAccounts(ctx, who, "person.replace", func(time.Time) ([]accountChange, error) {
		old, err := find(r.accounts.people, "person", p.ID)
		if err != nil {
			return nil, err
		}
		if err := current("person", p.ID, old.Stamp, rev); err != nil {
			return nil, err
		}
		made := old.clone()
		made.Org, made.Roles, made.Disabled = p.Org, slices.Clone(p.Roles), p.Disabled || old.Erased
		if err := r.checkPerson(&made); err != nil {
			return nil, err
		}
		if err := r.mayReplace(who, &old, &made); err != nil {
			return nil, err
		}
		return []accountChange{{Person: &made}}, nil
	})
	if err != nil {
		return Person{}, err
	}
	return r.Person(p.ID)
}

// mayReplace holds the rules about who changes whose rights. Called with r.mu held.
func (r *Register) mayReplace(who Actor, old, made *Person) error {
	if who.Person == old.ID {
		if made.Org != old.Org || old.Disabled && !made.Disabled {
			return ErrOwnRights
		}
		for _, role := range made.Roles {
			if !old.has(role) {
				return ErrOwnRights
			}
		}
	}
	was, is := r.administers(old), r.administers(made)
	if was && !is {
		if err := r.administratorsWithout(func(p Person) bool { return p.ID == old.ID }); err != nil {
			return err
		}
		if who.Person != old.ID { // to step back needs nobody else
			return fmt.Errorf("remove an administrator: %w", ErrTwoPersons)
		}
	}
	if !was && is && r.appointNeedsTwo() {
		return fmt.Errorf("a further administrator: %w", ErrTwoPersons)
	}
	return nil
}

// NoteReset journals that somebody gives another person a new password or
// identity, before that happens: from then on for a week the two do not count
// as two persons, and what was signed in ends.
func (r *Register) NoteReset(ctx context.Context, who Actor, id string) (Person, error) {
	if !who.May(Admin) {
		return Person{}, fmt.Errorf("new credentials for %s: %s: %w", id, who.ID, ErrForbidden)
	}
	done, err := r.decideAccounts(ctx, who, "person.credentials_reset", func(now time.Time) ([]accountChange, error) {
		p, err := find(r.accounts.people, "person", id)
		if err != nil {
			return nil, err
		}
		if p.Erased {
			return nil, fmt.Errorf("person %s: %w", id, ErrDisabled)
		}
		next := p.clone()
		next.ResetBy, next.ResetUS = who.responsible(), now.UnixMicro()
		return []accountChange{{Person: &next}}, nil
	})
	if err != nil {
		return Person{}, err
	}
	return done[0].Person.clone(), nil
}

// responsible is the person that answers for the actor, else the actor itself.
func (a Actor) responsible() string {
	if a.Person != "" {
		return a.Person
	}
	return a.ID
}
