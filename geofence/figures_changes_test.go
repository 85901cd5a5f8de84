package geofence

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// floor is the least that any loop over samples does: a check of a box in three
// dimensions that every sample passes, and keeping the sample.
type floor struct {
	boxes []floorBox
	hits  int
}

type floorBox struct {
	min, max geo.Point
	low, top int32
	fix      geo.Fix
	received int64
	boot     uint32
}

func newFloor(samples [][]Sample) *floor {
	f := &floor{boxes: make([]floorBox, len(samples[0]))}
	for i := range f.boxes {
		b := &f.boxes[i]
		b.min, b.max, b.low, b.top = samples[0][i].Fix.Point, samples[0][i].Fix.Point, math.MinInt32, math.MaxInt32
		for k := range samples {
			p := samples[k][i].Fix.Point
			b.min = geo.Point{Lat: min(b.min.Lat, p.Lat), Lon: min(b.min.Lon, p.Lon)}
			b.max = geo.Point{Lat: max(b.max.Lat, p.Lat), Lon: max(b.max.Lon, p.Lon)}
		}
	}
	return f
}

func (f *floor) drive(samples [][]Sample) {
	for k := range samples {
		for i := range samples[k] {
			f.check(i, &samples[k][i])
		}
	}
}

//go:noinline
func (f *floor) check(i int, smp *Sample) {
	b := &f.boxes[i]
	p := smp.Fix.Point
	mm, known := smp.Fix.Heights.In(geo.AMSL)
	if p.Lat >= b.min.Lat && p.Lat <= b.max.Lat && p.Lon >= b.min.Lon && p.Lon <= b.max.Lon && known && mm >= b.low && mm <= b.top {
		b.fix, b.received, b.boot = smp.Fix, smp.ReceivedUS, smp.BootMS
		f.hits++
	}
}

// measureChanges times what does not happen at every sample: a new fence over
// many standing vehicles until all transitions are out, a fence set put into a
// live engine, and the worst sample, a jump across all fences.
func measureChanges(t *testing.T, standing, dense int) {
	c := newCity(77)
	set := c.fences(standing)
	e := NewEngine(Config{})
	s := e.NewShard()
	out := make([]Transition, 0, 4*standing)
	samples := c.traffic(standing, 1, true)
	for i := range samples[0] {
		s.Admit(vehicles.Handle(i+1), Subject{Class: vehicles.UAV})
		out = s.Step(vehicles.Handle(i+1), &samples[0][i], out[:0])
	}
	start := time.Now()
	e.SetFences(set)
	apply := time.Since(start)
	out = s.Refresh(1e9, out[:0])
	all := mustCompile(t, Fence{ID: "all", Kind: KeepOut, Rev: 1, Shape: Shape{Polygons: polygons("30.5,120.5 30.5,122.5 32,122.5 32,120.5")}})
	start = time.Now()
	e.SetFences(append(slices.Clone(set), all))
	out = s.Refresh(1e9, out[:0])
	over := time.Since(start)
	if len(out) != standing {
		t.Errorf("%d of %d standing vehicles entered", len(out), standing)
	}
	set = c.fences(dense)
	e.SetFences(set)
	s.Refresh(1e9, out[:0])
	var worst int64
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // its work is not the step's
	for i := range 200 {
		smp := samples[0][i%len(samples[0])]
		smp.BootMS, smp.ReceivedUS = uint32(1000+i)*100, int64(1000+i)*100_000
		if i%2 == 0 {
			smp.Fix.Point = cityPoint(cityEastM*0.1, cityNorthM*0.1)
		}
		begin := cpuNS(t) // processor time: what else runs on the machine is not the step's
		out = s.Step(1, &smp, out[:0])
		worst = max(worst, cpuNS(t)-begin)
	}
	if !*figures {
		return
	}
	fmt.Fprintf(os.Stdout, "fence/apply_%dk_ms %.3g ms\n", standing/1000, apply.Seconds()*1e3)
	fmt.Fprintf(os.Stdout, "fence/dynamic_%dk_standing_ms %.3g ms\n", standing/1000, over.Seconds()*1e3)
	fmt.Fprintf(os.Stdout, "fence/worst_sample_us_%sk %.3g us\n", strconv.Itoa(dense/1000), float64(worst)/1e3)
}
