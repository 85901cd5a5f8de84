package geofence

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"testzone/vehicles"
)

// measurement times Step over vehicles in steady motion at 10 Hz, and beside it,
// round by round in turn: a bare search of the fences' boxes with an empty
// callback, the floor, the cells without boxes, and both again at 1 Hz. Inside the
// timer is the loop over the samples and nothing else.
type measurement struct {
	fences    int
	clustered bool
	fast      [][]Sample // 10 Hz
	slow      [][]Sample // 1 Hz, ten times as far a step
	engine    *Engine

	step, bare, least, ahead, cells, slowStep, slowCells, allocs []float64 // by round, per sample
	transitions, found, foreseen                                 int
}

func newMeasurement(fences int, set []*Compiled, count, steps int, clustered bool) *measurement {
	c := newCity(uint64(fences))
	m := &measurement{fences: fences, clustered: clustered, engine: NewEngine(Config{})}
	m.engine.SetFences(set)
	all := c.traffic(count, steps*5, clustered)
	m.fast = all[:steps]
	for k := 0; k < len(all); k += 10 {
		m.slow = append(m.slow, slices.Clone(all[k]))
	}
	return m
}

// driver is a shard with its vehicles.
type driver struct {
	shard *Shard
	out   []Transition
}

func (m *measurement) driver(boxless bool) *driver {
	d := &driver{shard: m.engine.NewShard(), out: make([]Transition, 0, 4096)}
	d.shard.boxless = boxless
	for h := range m.fast[0] {
		d.shard.Admit(vehicles.Handle(h+1), Subject{Class: vehicles.UAV})
	}
	return d
}

func (d *driver) drive(samples [][]Sample) (transitions int) {
	for k := range samples {
		for i := range samples[k] {
			d.out = d.shard.Step(vehicles.Handle(i+1), &samples[k][i], d.out[:0])
			transitions += len(d.out)
		}
	}
	return transitions
}

// later moves all samples on by an hour: every round goes over the same ground.
func (m *measurement) later() {
	for _, samples := range [2][][]Sample{m.fast, m.slow} {
		for k := range samples {
			for i := range samples[k] {
				samples[k][i].ReceivedUS += 3_600_000_000
				samples[k][i].BootMS += 3_600_000
			}
		}
	}
}

func (m *measurement) run(t *testing.T, rounds int) {
	whole, alone, whole1, alone1, looking := m.driver(false), m.driver(true), m.driver(false), m.driver(true), m.driver(false)
	floor := newFloor(m.fast)
	tree := m.engine.snap.Load().parts
	visit := func(_, _ [2]int64, _ *part) bool { m.found++; return true }
	predictions := make([]Prediction, 0, 4096)
	// The first step of a round leads back to its start: it is not in the timer.
	timed := func(to *[]float64, samples [][]Sample, drive func(samples [][]Sample)) {
		drive(samples[:1])
		start := cpuNS(t)
		drive(samples[1:])
		*to = append(*to, float64(cpuNS(t)-start)/float64((len(samples)-1)*len(samples[0])))
	}
	for round := range rounds + 1 {
		m.later()
		runtime.GC()
		var before, after runtime.MemStats
		floor.drive(m.fast) // all see the samples equally warm
		runtime.ReadMemStats(&before)
		timed(&m.step, m.fast, func(samples [][]Sample) { m.transitions = whole.drive(samples) })
		runtime.ReadMemStats(&after)
		m.allocs = append(m.allocs, float64(after.Mallocs-before.Mallocs)/float64(len(m.fast)*len(m.fast[0])))
		timed(&m.least, m.fast, floor.drive)
		timed(&m.bare, m.fast, func(samples [][]Sample) {
			for k := range samples {
				for i := range samples[k] {
					p := samples[k][i].Fix.Point
					at := [2]int64{int64(p.Lat), int64(p.Lon)}
					tree.Search(at, at, visit)
				}
			}
		})
		timed(&m.cells, m.fast, func(samples [][]Sample) { alone.drive(samples) })
		timed(&m.slowStep, m.slow, func(samples [][]Sample) { whole1.drive(samples) })
		timed(&m.slowCells, m.slow, func(samples [][]Sample) { alone1.drive(samples) })
		timed(&m.ahead, m.fast, func(samples [][]Sample) {
			for k := range samples {
				for i := range samples[k] {
					h := vehicles.Handle(i + 1)
					looking.out = looking.shard.Step(h, &samples[k][i], looking.out[:0])
					predictions = looking.shard.Ahead(h, 10, predictions[:0])
					m.foreseen += len(predictions)
				}
			}
		})
		last := len(m.step) - 1
		m.ahead[last] = max(m.ahead[last]-m.step[last], 0)
		if round == 0 { // first fixes, cells, boxes, capacities
			for _, v := range m.series() {
				*v = (*v)[:0]
			}
		}
	}
	if m.transitions == 0 || m.found == 0 || m.foreseen == 0 || floor.hits == 0 {
		t.Errorf("%d fences: %d transitions, %d boxes hit, %d breaches foreseen, %d hits of the floor: something was not measured",
			m.fences, m.transitions, m.found, m.foreseen, floor.hits)
	}
}

func (m *measurement) series() []*[]float64 {
	return []*[]float64{&m.step, &m.bare, &m.least, &m.ahead, &m.cells, &m.slowStep, &m.slowCells, &m.allocs}
}

// report prints the figures; it returns the worse ratio of whole engine to cells.
func (m *measurement) report(t *testing.T) float64 {
	name := strconv.Itoa(m.fences)
	if m.fences >= 1000 {
		name = strconv.Itoa(m.fences/1000) + "k"
	}
	if m.clustered {
		name += "_clustered"
	}
	median := func(vs []float64) float64 { return slices.Sorted(slices.Values(vs))[len(vs)/2] }
	over := max(median(m.step)/median(m.cells), median(m.slowStep)/median(m.slowCells))
	if !*figures {
		return over
	}
	line := func(figure string, v float64, unit string) {
		fmt.Fprintf(os.Stdout, "fence/%s_%s %.4g %s\n", figure, name, v, unit)
	}
	remark := func(figure string, vs []float64) {
		fmt.Fprintf(os.Stderr, "# fence/%s_%s min %.4g max %.4g over %d rounds\n", figure, name, slices.Min(vs), slices.Max(vs), len(vs))
	}
	step, bare, least := median(m.step), median(m.bare), median(m.least)
	line("step_ns", step, "ns")
	line("rtree_search_ns", bare, "ns")
	line("floor_ns", least, "ns")
	line("ahead_ns", median(m.ahead), "ns")
	line("step_over_search", step/bare, "ratio")
	line("step_over_floor", step/least, "ratio")
	line("ahead_over_step", median(m.ahead)/step, "ratio")
	line("step_1hz_ns", median(m.slowStep), "ns")
	line("step_over_cells", step/median(m.cells), "ratio")
	line("step_over_cells_1hz", median(m.slowStep)/median(m.slowCells), "ratio")
	line("step_allocs", median(m.allocs), "allocs")
	remark("step_ns", m.step)
	remark("rtree_search_ns", m.bare)
	remark("ahead_ns", m.ahead)
	fmt.Fprintf(os.Stderr, "# %d transitions in %d samples\n", m.transitions, len(m.fast)*len(m.fast[0]))
	return over
}
