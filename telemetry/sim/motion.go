package sim

import (
	"fmt"
	"math"
	"sort"

	"testzone/geofence/geo"
)

const gravity = 9.80665 // m/s²

// vec is a position in metres east, north and up of an origin, or a direction.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec             { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec             { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) scale(k float64) vec       { return vec{a.x * k, a.y * k, a.z * k} }
func (a vec) dot(b vec) float64         { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) norm() float64             { return math.Sqrt(a.dot(a)) }
func (a vec) lerp(b vec, f float64) vec { return a.add(b.sub(a).scale(f)) }

// unit is a scaled to length 1; the zero vector stays zero.
func (a vec) unit() vec {
	if n := a.norm(); n > 0 {
		return a.scale(1 / n)
	}
	return a
}

// plane maps local metres to WGS-84 around an origin: flat, good to a few
// centimetres over the few kilometres of a zone.
type plane struct {
	lat, lon       float64 // degrees
	perLat, perLon float64 // metres per degree
}

func newPlane(origin geo.Point) plane {
	const a, e2 = 6378137.0, 6.69437999014e-3 // WGS-84
	lat := float64(origin.Lat) / 1e7
	s := math.Sin(lat * math.Pi / 180)
	w := 1 - e2*s*s
	meridian := a * (1 - e2) / math.Pow(w, 1.5)
	normal := a / math.Sqrt(w)
	return plane{
		lat: lat, lon: float64(origin.Lon) / 1e7,
		perLat: meridian * math.Pi / 180,
		perLon: normal * math.Cos(lat*math.Pi/180) * math.Pi / 180,
	}
}

func (p plane) point(v vec) geo.Point {
	lat := math.Round((p.lat + v.y/p.perLat) * 1e7)
	lon := math.Round((p.lon + v.x/p.perLon) * 1e7)
	switch {
	case lon >= geo.MaxLon:
		lon -= 2 * geo.MaxLon
	case lon < -geo.MaxLon:
		lon += 2 * geo.MaxLon
	}
	return geo.Point{Lat: int32(lat), Lon: int32(lon)}
}

func (p plane) points(vs []vec) []geo.Point {
	out := make([]geo.Point, len(vs))
	for i, v := range vs {
		out[i] = p.point(v)
	}
	return out
}

// local is the inverse of point for places near the origin.
func (p plane) local(g geo.Point) vec {
	return vec{x: (float64(g.Lon)/1e7 - p.lon) * p.perLon, y: (float64(g.Lat)/1e7 - p.lat) * p.perLat}
}

// waypoint is one corner of a closed course.
type waypoint struct {
	at     vec
	radius float64 // of the turn here, m; 0: stop and turn on the spot, as between a vertical and a level leg
	hold   float64 // seconds to stand here; needs a stop, so it overrides radius
	speed  float64 // limit of the leg that leaves this point, m/s; 0: the class's cruise
	ground bool    // while it holds here it stands on the ground, disarmed
}

// agility bounds the motion of a class.
type agility struct {
	cruise  float64 // m/s
	accel   float64 // along the path, m/s²
	lateral float64 // across the path, m/s²: limits the speed in turns
	climb   float64 // m/s, upwards; 0 for what stays on the surface
	sink    float64 // m/s, downwards
	spin    float64 // turn rate on the spot, rad/s; 0: it cannot
}

// knot is one sample of a course. Between two knots the acceleration along the
// path is constant.
type knot struct {
	t, v    float64 // seconds from the start of the round, m/s
	at, dir vec
	heading float64 // rad clockwise from north, not wrapped
	hold    bool    // stands until the next knot
	ground  bool    // stands on the ground until the next knot

	s, vmax, wait float64 // while building: metres to the next knot, speed limit, seconds to wait
	vertical      bool    // while building: no horizontal direction
}

// course is a closed path with a timetable: position as a function of time, so
// that two simulators with one seed agree whatever their steps are.
type course struct {
	period float64
	knots  []knot
}

// newCourse lays rounded corners and a timetable over the waypoints. With
// period > 0 the holds are lengthened so that one round takes exactly that.
func newCourse(wps []waypoint, ag agility, period float64) (*course, error) {
	if len(wps) < 2 {
		return nil, fmt.Errorf("course: %d waypoints, need 2", len(wps))
	}
	c := &course{}
	turns := roundCorners(wps)
	for i := range wps {
		next := (i + 1) % len(wps)
		c.corner(&wps[i], turns[i], ag, legSpeed(&wps[(i+len(wps)-1)%len(wps)], ag), legSpeed(&wps[i], ag))
		c.straight(turns[i].out, turns[next].in, legSpeed(&wps[i], ag), ag)
	}
	first := c.knots[0]
	c.knots = append(c.knots, first)
	c.measure()
	c.headings(ag)
	c.speeds(ag.accel)
	return c, c.schedule(period)
}

