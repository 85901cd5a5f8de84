package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Breach is one vehicle's recurring entry into a fence that it must stay out of.
type Breach struct {
	Vehicle  int // index into Fleet.Vehicles
	SystemID uint8
	Fence    string        // id of the DemoFence
	First    time.Duration // from the start of the fleet to the first entry
	Every    time.Duration // from one entry to the next
	Stay     time.Duration // how long it stays inside
}

// The demo's rhythm: one breach a minute, by a copter, a car and a boat in turn.
const (
	firstBreach  = 15.0 // s: soon enough for a newcomer to see
	breachEvery  = 60.0 // s
	breachKinds  = 3
	kindInterval = breachEvery * breachKinds
)

// copterRoute is a pad and the corners of a flight from it and back to it.
type copterRoute struct {
	name   string
	pad    vec
	height float64 // m above the pad
	speed  float64 // m/s
	via    []waypoint
	breach bool
}

const copterRadius = 12.0 // m, of turns in flight

func via(x, y float64) waypoint { return waypoint{at: vec{x: x, y: y}, radius: copterRadius} }

func hover(x, y, s float64) waypoint { return waypoint{at: vec{x: x, y: y}, hold: s} }

var copterRoutes = []copterRoute{
	{"copter 1", vec{x: -1150, y: 150}, 60, 11, []waypoint{via(-1150, 525), hover(-620, 525, 4), via(-600, 850), hover(-1050, 850, 4)}, true},
	{"copter 2", vec{x: -150, y: -300}, 55, 12, []waypoint{via(-150, 200), via(-250, 525), hover(-560, 550, 4), via(-300, 860)}, true},
	{"copter 3", vec{x: -1600, y: -1000}, 45, 10, []waypoint{via(-1600, -400), via(-1450, -400), via(-1450, -1000),
		via(-1300, -1000), via(-1300, -400), via(-1150, -400), hover(-1150, -1000, 5)}, false},
	{"copter 4", vec{x: -700, y: -900}, 70, 10, []waypoint{hover(-700, -350, 6), via(-300, -350), hover(-300, -1000, 6)}, false},
	{"copter 5", vec{x: 100, y: -1000}, 50, 9, []waypoint{via(100, -400), hover(600, -400, 8), via(600, -1000)}, false},
	{"copter 6", vec{x: 700, y: -300}, 80, 10, []waypoint{via(700, 150), hover(1300, 150, 10), via(1300, -250)}, false},
	{"copter 7", vec{x: -1700, y: 200}, 65, 8, []waypoint{via(-1700, 800), hover(-1350, 800, 5), via(-1350, 300)}, false},
	{"copter 8", vec{x: 300, y: 850}, 90, 9, []waypoint{via(900, 850), hover(900, 500, 8), via(300, 400)}, false},
}

// planeRoutes are the corners of circuits, flown without a stop.
var planeRoutes = []struct {
	height, radius float64
	corners        []vec
}{
	{110, 100, []vec{{x: 0, y: 350}, {x: 1350, y: 350}, {x: 1350, y: 750}, {x: 0, y: 750}}},
	{120, 120, []vec{{x: -1650, y: -1150}, {x: 300, y: -1150}, {x: 300, y: -650}, {x: -1650, y: -650}}},
}

