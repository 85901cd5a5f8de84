package route

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"
)

var figures = flag.Bool("figures", false, "measure and print the figures")

// TestRouteFigures prints how long a search for a way of 10 km takes, and how much longer
// the way is than the shortest: `make bench-routes`; without -figures of few worlds. How
// long a way may be is held in either form.
func TestRouteFigures(t *testing.T) {
	worlds := uint64(1)
	if *figures {
		worlds = 20
	}
	for _, c := range []struct {
		name        string
		polygons    int
		least, most float64
		longest     float64 // of the shortest
	}{{"1k", 1_000, 40, 250, 1.003}, {"10k", 10_000, 15, 80, 1.005}} {
		var warm, cold, prepared, whole []float64
		worst := 1.0
		for seed := range worlds {
			town := newTown(seed, 12_000, 10_000, c.polygons, c.least, c.most, 10)
			var w *World
			prepared = append(prepared, ms(func() { w = New(town.area, town.obstacles, 10) }))
			from, to := w.of(town.from), w.of(town.to)
			var way []pt
			cold = append(cold, ms(func() { way = w.find(from, to) }))
			if way == nil {
				t.Fatalf("world %d: no way", seed)
			}
			whole = append(whole, ms(w.Warm))
			warm = append(warm, ms(func() { way = w.find(from, to) }))
			best := w.exact(from, to, length(way)+1, len(w.corners.items)) // 1 m: costs are of 24 bits
			worst = max(worst, length(way)/length(best))
		}
		if worst > c.longest {
			t.Errorf("%s: a way is %.4f of the shortest, at most %v is good", c.name, worst, c.longest)
		}
		fmt.Printf("route/air_ms_%s %.1f ms\n", c.name, median(warm))
		fmt.Printf("route/air_over_optimum_%s %.4f ratio\n", c.name, worst)
		fmt.Printf("route/air_cold_ms_%s %.0f ms\n", c.name, median(cold))
		fmt.Printf("route/world_ms_%s %.0f ms\n", c.name, median(prepared))
		fmt.Printf("route/world_whole_ms_%s %.0f ms\n", c.name, median(whole))
	}
	if *figures { // else TestRoutesBreachNothing
		_, broken := violations(t, 10_000)
		fmt.Printf("route/violations %d of 10000\n", broken)
	}
}

func ms(f func()) float64 {
	begun := time.Now()
	f()
	return float64(time.Since(begun).Microseconds()) / 1_000
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
