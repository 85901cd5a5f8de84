package telemetry

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// separatorRig is a pipeline with a separator beside it. Tests sleep on the
// clock of their bubble.
type separatorRig struct {
	*pipelineRig
	*Separator
	live *Subscription
	boot uint32
}

func newSeparatorRig(t *testing.T) *separatorRig {
	t.Helper()
	r := &separatorRig{pipelineRig: newPipelineRig(t, 2)}
	var err error
	r.Separator, err = NewSeparator(SeparatorConfig{Pipeline: r.Pipeline, Bus: r.bus})
	if err != nil {
		t.Fatal(err)
	}
	r.live, _ = r.bus.Subscribe(SubscribeConfig{Name: "live", Limit: 1000})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Separator.Run(ctx) }()
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

// at is an armed vehicle standing in the air.
func (r *separatorRig) at(h vehicles.Handle, lat, lon, mm int32) vehicles.Report {
	r.boot += 10
	v := fix(h, lat, lon, r.boot)
	v.Fix.Heights = geo.Heights{}
	v.Fix.Heights.Set(geo.AMSL, mm)
	v.Has |= vehicles.HasHeartbeat
	v.Armed = true
	return v
}

// events are the changes of the last d, as "+1-2" and "-1-2 cause".
func (r *separatorRig) events(d time.Duration, from *Subscription) string {
	time.Sleep(d)
	synctest.Wait()
	events, err := from.Take()
	out := ""
	if err != nil {
		out = err.Error()
	}
	for _, e := range events {
		s, ok := e.Body.(*Separation)
		if !ok {
			continue
		}
		if out != "" {
			out += " "
		}
		if s.Began {
			out += fmt.Sprintf("+%d-%d", s.A.Handle, s.B.Handle)
		} else {
			out += fmt.Sprintf("-%d-%d %s", s.A.Handle, s.B.Handle, s.Cause)
		}
	}
	return out
}

// The lattice is 1.1 cm: 1,000 units are 11 m.
const (
	nearby = 2_000
	beyond = 20_000
)

func TestSeparatorTellsBeginAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSeparatorRig(t)
		defer r.stop()
		a, b := r.open(t, vehicles.UAV), r.open(t, vehicles.UAV)
		step := func(lat int32, want string) {
			t.Helper()
			r.Reports([]vehicles.Report{r.at(b, lat, 0, 60_000), r.at(a, 0, 0, 60_000)})
			if got := r.events(time.Second, r.heard); got != want {
				t.Errorf("at %v: %q, want %q", lat, got, want)
			}
		}
		time.Sleep(500 * time.Millisecond) // between two searches
		step(beyond, "")
		step(nearby, "+1-2")
		step(nearby/2, "") // nearer: it goes on
		if on := r.Ongoing(); len(on) != 1 || !on[0].Began || on[0].A.Handle != a || on[0].Conflict.HorizontalM < 10 || on[0].Conflict.HorizontalM > 12 {
			t.Errorf("ongoing %+v", on)
		}
		step(beyond, "")
		step(beyond, "")
		step(nearby, "") // found again within 3 s: the same conflict
		step(beyond, "")
		step(beyond, "")
		step(beyond, "-1-2 separated")
		step(beyond, "")
		if on := r.Ongoing(); len(on) != 0 {
			t.Errorf("ongoing %+v", on)
		}
		if st := r.Separator.Stats(); st.Judged != 2 || st.Ongoing != 0 || st.LookedUS != time.Now().UnixMicro()-500_000 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestSeparatorLooksAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSeparatorRig(t)
		defer r.stop()
		time.Sleep(500 * time.Millisecond)
		a, b := r.at(r.open(t, vehicles.UAV), 0, 0, 60_000), r.at(r.open(t, vehicles.UAV), 18_086, 0, 60_000) // 200 m
		a.Velocity.N, b.Velocity.N = 1000, -1000
		r.Reports([]vehicles.Report{a, b})
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		on := r.Ongoing()
		// The fixes are half a second old: 190 m apart.
		if len(on) != 1 || on[0].Conflict.InS < 6.95 || on[0].Conflict.InS > 7.05 || on[0].Conflict.AtS < 9.45 || on[0].Conflict.AtS > 9.55 {
			t.Errorf("%+v", on)
		}
	})
}

