package zonefile

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// readKML reads the Placemarks of a KML file, one token after the other.
func readKML(data []byte) ([]Item, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("not UTF-8: %w", ErrMalformed)
	}
	r := &kmlReader{dec: xml.NewDecoder(bytes.NewReader(data))}
	if err := r.file(); err != nil {
		if !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrMalformed) {
			err = fmt.Errorf("%w: %w", err, ErrMalformed)
		}
		return nil, err
	}
	if !r.root {
		return nil, fmt.Errorf("not a KML document: %w", ErrMalformed)
	}
	return r.items, nil
}

// kmlReader is the state of one reading. The decoder is strict and knows no
// entities but XML's own five.
type kmlReader struct {
	dec   *xml.Decoder
	depth int
	root  bool // the first element was kml
	items []Item
}

// token is the next token; a document type ends the reading.
func (r *kmlReader) token() (xml.Token, error) {
	t, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	switch t.(type) {
	case xml.Directive:
		return nil, fmt.Errorf("byte %d: a document type or entity is not allowed: %w", r.dec.InputOffset(), ErrMalformed)
	case xml.StartElement:
		if r.depth++; r.depth > maxDepth {
			return nil, fmt.Errorf("byte %d: nested more than %d deep: %w", r.dec.InputOffset(), maxDepth, ErrMalformed)
		}
	case xml.EndElement:
		r.depth--
	}
	return t, nil
}

