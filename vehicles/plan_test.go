package vehicles

import (
	"errors"
	"math"
	"testing"
)

var nan = float32(math.NaN())

func waypoint() PlanItem {
	return PlanItem{Command: 16, Frame: FrameRelativeInt, Params: [4]float32{0, 2, 0, nan}, X: 309000000, Y: 1219300000, Z: 40, Autocontinue: true}
}

// TestPlanDiffers: what an autopilot may make of a number is no difference, and
// everything that the vehicle would do in another way is one.
func TestPlanDiffers(t *testing.T) {
	const px4 = 12
	for _, c := range []struct {
		name      string
		autopilot uint8
		change    func(*PlanItem)
		want      string // field; "": none
	}{
		{"the same", px4, func(*PlanItem) {}, ""},
		{"truncated position", px4, func(i *PlanItem) { i.X--; i.Y -= 3 }, ""},
		{"4 cm away", px4, func(i *PlanItem) { i.X -= 4 }, "x"},
		{"4 cm to the east", px4, func(i *PlanItem) { i.Y += 4 }, "y"},
		{"height in centimetres", px4, func(i *PlanItem) { i.Z = 39.995 }, ""},
		{"another height", px4, func(i *PlanItem) { i.Z = 39.9 }, "z"},
		{"no height", px4, func(i *PlanItem) { i.Z = nan }, "z"},
		{"frame without INT", px4, func(i *PlanItem) { i.Frame = FrameGlobalRelative }, ""},
		{"above the sea", px4, func(i *PlanItem) { i.Frame = FrameGlobalInt }, "frame"},
		{"without a position", px4, func(i *PlanItem) { i.Frame = FrameMission }, "frame"},
		{"another command", px4, func(i *PlanItem) { i.Command = 17 }, "command"},
		{"parameter dropped", AutopilotArduPilot, func(i *PlanItem) { i.Params[1] = 0 }, "param2"},
		{"parameter not set, ArduPilot", AutopilotArduPilot, func(i *PlanItem) { i.Params[3] = 0 }, ""},
		{"parameter not set, PX4", px4, func(i *PlanItem) { i.Params[3] = 0 }, "param4"},
		{"parameter set by itself", AutopilotArduPilot, func(i *PlanItem) { i.Params[3] = 90 }, "param4"},
		{"current", px4, func(i *PlanItem) { i.Current = true }, ""},
		{"stops there", px4, func(i *PlanItem) { i.Autocontinue = false }, "autocontinue"},
	} {
		sent, stored := Plan{Items: []PlanItem{waypoint(), waypoint()}}, Plan{Items: []PlanItem{waypoint(), waypoint()}}
		c.change(&stored.Items[1])
		d := sent.Differs(&stored, c.autopilot)
		switch {
		case d == nil && c.want != "", d != nil && d.Field != c.want:
			t.Errorf("%s: %v, want %q", c.name, d, c.want)
		case d != nil && d.Item != 1:
			t.Errorf("%s: item %d", c.name, d.Item)
		}
	}
	short, long := Plan{Items: []PlanItem{waypoint()}}, Plan{Items: []PlanItem{waypoint(), waypoint()}}
	if d := long.Differs(&short, px4); d == nil || d.Field != "count" || d.Sent != 2 || d.Stored != 1 {
		t.Errorf("an item too few: %v", d)
	}
	if d := long.Differs(&Plan{Kind: PlanRally, Items: long.Items}, px4); d == nil || d.Field != "kind" {
		t.Errorf("another kind: %v", d)
	}
}

