package priority

import (
	"math"
	"math/rand/v2"
	"testing"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

var pad = geo.Point{Lat: 309_000_000, Lon: 1_219_300_000}

const (
	startUS  = int64(1_800_000_000_000_000)
	secondUS = int64(1_000_000)
)

// walk is where a mover is after so many seconds, by small steps along what was
// decided and by nothing of the code under test but geo.
func walk(m *mover, w way, t float64) (n, e float64) {
	for _, l := range w {
		if t <= l.t1 {
			return l.n + (t-l.t0)*l.vn, l.e + (t-l.t0)*l.ve
		}
	}
	l := w[len(w)-1]
	return l.n + (l.t1-l.t0)*l.vn, l.e + (l.t1-l.t0)*l.ve
}

// naive is the first time at which a body is within the keep-out, found by steps of a
// hundredth of a second; gap is how far the nearest miss was, or how deep the hit.
func naive(m *mover, b *body, until float64) (first, gap float64) {
	first, gap = never, never
	for _, w := range m.ways {
		for t := 0.0; t <= until; t += 0.01 {
			n, e := walk(m, w, t)
			out := math.Hypot(b.n+b.vn*t-n, b.e+b.ve*t-e) - (m.radius + m.growth*t + b.slack)
			for _, l := range [2]struct {
				a    geo.Altitude
				sign float64
			}{{m.keepout.Floor, 1}, {m.keepout.Ceiling, -1}} {
				if mm, ok := b.fix.Heights.In(l.a.Datum); ok && l.a.Datum != geo.NoDatum {
					out = max(out, -(l.sign*(float64(mm-l.a.MM)/1000+b.up*t) + heightSlackM))
				}
			}
			gap = min(gap, out)
			if out <= 0 && t < first {
				first = t
			}
		}
	}
	return first, gap
}

// TestAgainstNaive compares the predicted times of conflict with those of a walk in
// small steps: straight on, along routes, around turns, lost tracks that grow, with
// bands and climbing vehicles.
func TestAgainstNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	cases, hits := 4000, 0
	if testing.Short() {
		cases = 500
	}
	for i := range cases {
		k := Keepout{ID: "k", Radius: 50 + 800*rng.Float64(), LookAheadS: 20 + 100*rng.Float64(), AtUS: startUS - rng.Int64N(30)*secondUS, Speed: 70 * rng.Float64()}
		var traffic []telemetry.TrafficView
		kept := map[string]*memory{}
		switch i % 4 {
		case 0:
			k.Route, k.Course = []geo.Point{pad}, 360*rng.Float64()
		case 1:
			k.Route, k.AtUS = []geo.Point{pad}, startUS+rng.Int64N(40)*secondUS-20*secondUS
			for at := pad; len(k.Route) < 5; {
				at = geo.Destination(at, 360*rng.Float64(), 100+1500*rng.Float64())
				k.Route = append(k.Route, at)
			}
		case 2: // it turns
			k.Track = "icao-780abc"
			kept["k"] = &memory{id: "k", of: map[vehicles.VehicleID]*conflict{}, turn: -8 + 16*rng.Float64()}
			traffic = []telemetry.TrafficView{helicopter(pad, 360*rng.Float64(), k.Speed, startUS-rng.Int64N(3)*secondUS)}
		default: // it is lost
			k.Track = "icao-780abc"
			traffic = []telemetry.TrafficView{helicopter(pad, 360*rng.Float64(), k.Speed, startUS-(6+rng.Int64N(20))*secondUS)}
		}
		fix := &geo.Fix{Point: pad}
		if rng.IntN(2) == 0 {
			fix.Heights.Set(geo.AMSL, rng.Int32N(400_000))
			k.Floor = geo.Altitude{MM: rng.Int32N(150_000), Datum: geo.AMSL}
			k.Ceiling = geo.Altitude{MM: k.Floor.MM + rng.Int32N(200_000), Datum: geo.AMSL}
		}
		s := newScene([]Keepout{k}, kept, traffic, startUS)
		m := &s.movers[0]
		b := body{
			n: 4000*rng.Float64() - 2000, e: 4000*rng.Float64() - 2000, vn: 40*rng.Float64() - 20, ve: 40*rng.Float64() - 20, up: 6*rng.Float64() - 3,
			slack: 50 * float64(rng.IntN(2)), fix: fix, class: vehicles.UAV,
		}
		got := m.meets(&b, 0, m.horizon)
		want, gap := naive(m, &b, m.horizon)
		if math.Abs(gap) < 1.5 { // grazing: the steps may miss it
			continue
		}
		if want < never {
			hits++
		}
		if (got < never) != (want < never) || got < never && math.Abs(got-want) > 0.02 {
			t.Fatalf("case %d (%+v): meets in %v s, walking meets in %v s (gap %.1f m), body %+v", i, k, got, want, gap, b)
		}
	}
	if hits < cases/8 {
		t.Errorf("only %d of %d cases meet", hits, cases)
	}
}

// helicopter is a track of ADS-B.
func helicopter(at geo.Point, course, mps float64, seenUS int64) telemetry.TrafficView {
	rad := course * math.Pi / 180
	v := telemetry.TrafficView{
		Vehicle: &vehicles.Identity{Handle: 900, ID: "icao-780abc", Name: "B-7611", Class: vehicles.Aircraft, Verified: true}, SeenUS: seenUS, Velocity: true,
	}
	v.Track.Fix.Point = at
	v.Track.Velocity = vehicles.Velocity{N: int16(math.Round(100 * mps * math.Cos(rad))), E: int16(math.Round(100 * mps * math.Sin(rad)))}
	return v
}
