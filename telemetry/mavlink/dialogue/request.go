package dialogue

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

const (
	cmdSetMessageInterval  = 511
	cmdRequestMessage      = 512
	cmdRequestCapabilities = 520 // of autopilots that do not know 512

	idAutopilotVersion = 148
	idHomePosition     = 242
)

// Message asks for one message. Telemetry that the listener decodes itself does
// not come this way: only what it hands on as a note.
func (e *Exchange) Message(ctx context.Context, h vehicles.Handle, id uint32) (message.Message, error) {
	p, err := e.peer(h)
	if err != nil {
		return nil, err
	}
	l, err := e.request(ctx, p, id)
	return l.Message, err
}

func (e *Exchange) request(ctx context.Context, p *peer, id uint32) (Letter, error) {
	box, err := p.listen(func(m message.Message) bool { return m.GetID() == id })
	if err != nil {
		return Letter{}, err
	}
	defer box.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	refused := make(chan error, 1)
	go func() { refused <- e.inTurn(ctx, p, Command{ID: cmdRequestMessage, Params: [7]float64{float64(id)}}) }()
	// The message is the answer, whatever became of the acknowledgement. After
	// that it may still be on its way.
	var late <-chan time.Time
	for {
		select {
		case l := <-box.letters:
			cancel(errArrived)
			if refused != nil {
				<-refused // the command is not pending any more
			}
			return l, nil
		case err := <-refused:
			if err != nil {
				return Letter{}, fmt.Errorf("message %d of vehicle %s: %w", id, p.vehicle, err)
			}
			timer := time.NewTimer(answerTime)
			defer timer.Stop()
			late, refused = timer.C, nil
		case <-late:
			e.unanswered.Add(1)
			return Letter{}, fmt.Errorf("message %d of vehicle %s: %w: it acknowledged and did not send it", id, p.vehicle, ErrNoAnswer)
		case <-p.done:
			if refused != nil {
				<-refused
			}
			return Letter{}, fmt.Errorf("message %d of vehicle %s: %w", id, p.vehicle, ErrGone)
		}
	}
}

var errArrived = errors.New("arrived")

// inTurn sends a command of which several may be wanted at once, one after the other.
func (e *Exchange) inTurn(ctx context.Context, p *peer, c Command) error {
	select {
	case p.requests <- struct{}{}:
		defer func() { <-p.requests }()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.done:
		return ErrGone
	}
	_, err := e.command(ctx, p, c)
	return err
}

// Interval sets how often a vehicle sends a message; 0 is its own default,
// negative never. That it does is confirmed by what arrives.
func (e *Exchange) Interval(ctx context.Context, h vehicles.Handle, id uint32, every time.Duration) error {
	p, err := e.peer(h)
	if err != nil {
		return err
	}
	return e.interval(ctx, p, id, every)
}

func (e *Exchange) interval(ctx context.Context, p *peer, id uint32, every time.Duration) error {
	us := float64(every.Microseconds())
	if every < 0 {
		us = -1
	}
	return e.inTurn(ctx, p, Command{ID: cmdSetMessageInterval, Params: [7]float64{float64(id), us}})
}

// Version is what an autopilot says that it is: AUTOPILOT_VERSION. It is a claim.
type Version struct {
	UID          uint64   // 0: it has none
	UID2         [18]byte // zeros: it has none
	Capabilities uint64   // MAV_PROTOCOL_CAPABILITY
	Flight       string   // version of the flight software, e.g. "4.5.7"; "": not known
	Vendor       uint16
	Product      uint16
	AtUS         int64 // when it said so, µs since the Unix epoch
}

// ID is the number of the autopilot in hexadecimal: the 18 bytes of uid2, or the
// older uid where it has no other; "": it has none.
func (v *Version) ID() string {
	switch {
	case v.UID2 != [18]byte{}:
		return hex.EncodeToString(v.UID2[:])
	case v.UID != 0:
		return fmt.Sprintf("%016x", v.UID)
	}
	return ""
}

func versionOf(l Letter) Version {
	m := l.Message.(*ardupilotmega.MessageAutopilotVersion)
	v := Version{
		UID: m.Uid, UID2: m.Uid2, Capabilities: uint64(m.Capabilities), Vendor: m.VendorId, Product: m.ProductId, AtUS: l.ReceivedUS,
	}
	if s := m.FlightSwVersion; s != 0 { // major, minor, patch, type of release
		v.Flight = fmt.Sprintf("%d.%d.%d", s>>24, s>>16&0xff, s>>8&0xff)
	}
	return v
}

// version asks who the autopilot is, in the older way if it does not know the newer.
func (e *Exchange) version(ctx context.Context, p *peer) (Version, error) {
	l, err := e.request(ctx, p, idAutopilotVersion)
	if r := (*Refusal)(nil); errors.As(err, &r) && r.Result == Unsupported {
		l, err = e.requestCapabilities(ctx, p)
	}
	if err != nil {
		return Version{}, err
	}
	v := versionOf(l)
	p.mu.Lock()
	p.capabilities = v.Capabilities
	p.mu.Unlock()
	return v, nil
}

func (e *Exchange) requestCapabilities(ctx context.Context, p *peer) (Letter, error) {
	box, err := p.listen(func(m message.Message) bool { return m.GetID() == idAutopilotVersion })
	if err != nil {
		return Letter{}, err
	}
	defer box.Close()
	if _, err := e.command(ctx, p, Command{ID: cmdRequestCapabilities, Params: [7]float64{1}}); err != nil {
		return Letter{}, err
	}
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case l := <-box.letters:
		return l, nil
	case <-timer.C:
		return Letter{}, ErrNoAnswer
	case <-ctx.Done():
		return Letter{}, context.Cause(ctx)
	case <-p.done:
		return Letter{}, ErrGone
	}
}

// Home is where a vehicle returns to.
type Home struct {
	Point geo.Point
	AltMM int32 // AMSL
	AtUS  int64 // when it said so, µs since the Unix epoch
}

func homeOf(l Letter) (Home, bool) {
	m := l.Message.(*ardupilotmega.MessageHomePosition)
	h := Home{Point: geo.Point{Lon: m.Longitude, Lat: m.Latitude}, AltMM: m.Altitude, AtUS: l.ReceivedUS}
	return h, h.Point.Valid() && h.Point != geo.Point{} // 0, 0: it has no home yet
}