// TestPlanDiffersOnlyInForm: items of a fence have no height, commands without a
// position have exact numbers.
func TestPlanDiffersOnlyInForm(t *testing.T) {
	vertex := PlanItem{Command: FencePolygonInclusion, Frame: FrameGlobalInt, Params: [4]float32{3}, X: 1, Y: 1}
	moved := vertex
	moved.Frame, moved.Z = FrameGlobalRelative, 12
	if d := (&Plan{Kind: PlanFence, Items: []PlanItem{vertex}}).Differs(&Plan{Kind: PlanFence, Items: []PlanItem{moved}}, 3); d != nil {
		t.Error("height of a fence:", d)
	}
	speed := PlanItem{Command: 178, Frame: FrameMission, Params: [4]float32{1, 5}, X: 7}
	other := speed
	other.Frame = FrameGlobal
	if d := (&Plan{Items: []PlanItem{speed}}).Differs(&Plan{Items: []PlanItem{other}}, 3); d != nil {
		t.Error("frame of a command without position:", d)
	}
	climb := PlanItem{Command: 30, Frame: FrameRelativeInt, Z: 40.258}
	for frame, field := range map[uint8]string{FrameGlobalRelative: "", FrameGlobal: "frame"} {
		kept := climb
		kept.Frame, kept.Z = frame, 40.25
		if d := (&Plan{Items: []PlanItem{climb}}).Differs(&Plan{Items: []PlanItem{kept}}, 3); (d != nil) != (field != "") || d != nil && d.Field != field {
			t.Errorf("height to change to, frame %d: %v", frame, d)
		}
	}
	other.X = 8
	if d := (&Plan{Items: []PlanItem{speed}}).Differs(&Plan{Items: []PlanItem{other}}, 3); d == nil || d.Field != "x" {
		t.Error("parameter 5:", d)
	}
}

func polygon(command uint16, says float32, n int) []PlanItem {
	var out []PlanItem
	for k := range n {
		out = append(out, PlanItem{Command: command, Frame: FrameGlobalInt, Params: [4]float32{says}, X: int32(k), Y: int32(k * k)})
	}
	return out
}

func TestPlanCheck(t *testing.T) {
	circle := PlanItem{Command: FenceCircleExclusion, Frame: FrameGlobalInt, Params: [4]float32{50}}
	in, out := uint16(FencePolygonInclusion), uint16(FencePolygonExclusion)
	join := func(parts ...[]PlanItem) (all []PlanItem) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	far := waypoint()
	far.X = 910000000
	for _, c := range []struct {
		name  string
		kind  PlanKind
		items []PlanItem
		item  int // that is wrong; -2: none
	}{
		{"nothing", PlanFence, nil, -2},
		{"mission", PlanMission, []PlanItem{waypoint(), {Command: 20, Frame: FrameMission}}, -2},
		{"fence", PlanFence, join(polygon(in, 4, 4), polygon(out, 3, 3), polygon(out, 3, 3), []PlanItem{circle}), -2},
		{"four announced, two sent", PlanFence, polygon(in, 4, 2), 1},
		{"cut by another polygon", PlanFence, join(polygon(in, 4, 3), polygon(out, 3, 3)), 3},
		{"one vertex too many", PlanFence, polygon(in, 3, 4), 3},
		{"two vertices", PlanFence, polygon(in, 2, 2), 0},
		{"half a vertex", PlanFence, polygon(in, 3.5, 4), 0},
		{"no number of vertices", PlanFence, polygon(in, nan, 4), 0},
		{"circle without radius", PlanFence, []PlanItem{{Command: FenceCircleInclusion}}, 0},
		{"waypoint in a fence", PlanFence, []PlanItem{circle, waypoint()}, 1},
		{"fence in a mission", PlanMission, []PlanItem{waypoint(), circle}, 1},
		{"rally points", PlanRally, []PlanItem{{Command: RallyPoint, Frame: FrameRelativeInt, Z: 40}}, -2},
		{"rally point nowhere", PlanRally, []PlanItem{{Command: RallyPoint, Frame: FrameMission, Z: 40}}, 0},
		{"rally point without height", PlanRally, []PlanItem{{Command: RallyPoint, Frame: FrameRelativeInt, Z: nan}}, 0},
		{"not on the earth", PlanMission, []PlanItem{waypoint(), far}, 1},
		{"too many", PlanMission, make([]PlanItem, MaxPlanItems+1), -1},
		{"kind", planKinds, nil, -1},
	} {
		err := (&Plan{Kind: c.kind, Items: c.items}).Check()
		var e *PlanError
		if !errors.As(err, &e) {
			if c.item != -2 {
				t.Errorf("%s: no error", c.name)
			}
			continue
		}
		if e.Item != c.item || !errors.Is(err, ErrPlan) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestPlanKindNames(t *testing.T) {
	for k := range planKinds {
		if got, ok := ParsePlanKind(k.String()); !ok || got != k {
			t.Errorf("%v is read as %v, %v", k, got, ok)
		}
	}
	if _, ok := ParsePlanKind("all"); ok {
		t.Error("there is no kind of that name")
	}
}
