package dialogue

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/sim"
	"testzone/vehicles"
)

// Messages to us of a vehicle that is no sim.Board.
func planAck(k vehicles.PlanKind, r PlanResult) message.Message {
	return &ardupilotmega.MessageMissionAck{TargetSystem: 250, TargetComponent: 190, Type: common.MAV_MISSION_RESULT(r), MissionType: common.MAV_MISSION_TYPE(k)}
}

func planCount(n uint16, id uint32) message.Message {
	return &ardupilotmega.MessageMissionCount{TargetSystem: 250, TargetComponent: 190, Count: n, OpaqueId: id}
}

func planItem(p *vehicles.Plan, n int) message.Message {
	i := &p.Items[n]
	return &ardupilotmega.MessageMissionItemInt{
		TargetSystem: 250, TargetComponent: 190, Seq: uint16(n), MissionType: common.MAV_MISSION_TYPE(p.Kind), Command: common.MAV_CMD(i.Command),
		Frame: common.MAV_FRAME(i.Frame), Autocontinue: 1, Param4: i.Params[3], X: i.X, Y: i.Y, Z: i.Z,
	}
}

// TestLateAcknowledgement: one of the plan before, which comes when a new one
// begins, is not that of the new one.
func TestLateAcknowledgement(t *testing.T) {
	for _, late := range []PlanResult{PlanAccepted, PlanFailed, PlanInvalidSequence, PlanCancelled} {
		t.Run(late.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, v, b := boarded(t, autopilotPX4, sim.PlanFaults{})
				honest := v.answer
				v.answer = func(m message.Message) []message.Message {
					out := honest(m)
					if _, first := m.(*ardupilotmega.MessageMissionCount); first {
						out = append([]message.Message{planAck(vehicles.PlanMission, late)}, out...)
					}
					return out
				}
				if _, err := e.Upload(t.Context(), handle, mission(5), nil); err != nil {
					t.Fatal(err)
				}
				if n := len(b.Plan(vehicles.PlanMission).Items); n != 5 {
					t.Errorf("%d items on board", n)
				}
			})
		})
	}
}

// TestNoIsHeardSoon: a vehicle that says nothing but no is not asked for as long
// as one that says nothing.
func TestNoIsHeardSoon(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(m message.Message) message.Message
		item   int
		result PlanResult
		took   time.Duration
	}{
		{"to the number of items", func(m message.Message) message.Message { return planAck(vehicles.PlanMission, PlanFailed) }, -1, PlanFailed, 2 * openTime},
		{"to an item", func(m message.Message) message.Message {
			if _, ok := m.(*ardupilotmega.MessageMissionCount); ok {
				return &ardupilotmega.MessageMissionRequestInt{TargetSystem: 250, TargetComponent: 190}
			}
			return planAck(vehicles.PlanMission, PlanInvalidSequence)
		}, 0, PlanInvalidSequence, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := newPair(t, Config{}, func(m message.Message) []message.Message { return []message.Message{c.answer(m)} })
				e.peers.get(handle).autopilot = autopilotPX4
				begin := time.Now()
				_, err := e.Upload(t.Context(), handle, mission(3), nil)
				var r *PlanRefusal
				if !errors.As(err, &r) || r.Item != c.item || r.Result != c.result {
					t.Fatalf("got %v", err)
				}
				if took := time.Since(begin) - textTime; took > c.took+100*time.Millisecond {
					t.Errorf("took %v, want %v", took, c.took)
				}
			})
		})
	}
}

// TestNothingMovesOn: a vehicle that asks for one item for ever is given up.
func TestNothingMovesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := newPair(t, Config{}, func(m message.Message) []message.Message {
			return []message.Message{&ardupilotmega.MessageMissionRequestInt{TargetSystem: 250, TargetComponent: 190}}
		})
		begin := time.Now()
		if _, err := e.Upload(t.Context(), handle, mission(3), nil); !errors.Is(err, ErrNoAnswer) {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > stallTime+time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestReadPlanOfOddVehicles: a plan that changes is read anew, one that is too long
// or refused is an error, and nothing of another kind becomes part of it.
func TestReadPlanOfOddVehicles(t *testing.T) {
	first, second := mission(2), mission(4)
	second.Items[0].Z = 99
	asked := func(m message.Message) int {
		if r, ok := m.(*ardupilotmega.MessageMissionRequestInt); ok {
			return int(r.Seq)
		}
		return -1
	}
	other := fence(0)
	for _, c := range []struct {
		name   string
		answer func(m message.Message) []message.Message
		want   *vehicles.Plan
		id     uint32
		err    error
	}{
		{"changes", func() func(m message.Message) []message.Message {
			now, id := &first, uint32(1)
			return func(m message.Message) []message.Message {
				switch n := asked(m); {
				case n == 1 && id == 1: // somebody uploads another one
					now, id = &second, 2
					return []message.Message{planCount(4, 2)}
				case n >= 0:
					return []message.Message{planItem(now, n)}
				}
				return []message.Message{planCount(2, 1), planCount(2, 1)}
			}
		}(), &second, 2, nil},
		{"is endless", func(m message.Message) []message.Message { return []message.Message{planCount(65535, 1)} }, nil, 0, vehicles.ErrPlan},
		{"unsupported", func(m message.Message) []message.Message {
			return []message.Message{planAck(vehicles.PlanMission, PlanUnsupported)}
		}, nil, 0, ErrRefused},
		{"no such item", func(m message.Message) []message.Message {
			if asked(m) < 0 {
				return []message.Message{planCount(2, 1)}
			}
			return []message.Message{planAck(vehicles.PlanMission, PlanFailed)}
		}, nil, 0, ErrRefused},
		{"mixes kinds", func(m message.Message) []message.Message {
			if n := asked(m); n >= 0 {
				return []message.Message{planItem(&other, n), planItem(&first, n)}
			}
			return []message.Message{planCount(2, 1)}
		}, &first, 1, nil},
		{"counts for ever", func() func(m message.Message) []message.Message {
			n := uint32(0)
			return func(m message.Message) []message.Message {
				n++
				return []message.Message{planCount(3, n)}
			}
		}(), nil, 0, ErrNoAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := newPair(t, Config{}, c.answer)
				e.peers.get(handle).autopilot = autopilotPX4
				got, id, err := e.ReadPlan(t.Context(), handle, vehicles.PlanMission)
				if !errors.Is(err, c.err) {
					t.Fatalf("got %v, want %v", err, c.err)
				}
				if err == nil && (id != c.id || c.want.Differs(&got, autopilotPX4) != nil) {
					t.Errorf("read %+v, id %d", got, id)
				}
			})
		})
	}
}
