package dialogue

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/telemetry/sim"
	"testzone/vehicles"
)

const (
	testTicks = 50 * time.Millisecond
)

var notSet = float32(math.NaN())

// mission is n waypoints; fence is a square and n circles.
func mission(n int) vehicles.Plan {
	p := vehicles.Plan{}
	for k := range n {
		p.Items = append(p.Items, vehicles.PlanItem{
			Command: 16, Frame: vehicles.FrameRelativeInt, Params: [4]float32{3: notSet},
			X: 309000000 + int32(k)*1000, Y: 1219300000 - int32(k)*999, Z: 40.25 + float32(k%7), Autocontinue: true,
		})
	}
	return p
}

func fence(n int) vehicles.Plan {
	p := vehicles.Plan{Kind: vehicles.PlanFence}
	for k := range 4 {
		p.Items = append(p.Items, vehicles.PlanItem{
			Command: vehicles.FencePolygonInclusion, Frame: vehicles.FrameGlobalInt, Params: [4]float32{4},
			X: 309000000 + int32(k/2)*50000, Y: 1219300000 + int32((k+1)/2%2)*50000,
		})
	}
	for k := range n {
		p.Items = append(p.Items, vehicles.PlanItem{
			Command: vehicles.FenceCircleExclusion, Frame: vehicles.FrameGlobalInt, Params: [4]float32{20.5}, X: 309010000 + int32(k), Y: 1219310000,
		})
	}
	return p
}

func rally() vehicles.Plan {
	return vehicles.Plan{Kind: vehicles.PlanRally, Items: []vehicles.PlanItem{
		{Command: vehicles.RallyPoint, Frame: vehicles.FrameRelativeInt, X: 309000000, Y: 1219300000, Z: 30},
	}}
}

// boarded is an Exchange with a vehicle that stores plans, until the test ends.
func boarded(t *testing.T, autopilot uint8, faults sim.PlanFaults) (*Exchange, *vehicle, *sim.Board) {
	t.Helper()
	b := sim.NewBoard(9, autopilot, vehicles.PlanItem{X: 308000000, Y: 1218000000, Z: 4}, faults)
	begin := time.Now()
	us := sim.Station{System: 250, Component: 190}
	e, v := newPair(t, Config{}, func(m message.Message) []message.Message {
		out, _ := b.Hear(us, m, time.Since(begin))
		return out
	})
	e.peers.get(handle).autopilot = autopilot
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() {
		tick := time.NewTicker(testTicks)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				for _, m := range b.Tick(time.Since(begin)) {
					v.say(m)
				}
			}
		}
	}()
	return e, v, b
}

// TestUpload: what a vehicle takes it carries, whatever its autopilot, the form of
// its requests and the kind of plan; home is no item of anybody's plan.
func TestUpload(t *testing.T) {
	for _, c := range []struct {
		name      string
		autopilot uint8
		plan      vehicles.Plan
		faults    sim.PlanFaults
	}{
		{"mission, ArduPilot", autopilotArduPilot, mission(20), sim.PlanFaults{}},
		{"mission, PX4", autopilotPX4, mission(20), sim.PlanFaults{}},
		{"fence, ArduPilot", autopilotArduPilot, fence(3), sim.PlanFaults{}},
		{"fence, PX4", autopilotPX4, fence(3), sim.PlanFaults{}},
		{"rally points", autopilotArduPilot, rally(), sim.PlanFaults{}},
		{"one item", autopilotPX4, mission(1), sim.PlanFaults{}},
		{"nothing, ArduPilot", autopilotArduPilot, mission(0), sim.PlanFaults{}},
		{"nothing, PX4", autopilotPX4, vehicles.Plan{Kind: vehicles.PlanFence}, sim.PlanFaults{}},
		{"old requests", autopilotArduPilot, mission(20), sim.PlanFaults{Legacy: true}},
		{"goes back to the first", autopilotPX4, mission(20), sim.PlanFaults{Backwards: true}},
		{"loses every third", autopilotPX4, mission(20), sim.PlanFaults{LoseEvery: 3}},
		{"loses every third, ArduPilot", autopilotArduPilot, mission(20), sim.PlanFaults{LoseEvery: 3}},
		{"slow", autopilotArduPilot, mission(20), sim.PlanFaults{Slow: 700 * time.Millisecond}},
		{"slower than a request", autopilotPX4, mission(20), sim.PlanFaults{Slow: 1200 * time.Millisecond}},
		{"does not acknowledge", autopilotPX4, mission(20), sim.PlanFaults{KeepsSilent: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _, b := boarded(t, c.autopilot, c.faults)
				before := mission(3)
				before.Kind = c.plan.Kind
				if c.plan.Kind == vehicles.PlanMission {
					if _, err := e.Upload(t.Context(), handle, before, nil); err != nil {
						t.Fatal(err)
					}
				}
				var last, total int
				got, err := e.Upload(t.Context(), handle, c.plan, func(done, of int) {
					if done < last {
						t.Errorf("progress goes back from %d to %d", last, done)
					}
					last, total = done, of
				})
				if err != nil {
					t.Fatal(err)
				}
				stored := b.Plan(c.plan.Kind)
				if d := c.plan.Differs(&stored, c.autopilot); d != nil {
					t.Fatal(d)
				}
				if got.Items != len(c.plan.Items) || (got.OpaqueID == 0) != (got.Items == 0) {
					t.Errorf("receipt %+v", got)
				}
				if last != 2*len(c.plan.Items) || total != last {
					t.Errorf("progress ends at %d of %d", last, total)
				}
				read, id, err := e.ReadPlan(t.Context(), handle, c.plan.Kind)
				if err != nil || id != got.OpaqueID {
					t.Errorf("read id %d, %v; receipt %+v", id, err, got)
				}
				if d := c.plan.Differs(&read, c.autopilot); d != nil {
					t.Error(d)
				}
				if p := e.peers.get(handle); len(p.boxes) != 0 || len(p.pending) != 0 {
					t.Error("something is left behind")
				}
			})
		})
	}
}

