package airspace_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/airspace/activity"
	"testzone/airspace/rules"
)

// TestRehearsedPermit: what happens to a rehearsal is in the journal as it happened, and
// it holds no room, makes no fence and bears no activity.
func TestRehearsedPermit(t *testing.T) {
	r := newPermitRig(t)
	r.organisation("play", airspace.Sandbox)
	dora := r.actor(r.person("play", airspace.Applicant))
	drone := boat("uav-play", 9)
	drone.Class, drone.Operator = "uav", "play"
	tom := r.actor(r.person("play", airspace.TestOperator))
	if _, err := r.RegisterVehicle(t.Context(), tom, drone, false); err != nil {
		t.Fatal(err)
	}
	a := r.flight(0)
	a.Vehicles[0] = "uav-play"
	p, _, err := r.DraftPermit(t.Context(), dora, a)
	if err == nil {
		p, err = r.SubmitPermit(t.Context(), dora, p.ID)
	}
	if err != nil {
		t.Fatal(faultsOf(err))
	}
	o, err := r.Organisation("play")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.MoveClock(t.Context(), dora, "play", o.Rev, time.UnixMicro(a.FromUS).Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.TickPermits(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err = r.PermitOf(dora, p.ID); err != nil || p.State != rules.Effective || !p.Rehearsal {
		t.Fatalf("%s, rehearsal %v: %v", p.State, p.Rehearsal, err)
	}
	if g := r.Grants(); len(g) != 0 {
		t.Errorf("it grants %+v", g)
	}
	if _, err := r.PlanActivity(t.Context(), dora, p.ID, activity.Plan{}); !errors.Is(err, airspace.ErrRehearsesOnly) {
		t.Errorf("an activity under it: %v", err)
	}
	replayed := newReplayed(t, r.journal)
	replay(t, r.journal, replayed, 1, 1000)
	state, err := replayed.SaveState()
	if err != nil {
		t.Fatal(err)
	}
	loaded := newReplayed(t, r.journal)
	install, err := loaded.LoadState(state)
	if err != nil {
		t.Fatal(err)
	}
	install()
	for name, x := range map[string]*airspace.Register{"a replay": replayed, "a snapshot": loaded} {
		if got, err := x.PermitOf(dora, p.ID); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%s makes\n%+v of\n%+v: %v", name, got, p, err)
		}
	}
	// The same, in the same place, is still free for others.
	if _, err := r.approve(r.submitted(r.flight(0))); err != nil {
		t.Errorf("an operator's: %s", faultsOf(err))
	}
}
