package volumes

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
)

const minute = int64(60_000_000)

// at is a volume of a shape, 0 to 100 m above sea level, of the minutes 0 to 30.
func at(id string, shape geofence.Shape) Volume {
	return Volume{ID: id, Shape: shape, Floor: geo.Altitude{Datum: geo.AMSL}, Ceiling: geo.Altitude{MM: 100_000, Datum: geo.AMSL}, FromUS: 0, ToUS: 30 * minute}
}

func polygon(text string) geofence.Shape {
	return geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.MustRing(text)}}}
}

func circle(text string, radius float64) geofence.Shape {
	return geofence.Shape{Circle: &geo.Circle{Center: geo.MustRing(text)[0], RadiusM: radius}}
}

func corridor(text string, width float64) geofence.Shape {
	return geofence.Shape{Corridor: &geo.Corridor{Line: geo.MustRing(text), WidthM: width}}
}

func must(t testing.TB, v Volume) *Solid {
	t.Helper()
	s, err := Compile(v)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// east is the point some metres to the east, exact to the lattice (1 cm).
func east(p geo.Point, metres float64) string { return geo.Destination(p, 90, metres).String() }

var home = geo.Point{Lat: 312_000_000, Lon: 1_215_000_000}

func TestShapesMeetByMoreThanACentimetre(t *testing.T) {
	square := polygon("31.20,121.50 31.20,121.51 31.21,121.51 31.21,121.50")
	slanted := polygon("31.20,121.50 31.201,121.51 31.211,121.509 31.21,121.499")
	hollow := square
	hollow.Polygons = []geo.Polygon{{Outer: square.Polygons[0].Outer, Holes: []geo.Ring{geo.MustRing("31.202,121.502 31.202,121.508 31.208,121.508 31.208,121.502")}}}
	for _, c := range []struct {
		name string
		a, b geofence.Shape
		want bool
	}{
		{"the same square", square, square, true},
		{"the same slanted square", slanted, slanted, true},
		{"a common edge", square, polygon("31.20,121.51 31.20,121.52 31.21,121.52 31.21,121.51"), false},
		{"a common corner", square, polygon("31.21,121.51 31.21,121.52 31.22,121.52 31.22,121.51"), false},
		// One unit of longitude is 0.95 cm here, of latitude 1.11 cm.
		{"less than a centimetre to the east", square, polygon("31.20,121.5099999 31.20,121.52 31.21,121.52 31.21,121.5099999"), false},
		{"two units to the east", square, polygon("31.20,121.5099998 31.20,121.52 31.21,121.52 31.21,121.5099998"), true},
		{"one unit to the north", square, polygon("31.2099999,121.50 31.2099999,121.51 31.22,121.51 31.22,121.50"), true},
		{"one within the other", square, polygon("31.204,121.504 31.204,121.506 31.206,121.506 31.206,121.504"), true},
		{"a slanted one within", square, polygon("31.204,121.504 31.2041,121.506 31.206,121.5061 31.206,121.504"), true},
		{"within the hole", hollow, polygon("31.203,121.503 31.2031,121.507 31.207,121.507 31.207,121.503"), false},
		{"fills the hole", hollow, polygon("31.202,121.502 31.202,121.508 31.208,121.508 31.208,121.502"), false},
		{"over the edge of the hole", hollow, polygon("31.203,121.503 31.2031,121.509 31.207,121.507 31.207,121.503"), true},
		{"a cross", polygon("31.204,121.49 31.204,121.52 31.206,121.52 31.206,121.49"), polygon("31.19,121.504 31.19,121.506 31.22,121.506 31.22,121.504"), true},
		{"slanted, a common edge", slanted, polygon("31.20,121.50 31.201,121.51 31.19,121.51 31.19,121.50"), false},
		{"slanted, an edge of its own between", slanted, polygon("31.20,121.50 31.2005,121.505 31.201,121.51 31.19,121.51 31.19,121.50"), false},
		{"slanted, a metre over it", slanted, polygon("31.20001,121.50 31.20101,121.51 31.19,121.51 31.19,121.50"), true},
		{"two circles that touch", circle("31.2,121.5", 1000), circle(east(home, 3000), 2000), false},
		{"two circles, 2 cm", circle("31.2,121.5", 1000.02), circle(east(home, 3000), 2000.01), true},
		{"two circles, half a cm apart", circle("31.2,121.5", 999.995), circle(east(home, 3000), 2000), false},
		// Where they touch is far from the latitude at which their distance is measured.
		{"a small and a large one, 1 cm apart", circle("31.2,121.5", 500), circle(geo.Destination(home, 45, 10_000).String(), 9499.99), false},
		{"a small and a large one, 3 cm", circle("31.2,121.5", 500), circle(geo.Destination(home, 45, 10_000).String(), 9500.03), true},
		{"two circles, one within the other", circle("31.2,121.5", 1000), circle(east(home, 100), 10), true},
		{"a circle within a square", square, circle("31.205,121.505", 50), true},
		{"a square within a circle", circle("31.205,121.505", 5000), square, true},
		{"a circle in the hole", hollow, circle("31.205,121.505", 250), false},
		{"a circle that leaves the hole", hollow, circle("31.205,121.505", 290), true},
		{"two corridors that cross", corridor("31.2,121.5 31.21,121.51", 20), corridor("31.21,121.5 31.2,121.51", 20), true},
		{"side by side", corridor("31.2,121.5 31.21,121.5", 20), corridor("31.2,121.501 31.21,121.501", 20), false},
		{"a corridor through a square", square, corridor("31.205,121.49 31.205,121.52", 4), true},
		{"a corridor that ends before the square", square, corridor("31.205,121.49 31.205,121.4998", 4), false},
		{"a corridor that bends around the square", square, corridor("31.199,121.499 31.199,121.511 31.211,121.511", 100), false},
		{"the last of several polygons", geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.MustRing("31.3,121.3 31.3,121.31 31.31,121.31")}, square.Polygons[0]}}, slanted, true},
		{"across the antimeridian", polygon("10,179.99 10,-179.99 10.01,-179.99 10.01,179.99"), polygon("10,-180 10,-179.98 10.01,-179.98 10.01,-180"), true},
		{"a common edge at the antimeridian", polygon("10,179.99 10,180 10.01,180 10.01,179.99"), polygon("10,-180 10,-179.98 10.01,-179.98 10.01,-180"), false},
		{"circles across the antimeridian", circle("10,179.999", 1000), circle("10,-179.999", 100), true},
		{"a corridor from the other side", corridor("10,-179.99 10,179.99", 100), circle("10.0005,180", 20), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := must(t, at("a", c.a)), must(t, at("b", c.b))
			if got := meets(a, b); got != c.want {
				t.Errorf("meets: %v", got)
			}
			if got := meets(b, a); got != c.want {
				t.Errorf("the other way: %v", got)
			}
			if found := len(indexOf(t, b).Meeting(a, nil)) == 1; found != c.want {
				t.Errorf("found by the index: %v", found)
			}
		})
	}
}

