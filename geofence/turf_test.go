package geofence

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

var turfQuestions = flag.String("turf-questions", "", "write what testdata/turf/answers.mjs asks Turf to this file")

// turfCity is what Turf was asked: the fences of a city and 100,000 points. No
// point lies on an edge, where libraries differ.
func turfCity() (fences []*Compiled, points []geo.Point) {
	c := newCity(1000)
	fences = c.fences(1000)
	for range 100_000 {
		east, north := c.centre(1500, 0.5)
		points = append(points, cityPoint(east, north))
	}
	return fences, points
}

// TestTurfFixture compares the engine with what Turf 7.4.0 answered.
func TestTurfFixture(t *testing.T) {
	fences, points := turfCity()
	if *turfQuestions != "" {
		writeQuestions(t, fences, points)
		return
	}
	f, err := os.Open("testdata/turf/answers.bin.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(unzipped)
	next := func() int {
		n, err := binary.ReadUvarint(in)
		if err != nil {
			t.Fatalf("the fixture ends early: %v", err)
		}
		return int(n)
	}
	e := NewEngine(Config{})
	e.SetFences(fences)
	s := e.NewShard()
	contained := 0
	for i, p := range points {
		s.Admit(1, Subject{Class: vehicles.UAV})
		smp := Sample{Fix: geo.Fix{Point: p}, ReceivedUS: int64(i+1) * 60_000_000}
		s.Step(1, &smp, nil)
		v := s.find(1)
		n := next()
		contained += n
		if n != len(v.over) {
			t.Fatalf("point %d %v: Turf finds it in %d fences, the engine in %d", i, p, n, len(v.over))
		}
		for range n {
			if c := fences[next()]; !v.isInside(c) || !c.Contains(smp.Fix, vehicles.UAV) {
				t.Errorf("point %d %v: Turf finds it in %s", i, p, c.Fence.ID)
			}
		}
		if i%2 == 0 {
			s.Forget(1) // every second point is a first fix, the others are moves and jumps
		}
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Error("the fixture has more answers than there are points")
	}
	if contained < 10_000 {
		t.Errorf("only %d contained pairs", contained)
	}
}

func writeQuestions(t *testing.T, fences []*Compiled, points []geo.Point) {
	var q struct {
		Fences [][][][2]float64 `json:"fences"`
		Points [][2]float64     `json:"points"`
	}
	degrees := func(p geo.Point) [2]float64 { return [2]float64{float64(p.Lon) / 1e7, float64(p.Lat) / 1e7} }
	for _, c := range fences {
		var rings [][][2]float64
		p := c.Fence.Shape.Polygons[0]
		for _, ring := range append([]geo.Ring{p.Outer}, p.Holes...) {
			var out [][2]float64
			for i := range len(ring) + 1 {
				out = append(out, degrees(ring[i%len(ring)]))
			}
			rings = append(rings, out)
		}
		q.Fences = append(q.Fences, rings)
	}
	for _, p := range points {
		q.Points = append(q.Points, degrees(p))
	}
	b, err := json.Marshal(q)
	if err == nil {
		err = os.WriteFile(*turfQuestions, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
