package vehicles

import (
	"math"
	"strconv"
)

// PlanItemOf makes an item of its seven parameters as ground stations write them: of
// a command with a position 5 and 6 are degrees, 7 the height in metres; NaN is not
// set. bad is the parameter, from 1, that does not fit; 0: all do.
func PlanItemOf(command uint16, frame uint8, params [7]float64, autocontinue bool) (item PlanItem, bad int) {
	item = PlanItem{Command: command, Frame: frame, Z: float32(params[6]), Autocontinue: autocontinue}
	for k := range item.Params {
		item.Params[k] = float32(params[k])
	}
	scale := 1.0
	if item.located() {
		scale = 1e7
	}
	for k, to := range []*int32{&item.X, &item.Y} {
		v := params[4+k]
		switch {
		case math.IsNaN(v) && scale == 1:
			v = 0
		case !(math.Abs(v*scale) <= math.MaxInt32): // NaN fails
			return item, 5 + k
		}
		*to = int32(math.Round(v * scale))
	}
	return item, 0
}

// Seven are the parameters of an item as PlanItemOf takes them, with the digits that
// they need: 0.1 and not 0.10000000149. An infinity is NaN.
func (i *PlanItem) Seven() (out [7]float64) {
	for k, v := range i.Params {
		out[k] = short(v)
	}
	out[4], out[5], out[6] = float64(i.X), float64(i.Y), short(i.Z)
	if i.located() {
		out[4], out[5] = out[4]/1e7, out[5]/1e7
	}
	return out
}

func short(v float32) float64 {
	f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil || math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}