func indexOf(t testing.TB, list ...*Solid) *Index {
	t.Helper()
	x, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if err := x.Insert(s); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func TestTimeAndHeightMeet(t *testing.T) {
	amsl := func(m float64) geo.Altitude { return geo.Altitude{MM: int32(m * 1000), Datum: geo.AMSL} }
	in := func(d geo.Datum, m float64) geo.Altitude { return geo.Altitude{MM: int32(m * 1000), Datum: d} }
	for _, c := range []struct {
		name          string
		floor, ceil   geo.Altitude
		from, to      int64
		want, unknown bool
	}{
		{"the same", amsl(0), amsl(100), 0, 30 * minute, true, false},
		{"ends as it begins", amsl(0), amsl(100), -minute, 0, false, false},
		{"ends a microsecond later", amsl(0), amsl(100), -minute, 1, true, false},
		{"begins as it ends", amsl(0), amsl(100), 30 * minute, 31 * minute, false, false},
		{"since ever", amsl(0), amsl(100), Ever, minute, true, false},
		{"for ever", amsl(0), amsl(100), minute, Forever, true, false},
		{"for ever, later", amsl(0), amsl(100), 30 * minute, Forever, false, false},
		{"above it", amsl(100), amsl(200), 0, minute, false, false},
		{"a centimetre below the ceiling", amsl(99.99), amsl(200), 0, minute, false, false},
		{"11 mm", amsl(99.989), amsl(200), 0, minute, true, false},
		{"no limits", geo.Altitude{}, geo.Altitude{}, 0, minute, true, false},
		{"no ceiling, above it", amsl(100), geo.Altitude{}, 0, minute, false, false},
		// The geoid lies 11.1 m above the ellipsoid here.
		{"above the ellipsoid, above it", in(geo.WGS84, 112), in(geo.WGS84, 200), 0, minute, false, false},
		{"above the ellipsoid, within", in(geo.WGS84, 110), in(geo.WGS84, 200), 0, minute, true, false},
		{"below it", in(geo.WGS84, -50), in(geo.WGS84, 10), 0, minute, false, false},
		{"above ground", in(geo.AGL, 150), in(geo.AGL, 200), 0, minute, true, true},
		{"above its start", in(geo.Takeoff, 150), in(geo.Takeoff, 200), 0, minute, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := must(t, at("a", circle("31.2304,121.4737", 500)))
			v := at("b", circle("31.2304,121.4737", 500))
			v.Floor, v.Ceiling, v.FromUS, v.ToUS = c.floor, c.ceil, c.from, c.to
			b := must(t, v)
			for _, pair := range [2][2]*Solid{{a, b}, {b, a}} {
				got := indexOf(t, pair[0]).Conflicts([]*Solid{pair[1]})
				if len(got) == 1 != c.want {
					t.Fatalf("%d conflicts", len(got))
				}
				if c.want && got[0].HeightUnknown != c.unknown {
					t.Errorf("height unknown: %v", got[0].HeightUnknown)
				}
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	bow := at("x", polygon("31,121 31.1,121.1 31.1,121 31,121.1"))
	flat := at("x", circle("31,121", 10))
	flat.Ceiling = flat.Floor
	backward := at("x", circle("31,121", 10))
	backward.ToUS = backward.FromUS
	room := at("x", circle("31,121", 10))
	room.Capacity = 3
	wide := at("x", polygon("31,100 31,120 32,120"))
	both := at("x", polygon("31,170 31,-170 32,-170"))
	polar := at("x", circle("86,179.9", 190_000))
	far := at("x", geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.MustRing("31,100 31,101 32,101")}, {Outer: geo.MustRing("31,120 31,121 32,121")}}})
	many := at("x", geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.Circle{Center: home, RadiusM: 1000}.Ring(true)}}})
	for i := range 40 {
		many.Shape.Polygons = append(many.Shape.Polygons, geo.Polygon{Outer: geo.Circle{Center: geo.Moved(home, float64(i)*5000, 3000), RadiusM: 2000}.Ring(true)})
	}
	many.Shape.Polygons = slices.Concat(many.Shape.Polygons, many.Shape.Polygons, many.Shape.Polygons)
	for name, v := range map[string]Volume{
		"bow-tie": bow, "no height": flat, "no time": backward, "capacity of an exclusive one": room, "20 degrees wide": wide, "20 degrees about the antimeridian": both, "near the pole": polar, "parts far apart": far, "too many vertices": many,
		"no id": at("", circle("31,121", 10)), "no shape": at("x", geofence.Shape{}), "radius": at("x", circle("31,121", -1)),
	} {
		if _, err := Compile(v); !errors.Is(err, ErrVolume) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var shape *geofence.ShapeError
	if _, err := Compile(bow); !errors.As(err, &shape) || shape.Reason != geofence.EdgesCross {
		t.Errorf("bow-tie: %v", err)
	}
}

