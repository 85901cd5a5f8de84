package geofence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"

	"testzone/vehicles"
)

// swarm is count aircraft over 50 x 50 km at 5-20 m/s, climbing or sinking at up
// to 3 m/s. Clustered, nine of ten fly around one of twelve spots.
func swarm(count int, clustered bool) []Body {
	c := newCity(uint64(count))
	c.rng = rand.New(rand.NewPCG(uint64(count), 11))
	near := 0.0
	if clustered {
		near = 0.9
	}
	out := make([]Body, count)
	for i := range out {
		east, north := c.centre(1500, near)
		speed, heading := 500+1500*c.rng.Float64(), c.rng.Float64()*2*math.Pi
		out[i] = Body{
			Handle: vehicles.Handle(i + 1), Class: vehicles.UAV, Point: cityPoint(east, north),
			HeightMM: int32(20_000 + 100_000*c.rng.Float64()), HeightKnown: true,
			N: int16(speed * math.Cos(heading)), E: int16(speed * math.Sin(heading)), D: int16(600*c.rng.Float64() - 300),
			AgeS: c.rng.Float32(),
		}
	}
	return out
}

var swarms = []struct {
	name      string
	count     int
	clustered bool
}{
	{"10k", 10_000, false}, {"10k_clustered", 10_000, true}, {"100k", 100_000, false}, {"100k_clustered", 100_000, true},
}

// BenchmarkSeparation is one whole Find: bodies to movers, rows, conflicts.
func BenchmarkSeparation(b *testing.B) {
	for _, sw := range swarms {
		b.Run(sw.name, func(b *testing.B) {
			bodies := swarm(sw.count, sw.clustered)
			s := NewSeparation(SeparationConfig{})
			out := s.Find(bodies, nil)
			b.ReportAllocs()
			for b.Loop() {
				out = s.Find(bodies, out[:0])
			}
			b.ReportMetric(float64(len(out)), "conflicts")
		})
	}
}

// TestSeparationFigures prints fence/separation_ms with -figures: the processor
// time of one Find over the whole swarm, the sizes in turn in each round. Without
// the flag it tries the smallest.
func TestSeparationFigures(t *testing.T) {
	sizes, rounds := swarms[:1], 1
	if *figures {
		sizes, rounds = swarms, 7
	}
	took := make([][]float64, len(sizes))
	conflicts := make([]int, len(sizes))
	for range rounds {
		for i, sw := range sizes {
			bodies := swarm(sw.count, sw.clustered)
			s := NewSeparation(SeparationConfig{})
			out := s.Find(bodies, nil) // memory
			runtime.GC()
			start := cpuNS(t)
			out = s.Find(bodies, out[:0])
			took[i] = append(took[i], float64(cpuNS(t)-start)/1e6)
			conflicts[i] = len(out)
		}
	}
	for i, sw := range sizes {
		if conflicts[i] == 0 {
			t.Errorf("%s: no conflicts: nothing was measured", sw.name)
		}
		if *figures {
			v := slices.Sorted(slices.Values(took[i]))
			fmt.Fprintf(os.Stdout, "fence/separation_ms_%s %.3g ms\n", sw.name, v[len(v)/2])
			fmt.Fprintf(os.Stderr, "# fence/separation_ms_%s min %.3g max %.3g over %d rounds, %d conflicts\n", sw.name, v[0], v[len(v)-1], rounds, conflicts[i])
		}
	}
}
