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
	cutting bool           // whether the box matters
	chords  []geo.Chord
	way     geo.Box // around the chord, or a piece of it
	tracing bool    // whether the chords matter

	touched []*Compiled
	edges   int // seen in one step

	near    []*chain // what a search around the vehicle found
	keeping bool     // whether to fill near
}

// Bounds of one step: what lies beyond them is judged as a jump.
const (
	maxEdges   = 1 << 19
	maxTouched = 2048
)

// maxNear is how many pieces of boundary a vehicle remembers. Walking them costs
// a small part of a search of the tree (TestFigures -figures: with them 10k fences
// take a third less time).
const maxNear = 48

func (l *look) init() {
	l.visit = func(_, _ [2]int64, c *chain) bool {
		if !c.classes.Match(l.class) || c.listed && !c.owner.lists.match(l.sub) {
			return true
		}
		if l.keeping {
			l.near = append(l.near, c)
			l.keeping = len(l.near) <= maxNear
		}
		l.walk(c)
		return !l.exhausted()
	}
}

// walk looks at the edges of one piece of boundary.
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
			l.touch(c.owner)
			along = false
		}
		if near && e.A.Lat <= l.box.MaxLat && l.box.MinLat <= e.B.Lat &&
			minLon <= l.box.MaxLon && l.box.MinLon <= maxLon {
			cut(&l.box, l.at, e)
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

func (l *look) touch(c *Compiled) {
	for _, t := range l.touched {
		if t == c {
			return
		}
	}
	l.touched = append(l.touched, c)
}

func (l *look) exhausted() bool { return l.edges > maxEdges || len(l.touched) > maxTouched }

// begin clears what the last step left.
func (l *look) begin(sub *Subject) {
	clear(l.touched)
	l.touched = l.touched[:0]
	l.sub, l.class, l.edges = sub, sub.Class, 0
}

// pieceUnits is the longest piece of a movement that is searched at once, about
// 1 km: the box around a long slanting line holds much that is not near it.
const pieceUnits = 100_000

// trace collects the fences whose boundary the chords meet. It reports false
// when that is too much for one step.
func (l *look) trace(snap *snapshot, chords []geo.Chord) bool {
	l.tracing, l.cutting, l.keeping, l.chords = true, false, false, chords
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

// around cuts the box around p, at first wide, until no boundary is left in it.
// With chords it collects at the same time the fences whose boundary they meet;
// they must lie in the wide box. The pieces of boundary come from the tree and
// are left in near if they are few. It reports false when that is too much for
// one step.
func (l *look) around(snap *snapshot, p geo.Point, wide geo.Box, chords []geo.Chord) bool {
	l.aim(p, wide, chords)
	l.near, l.keeping = l.near[:0], true
	lo, hi := keys(wide)
	snap.chains.Search(lo, hi, l.visit)
	return !l.exhausted()
}

// remembered is around with pieces of boundary that an earlier search of the
// wide box found.
func (l *look) remembered(near []*chain, p geo.Point, wide geo.Box, chords []geo.Chord) {
	l.aim(p, wide, chords)
	for _, c := range near {
		l.walk(c)
	}
}

func (l *look) aim(p geo.Point, wide geo.Box, chords []geo.Chord) {
	l.at, l.box, l.cutting = p, wide, true
	l.tracing, l.chords = len(chords) > 0, chords
	if l.tracing {
		l.way = geo.BoxOf(chords[0].A, chords[0].B)
	}
}

// alongRemembered is trace with pieces of boundary that an earlier search around
// the whole way found.
func (l *look) alongRemembered(near []*chain, chords []geo.Chord) {
	l.tracing, l.cutting, l.chords = true, false, chords
	l.way = geo.BoxOf(chords[0].A, chords[0].B)
	for _, c := range near {
		l.walk(c)
	}
}