func TestOverlapSaysHowMuch(t *testing.T) {
	a := at("a", polygon("31.20,121.50 31.20,121.51 31.21,121.51 31.21,121.50"))
	for _, c := range []struct {
		name   string
		b      geofence.Shape
		metres float64 // within 1 %
	}{
		{"a strip of 95 m to the east", polygon("31.20,121.509 31.20,121.52 31.21,121.52 31.21,121.509"), 95.3},
		{"the same, not upright", polygon("31.20,121.509 31.20,121.52 31.21,121.5201 31.21,121.509"), 95.3},
		{"the same once more", a.Shape, 953},
		{"a circle whose centre is 200 m beside", circle(east(geo.MustRing("31.205,121.51")[0], 200), 300), 100},
		{"a corridor along the edge", corridor("31.20,121.5105 31.21,121.5105", 200), 100 - 47.6},
	} {
		v := at("b", c.b)
		v.Floor, v.Ceiling, v.FromUS, v.ToUS = geo.Altitude{MM: 90_000, Datum: geo.AMSL}, geo.Altitude{}, 20*minute, Forever
		got := indexOf(t, must(t, v)).Conflicts([]*Solid{must(t, a)})
		if len(got) != 1 {
			t.Errorf("%s: %d conflicts", c.name, len(got))
			continue
		}
		if o := got[0]; o.Metres < c.metres*0.99-0.1 || o.Metres > c.metres*1.01+0.1 || o.HeightMM != 10_000 || o.FromUS != 20*minute || o.ToUS != 30*minute {
			t.Errorf("%s: %.2f m, %d mm, minutes %d to %d", c.name, o.Metres, o.HeightMM, o.FromUS/minute, o.ToUS/minute)
		}
	}
}