func TestSeparatorWhoIsJudged(t *testing.T) {
	wgs84 := func(mm int32) func(*vehicles.Report) {
		return func(v *vehicles.Report) {
			v.Fix.Heights = geo.Heights{}
			v.Fix.Heights.Set(geo.WGS84, mm)
		}
	}
	takeoff := func(v *vehicles.Report) {
		v.Fix.Heights = geo.Heights{}
		v.Fix.Heights.Set(geo.Takeoff, 500_000)
	}
	set := func(has vehicles.Fields, f func(*vehicles.Report)) func(*vehicles.Report) {
		return func(v *vehicles.Report) { v.Has |= has; f(v) }
	}
	for _, c := range []struct {
		name     string
		class    vehicles.Class
		change   func(*vehicles.Report) // of the second; the first stands at 60 m AMSL
		want     string
		noHeight int
	}{
		{name: "both in the air", class: vehicles.UAV, want: "+1-2"},
		{name: "disarmed", class: vehicles.UAV, change: func(v *vehicles.Report) { v.Armed = false }},
		{name: "no heartbeat yet", class: vehicles.UAV, change: func(v *vehicles.Report) { v.Has, v.Armed = vehicles.HasPosition, false }, want: "+1-2"},
		{name: "on the ground", class: vehicles.UAV, change: set(vehicles.HasLanded, func(v *vehicles.Report) { v.Landed = vehicles.OnGround })},
		{name: "landing", class: vehicles.UAV, change: set(vehicles.HasLanded, func(v *vehicles.Report) { v.Landed = vehicles.Landing }), want: "+1-2"},
		{name: "emergency in the air", class: vehicles.UAV, change: func(v *vehicles.Report) { v.Status = vehicles.Emergency }, want: "+1-2"},
		{name: "higher", class: vehicles.UAV, change: func(v *vehicles.Report) { v.Fix.Heights.Set(geo.AMSL, 95_000) }},
		// The geoid is 17.16 m above the ellipsoid at 0 N 0 E.
		{name: "height above the ellipsoid, near", class: vehicles.UAV, change: wgs84(106_000), want: "+1-2"},
		{name: "height above the ellipsoid, far", class: vehicles.UAV, change: wgs84(108_000)},
		{name: "height above its own start", class: vehicles.UAV, change: takeoff, want: "+1-2", noHeight: 1},
		{name: "boat, whose height does not matter", class: vehicles.USV, change: takeoff},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newSeparatorRig(t)
			defer r.stop()
			a, b := r.at(r.open(t, vehicles.UAV), 0, 0, 60_000), r.at(r.open(t, c.class), nearby, 0, 60_000)
			if c.change != nil {
				c.change(&b)
			}
			r.Reports([]vehicles.Report{a, b})
			if got := r.events(1500*time.Millisecond, r.heard); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
			if st := r.Separator.Stats(); st.NoHeight != c.noHeight {
				t.Errorf("%s: %+v", c.name, st)
			}
		})
	}
}

// A conflict does not end because nobody sees the vehicles any more.
func TestSeparatorHoldsWhatItCannotJudge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSeparatorRig(t)
		defer r.stop()
		a, b := r.open(t, vehicles.UAV), r.open(t, vehicles.UAV)
		time.Sleep(500 * time.Millisecond)
		r.Reports([]vehicles.Report{r.at(a, 0, 0, 60_000), r.at(b, nearby, 0, 60_000)})
		if got := r.events(time.Second, r.heard); got != "+1-2" {
			t.Fatal(got)
		}
		// Both fall silent: links are lost, fixes grow old.
		if got := r.events(20*time.Second, r.heard); got != "" {
			t.Errorf("silent: %q", got)
		}
		if st := r.Separator.Stats(); st.NoFix != 2 || st.Judged != 0 || st.Ongoing != 1 {
			t.Errorf("silent: %+v", st)
		}
		down := r.at(b, nearby, 0, 0)
		down.Armed = false
		r.Reports([]vehicles.Report{down})
		// a is unknown still, but b stands.
		if got := r.events(4*time.Second, r.heard); got != "-1-2 parked" {
			t.Errorf("parked: %q", got)
		}
		r.Reports([]vehicles.Report{r.at(a, 0, 0, 60_000), r.at(b, nearby, 0, 60_000)})
		if got := r.events(time.Second, r.heard); got != "+1-2" {
			t.Errorf("again: %q", got)
		}
		r.Forget(b)
		if got := r.events(5*time.Second, r.heard); got != "-1-2 gone" {
			t.Errorf("forgotten: %q", got)
		}
	})
}

