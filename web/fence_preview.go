package web

import (
	"context"
	"math"
	"slices"
	"strings"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/command/ladder"
	"testzone/vehicles"
)

// maxPreview is how many vehicles a preview names.
const maxPreview = 1000

// PreviewInput is a fence that somebody thinks of setting.
type PreviewInput struct {
	Fence    FenceInput `json:"fence"`
	Replaces string     `json:"replaces,omitempty" maxLength:"64" doc:"Id of the fence that it would take the place of"`
}

type previewFenceInput struct {
	Body PreviewInput
}

// FencePreview says what a fence would mean now, while it is in force.
type FencePreview struct {
	Inside []PreviewVehicle `json:"inside" doc:"Vehicles within the fence, and those that would be in breach outside of a keep-in; breaches first, at most 1000"`
	// Routes come with route planning.
	IntersectsRoutes []string   `json:"intersects_routes" doc:"Routes that it would cut"`
	Count            int        `json:"count" doc:"Of all vehicles that inside is about"`
	Breaches         int        `json:"breaches" doc:"Those that would be in breach"`
	BBox             [4]float64 `json:"bbox" doc:"West, south, east, north of the shape"`
}

// PreviewVehicle is a vehicle that a fence is about.
type PreviewVehicle struct {
	Vehicle  AlertVehicle `json:"vehicle"`
	Within   bool         `json:"within" doc:"Inside the shape and the band"`
	Would    string       `json:"would" enum:"breach,none"`
	Response string       `json:"response" enum:"warn,hold,return,land,stop" doc:"What the fence asks of a vehicle in breach"`
	Steps    []string     `json:"steps" enum:"hold,stop,return,land" doc:"Of one that would be in breach: what its kind of machine would be ordered, one after another while nothing has an effect; empty: nothing"`
	Call     string       `json:"call" doc:"Why its contact would have to be called at once; empty: it would not"`
}

type previewFenceOutput struct {
	Body FencePreview
}

func (s *Server) previewFence(ctx context.Context, in *previewFenceInput) (*previewFenceOutput, error) {
	c := in.Body.Fence.compiled
	if in.Body.Replaces != "" {
		if _, err := s.cfg.Register.Fence(in.Body.Replaces); err != nil {
			return nil, err
		}
	}
	tracks, err := s.cfg.Pipeline.Tracks(ctx, s.viewOf(ctx))
	if err != nil {
		return nil, err
	}
	out := s.impact(c, tracks, in.Body.Replaces)
	return &previewFenceOutput{Body: out}, nil
}

// impact says what a fence would mean for those that are followed now.
func (s *Server) impact(c *geofence.Compiled, tracks []telemetry.TrackView, replaces string) FencePreview {
	group := s.groupOf(&c.Fence, replaces)
	out := FencePreview{Inside: []PreviewVehicle{}, IntersectsRoutes: []string{}, BBox: boxOf(&c.Fence.Shape)}
	for i := range tracks {
		t := &tracks[i]
		if !t.HasFix() {
			continue
		}
		within := c.Contains(t.Track.Fix, t.Vehicle.Class)
		breach := wouldBreach(c, t, group)
		if !within && !breach {
			continue
		}
		v := PreviewVehicle{
			Vehicle: vehicleOf(t.Handle, t.Vehicle),
			Within:  within, Would: "none", Response: string(c.Fence.Response), Steps: []string{},
		}
		if breach {
			var kinds []command.Kind
			kinds, v.Call = ladder.Would(t.Vehicle, c.Fence.Response)
			for _, k := range kinds {
				v.Steps = append(v.Steps, string(k))
			}
			v.Would = "breach"
			out.Breaches++
		}
		out.Count++
		out.Inside = append(out.Inside, v)
	}
	slices.SortStableFunc(out.Inside, func(a, b PreviewVehicle) int { return strings.Compare(a.Would, b.Would) }) // breach, none
	out.Inside = out.Inside[:min(len(out.Inside), maxPreview)]
	return out
}

func vehicleOf(h vehicles.Handle, v *vehicles.Identity) AlertVehicle {
	return AlertVehicle{ID: string(v.ID), Handle: uint32(h), Name: v.Name, Class: v.Class.String(), Verified: v.Verified}
}

// groupOf is the other keep-ins that a vehicle may be inside of instead.
func (s *Server) groupOf(f *geofence.Fence, replaces string) (group []*geofence.Compiled) {
	if f.Group == "" || f.Kind != geofence.KeepIn {
		return nil
	}
	for _, r := range s.cfg.Register.Fences() {
		if o := &r.Fence; o.Group == f.Group && o.Kind == geofence.KeepIn && o.ID != replaces && s.cfg.InForce(o.ID) {
			group = append(group, r.Compiled())
		}
	}
	return group
}

// wouldBreach reports whether a vehicle would be in breach where it is.
func wouldBreach(c *geofence.Compiled, t *telemetry.TrackView, group []*geofence.Compiled) bool {
	subject := subjectOf(t.Vehicle)
	sample := geofence.Sample{Fix: t.Track.Fix, ReceivedUS: t.FixUS, BootMS: t.FixMS, Velocity: t.Velocity}
	return c.BreachedBy(&sample, &subject) && !slices.ContainsFunc(group, func(o *geofence.Compiled) bool {
		return o.AppliesTo(&subject) && o.Contains(sample.Fix, subject.Class)
	})
}

// boxOf is the box around a shape in degrees: west, south, east, north.
func boxOf(shape *geofence.Shape) [4]float64 {
	b := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	add := func(p geo.Point) {
		b[0], b[1] = min(b[0], degrees(p.Lon)), min(b[1], degrees(p.Lat))
		b[2], b[3] = max(b[2], degrees(p.Lon)), max(b[3], degrees(p.Lat))
	}
	for _, p := range shape.Polygons {
		for _, v := range p.Outer {
			add(v)
		}
	}
	if shape.Circle != nil {
		for _, v := range shape.Circle.Ring(true) {
			add(v)
		}
	}
	if c := shape.Corridor; c != nil {
		for _, v := range c.Line {
			add(v)
		}
		lat := c.WidthM / 2 / 110_500 // metres per degree, at least
		lon := lat / math.Cos(max(math.Abs(b[1]), math.Abs(b[3]))*math.Pi/180)
		b = [4]float64{max(b[0]-lon, -180), max(b[1]-lat, -90), min(b[2]+lon, 180), min(b[3]+lat, 90)}
	}
	return b
}
