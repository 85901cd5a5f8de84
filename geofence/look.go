package geofence

import (
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// look is one walk over the boundary near a vehicle: it collects the fences
// whose boundary a movement meets, and cuts a box around the vehicle until no
// boundary is left in it. The callback is made once so that a search does not
// allocate.
type look struct {
	visit func(_, _ [2]int64, c *chain) bool

	sub     *Subject
	class   vehicles.Class // of sub
	at      geo.Point      // the vehicle
	box     geo.Box        // what is left around it
	drift   drift          // of the vehicle
	cutting bool           // whether the box matters
	chords  []geo.Chord
	way     geo.Box // around the chord, or a piece of it
	tracing bool    // whether the chords matter
	doubt   pass    // unclear when one edge may be seen twice

	touched []*Compiled
	passes  []pass    // of touched
	first   []float64 // of touched, for a way along a course: where it meets the boundary first, 0 to 1
	edges   int       // seen in one step
}

// pass is how the way of a step lies to the boundary of a fence that it meets.
type pass uint8

const (
	odd     pass = 1 << iota // it crosses it an odd number of times
	unclear                  // it touches it, or the times are not known
)

// Bounds of one step: what lies beyond them is judged as a jump.
const (
	maxEdges   = 1 << 19
	maxTouched = 2048
)

func (l *look) init() {
	l.visit = func(_, _ [2]int64, c *chain) bool {
		if !c.classes.Match(l.class) || c.listed && !c.owner.lists.match(l.sub) {
			return true
		}
		l.walk(c)
		return !l.exhausted()
	}
}

// walk looks at the edges of one piece of boundary. It is the plain way, for what
// no cell covers.
func (l *look) walk(c *chain) {
	near := l.cutting && c.box.Meets(&l.box)
	along := l.tracing && c.box.Meets(&l.way)
	if !near && !along {
		return
	}
	edges := c.edges[:c.n]
	l.edges += len(edges)
	for i := range edges {
		e := &edges[i]
		minLon, maxLon := e.A.Lon, e.B.Lon
		if minLon > maxLon {
			minLon, maxLon = maxLon, minLon
		}
		if along && e.A.Lat <= l.way.MaxLat && l.way.MinLat <= e.B.Lat &&
			minLon <= l.way.MaxLon && l.way.MinLon <= maxLon && l.meets(e) {
			l.touch(c.owner, unclear)
			along = false
		}
		if near && e.A.Lat <= l.box.MaxLat && l.box.MinLat <= e.B.Lat &&
			minLon <= l.box.MaxLon && l.box.MinLon <= maxLon {
			l.drift.cut(&l.box, l.at, e)
		}
	}
}

func (l *look) meets(e *geo.Edge) bool {
	for i := range l.chords {
		if c := &l.chords[i]; geo.Meets(c.A, c.B, e.A, e.B) {
			return true
		}
	}
	return false
}

// touch notes a fence whose boundary the way meets; it returns its place.
func (l *look) touch(c *Compiled, how pass) int {
	for i, t := range l.touched {
		if t == c {
			l.passes[i] ^= how & odd
			l.passes[i] |= how & unclear
			return i
		}
	}
	l.touched, l.passes = append(l.touched, c), append(l.passes, how)
	return len(l.touched) - 1
}

// goesOver reports whether the vehicle is over touched fence i after its step to p:
// by the way if it tells, otherwise by the fence's geometry.
func (l *look) goesOver(i int, before bool, p geo.Point) bool {
	c, how := l.touched[i], l.passes[i]
	if how&unclear != 0 || !c.isOneRegion() {
		return c.covers(p)
	}
	return before != (how&odd != 0)
}

func (l *look) exhausted() bool { return l.edges > maxEdges || len(l.touched) > maxTouched }

// begin clears what the last step left.
func (l *look) begin(sub *Subject) {
	clear(l.touched)
	l.touched, l.passes, l.first = l.touched[:0], l.passes[:0], l.first[:0]
	l.sub, l.class, l.edges = sub, sub.Class, 0
}

// pieceUnits is the longest piece of a movement that is searched at once, about
// 1 km: the box around a long slanting line holds much that is not near it.
const pieceUnits = 100_000

// trace collects the fences whose boundary the chords meet. It reports false
// when that is too much for one step.
func (l *look) trace(snap *snapshot, chords []geo.Chord) bool {
	l.tracing, l.cutting, l.chords = true, false, chords
	for _, c := range chords {
		dLat, dLon := int64(c.B.Lat)-int64(c.A.Lat), int64(c.B.Lon)-int64(c.A.Lon)
		n := max(abs64(dLat), abs64(dLon))/pieceUnits + 1
		if n == 1 {
			l.way = geo.BoxOf(c.A, c.B)
			lo, hi := keys(l.way)
			snap.chains.Search(lo, hi, l.visit)
			if l.exhausted() {
				return false
			}
			continue
		}
		for i := range n {
			// Rounded outwards by one unit: pieces only choose what is looked at.
			a := geo.Point{Lat: int32(int64(c.A.Lat) + dLat*i/n), Lon: int32(int64(c.A.Lon) + dLon*i/n)}
			b := geo.Point{Lat: int32(int64(c.A.Lat) + dLat*(i+1)/n), Lon: int32(int64(c.A.Lon) + dLon*(i+1)/n)}
			l.way = geo.BoxOf(a, b)
			l.way = geo.Box{MinLat: l.way.MinLat - 1, MinLon: l.way.MinLon - 1, MaxLat: l.way.MaxLat + 1, MaxLon: l.way.MaxLon + 1}
			lo, hi := keys(l.way)
			snap.chains.Search(lo, hi, l.visit)
			if l.exhausted() {
				return false
			}
		}
	}
	return true
}

// around cuts the box around p, at first wide, until no boundary is left in it,
// by a search of the tree. It reports false when that is too much for one step.
func (l *look) around(snap *snapshot, p geo.Point, wide geo.Box) bool {
	l.at, l.box, l.cutting, l.tracing = p, wide, true, false
	lo, hi := keys(wide)
	snap.chains.Search(lo, hi, l.visit)
	return !l.exhausted()
}

// within looks at one cell: it collects the fences whose boundary a chord in the
// cell meets, and if asked cuts the box around p, at first the cell's, until no
// boundary is left in it.
func (l *look) within(c *cell, p geo.Point, chord []geo.Chord, boxing bool) {
	l.at, l.box, l.cutting = p, c.box, boxing
	l.tracing, l.doubt, l.chords = len(chord) > 0, 0, chord
	if l.tracing {
		l.way = geo.BoxOf(chord[0].A, chord[0].B)
	}
	l.in(c)
}

// maxCells bounds the cells that one step or look ahead walks through; a longer
// way is searched in the tree.
const maxCells = 64

// follow collects the fences whose boundary a chord meets, from cell to cell. It
// reports false when it did not come to the end.
func (l *look) follow(cells *cells, snap *snapshot, chord []geo.Chord) bool {
	ch := &chord[0]
	l.tracing, l.cutting, l.doubt, l.chords, l.way = true, false, unclear, chord, geo.BoxOf(ch.A, ch.B)
	p := ch.A
	for range maxCells {
		c := cells.at(snap, p)
		if c == nil || l.exhausted() {
			return false
		}
		l.in(c)
		if c.inner.Contains(ch.B) {
			return true
		}
		// The cell has all boundary between p and where the way leaves its inner box,
		// rounding included; p lies in its core, so that is a way forward.
		p = partWay(ch.A, ch.B, leaves(&c.inner, ch))
		if !c.box.Contains(p) {
			return false
		}
	}
	return false
}

// leaves is where a chord from within or through a box leaves it, 0 to 1.
func leaves(b *geo.Box, c *geo.Chord) float64 {
	t := 1.0
	for _, axis := range [2][4]int32{{c.A.Lat, c.B.Lat, b.MinLat, b.MaxLat}, {c.A.Lon, c.B.Lon, b.MinLon, b.MaxLon}} {
		from, to, low, high := float64(axis[0]), float64(axis[1]), float64(axis[2]), float64(axis[3])
		switch {
		case to > high:
			t = min(t, (high-from)/(to-from))
		case to < low:
			t = min(t, (low-from)/(to-from))
		}
	}
	return max(t, 0)
}

// in looks at the edges of one cell.
func (l *look) in(c *cell) {
	l.edges += len(c.edges)
	for i := range c.edges {
		e := &c.edges[i]
		near := l.cutting && e.comes(&l.box)
		along := l.tracing && e.comes(&l.way)
		if !near && !along {
			continue
		}
		if !e.classes.Match(l.class) || e.listed && !c.owners[e.owner].lists.match(l.sub) {
			continue
		}
		edge := e.edge()
		if along {
			l.pass(&edge, c.owners[e.owner])
		}
		if near {
			l.drift.cut(&l.box, l.at, &edge)
		}
	}
}

// pass notes how the way meets an edge.
func (l *look) pass(e *geo.Edge, of *Compiled) {
	for i := range l.chords {
		switch ch := &l.chords[i]; geo.Meet(ch.A, ch.B, e.A, e.B) {
		case geo.Crossing:
			l.touch(of, odd|l.doubt)
		case geo.Touching:
			l.touch(of, unclear)
		}
	}
}
