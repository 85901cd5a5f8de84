package dialogue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// samples is how often a clock is asked: the quickest answer says most.
const samples = 8

// Offset is how a vehicle's clock stands to ours.
type Offset struct {
	Ahead     time.Duration // its clock minus ours; it may count from its boot
	RoundTrip time.Duration // of the best sample: Ahead is right to half of it
	Samples   int           // that were answered, of 8
	AtUS      int64         // µs since the Unix epoch
}

// TimeSync measures the offset of a vehicle's clock by TIMESYNC: of eight samples
// that with the shortest way there and back.
func (e *Exchange) TimeSync(ctx context.Context, h vehicles.Handle) (Offset, error) {
	p, err := e.peer(h)
	if err != nil {
		return Offset{}, err
	}
	var best Offset
	for range samples {
		o, err := e.sample(ctx, p)
		switch {
		case ctx.Err() != nil, err != nil && !passing(err):
			return Offset{}, fmt.Errorf("clock of vehicle %s: %w", p.vehicle, err)
		case err != nil:
			continue
		}
		if best.Samples == 0 || o.RoundTrip < best.RoundTrip {
			o.Samples = best.Samples
			best = o
		}
		best.Samples++
	}
	if best.Samples == 0 {
		return Offset{}, fmt.Errorf("clock of vehicle %s: %w", p.vehicle, ErrNoAnswer)
	}
	return best, nil
}

// passing reports whether the next try may well succeed.
func passing(err error) bool {
	return errors.Is(err, ErrNoAnswer) || errors.Is(err, mavlink.ErrBusy) || errors.Is(err, mavlink.ErrSendRate)
}

func (e *Exchange) sample(ctx context.Context, p *peer) (o Offset, err error) {
	sentUS := e.cfg.Clock().UnixMicro()
	box, err := p.listen(func(m message.Message) bool {
		t, ok := m.(*ardupilotmega.MessageTimesync)
		return ok && t.Tc1 != 0 && t.Ts1 == sentUS*1000 && (t.TargetSystem == 0 || t.TargetSystem == e.sys)
	})
	if err != nil {
		return o, err
	}
	defer box.Close()
	err = e.converse(ctx, box, 1, func(int) error {
		r, err := e.cfg.Sender.Route(p.handle)
		if err != nil {
			return err
		}
		return e.cfg.Sender.Send(p.handle, &ardupilotmega.MessageTimesync{
			Ts1: sentUS * 1000, TargetSystem: r.SystemID, TargetComponent: r.Autopilot,
		})
	}, func(l Letter) next {
		rtt := max(l.ReceivedUS-sentUS, 0)
		theirs := l.Message.(*ardupilotmega.MessageTimesync).Tc1
		o = Offset{
			Ahead:     time.Duration(theirs - (sentUS*1000 + rtt*1000/2)),
			RoundTrip: time.Duration(rtt) * time.Microsecond, AtUS: l.ReceivedUS,
		}
		return next{done: true}
	})
	return o, err
}

// reply is the request of a vehicle that wants to know our clock.
type reply struct {
	to         vehicles.Handle
	receivedUS int64
	ts1        int64 // its clock, ns
}

// answer tells a vehicle our clock as it was when the request came.
func (e *Exchange) answer(r reply) error {
	route, err := e.cfg.Sender.Route(r.to)
	if err != nil {
		return err
	}
	return e.cfg.Sender.Send(r.to, &ardupilotmega.MessageTimesync{
		Tc1: r.receivedUS * 1000, Ts1: r.ts1, TargetSystem: route.SystemID, TargetComponent: route.Autopilot,
	})
}
