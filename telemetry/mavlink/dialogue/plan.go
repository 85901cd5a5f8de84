package dialogue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

// Receipt is what a vehicle carries after an upload: it was read back and means
// what was sent.
type Receipt struct {
	OpaqueID uint32 // of the plan, as in PlanIDs; 0: the vehicle numbers none
	Items    int
}

// PlanResult is MAV_MISSION_RESULT.
type PlanResult uint8

// The results of a transfer.
const (
	PlanAccepted PlanResult = iota
	PlanFailed
	PlanUnsupportedFrame
	PlanUnsupported
	PlanNoSpace
	PlanInvalid
	PlanInvalidParam1
	PlanInvalidParam2
	PlanInvalidParam3
	PlanInvalidParam4
	PlanInvalidX
	PlanInvalidY
	PlanInvalidZ
	PlanInvalidSequence
	PlanDenied
	PlanCancelled
)

var planResults = [...]string{
	"accepted", "it gives no reason", "it does not know the frame of the height", "it does not know the command",
	"it has no room for so many items", "it holds it for invalid", "parameter 1 is invalid", "parameter 2 is invalid",
	"parameter 3 is invalid", "parameter 4 is invalid", "the latitude (parameter 5) is invalid", "the longitude (parameter 6) is invalid",
	"the height (parameter 7) is invalid", "it waits for another item", "it takes none from here now", "the transfer was cancelled there",
}

func (r PlanResult) String() string {
	if int(r) < len(planResults) {
		return planResults[r]
	}
	return fmt.Sprintf("result %d", uint8(r))
}

// PlanRefusal is the error when a vehicle does not take or give a plan. What it
// carries then is not known: many write items as they come.
type PlanRefusal struct {
	Vehicle vehicles.VehicleID
	Kind    vehicles.PlanKind
	Item    int    // from 0, of the plan as it was given; -1: none of them
	Command uint16 // of the item; 0: none
	Result  PlanResult
	Said    string // by its STATUSTEXT meanwhile; ""
}

func (r *PlanRefusal) Error() string {
	at := ""
	if r.Item >= 0 {
		at = fmt.Sprintf(", item %d", r.Item+1)
	}
	if r.Command != 0 {
		at += fmt.Sprintf(" (command %d)", r.Command)
	}
	if r.Said != "" {
		return fmt.Sprintf("vehicle %s refuses the %s%s: %s: %q", r.Vehicle, r.Kind, at, r.Result, r.Said)
	}
	return fmt.Sprintf("vehicle %s refuses the %s%s: %s", r.Vehicle, r.Kind, at, r.Result)
}

// Is makes a PlanRefusal an ErrRefused.
func (r *PlanRefusal) Is(target error) bool { return target == ErrRefused }

// PlanDiffers is the error when a vehicle stored something else than it was sent.
type PlanDiffers struct {
	Vehicle vehicles.VehicleID
	Kind    vehicles.PlanKind
	vehicles.PlanDifference
}

func (d *PlanDiffers) Error() string {
	return fmt.Sprintf("vehicle %s stored another %s than it was sent: %s", d.Vehicle, d.Kind, &d.PlanDifference)
}

// Is makes a PlanDiffers an ErrStored.
func (d *PlanDiffers) Is(target error) bool { return target == ErrStored }

// Upload gives a vehicle a plan in place of the one of that kind that it has, and
// reads it back: without an error the vehicle carries what was sent. After any
// other error than those of vehicles.Plan.Check and ErrPending, what it carries
// is not known. progress is told how many steps of the transfer are done, sending
// and reading back each counting an item; nil: nobody asks.
//
// The errors are ErrRefused (*PlanRefusal), ErrStored (*PlanDiffers), ErrNoAnswer,
// ErrPending, ErrRestarted, ErrGone, vehicles.ErrPlan, those of
// mavlink.Sender.Send, and that of ctx, whose end tells the vehicle that the
// transfer is cancelled.
func (e *Exchange) Upload(ctx context.Context, h vehicles.Handle, plan vehicles.Plan, progress func(done, total int)) (Receipt, error) {
	if err := plan.Check(); err != nil {
		return Receipt{}, err
	}
	t, err := e.transfer(h, plan.Kind)
	if err != nil {
		return Receipt{}, err
	}
	defer t.close()
	t.steps(progress, 2*len(plan.Items))
	up := uploading(t, &plan)
	if len(plan.Items) == 0 {
		err = t.run(ctx, &clearing{t})
	} else {
		err = t.run(ctx, up)
	}
	// Without an answer to the last item only reading tells what became of it.
	if err != nil && !(up.sentAll() && (errors.Is(err, ErrNoAnswer) || errors.Is(err, ErrRefused))) {
		return Receipt{}, t.explain(ctx, err, "send")
	}
	unsure := err
	t.before = len(plan.Items)
	stored, id, err := t.read(ctx)
	if err != nil {
		return Receipt{}, t.explain(ctx, errors.Join(unsure, err), "read back")
	}
	if d := plan.Differs(&stored, t.p.autopilot); d != nil {
		if unsure != nil {
			return Receipt{}, t.explain(ctx, unsure, "send")
		}
		return Receipt{}, &PlanDiffers{t.p.vehicle, plan.Kind, *d}
	}
	return Receipt{id, len(stored.Items)}, nil
}

