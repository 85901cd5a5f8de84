package volumes

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

var figures = flag.Bool("figures", false, "measure and print the figures of the 4D index")

// city is a day over 50 x 50 km: shapes of 0.1 to 1 km, bands of 10 to 50 m,
// 5 to 30 minutes; one in ten without an end or long or in another datum.
func city(seed uint64) *world {
	return &world{rng: rand.New(rand.NewPCG(seed, 5)), home: home, spreadM: 25_000, sizeM: 1000, spanUS: 24 * 60 * minute}
}

// flight is a solid of 5 to 30 minutes.
func (w *world) flight(id int) *Solid {
	for {
		if s := w.solid(id); s.Volume.FromUS != Ever && s.Volume.ToUS-s.Volume.FromUS <= 30*minute {
			return s
		}
	}
}

// cpuNS is the processor time of this process in nanoseconds: other processes
// on the machine do not count.
func cpuNS(t *testing.T) int64 {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return ts.Nano()
}

func TestMeetingDoesNotAllocate(t *testing.T) {
	w := city(1)
	x := indexOf(t)
	for i := range 5000 {
		if err := x.Insert(w.solid(i)); err != nil {
			t.Fatal(err)
		}
	}
	var queries []*Solid
	for i := range 500 {
		queries = append(queries, w.solid(1_000_000+i))
	}
	out := make([]*Solid, 0, 2000)
	found := 0
	if n := testing.AllocsPerRun(3, func() {
		for _, q := range queries {
			out = x.Meeting(q, out[:0])
			found += len(out)
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d queries", n, len(queries))
	}
	if found == 0 {
		t.Error("no query met anything")
	}
}

// spend runs f until it took 0.4 s of processor time, whose clock is coarse, or
// once without -figures, and returns the microseconds of one run.
func spend(t *testing.T, f func()) float64 {
	runs, began := 0, cpuNS(t)
	for {
		f()
		runs++
		if spent := cpuNS(t) - began; !*figures || spent > 400_000_000 {
			return float64(spent) / 1000 / float64(runs)
		}
	}
}

// TestIndexFigures prints the figures with -figures and tries the measurement
// on a small set without it.
func TestIndexFigures(t *testing.T) {
	sizes, rounds, pairs := []int{1000}, 1, 20_000
	if *figures {
		sizes, rounds, pairs = []int{1000, 10_000, 100_000}, 5, 1_000_000
	}
	for _, n := range sizes {
		w := city(uint64(n))
		var list, queries []*Solid
		for i := range n {
			list = append(list, w.solid(i))
		}
		for i := range 20_000 {
			queries = append(queries, w.flight(10_000_000+i))
		}
		var x *Index
		insert := spend(t, func() { x = indexOf(t, list...) }) / float64(n)
		// The baseline: one tree over the ground, and the time with the rest.
		var flat tree
		for i, s := range list {
			low, high := s.keys(0)
			flat.Insert(low, high, int32(i))
		}
		out := make([]*Solid, 0, n)
		var query, bare, naive []float64
		met, same := 0, 0
		for range rounds {
			query = append(query, spend(t, func() {
				met = 0
				for _, q := range queries {
					out = x.Meeting(q, out[:0])
					met += len(out)
				}
			})/float64(len(queries)))
			bare = append(bare, spend(t, func() {
				same = 0
				for _, q := range queries {
					low, high := q.keys(0)
					flat.Search(low, high, func(_, _ [2]float32, i int32) bool {
						if meets(q, list[i]) {
							same++
						}
						return true
					})
				}
			})/float64(len(queries)))
			naive = append(naive, spend(t, func() {
				for _, q := range queries[:5] {
					for _, s := range list {
						if meets(q, s) {
							out = append(out[:0], s)
						}
					}
				}
			})/5)
		}
		if met != same || met == 0 {
			t.Errorf("%d volumes: the index finds %d, one tree %d", n, met, same)
		}
		size := fmt.Sprint(n/1000, "k")
		fmt.Fprintf(os.Stdout, "intent/query_us_%s %.3f us\n", size, median(query))
		fmt.Fprintf(os.Stdout, "intent/query_over_one_rtree_%s %.3f ratio\n", size, median(query)/median(bare))
		fmt.Fprintf(os.Stdout, "intent/query_over_naive_%s %.5f ratio\n", size, median(query)/median(naive))
		fmt.Fprintf(os.Stdout, "intent/insert_us_%s %.3f us\n", size, insert)
		fmt.Fprintf(os.Stderr, "%d volumes: %.2f met per query\n", n, float64(met)/float64(len(queries)))
	}
	w := city(9)
	w.spreadM, w.spanUS = 4000, 360*minute
	stored := 1000
	all, met, unsure, wrong := mismatches(t, w, stored, pairs/stored)
	fmt.Fprintf(os.Stdout, "intent/query_mismatches %d pairs\n", wrong)
	fmt.Fprintf(os.Stderr, "%d pairs, %d meet, %d too close for the oracle to say (goal: 0 mismatches)\n", all, met, unsure)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
