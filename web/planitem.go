package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"testzone/telemetry/command/onboard"
	"testzone/vehicles"
)

// PlanItem is one item of a plan, as ground stations write it.
type PlanItem struct {
	Command      int         `json:"command" minimum:"0" maximum:"65535" doc:"MAV_CMD"`
	Frame        int         `json:"frame" minimum:"0" maximum:"255" doc:"MAV_FRAME: 0 and 5 above mean sea level, 3 and 6 above home, 10 and 11 above ground, 2 no position"`
	Params       []PlanParam `json:"params" minItems:"7" maxItems:"7" doc:"Parameters 1 to 7. Of a command with a position 5 and 6 are latitude and longitude in degrees, 7 the height in metres. null: not set"`
	Autocontinue *bool       `json:"autocontinue,omitempty" doc:"On to the next item when this one is done; default true"`
}

// PlanParam is a parameter; NaN: not set.
type PlanParam float64

// Schema is what the API says of it.
func (PlanParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Format: "double", Nullable: true}
}

// MarshalJSON writes null for NaN.
func (p PlanParam) MarshalJSON() ([]byte, error) {
	if v := float64(p); !math.IsNaN(v) && !math.IsInf(v, 0) {
		return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads it.
func (p *PlanParam) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*p = PlanParam(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(p))
}

func planItemOf(i *onboard.Item) PlanItem {
	it := vehicles.PlanItem(*i)
	out := PlanItem{Command: int(it.Command), Frame: int(it.Frame), Autocontinue: &it.Autocontinue}
	for _, v := range it.Seven() {
		out.Params = append(out.Params, PlanParam(v))
	}
	return out
}

// planItems reads items that people gave.
func planItems(in []PlanItem) ([]vehicles.PlanItem, error) {
	out := make([]vehicles.PlanItem, len(in))
	for n := range in {
		if why := in[n].read(&out[n]); why != "" {
			p := newProblem(context.Background(), http.StatusUnprocessableEntity, "invalid", "The request has faults; see errors.")
			p.Errors = []FieldError{{fmt.Sprintf("body.items[%d].params", n), why}}
			return nil, p
		}
	}
	return out, nil
}

// read fills an item in; it returns what is wrong with it.
func (in *PlanItem) read(out *vehicles.PlanItem) string {
	var params [7]float64
	for k := range params {
		params[k] = float64(in.Params[k])
	}
	item, bad := vehicles.PlanItemOf(uint16(in.Command), uint8(in.Frame), params, in.Autocontinue == nil || *in.Autocontinue)
	if *out = item; bad > 0 {
		return fmt.Sprintf("parameter %d is out of range", bad)
	}
	return ""
}
