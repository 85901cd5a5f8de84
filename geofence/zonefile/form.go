package zonefile

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Limits of the texts and lists of a fence.
const (
	MaxName = 120  // characters of a fence's name, group or operator
	maxList = 1000 // names in one list
	maxID   = 128  // bytes of a vehicle's id
)

// Fault is one thing that is wrong with a form.
type Fault struct {
	Location string // e.g. "applies.classes[0]", behind the prefix that the caller gave
	Message  string
}

// Properties is what a fence is beside its shape, as JSON in a file. The tags
// beside json of its parts document them in the API.
type Properties struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	RadiusM  *float64  `json:"radius_m,omitempty"`
	WidthM   *float64  `json:"width_m,omitempty"`
	Edges    string    `json:"edges,omitempty"`
	Floor    *Height   `json:"floor,omitempty"`
	Ceiling  *Height   `json:"ceiling,omitempty"`
	Schedule *Schedule `json:"schedule,omitempty"`
	Applies  *Applies  `json:"applies,omitempty"`
	Response string    `json:"response"`
	SpeedMPS *float64  `json:"speed_mps,omitempty"`
	MarginM  float64   `json:"margin_m,omitempty"`
	Group    string    `json:"group,omitempty"`
}

// Height is a height and what it is measured from.
type Height struct {
	M     float64 `json:"m" minimum:"-1000" maximum:"100000" doc:"Metres"`
	Datum string  `json:"datum" enum:"amsl,wgs84,takeoff,agl" doc:"agl is judged only where the height of the ground is known"`
}

// Applies says to which vehicles a fence applies.
type Applies struct {
	Classes         []string `json:"classes" required:"false" enum:"uav,icv,usv" maxItems:"3" uniqueItems:"true" doc:"Empty: all"`
	Operators       []string `json:"operators" required:"false" maxItems:"1000" doc:"Empty: of any operator"`
	Vehicles        []string `json:"vehicles" required:"false" maxItems:"1000" doc:"Ids; empty: any. An unverified vehicle is none of a list"`
	ExemptOperators []string `json:"exempt_operators" required:"false" maxItems:"1000" doc:"Whose verified vehicles the fence does not ask anything of"`
	ExemptVehicles  []string `json:"exempt_vehicles" required:"false" maxItems:"1000" doc:"Ids"`
	Permits         []string `json:"permits" required:"false" maxItems:"1000" doc:"Ids; empty: under any permit or none"`
	ExemptPermits   []string `json:"exempt_permits" required:"false" maxItems:"1000" doc:"Ids of permits under which verified vehicles are not asked anything"`
}

// Altitude is the height on the lattice of millimetres; a nil Height is none.
func (h *Height) Altitude(at string) (geo.Altitude, []Fault) {
	if h == nil {
		return geo.Altitude{}, nil
	}
	d, ok := geo.ParseDatum(h.Datum)
	switch {
	case !ok:
		return geo.Altitude{}, []Fault{{at + ".datum", "expected amsl, wgs84, takeoff or agl"}}
	case !(h.M >= -1000 && h.M <= 100_000): // so that NaN fails
		return geo.Altitude{}, []Fault{{at + ".m", "expected -1000 to 100000 metres"}}
	}
	return geo.Altitude{MM: int32(math.Round(h.M * 1000)), Datum: d}, nil
}

// HeightOf is the form of an altitude; nil for none.
func HeightOf(a geo.Altitude) *Height {
	if a.Datum == geo.NoDatum {
		return nil
	}
	return &Height{M: float64(a.MM) / 1000, Datum: a.Datum.String()}
}

func edgesName(e geofence.EdgeModel) string {
	if e == geofence.Geodesic {
		return "geodesic"
	}
	return "lonlat"
}

// PropertiesOf is the form of a fence. Its lists are not nil.
func PropertiesOf(f *geofence.Fence) Properties {
	p := Properties{
		Name: f.Name, Kind: f.Kind.String(), Edges: edgesName(f.Edges), Floor: HeightOf(f.Floor), Ceiling: HeightOf(f.Ceiling),
		Schedule: scheduleOf(&f.Schedule), Applies: appliesOf(f), Response: string(f.Response), MarginM: f.MarginM, Group: f.Group,
	}
	if f.Shape.Circle != nil {
		p.RadiusM = ptr(f.Shape.Circle.RadiusM)
	}
	if f.Shape.Corridor != nil {
		p.WidthM = ptr(f.Shape.Corridor.WidthM)
	}
	if f.Kind == geofence.SpeedLimit {
		p.SpeedMPS = ptr(f.SpeedMPS)
	}
	return p
}

// compact leaves out what is so by default: thousands of fences share a file.
func (p Properties) compact() Properties {
	if p.Edges == edgesName(geofence.LonLat) {
		p.Edges = ""
	}
	if a := p.Applies; len(a.Classes)+len(a.Operators)+len(a.Vehicles)+len(a.ExemptOperators)+len(a.ExemptVehicles)+len(a.Permits)+len(a.ExemptPermits) == 0 {
		p.Applies = nil
	}
	return p
}

func ptr[T any](v T) *T { return &v }

func appliesOf(f *geofence.Fence) *Applies {
	a := &Applies{
		Classes: []string{}, Operators: append([]string{}, f.Operators...), Vehicles: texts(f.Vehicles),
		ExemptOperators: append([]string{}, f.ExemptOperators...), ExemptVehicles: texts(f.ExemptVehicles),
		Permits: append([]string{}, f.Permits...), ExemptPermits: append([]string{}, f.ExemptPermits...),
	}
	for _, c := range f.Classes.List() {
		a.Classes = append(a.Classes, c.String())
	}
	return a
}