func (r *kmlReader) file() error {
	for {
		t, err := r.token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		if r.depth == 1 {
			if r.root || start.Name.Local != "kml" {
				return fmt.Errorf("the document is a %q, not kml: %w", cut(start.Name.Local), ErrMalformed)
			}
			r.root = true
		}
		switch start.Name.Local {
		case "Placemark":
			err = r.placemark()
		case "NetworkLink", "GroundOverlay", "PhotoOverlay", "ScreenOverlay":
			d := &draft{item: Item{Index: len(r.items), Name: start.Name.Local, Result: AsItIs}}
			d.refuse("a %s is not a fence, and nothing is fetched", start.Name.Local)
			if err = r.add(d.finish()); err == nil {
				err = r.skip()
			}
		case "Style", "StyleMap", "Schema", "Region", "LookAt", "Camera":
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
}

func (r *kmlReader) add(item Item) error {
	if len(r.items) == MaxItems {
		return fmt.Errorf("more than %d objects: %w", MaxItems, ErrTooLarge)
	}
	r.items = append(r.items, item)
	return nil
}

// skip reads to the end of the element that just began.
func (r *kmlReader) skip() error {
	return r.children(func(xml.StartElement) error { return r.skip() }, nil)
}

// children reads to the end of the element that just began. visit must read
// its element to the end; text, if not nil, gets the character data.
func (r *kmlReader) children(visit func(xml.StartElement) error, text func(xml.CharData)) error {
	for {
		t, err := r.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := visit(t); err != nil {
				return err
			}
		case xml.CharData:
			if text != nil {
				text(t)
			}
		case xml.EndElement:
			return nil
		}
	}
}

// text is the character data of the element that just began.
func (r *kmlReader) text() (string, error) {
	var b strings.Builder
	err := r.children(func(xml.StartElement) error { return r.skip() }, func(t xml.CharData) { b.Write(t) })
	return b.String(), err
}

// placemark is what one Placemark says.
type placemark struct {
	name     string
	data     map[string]string
	polygons [][][]position
	points   []position
	lines    [][]position
	ignored  []string // elements with a shape that is none of ours
}

func (r *kmlReader) placemark() error {
	p := &placemark{data: map[string]string{}}
	err := r.children(func(start xml.StartElement) (err error) {
		switch start.Name.Local {
		case "name":
			p.name, err = r.text()
		case "ExtendedData":
			err = r.extendedData(p)
		default:
			err = r.shape(start, p)
		}
		return err
	}, nil)
	if err != nil {
		return err
	}
	return r.add(p.item(len(r.items)))
}

// extendedData reads Data and SchemaData; of two with a name the last holds.
func (r *kmlReader) extendedData(p *placemark) error {
	return r.children(func(start xml.StartElement) (err error) {
		name := ""
		for _, a := range start.Attr {
			if a.Name.Local == "name" {
				name = a.Value
			}
		}
		switch start.Name.Local {
		case "SchemaData":
			return r.extendedData(p)
		case "SimpleData":
			p.data[name], err = r.text()
			return err
		case "Data":
			return r.children(func(start xml.StartElement) (err error) {
				if start.Name.Local != "value" {
					return r.skip()
				}
				p.data[name], err = r.text()
				return err
			}, nil)
		}
		return r.skip()
	}, nil)
}

func (r *kmlReader) shape(start xml.StartElement, p *placemark) error {
	switch start.Name.Local {
	case "MultiGeometry":
		return r.children(func(start xml.StartElement) error { return r.shape(start, p) }, nil)
	case "Polygon":
		rings, err := r.polygon()
		p.polygons = append(p.polygons, rings)
		return err
	case "Point":
		points, err := r.coordinates()
		p.points = append(p.points, points...)
		return err
	case "LineString":
		line, err := r.coordinates()
		p.lines = append(p.lines, line)
		return err
	case "LinearRing", "Model", "Track", "MultiTrack":
		p.ignored = append(p.ignored, start.Name.Local)
	}
	return r.skip()
}

// polygon reads the rings of a polygon, the outer one first.
func (r *kmlReader) polygon() (rings [][]position, err error) {
	var holes [][]position
	err = r.children(func(start xml.StartElement) error {
		to := &holes
		switch start.Name.Local {
		case "outerBoundaryIs":
			to = &rings
		case "innerBoundaryIs":
		default:
			return r.skip()
		}
		return r.children(func(xml.StartElement) error {
			ring, err := r.coordinates()
			*to = append(*to, ring)
			return err
		}, nil)
	}, nil)
	if len(rings) > 1 { // each is a polygon by itself to whoever wrote it; to us it has two outlines
		rings = [][]position{{{bad: "a polygon has one outer ring, this has several"}}}
		return rings, err
	}
	return append(rings, holes...), err
}

// coordinates reads the coordinates of the element that just began.
func (r *kmlReader) coordinates() (out []position, err error) {
	err = r.children(func(start xml.StartElement) error {
		if start.Name.Local != "coordinates" {
			return r.skip()
		}
		text, err := r.text()
		if err != nil {
			return err
		}
		for tuple := range strings.FieldsSeq(text) {
			out = append(out, parseTuple(tuple))
		}
		return nil
	}, nil)
	return out, err
}

// parseTuple reads "longitude,latitude" or "longitude,latitude,height".
func parseTuple(s string) (p position) {
	lon, rest, ok := strings.Cut(s, ",")
	lat, height, has := strings.Cut(rest, ",")
	var errs [3]error
	p.lon, errs[0] = strconv.ParseFloat(lon, 64)
	p.lat, errs[1] = strconv.ParseFloat(lat, 64)
	if has && height != "" {
		p.height, errs[2] = strconv.ParseFloat(height, 64)
	}
	if !ok || errors.Join(errs[:]...) != nil {
		return position{bad: "is not longitude,latitude"}
	}
	return p
}

func (p *placemark) item(index int) Item {
	d := &draft{item: Item{Index: index, Result: AsItIs}}
	properties := map[string]json.RawMessage{}
	for key, value := range p.data {
		_, ours := p.data["kind"]
		raw := json.RawMessage(value)
		if text, numeric := isText(key), json.Valid(raw); text || !numeric {
			if ours && !text && !numeric {
				raw = json.RawMessage(`"` + "not JSON" + `"`) // refused under its own name
			} else {
				raw, _ = json.Marshal(value) // a string always encodes
			}
		}
		properties[key] = raw
	}
	properties["name"], _ = json.Marshal(p.name)
	if tooDeepData(properties) {
		d.item.Name = p.name
		d.refuse("a property is nested more than %d deep", maxDepth)
		return d.finish()
	}
	d.properties(properties)
	p.takeShape(d)
	return d.finish()
}

func tooDeepData(properties map[string]json.RawMessage) bool {
	for _, raw := range properties {
		if NestedBeyond(raw, maxDepth) {
			return true
		}
	}
	return false
}

// takeShape makes the fence's shape of those of the placemark.
func (p *placemark) takeShape(d *draft) {
	if len(p.ignored) > 0 {
		d.mended("shapes that are none of a fence were dropped: %s", shortList(p.ignored))
	}
	switch {
	case len(p.polygons) > 0:
		if n := len(p.points) + len(p.lines); n > 0 {
			d.mended("%d points and lines beside the polygons were dropped", n)
		}
		d.group(p.polygons)
	case len(p.points) == 1 && len(p.lines) == 0:
		d.circle(p.points[0])
	case len(p.lines) == 1 && len(p.points) == 0:
		d.corridor(p.lines[0])
	case len(p.points)+len(p.lines) == 0:
		d.refuse("has no shape")
	default:
		d.refuse("has several points or lines: a fence is made of polygons, one circle or one corridor")
	}
}
