package zonefile

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"testzone/geofence"
	"testzone/geofence/geo"
)

const kmlNamespace = "http://www.opengis.net/kml/2.2"

// writeKML writes one Placemark per fence. What it is beside its shape stands in
// ExtendedData, a property each: text as it is, the rest as JSON.
func writeKML(w io.Writer, fences []geofence.Fence) error {
	out := bufio.NewWriter(w)
	out.WriteString(xml.Header + `<kml xmlns="` + kmlNamespace + `"><Document>` + "\n") // a bufio.Writer keeps its error for Flush
	for i := range fences {
		f := &fences[i]
		out.WriteString("<Placemark><name>" + escaped(f.Name) + "</name><ExtendedData>")
		raw, err := json.Marshal(PropertiesOf(f).compact())
		if err != nil {
			return fmt.Errorf("write fence %s: %w", f.ID, err)
		}
		var properties map[string]json.RawMessage
		if err := json.Unmarshal(raw, &properties); err != nil {
			return fmt.Errorf("write fence %s: %w", f.ID, err)
		}
		for _, key := range known()[1:] { // the name stands already
			value := string(properties[key])
			if value == "" {
				continue
			}
			if isText(key) {
				var s string
				_ = json.Unmarshal(properties[key], &s) // it was a string a moment ago
				value = s
			}
			out.WriteString(`<Data name="` + key + `"><value>` + escaped(value) + "</value></Data>")
		}
		out.WriteString("</ExtendedData>")
		shape := wound(&f.Shape)
		writeShape(out, &shape)
		out.WriteString("</Placemark>\n")
	}
	out.WriteString("</Document></kml>\n")
	return out.Flush()
}

// isText reports whether a property of ours is text; the others are JSON.
func isText(key string) bool {
	switch key {
	case "name", "kind", "edges", "response", "group":
		return true
	}
	return false
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}

func writeShape(out *bufio.Writer, shape *geofence.Shape) {
	switch {
	case shape.Circle != nil:
		out.WriteString("<Point>")
		writeCoordinates(out, []geo.Point{shape.Circle.Center}, false)
		out.WriteString("</Point>")
	case shape.Corridor != nil:
		out.WriteString("<LineString>")
		writeCoordinates(out, shape.Corridor.Line, false)
		out.WriteString("</LineString>")
	default:
		if len(shape.Polygons) != 1 {
			out.WriteString("<MultiGeometry>")
			defer out.WriteString("</MultiGeometry>")
		}
		for i := range shape.Polygons {
			p := &shape.Polygons[i]
			out.WriteString("<Polygon><outerBoundaryIs><LinearRing>")
			writeCoordinates(out, p.Outer, true)
			out.WriteString("</LinearRing></outerBoundaryIs>")
			for _, h := range p.Holes {
				out.WriteString("<innerBoundaryIs><LinearRing>")
				writeCoordinates(out, h, true)
				out.WriteString("</LinearRing></innerBoundaryIs>")
			}
			out.WriteString("</Polygon>")
		}
	}
}

func writeCoordinates(out *bufio.Writer, points []geo.Point, closed bool) {
	b := []byte("<coordinates>")
	for i, p := range points {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendLonLat(b, p)
	}
	if closed && len(points) > 0 {
		b = appendLonLat(append(b, ' '), points[0])
	}
	out.Write(append(b, "</coordinates>"...))
}