// TestUploadFails: every way in which it goes wrong is an error that names the
// item, and never a receipt.
func TestUploadFails(t *testing.T) {
	bad := fence(0)
	bad.Items = bad.Items[:2]
	for _, c := range []struct {
		name      string
		autopilot uint8
		plan      vehicles.Plan
		faults    sim.PlanFaults
		want      error
		item      int // of a refusal or a difference
		result    PlanResult
		text      string
	}{
		{"refuses an item", autopilotPX4, mission(20), sim.PlanFaults{Reject: 13, RejectWith: 10}, ErrRefused, 12, PlanInvalidX, "item 13 (command 16): the latitude"},
		{"refuses an item, ArduPilot", autopilotArduPilot, mission(20), sim.PlanFaults{Reject: 13, RejectWith: 3}, ErrRefused, 12, PlanUnsupported, "item 13"},
		{"refuses the first, ArduPilot", autopilotArduPilot, mission(20), sim.PlanFaults{Reject: 1, RejectWith: 2}, ErrRefused, 0, PlanUnsupportedFrame, "item 1 "},
		{"refuses the last", autopilotPX4, mission(20), sim.PlanFaults{Reject: 20, RejectWith: 5}, ErrRefused, 19, PlanInvalid, "item 20 "},
		{"cancels", autopilotPX4, mission(20), sim.PlanFaults{Reject: 13, RejectWith: 15}, ErrRefused, 12, PlanCancelled, "cancelled"},
		{"waits for another item for ever", autopilotPX4, mission(20), sim.PlanFaults{Reject: 13, RejectWith: 13}, ErrRefused, 12, PlanInvalidSequence, "item 13"},
		{"no room", autopilotPX4, mission(20), sim.PlanFaults{Room: 10}, ErrRefused, -1, PlanNoSpace, "no room"},
		{"no room, ArduPilot", autopilotArduPilot, mission(11), sim.PlanFaults{Room: 10}, ErrRefused, -1, PlanNoSpace, "refuses the mission: "},
		{"stores something else", autopilotPX4, mission(20), sim.PlanFaults{StoreElse: 7}, ErrStored, 6, 0, "item 7, x: sent 3.09006e+08, stored 3.090069e+08"},
		{"stores something else, ArduPilot", autopilotArduPilot, fence(3), sim.PlanFaults{StoreElse: 1}, ErrStored, 0, 0, "another fence"},
		{"makes no sense", autopilotPX4, bad, sim.PlanFaults{}, vehicles.ErrPlan, 0, 0, "4 vertices"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, v, _ := boarded(t, c.autopilot, c.faults)
				got, err := e.Upload(t.Context(), handle, c.plan, nil)
				if !errors.Is(err, c.want) || got != (Receipt{}) {
					t.Fatalf("got %+v, %v, want %v", got, err, c.want)
				}
				var r *PlanRefusal
				if errors.As(err, &r) && (r.Item != c.item || r.Result != c.result || r.Vehicle != "uav-9" || r.Kind != c.plan.Kind) {
					t.Errorf("refusal %+v", r)
				}
				var d *PlanDiffers
				if errors.As(err, &d) && (d.Item != c.item || d.Vehicle != "uav-9") {
					t.Errorf("difference %+v", d)
				}
				if !strings.Contains(err.Error(), c.text) {
					t.Errorf("it says %q, want %q in it", err, c.text)
				}
				if c.want == vehicles.ErrPlan && len(v.all()) != 0 {
					t.Error("it was sent all the same")
				}
			})
		})
	}
}

