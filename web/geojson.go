package web

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/geofence/zonefile"
)

// maxFaults is how many faults of one geometry are reported.
const maxFaults = 50

// Geometry is a GeoJSON geometry as it is on the wire: a Polygon, a
// MultiPolygon, the Point that is the centre of a circle, or the LineString
// along which a corridor runs.
type Geometry json.RawMessage

// MarshalJSON passes the geometry through.
func (g Geometry) MarshalJSON() ([]byte, error) { return json.RawMessage(g).MarshalJSON() }

// UnmarshalJSON keeps the bytes for parseGeometry.
func (g *Geometry) UnmarshalJSON(b []byte) error {
	*g = append((*g)[:0], b...)
	return nil
}

// Schema documents the four forms. The framework checks only that it is an
// object (its oneOf cannot say what is wrong); parseGeometry does the rest.
func (Geometry) Schema(huma.Registry) *huma.Schema {
	form := func(name string, coordinates map[string]any) map[string]any {
		return map[string]any{
			"type": "object", "required": []string{"type", "coordinates"}, "additionalProperties": false,
			"properties": map[string]any{
				"type":        map[string]any{"type": "string", "enum": []string{name}},
				"coordinates": coordinates,
			},
		}
	}
	array := func(items map[string]any, least int) map[string]any {
		return map[string]any{"type": "array", "items": items, "minItems": least}
	}
	position := map[string]any{
		"type": "array", "items": map[string]any{"type": "number"}, "minItems": 2, "maxItems": 2,
		"description": "Longitude and latitude in degrees",
	}
	ring := array(position, 4)
	return &huma.Schema{
		Type:                 huma.TypeObject,
		AdditionalProperties: true,
		Description: "GeoJSON (RFC 7946): Polygon or MultiPolygon with closed rings, first the outer one, then holes; " +
			"a Point, the centre of a circle of radius_m; or a LineString, the middle of a corridor of width_m.",
		Extensions: map[string]any{"oneOf": []any{
			form("Polygon", array(ring, 1)), form("MultiPolygon", array(array(ring, 1), 1)), form("Point", position), form("LineString", array(position, 2)),
		}},
	}
}

// geometryParser reads a geometry strictly and collects what is wrong.
type geometryParser struct {
	faults   []FieldError
	vertices int
}

func (p *geometryParser) fault(at, format string, args ...any) {
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, FieldError{Location: at, Message: fmt.Sprintf(format, args...)})
	}
}

// expectedType is said where none of the forms is.
const expectedType = `expected "Polygon", "MultiPolygon", "Point" or "LineString"`

// parseGeometry reads a Polygon, MultiPolygon, Point or LineString. The radius
// of the circle and the width of the corridor are the caller's to fill in. at
// is where the geometry stands in the request.
func parseGeometry(raw []byte, at string) (shape geofence.Shape, faults []FieldError) {
	var p geometryParser
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return shape, []FieldError{{at, "expected a GeoJSON geometry"}}
	}
	for name := range members {
		if name != "type" && name != "coordinates" {
			p.fault(at+"."+printable(name), "unexpected property")
		}
	}
	var kind string
	if err := json.Unmarshal(members["type"], &kind); err != nil {
		p.fault(at+".type", expectedType)
		return shape, p.faults
	}
	var coordinates any
	if err := json.Unmarshal(members["coordinates"], &coordinates); err != nil {
		p.fault(at+".coordinates", "expected coordinates")
		return shape, p.faults
	}
	at += ".coordinates"
	switch kind {
	case "Polygon":
		shape.Polygons = []geo.Polygon{p.polygon(coordinates, at)}
	case "MultiPolygon":
		for i, c := range p.array(coordinates, at, "polygons") {
			shape.Polygons = append(shape.Polygons, p.polygon(c, fmt.Sprintf("%s[%d]", at, i)))
		}
	case "Point":
		shape.Circle = &geo.Circle{Center: p.position(coordinates, at)}
	case "LineString":
		shape.Corridor = &geo.Corridor{Line: p.line(coordinates, at)}
	default:
		p.fault(at[:len(at)-len(".coordinates")]+".type", expectedType)
	}
	if p.vertices > geofence.MaxVertices {
		p.faults = []FieldError{{at, fmt.Sprintf("%d vertices: at most %d", p.vertices, geofence.MaxVertices)}}
	}
	return shape, p.faults
}

// printable keeps a name that a client chose short and free of line breaks.
func printable(s string) string {
	if len(s) > 40 {
		s = s[:40]
	}
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}

func (p *geometryParser) array(v any, at, what string) []any {
	a, ok := v.([]any)
	if !ok || len(a) == 0 {
		p.fault(at, "expected an array of %s", what)
		return nil
	}
	return a
}

func (p *geometryParser) polygon(v any, at string) geo.Polygon {
	var out geo.Polygon
	for i, r := range p.array(v, at, "rings") {
		ring := p.ring(r, fmt.Sprintf("%s[%d]", at, i))
		if i == 0 {
			out.Outer = ring
		} else {
			out.Holes = append(out.Holes, ring)
		}
	}
	return out
}

// line reads the vertices of a line.
func (p *geometryParser) line(v any, at string) []geo.Point {
	positions := p.array(v, at, "positions")
	if len(positions) == 1 {
		p.fault(at, "a line has at least two positions")
	}
	if p.vertices += len(positions); p.vertices > geofence.MaxVertices {
		return nil
	}
	line := make([]geo.Point, 0, len(positions))
	for i, c := range positions {
		line = append(line, p.position(c, fmt.Sprintf("%s[%d]", at, i)))
	}
	return line
}

// ring reads a closed ring; the closing position is not part of the result.
func (p *geometryParser) ring(v any, at string) geo.Ring {
	positions := p.array(v, at, "positions")
	if positions == nil {
		return nil
	}
	p.vertices += len(positions)
	if p.vertices > geofence.MaxVertices {
		return nil
	}
	before := len(p.faults)
	ring := make(geo.Ring, 0, len(positions))
	for i, c := range positions {
		ring = append(ring, p.position(c, fmt.Sprintf("%s[%d]", at, i)))
	}
	if len(p.faults) > before {
		return nil
	}
	last := len(ring) - 1
	switch {
	case ring[0] != ring[last]:
		p.fault(at, "ring is not closed: its last position must be its first (%v)", ring[0])
		return nil
	case len(ring) < 4:
		p.fault(at, "a ring has at least four positions, the last one closes it")
		return nil
	}
	return ring[:last]
}

func (p *geometryParser) position(v any, at string) geo.Point {
	a, ok := v.([]any)
	if !ok || len(a) < 2 {
		p.fault(at, "expected a position [longitude, latitude]")
		return geo.Point{}
	}
	if len(a) > 2 {
		p.fault(at, "a position has two numbers: heights are given as floor and ceiling")
		return geo.Point{}
	}
	lon, okLon := a[0].(float64)
	lat, okLat := a[1].(float64)
	if !okLon || !okLat {
		p.fault(at, "expected two numbers")
		return geo.Point{}
	}
	if math.Abs(lon) > 180 {
		p.fault(at+"[0]", "longitude %v is not between -180 and 180", lon)
		return geo.Point{}
	}
	if math.Abs(lat) > 90 {
		p.fault(at+"[1]", "latitude %v is not between -90 and 90", lat)
		return geo.Point{}
	}
	return geo.Point{Lat: degE7(lat), Lon: degE7(lon)}
}

// geometryOf writes a shape as GeoJSON.
func geometryOf(shape *geofence.Shape) Geometry { return zonefile.AppendGeometry(nil, shape) }
