package dialogue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// Timers of the mission protocol (MAVLink developer guide): the first ones of an
// item are short, and if the link is worse than that they are followed by long ones.
const (
	openTime = 1500 * time.Millisecond
	itemTime = 250 * time.Millisecond
	// stallTime ends a transfer in which the vehicle speaks and nothing moves on.
	stallTime = 20 * time.Second
	// busyTime is how long a link may take nothing at all.
	busyTime = 5 * time.Second
)

// The pace of a transfer stays below what a Sender sends to one vehicle and what
// a listener takes of its answers, 200/s each: nothing is refused, and orders find
// room at once.
const (
	paceEvery = time.Second / 180
	paceBurst = 32
	busyPause = 20 * time.Millisecond
)

// stage is how far a transfer is.
type stage uint8

const (
	opening stage = iota // the other side did not say yet that it takes part
	items                // they are under way
)

// step is what follows from an answer.
type step struct {
	over    bool  // the party is done
	err     error // with over
	say     bool  // it has something to say now
	forward bool  // more is done than ever before
}

// party is our part in a transfer: sending, reading or clearing.
type party interface {
	stage() stage
	message(to address) message.Message // what to say, or to say again
	sent()                              // it went out
	take(m message.Message) step
	silent() error // of a vehicle that says nothing more
}

// address is whom a message is for.
type address struct{ system, component uint8 }

// transfer is one transfer of a plan with one vehicle.
type transfer struct {
	e        *Exchange
	p        *peer
	kind     vehicles.PlanKind
	box      *Mailbox
	boots    uint32 // of the vehicle, when it began
	progress func(done, total int)
	total    int
	before   int // steps that were done before reading began

	nay     *PlanRefusal // that need not be the last word
	vouched bool
	text    text
	asked   time.Time     // the last message went out
	trip    time.Duration // that an answer takes; 0: not known
	paid    time.Time     // until then the pace is used up
}

// transfer begins one. Nobody else transfers with the vehicle until close.
func (e *Exchange) transfer(h vehicles.Handle, kind vehicles.PlanKind) (*transfer, error) {
	p, err := e.peer(h)
	if err != nil {
		return nil, err
	}
	if !p.begin(noCommand) {
		return nil, fmt.Errorf("another plan is transferred with vehicle %s: %w", p.vehicle, ErrPending)
	}
	t := &transfer{e: e, p: p, kind: kind, boots: p.boots.Load()}
	if t.box, err = p.listen(t.concerns); err != nil {
		p.end(noCommand)
		return nil, err
	}
	return t, nil
}

// noCommand stands for a transfer among the commands that are pending: it is no MAV_CMD.
const noCommand = math.MaxUint16

func (t *transfer) close() {
	t.box.Close()
	t.p.end(noCommand)
}

func (t *transfer) concerns(m message.Message) bool {
	switch m := m.(type) {
	case *ardupilotmega.MessageMissionRequest, *ardupilotmega.MessageMissionRequestInt, *ardupilotmega.MessageMissionAck,
		*ardupilotmega.MessageMissionCount, *ardupilotmega.MessageMissionItemInt:
		return true
	case *ardupilotmega.MessageStatustext:
		return m.Severity <= ardupilotmega.MAV_SEVERITY_WARNING
	}
	return false
}

// ours reports whether a message is part of this transfer: to us, and of its
// kind of plan. MAVLink 1 knows one kind only, which is 0.
func (t *transfer) ours(m message.Message) bool {
	var to address
	var kind common.MAV_MISSION_TYPE
	switch m := m.(type) {
	case *ardupilotmega.MessageMissionRequest:
		to, kind = address{m.TargetSystem, m.TargetComponent}, m.MissionType
	case *ardupilotmega.MessageMissionRequestInt:
		to, kind = address{m.TargetSystem, m.TargetComponent}, m.MissionType
	case *ardupilotmega.MessageMissionAck:
		to, kind = address{m.TargetSystem, m.TargetComponent}, m.MissionType
	case *ardupilotmega.MessageMissionCount:
		to, kind = address{m.TargetSystem, m.TargetComponent}, m.MissionType
	case *ardupilotmega.MessageMissionItemInt:
		to, kind = address{m.TargetSystem, m.TargetComponent}, m.MissionType
	default:
		return false
	}
	return kind == t.missionType() && t.e.isUs(to, t.vouched)
}

// isUs reports whether an answer is to us. One without a target, of an older
// peer, is ours only where nobody else can have asked: behind a gateway there is
// a ground station that does.
func (e *Exchange) isUs(to address, vouched bool) bool {
	if to == (address{}) {
		return !vouched
	}
	return to.system == e.sys && (to.component == e.comp || to.component == 0)
}

func (t *transfer) missionType() common.MAV_MISSION_TYPE { return common.MAV_MISSION_TYPE(t.kind) }

func (t *transfer) refusal(item int, r PlanResult) *PlanRefusal {
	return &PlanRefusal{Vehicle: t.p.vehicle, Kind: t.kind, Item: max(item, -1), Result: r}
}

// steps has progress told.
func (t *transfer) steps(progress func(done, total int), total int) {
	if total > 0 {
		t.progress, t.total = progress, total
	}
}

func (t *transfer) done(n int) {
	if t.progress != nil {
		t.progress(min(max(n, 0), t.total), t.total)
	}
}

