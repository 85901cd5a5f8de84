package dialogue

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// Command is a MAV_CMD with its parameters.
type Command struct {
	ID     uint16
	Params [7]float64 // NaN where the definition of the command says so
	// Located: the parameters 5 to 7 are a position: degrees, degrees, metres. It
	// goes as COMMAND_INT, because degrees in a float lose metres.
	Located   bool
	Frame     uint8 // MAV_FRAME of the position
	Component uint8 // 0 is the autopilot

	// Progress is told how far a command is that takes long, in percent; 255: not known.
	Progress func(percent uint8)
}

// Ack is how a vehicle accepted a command.
type Ack struct {
	Param2    int32         // result_param2 of the command
	Requests  int           // that were sent
	RoundTrip time.Duration // from the last request to the answer
}

// Result is MAV_RESULT.
type Result uint8

// The results of a command.
const (
	Accepted Result = iota
	TemporarilyRejected
	Denied
	Unsupported
	Failed
	InProgress
	Cancelled
	LongOnly
	IntOnly
	UnsupportedFrame
	NotInControl
)

var resultNames = [...]string{
	"accepted", "temporarily rejected", "denied", "unsupported", "failed", "in progress", "cancelled",
	"only as COMMAND_LONG", "only as COMMAND_INT", "unsupported frame", "another station has control",
}

func (r Result) String() string {
	if int(r) < len(resultNames) {
		return resultNames[r]
	}
	return fmt.Sprintf("result %d", uint8(r))
}

// Refusal is the error when a vehicle does not do what it is told.
type Refusal struct {
	Vehicle vehicles.VehicleID
	Command uint16
	Result  Result
	Param2  int32
	Said    string // by its STATUSTEXT meanwhile; ""
}

func (r *Refusal) Error() string {
	if r.Said != "" {
		return fmt.Sprintf("vehicle %s, command %d: %s: %q", r.Vehicle, r.Command, r.Result, r.Said)
	}
	return fmt.Sprintf("vehicle %s, command %d: %s", r.Vehicle, r.Command, r.Result)
}

// Is makes a Refusal an ErrRefused.
func (r *Refusal) Is(target error) bool { return target == ErrRefused }

const (
	backOff  = 2 * time.Second // before a command is tried again that was rejected for now
	textTime = time.Second     // that the reason of a refusal may come behind it
)

// Command sends a command and waits for its acknowledgement, which says that the
// vehicle took it, not that it did it. The errors are ErrRefused, ErrNoAnswer,
// ErrPending, ErrGone, those of mavlink.Sender.Send, and that of ctx.
func (e *Exchange) Command(ctx context.Context, h vehicles.Handle, c Command) (Ack, error) {
	p, err := e.peer(h)
	if err != nil {
		return Ack{}, err
	}
	return e.command(ctx, p, c)
}

func (e *Exchange) command(ctx context.Context, p *peer, c Command) (Ack, error) {
	if !p.begin(c.ID) {
		return Ack{}, fmt.Errorf("vehicle %s, command %d: %w", p.vehicle, c.ID, ErrPending)
	}
	defer p.end(c.ID)
	o := &order{Command: c, e: e, p: p, asInt: c.Located, before: p.debtOf(&c)}
	box, err := p.listen(o.concerns)
	if err != nil {
		return Ack{}, err
	}
	defer box.Close()
	defer o.owe()
	if err = e.converse(ctx, box, 1+retries, o.send, o.take); err != nil {
		if r, ok := err.(*Refusal); ok {
			r.Said = o.text.said(ctx, box)
			return Ack{}, r
		}
		return Ack{}, fmt.Errorf("vehicle %s, command %d: %w", p.vehicle, c.ID, err)
	}
	return o.ack, nil
}

// begin claims the turn of a command.
func (p *peer) begin(id uint16) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending[id] {
		return false
	}
	p.pending[id] = true
	return true
}

func (p *peer) end(id uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pending, id)
}

// debt is what acknowledgements of a command may still come after its end: it
// was sent several times, on a link that is slower than the time for an answer.
// They name the command only, and would be taken for those of the next order with
// the same id: "land" is no answer to "hold".
type debt struct {
	n       int
	untilUS int64
	of      Command
}

// debtTime is how long after the last request an acknowledgement may come.
const debtTime = 3 * time.Second

// debtOf is what is owed by an earlier order of the same id; none by one that
// asked for the same.
func (p *peer) debtOf(c *Command) debt {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.debts[c.ID]
	if d.of.Params == c.Params && d.of.Located == c.Located && d.of.Frame == c.Frame && d.of.Component == c.Component {
		return debt{}
	}
	return d
}

// owe notes which acknowledgements did not come.
func (o *order) owe() {
	o.p.mu.Lock()
	defer o.p.mu.Unlock()
	delete(o.p.debts, o.ID)
	if n := o.ack.Requests - o.acks; n > 0 {
		o.p.debts[o.ID] = debt{n, o.sentUS + debtTime.Microseconds(), o.Command}
	}
}

