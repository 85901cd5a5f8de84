package geofence

import (
	"math"
	"math/rand/v2"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// scene makes bodies around a place.
type scene struct {
	name      string
	lat, lon  float64 // degrees
	spreadM   float64
	clusters  int // 0: uniform
	count     int
	maxSpeed  float64 // m/s
	vertical  float64 // m/s
	aged      bool
	fast      int // every so many'th is faster
	outlier   bool
	unknowns  bool
	classes   bool
	configMax float64
}

func (sc *scene) bodies(rng *rand.Rand) []Body {
	var spots [][2]float64
	for range sc.clusters {
		spots = append(spots, [2]float64{(rng.Float64() - 0.5) * sc.spreadM, (rng.Float64() - 0.5) * sc.spreadM})
	}
	var out []Body
	centre := geo.Point{Lat: int32(sc.lat * 1e7), Lon: int32(sc.lon * 1e7)}
	for i := range sc.count {
		east, north := (rng.Float64()-0.5)*sc.spreadM, (rng.Float64()-0.5)*sc.spreadM
		if sc.clusters > 0 {
			s := spots[rng.IntN(len(spots))]
			east, north = s[0]+rng.NormFloat64()*300, s[1]+rng.NormFloat64()*300
		}
		speed, heading := sc.maxSpeed*rng.Float64()*100, rng.Float64()*2*math.Pi
		if sc.fast > 0 && i%sc.fast == 0 {
			speed = 32_700
		}
		b := Body{
			Handle: vehicles.Handle(i + 1), Class: vehicles.UAV, HeightKnown: true,
			Point:    geo.Destination(centre, math.Atan2(east, north)*180/math.Pi, math.Hypot(east, north)),
			HeightMM: int32(rng.Float64() * 150_000),
			N:        int16(speed * math.Cos(heading)), E: int16(speed * math.Sin(heading)),
			D: int16((rng.Float64() - 0.5) * 2 * sc.vertical * 100),
		}
		if sc.aged {
			b.AgeS = rng.Float32() * 3
		}
		if sc.unknowns && rng.IntN(3) == 0 {
			b.HeightKnown = false
		}
		if sc.classes {
			if b.Class = vehicles.Class(rng.IntN(6)); b.Class.Traffic() && rng.IntN(2) == 0 {
				b.HeightOffM = 40 * rng.Float32()
			}
		}
		out = append(out, b)
	}
	if sc.outlier {
		out[0].Point = geo.Point{Lat: -899_999_999, Lon: -400_000_000}
		out[1].Point = geo.Point{}
	}
	return out
}

// nearest is an oracle that shares nothing with the search. Being too close is
// max(horizontal/minimum, vertical/minimum) < 1; that is a convex function of
// time, whose least value in the horizon a ternary search finds. It returns the
// value, and when it first falls below 1.
func nearest(a, b *Body, m Minima, horizonS float64) (least, since float64) {
	north, east := geo.Offset(a.Point, b.Point)
	ageA, ageB := float64(a.AgeS), float64(b.AgeS)
	north += (float64(b.N)*ageB - float64(a.N)*ageA) / 100
	east += (float64(b.E)*ageB - float64(a.E)*ageA) / 100
	up := float64(b.HeightMM)/1000 - float64(a.HeightMM)/1000 - (float64(b.D)*ageB-float64(a.D)*ageA)/100
	f := func(t float64) float64 {
		h := math.Hypot(north+float64(int(b.N)-int(a.N))/100*t, east+float64(int(b.E)-int(a.E))/100*t) / m.HorizontalM
		if !a.HeightKnown || !b.HeightKnown {
			return h
		}
		return max(h, math.Abs(up-float64(int(b.D)-int(a.D))/100*t)/m.VerticalM)
	}
	lo, hi := 0.0, horizonS
	for range 60 {
		if x, y := lo+(hi-lo)/3, hi-(hi-lo)/3; f(x) <= f(y) {
			hi = y
		} else {
			lo = x
		}
	}
	least = min(f(lo), f(0), f(horizonS))
	if f(0) < 1 || least >= 1 {
		return least, 0
	}
	from, to := 0.0, lo
	for range 60 {
		if mid := (from + to) / 2; f(mid) < 1 {
			to = mid
		} else {
			from = mid
		}
	}
	return least, to
}

func speedOf(b *Body) float64 { return math.Hypot(float64(b.N), float64(b.E)) / 100 }

func TestSeparationAgainstBruteForce(t *testing.T) {
	scenes := []scene{
		{name: "uniform", lat: 31, lon: 121.5, spreadM: 8000, count: 1200, maxSpeed: 20},
		{name: "uniform, climbing", lat: 31, lon: 121.5, spreadM: 8000, count: 1200, maxSpeed: 20, vertical: 8},
		{name: "clustered, climbing, aged", lat: 31, lon: 121.5, spreadM: 20_000, clusters: 5, count: 1000, maxSpeed: 20, vertical: 8, aged: true},
		{name: "slow and dense", lat: 31, lon: 121.5, spreadM: 1500, count: 600, maxSpeed: 1, vertical: 1},
		{name: "standing", lat: 31, lon: 121.5, spreadM: 2500, count: 800},
		{name: "mixed, some fast", lat: 31, lon: 121.5, spreadM: 14_000, count: 900, maxSpeed: 55, vertical: 8, fast: 9, unknowns: true, classes: true},
		{name: "all fast", lat: 31, lon: 121.5, spreadM: 7000, count: 400, maxSpeed: 60, vertical: 8, configMax: 0.01},
		{name: "antimeridian", lat: -17, lon: 180, spreadM: 6000, count: 1000, maxSpeed: 20, vertical: 5, aged: true, fast: 10},
		{name: "equator and Greenwich", lat: 0, lon: 0, spreadM: 6000, count: 1000, maxSpeed: 20, vertical: 5, fast: 10},
		{name: "far north on the antimeridian", lat: 84, lon: -180, spreadM: 6000, count: 1000, maxSpeed: 20, vertical: 5},
		{name: "two lost far away", lat: 31, lon: 121.5, spreadM: 5000, clusters: 3, count: 800, maxSpeed: 20, vertical: 5, outlier: true},
		{name: "the pole", lat: 89.995, lon: 30, spreadM: 300, count: 200, maxSpeed: 1},
	}
	for _, sc := range scenes {
		rng := rand.New(rand.NewPCG(3, 17))
		s := NewSeparation(SeparationConfig{MaxSpeed: sc.configMax})
		var found, doubtful int
		for round := range 2 {
			sc.count -= round * sc.count / 2 // less crowded
			bodies := sc.bodies(rng)
			rng.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
			got := map[[2]vehicles.Handle]Conflict{}
			for _, c := range s.Find(bodies, nil) {
				if _, twice := got[[2]vehicles.Handle{c.A, c.B}]; twice {
					t.Fatalf("%s: %d and %d twice", sc.name, c.A, c.B)
				}
				got[[2]vehicles.Handle{c.A, c.B}] = c
			}
			// An aged body is brought to the lattice, and the middle of two scales is
			// not the scale of the middle: within a centimetre or so there is no oracle.
			doubt := 1e-6
			if sc.aged {
				doubt = 5e-4
			}
			if sc.lat > 80 {
				doubt = 1e-2
			}
			found += len(got)
			for i := range bodies {
				for j := range bodies[:i] {
					a, b := &bodies[i], &bodies[j]
					if a.Handle > b.Handle {
						a, b = b, a
					}
					m := DefaultMinima(a.Class, b.Class)
					if m != (Minima{}) {
						m.VerticalM += float64(a.HeightOffM + b.HeightOffM)
					}
					c, conflict := got[[2]vehicles.Handle{a.Handle, b.Handle}]
					if m == (Minima{}) {
						if conflict {
							t.Fatalf("%s: %v and %v are not separated", sc.name, a.Class, b.Class)
						}
						continue
					}
					// What cannot even meet by its greatest speeds needs no oracle.
					if geo.Distance(a.Point, b.Point) > m.HorizontalM+1+(speedOf(a)+speedOf(b))*13 {
						if conflict {
							t.Fatalf("%s: far apart: %+v", sc.name, c)
						}
						continue
					}
					least, since := nearest(a, b, m, 10)
					if math.Abs(least-1) < doubt {
						doubtful++
						continue
					}
					if conflict != (least < 1) {
						t.Fatalf("%s round %d: %+v and %+v: least %v, found %v %+v", sc.name, round, a, b, least, conflict, c)
					}
					if conflict && math.Abs(c.InS-since) > 0.02 && math.Abs(least-1) > 0.02 {
						t.Fatalf("%s: %+v: the oracle says in %.3f s", sc.name, c, since)
					}
				}
			}
		}
		if found < 20 || doubtful > found/10 {
			t.Errorf("%s: %d conflicts, %d doubtful pairs: the scene proves little", sc.name, found, doubtful)
		}
		t.Logf("%s: %d conflicts, %d doubtful", sc.name, found, doubtful)
	}
}

// The search finds what judging every pair finds: also where a degree of
// longitude is short, where everybody may be near everybody, and for pairs that
// only just meet at the end of their reach.
func TestSeparationSearch(t *testing.T) {
	scenes := []scene{
		{name: "at the pole", lat: 89.9999, lon: 10, spreadM: 1500, count: 400, maxSpeed: 20},
		{name: "standing at the pole", lat: 89.9999, lon: 10, spreadM: 300, count: 600},
		{name: "around the pole", lat: 89.99, lon: 10, spreadM: 8000, count: 1000, maxSpeed: 20, fast: 20},
		{name: "at the other pole", lat: -89.997, lon: 179, spreadM: 2000, count: 500, maxSpeed: 59, fast: 3},
		{name: "far north, fast", lat: 88, lon: 180, spreadM: 6000, count: 400, maxSpeed: 20, fast: 2},
		{name: "antimeridian, dense", lat: -17, lon: 180, spreadM: 2000, count: 1000, maxSpeed: 20, fast: 30},
		{name: "lost far away", lat: 31, lon: 121, spreadM: 2000, count: 500, maxSpeed: 2, outlier: true},
	}
	for _, sc := range scenes {
		bodies := sc.bodies(rand.New(rand.NewPCG(8, 8)))
		s := NewSeparation(SeparationConfig{})
		got := s.Find(bodies, nil)
		if rows := len(s.sweep.start); rows > maxRows+2 {
			t.Errorf("%s: %d rows", sc.name, rows)
		}
		if s.sweep.reach > 50+60*5*1.05+1 {
			t.Errorf("%s: one vehicle widens the search for all to %.0f m", sc.name, s.sweep.reach)
		}
		want := judgeAll(bodies)
		if len(want) < 20 {
			t.Errorf("%s: %d conflicts prove little", sc.name, len(want))
		}
		if len(got) != len(want) || pairs(got) != pairs(want) {
			t.Errorf("%s: %d conflicts, not %d", sc.name, len(got), len(want))
		}
	}
}

func judgeAll(bodies []Body) []Conflict {
	s := NewSeparation(SeparationConfig{})
	s.bodies = bodies
	movers := make([]mover, len(bodies))
	for i := range bodies {
		movers[i] = s.mover(&bodies[i])
		movers[i].body, movers[i].class = int32(i), uint8(bodies[i].Class)
		for j := range movers[:i] {
			s.judge(&movers[i], &movers[j])
		}
	}
	return s.out
}

func TestSeparationAtTheEndOfReach(t *testing.T) {
	for _, lat := range []float64{0, 31, -60, 86} {
		at := geo.Point{Lat: int32(lat * 1e7), Lon: geo.MaxLon - 500}
		for _, speed := range []int16{1500, 6500, 23_000} { // the last two are fast
			for heading := 0.0; heading < 360; heading += 7.5 {
				sin, cos := math.Sincos(heading * math.Pi / 180)
				n, e := int16(float64(speed)*cos), int16(float64(speed)*sin)
				for short := -8.0; short < 8; short++ {
					other, most := vehicles.UAV, 50.0
					if int(short)%2 == 0 { // traffic, whose minimum is wider
						other, most = vehicles.Aircraft, 500
					}
					bodies := []Body{
						{Handle: 1, Class: vehicles.UAV, Point: at, N: n, E: e},
						{Handle: 2, Class: other, Point: geo.Destination(at, heading, float64(speed)/5+most-short), N: -n, E: -e},
						// A slow one ahead, which is in the rows when 1 is not.
						{Handle: 3, Class: vehicles.UAV, Point: geo.Destination(at, heading, float64(speed)/10+52-short), N: -n / 300, E: -e / 300},
						{Handle: 4, Class: vehicles.UAV, Point: geo.Destination(at, 0, 9000)}, // for rows
						{Handle: 5, Class: vehicles.UAV, Point: geo.Destination(at, 180, 9000)},
					}
					s := NewSeparation(SeparationConfig{})
					if got, want := pairs(s.Find(bodies, nil)), pairs(judgeAll(bodies)); got != want {
						t.Fatalf("%v N, %d cm/s towards %v, %v m short: %q, not %q", lat, speed, heading, short, got, want)
					}
				}
			}
		}
	}
}