// address is where the vehicle is reached now.
func (t *transfer) address() (address, error) {
	r, err := t.e.cfg.Sender.Route(t.p.handle)
	if err != nil {
		return address{}, err
	}
	t.vouched = r.Credential != nil && r.Credential.Vouched
	return address{r.SystemID, r.Autopilot}, nil
}

// run has a party talk to the vehicle until it is done. What cannot be sent since
// the link is busy waits; what gets lost is said again.
func (t *transfer) run(ctx context.Context, c party) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	t.nay = nil
	moved := time.Now()
	var busy time.Time // since when nothing can be sent
	for silence := 0; ; {
		select {
		case <-ctx.Done():
			t.cancel()
			return context.Cause(ctx)
		case <-t.p.done:
			return ErrGone
		case <-timer.C:
			wait, over := t.patience(c.stage(), silence)
			if t.p.boots.Load() != t.boots {
				return ErrRestarted
			}
			if over || time.Since(moved) > stallTime {
				if t.nay != nil {
					return t.nay
				}
				t.e.unanswered.Add(1)
				return c.silent()
			}
			switch err := t.say(c); {
			case err == nil:
				silence, busy = silence+1, time.Time{}
			case hopeless(err), !busy.IsZero() && time.Since(busy) > busyTime:
				return err
			case errors.Is(err, mavlink.ErrNoRoute) && silence == 0 && c.stage() == opening:
				return err
			default:
				if busy.IsZero() {
					busy = time.Now()
				}
				wait = busyPause
			}
			timer.Reset(wait)
		case l := <-t.box.letters:
			if m, ok := l.Message.(*ardupilotmega.MessageStatustext); ok {
				t.text.add(m)
				continue
			}
			if !t.ours(l.Message) {
				continue
			}
			then := c.take(l.Message)
			if then.over {
				return then.err
			}
			if then.forward {
				moved, t.nay = time.Now(), nil
				t.measure(silence)
			}
			if then.say {
				silence = 0
				timer.Reset(t.pause())
			}
		}
	}
}

// patience is how long to wait after the message that is the n-th since the
// vehicle said something, and whether that was enough. If it said no meanwhile,
// that is soon.
func (t *transfer) patience(s stage, n int) (wait time.Duration, over bool) {
	switch {
	case s == opening:
		return openTime, n > retries || t.nay != nil && n > 1
	case n <= retries:
		return min(max(itemTime, 2*t.trip), openTime), false
	}
	return openTime, n > 2*retries || t.nay != nil
}

// measure takes how long an answer took, if it can be told to which message it was.
func (t *transfer) measure(silence int) {
	if silence == 1 {
		t.trip = (3*t.trip + time.Since(t.asked)) / 4
	}
}

// pause is how long the pace has the next message wait.
func (t *transfer) pause() time.Duration {
	return max(time.Until(t.paid)-paceBurst*paceEvery, 0)
}

func (t *transfer) say(c party) error {
	to, err := t.address()
	if err != nil {
		return err
	}
	if err := t.e.cfg.Sender.Send(t.p.handle, c.message(to)); err != nil {
		return err
	}
	c.sent()
	t.asked = time.Now()
	if t.paid.Before(t.asked) {
		t.paid = t.asked
	}
	t.paid = t.paid.Add(paceEvery)
	return nil
}

// cancel tells the vehicle that nothing more comes. ArduPilot knows no such
// thing, and waits until its time is over.
func (t *transfer) cancel() {
	if to, err := t.address(); err == nil {
		_ = t.e.cfg.Sender.Send(t.p.handle, t.ackMessage(to, PlanCancelled)) // the transfer is over whether it hears that or not
	}
}

func (t *transfer) ackMessage(to address, r PlanResult) message.Message {
	return &ardupilotmega.MessageMissionAck{
		TargetSystem: to.system, TargetComponent: to.component, Type: common.MAV_MISSION_RESULT(r), MissionType: t.missionType(),
	}
}

// itemMessage is an item as it goes out: both forms of request are answered by
// this one. ArduPilot takes no NaN but 0 for what is not set.
func itemMessage(seq int, i *vehicles.PlanItem, t *transfer, to address) message.Message {
	p := i.Params
	if t.p.autopilot == autopilotArduPilot {
		for n, v := range p {
			if v != v {
				p[n] = 0
			}
		}
	}
	return &ardupilotmega.MessageMissionItemInt{
		TargetSystem: to.system, TargetComponent: to.component, Seq: uint16(seq), MissionType: t.missionType(),
		Frame: common.MAV_FRAME(i.Frame), Command: common.MAV_CMD(i.Command),
		Current: bit(i.Current), Autocontinue: bit(i.Autocontinue),
		Param1: p[0], Param2: p[1], Param3: p[2], Param4: p[3], X: i.X, Y: i.Y, Z: i.Z,
	}
}

func itemOf(m *ardupilotmega.MessageMissionItemInt) vehicles.PlanItem {
	return vehicles.PlanItem{
		Command: uint16(m.Command), Frame: uint8(m.Frame),
		Params: [4]float32{m.Param1, m.Param2, m.Param3, m.Param4}, X: m.X, Y: m.Y, Z: m.Z,
		Current: m.Current != 0, Autocontinue: m.Autocontinue != 0,
	}
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
