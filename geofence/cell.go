package geofence

import (
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// cells are squares of the ground with all boundary in and around them, compiled
// from the tree when a vehicle first comes there: the next vehicle, and the next
// step of the same one, walks a few edges that lie side by side in memory instead
// of searching. They belong to one shard. A square with much boundary is divided
// into four, so that the work of a step stays the same in a dense city.
type cells struct {
	snap  *snapshot // that the cells are good for
	roots map[cellKey]*cellNode
	held  int // edges and cells, in edges
	build builder

	divideAt, denseAt, dropAt int // see cellEdges, denseEdges and heldEdges
}

// cellKey is a square of the coarsest level: its south-west corner, shifted.
type cellKey struct{ lat, lon int32 }

// cellNode is one square; it is a cell, or is divided, or was not asked for.
type cellNode struct {
	core  geo.Box
	cell  *cell
	kids  []cellNode // 4, or none
	dense bool       // no cell: too much boundary even in the smallest square
}

// cell is the boundary in and around a square. It is immutable but for stale.
type cell struct {
	box    geo.Box // all boundary in it is in edges
	inner  geo.Box // box, less the room that a walk needs to round
	edges  []cellEdge
	owners []*Compiled
	stale  bool // the fence set has changed here
}

// cellEdge is one edge, in the form in which most are passed over soonest.
type cellEdge struct {
	minLat, maxLat, minLon, maxLon int32
	owner                          uint16 // index into the cell's owners
	classes                        vehicles.Classes
	falling                        bool // from its north-west to its south-east corner
	listed                         bool // the owner names operators, vehicles or permits
}

// The levels: a square of level n is 2^n units wide, 1.4 km for the coarsest, 22 m
// for the finest (north-south). How many edges make a square be divided was
// measured: make bench-fence, 16 to 48 differ little.
const (
	coarsest   = 17
	finest     = 11
	cellEdges  = 24
	denseEdges = 1 << 12 // of a square of the finest level: with more it is searched, not compiled
	heldEdges  = 1 << 21 // in all cells of a shard, about 50 MiB: with more they are made anew
)

// builder collects the edges of one cell. The callback is made once so that a
// search does not allocate.
type builder struct {
	visit  func(_, _ [2]int64, c *chain) bool
	box    geo.Box
	limit  int
	edges  []cellEdge
	owners []*Compiled
}

func (c *cells) init() {
	c.roots = map[cellKey]*cellNode{}
	c.divideAt, c.denseAt, c.dropAt = cellEdges, denseEdges, heldEdges
	b := &c.build
	b.visit = func(_, _ [2]int64, ch *chain) bool {
		b.add(ch)
		return len(b.edges) <= b.limit
	}
}

func (b *builder) add(ch *chain) {
	owner := -1
	for i := range ch.edges[:ch.n] {
		e := &ch.edges[i]
		if !e.Comes(&b.box) {
			continue
		}
		if owner < 0 {
			owner = b.owner(ch.owner)
		}
		edge := newCellEdge(e)
		edge.owner, edge.classes, edge.listed = uint16(owner), ch.classes, ch.listed
		b.edges = append(b.edges, edge)
	}
}

func newCellEdge(e *geo.Edge) cellEdge {
	return cellEdge{minLat: e.A.Lat, maxLat: e.B.Lat, minLon: min(e.A.Lon, e.B.Lon), maxLon: max(e.A.Lon, e.B.Lon), falling: e.A.Lon > e.B.Lon}
}

func (b *builder) owner(c *Compiled) int {
	for i := len(b.owners) - 1; i >= 0; i-- {
		if b.owners[i] == c {
			return i
		}
	}
	b.owners = append(b.owners, c)
	return len(b.owners) - 1
}

// edge is the edge as the predicates want it.
func (e *cellEdge) edge() geo.Edge {
	if e.falling {
		return geo.Edge{A: geo.Point{Lat: e.minLat, Lon: e.maxLon}, B: geo.Point{Lat: e.maxLat, Lon: e.minLon}}
	}
	return geo.Edge{A: geo.Point{Lat: e.minLat, Lon: e.minLon}, B: geo.Point{Lat: e.maxLat, Lon: e.maxLon}}
}

func (e *cellEdge) comes(b *geo.Box) bool {
	return e.minLat <= b.MaxLat && b.MinLat <= e.maxLat && e.minLon <= b.MaxLon && b.MinLon <= e.maxLon
}

// at is the cell around a point, nil where there is too much boundary for one or
// the point lies at the rim of the globe.
func (c *cells) at(snap *snapshot, p geo.Point) *cell {
	c.follow(snap)
	if c.held > c.dropAt {
		c.drop(nil)
	}
	if p.Lat <= -geo.MaxLat || p.Lat >= geo.MaxLat || p.Lon <= -geo.MaxLon || p.Lon >= geo.MaxLon {
		return nil
	}
	key := cellKey{p.Lat >> coarsest, p.Lon >> coarsest}
	n := c.roots[key]
	if n == nil {
		n = &cellNode{core: geo.Box{MinLat: key.lat << coarsest, MinLon: key.lon << coarsest,
			MaxLat: key.lat<<coarsest + (1<<coarsest - 1), MaxLon: key.lon<<coarsest + (1<<coarsest - 1)}}
		c.roots[key] = n
	}
	level := coarsest
	for n.cell == nil {
		switch {
		case n.dense:
			return nil
		case n.kids == nil:
			c.compile(n, level)
			continue
		}
		level--
		n = &n.kids[p.Lat>>level&1<<1|p.Lon>>level&1]
	}
	return n.cell
}

// compile makes a cell of a node, divides it, or finds it too dense.
func (c *cells) compile(n *cellNode, level int) {
	b := &c.build
	margin := int32(1) << level / 4
	b.box = clipped(n.core, margin)
	clear(b.owners)
	b.edges, b.owners, b.limit = b.edges[:0], b.owners[:0], c.divideAt
	if level == finest {
		b.limit = c.denseAt
	}
	lo, hi := keys(b.box)
	c.snap.chains.Search(lo, hi, b.visit)
	switch {
	case len(b.edges) <= b.limit:
		c.held += 4 + len(b.edges)
		n.cell = &cell{box: b.box, inner: geo.Box{MinLat: b.box.MinLat + 2, MinLon: b.box.MinLon + 2, MaxLat: b.box.MaxLat - 2, MaxLon: b.box.MaxLon - 2},
			edges: append([]cellEdge(nil), b.edges...), owners: append([]*Compiled(nil), b.owners...)}
	case level == finest:
		n.dense = true
	default:
		half := int32(1) << (level - 1)
		n.kids = make([]cellNode, 4)
		for i := range int32(4) {
			south, west := n.core.MinLat+i>>1*half, n.core.MinLon+i&1*half
			n.kids[i].core = geo.Box{MinLat: south, MinLon: west, MaxLat: south + half - 1, MaxLon: west + half - 1}
		}
	}
}

// clipped is a box with a margin, clipped as a square is.
func clipped(b geo.Box, margin int32) geo.Box {
	lo, hi := square(geo.Point{Lat: b.MinLat, Lon: b.MinLon}, margin), square(geo.Point{Lat: b.MaxLat, Lon: b.MaxLon}, margin)
	return lo.Union(hi)
}

// manyChanges is from how many changes of the fence set on all cells are dropped.
const manyChanges = 64

// follow drops the cells in which the fence set changed.
func (c *cells) follow(snap *snapshot) {
	if c.snap == snap {
		return
	}
	if c.snap != nil {
		changes := snap.difference(c.snap)
		if len(changes) > manyChanges {
			c.drop(nil)
		} else {
			for _, ch := range changes {
				for _, f := range [2]*Compiled{ch.old, ch.new} {
					if f != nil {
						c.drop(&f.box)
					}
				}
			}
		}
	}
	c.snap = snap
}

// drop forgets the squares around which a box lies, or all.
func (c *cells) drop(box *geo.Box) {
	for key, n := range c.roots {
		if n.drop(box) {
			delete(c.roots, key)
		}
	}
	if box == nil {
		c.held = 0
	}
}

// drop marks the cells that are not good any more; it reports whether the square
// is of no use now.
func (n *cellNode) drop(box *geo.Box) bool {
	around := clipped(n.core, (n.core.MaxLat-n.core.MinLat+1)/4)
	if box != nil && !box.Meets(&around) {
		return false
	}
	if n.cell != nil {
		n.cell.stale = true
	}
	gone := true
	for i := range n.kids {
		gone = n.kids[i].drop(box) && gone
	}
	n.cell, n.dense = nil, false
	if gone {
		n.kids = nil
	}
	return gone
}
