package geofence

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// A scenario is a text that a controller can read and add to; the files are
// testdata/*.scenario. Lines, in any order (what happens follows the times; at one
// time: fences, then positions in the order of the file):
//
//	# a remark
//	[5s] fence ID KIND [OPTION]… VERTICES [hole VERTICES]… [and VERTICES]…
//	[5s] fence ID KIND [OPTION]… circle CENTRE METRES m
//	[5s] fence ID KIND [OPTION]… corridor WIDTH m VERTICES
//	5s remove ID
//	NAME 5s LAT,LON [HEIGHT m [amsl|wgs84|agl|takeoff]]… [SPEED m/s]
//	expect 5s NAME entered|left|crossed|ended|… ID [first] [changed] [unknown] [jump] [held]
//	expect 5s NAME jumped METRES m
//
// A KIND is keep-out, keep-in or speed-limit. An OPTION is a BAND, "for uav,icv",
// "of OPERATOR", "except OPERATOR", "max SPEED m/s", "margin METRES m", "group NAME",
// "geodesic", "daily 08:00..08:10" or "during 5s..20s" after the start, which is
// Thursday 2026-01-01 08:00 UTC. A name icv-ada-1 is a verified car of operator ada.
// A BAND is "0..120 m amsl" or two limits "above 50 m amsl" and "below 120 m takeoff". A fence line
// with the ID of a fence that is there replaces it. A name begins with the class:
// uav-7; others are of unknown class. A height without a datum is amsl. Every
// transition must be expected, with its remarks, and every expectation must come.
type scenario struct {
	events  []scenarioEvent
	expects []string
}

type scenarioEvent struct {
	at     time.Duration
	fence  *Fence // or
	remove string // or
	name   string // with
	fix    geo.Fix
	speed  vehicles.Velocity
}

func parseScenario(text string) (*scenario, error) {
	s := &scenario{}
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := s.line(words); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	slices.SortStableFunc(s.events, func(a, b scenarioEvent) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(min(len(a.name), 1), min(len(b.name), 1)))
	})
	return s, nil
}

func (s *scenario) line(words []string) error {
	var e scenarioEvent
	switch at, err := time.ParseDuration(words[0]); {
	case err == nil && len(words) > 1:
		e.at, words = at, words[1:]
	case err == nil:
		return fmt.Errorf("nothing follows the time")
	}
	switch words[0] {
	case "fence":
		f, err := parseFence(words[1:])
		if err != nil {
			return err
		}
		e.fence = f
	case "remove":
		if len(words) != 2 {
			return fmt.Errorf("remove needs one fence")
		}
		e.remove = words[1]
	case "expect":
		if len(words) < 5 {
			return fmt.Errorf("expect needs time, vehicle, transition and fence")
		}
		at, err := time.ParseDuration(words[1])
		if err != nil {
			return err
		}
		words[1] = at.String()
		slices.Sort(words[5:])
		s.expects = append(s.expects, strings.Join(words[1:], " "))
		return nil
	default:
		return s.position(words)
	}
	s.events = append(s.events, e)
	return nil
}

func (s *scenario) position(words []string) error {
	if len(words) < 3 {
		return fmt.Errorf("a position needs vehicle, time and place")
	}
	at, err := time.ParseDuration(words[1])
	if err != nil {
		return err
	}
	e := scenarioEvent{at: at, name: words[0]}
	if e.fix.Point, err = geo.ParsePoint(words[2]); err != nil {
		return err
	}
	for words = words[3:]; len(words) > 0; {
		if len(words) > 1 && words[1] == "m/s" {
			v, err := strconv.ParseFloat(words[0], 64)
			if err != nil || !(v >= 0 && v < 300) {
				return fmt.Errorf("%q is no speed", words[0])
			}
			e.speed.N, words = int16(v*100), words[2:]
			continue
		}
		mm, err := parseMetres(words)
		if err != nil {
			return err
		}
		words = words[2:]
		d := geo.AMSL
		if len(words) > 0 {
			if named, ok := geo.ParseDatum(words[0]); ok {
				d, words = named, words[1:]
			}
		}
		e.fix.Heights.Set(d, mm)
	}
	s.events = append(s.events, e)
	return nil
}

