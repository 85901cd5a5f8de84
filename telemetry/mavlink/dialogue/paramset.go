package dialogue

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

// ParamDiffers is the error when a parameter is not what it was set to.
type ParamDiffers struct {
	Vehicle   vehicles.VehicleID
	Name      string
	Set, Says float64 // NaN: what no number fits into
}

func (d *ParamDiffers) Error() string {
	return fmt.Sprintf("parameter %s of vehicle %s is %v, and not %v as it was set", d.Name, d.Vehicle, d.Says, d.Set)
}

// Is makes a ParamDiffers an ErrStored.
func (d *ParamDiffers) Is(target error) bool { return target == ErrStored }

// SetParam sets a parameter; without an error the vehicle says that it has the
// value. The parameter is read first: how its number goes out depends on its type.
// The errors are ErrNoAnswer (also: there is no such parameter), ErrRefused,
// ErrStored (*ParamDiffers), ErrGone, those of mavlink.Sender.Send, and that of
// ctx.
func (e *Exchange) SetParam(ctx context.Context, h vehicles.Handle, name string, value float64) error {
	p, err := e.peer(h)
	if err != nil {
		return err
	}
	s := &setting{e: e, p: p, name: name, want: value}
	box, err := p.listen(s.concerns)
	if err != nil {
		return err
	}
	defer box.Close()
	if err := e.converse(ctx, box, 1+retries, s.ask, s.asked); err != nil {
		return fmt.Errorf("parameter %s of vehicle %s: %w", name, p.vehicle, err)
	}
	if s.bits, err = paramBits(value, s.kind, p.bytewise()); err != nil {
		return fmt.Errorf("parameter %s of vehicle %s: %w", name, p.vehicle, err)
	}
	err = e.converse(ctx, box, 1+retries, s.set, s.echoed)
	if s.other != nil && errors.Is(err, ErrNoAnswer) {
		return s.other
	}
	if err != nil {
		return fmt.Errorf("set parameter %s of vehicle %s: %w", name, p.vehicle, err)
	}
	return nil
}

// setting is a parameter that is set.
type setting struct {
	e     *Exchange
	p     *peer
	name  string
	want  float64
	kind  common.MAV_PARAM_TYPE
	bits  float32
	other *ParamDiffers // what it said that it is, after it was set
}

func (s *setting) concerns(m message.Message) bool {
	name, ok := paramOf(m)
	return ok && name == s.name
}

func (s *setting) ask(int) error {
	r, err := s.e.cfg.Sender.Route(s.p.handle)
	if err != nil {
		return err
	}
	return s.e.cfg.Sender.Send(s.p.handle, &ardupilotmega.MessageParamRequestRead{
		TargetSystem: r.SystemID, TargetComponent: r.Autopilot, ParamId: s.name, ParamIndex: -1,
	})
}

func (s *setting) asked(l Letter) next {
	switch m := l.Message.(type) {
	case *ardupilotmega.MessageParamValue:
		s.kind = m.ParamType
		return next{done: true}
	case *ardupilotmega.MessageParamError:
		return next{done: true, err: fmt.Errorf("%w: there is none of that name (error %d)", ErrRefused, m.Error)}
	}
	return next{}
}

func (s *setting) set(int) error {
	r, err := s.e.cfg.Sender.Route(s.p.handle)
	if err != nil {
		return err
	}
	return s.e.cfg.Sender.Send(s.p.handle, &ardupilotmega.MessageParamSet{
		TargetSystem: r.SystemID, TargetComponent: r.Autopilot, ParamId: s.name, ParamValue: s.bits, ParamType: s.kind,
	})
}

// echoed compares. Another value may be one that was on its way when it was set:
// it is the last word only if no better one comes.
func (s *setting) echoed(l Letter) next {
	switch m := l.Message.(type) {
	case *ardupilotmega.MessageParamValue:
		says, ok := paramValue(m, s.p.bytewise())
		if !ok {
			says = math.NaN()
		}
		if ok && (says == s.want || math.Float32bits(m.ParamValue) == math.Float32bits(s.bits) && m.ParamType == s.kind) {
			return next{done: true}
		}
		s.other = &ParamDiffers{s.p.vehicle, s.name, s.want, says}
	case *ardupilotmega.MessageParamError:
		return next{done: true, err: fmt.Errorf("%w: error %d", ErrRefused, m.Error)}
	}
	return next{}
}

// errParamRange is what a number is that does not go into a parameter as it is.
var errParamRange = errors.New("the value does not fit its type")

// paramBits is a value as it stands in the float of a parameter of a type; a
// value that would become another one is an error.
func paramBits(v float64, kind common.MAV_PARAM_TYPE, bytewise bool) (float32, error) {
	var low, high float64
	switch kind {
	case common.MAV_PARAM_TYPE_UINT8:
		low, high = 0, math.MaxUint8
	case common.MAV_PARAM_TYPE_INT8:
		low, high = math.MinInt8, math.MaxInt8
	case common.MAV_PARAM_TYPE_UINT16:
		low, high = 0, math.MaxUint16
	case common.MAV_PARAM_TYPE_INT16:
		low, high = math.MinInt16, math.MaxInt16
	case common.MAV_PARAM_TYPE_UINT32:
		low, high = 0, math.MaxUint32
	case common.MAV_PARAM_TYPE_INT32:
		low, high = math.MinInt32, math.MaxInt32
	case common.MAV_PARAM_TYPE_REAL32:
		if f := float32(v); !math.IsNaN(v) && !math.IsInf(float64(f), 0) {
			return f, nil
		}
		return 0, fmt.Errorf("%w: %v", errParamRange, v)
	default:
		return 0, fmt.Errorf("%w: a parameter of 64 bits cannot be set over MAVLink", errParamRange)
	}
	if v != math.Trunc(v) || v < low || v > high {
		return 0, fmt.Errorf("%w: %v in %g to %g", errParamRange, v, low, high)
	}
	if bytewise {
		return math.Float32frombits(uint32(int64(v))), nil
	}
	if float64(float32(v)) != v {
		return 0, fmt.Errorf("%w: %v has too many digits", errParamRange, v)
	}
	return float32(v), nil
}

const cmdFenceEnable = 207

// FenceEnable is param1 of MAV_CMD_DO_FENCE_ENABLE.
type FenceEnable uint8

// What becomes of the fence on board.
const (
	FenceOff FenceEnable = iota
	FenceOn
	FenceFloorOff // only the lowest height
)

// EnableFence switches the fence that a vehicle carries, all parts of it. That it
// watches it is confirmed by SYS_STATUS and FENCE_STATUS. The errors are those of
// Command.
func (e *Exchange) EnableFence(ctx context.Context, h vehicles.Handle, to FenceEnable) error {
	_, err := e.Command(ctx, h, Command{ID: cmdFenceEnable, Params: [7]float64{float64(to)}})
	return err
}
