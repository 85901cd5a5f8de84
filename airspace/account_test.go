package airspace_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"testzone/airspace"
	"testzone/telemetry/journal"
)

var setUp = airspace.Actor{ID: "bootstrap", Roles: []airspace.Role{airspace.Administrator, airspace.SetUp}}

// accountRig is a register with an authority and an operator, and a clock that
// a test turns.
type accountRig struct {
	t *testing.T
	*airspace.Register
	journal *journal.Journal
	now     time.Time
}

func newAccountRig(t *testing.T, dir string) *accountRig {
	t.Helper()
	j, err := journal.Open(journal.Config{Dir: dir, Group: "north", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	r := &accountRig{t: t, journal: j, now: time.UnixMicro(1_700_000_000_000_000)}
	r.Register, err = airspace.NewRegister(airspace.Config{
		Zone: airspace.Zone{ID: "north"}, Journal: j, Clock: func() time.Time { return r.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Replay(1, r.Replay); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *accountRig) organisation(id string, kind airspace.OrganisationKind) {
	r.t.Helper()
	if _, err := r.CreateOrganisation(r.t.Context(), setUp, airspace.Organisation{ID: id, Kind: kind, Name: id}); err != nil {
		r.t.Fatal(err)
	}
}

// person is a new one, made with the rights of the set-up; a further
// administrator is appointed by two that exist.
func (r *accountRig) person(org string, roles ...airspace.Role) airspace.Person {
	r.t.Helper()
	p, err := r.CreatePerson(r.t.Context(), setUp, airspace.Person{Org: org, Roles: roles})
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r *accountRig) actor(p airspace.Person) airspace.Actor {
	r.t.Helper()
	a, _, err := r.PersonActor(p.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func (r *accountRig) again(p airspace.Person) airspace.Person {
	r.t.Helper()
	p, err := r.Person(p.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// standard is an authority with two administrators and a controller, and an
// operator with one person.
func standard(t *testing.T) (r *accountRig, ada, bob, carl, olga airspace.Person) {
	r = newAccountRig(t, t.TempDir())
	r.organisation("zone", airspace.Authority)
	r.organisation("acme", airspace.Operator)
	ada, bob = r.person("zone", airspace.Administrator), r.person("zone", airspace.Administrator)
	return r, ada, bob, r.person("zone", airspace.Controller), r.person("acme", airspace.TestOperator)
}

// TestRoleTable prints the table of rights, and compares it: a right that
// moves must move here too.
func TestRoleTable(t *testing.T) {
	want := `administrator        zone.read admin
controller           zone.read zone.control fence.write fence.emergency vehicle.command
test_operator        zone.read permit.apply vehicle.register vehicle.telemetry vehicle.command
department_reviewer  zone.read permit.review permit.decide
applicant            zone.read permit.apply
observer             zone.read
auditor              zone.read audit.read
vehicle              vehicle.telemetry
`
	var got strings.Builder
	for _, role := range airspace.Roles() {
		scopes := airspace.Actor{Roles: []airspace.Role{role}}.Scopes()
		fmt.Fprintf(&got, "%-20s %s\n", role, strings.Trim(fmt.Sprint(scopes), "[]"))
	}
	t.Log("\n" + got.String())
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Errorf("rights moved (-want +got):\n%s", d)
	}
	if got := setUp.Scopes(); !slices.Equal(got, airspace.AllScopes()) {
		t.Errorf("the set-up has %v", got)
	}
	if slices.Contains(airspace.Roles(), airspace.SetUp) {
		t.Error("a person could have the rights of the set-up")
	}
	for name, c := range map[string]struct {
		only []airspace.Scope
		want []airspace.Scope
	}{
		"no key":           {nil, []airspace.Scope{"zone.read", "zone.control", "fence.write", "fence.emergency", "vehicle.command"}},
		"nothing":          {[]airspace.Scope{}, nil},
		"one":              {[]airspace.Scope{"fence.write"}, []airspace.Scope{"fence.write"}},
		"more than a role": {[]airspace.Scope{"admin", "zone.read"}, []airspace.Scope{"zone.read"}},
	} {
		a := airspace.Actor{Roles: []airspace.Role{airspace.Controller, airspace.Observer}, Only: c.only}
		if got := a.Scopes(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAccountsLiveThroughARestart(t *testing.T) {
	dir := t.TempDir()
	r := newAccountRig(t, dir)
	if r.HasAdministrator() {
		t.Error("an empty zone is set up")
	}
	r.organisation("zone", airspace.Authority)
	ada := r.person("zone", airspace.Administrator)
	key, err := r.CreateAPIKey(t.Context(), r.actor(ada), airspace.APIKey{
		Person: ada.ID, Scopes: []airspace.Scope{airspace.ZoneRead}, CIDRs: []string{"192.0.2.0/24"}, ExpiresUS: r.now.Add(time.Hour).UnixMicro(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Propose(t.Context(), r.actor(ada), airspace.ActErase, r.person("zone", airspace.Controller).ID, "left"); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(time.Minute)
	if _, err := r.RevokeAPIKey(t.Context(), r.actor(ada), key.ID, 1); err != nil {
		t.Fatal(err)
	}
	orgs, people, keys, proposals := r.Organisations(), r.People(), r.APIKeys(), r.Proposals()
	if keys[0].Rev != 2 || keys[0].CreatedUS != key.CreatedUS || keys[0].UpdatedUS != r.now.UnixMicro() || keys[0].UpdatedBy != ada.ID {
		t.Errorf("key %+v", keys[0])
	}
	if err := r.journal.Close(); err != nil {
		t.Fatal(err)
	}
	r = newAccountRig(t, dir)
	for name, pair := range map[string][2]any{
		"organisations": {orgs, r.Organisations()}, "people": {people, r.People()}, "keys": {keys, r.APIKeys()}, "proposals": {proposals, r.Proposals()},
	} {
		if d := cmp.Diff(pair[0], pair[1]); d != "" {
			t.Errorf("%s after a restart:\n%s", name, d)
		}
	}
	// What follows is decided against what was replayed.
	if _, err := r.ReplacePerson(t.Context(), setUp, 1, airspace.Person{ID: people[1].ID, Org: "zone", Roles: people[1].Roles}); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

func TestWhoCanBe(t *testing.T) {
	r, ada, _, _, olga := standard(t)
	who := r.actor(ada)
	r.organisation("roads", airspace.Department)
	for _, c := range []struct {
		org   string
		roles []airspace.Role
		want  error
	}{
		{"zone", []airspace.Role{airspace.Controller, airspace.Auditor}, nil},
		{"roads", []airspace.Role{airspace.Reviewer}, nil},
		{"acme", []airspace.Role{airspace.Applicant, airspace.TestOperator}, nil},
		{"acme", []airspace.Role{airspace.Reviewer}, airspace.ErrAccount},
		{"acme", []airspace.Role{airspace.Administrator}, airspace.ErrAccount},
		{"acme", []airspace.Role{airspace.Auditor}, airspace.ErrAccount},
		{"roads", []airspace.Role{airspace.Auditor}, nil},
		{"roads", []airspace.Role{airspace.Applicant}, airspace.ErrAccount},
		{"roads", []airspace.Role{airspace.Controller}, airspace.ErrAccount},
		{"none", []airspace.Role{airspace.Observer}, airspace.ErrAccount},
		{"zone", nil, airspace.ErrAccount},
		{"zone", []airspace.Role{"king"}, airspace.ErrAccount},
		{"zone", []airspace.Role{airspace.SetUp}, airspace.ErrAccount},
		{"zone", []airspace.Role{airspace.Observer, airspace.Observer}, airspace.ErrAccount},
		{"zone", []airspace.Role{airspace.Administrator}, airspace.ErrTwoPersons},
	} {
		if _, err := r.CreatePerson(t.Context(), who, airspace.Person{Org: c.org, Roles: c.roles}); !errors.Is(err, c.want) {
			t.Errorf("%v of %s: %v, want %v", c.roles, c.org, err, c.want)
		}
	}
	for _, o := range []airspace.Organisation{
		{ID: "Acme", Kind: airspace.Operator, Name: "x"}, {ID: "", Kind: airspace.Operator, Name: "x"}, {ID: "x", Kind: "club", Name: "x"},
		{ID: "x", Kind: airspace.Operator}, {ID: "x", Kind: airspace.Operator, Name: strings.Repeat("x", 121)},
		{ID: "x", Kind: airspace.Operator, Name: "x", ShiftUS: 1}, {ID: "x", Kind: airspace.Sandbox, Name: "x", ShiftUS: -1},
	} {
		if _, err := r.CreateOrganisation(t.Context(), who, o); !errors.Is(err, airspace.ErrAccount) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := r.CreateOrganisation(t.Context(), who, airspace.Organisation{ID: "acme", Kind: airspace.Operator, Name: "x"}); !errors.Is(err, airspace.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	for name, err := range map[string]error{
		"organisation": second(r.CreateOrganisation(t.Context(), r.actor(olga), airspace.Organisation{ID: "x", Kind: airspace.Operator, Name: "x"})),
		"person":       second(r.CreatePerson(t.Context(), r.actor(olga), airspace.Person{Org: "acme", Roles: []airspace.Role{airspace.Observer}})),
		"rights":       second(r.ReplacePerson(t.Context(), r.actor(olga), 1, olga)),
		"reset":        second(r.NoteReset(t.Context(), r.actor(olga), ada.ID)),
		"proposal":     second(r.Propose(t.Context(), r.actor(olga), airspace.ActErase, ada.ID, "x")),
	} {
		if !errors.Is(err, airspace.ErrForbidden) {
			t.Errorf("%s by an operator: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestOwnRights(t *testing.T) {
	r, ada, bob, carl, olga := standard(t)
	change := func(who airspace.Person, p airspace.Person, edit func(*airspace.Person)) error {
		p = r.again(p)
		edit(&p)
		return second(r.ReplacePerson(t.Context(), r.actor(who), p.Rev, p))
	}
	for name, c := range map[string]struct {
		who, whom airspace.Person
		edit      func(*airspace.Person)
		want      error
	}{
		"raises itself":             {ada, ada, func(p *airspace.Person) { p.Roles = append(p.Roles, airspace.Controller) }, airspace.ErrOwnRights},
		"moves itself":              {ada, ada, func(p *airspace.Person) { p.Org = "acme"; p.Roles = []airspace.Role{airspace.Observer} }, airspace.ErrOwnRights},
		"removes another one":       {ada, bob, func(p *airspace.Person) { p.Roles = []airspace.Role{airspace.Controller} }, airspace.ErrTwoPersons},
		"disables another one":      {ada, bob, func(p *airspace.Person) { p.Disabled = true }, airspace.ErrTwoPersons},
		"makes another one":         {ada, carl, func(p *airspace.Person) { p.Roles = append(p.Roles, airspace.Administrator) }, airspace.ErrTwoPersons},
		"gives another person more": {ada, carl, func(p *airspace.Person) { p.Roles = append(p.Roles, airspace.Auditor) }, nil},
		"disables another person":   {ada, olga, func(p *airspace.Person) { p.Disabled = true }, nil},
	} {
		if err := change(c.who, c.whom, c.edit); !errors.Is(err, c.want) {
			t.Errorf("an administrator %s: %v, want %v", name, err, c.want)
		}
	}
	zone, _ := r.Organisation("zone")
	zone.Disabled = true
	if err := second(r.ReplaceOrganisation(t.Context(), r.actor(ada), zone.Rev, zone)); !errors.Is(err, airspace.ErrTwoPersons) {
		t.Errorf("disable the organisation of administrators: %v", err)
	}
	if err := change(bob, bob, func(p *airspace.Person) { p.Disabled = true }); err != nil {
		t.Errorf("an administrator steps back: %v", err)
	}
	if err := change(ada, ada, func(p *airspace.Person) { p.Disabled = true }); !errors.Is(err, airspace.ErrLastAdministrator) {
		t.Errorf("the last administrator steps back: %v", err)
	}
	if err := change(ada, carl, func(p *airspace.Person) { p.Roles = append(p.Roles, airspace.Administrator) }); err != nil {
		t.Errorf("a single administrator makes another: %v", err)
	}
	p := r.again(olga)
	if err := second(r.ReplacePerson(t.Context(), r.actor(ada), p.Rev-1, p)); !errors.Is(err, airspace.ErrStale) || !strings.Contains(err.Error(), "person") {
		t.Errorf("stale: %v", err)
	}
}

func TestDisabled(t *testing.T) {
	r, ada, _, carl, olga := standard(t)
	key, err := r.CreateAPIKey(t.Context(), r.actor(olga), airspace.APIKey{Person: olga.ID, Scopes: []airspace.Scope{airspace.ZoneRead}})
	if err != nil {
		t.Fatal(err)
	}
	acts := func() [2]bool {
		_, _, person := r.PersonActor(olga.ID)
		_, _, key := r.KeyActor(key.ID)
		return [2]bool{person == nil, key == nil}
	}
	if acts() != [2]bool{true, true} {
		t.Fatal("not active at first")
	}
	acme, _ := r.Organisation("acme")
	acme.Disabled = true
	if acme, err = r.ReplaceOrganisation(t.Context(), r.actor(ada), acme.Rev, acme); err != nil || acts() != [2]bool{} {
		t.Errorf("organisation disabled: %v, %v", acts(), err)
	}
	acme.Disabled = false
	if _, err = r.ReplaceOrganisation(t.Context(), r.actor(ada), acme.Rev, acme); err != nil || acts() != [2]bool{true, true} {
		t.Errorf("organisation back: %v, %v", acts(), err)
	}
	if _, err := r.RevokeAPIKey(t.Context(), r.actor(carl), key.ID, key.Rev); !errors.Is(err, airspace.ErrNotFound) {
		t.Errorf("somebody else revokes the key: %v", err)
	}
	if _, err := r.RevokeAPIKey(t.Context(), r.actor(ada), key.ID, key.Rev); err != nil || acts() != [2]bool{true, false} {
		t.Errorf("key revoked: %v, %v", acts(), err)
	}
	olga.Disabled = true
	if _, err := r.ReplacePerson(t.Context(), r.actor(ada), olga.Rev, olga); err != nil || acts() != [2]bool{} {
		t.Errorf("person disabled: %v, %v", acts(), err)
	}
}

func TestKeyRights(t *testing.T) {
	r, ada, bob, carl, olga := standard(t)
	truck := r.person("acme", airspace.VehicleRole)
	byKey := func(p airspace.Person, scopes ...airspace.Scope) airspace.Actor {
		a := r.actor(p)
		a.Key, a.Only = "k_1", scopes
		return a
	}
	hour := r.now.Add(time.Hour).UnixMicro()
	for name, c := range map[string]struct {
		who  airspace.Actor
		key  airspace.APIKey
		want error
	}{
		"own, narrower":         {r.actor(carl), airspace.APIKey{Person: carl.ID, Scopes: []airspace.Scope{airspace.ZoneRead}, ExpiresUS: hour}, nil},
		"own, wider":            {r.actor(carl), airspace.APIKey{Person: carl.ID, Scopes: []airspace.Scope{airspace.Admin}}, airspace.ErrOwnRights},
		"by a key":              {byKey(carl, airspace.ZoneRead), airspace.APIKey{Person: carl.ID, Scopes: []airspace.Scope{airspace.ZoneRead}}, airspace.ErrNoPerson},
		"of another":            {r.actor(carl), airspace.APIKey{Person: olga.ID, Scopes: []airspace.Scope{airspace.ZoneRead}}, airspace.ErrForbidden},
		"of another, by admin":  {r.actor(ada), airspace.APIKey{Person: olga.ID, Scopes: []airspace.Scope{airspace.ZoneRead}}, airspace.ErrOwnRights},
		"to be another admin":   {r.actor(ada), airspace.APIKey{Person: bob.ID, Scopes: []airspace.Scope{airspace.Admin}}, airspace.ErrOwnRights},
		"of a vehicle":          {r.actor(ada), airspace.APIKey{Person: truck.ID, Scopes: []airspace.Scope{airspace.VehicleTelemetry}}, nil},
		"not a vehicle's right": {r.actor(ada), airspace.APIKey{Person: truck.ID, Scopes: []airspace.Scope{airspace.ZoneRead}}, airspace.ErrOwnRights},
		"of nobody":             {r.actor(ada), airspace.APIKey{Person: "p_none", Scopes: []airspace.Scope{airspace.ZoneRead}}, airspace.ErrNotFound},
		"of a token":            {setUp, airspace.APIKey{Scopes: []airspace.Scope{airspace.ZoneRead}}, airspace.ErrNotFound},
		"no scope":              {r.actor(carl), airspace.APIKey{Person: carl.ID}, airspace.ErrAccount},
		"unknown scope":         {r.actor(carl), airspace.APIKey{Person: carl.ID, Scopes: []airspace.Scope{"x"}}, airspace.ErrAccount},
		"scope twice":           {r.actor(carl), airspace.APIKey{Person: carl.ID, Scopes: []airspace.Scope{airspace.ZoneRead, airspace.ZoneRead}}, airspace.ErrAccount},
		"expired":               {r.actor(carl), airspace.APIKey{Person: carl.ID, Scopes: []airspace.Scope{airspace.ZoneRead}, ExpiresUS: 1}, airspace.ErrAccount},
		"bad range":             {r.actor(carl), airspace.APIKey{Person: carl.ID, Scopes: []airspace.Scope{airspace.ZoneRead}, CIDRs: []string{"192.0.2.1/24"}}, airspace.ErrAccount},
	} {
		k, err := r.CreateAPIKey(t.Context(), c.who, c.key)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil {
			continue
		}
		a, _, err := r.KeyActor(k.ID)
		if err != nil || !slices.Equal(a.Scopes(), c.key.Scopes) || a.Person != c.key.Person || a.ID != k.ID {
			t.Errorf("%s: acts as %+v, %v", name, a, err)
		}
	}
	// A key never has more than its owner has now.
	k, err := r.CreateAPIKey(t.Context(), r.actor(carl), airspace.APIKey{Person: carl.ID, Scopes: []airspace.Scope{airspace.FenceWrite, airspace.ZoneRead}})
	if err != nil {
		t.Fatal(err)
	}
	carl.Roles = []airspace.Role{airspace.Observer}
	if _, err := r.ReplacePerson(t.Context(), r.actor(ada), carl.Rev, carl); err != nil {
		t.Fatal(err)
	}
	if a, _, err := r.KeyActor(k.ID); err != nil || !slices.Equal(a.Scopes(), []airspace.Scope{airspace.ZoneRead}) {
		t.Errorf("after the owner lost rights: %v, %v", a.Scopes(), err)
	}
}

// conflicting is a journal in which another node decided meanwhile, some times.
type conflicting struct {
	*journal.Journal
	times int
}

func (c *conflicting) Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error) {
	if c.times--; c.times >= 0 {
		return nil, &journal.ConflictError{Agg: "accounts:north"}
	}
	return c.Journal.Append(ctx, batch...)
}

func TestConflictIsDecidedAgain(t *testing.T) {
	j, err := journal.Open(journal.Config{Dir: t.TempDir(), SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	c := &conflicting{Journal: j}
	r, err := airspace.NewRegister(airspace.Config{Zone: airspace.Zone{ID: "north"}, Journal: c})
	if err != nil {
		t.Fatal(err)
	}
	for times, want := range []error{nil, nil, nil, journal.ErrConflict} {
		c.times = times
		_, err := r.CreateOrganisation(t.Context(), setUp, airspace.Organisation{ID: fmt.Sprint("o", times), Kind: airspace.Operator, Name: "x"})
		if !errors.Is(err, want) {
			t.Errorf("%d conflicts: %v", times, err)
		}
	}
}