// TestTransferEnds: a vehicle that falls silent, restarts or goes, and people who
// change their mind, end a transfer; each says so.
func TestTransferEnds(t *testing.T) {
	changed := errors.New("changed their mind")
	for _, c := range []struct {
		name string
		want error
		do   func(e *Exchange, v *vehicle, cancel context.CancelCauseFunc)
		took time.Duration // at most, beyond what came before
	}{
		{"silent", ErrNoAnswer, func(e *Exchange, v *vehicle, _ context.CancelCauseFunc) {
			v.setWay(func() []time.Duration { return nil })
		}, 10 * time.Second},
		{"gone", ErrGone, func(e *Exchange, v *vehicle, _ context.CancelCauseFunc) { e.Close(handle) }, 0},
		{"restarted", ErrRestarted, func(e *Exchange, v *vehicle, _ context.CancelCauseFunc) {
			v.setWay(func() []time.Duration { return nil })
			e.Reports([]vehicles.Report{{Handle: handle, BootMS: 100_000}})
			e.Reports([]vehicles.Report{{Handle: handle, BootMS: 5_000}})
		}, time.Second},
		{"cancelled", changed, func(e *Exchange, v *vehicle, cancel context.CancelCauseFunc) { cancel(changed) }, 0},
		{"link busy for long", mavlink.ErrSendRate, func(e *Exchange, v *vehicle, _ context.CancelCauseFunc) {
			v.failNext(1000, mavlink.ErrSendRate)
		}, 6 * time.Second},
		{"not to be sent at all", mavlink.ErrTarget, func(e *Exchange, v *vehicle, _ context.CancelCauseFunc) {
			v.failNext(1, mavlink.ErrTarget)
		}, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, v, b := boarded(t, autopilotPX4, sim.PlanFaults{})
				ctx, cancel := context.WithCancelCause(t.Context())
				var at time.Time
				v.tenth = func() { at = time.Now(); c.do(e, v, cancel) }
				_, err := e.Upload(ctx, handle, mission(20), nil)
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "uav-9") {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				if took := time.Since(at); took > c.took {
					t.Errorf("took %v", took)
				}
				if len(b.Plan(vehicles.PlanMission).Items) != 0 {
					t.Error("it stored a plan that was not sent")
				}
				ack, told := v.all()[len(v.all())-1].(*ardupilotmega.MessageMissionAck)
				if told = told && ack.Type == common.MAV_MISSION_RESULT(PlanCancelled); told != (c.want == changed) {
					t.Errorf("cancelled: %v", told)
				}
			})
		})
	}
}

// TestOneTransferAtATime: a second one is refused, and does not disturb the first.
func TestOneTransferAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _, _ := boarded(t, autopilotArduPilot, sim.PlanFaults{})
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := e.Upload(t.Context(), handle, mission(20), nil); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if _, _, err := e.ReadPlan(t.Context(), handle, vehicles.PlanFence); !errors.Is(err, ErrPending) {
			t.Errorf("a second transfer: %v", err)
		}
		wg.Wait()
		if err := e.ClearPlan(t.Context(), handle, vehicles.PlanMission); err != nil {
			t.Error(err)
		}
		if got, id, err := e.ReadPlan(t.Context(), handle, vehicles.PlanMission); err != nil || len(got.Items) != 0 || id != 0 {
			t.Errorf("after clearing: %+v, %d, %v", got, id, err)
		}
	})
}

