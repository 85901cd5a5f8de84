package geofence

import (
	"cmp"
	"slices"

	"github.com/tidwall/rtree"

	"testzone/geofence/geo"
)

// maxPairs bounds the pairs of edges that one check looks at: about half a second. A
// sane ring of MaxVertices needs a few million.
const maxPairs = 30_000_000

// ringEdge is edge i of a ring, counted without repeated vertices.
type ringEdge struct {
	ring *cleanRing
	i    int
	a, b geo.Point
}

// crossings finds pairs of edges that share a point they must not share: of one
// polygon, and of two polygons of a keep-in (the edges of a keep-out may cross
// those of its other polygons; the union of closed sets is what it says).
// Edges that follow each other share their common vertex; spikes refuses the rest.
func (c *checker) crossings(rings []cleanRing) {
	first := len(c.errs)
	defer func() { sortShapeErrors(c.errs[first:]) }()
	var edges []ringEdge
	for r := range rings {
		ring := &rings[r]
		for i, a := range ring.vertices {
			edges = append(edges, ringEdge{ring, i, a, ring.vertices[(i+1)%len(ring.vertices)]})
		}
	}
	// int64 keys: the tree computes areas in the key type and int32 overflows.
	var tree rtree.RTreeGN[int64, int32]
	pairs, found := 0, 0
	var self int32
	visit := func(_, _ [2]int64, other int32) bool {
		pairs++
		a, b := &edges[other], &edges[self]
		if c.mayNotMeet(a, b) && geo.Meets(a.a, a.b, b.a, b.b) {
			c.crossing(a, b)
			found++
		}
		return found < maxReported && pairs < maxPairs
	}
	for i := range edges {
		self = int32(i)
		lo, hi := keys(geo.BoxOf(edges[i].a, edges[i].b))
		tree.Search(lo, hi, visit)
		if found >= maxReported {
			return
		}
		if pairs >= maxPairs {
			c.errs = append(c.errs, &ShapeError{Reason: TooComplex, Polygon: edges[i].ring.polygon, Ring: edges[i].ring.ring,
				RingB: None, EdgeA: None, EdgeB: None, Vertex: None, Detail: "too many of its edges lie close together: simplify it"})
			return
		}
		tree.Insert(lo, hi, self)
	}
}

func (c *checker) mayNotMeet(a, b *ringEdge) bool {
	if a.ring != b.ring {
		return a.ring.polygon == b.ring.polygon || c.kind == KeepIn
	}
	n := len(a.ring.vertices)
	return b.i != (a.i+1)%n && a.i != (b.i+1)%n
}

func (c *checker) crossing(a, b *ringEdge) {
	c.errs = append(c.errs, &ShapeError{Reason: EdgesCross,
		Polygon: a.ring.polygon, Ring: a.ring.ring, EdgeA: a.ring.at[a.i],
		PolygonB: b.ring.polygon, RingB: b.ring.ring, EdgeB: b.ring.at[b.i],
		Vertex: None, Points: []geo.Point{a.a.Wrap(), a.b.Wrap(), b.a.Wrap(), b.b.Wrap()}})
}

// sortShapeErrors puts errors in the order of the shape.
func sortShapeErrors(errs []error) {
	slices.SortStableFunc(errs, func(x, y error) int {
		a, b := x.(*ShapeError), y.(*ShapeError)
		return cmp.Or(cmp.Compare(a.Polygon, b.Polygon), cmp.Compare(a.Ring, b.Ring),
			cmp.Compare(a.EdgeA, b.EdgeA), cmp.Compare(a.EdgeB, b.EdgeB))
	})
}

// keys are the corners of a box as keys of an R-tree: latitude, longitude.
func keys(b geo.Box) (lo, hi [2]int64) {
	return [2]int64{int64(b.MinLat), int64(b.MinLon)}, [2]int64{int64(b.MaxLat), int64(b.MaxLon)}
}
