package web

import (
	"errors"
	"fmt"

	"testzone/geofence"
)

// shapeFaults says in the words and places of the request what geofence.Compile
// found. shape is what was compiled, body is where the fence stands.
func shapeFaults(err error, shape *geofence.Shape, body string) []FieldError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var faults []FieldError
		for _, e := range joined.Unwrap() {
			faults = append(faults, shapeFaults(e, shape, body)...)
		}
		return faults
	}
	var bad *geofence.ShapeError
	var band *geofence.BandError
	var schedule *geofence.ScheduleError
	switch {
	case errors.As(err, &bad):
		return []FieldError{shapeFault(bad, shape, body)}
	case errors.As(err, &band):
		return []FieldError{{Location: body + "." + band.Field, Message: band.Detail}}
	case errors.As(err, &schedule):
		at := body + ".schedule." + schedule.Field
		if schedule.Index != geofence.None {
			at += "[" + itoa(schedule.Index) + "]"
		}
		return []FieldError{{Location: at, Message: schedule.Detail}}
	}
	for _, field := range []struct {
		err error
		at  string
	}{
		{geofence.ErrKind, ".kind"}, {geofence.ErrNoShape, ".geometry"}, {geofence.ErrSpeed, ".speed_mps"}, {geofence.ErrEdges, ".edges"},
		{geofence.ErrGroup, ".group"}, {geofence.ErrMargin, ".margin_m"},
	} {
		if errors.Is(err, field.err) {
			return []FieldError{{Location: body + field.at, Message: err.Error()}}
		}
	}
	// What Compile says is about the definition and nothing else.
	return []FieldError{{Location: body, Message: err.Error()}}
}

func shapeFault(e *geofence.ShapeError, shape *geofence.Shape, body string) FieldError {
	at := body + ".geometry"
	switch {
	case e.Reason == geofence.BadRadius:
		at = body + ".radius_m"
	case e.Reason == geofence.BadWidth:
		at = body + ".width_m"
	case e.Reason == geofence.Vanishes:
		at = body + ".margin_m"
	case shape.Corridor != nil && e.Vertex != geofence.None:
		at = fmt.Sprintf("%s.coordinates[%d]", at, e.Vertex)
	}
	if len(shape.Polygons) == 0 || e.Reason == geofence.Vanishes {
		return FieldError{Location: at, Message: shapeMessage(e, shape)}
	}
	location := at + ".coordinates"
	if e.Ring != geofence.None {
		location = ringLocation(shape, at, e.Polygon, e.Ring)
	}
	if e.Vertex != geofence.None {
		location = fmt.Sprintf("%s[%d]", location, e.Vertex)
	}
	return FieldError{Location: location, Message: shapeMessage(e, shape)}
}

func ringLocation(shape *geofence.Shape, at string, polygon, ring int) string {
	if len(shape.Polygons) == 1 {
		return fmt.Sprintf("%s.coordinates[%d]", at, ring)
	}
	return fmt.Sprintf("%s.coordinates[%d][%d]", at, polygon, ring)
}

func shapeMessage(e *geofence.ShapeError, shape *geofence.Shape) string {
	message := string(e.Reason)
	switch {
	case e.EdgeB != geofence.None:
		message = fmt.Sprintf("%s crosses %s", edgeName(shape, e.Polygon, e.Ring, e.EdgeA), edgeName(shape, e.PolygonB, e.RingB, e.EdgeB))
		if e.Polygon != e.PolygonB || e.Ring != e.RingB {
			message += " of " + ringLocation(shape, "geometry", e.PolygonB, e.RingB)
		}
	case e.EdgeA != geofence.None:
		message += ": " + edgeName(shape, e.Polygon, e.Ring, e.EdgeA)
	case e.RingB != geofence.None:
		message += ": lies within " + ringLocation(shape, "geometry", e.PolygonB, e.RingB)
	}
	if e.Detail != "" {
		message += ": " + e.Detail
	}
	return message
}

// edgeName names an edge by its number and its vertices.
func edgeName(shape *geofence.Shape, polygon, ring, edge int) string {
	to := edge + 1
	if polygon >= 0 && polygon < len(shape.Polygons) {
		p := &shape.Polygons[polygon]
		n := len(p.Outer)
		if ring > 0 && ring <= len(p.Holes) {
			n = len(p.Holes[ring-1])
		}
		if to == n {
			to = 0
		}
	}
	return fmt.Sprintf("edge %d (vertices %d-%d)", edge, edge, to)
}
