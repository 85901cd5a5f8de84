package sim

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

// PlanFaults is what a vehicle does wrong with plans. Items count from 1, as
// people count them; 0 is none.
type PlanFaults struct {
	LoseEvery   int           // of its messages each n-th is not sent
	Legacy      bool          // asks by MISSION_REQUEST
	Backwards   bool          // asks for the first item again in the middle
	Reject      int           // this item, with RejectWith
	RejectWith  uint8         // MAV_MISSION_RESULT
	StoreElse   int           // this item 10 m to the north
	Slow        time.Duration // before each of its messages
	RestartAt   int           // restarts when it gets this item, once
	Room        int           // items of each kind; default 2,000
	KeepsSilent bool          // stores, and never acknowledges
}

// The results that a Board gives: MAV_MISSION_RESULT.
const (
	planAccepted = iota
	planError
	planFrame
	planUnsupported
	planNoSpace
	planInvalid
	planParam1
	planSequence  = 13
	planDenied    = 14
	planCancelled = 15
)

const (
	askAgain   = 250 * time.Millisecond
	giveUp     = 8 * time.Second
	autopilot3 = vehicles.AutopilotArduPilot
)

// Station is who sent a message.
type Station struct{ System, Component uint8 }

// Board stores the plans of one vehicle as its autopilot does: it asks for the
// items of a plan one after the other, takes nothing that it did not ask for,
// checks each, and keeps the plan when all of it has come. It behaves as
// ArduPilot (home is item 0 of a mission, no NaN, an acknowledgement for what it
// did not ask for) or as PX4. Times are since its start. Safe for concurrent use.
type Board struct {
	sys       uint8
	autopilot uint8
	restart   func() // nil: nobody wants to know

	mu       sync.Mutex // guards the fields below
	faults   PlanFaults
	home     vehicles.PlanItem
	plans    [3]plan
	ids      uint32 // the newest opaque id
	seq      int    // item of the mission that the vehicle is at
	in       *incoming
	late     []lateMessage
	said     int
	strange  uint64
	repeated uint64
}

// plan is what is stored of a kind.
type plan struct {
	items []vehicles.PlanItem
	id    uint32
}

// incoming is a plan that is uploaded.
type incoming struct {
	from  Station
	kind  vehicles.PlanKind
	items []vehicles.PlanItem
	total int
	asked time.Duration
	begun time.Duration // or the last item came
	back  bool          // it went back already
}

type lateMessage struct {
	due time.Duration
	msg message.Message
}

// NewBoard is the empty store of a vehicle with a system id and a MAV_AUTOPILOT.
func NewBoard(sys, autopilot uint8, home vehicles.PlanItem, faults PlanFaults) *Board {
	if faults.Room == 0 {
		faults.Room = 2000
	}
	home.Command, home.Frame, home.Autocontinue = 16, vehicles.FrameGlobal, true
	return &Board{sys: sys, autopilot: autopilot, home: home, faults: faults, ids: uint32(sys) << 16}
}

// Plan is what is stored of a kind, without home.
func (b *Board) Plan(k vehicles.PlanKind) vehicles.Plan {
	_, items := b.keeps(k)
	return vehicles.Plan{Kind: k, Items: slices.Clone(items)}
}

// Refused counts the messages of transfers that it did not take since they did not
// belong there, and those that came again.
func (b *Board) Refused() (refused, repeated uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.strange, b.repeated
}

// Current is what the vehicle says of its plans by itself.
func (b *Board) Current() *ardupilotmega.MessageMissionCurrent {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := &b.plans[vehicles.PlanMission]
	return &ardupilotmega.MessageMissionCurrent{
		Seq: uint16(b.seq + b.homes(vehicles.PlanMission)), Total: uint16(len(m.items)), MissionId: m.id,
		FenceId: b.plans[vehicles.PlanFence].id, RallyPointsId: b.plans[vehicles.PlanRally].id,
	}
}

// keeps is what is stored of a kind, with its number. The items must not be changed.
func (b *Board) keeps(k vehicles.PlanKind) (id uint32, items []vehicles.PlanItem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.plans[k].id, b.plans[k].items
}

// used reports whether it ever stored a plan.
func (b *Board) used() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ids != uint32(b.sys)<<16
}

func (b *Board) homes(k vehicles.PlanKind) int {
	if k == vehicles.PlanMission && b.autopilot == autopilot3 {
		return 1
	}
	return 0
}

