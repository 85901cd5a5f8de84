package dialogue

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

// MAV_PROTOCOL_CAPABILITY, how integers stand in the float of PARAM_VALUE.
const (
	paramBytewise = 16     // their bits
	paramCast     = 131072 // their value

	autopilotPX4 = 12
)

// Param reads a parameter. ErrNoAnswer is also what a vehicle without such a
// parameter gives: most say nothing then.
func (e *Exchange) Param(ctx context.Context, h vehicles.Handle, name string) (float64, error) {
	p, err := e.peer(h)
	if err != nil {
		return 0, err
	}
	got, err := e.params(ctx, p, []string{name})
	if err != nil {
		return 0, err
	}
	v, ok := got[name]
	if !ok {
		return 0, fmt.Errorf("parameter %s of vehicle %s: %w", name, p.vehicle, ErrNoAnswer)
	}
	return v, nil
}

// params reads parameters, at most maxParams, all at once, so that those which
// the vehicle does not have cost their time together. What it did not answer is
// missing in the result.
func (e *Exchange) params(ctx context.Context, p *peer, names []string) (map[string]float64, error) {
	r := &reading{e: e, p: p, got: map[string]float64{}, open: map[string]bool{}}
	for _, n := range names {
		r.names, r.open[n] = append(r.names, n), true
	}
	box, err := p.listen(r.concerns)
	if err != nil {
		return nil, err
	}
	defer box.Close()
	err = e.converse(ctx, box, 1+retries, r.send, r.take)
	if err != nil && !(errors.Is(err, ErrNoAnswer) && len(r.got) > 0) {
		return nil, fmt.Errorf("parameters of vehicle %s: %w", p.vehicle, err)
	}
	return r.got, nil
}

// reading is the reading of some parameters.
type reading struct {
	e     *Exchange
	p     *peer
	names []string        // immutable while letters come in
	open  map[string]bool // not answered yet
	got   map[string]float64
}

func (r *reading) concerns(m message.Message) bool {
	name, ok := paramOf(m)
	if !ok {
		return false
	}
	for _, n := range r.names {
		if n == name {
			return true
		}
	}
	return false
}

func paramOf(m message.Message) (string, bool) {
	switch m := m.(type) {
	case *ardupilotmega.MessageParamValue:
		return m.ParamId, true
	case *ardupilotmega.MessageParamError:
		return m.ParamId, true
	}
	return "", false
}

// send asks for what is not answered yet. Of two names of one thing that were both
// asked for once, one answer is enough.
func (r *reading) send(n int) error {
	for name := range r.open {
		if _, other := r.got[twins[name]]; other && n > 0 {
			delete(r.open, name)
		}
	}
	if len(r.open) == 0 {
		return errEnough
	}
	route, err := r.e.cfg.Sender.Route(r.p.handle)
	if err != nil {
		return err
	}
	for _, n := range r.names {
		if !r.open[n] {
			continue
		}
		if err := r.e.cfg.Sender.Send(r.p.handle, &ardupilotmega.MessageParamRequestRead{
			TargetSystem: route.SystemID, TargetComponent: route.Autopilot, ParamId: n, ParamIndex: -1,
		}); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) take(l Letter) next {
	switch m := l.Message.(type) {
	case *ardupilotmega.MessageParamValue:
		if v, ok := paramValue(m, r.p.bytewise()); ok {
			r.got[m.ParamId] = v
		}
		delete(r.open, m.ParamId)
	case *ardupilotmega.MessageParamError: // newer vehicles say that they have none
		delete(r.open, m.ParamId)
	}
	return next{done: len(r.open) == 0}
}

// bytewise reports whether the vehicle sends integers as their bits: what it
// says itself, and before it did what is known of its kind.
func (p *peer) bytewise() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.capabilities&paramBytewise != 0:
		return true
	case p.capabilities&paramCast != 0:
		return false
	}
	return p.autopilot == autopilotPX4
}

// paramValue is the number that a PARAM_VALUE holds; ok=false: none, or one that
// does not fit into its field.
func paramValue(m *ardupilotmega.MessageParamValue, bytewise bool) (v float64, ok bool) {
	bits := math.Float32bits(m.ParamValue)
	switch m.ParamType {
	case ardupilotmega.MAV_PARAM_TYPE_UINT64, ardupilotmega.MAV_PARAM_TYPE_INT64, ardupilotmega.MAV_PARAM_TYPE_REAL64:
		if bytewise {
			return 0, false
		}
	case ardupilotmega.MAV_PARAM_TYPE_REAL32:
		bytewise = false
	}
	if !bytewise {
		v = float64(m.ParamValue)
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	switch m.ParamType {
	case ardupilotmega.MAV_PARAM_TYPE_UINT8:
		return float64(uint8(bits)), true
	case ardupilotmega.MAV_PARAM_TYPE_INT8:
		return float64(int8(bits)), true
	case ardupilotmega.MAV_PARAM_TYPE_UINT16:
		return float64(uint16(bits)), true
	case ardupilotmega.MAV_PARAM_TYPE_INT16:
		return float64(int16(bits)), true
	case ardupilotmega.MAV_PARAM_TYPE_UINT32:
		return float64(bits), true
	case ardupilotmega.MAV_PARAM_TYPE_INT32:
		return float64(int32(bits)), true
	}
	return 0, false
}
