package airspace_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/airspace/permit"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// effective is a permit of acme's at its begin.
func (r *permitRig) effective(a permit.Application) permit.Permit {
	r.t.Helper()
	p, err := r.approve(r.submitted(a))
	if err == nil {
		_, err = r.SignOverride(r.t.Context(), r.carl, p.ID, "trial")
	}
	if err != nil {
		r.t.Fatalf("approve: %s", faultsOf(err))
	}
	r.now = time.UnixMicro(p.FromUS)
	if _, err := r.TickPermits(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if p, err = r.PermitOf(r.rita, p.ID); err != nil {
		r.t.Fatal(err)
	}
	return p
}

// asked are the fences in force, in words, that ask something of uav-1 under a permit.
func (r *permitRig) asked(id vehicles.VehicleID, under string) string {
	sub := geofence.Subject{Class: vehicles.UAV, Operator: "acme", Vehicle: id, Permit: under, Verified: true}
	var out []string
	for _, c := range r.inForce {
		if c.AppliesTo(&sub) {
			out = append(out, fmt.Sprintf("%s:%d", strings.Replace(c.Fence.ID, "permit-"+under, "permit-P", 1), c.Fence.Kind))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestPermitFences: an effective permit keeps exactly its vehicles in, at its speed
// and without the fences that it exempts from; when it is taken away the way home is
// open, and a start makes the same of the journal.
func TestPermitFences(t *testing.T) {
	r := newPermitRig(t)
	fence := river()
	fence.Shape = geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 309_000_000, Lon: 1_219_000_000}, RadiusM: 150}}
	pond, err := r.CreateFence(t.Context(), r.carl, fence)
	if err != nil {
		t.Fatal(err)
	}
	name := pond.Fence.ID
	app := r.flight(0)
	app.SpeedMPS, app.ExemptFences = 12, []string{name}
	p := r.effective(app)
	const in = "permit-P-0-speed:3 permit-P-0:2"
	pondAsks := name + ":1"
	for _, c := range []struct{ name, got, want string }{
		{"its vehicle under it", r.asked("uav-1", p.ID), in},
		{"its vehicle under none", r.asked("uav-1", ""), pondAsks},
		{"another under its name", r.asked("uav-2", p.ID), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s is asked by %q, want %q", c.name, c.got, c.want)
		}
	}
	for _, c := range r.inForce {
		if c.Fence.Origin.Kind == airspace.PermitOrigin {
			if err := r.DeleteFence(t.Context(), r.carl, c.Fence.ID, c.Fence.Rev); !errors.Is(err, airspace.ErrNotFound) {
				t.Errorf("a controller deletes a permit's fence: %v", err)
			}
		}
	}
	for _, c := range []struct {
		act  airspace.HaltAct
		want string
	}{
		{airspace.SuspendPermit, "permit-P-0-speed:3"},
		{airspace.ResumePermit, in},
		{airspace.RevokePermit, "permit-P-0-speed:3"},
	} {
		if _, err := r.HaltPermit(t.Context(), r.rita, p.ID, c.act, "a concert", false); err != nil {
			t.Fatal(err)
		}
		if got := r.asked("uav-1", p.ID); got != c.want {
			t.Errorf("after %s: %q, want %q", c.act, got, c.want)
		}
	}
	replayed := newReplayed(t, r.journal)
	replay(t, r.journal, replayed, 1, 1000)
	if got := replayed.Fences(); len(got) != 1 || len(got[0].Fence.ExemptPermits) != 0 {
		t.Errorf("the fence that people made was changed: %+v", got)
	}
}
