package geo

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"math"
	"sync"
	"testing"
)

func degrees(lat, lon float64) Point {
	return Point{int32(math.Round(lat * 1e7)), int32(math.Round(lon * 1e7))}
}

// The wanted values were interpolated in the float32 grid file; a grid rounded
// to centimetres may differ by 5 mm.
func TestUndulation(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Point
		want float64
	}{
		{"Shanghai", degrees(31.2304, 121.4737), 11.141},
		{"Pudong airport", degrees(31.1434, 121.8052), 12.402},
		{"Beijing", degrees(39.9, 116.4), -9.920},
		{"origin", degrees(0, 0), 17.162},
		{"Munich", degrees(48.14, 11.58), 45.531},
		{"north pole", degrees(90, 0), 13.606},
		{"north pole by another meridian", degrees(90, -123.4), 13.606},
		{"south pole", degrees(-90, 0), -29.534},
		{"south pole by another meridian", degrees(-90, 77.7), -29.534},
		{"antimeridian from the west", degrees(20, 180), 4.001},
		{"antimeridian from the east", degrees(20, -180), 4.001},
		{"west of the antimeridian", degrees(20, 179.9), 4.068},
		{"east of the antimeridian", degrees(20, -179.9), 4.025},
		{"Indian Ocean", degrees(-9.819382509, 79.754411643), -76.687},
		{"off Iceland", degrees(60.370565685, -24.203855554), 63.295},
	} {
		if got := Undulation(c.p); math.Abs(got-c.want) > 0.006 {
			t.Errorf("%s %v: %.4f m, want %.3f", c.name, c.p, got, c.want)
		}
	}
}

func TestUndulationBeyondTheGlobe(t *testing.T) {
	for _, c := range []struct{ p, same Point }{
		{Point{math.MaxInt32, 0}, Point{MaxLat, 0}},
		{Point{math.MinInt32, 0}, Point{-MaxLat, 0}},
		{Point{0, MaxLon + 1000}, Point{0, -MaxLon + 1000}},
		{Point{0, math.MinInt32}, Point{0, math.MinInt32 + 2*MaxLon}},
	} {
		if got, want := Undulation(c.p), Undulation(c.same); got != want {
			t.Errorf("%v: %v, want %v as at %v", c.p, got, want, c.same)
		}
	}
}

// Within a cell and over its borders the surface has no step: neighbours on the
// lattice differ by less than a tenth of a millimetre.
func TestUndulationIsContinuous(t *testing.T) {
	for lat := int32(-MaxLat); lat < MaxLat; lat += 73 * geoidStep / 4 {
		for lon := int32(-MaxLon); lon < MaxLon-geoidStep; lon += 31 * geoidStep / 4 {
			p := Point{lat, lon}
			for _, q := range []Point{{lat + 1, lon}, {lat, lon + 1}, {max(lat-1, -MaxLat), lon}} {
				if d := Undulation(p) - Undulation(q); math.Abs(d) > 1e-4 {
					t.Fatalf("from %v to %v: %v m", p, q, d)
				}
			}
		}
	}
}

func TestUndulationConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for lon := int32(-MaxLon); lon < MaxLon-geoidStep; lon += geoidStep {
				if n := Undulation(Point{0, lon}); n < -107 || n > 86 {
					t.Errorf("%v m at longitude %d", n, lon)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestUndulationAllocs(t *testing.T) {
	p := degrees(31.2, 121.5)
	Undulation(p) // decodes
	if n := testing.AllocsPerRun(100, func() { Undulation(p) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// GEOID.md names this sum.
func TestGeoidFile(t *testing.T) {
	const want = "2d1fdff5efd3ad394dc87002d079bc615159361acff3da66176005c7a3c60413"
	if sum := fmt.Sprintf("%x", sha256.Sum256(geoidFile)); sum != want {
		t.Errorf("egm96.bin.z has SHA-256 %s", sum)
	}
}

func TestDecodeGeoidRefuses(t *testing.T) {
	pack := func(n int) []byte {
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		w.Write(make([]byte, n))
		w.Close()
		return b.Bytes()
	}
	const size = geoidRows * geoidCols * 2
	if grid, err := decodeGeoid(pack(size)); err != nil || len(grid) != geoidRows*geoidCols {
		t.Fatalf("a grid of zeros: %d values, %v", len(grid), err)
	}
	for name, file := range map[string][]byte{
		"empty": nil, "no zlib": []byte("egm96"), "short": pack(size - 2), "long": pack(size + 1),
		"cut": geoidFile[:len(geoidFile)/2], "changed": append(append([]byte{}, geoidFile[:len(geoidFile)-1]...), geoidFile[len(geoidFile)-1]^1),
	} {
		if _, err := decodeGeoid(file); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkUndulation(b *testing.B) {
	p := degrees(31.2, 121.5)
	Undulation(p)
	b.ReportAllocs()
	for b.Loop() {
		Undulation(p)
	}
}
