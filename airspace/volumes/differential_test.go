package volumes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"testzone/geofence"
	"testzone/geofence/geo"
)

// world makes random volumes about a place: with steps in space, height and time
// that let faces touch.
type world struct {
	rng       *rand.Rand
	home      geo.Point
	spreadM   float64 // half the side of the square that the volumes lie in
	sizeM     float64 // of the larger ones
	stepUnits int32   // 0: anywhere
	spanUS    int64
}

func (w *world) point(north, east float64) geo.Point {
	p := geo.Moved(w.home, north, east)
	if w.stepUnits > 0 {
		p.Lat = p.Lat / w.stepUnits * w.stepUnits
		p.Lon = p.Lon / w.stepUnits * w.stepUnits
	}
	return p
}

func (w *world) shape() geofence.Shape {
	size := w.sizeM * (0.1 + 0.9*w.rng.Float64())
	north, east := (2*w.rng.Float64()-1)*w.spreadM, (2*w.rng.Float64()-1)*w.spreadM
	c := w.point(north, east)
	switch w.rng.IntN(5) {
	case 0:
		return geofence.Shape{Circle: &geo.Circle{Center: c, RadiusM: size / 2}}
	case 1:
		line := []geo.Point{c}
		for range 1 + w.rng.IntN(3) {
			north, east = north+(2*w.rng.Float64()-1)*size, east+(2*w.rng.Float64()-1)*size
			if p := w.point(north, east); p != line[len(line)-1] {
				line = append(line, p)
			}
		}
		if len(line) > 1 {
			return geofence.Shape{Corridor: &geo.Corridor{Line: line, WidthM: math.Max(size/5, 2)}}
		}
		fallthrough
	case 2:
		o := w.point(north+size, east+size*(0.3+w.rng.Float64()))
		return geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.Ring{c, {Lat: c.Lat, Lon: o.Lon}, o, {Lat: o.Lat, Lon: c.Lon}}}}}
	}
	n := 3 + w.rng.IntN(8)
	var p geo.Polygon
	phase := w.rng.Float64() * 2 * math.Pi
	for i := range n {
		r := size / 2 * (0.4 + 0.6*w.rng.Float64())
		sin, cos := math.Sincos(phase + 2*math.Pi*float64(i)/float64(n))
		p.Outer = append(p.Outer, w.point(north+r*sin, east+r*cos))
		if n > 5 {
			p.Holes = append(p.Holes[:0], append(slices.Concat(p.Holes...), geo.Moved(w.home, north+r*sin/5, east+r*cos/5)))
		}
	}
	return geofence.Shape{Polygons: []geo.Polygon{p}}
}

// solid draws until a volume is sound.
func (w *world) solid(id int) *Solid {
	for {
		v := Volume{ID: fmt.Sprint(id), Shape: w.shape()}
		floor := 10_000 * int32(w.rng.IntN(12))
		v.Floor = geo.Altitude{MM: floor, Datum: geo.AMSL}
		v.Ceiling = geo.Altitude{MM: floor + 10_000*int32(1+w.rng.IntN(5)), Datum: geo.AMSL}
		v.FromUS = w.rng.Int64N(w.spanUS/minute) * minute
		v.ToUS = v.FromUS + (5+w.rng.Int64N(26))*minute
		switch w.rng.IntN(40) {
		case 0:
			v.FromUS = Ever
		case 1:
			v.ToUS = Forever
		case 2:
			v.ToUS += 400 * 24 * 60 * minute
		case 3:
			v.Floor, v.Ceiling = geo.Altitude{MM: floor, Datum: geo.WGS84}, geo.Altitude{}
		case 4:
			v.Floor.Datum, v.Ceiling.Datum = geo.AGL, geo.AGL
		}
		if s, err := Compile(v); err == nil {
			return s
		}
	}
}

// naive says whether two volumes meet, by the oracle; nothing of the package
// but the definitions is in it.
func naive(a, b *Solid, limit float64) verdict {
	u, v := &a.Volume, &b.Volume
	if u.FromUS >= v.ToUS || v.FromUS >= u.ToUS {
		return apart
	}
	if !bandsMeet(u, v, a.box) || !bandsMeet(v, u, a.box) {
		return apart
	}
	// A square that covers the smaller of the boxes.
	box := a.box
	if o := b.box; int64(o.MaxLat)-int64(o.MinLat) < int64(box.MaxLat)-int64(box.MinLat) {
		box = o
	}
	centre := spot{float64(int64(box.MinLat)+int64(box.MaxLat)) / 2, float64(int64(box.MinLon)+int64(box.MaxLon)) / 2}
	half := math.Max(float64(int64(box.MaxLat)-int64(box.MinLat)), float64(int64(box.MaxLon)-int64(box.MinLon))) / 2 * 0.01114
	return judge(&u.Shape, &v.Shape, centre, half, limit)
}

