package permit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Application is one revision of what is applied for. Its JSON is the journal's
// form: members are added, never changed. Persons stand in it by reference only;
// what is personal about them is in the documents, outside of the journal.
type Application struct {
	Kind     string `json:"kind"` // of the pack: "uav.flight"
	Crew     string `json:"crew,omitempty"`
	Subtype  string `json:"subtype"`
	Replaces string `json:"replaces,omitempty"` // permit that a renewal or change is of
	Title    string `json:"title"`
	Scenario string `json:"scenario,omitempty"`
	// Emergency: the clocks are those of counter-terror, rescue and medical tasks.
	Emergency bool `json:"emergency,omitempty"`

	FromUS int64 `json:"from_us"` // planned start
	ToUS   int64 `json:"to_us"`

	Vehicles  []vehicles.VehicleID `json:"vehicles,omitempty"`
	People    []Crewman            `json:"people,omitempty"`
	Insurance []Policy             `json:"insurance,omitempty"`
	Volumes   []Volume             `json:"volumes,omitempty"`
	Roads     []Segment            `json:"roads,omitempty"`
	Sites     []string             `json:"sites,omitempty"`
	SpeedMPS  float64              `json:"speed_mps,omitempty"`
	// ExemptFences are fences that shall not hold for its vehicles: asked for, and
	// in force only with the permit.
	ExemptFences []string `json:"exempt_fences,omitempty"`

	Items map[string]Item `json:"items,omitempty"`
	// Facts are what the applicant declares for the conditions of the pack: bool,
	// string or float64, by the pack's names, metrics as "auto_km@open_road".
	Facts      map[string]any    `json:"facts,omitempty"`
	Checklist  map[string]Answer `json:"checklist,omitempty"`
	Disclosure map[string]string `json:"disclosure,omitempty"`
}

// Crewman is somebody who takes part, by the applicant's own reference.
type Crewman struct {
	Ref       string `json:"ref"`
	Role      string `json:"role"` // remote_pilot, safety_officer, master
	Licence   string `json:"licence,omitempty"`
	LicenceUS int64  `json:"licence_to_us,omitempty"` // its last moment; 0: not stated
}

// Policy is an insurance that was taken out.
type Policy struct {
	Kind          string `json:"kind"` // of the pack: "icv_liability"
	Insurer       string `json:"insurer"`
	Number        string `json:"number"`
	FromUS        int64  `json:"from_us"`
	ToUS          int64  `json:"to_us"`
	PerVehicleCNY int64  `json:"per_vehicle_cny,omitempty"`
	Guarantee     bool   `json:"guarantee,omitempty"` // a letter of guarantee of that sum
}

// Segment is a part of a road.
type Segment struct {
	Ref       string `json:"ref"`
	RoadClass string `json:"road_class"` // highway, expressway, urban, urban_expressway, specific_area
}

// RoadClasses are the classes of roads of Article 43.
func RoadClasses() []string {
	return []string{"highway", "expressway", "urban", "urban_expressway", "specific_area"}
}

// Item is what an application says to one item of the pack.
type Item struct {
	Text      string     `json:"text,omitempty"`
	Documents []Document `json:"documents,omitempty"`
}

func (i *Item) empty() bool { return i.Text == "" && len(i.Documents) == 0 }

// Document is a file that is kept elsewhere: its digest is what was signed for.
type Document struct {
	SHA256 string `json:"sha256"`
	Type   string `json:"type"` // media type
	Bytes  int    `json:"bytes"`
}

// Answer is the answer to a line of the checklist, and what proves it.
type Answer struct {
	Text     string `json:"text"`
	Evidence string `json:"evidence"` // digest of a document, or a reference
}

// Volume is where and when the vehicles want to be.
type Volume struct {
	Polygons [][][][2]int32 `json:"polygons,omitempty"` // polygon, ring (first is outer), vertex {lon, lat} degE7
	Circle   *Circle        `json:"circle,omitempty"`
	Corridor *Corridor      `json:"corridor,omitempty"`
	Floor    *Height        `json:"floor,omitempty"`
	Ceiling  *Height        `json:"ceiling,omitempty"`
	Windows  [][2]int64     `json:"windows,omitempty"` // Unix microseconds; none: all of the permit's time
	// Shared: others may be in it at the same time if they accept it too. Roads and
	// channels always are.
	Shared bool `json:"shared,omitempty"`
}

// Circle is a centre {lon, lat} in degE7 and a radius.
type Circle struct {
	Center  [2]int32 `json:"center"`
	RadiusM float64  `json:"radius_m"`
}