// TestTransferIsOurs: what is meant for somebody else, or for another kind of
// plan, moves nothing on.
func TestTransferIsOurs(t *testing.T) {
	request := func(system, component uint8, kind int) message.Message {
		return &ardupilotmega.MessageMissionRequestInt{TargetSystem: system, TargetComponent: component, MissionType: common.MAV_MISSION_TYPE(kind)}
	}
	done := func(system, component uint8, kind int) message.Message {
		return &ardupilotmega.MessageMissionAck{TargetSystem: system, TargetComponent: component, MissionType: common.MAV_MISSION_TYPE(kind)}
	}
	for _, c := range []struct {
		name    string
		kind    vehicles.PlanKind
		says    []message.Message
		vouched bool
		want    int // items that went out
	}{
		{"to us", vehicles.PlanFence, []message.Message{request(250, 190, 1)}, false, 1},
		{"to all components of us", vehicles.PlanFence, []message.Message{request(250, 0, 1)}, false, 1},
		{"to a ground station", vehicles.PlanFence, []message.Message{request(255, 190, 1)}, false, 0},
		{"to another component", vehicles.PlanFence, []message.Message{request(250, 1, 1)}, false, 0},
		{"to nobody", vehicles.PlanFence, []message.Message{request(0, 0, 1)}, false, 1},
		{"to nobody, behind a gateway", vehicles.PlanFence, []message.Message{request(0, 0, 1)}, true, 0},
		{"of a mission", vehicles.PlanFence, []message.Message{request(250, 190, 0)}, false, 0},
		{"without a kind, MAVLink 1", vehicles.PlanMission, []message.Message{request(250, 190, 0)}, false, 1},
		{"beyond the plan", vehicles.PlanFence, []message.Message{&ardupilotmega.MessageMissionRequestInt{TargetSystem: 250, TargetComponent: 190, Seq: 4, MissionType: 1}}, false, 0},
		{"accepted before anything came", vehicles.PlanFence, []message.Message{done(250, 190, 1)}, false, 0},
		{"an item that nobody asked for", vehicles.PlanFence, []message.Message{&ardupilotmega.MessageMissionItemInt{TargetSystem: 250, TargetComponent: 190, MissionType: 1}}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, v := newPair(t, Config{}, func(m message.Message) []message.Message {
					if _, ok := m.(*ardupilotmega.MessageMissionCount); ok {
						return c.says
					}
					return nil
				})
				e.peers.get(handle).autopilot = autopilotPX4
				v.route.Credential.Vouched = c.vouched
				plan := fence(0)
				if c.kind == vehicles.PlanMission {
					plan = mission(4)
				}
				if _, err := e.Upload(t.Context(), handle, plan, nil); !errors.Is(err, ErrNoAnswer) {
					t.Fatal(err)
				}
				n := 0
				for _, m := range v.all() {
					if i, ok := m.(*ardupilotmega.MessageMissionItemInt); ok && i.Seq == 0 {
						n = 1
					}
				}
				if n != c.want {
					t.Errorf("%d items went out, want %d", n, c.want)
				}
			})
		})
	}
}

// TestUploadOverPoorLinks: with a fifth lost each way, doubled and out of order,
// a thousand items arrive, and what is reported is what the vehicle carries.
func TestUploadOverPoorLinks(t *testing.T) {
	for _, autopilot := range []uint8{autopilotArduPilot, autopilotPX4} {
		for seed := range uint64(3) {
			synctest.Test(t, func(t *testing.T) {
				e, v, b := boarded(t, autopilot, sim.PlanFaults{})
				rng := rand.New(rand.NewPCG(seed, 7))
				var mu sync.Mutex
				v.setWay(func() (out []time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					for range 1 + rng.IntN(10)/9 {
						if rng.IntN(10) >= 2 {
							out = append(out, time.Duration(rng.IntN(120))*time.Millisecond)
						}
					}
					return out
				})
				plan := mission(300)
				_, err := e.Upload(t.Context(), handle, plan, nil)
				stored := b.Plan(vehicles.PlanMission)
				if d := plan.Differs(&stored, autopilot); err != nil || d != nil {
					t.Errorf("seed %d, autopilot %d: %v, %v", seed, autopilot, err, d)
				}
			})
		}
	}
}

// TestTransferPaces: a vehicle that answers at once is sent no more than the
// limits of one vehicle allow, and no less either.
func TestTransferPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, v, _ := boarded(t, autopilotPX4, sim.PlanFaults{})
		v.setWay(func() []time.Duration { return []time.Duration{0} })
		begin := time.Now()
		if _, err := e.Upload(t.Context(), handle, mission(1000), nil); err != nil {
			t.Fatal(err)
		}
		const messages = 2 + 2*1000 // two counts and twice the items
		if took, want := time.Since(begin), (messages-paceBurst)*paceEvery; took > want*11/10 || took < want*9/10 {
			t.Errorf("took %v, want %v", took, want)
		}
		for i := range v.at[:len(v.at)-200] {
			if d := v.at[i+200].Sub(v.at[i]); d < 900*time.Millisecond {
				t.Fatalf("200 messages in %v", d)
			}
		}
	})
}
