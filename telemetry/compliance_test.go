package telemetry

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// wardenRig is a vehicle, and a warden over it; the zone ends at the edge.
type wardenRig struct {
	*breachRig
	*Warden
	is    atomic.Pointer[Restriction]
	armed bool
}

func newWardenRig(t *testing.T, class vehicles.Class) *wardenRig {
	r := &wardenRig{breachRig: newBreachRig(t, class, true, geofence.Fence{Kind: geofence.KeepOut})}
	r.is.Store(&Restriction{})
	r.Warden = NewWarden(WardenConfig{
		Pipeline: r.Pipeline, Bus: r.bus, Restriction: func() Restriction { return *r.is.Load() },
		Inside: func(p geo.Point) bool { return p.Lat < edge.Lat },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Warden.Run(ctx) }()
	stop := r.stop
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		stop()
	}
	return r
}

// stay reports a place for three seconds.
func (r *wardenRig) stay(north float64) {
	for range 30 {
		beat := heartbeatOf(r.id.Handle)
		beat.Armed = r.armed
		r.Reports([]vehicles.Report{beat})
		r.at(north)
	}
}

// board is how the only vehicle stands, and its alert.
func (r *wardenRig) board(t *testing.T) string {
	_, all, err := r.Board(t.Context(), WholeZone())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		return "nobody"
	}
	out := fmt.Sprint(all[0].Complies, " ", all[0].Why)
	for _, a := range r.book.Alerts(WholeZone(), true) {
		if a.Type == StartNotAllowed {
			out += fmt.Sprintf(" alert %d %s x%d", a.Level, a.State(), a.Count)
		}
	}
	return out
}

var (
	noStarts = Restriction{State: "no_new_starts"}
	clearing = Restriction{State: "clear", AtRest: true}
)

// TestCompliance goes through steps; each says where the vehicle is for three
// seconds, and how it stands then.
func TestCompliance(t *testing.T) {
	type step struct {
		is    Restriction
		armed bool
		north float64
		want  string
	}
	for name, steps := range map[string][]step{
		"it may finish": {
			{Restriction{}, true, -500, "nobody"}, {noStarts, true, -500, "true finishing"}, {noStarts, false, -500, "true at_rest"},
		},
		"it starts, twice": {
			{noStarts, false, -500, "true at_rest"}, {noStarts, true, -500, "false started alert 2 raised x1"},
			{noStarts, true, -500, "false started alert 2 raised x1"}, {noStarts, false, -500, "true at_rest alert 2 cleared x1"},
			{noStarts, true, -500, "false started alert 2 raised x2"}, {Restriction{}, true, -500, "nobody"},
		},
		"everybody comes to rest": {
			{clearing, true, -500, "false moving"}, {clearing, false, -500, "true at_rest"}, {clearing, true, -500, "false started alert 3 raised x1"},
		},
		"it leaves": {
			{clearing, true, -500, "false moving"}, {clearing, true, 300, "true outside"}, {clearing, true, -500, "false moving"},
		},
		"it starts outside": {
			{clearing, false, 300, "true at_rest"}, {clearing, true, 300, "true outside"},
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newWardenRig(t, vehicles.UAV)
			defer r.stop()
			for i, s := range steps {
				r.is.Store(&s.is)
				r.armed = s.armed
				r.stay(s.north)
				got := r.board(t)
				if s.want == "nobody" && len(got) > 6 {
					t.Errorf("%s, step %d: %s", name, i, got)
				}
				if s.want != "nobody" && got != s.want {
					t.Errorf("%s, step %d: %s, want %s", name, i, got, s.want)
				}
			}
		})
	}
}

// TestComplianceOfWhoIsNotHeard: one that moved when it was heard last does not
// comply, and stays on the board; one that had landed does.
func TestComplianceOfWhoIsNotHeard(t *testing.T) {
	for armed, want := range map[bool]string{true: "false link_lost", false: "true at_rest"} {
		synctest.Test(t, func(t *testing.T) {
			r := newWardenRig(t, vehicles.UAV)
			defer r.stop()
			r.is.Store(&clearing)
			r.armed = armed
			r.stay(-500)
			time.Sleep(20 * time.Second) // of the bubble
			if got := r.board(t); got != want {
				t.Errorf("silent, armed %v: %s, want %s", armed, got, want)
			}
			r.Forget(r.id.Handle)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got := r.board(t); armed && got != want || !armed && got != "nobody" {
				t.Errorf("forgotten, armed %v: %s", armed, got)
			}
			if _, all, _ := r.Board(t.Context(), OfOperator("another")); len(all) != 0 {
				t.Errorf("another operator sees %+v", all)
			}
		})
	}
}

// TestNewcomerUnderARestriction: who appears moving has started against it, but not
// right after the restriction or the server began.
func TestNewcomerUnderARestriction(t *testing.T) {
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newWardenRig(t, vehicles.UAV)
			defer r.stop()
			r.is.Store(&noStarts)
			r.armed = true
			time.Sleep(2 * time.Second) // of the bubble
			want := "true finishing"
			if late {
				time.Sleep(time.Minute)
				want = "false appeared alert 2 raised x1"
			}
			r.stay(-500)
			if got := r.board(t); got != want {
				t.Errorf("late %v: %s, want %s", late, got, want)
			}
		})
	}
}

// TestStandingVehicles: a boat or car that stands is at rest, an aircraft that
// hangs in the air is not.
func TestStandingVehicles(t *testing.T) {
	for class, want := range map[vehicles.Class]string{vehicles.UAV: "false moving", vehicles.ICV: "true at_rest", vehicles.USV: "true at_rest"} {
		synctest.Test(t, func(t *testing.T) {
			r := newWardenRig(t, class)
			defer r.stop()
			r.is.Store(&clearing)
			r.armed = true
			r.stay(-500)
			if got := r.board(t); got != want {
				t.Errorf("%s: %s, want %s", class, got, want)
			}
		})
	}
}
