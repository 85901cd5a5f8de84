package zonefile

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"testzone/geofence"
	"testzone/geofence/geo"
)

// position is one position of a file, in degrees.
type position struct {
	lon, lat float64
	height   float64 // 0 when there is none
	bad      string  // why it is no position; "" if it is one
}

// points puts the positions of a ring or line on the lattice; nil when one is
// not on the globe. where names the ring in notes.
func (d *draft) points(where string, in []position) []geo.Point {
	out := make([]geo.Point, 0, len(in))
	bad := 0
	height := false
	for i, p := range in {
		at, err := geo.PointAt(p.lat, p.lon)
		switch {
		case p.bad != "":
			d.refuse("%s, vertex %d: %s", where, i, p.bad)
			bad++
		case err != nil:
			d.refuse("%s, vertex %d: longitude %v, latitude %v is not on the globe", where, i, p.lon, p.lat)
			bad++
		}
		height = height || p.height != 0
		out = append(out, at)
	}
	if bad > 0 {
		return nil
	}
	if height {
		d.mended("%s: heights of positions are not used", where)
	}
	return out
}

// ring makes a ring of the positions of a file by the stated rules; nil when it
// cannot.
func (d *draft) ring(where string, in []position, hole bool) geo.Ring {
	if len(in) == 0 {
		d.refuse("%s: has no positions", where)
		return nil
	}
	points := d.points(where, in)
	if points == nil {
		return nil
	}
	last := len(points) - 1
	switch {
	case last > 0 && points[0] == points[last]:
		points = points[:last]
	default:
		d.mended("%s: was not closed: a last vertex equal to the first was added", where)
	}
	ring := geo.Ring(d.distinct(where, points, true))
	if len(ring) < 3 {
		d.refuse("%s: has fewer than 3 different vertices", where)
		return nil
	}
	if a := area2(ring); hole && a > 0 || !hole && a < 0 {
		want := "counterclockwise"
		if hole {
			want = "clockwise"
		}
		d.mended("%s: was turned to run %s", where, want)
		ring = turned(ring)
	}
	return ring
}

// distinct drops vertices that repeat the one before.
func (d *draft) distinct(where string, points []geo.Point, closed bool) []geo.Point {
	out := points[:0:0]
	var again []string
	dropped := 0
	for i, p := range points {
		if len(out) > 0 && p == out[len(out)-1] || closed && i == len(points)-1 && len(out) > 0 && p == out[0] {
			if dropped++; len(again) < 10 {
				again = append(again, fmt.Sprint(i))
			}
			continue
		}
		out = append(out, p)
	}
	if dropped > 0 {
		if dropped > len(again) {
			again = append(again, "…")
		}
		d.mended("%s: vertices that repeat the one before were dropped: %s", where, strings.Join(again, ", "))
	}
	return out
}

// polygon makes a polygon of the rings of a file, the outer one first.
func (d *draft) polygon(where string, rings [][]position) (p geo.Polygon, ok bool) {
	if len(rings) == 0 {
		d.refuse("%s: has no ring", where)
		return p, false
	}
	vertices := 0
	for _, r := range rings {
		vertices += len(r)
	}
	if vertices > geofence.MaxVertices+len(rings) {
		d.refuse("%s: has %d vertices, at most %d are possible", where, vertices, geofence.MaxVertices)
		return p, false
	}
	ok = true
	for i, r := range rings {
		name := where + ", outer ring"
		if i > 0 {
			name = fmt.Sprintf("%s, hole %d", where, i-1)
		}
		ring := d.ring(name, r, i > 0)
		ok = ok && ring != nil
		if i == 0 {
			p.Outer = ring
		} else {
			p.Holes = append(p.Holes, ring)
		}
	}
	return p, ok
}

// wallArea is twice 1e-9 square degrees in square units of the lattice: below
// it a polygon of a group is a wall of a drawn volume, not an outline.
const wallArea = 2 * 1e-9 * 1e14

// group makes the polygons of a shape. Of several that are not ours, walls and
// repeated outlines are dropped: drawings of volumes consist of walls, a roof
// and a floor.
func (d *draft) group(in [][][]position) {
	walls, repeated := 0, 0
	drawn := len(in) > 1 && !d.ours
	seen := map[string]bool{}
	for i, rings := range in {
		if drawn && len(rings) > 0 && flat(rings[0]) {
			walls++
			continue
		}
		p, ok := d.polygon(fmt.Sprintf("polygon %d", i), rings)
		if !ok {
			continue
		}
		if drawn {
			key := outlineKey(p.Outer)
			if seen[key] {
				repeated++
				continue
			}
			seen[key] = true
		}
		d.shape.Polygons = append(d.shape.Polygons, p)
	}
	if walls > 0 {
		d.mended("%d polygons without area, walls of a drawn volume, were dropped", walls)
	}
	if repeated > 0 {
		d.mended("%d outlines that were there already were dropped", repeated)
	}
}

// flat reports whether a ring has next to no area seen from above.
func flat(in []position) bool {
	sum := 0.0
	for i, p := range in {
		q := in[(i+1)%len(in)]
		sum += (p.lon-in[0].lon)*(q.lat-in[0].lat) - (q.lon-in[0].lon)*(p.lat-in[0].lat)
	}
	return math.Abs(sum)*1e14 < wallArea // false for NaN
}

// outlineKey is equal for rings with the same vertices in the same order and
// direction, wherever they begin.
func outlineKey(r geo.Ring) string {
	first := 0
	for i, p := range r {
		if p.Lat < r[first].Lat || p.Lat == r[first].Lat && p.Lon < r[first].Lon {
			first = i
		}
	}
	return slices.Concat(r[first:], r[:first]).String()
}

// circle makes the circle around a point.
func (d *draft) circle(p position) {
	points := d.points("centre", []position{p})
	switch {
	case points == nil:
	case d.props.RadiusM == nil:
		d.refuse("a point needs the radius of its circle: radius_m")
	default:
		d.shape.Circle = &geo.Circle{Center: points[0], RadiusM: *d.props.RadiusM}
	}
}

// corridor makes the corridor along a line.
func (d *draft) corridor(line []position) {
	points := d.points("line", line)
	switch {
	case points == nil && len(line) > 0:
	case d.props.WidthM == nil:
		d.refuse("a line needs the width of its corridor: width_m")
	default:
		d.shape.Corridor = &geo.Corridor{Line: d.distinct("line", points, false), WidthM: *d.props.WidthM}
	}
}

// name takes an object's name, made fit for showing; number is for one without.
func (d *draft) name(raw string, number int) {
	s := strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case isControl(r), isInvisible(r), r == utf8.RuneError:
			return -1
		}
		return r
	}, withoutTags(raw)))
	if runes := []rune(s); len(runes) > MaxName {
		s = strings.TrimSpace(string(runes[:MaxName]))
	}
	switch {
	case s == "":
		s = fmt.Sprintf("Fence %d", number+1)
		d.mended("has no name: was named %q", s)
	case s != raw:
		d.mended("the name was cut or cleaned of characters that do not show")
	}
	d.props.Name, d.item.Name = s, s
}

// withoutTags drops HTML elements, which names in KML files carry.
func withoutTags(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "<")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, after, closed := strings.Cut(rest, ">")
		if !closed || rest == "" || rest[0] != '/' && (rest[0]|0x20 < 'a' || rest[0]|0x20 > 'z') {
			b.WriteByte('<') // a comparison, not an element
			s = rest
			continue
		}
		s = after
	}
}