// parseMetres reads "60 m" at the head of words.
func parseMetres(words []string) (mm int32, err error) {
	if len(words) < 2 || words[1] != "m" {
		return 0, fmt.Errorf("want a height such as 60 m, have %q", strings.Join(words, " "))
	}
	v, err := strconv.ParseFloat(words[0], 64)
	if err != nil || !(v > -1e5 && v < 1e5) {
		return 0, fmt.Errorf("%q is no height", words[0])
	}
	return int32(v * 1000), nil
}

func parseFence(words []string) (*Fence, error) {
	if len(words) < 3 {
		return nil, fmt.Errorf("a fence needs id, kind and shape")
	}
	f := &Fence{ID: words[0], Kind: map[string]Kind{"keep-out": KeepOut, "keep-in": KeepIn, "speed-limit": SpeedLimit}[words[1]]}
	var poly geo.Polygon
	var line geo.Ring
	ring := &poly.Outer
	flush := func() {
		if len(poly.Outer) > 0 {
			f.Shape.Polygons = append(f.Shape.Polygons, poly)
		}
		poly = geo.Polygon{}
	}
	for words = words[2:]; len(words) > 0; {
		used, err := 1, error(nil)
		switch w := words[0]; {
		case w == "above" || w == "below":
			used, err = parseLimit(f, words)
		case w == "circle":
			used, err = parseCircle(f, words)
		case w == "for":
			used, err = parseClasses(f, words)
		case w == "corridor":
			if used, err = parseCorridor(f, words); err == nil {
				ring = &line
			}
		case slices.Contains(scenarioOptions, w):
			used, err = parseOption(f, words)
		case w == "hole":
			poly.Holes = append(poly.Holes, nil)
			ring = &poly.Holes[len(poly.Holes)-1]
		case w == "and":
			flush()
			ring = &poly.Outer
		case strings.Contains(w, ".."):
			lo, hi, _ := strings.Cut(w, "..")
			if len(words) < 3 {
				return nil, fmt.Errorf("want a band such as 0..120 m amsl")
			}
			if used, err = parseLimit(f, []string{"above", lo, words[1], words[2]}); err == nil {
				_, err = parseLimit(f, []string{"below", hi, words[1], words[2]})
			}
			used--
		default:
			var p geo.Point
			if p, err = geo.ParsePoint(w); err == nil {
				*ring = append(*ring, p)
			}
		}
		if err != nil {
			return nil, err
		}
		words = words[min(used, len(words)):]
	}
	flush()
	if f.Shape.Corridor != nil {
		f.Shape.Corridor.Line = line
	}
	return f, nil
}

func parseLimit(f *Fence, words []string) (used int, err error) {
	if len(words) < 4 {
		return 0, fmt.Errorf("want a limit such as above 50 m amsl")
	}
	d, ok := geo.ParseDatum(words[3])
	if !ok {
		return 0, fmt.Errorf("%q is no datum", words[3])
	}
	mm, err := parseMetres(words[1:])
	if words[0] == "above" {
		f.Floor = geo.Altitude{MM: mm, Datum: d}
	} else {
		f.Ceiling = geo.Altitude{MM: mm, Datum: d}
	}
	return 4, err
}

func parseCircle(f *Fence, words []string) (used int, err error) {
	if len(words) < 4 || words[3] != "m" {
		return 0, fmt.Errorf("want a circle such as circle 31.2,121.5 100 m")
	}
	f.Shape.Circle = &geo.Circle{}
	if f.Shape.Circle.Center, err = geo.ParsePoint(words[1]); err == nil {
		f.Shape.Circle.RadiusM, err = strconv.ParseFloat(words[2], 64)
	}
	return 4, err
}