func legSpeed(w *waypoint, ag agility) float64 {
	if w.speed > 0 {
		return w.speed
	}
	return ag.cruise
}

// turn is a corner replaced by an arc from in to out.
type turn struct {
	in, out         vec
	dirIn, dirOut   vec
	radius          float64
	center, toStart vec // toStart: unit vector from the centre to in
	angle           float64
}

func roundCorners(wps []waypoint) []turn {
	n := len(wps)
	turns := make([]turn, n)
	for i := range wps {
		w := &wps[i]
		before, after := wps[(i+n-1)%n].at, wps[(i+1)%n].at
		t := turn{in: w.at, out: w.at, dirIn: w.at.sub(before).unit(), dirOut: after.sub(w.at).unit()}
		t.angle = math.Acos(max(-1, min(1, t.dirIn.dot(t.dirOut))))
		if w.radius > 0 && w.hold == 0 && t.angle > 1e-3 && t.angle < math.Pi-0.05 {
			// The arc may use at most half of either leg; a tighter one is flown slower.
			reach := w.radius * math.Tan(t.angle/2)
			reach = min(reach, 0.5*w.at.sub(before).norm(), 0.5*after.sub(w.at).norm())
			t.radius = reach / math.Tan(t.angle/2)
			t.in = w.at.sub(t.dirIn.scale(reach))
			t.out = w.at.add(t.dirOut.scale(reach))
			inward := t.dirOut.sub(t.dirIn.scale(t.dirIn.dot(t.dirOut))).unit()
			t.center = t.in.add(inward.scale(t.radius))
			t.toStart = inward.scale(-1)
		}
		turns[i] = t
	}
	return turns
}

// corner appends the knots of one waypoint: an arc, a pass straight through,
// or a stop.
func (c *course) corner(w *waypoint, t turn, ag agility, vIn, vOut float64) {
	switch {
	case t.radius > 0:
		v := min(vIn, vOut, math.Sqrt(ag.lateral*t.radius))
		n := max(2, int(math.Ceil(t.angle/0.1)))
		for k := range n {
			a := t.angle * float64(k) / float64(n)
			at := t.center.add(t.toStart.scale(t.radius * math.Cos(a))).add(t.dirIn.scale(t.radius * math.Sin(a)))
			dir := t.dirIn.scale(math.Cos(a)).sub(t.toStart.scale(math.Sin(a)))
			c.knots = append(c.knots, knot{at: at, dir: dir, vmax: min(v, climbLimit(dir, ag))})
		}
	case w.hold == 0 && t.angle <= 1e-3:
		// The straight behind starts with a knot at this place.
	default:
		c.knots = append(c.knots,
			knot{at: w.at, dir: t.dirIn, wait: max(w.hold, 1), hold: true, ground: w.ground})
		c.knots = append(c.knots, knot{at: w.at, dir: t.dirOut})
	}
}

// straight appends the knots from a to b, b excluded.
func (c *course) straight(a, b vec, v float64, ag agility) {
	d := b.sub(a)
	length := d.norm()
	if length < 1e-6 {
		return
	}
	dir := d.unit()
	v = min(v, climbLimit(dir, ag))
	n := max(2, int(math.Ceil(length/5)))
	for k := range n {
		at := a.lerp(b, float64(k)/float64(n))
		if k == 0 && len(c.knots) > 0 {
			if last := &c.knots[len(c.knots)-1]; last.at == at && !last.hold {
				continue // a stop has put its own knot here
			}
		}
		c.knots = append(c.knots, knot{at: at, dir: dir, vmax: v})
	}
}

func climbLimit(dir vec, ag agility) float64 {
	switch {
	case dir.z > 1e-9 && ag.climb > 0:
		return ag.climb / dir.z
	case dir.z < -1e-9 && ag.sink > 0:
		return ag.sink / -dir.z
	}
	return math.Inf(1)
}

func (c *course) measure() {
	for i := range len(c.knots) - 1 {
		k := &c.knots[i]
		if !k.hold {
			k.s = c.knots[i+1].at.sub(k.at).norm()
		}
		k.vertical = math.Hypot(k.dir.x, k.dir.y) < 0.1
	}
	last := len(c.knots) - 1
	c.knots[last].vertical = c.knots[0].vertical
}

