package airspace_test

import (
	"errors"
	"testing"
	"time"

	"testzone/airspace"
)

// TestMoveClock moves the clock of a sandbox: who may, where to, and over a restart.
func TestMoveClock(t *testing.T) {
	dir := t.TempDir()
	r := newAccountRig(t, dir)
	for id, kind := range map[string]airspace.OrganisationKind{"zone": airspace.Authority, "acme": airspace.Operator, "play": airspace.Sandbox, "other": airspace.Sandbox} {
		r.organisation(id, kind)
	}
	ada, carl, olga := r.person("zone", airspace.Administrator), r.person("zone", airspace.Controller), r.person("acme", airspace.TestOperator)
	dev, looks, reviews := r.person("play", airspace.Applicant), r.person("play", airspace.Observer), r.person("play", airspace.Reviewer)
	key := r.actor(dev)
	key.Only = []airspace.Scope{airspace.ZoneRead}
	const week = 7 * 24 * time.Hour
	for _, tc := range []struct {
		name  string
		who   airspace.Actor
		org   string
		rev   uint64
		to    time.Duration // from the server's time
		ahead time.Duration
		err   error
	}{
		{"an administrator", r.actor(ada), "play", 1, time.Hour, time.Hour, nil},
		{"one of its own who applies", r.actor(dev), "play", 2, 2 * time.Hour, 2 * time.Hour, nil},
		{"one of its own who reviews", r.actor(reviews), "play", 3, week, week, nil},
		{"to what it shows", r.actor(dev), "play", 4, week, week, nil},
		{"by whole seconds", r.actor(dev), "play", 5, week + time.Millisecond, week + time.Second, nil},
		{"back", r.actor(dev), "play", 6, week, 0, airspace.ErrAccount},
		{"of an older revision", r.actor(dev), "play", 5, 2 * week, 0, airspace.ErrStale},
		{"one of its own who looks", r.actor(looks), "play", 6, 2 * week, 0, airspace.ErrForbidden},
		{"a key that reads", key, "play", 6, 2 * week, 0, airspace.ErrForbidden},
		{"somebody of another sandbox", r.actor(dev), "other", 1, week, 0, airspace.ErrForbidden},
		{"a controller", r.actor(carl), "play", 6, 2 * week, 0, airspace.ErrForbidden},
		{"of an operator", r.actor(olga), "acme", 1, week, 0, airspace.ErrAccount},
		{"of an operator, to what it shows", r.actor(ada), "acme", 1, 0, 0, airspace.ErrAccount},
		{"of nobody", r.actor(ada), "nobody", 1, week, 0, airspace.ErrNotFound},
		{"ten years", r.actor(dev), "play", 6, 3650 * 24 * time.Hour, 3650 * 24 * time.Hour, nil},
		{"more than ten years", r.actor(dev), "play", 7, 3650*24*time.Hour + time.Second, 0, airspace.ErrAccount},
	} {
		o, err := r.MoveClock(t.Context(), tc.who, tc.org, tc.rev, r.now.Add(tc.to))
		if !errors.Is(err, tc.err) || err == nil && (r.Ahead(tc.org) != tc.ahead || !o.Now(r.now).Equal(r.now.Add(tc.ahead)) || o.Rev != tc.rev+1) {
			t.Errorf("%s: %+v, %v, ahead %v", tc.name, o, err, r.Ahead(tc.org))
		}
	}
	far := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) // more than a Duration from now
	if err := second(r.MoveClock(t.Context(), r.actor(dev), "play", 7, far)); !errors.Is(err, airspace.ErrAccount) {
		t.Errorf("to the year 9999: %v", err)
	}
	if r.Ahead("zone") != 0 || r.Ahead("acme") != 0 || r.Ahead("other") != 0 || r.Ahead("") != 0 {
		t.Error("another clock moved")
	}
	if err := r.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if again := newAccountRig(t, dir); again.Ahead("play") != 3650*24*time.Hour {
		t.Errorf("after a restart it is ahead %v", again.Ahead("play"))
	}
}

// TestKeyOfSandbox: a key that its owner's clock says has expired is not made.
func TestKeyOfSandbox(t *testing.T) {
	r, _, _, _, olga := standard(t)
	r.organisation("play", airspace.Sandbox)
	dev := r.person("play", airspace.Applicant)
	if err := second(r.MoveClock(t.Context(), r.actor(dev), "play", 1, r.now.Add(2*time.Hour))); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		who airspace.Person
		in  time.Duration
		err error
	}{{dev, time.Hour, airspace.ErrAccount}, {dev, 3 * time.Hour, nil}, {olga, time.Hour, nil}} {
		k := airspace.APIKey{Person: tc.who.ID, Scopes: []airspace.Scope{airspace.ZoneRead}, ExpiresUS: r.now.Add(tc.in).UnixMicro()}
		if err := second(r.CreateAPIKey(t.Context(), r.actor(tc.who), k)); !errors.Is(err, tc.err) {
			t.Errorf("%s, expires in %v: %v", tc.who.Org, tc.in, err)
		}
	}
}
