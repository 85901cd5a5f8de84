package dialogue

import (
	"context"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

const (
	cmdArmAuthorization = 3001

	// armValid is how long a vehicle may arm on a grant: it asks again after it. The
	// zone may be closed meanwhile.
	armValid = 30 * time.Second
	// armPatience is how long a decision may take.
	armPatience = time.Second
	// armRepeats is how long a repeated request is answered as the one before.
	armRepeats = 10 * time.Second
	// armAnswerers is how many requests are decided at once.
	armAnswerers = 4
	// textBytes is what a STATUSTEXT holds.
	textBytes = 50
)

// MAV_ARM_AUTH_DENIED_REASON.
const (
	armReasonText    = 1 // "none": it comes as text
	armReasonTimeout = 3
)

// ArmVerdict is what a vehicle is answered that asks whether it may arm.
type ArmVerdict struct {
	Granted bool
	Reason  string // why not, for the pilot: ASCII, as short as it can be
}

// armAsked is a vehicle's request to be allowed to arm.
type armAsked struct {
	p     *peer
	again bool // it asks once more what it asked before
	other bool // in the name of another vehicle
}

// armMemory is what a vehicle was answered last.
type armMemory struct {
	verdict ArmVerdict
	at      time.Time
}

// asksToArm takes a message that is such a request. It never waits.
func (e *Exchange) asksToArm(p *peer, msg message.Message) bool {
	q, ok := msg.(*ardupilotmega.MessageCommandLong)
	if !ok || q.Command != common.MAV_CMD(cmdArmAuthorization) {
		return false
	}
	ours := (q.TargetSystem == 0 || q.TargetSystem == e.sys) && (q.TargetComponent == 0 || q.TargetComponent == e.comp)
	if !ours || e.cfg.MayArm == nil {
		return true
	}
	asked := armAsked{p: p, again: q.Confirmation > 0}
	if r, err := e.cfg.Sender.Route(p.handle); err == nil && q.Param1 != 0 && q.Param1 != float32(r.SystemID) {
		asked.other = true
	}
	select {
	case e.arming <- asked:
	default:
		e.overflow.Add(1) // it asks again
	}
	return true
}

// answerArming answers requests until ctx ends, several at once: one vehicle never
// waits for what is to be known of another.
func (e *Exchange) answerArming(ctx context.Context) {
	for {
		select {
		case q := <-e.arming:
			verdict, denial, news := e.armVerdict(ctx, q)
			if news && e.cfg.ArmAnswered != nil {
				e.cfg.ArmAnswered(q.p.vehicle, verdict)
			}
			_ = e.tellArming(q.p, verdict, denial) // the Sender counts what it does not send; the vehicle asks again
		case <-ctx.Done():
			return
		}
	}
}

// armVerdict decides. Who asks once more gets the answer of before, unless that
// was a grant and it may not arm any more. The same answer within armRepeats is no
// news, however often it is asked for.
func (e *Exchange) armVerdict(ctx context.Context, q armAsked) (v ArmVerdict, denial int32, news bool) {
	if q.other {
		return ArmVerdict{Reason: "ask in your own name"}, armReasonText, false
	}
	now := e.cfg.Clock()
	q.p.mu.Lock()
	before := q.p.armed
	q.p.mu.Unlock()
	recent := now.Sub(before.at) < armRepeats
	if q.again && recent && !before.verdict.Granted {
		return before.verdict, armReasonText, false
	}
	timed, cancel := context.WithTimeout(ctx, armPatience)
	defer cancel()
	v = e.cfg.MayArm(timed, q.p.handle, q.p.vehicle)
	if timed.Err() != nil {
		return ArmVerdict{Reason: "server busy, ask again"}, armReasonTimeout, false
	}
	if recent && v == before.verdict {
		return v, armReasonText, false
	}
	q.p.mu.Lock()
	defer q.p.mu.Unlock()
	q.p.armed = armMemory{v, now}
	return v, armReasonText, true
}

func (e *Exchange) tellArming(p *peer, v ArmVerdict, denial int32) error {
	r, err := e.cfg.Sender.Route(p.handle)
	if err != nil {
		return err
	}
	ack := &ardupilotmega.MessageCommandAck{
		Command: common.MAV_CMD(cmdArmAuthorization), Result: ardupilotmega.MAV_RESULT(Accepted), Progress: uint8(armValid / time.Second),
		TargetSystem: r.SystemID, TargetComponent: r.Autopilot,
	}
	if v.Granted {
		return e.cfg.Sender.Send(p.handle, ack)
	}
	ack.Result, ack.Progress, ack.ResultParam2 = ardupilotmega.MAV_RESULT(Denied), 0, denial
	text := "Arming denied: " + v.Reason
	said := e.cfg.Sender.Send(p.handle, &ardupilotmega.MessageStatustext{
		Severity: ardupilotmega.MAV_SEVERITY(common.MAV_SEVERITY_WARNING), Text: text[:min(len(text), textBytes)],
	})
	if err := e.cfg.Sender.Send(p.handle, ack); err != nil {
		return err
	}
	return said
}

// A MayArmFunc decides whether a vehicle that proved who it is may arm. It has to
// answer before ctx ends.
type MayArmFunc func(ctx context.Context, h vehicles.Handle, v vehicles.VehicleID) ArmVerdict
