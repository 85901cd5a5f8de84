package airspace_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// restrictRig has an operator with a boat, one without vehicles that booked the pad
// which is restricted, and one that has to do with neither.
func restrictRig(t *testing.T) (*siteRig, airspace.RestrictionRequest) {
	t.Helper()
	r := newSiteRig(t, nil)
	r.registered(boat("boat-1", 9))
	r.book(t, r.second, r.in(60, 60))
	return r, airspace.RestrictionRequest{
		Name: "Regatta", Kind: airspace.PlannedRestriction, FromUS: r.now.Add(30 * time.Minute).UnixMicro(), ToUS: r.now.Add(3 * time.Hour).UnixMicro(),
		Fence: geofence.Fence{Shape: square(0).Shape, Classes: vehicles.ClassSet(vehicles.USV)},
	}
}

func told(t *airspace.Restriction) (out []string) {
	for _, n := range t.Told {
		out = append(out, n.Org)
	}
	return out
}

// TestRestrictionLife: published to those whom it affects, its fence with it; acknowledged,
// extended and to be acknowledged anew, over by itself.
func TestRestrictionLife(t *testing.T) {
	r, q := restrictRig(t)
	if _, err := r.Restrict(t.Context(), r.anna, q); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("by an operator: %v", err)
	}
	trial, err := r.Restrict(airspace.Rehearsal(t.Context()), r.carl, q)
	if err != nil || trial.ID != "" || len(r.Restrictions(true)) != 0 || len(r.Fences()) != 0 {
		t.Fatalf("a trial: %+v %v", trial, err)
	}
	made, err := r.Restrict(t.Context(), r.carl, q)
	if err != nil {
		t.Fatal(err)
	}
	if got := told(&made); !slices.Equal(got, []string{"acme", "harbour"}) {
		t.Errorf("told %v: acme has a boat, harbour booked the pad", got)
	}
	f, err := r.Fence(made.Fence)
	if err != nil || f.Fence.Origin != (geofence.Origin{Kind: "restriction", ID: made.ID}) || f.Fence.Response != geofence.Warn || f.Fence.Schedule.Windows[0].ToUS != made.ToUS {
		t.Fatalf("its fence: %+v %v", f.Fence, err)
	}
	if err := r.DeleteFence(t.Context(), r.carl, made.Fence, 1); !errors.Is(err, airspace.ErrNotManual) {
		t.Errorf("its fence deleted by itself: %v", err)
	}
	ack := func(who airspace.Actor, rev uint64, org, note string) error {
		_, err := r.AcknowledgeRestriction(t.Context(), who, made.ID, rev, org, note)
		return err
	}
	if err := ack(r.owner, 1, "", ""); !errors.Is(err, airspace.ErrNotTold) {
		t.Errorf("by one whom it does not affect: %v", err)
	}
	if err := ack(r.anna, 1, "harbour", ""); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("for another: %v", err)
	}
	if err := errors.Join(ack(r.anna, 1, "", ""), ack(r.anna, 1, "", "")); err != nil {
		t.Errorf("acknowledged twice: %v", err)
	}
	r.now = r.now.Add(31 * time.Minute)
	is, _ := r.Restriction(made.ID)
	if late := is.Unacknowledged(r.now.UnixMicro()); len(late) != 1 || late[0].Org != "harbour" {
		t.Errorf("not acknowledged when it began: %+v", late)
	}
	if err := ack(r.carl, 2, "harbour", ""); !errors.Is(err, airspace.ErrRestriction) {
		t.Errorf("by a controller without saying how: %v", err)
	}
	if err := ack(r.carl, 2, "harbour", "by telephone"); err != nil {
		t.Errorf("by a controller: %v", err)
	}
	at := geo.Fix{Point: geo.Point{Lat: 309_005_000, Lon: 1_219_305_000}}
	usv := geofence.Subject{Class: vehicles.USV, Operator: "acme", Vehicle: "boat-1", Verified: true}
	uav := usv
	if uav.Class = vehicles.UAV; r.RestrictedAt(&usv, at) != "Regatta" || r.RestrictedAt(&uav, at) != "" {
		t.Error("a boat may not begin in it, a drone may")
	}
	longer, err := r.ExtendRestriction(t.Context(), r.carl, made.ID, 3, made.ToUS+60e6)
	if err != nil || longer.Told[0].AckUS != 0 {
		t.Fatalf("extended: %+v %v", longer, err)
	}
	if f, _ := r.Fence(made.Fence); f.Fence.Rev != 2 || f.Fence.Schedule.Windows[0].ToUS != made.ToUS+60e6 {
		t.Errorf("its fence is not longer: %+v", f.Fence)
	}
	if err := ack(r.anna, 3, "", ""); !errors.Is(err, airspace.ErrStale) {
		t.Errorf("acknowledged as it was before: %v", err)
	}
	r.now = time.UnixMicro(longer.ToUS)
	if err := r.EndRestrictions(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.Restrictions(false)) != 0 || len(r.Fences()) != 0 || r.RestrictedAt(&usv, at) != "" {
		t.Error("it is not over by itself")
	}
	if err := ack(r.anna, 5, "", ""); !errors.Is(err, airspace.ErrRestrictionOver) {
		t.Errorf("acknowledged when it was over: %v", err)
	}
	r.sameAfterReplay(t)
}

