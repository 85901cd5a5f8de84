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
	out := PlanItem{Command: int(it.Command), Frame: int(it.Frame), Params: make([]PlanParam, 7), Autocontinue: &it.Autocontinue}
	for k, v := range it.Params {
		out.Params[k] = short(v)
	}
	out.Params[4], out.Params[5] = PlanParam(it.X), PlanParam(it.Y)
	if p, ok := it.Point(); ok {
		out.Params[4], out.Params[5] = PlanParam(degrees(p.Lat)), PlanParam(degrees(p.Lon))
	}
	out.Params[6] = short(it.Z)
	return out
}

// short is a float32 with the digits that it needs: 0.1 and not 0.10000000149.
func short(v float32) PlanParam {
	f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil {
		return PlanParam(math.NaN()) // an infinity
	}
	return PlanParam(f)
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
	*out = vehicles.PlanItem{Command: uint16(in.Command), Frame: uint8(in.Frame), Autocontinue: in.Autocontinue == nil || *in.Autocontinue}
	for k := range out.Params {
		out.Params[k] = float32(in.Params[k])
	}
	out.Z = float32(in.Params[6])
	scale := 1.0
	if _, located := out.Point(); located {
		scale = 1e7
	}
	for k, to := range []*int32{&out.X, &out.Y} {
		v := float64(in.Params[4+k])
		switch {
		case math.IsNaN(v) && scale == 1:
			v = 0
		case !(math.Abs(v*scale) <= math.MaxInt32): // NaN fails
			return fmt.Sprintf("parameter %d is out of range", 5+k)
		}
		*to = int32(math.Round(v * scale))
	}
	return ""
}
