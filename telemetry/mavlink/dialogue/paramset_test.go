package dialogue

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
)

// TestSetParam: only a vehicle that says that it has the value has it.
func TestSetParam(t *testing.T) {
	const int32Type, realType = common.MAV_PARAM_TYPE_INT32, common.MAV_PARAM_TYPE_REAL32
	says := func(v float32, kind common.MAV_PARAM_TYPE) message.Message {
		return &ardupilotmega.MessageParamValue{ParamId: "FENCE_ALT_MAX", ParamValue: v, ParamType: kind}
	}
	keeps := func(kind common.MAV_PARAM_TYPE, keep func(float32) float32) func(message.Message) []message.Message {
		return func(m message.Message) []message.Message {
			switch m := m.(type) {
			case *ardupilotmega.MessageParamRequestRead:
				return []message.Message{says(7, kind)}
			case *ardupilotmega.MessageParamSet:
				if m.ParamType != kind || m.ParamId != "FENCE_ALT_MAX" || m.TargetSystem != 9 || m.TargetComponent != 1 {
					t.Errorf("sent %+v", m)
				}
				return []message.Message{says(keep(m.ParamValue), kind)}
			}
			return nil
		}
	}
	as := func(v float32) float32 { return v }
	late := 0
	for _, c := range []struct {
		name     string
		value    float64
		bytewise bool
		answer   func(message.Message) []message.Message
		want     error
	}{
		{"taken", 120, false, keeps(int32Type, as), nil},
		{"taken as bits", 120, true, keeps(int32Type, as), nil},
		{"negative, as bits", -1, true, keeps(int32Type, as), nil},
		{"a real number", 0.1, false, keeps(realType, as), nil},
		{"clamped", 5000, false, keeps(realType, func(float32) float32 { return 1000 }), ErrStored},
		{"kept as it was", 5, false, keeps(int32Type, func(float32) float32 { return 7 }), ErrStored},
		{"not a number afterwards", 5, false, keeps(realType, func(float32) float32 { return float32(math.NaN()) }), ErrStored},
		{"an old value, and then the new one", 5, false, func(m message.Message) []message.Message {
			out := keeps(int32Type, as)(m)
			if _, set := m.(*ardupilotmega.MessageParamSet); set {
				late++
				out = append([]message.Message{says(7, int32Type)}, out...)
			}
			return out
		}, nil},
		{"half a number", 0.5, false, keeps(int32Type, as), errParamRange},
		{"too many digits", 16777217, false, keeps(int32Type, as), errParamRange},
		{"too large", 3e9, true, keeps(int32Type, as), errParamRange},
		{"no such parameter", 1, false, func(message.Message) []message.Message { return nil }, ErrNoAnswer},
		{"no such parameter, newer", 1, false, func(message.Message) []message.Message {
			return []message.Message{&ardupilotmega.MessageParamError{ParamId: "FENCE_ALT_MAX", Error: 1}}
		}, ErrRefused},
		{"never acknowledged", 1, false, func(m message.Message) []message.Message {
			if _, read := m.(*ardupilotmega.MessageParamRequestRead); read {
				return []message.Message{says(7, int32Type)}
			}
			return nil
		}, ErrNoAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := newPair(t, Config{}, c.answer)
				e.peers.get(handle).capabilities = paramCast
				if c.bytewise {
					e.peers.get(handle).capabilities = paramBytewise
				}
				err := e.SetParam(t.Context(), handle, "FENCE_ALT_MAX", c.value)
				if !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				var d *ParamDiffers
				if errors.As(err, &d) && d.Set != c.value {
					t.Errorf("difference %+v", d)
				}
			})
		})
	}
	if late != 1 {
		t.Errorf("set %d times although the vehicle had it", late)
	}
}

func TestEnableFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, v := newPair(t, Config{}, script([]Result{Accepted}))
		if err := e.EnableFence(t.Context(), handle, FenceOn); err != nil {
			t.Fatal(err)
		}
		if m, ok := v.all()[0].(*ardupilotmega.MessageCommandLong); !ok || m.Command != 207 || m.Param1 != 1 || m.Param2 != 0 {
			t.Errorf("sent %+v", v.all()[0])
		}
		v.failNext(1, mavlink.ErrNoRoute)
		if err := e.EnableFence(t.Context(), handle, FenceOff); !errors.Is(err, mavlink.ErrNoRoute) {
			t.Error(err)
		}
	})
}
