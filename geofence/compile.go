package geofence

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Limits of a circle's radius in metres. Below a metre the lattice and the
// accuracy of any position make the shape meaningless; above 200 km the
// supported shapes end.
const (
	MinRadiusM = 1
	MaxRadiusM = 200_000
)

// Compiled is a fence that has passed every check, with its geometry built. It
// is immutable and safe for concurrent use.
type Compiled struct {
	Fence Fence

	band  band
	box   geo.Box // around all parts
	parts []*part
	sum   uint64 // of everything that decides, so that equal revisions can be told from equal numbers
}

// part is one polygon of a fence.
type part struct {
	owner  *Compiled
	region *geo.Region
	chains []*chain
}

// chainEdges is how many consecutive edges one item of the R-tree stands for:
// a fence's own box says little about a long boundary.
const chainEdges = 8

// chain is a piece of a fence's boundary.
type chain struct {
	owner   *Compiled
	box     geo.Box
	classes vehicles.Classes
	n       uint8
	edges   [chainEdges]geo.Edge
}

// Compile checks a fence and builds its geometry. Everything that is wrong with
// it comes in one answer, joined: ErrKind, ErrNoShape, *BandError, *ShapeError.
// It does not ask for an ID, so that a preview can compile a nameless fence.
//
// A circle becomes a polygon on the safe side: around the circle for a keep-out,
// within it for a keep-in (see geo.Circle.Ring for how close it comes).
func Compile(f Fence) (*Compiled, error) {
	chk := checker{kind: f.Kind}
	var errs []error
	if f.Kind != KeepOut && f.Kind != KeepIn {
		errs = append(errs, ErrKind)
	}
	polygons := f.Shape.Polygons
	switch circle := f.Shape.Circle; {
	case (circle == nil) == (len(polygons) == 0):
		errs = append(errs, ErrNoShape)
		polygons = nil
	case circle != nil:
		polygons = chk.circle(*circle, f.Kind == KeepOut)
	}
	polygons = chk.polygons(polygons)
	b, bandErrs := newBand(&f)
	errs = append(append(errs, chk.errs...), bandErrs...)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c := &Compiled{Fence: f, band: b}
	c.build(polygons)
	return c, nil
}

// circle makes a ring of a circle; nil when the circle is not sound.
func (c *checker) circle(circle geo.Circle, outside bool) []geo.Polygon {
	e := &ShapeError{Ring: None, RingB: None, EdgeA: None, EdgeB: None, Vertex: None}
	switch {
	// Written so that NaN fails.
	case !(circle.RadiusM >= MinRadiusM && circle.RadiusM <= MaxRadiusM):
		e.Reason, e.Detail = BadRadius, fmt.Sprintf("%v m, must be %d to %d m", circle.RadiusM, MinRadiusM, MaxRadiusM)
	case !circle.Center.Valid():
		e.Reason, e.Detail = OutOfRange, fmt.Sprintf("centre %v", circle.Center)
	case math.Abs(float64(circle.Center.Lat))/1e7+circle.RadiusM/110_000 > 89:
		e.Reason, e.Detail = NearPole, "fences are supported up to 89 degrees of latitude"
	default:
		ring := circle.Ring(outside)
		for i, p := range ring {
			if abs64(int64(p.Lon)-int64(ring[(i+1)%len(ring)].Lon)) > geo.MaxLon {
				e.Reason, e.Detail = Antimeridian, "a circle across longitude 180 is not supported yet"
				c.errs = append(c.errs, e)
				return nil
			}
		}
		return []geo.Polygon{{Outer: ring}}
	}
	c.errs = append(c.errs, e)
	return nil
}

func (c *Compiled) build(polygons []geo.Polygon) {
	sum := fnv.New64a()
	fmt.Fprint(sum, c.Fence.Kind, c.Fence.Classes, c.Fence.Floor, c.Fence.Ceiling)
	for i, p := range polygons {
		r := geo.NewRegion(p)
		pt := &part{owner: c, region: r}
		for _, ring := range r.Rings() {
			pt.addChains(ring, c.Fence.Classes)
			for _, e := range ring {
				hashEdge(sum, e)
			}
			io.WriteString(sum, "|")
		}
		if i == 0 {
			c.box = r.Box()
		}
		c.box = c.box.Union(r.Box())
		c.parts = append(c.parts, pt)
	}
	c.sum = sum.Sum64()
}

func hashEdge(w io.Writer, e geo.Edge) {
	var b [16]byte
	for i, v := range [4]int32{e.A.Lat, e.A.Lon, e.B.Lat, e.B.Lon} {
		b[4*i], b[4*i+1], b[4*i+2], b[4*i+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	}
	w.Write(b[:])
}

func (p *part) addChains(ring []geo.Edge, classes vehicles.Classes) {
	for len(ring) > 0 {
		ch := &chain{owner: p.owner, classes: classes, box: ring[0].Box()}
		ch.n = uint8(copy(ch.edges[:], ring))
		for i := range ch.edges[:ch.n] {
			ch.box = ch.box.Union(ch.edges[i].Box())
		}
		p.chains = append(p.chains, ch)
		ring = ring[ch.n:]
	}
}

// Applies reports whether the fence asks anything of vehicles of this class.
func (c *Compiled) Applies(class vehicles.Class) bool { return c.Fence.Classes.Match(class) }

// Contains reports whether a vehicle of this class is inside the fence's shape
// and band by the fence's edge rule: on the edge or at a limit is inside a
// keep-out and outside a keep-in, and so is an unknown height. It does not ask
// whether the fence applies to the class.
func (c *Compiled) Contains(fix geo.Fix, class vehicles.Class) bool {
	if !c.covers(fix.Point) {
		return false
	}
	in, _ := c.band.holds(class, &fix)
	return in
}

// Breaches reports whether a vehicle of this class breaches the fence there.
func (c *Compiled) Breaches(fix geo.Fix, class vehicles.Class) bool {
	return c.Applies(class) && c.Contains(fix, class) == (c.Fence.Kind == KeepOut)
}

// covers is Contains in the horizontal.
func (c *Compiled) covers(p geo.Point) bool {
	if c.coversCopy(p) {
		return true
	}
	if p.Lon != geo.MaxLon && p.Lon != -geo.MaxLon {
		return false
	}
	// +180 and -180 are one meridian: a fence on its other side counts too.
	p.Lon = -p.Lon
	return c.coversCopy(p)
}

func (c *Compiled) coversCopy(p geo.Point) bool {
	if !c.box.Contains(p) {
		return false
	}
	closed := c.Fence.Kind == KeepOut
	for _, pt := range c.parts {
		in, on := pt.region.Locate(p)
		if in || on && closed {
			return true
		}
	}
	return false
}