// bandsMeet: the ceiling of one is more than a centimetre above the floor of the other, or that cannot be said.
func bandsMeet(u, v *Volume, at geo.Box) bool {
	top, bottom := u.Ceiling, v.Floor
	gap := int64(top.MM) - int64(bottom.MM)
	switch {
	case top.Datum == geo.NoDatum || bottom.Datum == geo.NoDatum, (top.Datum == geo.AGL) != (bottom.Datum == geo.AGL):
		return true
	case top.Datum == geo.AMSL && bottom.Datum == geo.WGS84: // floors and ceilings are 10 m apart and the geoid nowhere near that
		gap += int64(geo.Undulation(geo.Point{Lat: at.MinLat, Lon: at.MinLon}) * 1000)
	}
	return gap > 10
}

// text is a volume with what its shape points to.
func text(s *Solid) string {
	v := s.Volume
	return fmt.Sprintf("%+v %+v %+v", v, v.Shape.Circle, v.Shape.Corridor)
}

// farApart is a quick refusal that needs no judgement: boxes beyond each other.
func farApart(a, b *Solid) bool {
	d := math.Abs(float64(a.box.MinLon) - float64(b.box.MinLon))
	d = math.Min(d, 360e7-d)
	return a.box.MinLat > b.box.MaxLat+10 || b.box.MinLat > a.box.MaxLat+10 || d > 1e7
}

// mismatches compares queries with the naive loop over all pairs.
func mismatches(t *testing.T, w *world, stored, queries int) (pairs, met, near, wrong int) {
	x := indexOf(t)
	var list []*Solid
	for i := range stored {
		s := w.solid(i)
		if err := x.Insert(s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	// Some go again, and others come into their slots.
	for i := 0; i < stored; i += 7 {
		x.Remove(list[i].Volume.ID)
		list[i] = w.solid(stored + i)
		if err := x.Insert(list[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range queries {
		q := w.solid(1_000_000 + i)
		found := map[*Solid]int{}
		for _, s := range x.Meeting(q, nil) {
			found[s]++
		}
		for _, s := range list {
			pairs++
			want := apart
			if !farApart(q, s) {
				want = naive(q, s, Precision)
			}
			switch {
			case want == unsure:
				near++
			case found[s] > 1 || (found[s] == 1) != (want == together):
				if wrong++; wrong < 5 {
					t.Errorf("found %d times, the oracle says %v:\n%+v\n%+v", found[s], want, text(q), text(s))
				}
			case want == together:
				met++
			}
		}
	}
	return pairs, met, near, wrong
}

func TestQueriesAgainstTheNaiveLoop(t *testing.T) {
	for _, c := range []struct {
		name string
		w    world
	}{
		{"anywhere", world{home: home, spreadM: 5000, sizeM: 1000, spanUS: 24 * 60 * minute}},
		{"dense", world{home: home, spreadM: 800, sizeM: 500, spanUS: 120 * minute}},
		{"antimeridian", world{home: geo.Point{Lat: 312_000_000, Lon: 1_799_990_000}, spreadM: 1500, sizeM: 1000, spanUS: 120 * minute}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.w.rng = rand.New(rand.NewPCG(1, 2))
			pairs, met, near, _ := mismatches(t, &c.w, 300, 60)
			t.Logf("%d pairs, %d meet, %d too close to say", pairs, met, near)
			if met == 0 || near > pairs/1000 {
				t.Errorf("%d meet, %d close: the test does not see enough", met, near)
			}
		})
	}
}

// At a limit of a metre, shapes of some tens of metres are near it often enough
// for the definition itself to be tested, touching faces among them.
func TestDepthAgainstTheOracle(t *testing.T) {
	for _, step := range []int32{0, 2000} {
		w := world{rng: rand.New(rand.NewPCG(3, uint64(step))), home: home, spreadM: 60, sizeM: 80, spanUS: 30 * minute, stepUnits: step}
		count := map[verdict]int{}
		for range 1200 {
			a, b := w.solid(0), w.solid(1)
			got := false
			for i := range a.parts {
				for k := range b.parts {
					got = got || partsShare(&a.parts[i], &b.parts[k], 0, 1)
				}
			}
			u, v := *a, *b
			u.Volume.FromUS, v.Volume.FromUS = Ever, Ever
			u.Volume.ToUS, v.Volume.ToUS = Forever, Forever
			u.Volume.Floor, v.Volume.Floor = geo.Altitude{}, geo.Altitude{}
			want := naive(&u, &v, 1)
			count[want]++
			if want != unsure && got != (want == together) {
				t.Fatalf("says %v, the oracle %v:\n%+v\n%+v", got, want, text(a), text(b))
			}
		}
		if count[unsure] < 5 || count[apart] < 100 || count[together] < 100 {
			t.Errorf("the cases are one-sided: %v", count)
		}
	}
}