// headings follows the path; on a vertical leg the vehicle keeps its heading.
// What changes at a stop is turned on the spot while it stands.
func (c *course) headings(ag agility) {
	n := len(c.knots) - 1 // the last knot is the first one of the next round
	start := 0
	for start < n && c.knots[start].vertical {
		start++
	}
	if start == n {
		return // up and down only: north
	}
	raw := func(i int) float64 { k := &c.knots[i%n]; return math.Atan2(k.dir.x, k.dir.y) }
	h := raw(start)
	set := make([]float64, n+1)
	set[0] = h
	for j := 1; j <= n; j++ {
		if i := start + j; !c.knots[i%n].vertical {
			h += wrapPi(raw(i) - h)
		}
		set[j] = h
	}
	whole := set[n] - set[0]
	for j := range n {
		i := start + j
		if i >= n {
			c.knots[i-n].heading = set[j] - whole
		} else {
			c.knots[i].heading = set[j]
		}
	}
	c.knots[n].heading = c.knots[0].heading + whole
	if ag.spin > 0 {
		for i := range n {
			if k := &c.knots[i]; k.hold {
				k.wait = max(k.wait, math.Abs(c.knots[i+1].heading-k.heading)/ag.spin)
			}
		}
	}
}

// speeds finds the fastest profile within the limits: forward for
// acceleration, backward for braking, twice around because the course closes.
func (c *course) speeds(accel float64) {
	n := len(c.knots) - 1
	for i := range n {
		c.knots[i].v = c.knots[i].vmax
	}
	for range 2 {
		for i := range n {
			k, next := &c.knots[i], &c.knots[(i+1)%n]
			next.v = min(next.v, math.Sqrt(k.v*k.v+2*accel*k.s))
		}
		for i := n - 1; i >= 0; i-- {
			k, next := &c.knots[i], &c.knots[(i+1)%n]
			k.v = min(k.v, math.Sqrt(next.v*next.v+2*accel*k.s))
		}
	}
	c.knots[n].v = c.knots[0].v
}

func (c *course) schedule(period float64) error {
	n := len(c.knots) - 1
	holds, total := 0, 0.0
	for i := range n {
		k := &c.knots[i]
		if k.hold {
			holds++
		}
		total += k.duration(c.knots[i+1].v)
	}
	if period > 0 {
		spare := period - total
		if spare < 0 || holds == 0 {
			return fmt.Errorf("course: a round takes %.1f s with %d holds, cannot take %.1f s", total, holds, period)
		}
		for i := range n {
			if c.knots[i].hold {
				c.knots[i].wait += spare / float64(holds)
			}
		}
	}
	t := 0.0
	for i := range c.knots {
		c.knots[i].t = t
		if i < n {
			t += c.knots[i].duration(c.knots[i+1].v)
		}
	}
	c.period = t
	if period > 0 {
		c.period, c.knots[n].t = period, period
	}
	if math.IsInf(c.period, 0) || math.IsNaN(c.period) || c.period <= 0 {
		return fmt.Errorf("course: a round takes %v s", c.period)
	}
	return nil
}

func (k *knot) duration(vNext float64) float64 {
	switch {
	case k.hold:
		return k.wait
	case k.s == 0:
		return 0
	}
	return 2 * k.s / (k.v + vNext)
}

// state is where a vehicle is and how it moves.
type state struct {
	at, vel vec
	heading float64 // rad clockwise from north, not wrapped
	hold    bool
	ground  bool
	mode    uint32 // custom_mode under an order; 0: that of its course
	manual  bool   // a pilot flies it: mode may be 0
	ended   bool   // its motors stand for good
}

// at is the state t seconds after the start of a round; t may be any number.
func (c *course) at(t float64) state {
	t = math.Mod(t, c.period)
	if t < 0 {
		t += c.period
	}
	i := sort.Search(len(c.knots), func(i int) bool { return c.knots[i].t > t }) - 1
	i = max(0, min(i, len(c.knots)-2))
	k, next := &c.knots[i], &c.knots[i+1]
	span := next.t - k.t
	if span <= 0 {
		return state{at: k.at, heading: k.heading, hold: k.hold, ground: k.ground}
	}
	u := t - k.t
	if k.hold {
		return state{at: k.at, heading: k.heading + (next.heading-k.heading)*u/span, hold: true, ground: k.ground}
	}
	a := (next.v - k.v) / span
	f := max(0, min(1, (k.v*u+a*u*u/2)/k.s))
	return state{
		at:      bend(k, next, f),
		vel:     k.dir.lerp(next.dir, f).unit().scale(k.v + a*u),
		heading: k.heading + (next.heading-k.heading)*f,
	}
}

// bend is the place a fraction f of the way from k to next: a cubic that leaves
// and arrives in the knots' directions, so that a turn is round.
func bend(k, next *knot, f float64) vec {
	if k.dir == next.dir {
		return k.at.lerp(next.at, f)
	}
	g := 1 - f
	return k.at.scale(g * g * (1 + 2*f)).add(next.at.scale(f * f * (3 - 2*f))).
		add(k.dir.scale(k.s * f * g * g)).sub(next.dir.scale(k.s * f * f * g))
}

// wrapPi brings an angle to -π..π.
func wrapPi(a float64) float64 { return math.Remainder(a, 2*math.Pi) }