func TestIndexKeepsItsVolumes(t *testing.T) {
	a, b := must(t, at("a", circle("31.2,121.5", 500))), must(t, at("b", circle("31.2,121.5", 500)))
	x := indexOf(t, a)
	if err := x.Insert(a); !errors.Is(err, ErrExists) {
		t.Errorf("twice: %v", err)
	}
	if got, ok := x.Get("a"); !ok || got != a || x.Len() != 1 {
		t.Errorf("get: %v %v, %d volumes", got, ok, x.Len())
	}
	if x.Remove("b") || !x.Remove("a") || x.Len() != 0 || len(x.Meeting(b, nil)) != 0 {
		t.Error("removed a and not b")
	}
	// Spans of a minute to a century, and open ones: each is found, and gone when it ended.
	day := 24 * 60 * minute
	n := 0
	for _, length := range []int64{minute, 60 * minute, day, 30 * day, 365 * day, 36_500 * day} {
		for _, from := range []int64{-3 * length / 2, 0, length / 2} {
			v := at(fmt.Sprint("long", n), circle("31.2,121.5", 500))
			v.FromUS, v.ToUS = from, from+length
			if err := x.Insert(must(t, v)); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	all := at("all", circle("31.2,121.5", 1))
	all.FromUS, all.ToUS = Ever, Forever
	if got := len(x.Meeting(must(t, all), nil)); got != n {
		t.Errorf("%d of %d found", got, n)
	}
	if got := x.RemoveEnded(0); got != 6 || x.Len() != n-6 {
		t.Errorf("%d removed as ended, %d left", got, x.Len())
	}
	for i := range x.level {
		for k, tr := range x.level[i].slices {
			if tr.Len() == 0 {
				t.Errorf("level %d keeps the empty slice %d", i, k)
			}
		}
	}
}

func TestKeysAreRoundedOutward(t *testing.T) {
	for x := int64(-1_800_000_001); x < 2_000_000_000; x += 12_345_679 {
		if low, high := float64(down(x)), float64(up(x)); low > float64(x) || high < float64(x) || high-low > 256 {
			t.Errorf("%d: %.0f to %.0f", x, low, high)
		}
	}
}

func TestSlotsAreUsedAgain(t *testing.T) {
	x := indexOf(t)
	for range 100 {
		if err := x.Insert(must(t, at("a", circle("31.2,121.5", 500)))); err != nil {
			t.Fatal(err)
		}
		x.Remove("a")
	}
	if len(x.slots) != 1 {
		t.Errorf("%d slots for one volume", len(x.slots))
	}
}

func TestNewRefusesASlice(t *testing.T) {
	if _, err := New(Config{Slice: time.Millisecond}); err == nil {
		t.Error("slices of a millisecond were taken")
	}
}
