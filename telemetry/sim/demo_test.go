package sim

import (
	"math"
	"testing"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// contains is the test's own point in polygon, on degrees, and haversine distance
// for circles.
func contains(f DemoFence, p geo.Point) bool {
	if f.Circle != nil {
		return haversine(f.Circle.Center, p) <= f.Circle.RadiusM
	}
	in := false
	for i := range f.Ring {
		a, b := f.Ring[i], f.Ring[(i+1)%len(f.Ring)]
		if (a.Lat > p.Lat) == (b.Lat > p.Lat) {
			continue
		}
		f := float64(p.Lat-a.Lat) / float64(b.Lat-a.Lat)
		if float64(p.Lon) < float64(a.Lon)+f*float64(b.Lon-a.Lon) {
			in = !in
		}
	}
	return in
}

func haversine(a, b geo.Point) float64 {
	const rad = math.Pi / 180 / 1e7
	dLat, dLon := (float64(b.Lat)-float64(a.Lat))*rad, (float64(b.Lon)-float64(a.Lon))*rad
	s := math.Pow(math.Sin(dLat/2), 2) +
		math.Cos(float64(a.Lat)*rad)*math.Cos(float64(b.Lat)*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * 6_371_008.8 * math.Asin(math.Sqrt(s))
}

// inBand reports whether a height over the start point is within the band.
func inBand(f DemoFence, heightM float64) bool {
	in := func(a geo.Altitude) float64 {
		if a.Datum == geo.AMSL {
			return float64(a.MM-groundMM) / 1000
		}
		return float64(a.MM) / 1000
	}
	return (f.Floor.Datum == geo.NoDatum || heightM >= in(f.Floor)) && (f.Ceiling.Datum == geo.NoDatum || heightM <= in(f.Ceiling))
}

// TestDemoBreaches flies 20 minutes for several seeds: fences are breached once
// a minute as announced, and never otherwise.
func TestDemoBreaches(t *testing.T) {
	const step, span = 200 * time.Millisecond, 20 * time.Minute
	fences := DemoFences()
	for seed := range int64(12) {
		f, err := New(Config{Kind: KindDemo, Seed: seed, NoiseM: 0.3, dial: (&wire{}).dial})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		// What the timetable announces: an entry time by vehicle and fence.
		type event struct {
			vehicle int
			fence   string
			minute  int
		}
		want := map[event]Breach{}
		for _, b := range f.Breaches() {
			for at := b.First; at < span; at += b.Every {
				want[event{b.Vehicle, b.Fence, int(at / time.Minute)}] = b
				if at%time.Minute != 15*time.Second {
					t.Errorf("seed %d: breach at %v, want 15 s past a minute", seed, at)
				}
			}
		}
		if len(want) != 20 {
			t.Errorf("seed %d: %d breaches announced in 20 minutes", seed, len(want))
		}
		for i, v := range f.Vehicles() {
			for _, fence := range fences {
				if !vehicles.ClassSet(fence.Classes...).Match(v.Class) {
					continue
				}
				was := false
				var since time.Duration
				for at := time.Duration(0); at < span; at += step {
					p, h, _ := f.At(i, at)
					out := contains(fence, p) && inBand(fence, h)
					if fence.Kind == "keep-in" {
						out = !out
					}
					switch {
					case out && !was:
						since = at
						e := event{i, fence.ID, int(at / time.Minute)}
						if _, ok := want[e]; !ok || at%time.Minute < 14*time.Second || at%time.Minute > 16*time.Second {
							t.Fatalf("seed %d: %s breaches %s at %v, not announced", seed, v.Name, fence.ID, at)
						}
						delete(want, e)
					case was && !out:
						for _, b := range f.Breaches() {
							if b.Vehicle == i && (at-since-b.Stay).Abs() > time.Second {
								t.Errorf("seed %d: %s stayed %v, announced %v", seed, v.Name, at-since, b.Stay)
							}
						}
					}
					was = out
				}
			}
		}
		for e := range want {
			t.Errorf("seed %d: announced and did not happen: %+v", seed, e)
		}
	}
}

func TestDemoComposition(t *testing.T) {
	f, err := New(Config{dial: (&wire{}).dial})
	if err != nil {
		t.Fatal(err)
	}
	count := map[vehicles.Class]int{}
	for i, v := range f.Vehicles() {
		count[v.Class]++
		if v.SystemID != uint8(i+1) || v.Socket != i || v.Name == "" {
			t.Errorf("vehicle %d: %+v", i, v)
		}
	}
	if count[vehicles.UAV] != 10 || count[vehicles.ICV] != 6 || count[vehicles.USV] != 4 {
		t.Errorf("classes %v", count)
	}
	for _, b := range f.Breaches() {
		if f.Vehicles()[b.Vehicle].SystemID != b.SystemID || b.Stay < 10*time.Second || b.Stay > 2*time.Minute {
			t.Errorf("%+v", b)
		}
	}
	sw, ne := DemoBounds()
	inside := func(p geo.Point) bool {
		return p.Lat >= sw.Lat && p.Lat <= ne.Lat && p.Lon >= sw.Lon && p.Lon <= ne.Lon
	}
	kinds := map[string]int{}
	for _, ft := range DemoFeatures() {
		kinds[ft.Kind]++
		for _, p := range ft.Points {
			if !inside(p) {
				t.Errorf("%s %s: %v is outside the zone", ft.Kind, ft.Name, p)
			}
		}
	}
	for k, n := range map[string]int{"boundary": 1, "channel": 1, "runway": 1, "pedestrian": 1, "road": 10, "pad": 8} {
		if kinds[k] != n {
			t.Errorf("%d features %q, want %d", kinds[k], k, n)
		}
	}
	for _, fence := range DemoFences() {
		if (fence.Circle == nil) == (len(fence.Ring) == 0) {
			t.Errorf("%s: want a ring or a circle", fence.ID)
		}
		for _, p := range fence.Ring {
			if !inside(p) {
				t.Errorf("%s: %v is outside the zone", fence.ID, p)
			}
		}
	}
}

// TestCarsKeepToRoads: no car is further than a lane from the middle of a road.
func TestCarsKeepToRoads(t *testing.T) {
	f, err := New(Config{Seed: 5, dial: (&wire{}).dial})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range f.members {
		if m.kind != &rover {
			continue
		}
		for at := time.Duration(0); at < 10*time.Minute; at += 500 * time.Millisecond {
			p := m.at(at.Seconds(), 0).at
			off := math.Abs(p.y - 75) // the pedestrian street
			for _, x := range roadsEast {
				off = min(off, math.Abs(p.x-x))
			}
			for _, y := range roadsNorth {
				off = min(off, math.Abs(p.y-y))
			}
			// An arc of 9 m cuts the crossing of two lanes by at most 2.7 m.
			if off > laneOffset+2.8 {
				t.Fatalf("car %d at %v is %.1f m off the road at %+v", i, at, off, p)
			}
		}
	}
}