// An urgent one begins at once, its notice is late by the rule pack, and it is in force
// all the same; it is ended by hand.
func TestUrgentRestriction(t *testing.T) {
	r, q := restrictRig(t)
	r.Register = r.fresh(t, func(c *airspace.Config) {
		c.NoticeDue = func(clock string, fromUS int64) (int64, string) {
			if clock != "tca.urgent" {
				t.Errorf("clock %s", clock)
			}
			return fromUS - 30*60e6, "cn-test@1"
		}
	})
	if err := r.journal.Replay(1, r.Replay); err != nil {
		t.Fatal(err)
	}
	q.Kind, q.FromUS, q.Fence.ExemptOperators = airspace.UrgentRestriction, 0, []string{"acme"}
	made, err := r.Restrict(t.Context(), r.carl, q)
	if err != nil || !made.Late || made.Pack != "cn-test@1" || !made.InForce(r.now.UnixMicro()) {
		t.Fatalf("%+v %v", made, err)
	}
	if got := told(&made); !slices.Equal(got, []string{"harbour"}) {
		t.Errorf("told %v: acme is exempt", got)
	}
	if made.Told[0].DueUS != r.now.Add(5*time.Minute).UnixMicro() {
		t.Errorf("due %v after now", time.Duration(made.Told[0].DueUS-r.now.UnixMicro())*time.Microsecond)
	}
	if _, err := r.EndRestriction(t.Context(), r.carl, made.ID, 7, ""); !errors.Is(err, airspace.ErrStale) {
		t.Errorf("ended on another revision: %v", err)
	}
	gone, err := r.EndRestriction(t.Context(), r.carl, made.ID, 1, "the fire is out")
	if err != nil || gone.EndedUS == 0 || len(r.Fences()) != 0 {
		t.Errorf("ended: %+v %v", gone, err)
	}
	r.sameAfterReplay(t)
}

func TestRestrictionFaults(t *testing.T) {
	r, good := restrictRig(t)
	for name, change := range map[string]func(*airspace.RestrictionRequest){
		"name":  func(q *airspace.RestrictionRequest) { q.Name = "" },
		"kind":  func(q *airspace.RestrictionRequest) { q.Kind = "wish" },
		"past":  func(q *airspace.RestrictionRequest) { q.FromUS = 1 },
		"end":   func(q *airspace.RestrictionRequest) { q.ToUS = q.FromUS },
		"long":  func(q *airspace.RestrictionRequest) { q.ToUS = q.FromUS + 32*24*3600e6 },
		"shape": func(q *airspace.RestrictionRequest) { q.Fence.Shape = geofence.Shape{} },
	} {
		q := good
		change(&q)
		if _, err := r.Restrict(t.Context(), r.carl, q); !errors.Is(err, airspace.ErrRestriction) && !errors.Is(err, airspace.ErrDefinition) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good.Fence.ID, good.Fence.Name, good.Fence.Kind, good.Fence.Response = "asked", "asked", geofence.KeepOut, geofence.Warn
	c, err := geofence.Compile(good.Fence)
	if err != nil {
		t.Fatal(err)
	}
	impact := r.ImpactOf(c, good.FromUS, good.ToUS, nil)
	if len(impact.Bookings) != 1 || !slices.Equal(impact.Told, []string{"acme", "harbour"}) {
		t.Errorf("impact %+v", impact)
	}
}