func parseClasses(f *Fence, words []string) (used int, err error) {
	if len(words) < 2 {
		return 0, fmt.Errorf("for whom?")
	}
	for _, name := range strings.Split(words[1], ",") {
		class, ok := vehicles.ParseClass(name)
		if !ok {
			return 0, fmt.Errorf("%q is no class", name)
		}
		f.Classes |= vehicles.ClassSet(class)
	}
	return 2, nil
}

// run plays a scenario and returns what happened, in the form of its expectations.
func (s *scenario) run() (happened []string, err error) {
	e := NewEngine(Config{})
	shard := e.NewShard()
	handles := map[string]vehicles.Handle{}
	names := []string{""}
	var set []*Compiled
	rev := uint64(0)
	start := scenarioStart
	note := func(at time.Duration, ts []Transition) {
		for _, t := range ts {
			line := []string{at.String(), names[t.Handle], t.Kind.String(), t.Fence.Fence.ID}
			var remarks []string
			for flag, name := range map[Flags]string{FirstFix: "first", FenceChanged: "changed", AltitudeUnknown: "unknown", Jump: "jump", GroupHeld: "held"} {
				if t.Flags&flag != 0 {
					remarks = append(remarks, name)
				}
			}
			slices.Sort(remarks)
			happened = append(happened, strings.Join(append(line, remarks...), " "))
		}
	}
	next := int64(math.MinInt64)
	for _, ev := range s.events {
		now := start.Add(ev.at).UnixMicro()
		for n := 0; next <= now && n < 1000; n++ { // what the schedules do until then
			at := max(next, start.UnixMicro())
			_, next = e.Advance(at)
			note(time.UnixMicro(at).Sub(start), shard.Refresh(at, nil))
		}
		if ev.name != "" {
			h := handles[ev.name]
			if h == 0 {
				h = vehicles.Handle(len(names))
				handles[ev.name], names = h, append(names, ev.name)
				prefix, rest, _ := strings.Cut(ev.name, "-")
				sub := Subject{Vehicle: vehicles.VehicleID(ev.name)}
				sub.Class, _ = vehicles.ParseClass(prefix)
				if operator, _, ok := strings.Cut(rest, "-"); ok {
					sub.Operator, sub.Verified = operator, true
				}
				shard.Admit(h, sub)
			}
			smp := Sample{Fix: ev.fix, Velocity: ev.speed, ReceivedUS: now, BootMS: uint32(5000 + ev.at.Milliseconds())}
			var jumped Jumped
			if m, _ := shard.Weigh(h, &smp, &jumped); m == Teleport {
				happened = append(happened, fmt.Sprintf("%s %s jumped %.0f m", ev.at, ev.name, jumped.DistanceM))
			}
			note(ev.at, shard.Step(h, &smp, nil))
			continue
		}
		id := ev.remove
		if ev.fence != nil {
			id = ev.fence.ID
		}
		set = slices.DeleteFunc(slices.Clone(set), func(c *Compiled) bool { return c.Fence.ID == id })
		if ev.fence != nil {
			rev++
			ev.fence.Rev = rev
			c, err := Compile(*ev.fence)
			if err != nil {
				return nil, err
			}
			set = append(set, c)
		}
		e.SetFences(set)
		_, next = e.Advance(now)
		note(ev.at, shard.Refresh(now, nil))
	}
	return happened, nil
}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.scenario")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d scenario files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".scenario"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := parseScenario(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if len(s.expects) == 0 {
				t.Fatal("nothing is expected")
			}
			happened, err := s.run()
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(happened)
			slices.Sort(s.expects)
			for _, want := range s.expects {
				if i := slices.Index(happened, want); i >= 0 {
					happened = slices.Delete(happened, i, i+1)
				} else {
					t.Errorf("did not happen: %s", want)
				}
			}
			for _, extra := range happened {
				t.Errorf("not expected:   %s", extra)
			}
		})
	}
}

// FuzzScenario checks that no text makes the parser or the engine panic.
func FuzzScenario(f *testing.F) {
	files, err := filepath.Glob("testdata/*.scenario")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseScenario(text); err == nil {
			s.run() // an error is as good as an answer
		}
	})
}
