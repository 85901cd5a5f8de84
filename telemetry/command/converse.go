package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"testzone/vehicles"
)

// talk is the conversation about one order.
type talk struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// depart lets an order leave, in place of the one before. Called with d.mu held.
func (d *Dispatcher) depart(o *Order, h vehicles.Handle, p plan) {
	ctx, cancel := context.WithTimeout(d.life, min(acceptTime-o.age(d.nowUS()), acceptTime))
	mine := &talk{cancel, make(chan struct{})}
	before := d.talks[o.Vehicle]
	d.talks[o.Vehicle] = mine
	if before != nil {
		before.cancel()
	}
	id := o.ID
	d.work.Go(func() {
		defer d.leave(o.Vehicle, mine)
		if before != nil {
			<-before.ended // answers to one are not taken for those to the other
		}
		d.send(ctx, id, h, p)
	})
}

func (d *Dispatcher) leave(v vehicles.VehicleID, t *talk) {
	t.cancel()
	close(t.ended)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.talks[v] == t {
		delete(d.talks, v)
	}
}

// again is how long after the vehicle did not answer it is asked again.
const again = time.Second

// send holds the conversation until the vehicle has answered or the order expires.
// It ends with the vehicle's session or when the link is lost: an order is never
// sent after a reconnect.
func (d *Dispatcher) send(ctx context.Context, id string, h vehicles.Handle, p plan) {
	var err error
	next := 0
	for tries := 0; ; tries++ {
		c := p.commands[next]
		if !d.sending(id, c, p) {
			return
		}
		err = d.cfg.Wire.Command(ctx, h, c)
		var r *Refusal
		switch {
		case ctx.Err() != nil:
		case errors.As(err, &r) && r.Unsupported && next+1 < len(p.commands):
			next++
			continue
		case errors.Is(err, ErrNoAnswer) && d.heard(ctx, h):
			d.notAnswered(id)
			timer := time.NewTimer(again)
			select {
			case <-timer.C:
				continue
			case <-ctx.Done():
				timer.Stop()
			}
		}
		break
	}
	d.answeredBy(ctx, id, err)
}

const notKnown = "whether the vehicle got the order is not known: call its contact; it is not sent again by itself"

// sending notes that a command goes out; false when the order is over.
func (d *Dispatcher) sending(id string, c Command, p plan) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.orders[id]
	if o == nil || o.State != Asked && o.State != Sent {
		return false
	}
	now := d.nowUS()
	if o.age(now) >= acceptTime { // the machine slept: timers did not notice
		state, why := NoAnswer, notKnown
		if o.State == Asked {
			state, why = Expired, "never sent: the server was held up; look at the vehicle, and order anew"
		}
		d.change(o, func(o *Order) { o.State, o.Why, o.EndedUS = state, why, now })
		return false
	}
	if o.State == Sent && o.Command == c.ID {
		return true
	}
	d.change(o, func(o *Order) {
		o.State, o.Command = Sent, c.ID
		if o.SentUS == 0 {
			o.SentUS = now
		}
	})
	if d.watches[id] == nil {
		d.watches[id] = &watch{plan: p, sinceUS: now}
	}
	return true
}

// notAnswered has somebody called while an order is repeated: a person may need as
// long as the repetitions.
func (d *Dispatcher) notAnswered(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.orders[id]; o != nil && !o.unanswered {
		o.unanswered = true
		d.attend(o)
	}
}

// heard reports whether the link of a vehicle is alive: only then an order is
// repeated that was not answered.
func (d *Dispatcher) heard(ctx context.Context, h vehicles.Handle) bool {
	ctx, cancel := context.WithTimeout(ctx, trackTime)
	defer cancel()
	t, ok, err := d.cfg.Fleet.Track(ctx, h)
	return err == nil && ok && t.Link != vehicles.LinkLost
}

// answeredBy notes how the conversation about an order ended.
func (d *Dispatcher) answeredBy(ctx context.Context, id string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.orders[id]
	if o == nil || o.State != Sent {
		return // superseded, or its effect showed
	}
	now := d.nowUS()
	end := func(s State, why string) {
		d.change(o, func(o *Order) { o.State, o.Why, o.EndedUS = s, why, now })
	}
	var r *Refusal
	switch {
	case err == nil:
		d.change(o, func(o *Order) { o.State, o.AcceptedUS = Accepted, now })
	case errors.As(err, &r):
		end(Refused, r.Text)
	case d.life.Err() != nil:
		// The server stops: what becomes of it is looked for after the start.
	case errors.Is(err, ErrUnreachable):
		end(Refused, ErrUnreachable.Error())
	case errors.Is(err, ErrNoAnswer):
		end(NoAnswer, notKnown)
	case ctx.Err() != nil:
		end(Expired, fmt.Sprintf("the vehicle did not accept it within %v: call its contact; it is not sent again by itself", acceptTime))
	default:
		end(NoAnswer, err.Error())
	}
}
