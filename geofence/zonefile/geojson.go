package zonefile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"testzone/geofence"
)

func writeGeoJSON(w io.Writer, fences []geofence.Fence) error {
	out := bufio.NewWriter(w)
	out.WriteString(`{"type":"FeatureCollection","features":[`) // a bufio.Writer keeps its error for Flush
	for i := range fences {
		f := &fences[i]
		properties, err := json.Marshal(PropertiesOf(f).compact())
		if err != nil {
			return fmt.Errorf("write fence %s: %w", f.ID, err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n" + `{"type":"Feature",`)
		if f.ID != "" {
			id, _ := json.Marshal(f.ID) // a string always encodes
			fmt.Fprintf(out, `"id":%s,`, id)
		}
		shape := wound(&f.Shape)
		fmt.Fprintf(out, `"properties":%s,"geometry":`, properties)
		out.Write(AppendGeometry(nil, &shape))
		out.WriteByte('}')
	}
	out.WriteString("\n]}\n")
	return out.Flush()
}

// NestedBeyond reports whether JSON is nested deeper than limit: it counts
// brackets outside of strings, before anything recurses.
func NestedBeyond(b []byte, limit int) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func readGeoJSON(data []byte) ([]Item, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if NestedBeyond(data, maxDepth) {
		return nil, fmt.Errorf("nested more than %d deep: %w", maxDepth, ErrMalformed)
	}
	var file struct {
		Type     string            `json:"type"`
		Features []json.RawMessage `json:"features"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("not JSON at byte %d: %v: %w", syntax.Offset, syntax, ErrMalformed)
		}
		return nil, fmt.Errorf("not a GeoJSON object: %w", ErrMalformed)
	}
	features := file.Features
	switch file.Type {
	case "FeatureCollection":
	case "Feature":
		features = []json.RawMessage{data}
	case "Polygon", "MultiPolygon", "GeometryCollection", "Point", "LineString":
		features = []json.RawMessage{slices.Concat([]byte(`{"type":"Feature","properties":null,"geometry":`), data, []byte("}"))}
	default:
		return nil, fmt.Errorf("not a FeatureCollection, Feature or geometry: %w", ErrMalformed)
	}
	if len(features) > MaxItems {
		return nil, fmt.Errorf("%d features, at most %d: %w", len(features), MaxItems, ErrTooLarge)
	}
	items := make([]Item, len(features))
	for i, raw := range features {
		items[i] = readFeature(i, raw)
	}
	return items, nil
}

type geometryJSON struct {
	Type        string          `json:"type"`
	Coordinates json.RawMessage `json:"coordinates"`
	Geometries  []geometryJSON  `json:"geometries"`
}

func readFeature(index int, raw json.RawMessage) Item {
	d := &draft{item: Item{Index: index, Result: AsItIs}}
	var feature struct {
		Type       string                     `json:"type"`
		Properties map[string]json.RawMessage `json:"properties"`
		Geometry   *geometryJSON              `json:"geometry"`
	}
	if err := json.Unmarshal(raw, &feature); err != nil || feature.Type != "Feature" {
		d.refuse("is not a GeoJSON Feature")
		return d.finish()
	}
	d.properties(feature.Properties)
	if feature.Geometry == nil {
		d.refuse("has no geometry")
		return d.finish()
	}
	d.geometry(feature.Geometry)
	return d.finish()
}

// known are the properties that are ours.
func known() []string {
	return []string{"name", "kind", "radius_m", "width_m", "edges", "floor", "ceiling", "schedule", "applies", "response", "speed_mps", "margin_m", "group"}
}

// properties reads what an object says beside its shape. With a kind it is one
// of ours and everything must hold; without, it is somebody's outline and
// becomes a keep-out.
func (d *draft) properties(in map[string]json.RawMessage) {
	own := map[string]json.RawMessage{}
	var foreign []string
	for key, value := range in {
		if slices.Contains(known(), key) {
			own[key] = value
		} else {
			foreign = append(foreign, key)
		}
	}
	slices.Sort(foreign)
	if _, d.ours = own["kind"]; d.ours {
		for key, value := range own {
			// One by one, so that every fault is told.
			if err := json.Unmarshal(slices.Concat([]byte(`{"`+key+`":`), value, []byte("}")), &d.props); err != nil {
				d.refuse("%s: is not of the form that the API describes", key)
			}
		}
		d.item.Name = d.props.Name
		if d.props.Name == "" {
			d.name("", d.item.Index)
		}
	} else {
		d.foreign(in)
	}
	if len(foreign) > 0 {
		d.note("properties that were not used: %s", shortList(foreign))
	}
}

// foreign reads the little that an object of another program says to us.
func (d *draft) foreign(in map[string]json.RawMessage) {
	name := ""
	for _, key := range []string{"name", "Name", "NAME", "title"} {
		if json.Unmarshal(in[key], &name) == nil && name != "" {
			break
		}
	}
	d.name(name, d.item.Index)
	d.props.Kind = geofence.KeepOut.String()
	d.note("has no kind: was read as a keep-out of all heights at all times")
	for _, m := range []struct {
		keys []string
		to   **float64
	}{{[]string{"radius_m", "radius"}, &d.props.RadiusM}, {[]string{"width_m", "width"}, &d.props.WidthM}} {
		for _, key := range m.keys {
			var v *float64
			if in[key] != nil && json.Unmarshal(in[key], &v) == nil && *m.to == nil {
				*m.to = v
			}
		}
	}
}

func shortList(names []string) string {
	more := ""
	if len(names) > 10 {
		names, more = names[:10], ", …"
	}
	out := make([]string, len(names))
	for i, n := range names {
		if r := []rune(n); len(r) > 40 {
			n = string(r[:40])
		}
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ") + more
}

func (d *draft) geometry(g *geometryJSON) {
	switch g.Type {
	case "Point":
		d.circle(readPosition(g.Coordinates))
	case "LineString":
		line, err := readPositions(g.Coordinates)
		if err != nil {
			d.refuse("line: %v", err)
			return
		}
		d.corridor(line)
	default:
		var all [][][]position
		if d.collect(g, &all) {
			d.group(all)
		}
	}
}

// collect finds the polygons of a geometry.
func (d *draft) collect(g *geometryJSON, all *[][][]position) bool {
	switch g.Type {
	case "Polygon":
		p, err := readPolygon(g.Coordinates)
		if err != nil {
			d.refuse("polygon: %v", err)
			return false
		}
		*all = append(*all, p)
	case "MultiPolygon":
		parts, err := elements(g.Coordinates)
		for i, part := range parts {
			var p [][]position
			if p, err = readPolygon(part); err != nil {
				err = fmt.Errorf("polygon %d: %w", i, err)
				break
			}
			*all = append(*all, p)
		}
		if err != nil {
			d.refuse("multipolygon: %v", err)
			return false
		}
	case "GeometryCollection":
		for i := range g.Geometries {
			if !d.collect(&g.Geometries[i], all) {
				return false
			}
		}
	default:
		d.refuse("geometry is a %q, not a Polygon, MultiPolygon, Point, LineString or GeometryCollection of polygons", cut(g.Type))
		return false
	}
	if len(*all) == 0 {
		d.refuse("geometry is empty")
	}
	return len(*all) > 0
}

func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40])
	}
	return s
}