// carRoutes are rounds on the road grid; the breaching ones drive their round
// once or twice and then through the pedestrian street.
var carRoutes = []struct {
	nodes  []vec
	breach bool
}{
	{[]vec{
		{x: -300, y: -150}, {x: -300, y: 300}, {x: 0, y: 300}, {x: 0, y: -150},
		{x: -300, y: -150}, {x: -300, y: 300}, {x: 0, y: 300}, {x: 0, y: -150},
		{x: -300, y: -150}, {x: -300, y: 75}, {x: 0, y: 75}, {x: 0, y: -150}}, true},
	{[]vec{
		{x: 0, y: -150}, {x: 0, y: 300}, {x: -300, y: 300}, {x: -300, y: -150},
		{x: 0, y: -150}, {x: 0, y: 300}, {x: -300, y: 300}, {x: -300, y: -150},
		{x: 0, y: -150}, {x: 0, y: 75}, {x: -300, y: 75}, {x: -300, y: -150}}, true},
	{[]vec{
		{x: -900, y: -150}, {x: -900, y: 300}, {x: 0, y: 300}, {x: 0, y: 75}, {x: -300, y: 75}, {x: -300, y: -150}}, true},
	{[]vec{{x: -1500, y: -600}, {x: -1500, y: 300}, {x: -900, y: 300}, {x: -900, y: -600}}, false},
	{[]vec{{x: 300, y: -600}, {x: 300, y: 750}, {x: 900, y: 750}, {x: 900, y: -600}}, false},
	{[]vec{{x: -1500, y: -150}, {x: 300, y: -150}, {x: 300, y: 750}, {x: -1500, y: 750}}, false},
}

const (
	laneOffset = 2.2 // m right of the middle of the road
	carRadius  = 9.0
	lightAhead = 25.0 // m before the crossing
	lightHold  = 4.0  // s
	boatOffset = 25.0
	boatRadius = 24.0
)

// builder lays out the demo fleet.
type builder struct {
	rng      *rand.Rand
	plane    plane
	areas    []area
	members  []*member
	breaches []Breach
	slots    [breachKinds][]int // by kind: which turn each breacher takes, from the seed
	used     [breachKinds]int
}

func demoFleet(seed int64) ([]*member, []Breach, error) {
	b := &builder{rng: rand.New(rand.NewPCG(uint64(seed), 0x64656d6f)), plane: newPlane(demoCenter), areas: demoAreas()}
	b.slots = [breachKinds][]int{b.rng.Perm(2), b.rng.Perm(3), b.rng.Perm(3)}
	for _, step := range []func() error{b.copters, b.planes, b.cars, b.boats} {
		if err := step(); err != nil {
			return nil, nil, err
		}
	}
	return b.members, b.breaches, nil
}

// jitter is a random number within ±m.
func (b *builder) jitter(m float64) float64 { return (2*b.rng.Float64() - 1) * m }

