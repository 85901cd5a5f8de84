package geofence

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestStepDoesNotAllocate drives over boundaries and within boxes.
func TestStepDoesNotAllocate(t *testing.T) {
	c := newCity(1)
	e := NewEngine(Config{})
	e.SetFences(c.fences(300))
	s := e.NewShard()
	samples := c.traffic(50, 200, true)
	out := make([]Transition, 0, 1024)
	transitions := 0
	drive := func() {
		for k := range samples {
			for i := range samples[k] {
				smp := &samples[k][i]
				smp.BootMS += 3_600_000
				smp.ReceivedUS += 3_600_000_000
				out = s.Step(vehicles.Handle(i+1), smp, out[:0])
				transitions += len(out)
			}
		}
	}
	drive()
	transitions = 0
	if n := testing.AllocsPerRun(3, drive); n != 0 || transitions == 0 {
		t.Errorf("%v allocations in %d steps with %d transitions", n, 50*200, transitions/4)
	}
}

// TestChangesUnderSteps lets several shards step while the set changes; run with
// -race. At the end every shard knows the last set.
func TestChangesUnderSteps(t *testing.T) {
	c := newCity(2)
	set := c.fences(200)
	e := NewEngine(Config{})
	e.SetFences(set)
	samples := c.traffic(40, 150, true)
	var shards sync.WaitGroup
	stop := make(chan struct{})
	for n := range 3 {
		shards.Go(func() {
			s := e.NewShard()
			var out []Transition
			var after int64
			for {
				for k := range samples {
					for i := range samples[k] {
						smp := samples[k][i]
						smp.ReceivedUS += after
						smp.BootMS += uint32(after / 1000)
						out = s.Step(vehicles.Handle(1+i), &smp, out[:0])
					}
				}
				after += 3_600_000_000
				out = s.Refresh(after, out[:0])
				select {
				case <-stop:
					s.Refresh(after, out[:0]) // the last set may be younger than the pass before
					if n == 0 && len(s.engine.Fences()) != 200 {
						t.Errorf("%d fences", len(s.engine.Fences()))
					}
					for h := range vehicles.Handle(40) {
						if v := s.find(h + 1); v.snap != e.snap.Load() {
							t.Errorf("vehicle %d was not told of the last set", h)
						}
					}
					return
				default:
				}
			}
		})
	}
	for i := range 200 {
		k := i % 200
		e.SetFences(append(slices.Clone(set[:k]), set[k+1:]...))
		if i%7 == 0 {
			e.SetFences(nil)
		}
	}
	e.SetFences(set)
	close(stop)
	shards.Wait()
}

// TestRefreshIsFast holds the goal of a new fence over 10,000 vehicles, with room
// for a slow machine, and that all of them are told.
func TestRefreshIsFast(t *testing.T) {
	e := NewEngine(Config{})
	s := e.NewShard()
	for h := range vehicles.Handle(10_000) {
		smp := Sample{ReceivedUS: 1, BootMS: 1, Fix: geo.Fix{Point: geo.Point{Lat: 310_000_000 + int32(h%100)*5000, Lon: 1_210_000_000 + int32(h/100)*5000}}}
		s.Step(h+1, &smp, nil)
	}
	e.SetFences([]*Compiled{keepOut(t, "all", 1, unitSquare)})
	out := make([]Transition, 0, 10_000)
	start := time.Now()
	out = s.Refresh(2, out)
	if d := time.Since(start); len(out) != 10_000 || d > 250*time.Millisecond {
		t.Errorf("%d told in %v", len(out), d)
	} else {
		t.Logf("10,000 vehicles told in %v", d)
	}
}

// TestOneSampleIsBounded checks that neither a leap nor the longest way that is
// still judged costs more than a moment.
func TestOneSampleIsBounded(t *testing.T) {
	c := newCity(3)
	e := NewEngine(Config{})
	e.SetFences(c.fences(2000))
	s := e.NewShard()
	worst := time.Duration(0)
	for i := range 40 {
		smp := Sample{ReceivedUS: int64(i+1) * 3_600_000_000, BootMS: uint32(i+1) * 3_600_000}
		smp.Fix.Point = geo.Point{Lat: 312_000_000 + int32(i%2)*1_200_000, Lon: 1_214_000_000 + int32(i/2%2)*1_300_000}
		if i%5 == 0 {
			smp.Fix.Point.Lat += 3_000_000
		}
		start := time.Now()
		s.Step(1, &smp, nil)
		worst = max(worst, time.Since(start))
	}
	if worst > 100*time.Millisecond {
		t.Errorf("one sample took %v", worst)
	}
	t.Logf("worst sample %v", worst)
}

// TestExhausted checks that a way over more boundary than one step may look at is
// judged as a jump, and the next one is whole again.
func TestExhausted(t *testing.T) {
	var set []*Compiled
	for i := range maxTouched + 10 {
		set = append(set, keepOut(t, fmt.Sprint("f", i), 1, "31,121 31,121.001 32,121.001 32,121"))
	}
	r := newRig(t, set...)
	r.step("31.5,120.99", 0)
	if got := r.step("31.5,121.01", 60); got != "" {
		t.Errorf("%.100s", got)
	}
	if got := len(r.shard.Step(1, new(r.sample("31.5,121.0005", 60)), nil)); got != len(set) {
		t.Errorf("%d entered", got)
	}
}
