// Package zonefile reads and writes fences as files that other programs know:
// GeoJSON (RFC 7946) and KML (OGC 07-147r2), and holds the JSON form of what a
// fence is beside its shape, which the files and the HTTP API share.
//
// Read judges each object of a file by itself and reports what became of it:
// read as it is, mended by a stated rule (a ring that is not closed, vertices
// that repeat, a ring in the wrong direction, …), or refused with the reason
// and the vertex. Vertices count from 0 in the ring as it stands in the file.
// What is not refused has passed geofence.Compile. A file as a whole is refused
// when it is too large or too deep, is not well-formed, or declares a document
// type: entities are how a small KML becomes a large one. Nothing is fetched,
// neither images nor network links.
//
// What Write wrote, Read reads back as the same fences; Write turns rings into
// the direction that RFC 7946 asks for. Positions are WGS-84 with seven
// decimals, exact on the lattice; heights of positions are not used, the band
// is in the properties.
//
// Everything here is a function of its arguments and safe for concurrent use.
package zonefile

import (
	"errors"
	"fmt"
	"io"

	"testzone/geofence"
)

var (
	// ErrTooLarge is returned when a file has more than MaxBytes, or more than MaxItems objects.
	ErrTooLarge = errors.New("file is too large")
	// ErrMalformed is returned when a file as a whole cannot be read.
	ErrMalformed = errors.New("file cannot be read")
	// ErrFormat is returned for a format that is not one of ours.
	ErrFormat = errors.New("format must be geojson or kml")
)

// Limits of one file.
const (
	MaxBytes = 8 << 20
	MaxItems = 50_000
	maxDepth = 64 // of nested elements, arrays and objects
	maxNotes = 20 // of one item
)

// Format is a file format.
type Format string

// The formats.
const (
	GeoJSON Format = "geojson"
	KML     Format = "kml"
)

// Result is what became of one object of a file.
type Result string

// The results.
const (
	AsItIs  Result = "read"
	Mended  Result = "mended"
	Refused Result = "refused"
)

// Item is one object of a file and what became of it.
type Item struct {
	Index  int // of the object in the file, from 0
	Name   string
	Result Result
	Notes  []string       // what was mended or assumed, or why it is refused
	Fence  geofence.Fence // without ID, Origin and Rev; empty when refused
}

// Read reads a file. The error is about the file as a whole: ErrTooLarge,
// ErrMalformed, ErrFormat.
func Read(format Format, data []byte) ([]Item, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%d bytes, at most %d: %w", len(data), MaxBytes, ErrTooLarge)
	}
	switch format {
	case GeoJSON:
		return readGeoJSON(data)
	case KML:
		return readKML(data)
	}
	return nil, fmt.Errorf("%q: %w", format, ErrFormat)
}

// Write writes fences as a file, in the order given.
func Write(w io.Writer, format Format, fences []geofence.Fence) error {
	switch format {
	case GeoJSON:
		return writeGeoJSON(w, fences)
	case KML:
		return writeKML(w, fences)
	}
	return fmt.Errorf("%q: %w", format, ErrFormat)
}

// draft is an item on its way to a fence.
type draft struct {
	item  Item
	ours  bool // it says what it is in our words
	props Properties
	shape geofence.Shape
}

func (d *draft) note(format string, args ...any) {
	if n := len(d.item.Notes); n < maxNotes {
		d.item.Notes = append(d.item.Notes, fmt.Sprintf(format, args...))
	} else if n == maxNotes {
		d.item.Notes = append(d.item.Notes, "…")
	}
}

func (d *draft) mended(format string, args ...any) {
	d.note(format, args...)
	if d.item.Result == AsItIs {
		d.item.Result = Mended
	}
}

// refuse keeps the notes that say why, ahead of those that no longer matter.
func (d *draft) refuse(format string, args ...any) {
	if d.item.Result != Refused {
		d.item.Result, d.item.Notes = Refused, nil
	}
	d.note(format, args...)
}

// finish makes the fence, unless the draft was refused before.
func (d *draft) finish() Item {
	if d.item.Result == Refused {
		d.item.Fence = geofence.Fence{}
		return d.item
	}
	f, faults := d.props.Fence("")
	for _, fault := range faults {
		d.refuse("%s: %s", fault.Location, fault.Message)
	}
	if d.item.Result == Refused {
		return d.item
	}
	f.Shape = d.shape
	if _, err := geofence.Compile(f); err != nil {
		for _, e := range each(err) {
			d.refuse("%v", e)
		}
		return d.item
	}
	d.item.Name, d.item.Fence = f.Name, f
	return d.item
}

// each is the parts of a joined error.
func each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, each(e)...)
	}
	return out
}