func (b *builder) copters() error {
	for _, r := range copterRoutes {
		speed := r.speed * (1 + b.jitter(0.04))
		top := vec{r.pad.x, r.pad.y, r.height}
		wps := []waypoint{{at: r.pad, hold: 10, ground: true}, {at: top, hold: 2, speed: speed}}
		for _, w := range r.via {
			w.at = vec{w.at.x + b.jitter(12), w.at.y + b.jitter(12), r.height + b.jitter(4)}
			w.speed = speed
			wps = append(wps, w)
		}
		wps = append(wps, waypoint{at: top, hold: 2})
		if err := b.add(r.name, &copter, wps, r.breach, 0, FenceHospital); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) planes() error {
	for i, r := range planeRoutes {
		speed := fixedWing.agility.cruise * (1 + b.jitter(0.05))
		var wps []waypoint
		for _, p := range r.corners {
			wps = append(wps, waypoint{at: vec{p.x, p.y, r.height}, radius: r.radius, speed: speed})
		}
		if err := b.add(fmt.Sprintf("plane %d", i+1), &fixedWing, wps, false, 0, ""); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) cars() error {
	for i, r := range carRoutes {
		speed := rover.agility.cruise * (1 + b.jitter(0.05))
		var wps []waypoint
		n := len(r.nodes)
		for j, p := range r.nodes {
			in, leave := p.sub(r.nodes[(j+n-1)%n]).unit(), r.nodes[(j+1)%n].sub(p).unit()
			at := mitre(p, in, leave, laneOffset)
			street := in.y == 0 && p.y == 75
			if !street && (j%2 == 0 || n == 6) { // a traffic light
				wps = append(wps, waypoint{at: at.sub(in.scale(lightAhead)), hold: lightHold, speed: speed})
			}
			w := waypoint{at: at, radius: carRadius, speed: speed}
			if p.y == 75 && leave.y == 0 {
				w.speed = 6 // in the pedestrian street
			}
			wps = append(wps, w)
		}
		if err := b.add(fmt.Sprintf("car %d", i+1), &rover, wps, r.breach, 1, FencePedestrian); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) boats() error {
	for i := range 3 {
		d := 60 * float64(i)
		berth, end := vec{x: 500 + d, y: -1211 + d*40/850}, vec{x: 1697, y: -190 - d/2}
		out := []vec{berth, {x: 1010, y: -1187}, {x: 1690, y: -660}, end}
		back := []vec{end, channel[5], channel[4], channel[3], berth}
		if err := b.boat(i, out, back, true); err != nil {
			return err
		}
	}
	west := []vec{channel[0].add(vec{x: 80}), channel[1], {x: 250, y: -1221}}
	return b.boat(3, west, reversed(west), false)
}

// boat makes a round that keeps to the right of the line out and of the line
// back; the U-turns join them.
func (b *builder) boat(i int, out, back []vec, breach bool) error {
	speed := boat.agility.cruise * (1 + b.jitter(0.03))
	var wps []waypoint
	for _, line := range [][]vec{out, back} {
		for j, p := range offset(line, boatOffset) {
			wps = append(wps, waypoint{at: p, radius: boatRadius, speed: speed})
			if j == 0 { // it lies still a while after the U-turn
				dir := line[1].sub(line[0]).unit()
				wps = append(wps, waypoint{at: p.add(dir.scale(3 * boatRadius)), hold: 5, speed: speed})
			}
		}
	}
	return b.add(fmt.Sprintf("boat %d", i+1), &boat, wps, breach, 2, FenceReserve)
}

// add makes a vehicle of a round. A breaching one gets a round of the length
// of its turn among the breachers of its kind, and the phase that puts its
// entry on time.
func (b *builder) add(name string, k *kind, wps []waypoint, breach bool, kindIndex int, fence string) error {
	var every float64
	if breach {
		every = kindInterval * float64(len(b.slots[kindIndex]))
	}
	c, err := newCourse(wps, k.agility, every)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m := newMember(name, k, b.plane, c, b.rng)
	if breach {
		enter, stay, err := b.entry(c, fence)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		slot := b.slots[kindIndex][b.used[kindIndex]]
		b.used[kindIndex]++
		first := firstBreach + breachEvery*float64(kindIndex) + kindInterval*float64(slot)
		m.phase = enter - first
		b.breaches = append(b.breaches, Breach{
			Vehicle: len(b.members), Fence: fence,
			First: seconds(first), Every: seconds(every), Stay: seconds(stay),
		})
	}
	b.members = append(b.members, m)
	return nil
}

// entry finds when in a round the course enters the fence and how long it stays.
func (b *builder) entry(c *course, fence string) (enter, stay float64, err error) {
	const step = 0.1 // s
	var a *area
	for i := range b.areas {
		if b.areas[i].id == fence {
			a = &b.areas[i]
		}
	}
	edge := func(t float64, inside bool) float64 { // the last change is within step before t
		lo, hi := t-step, t
		for range 30 {
			if mid := (lo + hi) / 2; a.holds(c.at(mid).at) == inside {
				hi = mid
			} else {
				lo = mid
			}
		}
		return hi
	}
	entries, was := 0, a.holds(c.at(0).at)
	if was {
		return 0, 0, fmt.Errorf("the round starts inside %s", fence)
	}
	for i := 1; float64(i)*step < c.period; i++ {
		t := float64(i) * step
		is := a.holds(c.at(t).at)
		switch {
		case is && !was:
			entries++
			enter = edge(t, true)
		case was && !is:
			stay = edge(t, false) - enter
		}
		was = is
	}
	if entries != 1 || was {
		return 0, 0, fmt.Errorf("%d entries into %s, want 1", entries, fence)
	}
	return enter, stay, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