// Hear takes a message and returns what the vehicle says to it now. ok=false: it
// is none of a plan, or for somebody else.
func (b *Board) Hear(from Station, m message.Message, now time.Duration) (out []message.Message, ok bool) {
	target, kind, ok := planMessage(m)
	if !ok || target != b.sys {
		return nil, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, all := m.(*ardupilotmega.MessageMissionClearAll); all {
		return b.say(now, b.clear(from, c.MissionType)), true
	}
	if kind > uint8(vehicles.PlanRally) {
		return b.say(now, b.ack(from, vehicles.PlanKind(kind), planUnsupported, 0)), true
	}
	return b.say(now, b.answer(from, vehicles.PlanKind(kind), m, now)), true
}

func (b *Board) answer(from Station, kind vehicles.PlanKind, m message.Message, now time.Duration) message.Message {
	switch m := m.(type) {
	case *ardupilotmega.MessageMissionCount:
		return b.begin(from, kind, int(m.Count), now)
	case *ardupilotmega.MessageMissionItemInt:
		return b.item(from, kind, m, now)
	case *ardupilotmega.MessageMissionRequestList:
		p := &b.plans[kind]
		n := len(p.items)
		if n > 0 || b.homes(kind) > 0 {
			n += b.homes(kind)
		}
		return &ardupilotmega.MessageMissionCount{
			TargetSystem: from.System, TargetComponent: from.Component, Count: uint16(n), MissionType: missionType(kind), OpaqueId: p.id,
		}
	case *ardupilotmega.MessageMissionRequestInt:
		return b.stored(from, kind, int(m.Seq))
	case *ardupilotmega.MessageMissionAck:
		if b.in != nil && b.in.from == from && m.Type == planCancelled && b.autopilot != autopilot3 {
			b.in = nil
		}
	}
	return nil
}

// begin takes the number of items of a plan to come.
func (b *Board) begin(from Station, kind vehicles.PlanKind, n int, now time.Duration) message.Message {
	switch {
	case b.in != nil && b.in.from != from:
		return b.ack(from, kind, planDenied, 0)
	case n > b.faults.Room+b.homes(kind):
		b.in = nil
		return b.ack(from, kind, planNoSpace, 0)
	case n == 0:
		b.store(kind, nil)
		return b.ack(from, kind, planAccepted, 0)
	}
	b.in = &incoming{from: from, kind: kind, total: n, begun: now}
	return b.ask(now)
}

// ask asks for the next item.
func (b *Board) ask(now time.Duration) message.Message {
	in := b.in
	seq := len(in.items)
	in.asked = now
	if b.faults.Backwards && !in.back && seq > in.total/2 {
		in.back, seq = true, 0
	}
	if b.faults.Legacy {
		return &ardupilotmega.MessageMissionRequest{
			TargetSystem: in.from.System, TargetComponent: in.from.Component, Seq: uint16(seq), MissionType: missionType(in.kind),
		}
	}
	return &ardupilotmega.MessageMissionRequestInt{
		TargetSystem: in.from.System, TargetComponent: in.from.Component, Seq: uint16(seq), MissionType: missionType(in.kind),
	}
}

func (b *Board) item(from Station, kind vehicles.PlanKind, m *ardupilotmega.MessageMissionItemInt, now time.Duration) message.Message {
	in := b.in
	if in == nil || in.from != from || in.kind != kind {
		b.repeated++ // the acknowledgement got lost, or the transfer was given up
		return b.ack(from, kind, planError, 0)
	}
	n := len(in.items)
	if int(m.Seq) != n {
		if int(m.Seq) < n {
			b.repeated++
		} else {
			b.strange++
		}
		if b.autopilot == autopilot3 && !in.back {
			return b.ack(from, kind, planSequence, 0)
		}
		return b.ask(now)
	}
	number := n + 1 - b.homes(kind)
	if b.faults.RestartAt != 0 && b.faults.RestartAt == number {
		b.faults.RestartAt, b.in = 0, nil
		if b.restart != nil {
			b.restart()
		}
		return nil
	}
	it := itemOf(m)
	result := b.judge(kind, n, &it)
	if b.faults.Reject != 0 && b.faults.Reject == number {
		result = b.faults.RejectWith
	}
	if result != planAccepted {
		return b.ack(from, kind, result, 0) // and waits for the item on
	}
	if b.faults.StoreElse != 0 && b.faults.StoreElse == number {
		it.X += 900
	}
	in.items, in.begun = append(in.items, it), now
	if len(in.items) < in.total {
		return b.ask(now)
	}
	items := in.items[b.homes(kind):]
	b.in = nil
	if b.autopilot == autopilot3 && (&vehicles.Plan{Kind: kind, Items: items}).Check() != nil {
		return b.ack(from, kind, planError, 0)
	}
	b.store(kind, items)
	return b.ack(from, kind, planAccepted, b.plans[kind].id)
}

// judge checks an item and makes it what this autopilot keeps of it.
func (b *Board) judge(kind vehicles.PlanKind, n int, it *vehicles.PlanItem) uint8 {
	if n < b.homes(kind) {
		return planAccepted // whatever it says: it becomes home
	}
	p, located := it.Point()
	switch it.Frame {
	case vehicles.FrameGlobal, vehicles.FrameGlobalInt, vehicles.FrameGlobalRelative, vehicles.FrameRelativeInt,
		vehicles.FrameTerrain, vehicles.FrameTerrainInt, vehicles.FrameMission:
	default:
		return planFrame
	}
	if located && !p.Valid() {
		return planInvalid
	}
	if b.autopilot != autopilot3 {
		return planAccepted
	}
	it.Autocontinue = true
	for i, v := range it.Params {
		if math.IsNaN(float64(v)) {
			return uint8(planParam1 + i)
		}
	}
	if kind == vehicles.PlanFence {
		it.Frame, it.Z = vehicles.FrameGlobal, 0
	} else if it.Frame == vehicles.FrameRelativeInt {
		it.Frame = vehicles.FrameGlobalRelative
	} else if it.Frame == vehicles.FrameGlobalInt {
		it.Frame = vehicles.FrameGlobal
	}
	it.Z = float32(math.Round(float64(it.Z)*100) / 100)
	return planAccepted
}

// store keeps a plan under a new number.
func (b *Board) store(kind vehicles.PlanKind, items []vehicles.PlanItem) {
	b.plans[kind] = plan{}
	if len(items) > 0 {
		b.ids++
		b.plans[kind] = plan{slices.Clone(items), b.ids}
	}
	if kind == vehicles.PlanMission {
		b.seq = 0
	}
}

// stored is an item that somebody reads.
func (b *Board) stored(from Station, kind vehicles.PlanKind, seq int) message.Message {
	items := b.plans[kind].items
	it := &b.home
	switch n := seq - b.homes(kind); {
	case n >= len(items) || seq < 0:
		b.strange++
		return b.ack(from, kind, planSequence, 0)
	case n >= 0:
		it = &items[n]
	}
	return &ardupilotmega.MessageMissionItemInt{
		TargetSystem: from.System, TargetComponent: from.Component, Seq: uint16(seq), MissionType: missionType(kind),
		Frame: common.MAV_FRAME(it.Frame), Command: common.MAV_CMD(it.Command), Autocontinue: oneIf(it.Autocontinue),
		Param1: it.Params[0], Param2: it.Params[1], Param3: it.Params[2], Param4: it.Params[3], X: it.X, Y: it.Y, Z: it.Z,
	}
}

func (b *Board) clear(from Station, kind common.MAV_MISSION_TYPE) message.Message {
	for k := range b.plans {
		if int(kind) == k || kind == common.MAV_MISSION_TYPE_ALL {
			b.store(vehicles.PlanKind(k), nil)
		}
	}
	b.in = nil
	return &ardupilotmega.MessageMissionAck{TargetSystem: from.System, TargetComponent: from.Component, MissionType: kind}
}

// ack is nil, too, for what the vehicle keeps silent about.
func (b *Board) ack(to Station, kind vehicles.PlanKind, result uint8, id uint32) message.Message {
	if b.faults.KeepsSilent {
		return nil
	}
	return &ardupilotmega.MessageMissionAck{
		TargetSystem: to.System, TargetComponent: to.Component, Type: common.MAV_MISSION_RESULT(result), MissionType: missionType(kind), OpaqueId: id,
	}
}

// say sends m, unless it gets lost, or later.
func (b *Board) say(now time.Duration, m message.Message) []message.Message {
	if m == nil {
		return nil
	}
	b.said++
	if e := b.faults.LoseEvery; e > 0 && b.said%e == 0 {
		return nil
	}
	if b.faults.Slow > 0 {
		b.late = append(b.late, lateMessage{now + b.faults.Slow, m})
		return nil
	}
	return []message.Message{m}
}

// Tick is what the vehicle says by itself: what it was slow with, and a request
// that got no answer.
func (b *Board) Tick(now time.Duration) (out []message.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.late) > 0 && b.late[0].due <= now {
		out = append(out, b.late[0].msg)
		b.late = b.late[1:]
	}
	switch in := b.in; {
	case in == nil || len(b.late) > 0 || now-in.asked < askAgain:
	case now-in.begun >= giveUp:
		b.in = nil
		out = append(out, b.say(now, b.ack(in.from, in.kind, planCancelled, 0))...)
	default:
		out = append(out, b.say(now, b.ask(now))...)
	}
	return out
}
