package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"testzone/airspace/permit"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// opRig is one vehicle that may move under what the test says.
type opRig struct {
	*operating
	t      *testing.T
	now    time.Time
	track  telemetry.TrackView
	grants []permit.Grant
	under  string
	said   []string
	ended  []string // permits under which it was told to end now
}

func newOpRig(t *testing.T, class vehicles.Class) *opRig {
	r := &opRig{t: t, now: time.Date(2026, 11, 26, 23, 50, 0, 0, time.UTC)}
	r.track = telemetry.TrackView{
		Track:   vehicles.Track{Handle: 4, Class: class, Fix: geo.Fix{Point: geo.Point{Lat: 309_000_000, Lon: 1_219_000_000}}, FixUS: 1, Seen: vehicles.HasPosition | vehicles.HasHeartbeat},
		Vehicle: &vehicles.Identity{ID: "v-1", Class: class, Verified: true, Handle: 4},
	}
	r.operating = &operating{
		grants: func() []permit.Grant { return r.grants },
		needs:  func(c vehicles.Class) bool { return c == class },
		operate: func(_ context.Context, h vehicles.Handle, permit string) error {
			r.under = permit
			return nil
		},
		tell: func(n *telemetry.PermitNotice) {
			r.said = append(r.said, fmt.Sprintf("%s %v %s", n.Type, n.Began, n.Why))
		},
		end: func(permitID string, _ []vehicles.VehicleID) { r.ended = append(r.ended, permitID) },
		of:  map[vehicles.VehicleID]*operation{},
	}
	r.grant(permit.GrantEffective)
	return r
}

// grant gives the vehicle one permit, across midnight until 00:30.
func (r *opRig) grant(state permit.GrantState) *permit.Grant {
	from := time.Date(2026, 11, 26, 23, 55, 0, 0, time.UTC)
	to := from.Add(35 * time.Minute)
	r.grants = []permit.Grant{{
		Permit: "pm_1", Vehicles: []vehicles.VehicleID{"v-1"}, From: from, To: to, State: state,
		Areas: []permit.Area{{Schedule: geofence.Schedule{Windows: []geofence.Window{{FromUS: from.UnixMicro(), ToUS: to.UnixMicro()}}}}},
	}}
	r.changed.Store(true)
	return &r.grants[0]
}

func (r *opRig) moves(moves bool) {
	r.track.Armed, r.track.Velocity = moves, vehicles.Velocity{}
	if moves {
		r.track.Velocity.N = 500
	}
}

// after lets time pass, looked at each second, and gives what was said besides ends
// of what never began.
func (r *opRig) after(d time.Duration) string {
	r.t.Helper()
	r.said = nil
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(time.Second)
		if err := r.look(r.t.Context(), []telemetry.TrackView{r.track}, r.now); err != nil {
			r.t.Fatal(err)
		}
	}
	return strings.Join(r.said, "; ")
}

func (r *opRig) want(what, got, want, under string) {
	r.t.Helper()
	if want == "" && got != "" || !strings.Contains(got, want) || r.under != under {
		r.t.Errorf("%s: said %q under %q, want %q under %q", what, got, r.under, want, under)
	}
}

// TestOperating: a vehicle of each domain moves before its permit, under it over
// midnight, until its end and after it.
func TestOperating(t *testing.T) {
	for _, class := range []vehicles.Class{vehicles.UAV, vehicles.ICV, vehicles.USV} {
		t.Run(class.String(), func(t *testing.T) {
			r := newOpRig(t, class)
			r.want("at rest, what a former start left is ended", r.after(2*time.Second), "unpermitted false ; permit_ending false ", "")
			if why := r.mayStart("v-1", class, r.now); why != "outside the permit's hours" {
				t.Errorf("before its begin: %q", why)
			}
			r.moves(true)
			r.want("moving before it begins", r.after(3*time.Second), "unpermitted true it moves without a permit", "")
			r.want("its begin", r.after(5*time.Minute), "unpermitted false ", "pm_1")
			if why := r.mayStart("v-1", class, r.now); why != "" {
				t.Errorf("within: %q", why)
			}
			r.moves(false)
			r.want("a stop at a crossing", r.after(30*time.Second), "", "pm_1")
			r.want("a long stop", r.after(40*time.Second), "", "")
			r.moves(true)
			r.want("over midnight", r.after(10*time.Minute), "", "pm_1")
			r.want("the last ten minutes", r.after(23*time.Minute), "ends in 10m0s: come to a safe end; permit_ending true permit pm_1 ends in 5m0s: come to a safe end; permit_ending true permit pm_1 ends in 1m0s", "pm_1")
			r.want("the end: the way home is allowed", r.after(time.Minute), "permit_ending true permit pm_1 allows no more: it may finish and come home", "pm_1")
			r.want("still moving after ten minutes", r.after(10*time.Minute), "unpermitted true permit pm_1 ended more than 10m0s ago", "")
			r.moves(false)
			r.want("it came to rest", r.after(2*time.Minute), "unpermitted false ", "")
		})
	}
}