// order is a command that waits for its acknowledgement.
type order struct {
	Command
	e *Exchange
	p *peer

	asInt, turned, reframed bool
	vouched                 bool
	longs                   int // requests as COMMAND_LONG
	ack                     Ack
	acks                    int   // answers to us
	sentUS                  int64 // the last request
	before                  debt  // of an earlier order
	text                    text
}

// concerns is what the mailbox of the command takes.
func (o *order) concerns(m message.Message) bool {
	switch m := m.(type) {
	case *ardupilotmega.MessageCommandAck:
		return uint16(m.Command) == o.ID
	case *ardupilotmega.MessageStatustext:
		return m.Severity <= ardupilotmega.MAV_SEVERITY_WARNING
	}
	return false
}

func (o *order) send(int) error {
	r, err := o.e.cfg.Sender.Route(o.p.handle)
	if err != nil {
		return err
	}
	o.vouched = r.Credential != nil && r.Credential.Vouched
	o.sentUS = o.e.cfg.Clock().UnixMicro()
	if err := o.e.cfg.Sender.Send(o.p.handle, o.message(&r)); err != nil {
		return err
	}
	if !o.asInt {
		o.longs++
	}
	o.ack.Requests++
	return nil
}

// message is the command as it goes out now.
func (o *order) message(r *mavlink.Route) message.Message {
	to := o.Component
	if to == 0 {
		to = r.Autopilot
	}
	var p [7]float32
	for i, v := range o.Params {
		p[i] = float32(v)
	}
	id := common.MAV_CMD(o.ID)
	if !o.asInt {
		return &ardupilotmega.MessageCommandLong{
			TargetSystem: r.SystemID, TargetComponent: to, Command: id,
			Confirmation: uint8(o.longs), // how often it was sent before
			Param1:       p[0], Param2: p[1], Param3: p[2], Param4: p[3], Param5: p[4], Param6: p[5], Param7: p[6],
		}
	}
	scale := 1.0
	if o.Located {
		scale = 1e7
	}
	return &ardupilotmega.MessageCommandInt{
		TargetSystem: r.SystemID, TargetComponent: to, Command: id, Frame: ardupilotmega.MAV_FRAME(o.Frame),
		Param1: p[0], Param2: p[1], Param3: p[2], Param4: p[3],
		X: whole(o.Params[4] * scale), Y: whole(o.Params[5] * scale), Z: p[6],
	}
}

// whole rounds for an integer field; NaN, which means "not used", is its INT32_MAX.
func whole(v float64) int32 {
	if math.IsNaN(v) {
		return math.MaxInt32
	}
	return int32(math.Round(max(math.MinInt32, min(math.MaxInt32, v))))
}

// ours reports whether an acknowledgement is an answer to us.
func (o *order) ours(m *ardupilotmega.MessageCommandAck) bool {
	return o.e.isUs(address{m.TargetSystem, m.TargetComponent}, o.vouched)
}

func (o *order) take(l Letter) next {
	if m, ok := l.Message.(*ardupilotmega.MessageStatustext); ok {
		o.text.add(m)
		return next{}
	}
	m, ok := l.Message.(*ardupilotmega.MessageCommandAck)
	if !ok || !o.ours(m) {
		return next{}
	}
	if o.before.n > 0 && l.ReceivedUS < o.before.untilUS {
		o.before.n--
		return next{}
	}
	o.acks++
	result := Result(m.Result)
	switch {
	case result == Accepted:
		o.ack.Param2, o.ack.RoundTrip = m.ResultParam2, time.Duration(l.ReceivedUS-o.sentUS)*time.Microsecond
		return next{done: true}
	case result == TemporarilyRejected && o.ack.Requests <= retries:
		return next{in: backOff}
	case result == InProgress:
		if o.Progress != nil {
			o.Progress(m.Progress)
		}
		return next{listen: progressTime}
	case !o.turned && (result == LongOnly && o.asInt || result == IntOnly && !o.asInt):
		o.asInt, o.turned = !o.asInt, true
		return next{soon: true}
	case result == UnsupportedFrame && o.Located && !o.reframed:
		if f, ok := twinFrame(o.Frame); ok {
			o.Frame, o.reframed = f, true
			return next{soon: true}
		}
	}
	return next{done: true, err: &Refusal{Vehicle: o.p.vehicle, Command: o.ID, Result: result, Param2: m.ResultParam2}}
}

// twinFrame is the MAV_FRAME that means the same: those with and without _INT.
func twinFrame(f uint8) (uint8, bool) {
	switch f {
	case 0, 5: // AMSL
		return 5 - f, true
	case 3, 6: // above home
		return 9 - f, true
	case 10, 11: // above terrain
		return 21 - f, true
	}
	return 0, false
}