// ReadPlan reads what a vehicle carries, without what its autopilot adds for
// home, and the number that it gives the plan (0: none). Whether it makes sense
// vehicles.Plan.Check says. The errors are those of Upload but for ErrStored.
func (e *Exchange) ReadPlan(ctx context.Context, h vehicles.Handle, kind vehicles.PlanKind) (plan vehicles.Plan, opaqueID uint32, err error) {
	t, err := e.transfer(h, kind)
	if err != nil {
		return vehicles.Plan{}, 0, err
	}
	defer t.close()
	if plan, opaqueID, err = t.read(ctx); err != nil {
		return vehicles.Plan{}, 0, t.explain(ctx, err, "read")
	}
	return plan, opaqueID, nil
}

// ClearPlan has a vehicle forget what it carries of a kind, and reads that it
// did. The errors are those of Upload.
func (e *Exchange) ClearPlan(ctx context.Context, h vehicles.Handle, kind vehicles.PlanKind) error {
	_, err := e.Upload(ctx, h, vehicles.Plan{Kind: kind}, nil)
	return err
}

// explain says of which transfer an error is, and why the vehicle refused it.
func (t *transfer) explain(ctx context.Context, err error, verb string) error {
	if r := (*PlanRefusal)(nil); errors.As(err, &r) {
		r.Said = t.text.said(ctx, t.box)
		return r
	}
	return fmt.Errorf("%s the %s of vehicle %s: %w", verb, t.kind, t.p.vehicle, err)
}

// homes is how many items in front of a plan are not the plan's: ArduPilot has
// its home there.
func (t *transfer) homes() int {
	if t.kind == vehicles.PlanMission && t.p.autopilot == autopilotArduPilot {
		return 1
	}
	return 0
}

// upload is a plan on its way to a vehicle: the vehicle asks for the items.
type upload struct {
	*transfer
	items []vehicles.PlanItem // with home, where it belongs to them
	asked int                 // the item that the vehicle wants; -1: it asked for none yet
	high  int                 // the highest that it asked for
	sends []uint8             // how often each went out, 255 at most
}

// uploading takes a plan that was checked.
func uploading(t *transfer, plan *vehicles.Plan) *upload {
	u := &upload{transfer: t, asked: -1, high: -1}
	if t.homes() > 0 {
		u.items = append(u.items, vehicles.PlanItem{Command: 16, Autocontinue: true}) // the autopilot puts its own there
	}
	u.items = append(u.items, plan.Items...)
	u.sends = make([]uint8, len(u.items))
	return u
}

func (u *upload) sentAll() bool { return len(u.items) > 0 && u.sends[len(u.items)-1] > 0 }

func (u *upload) stage() stage {
	if u.asked < 0 {
		return opening
	}
	return items
}

func (u *upload) message(to address) message.Message {
	if u.asked < 0 {
		return &ardupilotmega.MessageMissionCount{
			TargetSystem: to.system, TargetComponent: to.component, Count: uint16(len(u.items)), MissionType: u.missionType(),
		}
	}
	return itemMessage(u.asked, &u.items[u.asked], u.transfer, to)
}

func (u *upload) sent() {
	if u.asked >= 0 && u.sends[u.asked] < 255 {
		u.sends[u.asked]++
	}
}

// take serves what the vehicle asks for, in whatever order, and as often.
func (u *upload) take(m message.Message) step {
	seq := -1
	switch m := m.(type) {
	case *ardupilotmega.MessageMissionRequestInt:
		seq = int(m.Seq)
	case *ardupilotmega.MessageMissionRequest:
		seq = int(m.Seq)
	case *ardupilotmega.MessageMissionAck:
		return u.acknowledged(PlanResult(m.Type))
	}
	if seq < 0 || seq >= len(u.items) {
		return step{}
	}
	u.asked = seq
	if seq <= u.high {
		return step{say: true}
	}
	u.high = seq
	u.done(seq - u.homes())
	return step{say: true, forward: true}
}

