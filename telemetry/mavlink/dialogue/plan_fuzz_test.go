package dialogue

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/sim"
	"testzone/vehicles"
)

// whim is a vehicle that answers as its bytes say: honestly, not at all, twice,
// what somebody else asked, or anything else of the protocol.
type whim struct {
	board *sim.Board
	bytes []byte
	mine  map[uint16][]vehicles.PlanItem // those that could be of a read-back
}

func (w *whim) next() byte {
	if len(w.bytes) == 0 {
		return 0
	}
	b := w.bytes[0]
	w.bytes = w.bytes[1:]
	return b
}

// answer says something to a message; at its end of bytes it is honest.
func (w *whim) answer(m message.Message, at time.Duration) (out []message.Message) {
	honest, _ := w.board.Hear(sim.Station{System: 250, Component: 190}, m, at)
	switch w.next() % 8 {
	case 1: // it got lost
	case 2:
		out = append(honest, honest...)
	case 3:
		out = append(honest, w.anything())
	case 4:
		out = []message.Message{w.anything()}
	case 5:
		out = append([]message.Message{w.anything(), w.anything()}, honest...)
	default:
		out = honest
	}
	for _, m := range out {
		if i, ok := m.(*ardupilotmega.MessageMissionItemInt); ok {
			w.mine[i.Seq] = append(w.mine[i.Seq], itemOf(i))
		}
	}
	return out
}

func (w *whim) anything() message.Message {
	to := [...]uint8{250, 250, 250, 255, 0}[w.next()%5]
	seq, kind, result := uint16(w.next()%8), common.MAV_MISSION_TYPE(w.next()%4), common.MAV_MISSION_RESULT(w.next()%17)
	switch w.next() % 6 {
	case 0:
		return &ardupilotmega.MessageMissionRequestInt{TargetSystem: to, TargetComponent: 190, Seq: seq, MissionType: kind}
	case 1:
		return &ardupilotmega.MessageMissionRequest{TargetSystem: to, TargetComponent: 190, Seq: seq, MissionType: kind}
	case 2:
		return &ardupilotmega.MessageMissionAck{TargetSystem: to, TargetComponent: 190, Type: result, MissionType: kind}
	case 3:
		return &ardupilotmega.MessageMissionCount{TargetSystem: to, TargetComponent: 190, Count: seq * uint16(w.next()), MissionType: kind, OpaqueId: uint32(w.next())}
	case 4:
		i := mission(int(seq) + 1).Items[seq]
		i.X += int32(w.next() % 2 * 10)
		return &ardupilotmega.MessageMissionItemInt{
			TargetSystem: to, TargetComponent: 190, Seq: seq, MissionType: kind, Command: common.MAV_CMD(i.Command), Frame: common.MAV_FRAME(i.Frame),
			Autocontinue: 1, Param4: i.Params[3], X: i.X, Y: i.Y, Z: i.Z,
		}
	}
	return says(ardupilotmega.MAV_SEVERITY(w.next()%8), "whim")
}

// FuzzUpload: whatever a vehicle says, in whatever order, an upload ends, and it
// succeeds only if the vehicle said every item as it was sent.
func FuzzUpload(f *testing.F) {
	f.Add(uint8(5), uint8(3), []byte{})
	f.Add(uint8(5), uint8(12), []byte{1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 2, 3, 0, 1, 0, 0, 2})
	f.Add(uint8(0), uint8(12), []byte{4, 0, 0, 0, 0, 2, 5, 0, 0, 0, 0, 3, 9, 1})
	f.Add(uint8(3), uint8(3), []byte{4, 0, 0, 0, 0, 2, 4, 0, 3, 0, 0, 3, 1, 1, 4, 0, 0, 0, 0, 4, 0, 4, 0, 1, 0, 0, 4, 1, 4, 0, 2, 0, 0, 4, 0})
	f.Fuzz(func(t *testing.T, n, autopilot uint8, script []byte) {
		if len(script) > 400 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			w := &whim{
				board: sim.NewBoard(9, autopilot, vehicles.PlanItem{}, sim.PlanFaults{}), bytes: script, mine: map[uint16][]vehicles.PlanItem{},
			}
			var mu sync.Mutex
			begin := time.Now()
			e, _ := newPair(t, Config{}, func(m message.Message) []message.Message {
				mu.Lock()
				defer mu.Unlock()
				return w.answer(m, time.Since(begin))
			})
			e.peers.get(handle).autopilot = autopilot
			plan := mission(int(n % 6))
			_, err := e.Upload(t.Context(), handle, plan, nil)
			if p := e.peers.get(handle); len(p.boxes) != 0 || len(p.pending) != 0 {
				t.Error("something is left behind")
			}
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			homes := 0
			if autopilot == autopilotArduPilot {
				homes = 1
			}
			for k := range plan.Items {
				if !said(w.mine[uint16(k+homes)], &plan, k, autopilot) {
					t.Fatalf("it succeeds, and the vehicle never said item %d as it was sent", k+1)
				}
			}
		})
	})
}

// said reports whether one of the items means what item k of the plan does.
func said(items []vehicles.PlanItem, plan *vehicles.Plan, k int, autopilot uint8) bool {
	for _, i := range items {
		if (&vehicles.Plan{Items: plan.Items[k : k+1]}).Differs(&vehicles.Plan{Items: []vehicles.PlanItem{i}}, autopilot) == nil {
			return true
		}
	}
	return false
}
