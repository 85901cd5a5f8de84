package telemetry

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

// trafficRig is a Traffic beside a pipeline, swept by hand.
type trafficRig struct {
	*pipelineRig
	*Traffic
	same vehicles.Handle // what SameAs answers
}

func newTrafficRig(t *testing.T) *trafficRig {
	t.Helper()
	r := &trafficRig{pipelineRig: newPipelineRig(t, 2)}
	var err error
	r.Traffic, err = NewTraffic(TrafficConfig{
		Registry: r.registry, Pipeline: r.Pipeline,
		SameAs: func(vehicles.Means, uint32, string) vehicles.Handle { return r.same },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// verified opens a registered vehicle that proved who it is.
func (r *trafficRig) verified(t *testing.T, id vehicles.VehicleID) vehicles.Handle {
	t.Helper()
	if err := r.registry.SetRegistered([]vehicles.Registration{{ID: id, Class: vehicles.UAV, Operator: "op"}}); err != nil {
		t.Fatal(err)
	}
	ident, err := r.registry.OpenVerified(id, vehicles.Source{Listener: "signed"})
	if err != nil {
		t.Fatal(err)
	}
	return ident.Handle
}

// aircraft is an ADS-B sighting of now.
func aircraft(by vehicles.Handle, icao uint32, lat, lon int32, ageS uint16) *vehicles.Sighting {
	s := &vehicles.Sighting{
		Reporter: by, Means: vehicles.ADSB, Number: icao, AgeS: ageS, ReceivedUS: time.Now().UnixMicro(),
		Has: vehicles.SeenPosition | vehicles.SeenPressure | vehicles.SeenVelocity | vehicles.SeenCourse,
	}
	s.Point, s.PressureMM, s.Velocity, s.Course = geo.Point{Lat: lat, Lon: lon}, 300_000, vehicles.Velocity{E: 5000}, 9000
	return s
}

// seen is the traffic as "id lat reporters".
func (r *trafficRig) seen() string {
	var out []string
	for _, v := range r.Traffic.Tracks(WholeZone()) {
		var by []string
		for _, b := range v.By {
			by = append(by, string(b.Vehicle.ID))
		}
		out = append(out, fmt.Sprintf("%s %d %s", v.Vehicle.ID, v.Track.Fix.Point.Lat, strings.Join(by, ",")))
	}
	return strings.Join(out, "; ")
}

// inPicture reports whether the live table has a record of a handle.
func (r *trafficRig) inPicture(h vehicles.Handle) bool {
	_, _, ok := r.table.slot(h).load(uint32(h), &live.Record{})
	return ok
}

func TestTrafficNewestSightingCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrafficRig(t)
		defer r.stop()
		a, b := r.verified(t, "uav-a"), r.verified(t, "uav-b")
		for _, step := range []struct {
			what string
			s    *vehicles.Sighting
			want string
		}{
			{"first", aircraft(a, 0x780abc, 1000, 0, 2), "icao-780abc 1000 uav-a"},
			{"another reporter heard it later", aircraft(b, 0x780abc, 2000, 0, 1), "icao-780abc 2000 uav-b,uav-a"},
			{"one that is older than what is known", aircraft(a, 0x780abc, 9000, 0, 5), "icao-780abc 2000 uav-a,uav-b"},
			{"one that says nothing of now", aircraft(a, 0x780abc, 9000, 0, 31), "icao-780abc 2000 uav-a,uav-b"},
			{"without a place nothing begins", &vehicles.Sighting{Reporter: a, Means: vehicles.ADSB, Number: 7, Has: vehicles.SeenCategory}, "icao-780abc 2000 uav-a,uav-b"},
			{"30 s are not too old", aircraft(a, 2, 3000, 0, 30), "icao-000002 3000 uav-a; icao-780abc 2000 uav-a,uav-b"},
		} {
			if r.Sighted(step.s); r.seen() != step.want {
				t.Errorf("%s: %q, want %q", step.what, r.seen(), step.want)
			}
		}
		if st := r.Traffic.Stats(); st.Stale != 1 || st.Outdated != 1 || st.Tracks != 2 {
			t.Errorf("%+v", st)
		}
	})
}

func TestTrafficEndsInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrafficRig(t)
		defer r.stop()
		a := r.verified(t, "uav-a")
		r.Sighted(aircraft(a, 1, 1000, 0, 0))
		h := r.Traffic.Tracks(WholeZone())[0].Vehicle.Handle
		if !r.inPicture(h) {
			t.Error("it is not in the live picture")
		}
		time.Sleep(trafficSilence)
		if r.sweep(); r.seen() == "" {
			t.Error("it ended at 60 s of silence, not after")
		}
		time.Sleep(time.Millisecond)
		if r.sweep(); r.seen() != "" {
			t.Errorf("still there: %q", r.seen())
		}
		if r.inPicture(h) || r.registry.Identity(h) != nil {
			t.Error("its handle or its record outlives it")
		}
		if len(r.begun) != 0 || r.counts != [2]int{} {
			t.Errorf("counted still: %v %v", r.begun, r.counts)
		}
		if _, err := r.Traffic.Track(WholeZone(), "icao-000001"); !errors.Is(err, ErrNoTraffic) {
			t.Errorf("error %v", err)
		}
	})
}

