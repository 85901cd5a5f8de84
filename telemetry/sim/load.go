package sim

import (
	"fmt"
	"math"
	"math/rand/v2"

	"testzone/geofence/geo"
)

// BreachPlan makes vehicles of a load fleet cross a circle again and again, so
// that the time from a breach to its alert can be measured.
type BreachPlan struct {
	Center   geo.Point
	RadiusM  float64
	EverySec float64 // mean time between two entries of the fleet; may be below 1
}

const (
	breachSpeed  = 20.0 // m/s
	breachHeight = 50.0 // m
	breachRunUp  = 50.0 // m before and behind the circle
	loadSpacing  = 120.0
	loadReach    = 200.0 // m from its cell that a load vehicle may get, with margin
)

func (p *BreachPlan) check() error {
	switch {
	case p == nil:
		return nil
	case !p.Center.Valid() || !(p.RadiusM >= 5 && p.RadiusM <= 5000):
		return fmt.Errorf("%w: breach circle %v of %v m, want 5 to 5000 m", ErrConfig, p.Center, p.RadiusM)
	case !(p.EverySec >= 0.001 && p.EverySec <= 3600):
		return fmt.Errorf("%w: a breach every %v s, want 0.001 to 3600", ErrConfig, p.EverySec)
	}
	return nil
}

// mix is the load fleet in tenths.
var mix = [10]*kind{&copter, &rover, &copter, &boat, &copter, &rover, &fixedWing, &copter, &rover, &copter}

// loadFleet sets vehicles on a square grid, each on a small round of its own
// class. Rounds are shared, so a vehicle costs a few hundred bytes.
func loadFleet(cfg Config) ([]*member, error) {
	rng := rand.New(rand.NewPCG(uint64(cfg.Seed), 0x6c6f6164))
	p := newPlane(cfg.Center)
	rounds := map[*kind]*course{}
	for k, wps := range map[*kind][]waypoint{
		&copter:    box(120, 90, copterRadius, 0),
		&fixedWing: box(300, 220, 90, 0),
		&rover:     box(100, 70, carRadius, 0),
		&boat:      box(140, 80, boatRadius, 0),
	} {
		c, err := newCourse(wps, k.agility, 0)
		if err != nil {
			return nil, err
		}
		rounds[k] = c
	}
	members, err := breachers(cfg, p, rng)
	if err != nil {
		return nil, err
	}
	side := int(math.Ceil(math.Sqrt(float64(cfg.Vehicles))))
	for cell, n := 0, len(members); n < cfg.Vehicles; cell++ {
		at := vec{x: (float64(cell%side) - float64(side-1)/2) * loadSpacing, y: (float64(cell/side) - float64(side-1)/2) * loadSpacing}
		if b := cfg.Breach; b != nil && at.sub(p.local(b.Center)).norm() < b.RadiusM+loadReach {
			continue // only the chosen ones cross the circle
		}
		k := mix[n%len(mix)]
		m := newMember(fmt.Sprintf("load %d", n+1), k, p, rounds[k], rng)
		m.origin = at
		if k.flies {
			m.origin.z = 40 + 80*rng.Float64()
		}
		m.rotate(rng.Float64() * 2 * math.Pi)
		members = append(members, m)
		n++
	}
	return members, nil
}

// breachers are copters on long rounds; each round passes through the circle
// twice, beside its centre.
func breachers(cfg Config, p plane, rng *rand.Rand) ([]*member, error) {
	b := cfg.Breach
	if b == nil {
		return nil, nil
	}
	width := max(0.5*b.RadiusM, 2*copterRadius+1)
	width = min(width, 1.5*b.RadiusM) // a very small circle is entered on both ways all the same
	ag := copter.agility
	ag.cruise, ag.accel, ag.lateral = breachSpeed, 4, 5
	c, err := newCourse(box(2*(b.RadiusM+breachRunUp), width, min(copterRadius, width/2), breachSpeed), ag, 0)
	if err != nil {
		return nil, err
	}
	n := int(math.Ceil(c.period / 2 / b.EverySec))
	if n > cfg.Vehicles {
		return nil, fmt.Errorf("%w: a breach every %v s needs %d vehicles, there are %d", ErrConfig, b.EverySec, n, cfg.Vehicles)
	}
	var members []*member
	for i := range n {
		m := newMember(fmt.Sprintf("breacher %d", i+1), &copter, p, c, rng)
		m.origin = p.local(b.Center)
		m.origin.z = breachHeight
		m.rotate(rng.Float64() * 2 * math.Pi)
		// Half a round holds one entry: n phases spread over it make the entries even.
		m.phase = c.period / 2 * float64(i) / float64(n)
		members = append(members, m)
	}
	return members, nil
}

// box is a rectangular round about the origin.
func box(length, width, radius, speed float64) []waypoint {
	x, y := length/2, width/2
	return []waypoint{
		{at: vec{x: -x, y: y}, radius: radius, speed: speed},
		{at: vec{x: x, y: y}, radius: radius, speed: speed},
		{at: vec{x: x, y: -y}, radius: radius, speed: speed},
		{at: vec{x: -x, y: -y}, radius: radius, speed: speed},
	}
}
