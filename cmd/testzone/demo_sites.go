package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"testzone/airspace"
	"testzone/airspace/site"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/sim"
)

// ensureDemoSites adds the demo's sites at the first start of a data folder, and at each
// start bookings of the next days, so that the calendar shows something.
func ensureDemoSites(ctx context.Context, r *airspace.Register, now time.Time) error {
	who := demoController()
	if len(r.Sites(true)) == 0 {
		for _, s := range demoSites() {
			if _, err := r.CreateSite(ctx, who, s); err != nil {
				return fmt.Errorf("demo site %s: %w", s.Name, err)
			}
		}
	}
	if len(r.Bookings(who, true, airspace.BookingQuery{FromUS: now.UnixMicro(), ToUS: now.Add(48 * time.Hour).UnixMicro()})) > 0 {
		return nil
	}
	operator := airspace.Actor{ID: "demo", Org: demoOperator, Roles: []airspace.Role{airspace.TestOperator}}
	hour := now.Truncate(time.Hour)
	for i, s := range r.Sites(false) {
		for k := range 3 {
			from := hour.Add(time.Duration(2+i+5*k) * time.Hour)
			_, err := r.Book(ctx, operator, airspace.BookingRequest{
				Site: s.ID, Purpose: "demo", FromUS: from.UnixMicro(), ToUS: from.Add(2 * time.Hour).UnixMicro(), Units: 1,
			})
			if err != nil {
				return fmt.Errorf("demo booking of %s: %w", s.Name, err)
			}
		}
	}
	return nil
}

// demoSites are the pads of the demo's map, its channel, a road section and a frequency.
func demoSites() (out []site.Site) {
	base := func(name string, kind site.Kind, capacity int, shape geofence.Shape) site.Site {
		return site.Site{
			Name: name, Kind: kind, Capacity: capacity, Shape: shape, Space: kind != site.Frequency, District: "cn-shanghai/pudong",
			Ceiling: geo.Altitude{MM: 120_000, Datum: geo.AMSL},
			MinUS:   (15 * time.Minute).Microseconds(), MaxUS: (12 * time.Hour).Microseconds(), BufferUS: (5 * time.Minute).Microseconds(),
			AheadUS: (90 * 24 * time.Hour).Microseconds(),
		}
	}
	sw, ne := sim.DemoBounds()
	var seen []string
	for _, f := range sim.DemoFeatures() {
		switch {
		case slices.Contains(seen, f.Kind) && f.Kind != "pad" || len(out) > 5:
			continue
		case f.Kind == "pad" && len(seen) < 3:
			out = append(out, base(f.Name, site.Pad, 1, geofence.Shape{Circle: &geo.Circle{Center: f.Points[0], RadiusM: 25}}))
		case f.Kind == "channel":
			out = append(out, base(f.Name, site.Waterway, 2, geofence.Shape{Corridor: &geo.Corridor{Line: f.Points, WidthM: 60}}))
		case f.Kind == "road":
			road := base(f.Name, site.Road, 3, geofence.Shape{Corridor: &geo.Corridor{Line: f.Points, WidthM: 20}})
			road.RoadClass = "specific_area"
			out = append(out, road)
		default:
			continue
		}
		seen = append(seen, f.Kind)
	}
	ring := geo.Ring{{Lat: sw.Lat, Lon: sw.Lon}, {Lat: sw.Lat, Lon: ne.Lon}, {Lat: ne.Lat, Lon: ne.Lon}, {Lat: ne.Lat, Lon: sw.Lon}}
	return append(out, base("433 MHz", site.Frequency, 4, geofence.Shape{Polygons: []geo.Polygon{{Outer: ring}}}))
}
