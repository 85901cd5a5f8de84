package sim

import (
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// demoCenter is the origin of the synthetic demo zone.
var demoCenter = geo.Point{Lat: 309_000_000, Lon: 1_219_300_000}

// DemoFence is a fence of the demo zone, for the caller to create. It has
// either a Ring or a Circle. A zero Altitude is no limit.
type DemoFence struct {
	ID      string
	Name    string
	Kind    string // "keep-out" or "keep-in"
	Ring    []geo.Point
	Circle  *geo.Circle
	Floor   geo.Altitude
	Ceiling geo.Altitude
	Classes []vehicles.Class
}

// Feature is a piece of the demo's base map.
type Feature struct {
	Kind   string // "boundary", "road", "channel", "pad", "runway", "pedestrian"
	Name   string
	Points []geo.Point
	Closed bool    // the points are a ring; the first is not repeated
	WidthM float64 // of a line
}

// Ids of the demo's fences.
const (
	FenceAirport    = "demo-airport"
	FenceHospital   = "demo-hospital"
	FenceTestArea   = "demo-test-area"
	FenceReserve    = "demo-reserve"
	FencePedestrian = "demo-pedestrian"
)

// area is a fence in local metres.
type area struct {
	id, name, kind string
	ring           []vec
	center         vec // with radius > 0: a circle
	radius         float64
	floor, ceiling geo.Altitude
	classes        []vehicles.Class
}

func demoAreas() []area {
	return []area{
		{id: FenceAirport, name: "Airport 机场", kind: "keep-out", classes: []vehicles.Class{vehicles.UAV},
			ring: []vec{{x: 450, y: 1050}, {x: 1700, y: 1000}, {x: 1750, y: 1430}, {x: 500, y: 1460}}},
		{id: FenceHospital, name: "Hospital 医院", kind: "keep-out", classes: []vehicles.Class{vehicles.UAV},
			center: vec{x: -600, y: 525}, radius: 150,
			floor: geo.Altitude{MM: 0, Datum: geo.Takeoff}, ceiling: geo.Altitude{MM: 120_000, Datum: geo.Takeoff}},
		{id: FenceTestArea, name: "Test area 试验空域", kind: "keep-in", classes: []vehicles.Class{vehicles.UAV},
			ring:    []vec{{x: -1850, y: -1350}, {x: 1560, y: -1350}, {x: 1600, y: 940}, {x: -1850, y: 960}},
			ceiling: geo.Altitude{MM: 150_000, Datum: geo.AMSL}},
		{id: FenceReserve, name: "Bird reserve 鸟类保护区", kind: "keep-out", classes: []vehicles.Class{vehicles.UAV, vehicles.USV},
			ring: []vec{{x: 1000, y: -1060}, {x: 1250, y: -1050}, {x: 1450, y: -940}, {x: 1560, y: -720},
				{x: 1570, y: -480}, {x: 1250, y: -460}, {x: 1050, y: -700}}},
		{id: FencePedestrian, name: "Pedestrian street 步行街", kind: "keep-out", classes: []vehicles.Class{vehicles.ICV},
			ring: []vec{{x: -280, y: 65}, {x: -20, y: 65}, {x: -20, y: 85}, {x: -280, y: 85}}},
	}
}

// holds reports whether v lies within the area's outline.
func (a *area) holds(v vec) bool {
	if a.radius > 0 {
		d := v.sub(a.center)
		return d.x*d.x+d.y*d.y <= a.radius*a.radius
	}
	in := false
	for i, j := 0, len(a.ring)-1; i < len(a.ring); j, i = i, i+1 {
		p, q := a.ring[i], a.ring[j]
		if (p.y > v.y) != (q.y > v.y) && v.x < (q.x-p.x)*(v.y-p.y)/(q.y-p.y)+p.x {
			in = !in
		}
	}
	return in
}

// Roads run on a grid, the channel bends around the bird reserve.
var (
	roadsEast  = []float64{-1500, -900, -300, 0, 300, 900} // x of the north-south roads, m
	roadsNorth = []float64{-600, -150, 300, 750}           // y of the east-west roads, m
	channel    = []vec{{x: -1950, y: -1270}, {x: -800, y: -1250}, {x: 300, y: -1220}, {x: 1150, y: -1180},
		{x: 1500, y: -1050}, {x: 1680, y: -750}, {x: 1700, y: -100}, {x: 1720, y: 700}, {x: 1900, y: 1450}}
)

const channelWidth = 120.0

// DemoBounds are the south-west and north-east corners of the demo zone.
func DemoBounds() (southWest, northEast geo.Point) {
	p := newPlane(demoCenter)
	return p.point(vec{x: -2000, y: -1500}), p.point(vec{x: 2000, y: 1500})
}

// DemoFences are the fences of the demo zone.
func DemoFences() []DemoFence {
	p := newPlane(demoCenter)
	var out []DemoFence
	for _, a := range demoAreas() {
		f := DemoFence{ID: a.id, Name: a.name, Kind: a.kind, Floor: a.floor, Ceiling: a.ceiling, Classes: a.classes}
		if a.radius > 0 {
			f.Circle = &geo.Circle{Center: p.point(a.center), RadiusM: a.radius}
		} else {
			f.Ring = p.points(a.ring)
		}
		out = append(out, f)
	}
	return out
}

// DemoFeatures is the base map of the demo zone.
func DemoFeatures() []Feature {
	p := newPlane(demoCenter)
	sides := append(offset(channel, channelWidth/2), reversed(offset(channel, -channelWidth/2))...)
	out := []Feature{
		{Kind: "boundary", Name: "Test zone 试验区", Closed: true,
			Points: p.points([]vec{{x: -2000, y: -1500}, {x: 2000, y: -1500}, {x: 2000, y: 1500}, {x: -2000, y: 1500}})},
		{Kind: "channel", Name: "East channel 东航道", Closed: true, Points: p.points(sides)},
		{Kind: "runway", Name: "Runway 跑道", WidthM: 45, Points: p.points([]vec{{x: 600, y: 1255}, {x: 1600, y: 1225}})},
		{Kind: "pedestrian", Name: "Pedestrian street 步行街", WidthM: 8, Points: p.points([]vec{{x: -300, y: 75}, {x: 0, y: 75}})},
	}
	for i, x := range roadsEast {
		out = append(out, Feature{Kind: "road", Name: roadName("N-S", "经", i), WidthM: 9,
			Points: p.points([]vec{{x: x, y: roadsNorth[0]}, {x: x, y: roadsNorth[len(roadsNorth)-1]}})})
	}
	for i, y := range roadsNorth {
		out = append(out, Feature{Kind: "road", Name: roadName("E-W", "纬", i), WidthM: 9,
			Points: p.points([]vec{{x: roadsEast[0], y: y}, {x: roadsEast[len(roadsEast)-1], y: y}})})
	}
	for _, r := range copterRoutes {
		out = append(out, Feature{Kind: "pad", Name: r.name + " pad", Points: p.points([]vec{r.pad})})
	}
	return out
}

func roadName(en, zh string, i int) string {
	digit := string(rune('1' + i))
	return en + " road " + digit + " " + zh + digit + "路"
}

// offset moves an open line to its right by m metres (to its left if negative).
func offset(line []vec, m float64) []vec {
	out := make([]vec, len(line))
	for i, p := range line {
		before, after := line[max(i-1, 0)], line[min(i+1, len(line)-1)]
		in, leave := p.sub(before).unit(), after.sub(p).unit()
		switch i {
		case 0:
			in = leave
		case len(line) - 1:
			leave = in
		}
		out[i] = mitre(p, in, leave, m)
	}
	return out
}

// mitre is the corner of two lines that run m metres to the right of a corner
// at p.
func mitre(p, in, leave vec, m float64) vec {
	a, b := vec{x: in.y, y: -in.x}, vec{x: leave.y, y: -leave.x}
	return p.add(a.add(b).scale(m / (1 + a.dot(b))))
}

func reversed(line []vec) []vec {
	out := make([]vec, len(line))
	for i, p := range line {
		out[len(line)-1-i] = p
	}
	return out
}