// Corridor is the band around a line of {lon, lat} in degE7.
type Corridor struct {
	Line   [][2]int32 `json:"line"`
	WidthM float64    `json:"width_m"`
}

// Height is a limit of an altitude band.
type Height struct {
	MM    int32  `json:"mm"`
	Datum string `json:"datum"` // amsl, wgs84, agl or takeoff
}

// SetShape makes a shape that of the volume.
func (v *Volume) SetShape(s geofence.Shape) {
	v.Polygons, v.Circle, v.Corridor = nil, nil, nil
	for _, p := range s.Polygons {
		rings := [][][2]int32{pairs(p.Outer)}
		for _, h := range p.Holes {
			rings = append(rings, pairs(h))
		}
		v.Polygons = append(v.Polygons, rings)
	}
	if c := s.Circle; c != nil {
		v.Circle = &Circle{[2]int32{c.Center.Lon, c.Center.Lat}, c.RadiusM}
	}
	if c := s.Corridor; c != nil {
		v.Corridor = &Corridor{pairs(c.Line), c.WidthM}
	}
}

// Shape is the shape of the volume.
func (v *Volume) Shape() (s geofence.Shape) {
	for _, rings := range v.Polygons {
		if len(rings) == 0 {
			continue // a polygon without a ring: Compile refuses a shape of none
		}
		p := geo.Polygon{Outer: points(rings[0])}
		for _, h := range rings[1:] {
			p.Holes = append(p.Holes, points(h))
		}
		s.Polygons = append(s.Polygons, p)
	}
	if c := v.Circle; c != nil {
		s.Circle = &geo.Circle{Center: geo.Point{Lon: c.Center[0], Lat: c.Center[1]}, RadiusM: c.RadiusM}
	}
	if c := v.Corridor; c != nil {
		s.Corridor = &geo.Corridor{Line: points(c.Line), WidthM: c.WidthM}
	}
	return s
}

// altitude is the limit; a datum that is none was refused before.
func (h *Height) altitude() (a geo.Altitude) {
	if h != nil {
		a.MM = h.MM
		a.Datum, _ = geo.ParseDatum(h.Datum)
	}
	return a
}

func pairs(r []geo.Point) [][2]int32 {
	out := make([][2]int32, len(r))
	for i, p := range r {
		out[i] = [2]int32{p.Lon, p.Lat}
	}
	return out
}

func points(r [][2]int32) geo.Ring {
	out := make(geo.Ring, len(r))
	for i, p := range r {
		out[i] = geo.Point{Lon: p[0], Lat: p[1]}
	}
	return out
}

// Hash is the SHA-256 of the application, in hexadecimal: what a signature is for.
func (a *Application) Hash() (string, error) {
	b, err := json.Marshal(a) // members in a fixed order, maps by key
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrApplication, err) // a number that JSON does not have
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// changed are the items of the pack whose content differs between two revisions.
// What an application states beside its items belongs to the items that speak of
// it; all is true when something changed that belongs to none of these.
func (a *Application) changed(b *Application) (items []string, all bool) {
	differ := func(x, y any) bool {
		bx, _ := json.Marshal(x)
		by, _ := json.Marshal(y)
		return string(bx) != string(by)
	}
	for id := range a.Items {
		if differ(a.Items[id], b.Items[id]) {
			items = append(items, id)
		}
	}
	for id := range b.Items {
		if _, both := a.Items[id]; !both {
			items = append(items, id)
		}
	}
	if a.FromUS != b.FromUS || a.ToUS != b.ToUS {
		items = append(items, "window")
	}
	if differ(a.Volumes, b.Volumes) || a.SpeedMPS != b.SpeedMPS || differ(a.ExemptFences, b.ExemptFences) {
		items = append(items, "volume")
	}
	if differ(a.Vehicles, b.Vehicles) {
		items = append(items, "aircraft")
	}
	if differ(a.People, b.People) {
		items = append(items, "party")
	}
	if differ(a.Sites, b.Sites) {
		items = append(items, "sites")
	}
	rest := func(x Application) Application {
		x.Items, x.FromUS, x.ToUS, x.Volumes, x.SpeedMPS, x.ExemptFences, x.Vehicles, x.People, x.Sites = nil, 0, 0, nil, 0, nil, nil, nil, nil
		return x
	}
	slices.Sort(items)
	return slices.Compact(items), differ(rest(*a), rest(*b))
}
