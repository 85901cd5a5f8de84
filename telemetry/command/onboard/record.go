package onboard

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// State is what is known of a kind of plan in a vehicle.
type State string

// The states.
const (
	None      State = "none"      // it carries nothing
	Uploading State = "uploading" // on its way; what the vehicle carries is not known
	InStep    State = "in_step"   // read back: what it was sent, and of fences what the zone asks now
	Stale     State = "stale"     // it carries something else
	Failed    State = "failed"    // the transfer; what the vehicle carries is not known
	Unknown   State = "unknown"   // not read since the vehicle or the server started
)

// Source is where a plan came from.
type Source string

// The sources.
const (
	OfZone    Source = "zone"    // the zone's fences
	OfPeople  Source = "people"  // items that somebody gave
	OfVehicle Source = "vehicle" // it carried them when it was read
)

// Record is what is known of one kind of plan in one vehicle.
type Record struct {
	Vehicle  vehicles.VehicleID `json:"vehicle"`
	Class    string             `json:"class"`
	Operator string             `json:"operator"`
	Kind     string             `json:"kind"`
	State    State              `json:"state"`
	Why      string             `json:"why,omitempty"`  // it is so, and what to do
	Item     int                `json:"item,omitempty"` // that it failed at, from 1

	Source   Source     `json:"source,omitempty"`
	Upload   string     `json:"upload,omitempty"` // of the newest plan that was sent
	Parts    []Part     `json:"parts,omitempty"`  // of the zone's fences
	Home     *geo.Point `json:"home,omitempty"`   // that the fences were chosen by
	Union    bool       `json:"union,omitempty"`  // within one of its inclusions is enough
	Enable   bool       `json:"enable,omitempty"` // the vehicle shall act by its fences
	Enabled  bool       `json:"enabled,omitempty"`
	OpaqueID uint32     `json:"opaque_id,omitempty"` // by which the vehicle names what it carries
	Known    bool       `json:"known,omitempty"`     // Carried is what it carries
	Items    int        `json:"items,omitempty"`     // of Carried; of a transfer, of Sent

	By      string `json:"by,omitempty"`
	Person  string `json:"person,omitempty"`
	Zone    bool   `json:"zone,omitempty"` // Person is of the zone's own people
	Reason  string `json:"reason,omitempty"`
	AskedUS int64  `json:"asked_us,omitempty"`
	EndedUS int64  `json:"ended_us,omitempty"` // of the transfer
	ReadUS  int64  `json:"read_us,omitempty"`  // when it was known what the vehicle carries

	Sent    []Item `json:"-"` // by Upload
	Carried []Item `json:"-"`

	Done, Total int    `json:"-"` // items, of the transfer
	JournalSeq  uint64 `json:"-"` // of its newest entry; 0: not durable yet

	own bool // it changed since the start of the program
}

// Item is one item of a plan. Its JSON is [command, frame, four parameters, x, y, z,
// current, autocontinue]; null: not set.
type Item vehicles.PlanItem

// MarshalJSON writes the form.
func (i Item) MarshalJSON() ([]byte, error) {
	number := func(f float32) any {
		if v := float64(f); !math.IsNaN(v) && !math.IsInf(v, 0) {
			return f
		}
		return nil
	}
	return json.Marshal([]any{i.Command, i.Frame, number(i.Params[0]), number(i.Params[1]), number(i.Params[2]), number(i.Params[3]),
		i.X, i.Y, number(i.Z), i.Current, i.Autocontinue})
}

// UnmarshalJSON reads it.
func (i *Item) UnmarshalJSON(b []byte) error {
	var p [4]*float32
	var z *float32
	fields := []any{&i.Command, &i.Frame, &p[0], &p[1], &p[2], &p[3], &i.X, &i.Y, &z, &i.Current, &i.Autocontinue}
	n := len(fields)
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	if len(fields) != n {
		return fmt.Errorf("an item of a plan has %d fields, not %d", n, len(fields))
	}
	for k, v := range p {
		i.Params[k] = orNaN(v)
	}
	i.Z = orNaN(z)
	return nil
}

func orNaN(v *float32) float32 {
	if v == nil {
		return float32(math.NaN())
	}
	return *v
}

func itemsOf(p *vehicles.Plan) []Item {
	out := make([]Item, len(p.Items))
	for i := range p.Items {
		out[i] = Item(p.Items[i])
	}
	return out
}

// PlanOf is items as a plan.
func PlanOf(k vehicles.PlanKind, items []Item) vehicles.Plan {
	p := vehicles.Plan{Kind: k, Items: make([]vehicles.PlanItem, len(items))}
	for i := range items {
		p.Items[i] = vehicles.PlanItem(items[i])
	}
	return p
}

// same reports whether items are the very same bits.
func same(a, b []Item) bool {
	return slices.EqualFunc(a, b, func(a, b Item) bool {
		for i := range a.Params {
			if math.Float32bits(a.Params[i]) != math.Float32bits(b.Params[i]) {
				return false
			}
		}
		z := math.Float32bits(a.Z) == math.Float32bits(b.Z)
		a.Params, b.Params, a.Z, b.Z = [4]float32{}, [4]float32{}, 0, 0
		return z && a == b
	})
}

// named reports whether it says what it is a record of.
func (r *Record) named() bool {
	_, ok := vehicles.ParsePlanKind(r.Kind)
	return ok && r.Vehicle != ""
}

func (r *Record) name() name {
	k, _ := vehicles.ParsePlanKind(r.Kind)
	return name{r.Vehicle, k}
}

// count fills Items in.
func (r *Record) count() {
	if r.Items = len(r.Carried); r.State == Uploading {
		r.Items = len(r.Sent)
	}
}

// copied shares the items, which nobody changes.
func (r *Record) copied() *Record {
	c := *r
	return &c
}

func newUploadID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return "pl_" + hex.EncodeToString(b[:])
}