// TestOperatingHalted: what a suspension and a revocation leave a vehicle that moves.
func TestOperatingHalted(t *testing.T) {
	for _, c := range []struct {
		state        permit.GrantState
		endNow       bool
		start, first string
		until        time.Duration
	}{
		{permit.GrantSuspended, false, "permit suspended", "it may finish and come home", 10 * time.Minute},
		{permit.GrantEnding, false, "permit has ended", "it may finish and come home", 10 * time.Minute},
		{permit.GrantEnding, true, "permit has ended", "it has to end now", time.Minute},
	} {
		t.Run(fmt.Sprint(c.state, c.endNow), func(t *testing.T) {
			r := newOpRig(t, vehicles.UAV)
			r.now = r.now.Add(6 * time.Minute)
			r.moves(true)
			r.after(time.Second)
			r.want("it flies", r.after(time.Second), "", "pm_1")
			r.grant(c.state).EndNow = c.endNow
			r.want("taken away", r.after(time.Second), c.first, "pm_1")
			if why := r.mayStart("v-1", vehicles.UAV, r.now); why != c.start {
				t.Errorf("may it start: %q, want %q", why, c.start)
			}
			if told := len(r.ended); (told == 1) != c.endNow || told > 1 {
				t.Errorf("it was told %d times to end now", told)
			}
			r.want("its time", r.after(c.until-time.Second), "", "pm_1")
			if told := len(r.ended); told > 1 {
				t.Errorf("it was told %d times to end now", told)
			}
			r.want("too late", r.after(time.Second), "unpermitted true", "")
			r.grant(permit.GrantEffective)
			r.want("given back", r.after(time.Second), "unpermitted false", "pm_1")
		})
	}
}

// TestOperatingAfterARestart: who is on the way home when the server starts stays
// exempt for what is left of its time; who starts then, or is seen too late, is not.
func TestOperatingAfterARestart(t *testing.T) {
	for _, c := range []struct {
		name       string
		endedFor   time.Duration
		restsFirst bool
		under      string
		said       string
	}{
		{"on its way home", 4 * time.Minute, false, "pm_1", "permit_ending true permit pm_1 allows no more"},
		{"its time is over", 11 * time.Minute, false, "", "unpermitted true it moves without a permit"},
		{"it starts now", 4 * time.Minute, true, "", "unpermitted true it moves without a permit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newOpRig(t, vehicles.UAV)
			r.grant(permit.GrantEnding).Since = r.now.Add(-c.endedFor)
			if c.restsFirst {
				r.after(2 * time.Second)
			}
			r.moves(true)
			r.want("seen", r.after(3*time.Second), c.said, c.under)
			if c.under != "" {
				r.want("ten minutes after its end", r.after(6*time.Minute), "unpermitted true permit pm_1 ended more than 10m0s ago", "")
			}
		})
	}
}

// TestOperatingEndsOnce: what a former start of the server told is not told again, and
// who may move under another permit is not told at all.
func TestOperatingEndsOnce(t *testing.T) {
	r := newOpRig(t, vehicles.UAV)
	r.now = r.now.Add(6 * time.Minute)
	g := r.grant(permit.GrantEnding)
	g.EndNow, g.Since = true, r.now
	r.moves(true)
	r.want("seen first when it is on its way home", r.after(2*time.Second), "it has to end now", "pm_1")
	if len(r.ended) != 0 {
		t.Errorf("it was told to end under %v", r.ended)
	}
	r = newOpRig(t, vehicles.UAV)
	r.now = r.now.Add(6 * time.Minute)
	r.moves(true)
	r.after(time.Second)
	if under := r.movingUnder("pm_1", r.now); len(under) != 1 {
		t.Errorf("moving under it: %v", under)
	}
	first := r.grants[0]
	second := first
	second.Permit = "pm_2"
	r.grants = []permit.Grant{first, second}
	r.changed.Store(true)
	if under := r.movingUnder("pm_1", r.now); len(under) != 0 {
		t.Errorf("of who may move under another: %v", under)
	}
	r.grants[0].State, r.grants[0].EndNow = permit.GrantEnding, true
	r.changed.Store(true)
	r.want("the first is revoked", r.after(time.Second), "", "pm_2")
	if len(r.ended) != 0 {
		t.Errorf("it was told to end under %v", r.ended)
	}
}