// acknowledged decides what an acknowledgement means. Of an earlier transfer, or
// of an item that went out twice, it is not the end of this one.
func (u *upload) acknowledged(r PlanResult) step {
	switch {
	case r == PlanAccepted && u.sentAll():
		return step{over: true}
	case r == PlanAccepted:
		return step{}
	}
	no := u.refusal(u.asked-u.homes(), r)
	if no.Item >= 0 {
		no.Command = u.items[u.asked].Command
	}
	lost := r == PlanFailed && u.sentAll() && u.sends[len(u.items)-1] > 1 // the acknowledgement of all, perhaps
	if !lost && (stray(r) || r == PlanCancelled && u.high < 1) {
		u.nay = no
		return step{}
	}
	if r == PlanCancelled && u.nay != nil {
		no = u.nay // what it cancels for
	}
	return step{over: true, err: no}
}

// stray reports whether a result may be the answer to what came late or twice, be
// it of an earlier transfer: it counts if nothing better follows.
func stray(r PlanResult) bool { return r == PlanFailed || r == PlanInvalidSequence }

func (u *upload) silent() error {
	if u.asked < 0 {
		return ErrNoAnswer
	}
	return fmt.Errorf("item %d of %d: %w", u.asked-u.homes()+1, len(u.items)-u.homes(), ErrNoAnswer)
}

// clearing has a vehicle forget a plan.
type clearing struct{ *transfer }

func (c *clearing) stage() stage { return opening }

func (c *clearing) message(to address) message.Message {
	return &ardupilotmega.MessageMissionClearAll{TargetSystem: to.system, TargetComponent: to.component, MissionType: c.missionType()}
}

func (c *clearing) sent() {}

func (c *clearing) take(m message.Message) step {
	ack, ok := m.(*ardupilotmega.MessageMissionAck)
	switch {
	case !ok:
		return step{}
	case ack.Type == 0:
		return step{over: true}
	}
	return step{over: true, err: c.refusal(-1, PlanResult(ack.Type))}
}

func (c *clearing) silent() error { return ErrNoAnswer }

// read reads the plan.
func (t *transfer) read(ctx context.Context) (vehicles.Plan, uint32, error) {
	d := &download{transfer: t, total: -1}
	if err := t.run(ctx, d); err != nil {
		return vehicles.Plan{}, 0, err
	}
	if to, err := t.address(); err == nil {
		_ = t.e.cfg.Sender.Send(t.p.handle, t.ackMessage(to, PlanAccepted)) // the vehicle does without, too
	}
	n := min(t.homes(), len(d.items))
	return vehicles.Plan{Kind: t.kind, Items: slices.Clip(d.items[n:])}, d.id, nil
}

// download is a plan on its way from a vehicle: it is asked for the items.
type download struct {
	*transfer
	total int // -1: not known yet
	id    uint32
	items []vehicles.PlanItem
	best  int // the most items that were read
}

func (d *download) stage() stage {
	if d.total < 0 {
		return opening
	}
	return items
}

func (d *download) message(to address) message.Message {
	if d.total < 0 {
		return &ardupilotmega.MessageMissionRequestList{TargetSystem: to.system, TargetComponent: to.component, MissionType: d.missionType()}
	}
	return &ardupilotmega.MessageMissionRequestInt{
		TargetSystem: to.system, TargetComponent: to.component, Seq: uint16(len(d.items)), MissionType: d.missionType(),
	}
}

func (d *download) sent() {}

func (d *download) take(m message.Message) step {
	switch m := m.(type) {
	case *ardupilotmega.MessageMissionCount:
		return d.counted(int(m.Count), m.OpaqueId)
	case *ardupilotmega.MessageMissionItemInt:
		if d.total < 0 || int(m.Seq) != len(d.items) {
			return step{}
		}
		d.items = append(d.items, itemOf(m))
		forward := len(d.items) > d.best
		d.best = max(d.best, len(d.items))
		d.done(d.before + len(d.items) - d.homes())
		return step{over: len(d.items) == d.total, say: true, forward: forward}
	case *ardupilotmega.MessageMissionAck:
		switch r, no := PlanResult(m.Type), d.refusal(len(d.items)-d.homes(), PlanResult(m.Type)); {
		case r == PlanAccepted:
		case stray(r):
			d.nay = no
		default:
			return step{over: true, err: no}
		}
	}
	return step{}
}

// counted begins to read; another number than before is that of another plan,
// which somebody else uploads meanwhile.
func (d *download) counted(n int, id uint32) step {
	if n > vehicles.MaxPlanItems+d.homes() {
		return step{over: true, err: &vehicles.PlanError{Kind: d.kind, Item: -1, Why: fmt.Sprintf("the vehicle says that it has %d items", n)}}
	}
	if n == d.total && id == d.id {
		return step{}
	}
	first := d.total < 0
	d.total, d.id, d.items = n, id, d.items[:0]
	return step{over: n == 0, say: true, forward: first}
}

func (d *download) silent() error {
	if d.total < 0 {
		return ErrNoAnswer
	}
	return fmt.Errorf("item %d of %d: %w", len(d.items)-d.homes()+1, d.total-d.homes(), ErrNoAnswer)
}