// Who proved nothing moves nothing that others vouch for, and fills nothing up.
func TestTrafficUnverifiedReporters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrafficRig(t)
		defer r.stop()
		liar, a := r.open(t, vehicles.UAV), r.verified(t, "uav-a")
		r.Sighted(aircraft(liar, 1, 1000, 0, 0))
		before := r.Traffic.Tracks(WholeZone())[0].Vehicle
		r.Sighted(aircraft(a, 1, 2000, 0, 0))
		now := r.Traffic.Tracks(WholeZone())[0].Vehicle
		if before.Verified || !now.Verified || now.Handle == before.Handle {
			t.Errorf("claimed %+v, then seen %+v", before, now)
		}
		r.Sighted(aircraft(liar, 1, 9000, 0, 0))
		if got := r.seen(); got != "icao-000001 2000 uav-a" {
			t.Errorf("moved by a claim: %q", got)
		}
		for i := range uint32(400) {
			r.Sighted(aircraft(liar, 1000+i, 1000, 0, 0))
			time.Sleep(time.Minute / unverifiedTrafficPerMinute / 2)
		}
		st := r.Traffic.Stats()
		if st.Unverified > maxUnverifiedTraffic || st.Refused == 0 || st.Shadowed != 1 {
			t.Errorf("%+v", st)
		}
		for i := range uint32(maxPerReporter + 10) {
			r.Sighted(aircraft(a, 5000+i, 1000, 0, 0))
		}
		if st = r.Traffic.Stats(); st.Tracks != maxPerReporter {
			t.Errorf("one reporter began %d tracks", st.Tracks)
		}
		for _, name := range []vehicles.VehicleID{"uav-b", "uav-c", "uav-d", "uav-e"} {
			by := r.verified(t, name)
			for i := range uint32(maxPerReporter) {
				r.Sighted(aircraft(by, uint32(by)<<16+i, 1000, 0, 0))
			}
		}
		if st = r.Traffic.Stats(); st.Tracks != maxTraffic || len(r.Traffic.Health()) != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// A transmitter that tells its serial number is one with it from then on.
func TestTrafficRemoteIDGetsItsSerial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrafficRig(t)
		defer r.stop()
		a := r.verified(t, "uav-a")
		of := vehicles.Text{0xaa, 1}
		place := &vehicles.Sighting{
			Reporter: a, Means: vehicles.RemoteID, Of: of, Has: vehicles.SeenPosition,
			Point: geo.Point{Lat: 1000}, ReceivedUS: time.Now().UnixMicro(),
		}
		r.Sighted(place)
		if got := r.seen(); got != "rid-aa01 1000 uav-a" {
			t.Errorf("%q", got)
		}
		serial := &vehicles.Sighting{Reporter: a, Means: vehicles.RemoteID, Of: of, Has: vehicles.SeenSerial, ReceivedUS: time.Now().UnixMicro()}
		copy(serial.Serial[:], "1581F 45")
		r.Sighted(serial)
		r.Sighted(place)
		if got := r.seen(); got != "rid-1581F_45 1000 uav-a" {
			t.Errorf("%q", got)
		}
		own := *place
		own.Of = vehicles.Text{}
		if r.Sighted(&own); r.seen() != "rid-1581F_45 1000 uav-a" {
			t.Errorf("an own remote id became traffic: %q", r.seen())
		}
	})
}

// Who saw traffic is the business of that vehicle's operator, and where a pilot
// stands that of the zone.
func TestTrafficViews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrafficRig(t)
		defer r.stop()
		a := r.verified(t, "uav-a")
		s := aircraft(a, 1, 1000, 0, 0)
		s.Means, s.Of = vehicles.RemoteID, vehicles.Text{1}
		s.Has |= vehicles.SeenOperator
		r.Sighted(s)
		for _, c := range []struct {
			view  View
			by    int
			pilot bool
		}{{WholeZone(), 1, true}, {OfOperator("op"), 1, false}, {OfOperator("other"), 0, false}, {View{}, 0, false}} {
			v := r.Traffic.Tracks(c.view)[0]
			if len(v.By) != c.by || v.Sighting.Has&vehicles.SeenOperator != 0 != c.pilot {
				t.Errorf("%+v: %d reporters, pilot %v", c.view, len(v.By), v.Sighting.Has&vehicles.SeenOperator != 0)
			}
		}
	})
}

// No fence judges traffic, not even one for every class.
func TestTrafficIsNotJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrafficRig(t)
		defer r.stop()
		if err := r.SetFences(t.Context(), []*geofence.Compiled{box(t, "f", 1, 5000, 5000)}); err != nil {
			t.Fatal(err)
		}
		r.Sighted(aircraft(r.verified(t, "uav-a"), 1, 5500, 5500, 0))
		h := r.Traffic.Tracks(WholeZone())[0].Vehicle.Handle
		r.Reports([]vehicles.Report{heartbeatOf(h), fix(h, 5600, 5500, 1000)}) // nobody sends that
		synctest.Wait()
		if got := r.transitions(); len(got) != 0 {
			t.Errorf("%v", got)
		}
	})
}
