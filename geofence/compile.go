package geofence

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"slices"

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

// Limits of a speed limit.
const (
	minSpeedMPS = 0.1
	maxSpeedMPS = 400
)

// Compiled is a fence that has passed every check, with its geometry built. It
// is immutable and safe for concurrent use.
type Compiled struct {
	Fence Fence

	band    band
	lists   *lists  // nil: it names nobody
	limitSq int64   // of a speed limit, (cm/s)^2; otherwise 0
	box     geo.Box // around all parts
	parts   []*part
	within  []*part // of parts: the shape is all of these
	without []*part // of parts: less these, closed sets: the margin of a keep-in
	sum     uint64  // of everything that decides, so that equal revisions can be told from equal numbers
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
	listed  bool // the owner names operators, vehicles or permits
	n       uint8
	edges   [chainEdges]geo.Edge
}

// Compile checks a fence and builds its geometry. Everything that is wrong with
// it comes in one answer, joined: ErrKind, ErrNoShape, *BandError, *ShapeError, *ScheduleError.
// It does not ask for an ID, so that a preview can compile a nameless fence.
//
// Circles and corridors become polygons on the safe side: around them for a
// keep-out or speed limit, within them for a keep-in (see geo.Circle.Ring,
// geo.Capsule and geo.Outline for how close they come). A margin moves the
// boundary of polygons exactly, but for outer corners that it rounds: there the
// fence asks up to 4 % of the margin more. Geodesic edges become pieces of at
// most 1 km, which leave them by up to 4 cm (at 60 degrees of latitude).
func Compile(f Fence) (*Compiled, error) {
	chk := checker{kind: f.Kind, geodesic: f.Edges == Geodesic}
	var errs []error
	switch fast := f.SpeedMPS != 0; {
	case f.Kind != KeepOut && f.Kind != KeepIn && f.Kind != SpeedLimit:
		errs = append(errs, ErrKind)
	case fast != (f.Kind == SpeedLimit), fast && !(f.SpeedMPS >= minSpeedMPS && f.SpeedMPS <= maxSpeedMPS): // NaN fails
		errs = append(errs, ErrSpeed)
	}
	if f.Edges > Geodesic {
		errs = append(errs, ErrEdges)
	}
	if f.Group != "" && f.Kind != KeepIn {
		errs = append(errs, ErrGroup)
	}
	if !(f.MarginM >= 0 && f.MarginM <= maxMarginM) { // NaN fails
		errs = append(errs, ErrMargin)
		f.MarginM = 0
	}
	shape, ok := chk.shape(&f)
	if !ok {
		errs = append(errs, ErrNoShape)
	}
	b, bandErrs := newBand(&f)
	errs = append(append(errs, chk.errs...), bandErrs...)
	errs = append(errs, f.Schedule.check()...)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c := &Compiled{Fence: f, band: b, lists: newLists(&f)}
	if f.Kind == SpeedLimit {
		cms := math.Round(f.SpeedMPS*1e5) / 1e3 // to 0.001 cm/s, so that 13.9 m/s are 1390 cm/s
		c.limitSq = int64(math.Floor(cms * cms))
	}
	c.build(shape)
	if shape.minus != nil && !c.hasRoom() {
		return nil, &ShapeError{Reason: Vanishes, Ring: None, RingB: None, EdgeA: None, EdgeB: None, Vertex: None,
			Detail: fmt.Sprintf("nothing is left within its margin of %v m", f.MarginM)}
	}
	return c, nil
}

func (c *Compiled) build(shape flatShape) {
	sum := fnv.New64a()
	decides := c.Fence
	decides.Name, decides.Response, decides.Origin, decides.Rev, decides.Shape = "", "", Origin{}, 0, Shape{}
	fmt.Fprintf(sum, "%#v", decides)
	for i, p := range slices.Concat(shape.plus, shape.minus) {
		r := geo.NewRegion(p)
		pt := &part{owner: c, region: r}
		for _, ring := range r.Rings() {
			pt.addChains(ring)
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
	c.within, c.without = c.parts[:len(shape.plus)], c.parts[len(shape.plus):]
	c.sum = sum.Sum64()
}

func hashEdge(w io.Writer, e geo.Edge) {
	var b [16]byte
	for i, v := range [4]int32{e.A.Lat, e.A.Lon, e.B.Lat, e.B.Lon} {
		b[4*i], b[4*i+1], b[4*i+2], b[4*i+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	}
	w.Write(b[:])
}

func (p *part) addChains(ring []geo.Edge) {
	for len(ring) > 0 {
		ch := &chain{owner: p.owner, classes: p.owner.Fence.Classes, listed: p.owner.lists != nil, box: ring[0].Box()}
		ch.n = uint8(copy(ch.edges[:], ring))
		for i := range ch.edges[:ch.n] {
			ch.box = ch.box.Union(ch.edges[i].Box())
		}
		p.chains = append(p.chains, ch)
		ring = ring[ch.n:]
	}
}

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

// Breaches reports whether a vehicle of this class breaches a keep-out or keep-in
// there; see BreachedBy for speed limits and lists.
func (c *Compiled) Breaches(fix geo.Fix, class vehicles.Class) bool {
	return c.Applies(class) && c.Fence.Kind != SpeedLimit && c.Contains(fix, class) == (c.Fence.Kind == KeepOut)
}

// isOneRegion reports whether crossing the boundary always means to change sides.
func (c *Compiled) isOneRegion() bool { return len(c.within) == 1 && len(c.without) == 0 }

// Covers reports whether a place is inside the fence's shape, whatever the height.
func (c *Compiled) Covers(p geo.Point) bool { return c.covers(p) }

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
	closed := c.Fence.Kind != KeepIn
	for _, pt := range c.without {
		if in, on := pt.region.Locate(p); in || on {
			return false
		}
	}
	for _, pt := range c.within {
		in, on := pt.region.Locate(p)
		if in || on && closed {
			return true
		}
	}
	return false
}