func texts(ids []vehicles.VehicleID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

// Fence is the definition that the form asks for, without a shape, and all that
// is wrong with it. at is where the form stands, for the faults' locations.
func (p *Properties) Fence(at string) (geofence.Fence, []Fault) {
	d := decoder{at: at}
	f := geofence.Fence{Name: p.Name, Group: p.Group, MarginM: p.MarginM}
	d.text("name", p.Name, true)
	d.text("group", p.Group, false)
	var ok bool
	if f.Kind, ok = geofence.ParseKind(p.Kind); !ok {
		d.fault("kind", "expected keep_out, keep_in or speed_limit")
	}
	if f.Response, ok = geofence.ParseResponse(p.Response); !ok {
		d.fault("response", "expected warn, hold, return, land or stop")
	}
	switch p.Edges {
	case "", "lonlat":
	case "geodesic":
		f.Edges = geofence.Geodesic
	default:
		d.fault("edges", "expected lonlat or geodesic")
	}
	f.Floor = d.height("floor", p.Floor)
	f.Ceiling = d.height("ceiling", p.Ceiling)
	f.Schedule = d.schedule(p.Schedule)
	d.applies(p.Applies, &f)
	d.numbers(p, &f)
	return f, d.faults
}

// decoder collects what is wrong.
type decoder struct {
	at     string
	faults []Fault
}

func (d *decoder) fault(where, format string, args ...any) {
	if d.at != "" {
		where = d.at + "." + where
	}
	d.faults = append(d.faults, Fault{where, fmt.Sprintf(format, args...)})
}

func (d *decoder) height(where string, h *Height) geo.Altitude {
	if d.at != "" {
		where = d.at + "." + where
	}
	a, faults := h.Altitude(where)
	d.faults = append(d.faults, faults...)
	return a
}

func (d *decoder) text(where, s string, needed bool) {
	switch message := TextFault(s); {
	case needed && s == "":
		d.fault(where, "is needed")
	case message != "":
		d.fault(where, "%s", message)
	case utf8.RuneCountInString(s) > MaxName:
		d.fault(where, "has more than %d characters", MaxName)
	}
}

func (d *decoder) numbers(p *Properties, f *geofence.Fence) {
	switch speed := f.Kind == geofence.SpeedLimit; {
	case speed && p.SpeedMPS == nil:
		d.fault("speed_mps", "a speed limit needs it")
	case !speed && p.SpeedMPS != nil && f.Kind != 0:
		d.fault("speed_mps", "only a speed limit has it")
	case p.SpeedMPS != nil && !(*p.SpeedMPS >= 0.1 && *p.SpeedMPS <= 400):
		d.fault("speed_mps", "expected 0.1 to 400 m/s")
	case p.SpeedMPS != nil:
		f.SpeedMPS = *p.SpeedMPS
	}
	if !(p.MarginM >= 0 && p.MarginM <= 5000) {
		d.fault("margin_m", "expected 0 to 5000 metres")
	}
	if p.Group != "" && f.Kind != geofence.KeepIn && f.Kind != 0 {
		d.fault("group", "only keep-ins form groups")
	}
}

func (d *decoder) applies(a *Applies, f *geofence.Fence) {
	if a == nil {
		return
	}
	for i, name := range a.Classes {
		c, ok := vehicles.ParseClass(name)
		if !ok {
			d.fault(fmt.Sprintf("applies.classes[%d]", i), "expected uav, icv or usv")
		}
		f.Classes |= vehicles.ClassSet(c)
	}
	f.Operators = d.list("applies.operators", a.Operators, MaxName)
	f.ExemptOperators = d.list("applies.exempt_operators", a.ExemptOperators, MaxName)
	f.Permits = d.list("applies.permits", a.Permits, maxID)
	f.ExemptPermits = d.list("applies.exempt_permits", a.ExemptPermits, maxID)
	for _, l := range []struct {
		where string
		in    []string
		out   *[]vehicles.VehicleID
	}{{"applies.vehicles", a.Vehicles, &f.Vehicles}, {"applies.exempt_vehicles", a.ExemptVehicles, &f.ExemptVehicles}} {
		for _, id := range d.list(l.where, l.in, maxID) {
			*l.out = append(*l.out, vehicles.VehicleID(id))
		}
	}
}

// list checks names; the result is nil for none.
func (d *decoder) list(where string, in []string, longest int) (out []string) {
	if len(in) > maxList {
		d.fault(where, "has more than %d entries", maxList)
		return nil
	}
	seen := make(map[string]bool, len(in))
	for i, s := range in {
		at := fmt.Sprintf("%s[%d]", where, i)
		switch message := TextFault(s); {
		case s == "":
			d.fault(at, "is empty")
		case message != "":
			d.fault(at, "%s", message)
		case len(s) > longest:
			d.fault(at, "is longer than %d bytes", longest)
		case seen[s]:
			d.fault(at, "stands in the list twice")
		}
		seen[s] = true
		out = append(out, s)
	}
	return out
}

// TextFault says why a text would show other than it is; "" when it does not.
func TextFault(s string) string {
	if !utf8.ValidString(s) {
		return "a character is broken"
	}
	for _, r := range s {
		switch {
		case isControl(r):
			return "control characters are not allowed"
		case isInvisible(r):
			return "characters that turn the writing direction or are invisible are not allowed"
		case r == utf8.RuneError:
			return "a character is broken"
		}
	}
	if s != "" && strings.TrimSpace(s) == "" {
		return "a name of spaces is no name"
	}
	return ""
}

func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }

// isInvisible is of the format, private-use, line and paragraph separator
// characters of Unicode, of those that are ignored when drawn, and of the blanks
// that are no spaces: with any of them two names can look the same.
func isInvisible(r rune) bool {
	const brailleBlank = 0x2800
	return r == brailleBlank || unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
