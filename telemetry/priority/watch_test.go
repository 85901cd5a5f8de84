package priority

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// rig is a Watch with what it looks at.
type rig struct {
	*Watch
	t        *testing.T
	now      time.Time
	keepouts []Keepout
	tracks   []telemetry.TrackView
	traffic  []telemetry.TrafficView
	events   *telemetry.Subscription
}

func newRig(t *testing.T, engine *geofence.Engine) *rig {
	r := &rig{t: t, now: time.UnixMicro(startUS)}
	bus := telemetry.NewBus(func() time.Time { return r.now })
	r.events, _ = bus.Subscribe(telemetry.SubscribeConfig{Name: "test", Reserved: true, Limit: 100_000})
	var err error
	r.Watch, err = New(Config{
		Tracks:   func(context.Context) ([]telemetry.TrackView, error) { return r.tracks, nil },
		Traffic:  func() []telemetry.TrafficView { return r.traffic },
		Keepouts: func() []Keepout { return r.keepouts },
		Bus:      bus, Engine: engine, Clock: func() time.Time { return r.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// look looks after so many seconds and says what was told, one line each.
func (r *rig) look(afterS float64) (told []string) {
	r.t.Helper()
	r.now = r.now.Add(time.Duration(afterS * float64(time.Second)))
	if err := r.Look(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	events, err := r.events.Take()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range events {
		switch b := e.Body.(type) {
		case *telemetry.PriorityChange:
			if b.Began {
				told = append(told, fmt.Sprintf("%s %s %s", b.Vehicle.ID, b.By.How, b.By.Exit.Kind))
			} else {
				told = append(told, fmt.Sprintf("%s ends: %s", b.Vehicle.ID, b.Cause))
			}
		case *telemetry.Call:
			if b.Began {
				told = append(told, fmt.Sprintf("call %s: %s", b.Vehicle.ID, b.Why))
			} else {
				told = append(told, fmt.Sprintf("call %s ends: %s", b.Vehicle.ID, b.Cause))
			}
		}
	}
	return told
}

// drone is a vehicle that flies, fresh at the rig's time.
func (r *rig) drone(id string, bearing, metres, amslM, course, mps float64) *telemetry.TrackView {
	r.tracks = append(r.tracks, telemetry.TrackView{Vehicle: &vehicles.Identity{
		Handle: vehicles.Handle(len(r.tracks) + 1), ID: vehicles.VehicleID(id), Name: id, Class: vehicles.UAV, Operator: "acme", Verified: true,
	}})
	t := &r.tracks[len(r.tracks)-1]
	t.Class, t.Handle, t.Armed, t.Seen = vehicles.UAV, t.Vehicle.Handle, true, vehicles.HasHeartbeat|vehicles.HasPosition
	t.Landed = vehicles.InAir
	t.Fix.Point = geo.Destination(pad, bearing, metres)
	if !math.IsNaN(amslM) {
		t.Fix.Heights.Set(geo.AMSL, int32(1000*amslM))
		t.Fix.Heights.Set(geo.Takeoff, int32(1000*amslM)-5000)
	}
	rad := course * math.Pi / 180
	t.Velocity = vehicles.Velocity{N: int16(math.Round(100 * mps * math.Cos(rad))), E: int16(math.Round(100 * mps * math.Sin(rad)))}
	t.FixUS = r.now.UnixMicro()
	return t
}

// fresh makes all fixes those of so many seconds from now.
func (r *rig) fresh(afterS float64) {
	for i := range r.tracks {
		r.tracks[i].FixUS = r.now.UnixMicro() + int64(afterS*1e6)
	}
}

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s: told\n  %s\nwant\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// eastbound is a helicopter placed by hand at the pad that comes eastward: at 50 m/s,
// 300 m around it, from the ground to 300 m.
func eastbound() Keepout {
	return Keepout{
		ID: "pt_1", Name: "Rescue 1", Kind: "helicopter", Route: []geo.Point{pad}, AtUS: startUS, Course: 90, Speed: 50, Radius: 300,
		Ceiling: geo.Altitude{MM: 300_000, Datum: geo.AMSL}, LookAheadS: 60, ClearByUS: startUS + 180*secondUS,
	}
}

// TestInTheWay: who is in the way, how, and what it is offered.
func TestInTheWay(t *testing.T) {
	unknown := math.NaN()
	for _, c := range []struct {
		name                                string
		bearing, metres, amsl, course, mps_ float64
		change                              func(*telemetry.TrackView, *Keepout)
		want                                string
	}{
		{"under it", 0, 100, 80, 0, 0, nil, "uav inside move"},
		{"in front of it", 90, 2000, 80, 0, 0, nil, "uav ahead move"},
		{"beyond the look-ahead", 90, 3700, 80, 0, 0, nil, ""},
		{"behind it", 270, 500, 80, 0, 0, nil, ""},
		{"beside its way", 45, 2000, 80, 0, 0, nil, ""},
		{"flies into its way", 60, 2000, 80, 180, 20, nil, "uav heading hold"},
		{"above the band", 90, 2000, 350, 0, 0, nil, ""},
		{"just above the band", 90, 2000, 105, 0, 0, func(_ *telemetry.TrackView, k *Keepout) { k.Ceiling.MM = 100_000 }, "uav ahead climb"},
		{"height not known", 90, 2000, unknown, 0, 0, nil, "uav ahead move"},
		{"landed", 90, 2000, 5, 0, 0, func(t *telemetry.TrackView, _ *Keepout) { t.Landed = vehicles.OnGround }, ""},
		{"disarmed", 90, 2000, 5, 0, 0, func(t *telemetry.TrackView, _ *Keepout) { t.Armed = false }, ""},
		{"a car on the ground", 90, 2000, unknown, 0, 0, func(t *telemetry.TrackView, _ *Keepout) {
			t.Vehicle.Class, t.Class = vehicles.ICV, vehicles.ICV
		}, "uav ahead move"},
		{"a car, the traffic flies above 100 m", 90, 2000, unknown, 0, 0, func(t *telemetry.TrackView, k *Keepout) {
			t.Vehicle.Class, t.Class = vehicles.ICV, vehicles.ICV
			k.Floor = geo.Altitude{MM: 100_000, Datum: geo.AGL}
		}, ""},
		{"not one of its classes", 90, 2000, 80, 0, 0, func(_ *telemetry.TrackView, k *Keepout) { k.Classes = vehicles.ClassSet(vehicles.USV) }, ""},
		{"a stale position", 90, 3700, 80, 0, 0, func(t *telemetry.TrackView, _ *Keepout) { t.FixUS -= 40 * secondUS }, "uav ahead move"},
		{"a band high above", 90, 2000, 150, 0, 0, func(_ *telemetry.TrackView, k *Keepout) {
			k.Floor = geo.Altitude{MM: 145_000, Datum: geo.AMSL}
		}, "uav ahead descend"},
	} {
		r := newRig(t, nil)
		k := eastbound()
		v := r.drone("uav", c.bearing, c.metres, c.amsl, c.course, c.mps_)
		if c.change != nil {
			c.change(v, &k)
		}
		r.keepouts = []Keepout{k}
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		equal(t, c.name, r.look(0), want...)
	}
}

// TestConflictEnds: an alert ends when three looks find the way clear, at once when
// the vehicle lands, and with the priority traffic.
func TestConflictEnds(t *testing.T) {
	r := newRig(t, nil)
	r.keepouts = []Keepout{eastbound()}
	for i, name := range []string{"away", "lands", "stays"} {
		r.drone(name, 90, []float64{2000, 1500, 2900}[i], 80, 0, 0)
	}
	away, lands := &r.tracks[0], &r.tracks[1]
	equal(t, "first", r.look(0), "lands ahead move", "away ahead move", "stays ahead move")
	r.fresh(1)
	equal(t, "once", r.look(1))
	away.Fix.Point = geo.Destination(pad, 45, 3000)
	lands.Landed = vehicles.OnGround
	r.fresh(1)
	equal(t, "landed", r.look(1), "lands ends: at_rest")
	r.fresh(1)
	equal(t, "clear twice", r.look(1))
	r.fresh(1)
	equal(t, "clear", r.look(1), "away ends: way_is_clear")
	r.keepouts = nil
	equal(t, "over", r.look(1), "stays ends: priority_ended")
	if p := r.Pictures(); len(p) != 0 {
		t.Errorf("over, and still %+v", p)
	}
}

// TestCalls: people are called when no order can help, for a reason that does not
// change with every look, and not any more when it is over.
func TestCalls(t *testing.T) {
	r := newRig(t, nil)
	k := eastbound()
	k.Speed = 10
	r.keepouts = []Keepout{k}
	v := r.drone("uav", 90, 600, 80, 0, 0)
	v.Link = vehicles.LinkLost
	unverified := r.drone("ghost", 90, 700, 80, 0, 0)
	unverified.Vehicle.Verified = false
	what := `It is in the way of priority traffic "Rescue 1", which needs it clear by 08:03:00 UTC: `
	equal(t, "link lost", r.look(0), "uav ahead move", "call uav: "+what+"its link is lost, no order reaches it. Have its pilot get it out of the way.", "ghost ahead move")
	if p, _ := r.Picture("pt_1"); !strings.Contains(p.Affected[1].Call, "proved") {
		t.Errorf("of an unverified one it says %q", p.Affected[1].Call)
	}
	r.fresh(1)
	equal(t, "the same", r.look(1))
	r.tracks[0].Link = vehicles.LinkNominal
	r.fresh(1)
	equal(t, "heard again", r.look(1), "call uav ends: way_is_clear")
	k.AtUS, k.ClearByUS = k.AtUS+10*secondUS, r.now.UnixMicro()
	r.keepouts = []Keepout{k}
	r.fresh(1)
	equal(t, "too late", r.look(1), "call uav: "+strings.Replace(what, "08:03:00", r.now.Add(-time.Second).UTC().Format(time.TimeOnly), 1)+"that time has passed. Have its pilot get it out of the way at once.")
}

// TestLostTrackCallsPeople: a track that is gone is told, and that it is back.
func TestLostTrackCallsPeople(t *testing.T) {
	r := newRig(t, nil)
	r.keepouts = []Keepout{{ID: "pt_1", Name: "Rescue 1", Track: "icao-780abc", Radius: 300, LookAheadS: 60, ClearByUS: startUS + 600*secondUS}}
	equal(t, "never seen", r.look(0))
	unseen := r.look(31)
	if len(unseen) != 1 || !strings.Contains(unseen[0], "which nobody sees") {
		t.Errorf("never seen for long: %q", unseen)
	}
	r.traffic = []telemetry.TrafficView{helicopter(pad, 90, 50, r.now.UnixMicro())}
	equal(t, "seen", r.look(0), "call pt_1 ends: seen_again")
	r.drone("uav", 90, 4200, 80, 0, 0)
	r.traffic = nil
	r.fresh(10)
	if told := r.look(10); len(told) != 2 || !strings.Contains(told[1], "no way out") || told[0] != "uav ahead none" {
		t.Errorf("lost for 10 s, its keep-out has grown: %q", told)
	}
	if p, _ := r.Picture("pt_1"); p.Where != Lost || p.RadiusOf != 800 {
		t.Errorf("lost for 10 s: %s, radius %.0f", p.Where, p.RadiusOf)
	}
	r.fresh(21)
	lost := r.look(21)
	if len(lost) != 1 || !strings.Contains(lost[0], "call pt_1: ") || !strings.Contains(lost[0], "its keep-out grows") {
		t.Errorf("lost for long: %q", lost)
	}
}

// TestUnjudged: of whom nobody knows where it is, is told.
func TestUnjudged(t *testing.T) {
	r := newRig(t, nil)
	r.keepouts = []Keepout{eastbound()}
	v := r.drone("uav", 90, 600, 80, 0, 0)
	v.FixUS = 0
	r.look(0)
	if p, _ := r.Picture("pt_1"); len(p.Affected) != 0 || len(p.Unjudged) != 1 || p.Unjudged[0].ID != "uav" {
		t.Errorf("%+v", p)
	}
}

// TestPreview says who would be in the way, and changes nothing.
func TestPreview(t *testing.T) {
	r := newRig(t, nil)
	r.drone("uav", 90, 2000, 80, 0, 0)
	p, err := r.Preview(t.Context(), eastbound())
	if err != nil || len(p.Affected) != 1 || math.Abs(p.Affected[0].InS-32.4) > 0.5 {
		t.Errorf("%+v %v", p, err)
	}
	equal(t, "a preview", r.look(1))
}

// TestStartInTheWay: nobody starts where the traffic is or comes, whatever the height.
func TestStartInTheWay(t *testing.T) {
	r := newRig(t, nil)
	k := eastbound()
	k.Floor = geo.Altitude{MM: 100_000, Datum: geo.AMSL}
	r.keepouts = []Keepout{k}
	for _, c := range []struct {
		bearing, metres float64
		class           vehicles.Class
		want            bool
	}{{0, 100, vehicles.UAV, true}, {90, 2500, vehicles.UAV, true}, {270, 400, vehicles.UAV, false}, {45, 2500, vehicles.UAV, false}} {
		if name, is := r.InTheWay(c.class, geo.Destination(pad, c.bearing, c.metres)); is != c.want || is && name != k.Name {
			t.Errorf("at %v m to %v degrees: %v %q", c.metres, c.bearing, is, name)
		}
	}
}
