package geofence

import (
	"math"

	"testzone/geofence/geo"
)

// course is the boundary around the way that a vehicle has before it, kept from
// one look ahead for the next ones: as long as it starts and ends nearby, the way
// meets no other.
type course struct {
	from, to geo.Box // where such a way starts and ends; from is empty when nothing is kept
	edges    []courseEdge
	reach    int32 // half the side of from and to at the next search

	scaleAt     int32   // latitude of the scales
	north, east float64 // units of the lattice in a centimetre; 0: not known yet
}

type courseEdge struct {
	cellEdge
	of *Compiled
}

// The squares around the ends of a way: 6 m to 360 m to each side, so that
// maxCourse edges at most lie between them.
const (
	minCourse   = 1 << 9
	firstCourse = 1 << 12
	maxCourse   = 1 << 15
	courseEdges = 20
)

// nowhere is a box that contains nothing.
var nowhere = geo.Box{MinLat: 1}

func (c *course) forget() {
	clear(c.edges)
	c.from, c.edges = nowhere, c.edges[:0]
	c.reach = max(c.reach, minCourse)
}

// scale finds the units in a centimetre around a latitude; 180 m off it they
// still hold to 0.01 % up to 70 degrees.
func (c *course) scale(lat int32) {
	if c.north != 0 && abs64(int64(lat)-int64(c.scaleAt)) < 1<<14 {
		return
	}
	c.scaleAt = lat
	c.north, c.east = geo.UnitsPerMetre(lat)
	c.north, c.east = c.north/100, c.east/100
}

// gather collects the boundary around a way for the next looks ahead.
type gather struct {
	visit  func(_, _ [2]int64, c *chain) bool
	sub    *Subject
	course *course
	wide   geo.Box
	way    geo.Chord
	beside int64 // how far beyond the way's line the squares at its ends reach, times its length
	full   bool
}

func (g *gather) init() {
	g.visit = func(_, _ [2]int64, c *chain) bool {
		if c.owner.Fence.Classes.Match(g.sub.Class) && (!c.listed || c.owner.lists.match(g.sub)) {
			g.add(c)
		}
		return !g.full
	}
}

func (g *gather) add(c *chain) {
	for i := range c.edges[:c.n] {
		e := &c.edges[i]
		if !e.Comes(&g.wide) || g.passes(e) {
			continue
		}
		if len(g.course.edges) == courseEdges {
			g.full = true
			return
		}
		g.course.edges = append(g.course.edges, courseEdge{newCellEdge(e), c.owner})
	}
}

// passes reports whether an edge lies wholly to one side of the squares and what
// is between them.
func (g *gather) passes(e *geo.Edge) bool {
	a, b := geo.Cross(g.way.A, g.way.B, e.A), geo.Cross(g.way.A, g.way.B, e.B)
	return a > g.beside && b > g.beside || a < -g.beside && b < -g.beside
}

// fill finds the boundary around a way; it reports false when that is too much to
// keep.
func (g *gather) fill(v *vehicle, snap *snapshot, way *geo.Chord) bool {
	c := &v.ahead
	c.forget()
	if c.edges == nil {
		c.edges, c.reach = make([]courseEdge, 0, courseEdges), firstCourse
	}
	g.sub, g.course, g.way, g.full = &v.sub, c, *way, false
	g.wide = clipped(geo.BoxOf(way.A, way.B), c.reach)
	dLat, dLon := int64(way.B.Lat)-int64(way.A.Lat), int64(way.B.Lon)-int64(way.A.Lon)
	g.beside = int64(c.reach) * (abs64(dLat) + abs64(dLon))
	lo, hi := keys(g.wide)
	snap.chains.Search(lo, hi, g.visit)
	reach := c.reach
	switch {
	case g.full:
		c.forget()
		c.reach = max(reach/2, minCourse)
		return false
	case len(c.edges) < courseEdges/3:
		c.reach = min(reach*2, maxCourse)
	}
	// Clipped as the search was, so that no way in them leaves what was searched.
	c.from, c.to = square(way.A, reach), square(way.B, reach)
	return true
}

// holds reports whether the course has all boundary that a way can meet.
func (c *course) holds(way *geo.Chord) bool { return c.from.Contains(way.A) && c.to.Contains(way.B) }

// along collects the fences whose boundary the way meets, from a course that
// holds it, and where it meets it first.
func (l *look) along(c *course, way []geo.Chord) {
	ch := &way[0]
	box := geo.BoxOf(ch.A, ch.B)
	for i := range c.edges {
		e := &c.edges[i]
		if !e.comes(&box) {
			continue
		}
		edge := e.edge()
		if geo.Meets(ch.A, ch.B, edge.A, edge.B) {
			t := ch.Meeting(&edge)
			if i := l.touch(e.of, unclear); i < len(l.first) {
				l.first[i] = min(l.first[i], t)
			} else {
				l.first = append(l.first, t)
			}
		}
	}
}

// coast is where the vehicle will be after some seconds at its present velocity.
func (v *vehicle) coast(seconds float64) geo.Point {
	v.ahead.scale(v.fix.Point.Lat)
	lat := int64(v.fix.Point.Lat) + int64(math.Round(float64(v.velocity.N)*seconds*v.ahead.north))
	lon := int64(v.fix.Point.Lon) + int64(math.Round(float64(v.velocity.E)*seconds*v.ahead.east))
	for lon > geo.MaxLon {
		lon -= 2 * geo.MaxLon
	}
	for lon < -geo.MaxLon {
		lon += 2 * geo.MaxLon
	}
	return geo.Point{Lat: int32(lat), Lon: int32(lon)}
}