// A fix is judged while it is younger than 3 s.
func TestSeparatorLeavesOldFixes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSeparatorRig(t)
		defer r.stop()
		a, b := r.open(t, vehicles.UAV), r.open(t, vehicles.UAV)
		r.Reports([]vehicles.Report{r.at(a, 0, 0, 60_000)})
		time.Sleep(2900 * time.Millisecond)
		r.Reports([]vehicles.Report{r.at(b, nearby, 0, 60_000)})
		// At the search of 3.0 s the fix of a is 3 s old.
		if got := r.events(time.Second, r.heard); got != "" {
			t.Errorf("%q", got)
		}
	})
}

// Who claims many vehicles at one place does not close the live sessions, and
// hides no conflict from the alert book.
func TestSeparatorUnverifiedCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSeparatorRig(t)
		defer r.stop()
		const crowd = 60 // 1,770 pairs
		var reports []vehicles.Report
		for range crowd {
			reports = append(reports, r.at(r.open(t, vehicles.UAV), 0, 0, 60_000))
		}
		r.Reports(reports)
		count := func(s *Subscription, d time.Duration) (began, ended int) {
			time.Sleep(d)
			synctest.Wait()
			events, err := s.Take()
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if c, ok := e.Body.(*Separation); ok && c.Began {
					began++
				} else if ok {
					ended++
				}
			}
			return began, ended
		}
		if began, _ := count(r.heard, 1500*time.Millisecond); began != 1000 {
			t.Errorf("the book heard of %d", began)
		}
		if began, _ := count(r.live, 0); began != quietPairs {
			t.Errorf("live sessions heard of %d", began)
		}
		st := r.Separator.Stats()
		if st.Withheld != crowd*(crowd-1)/2-1000 || st.Quiet != 1000-quietPairs || st.Ongoing != 1000 {
			t.Errorf("%+v", st)
		}
		for h := range vehicles.Handle(crowd) {
			r.Forget(h + 1)
		}
		if _, ended := count(r.heard, 5*time.Second); ended != 1000 {
			t.Errorf("the book heard of %d ends", ended)
		}
		if _, ended := count(r.live, 0); ended != quietPairs {
			t.Errorf("live sessions heard of %d ends", ended)
		}
		if r.told != 0 || r.Separator.Stats().Ongoing != 0 {
			t.Errorf("%d told, %+v", r.told, r.Separator.Stats())
		}
	})
}

func TestSeparatorConfig(t *testing.T) {
	if _, err := NewSeparator(SeparatorConfig{}); !errors.Is(err, ErrConfig) {
		t.Errorf("error %v", err)
	}
}

// Verified pairs are always told, whoever else crowds the place.
func TestSeparatorTellsOfVerified(t *testing.T) {
	s := &Separator{cfg: SeparatorConfig{Bus: NewBus(nil)}, ongoing: map[pair]*ongoing{}, seen: map[vehicles.Handle]sight{
		1: {id: &vehicles.Identity{Handle: 1, Verified: true}, state: judged},
		2: {id: &vehicles.Identity{Handle: 2, Verified: true}, state: judged},
		3: {id: &vehicles.Identity{Handle: 3}, state: judged},
	}, told: quietPairs}
	live, _ := s.cfg.Bus.Subscribe(SubscribeConfig{})
	s.found(geofence.Conflict{A: 2, B: 3}, 0, 1)
	s.found(geofence.Conflict{A: 1, B: 2}, 0, 1)
	events, _ := live.Take()
	if len(events) != 1 || events[0].Body.(*Separation).A.Handle != 1 {
		t.Errorf("%v", events)
	}
}
