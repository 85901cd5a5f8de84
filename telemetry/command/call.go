package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"testzone/telemetry"
	"testzone/vehicles"
)

// Calls is told when the contact of a vehicle has to be called, and when not any more.
type Calls interface {
	Call(c *telemetry.Call)
}

// Call is why somebody calls the contact of a vehicle: what a person ordered came to
// nothing, and the vehicle is not at rest. Times are 0 for what did not happen.
type Call struct {
	Vehicle  vehicles.VehicleID `json:"vehicle"`
	Class    string             `json:"class"`
	Operator string             `json:"operator"`
	Order    string             `json:"order,omitempty"` // that came to nothing; empty: none could be given
	Why      string             `json:"why,omitempty"`   // what happened and what to say
	SinceUS  int64              `json:"since_us"`

	Tries   int     `json:"tries,omitempty"` // of people to reach the contact
	Outcome Outcome `json:"outcome,omitempty"`
	Note    string  `json:"note,omitempty"`
	By      string  `json:"by,omitempty"` // person that tried last
	TriedUS int64   `json:"tried_us,omitempty"`

	EndedUS int64  `json:"ended_us,omitempty"`
	Cause   string `json:"cause,omitempty"` // why it ended
}

// Open reports whether somebody still has to call.
func (c *Call) Open() bool { return c.EndedUS == 0 }

// Outcome is what came of calling a contact.
type Outcome string

// The outcomes. Only the second leaves the call open.
const (
	Reached    Outcome = "reached"     // who answers for the vehicle brings it to safety
	NotReached Outcome = "not_reached" // nobody answered: somebody calls again
	NotNeeded  Outcome = "not_needed"  // the vehicle is known to be safe
)

// Why a call ended.
const (
	callInEffect = "in_effect"
	callAtRest   = "at_rest"
	callReached  = "called"
	callNeedless = "not_needed"
)

// The types of a call's entries.
const (
	typeCallNeeded = "call.needed"
	typeCallTried  = "call.tried"
	typeCallEnded  = "call.ended"
)

// ErrOutcome is returned when it is not one of the outcomes of a call.
var ErrOutcome = errors.New("the outcome of a call is reached, not_reached or not_needed")

// restsUS is how long a vehicle that is not parked has to stand until nobody needs
// to be called about it: at a junction it goes on.
const restsUS = 10_000_000

// failed reports whether an order came to nothing, as far as is known.
func (o *Order) failed() bool {
	return o.State == Refused || o.State.doubtful() || o.State == Sent && o.unanswered
}

// asksForCall reports whether somebody is called when the order comes to nothing.
// One that was to go on stays where it was stopped; the enforcement ladder calls about
// its own steps by itself.
func (o *Order) asksForCall() bool {
	return o.Kind != Resume && (o.Person != Enforcement || o.Bulk != "")
}

// attend has the next look see whether somebody has to be called. Called with d.mu
// held, after every change of an order.
func (d *Dispatcher) attend(o *Order) {
	if d.cfg.Calls == nil || d.newest[o.Vehicle] != o {
		return
	}
	if o.State == InEffect || o.failed() && o.asksForCall() {
		d.attended[o.Vehicle] = true
	}
}

// attendOpen announces the calls of a former start once more: the alert may have been
// lost with it.
func (d *Dispatcher) attendOpen() {
	for _, c := range d.OpenCalls() {
		d.tell(&c)
	}
}

// lookAtCalls looks at every vehicle about which somebody has, or may have, to be
// called.
func (d *Dispatcher) lookAtCalls(ctx context.Context) {
	d.mu.Lock()
	var ids []vehicles.VehicleID
	for id := range d.attended {
		ids = append(ids, id)
	}
	for id, c := range d.calls {
		if c.Open() && !d.attended[id] {
			ids = append(ids, id)
		}
	}
	d.mu.Unlock()
	for _, id := range ids {
		if c := d.weighCall(id, d.restOf(ctx, id)); c != nil {
			d.tell(c)
		}
	}
}

// rest is how surely a vehicle is at rest.
type rest uint8

const (
	moving rest = iota // or it is not known
	standing
	rests // parked, or standing for restsUS
)

// restOf belongs to the goroutine of lookAtCalls.
func (d *Dispatcher) restOf(ctx context.Context, id vehicles.VehicleID) rest {
	var t telemetry.TrackView
	known := false
	if v := d.identity(id); v != nil && v.Verified {
		t, known = d.track(ctx, v)
	}
	since, stood := d.standing[id]
	switch {
	case !known || !telemetry.AtRest(&t.Track):
		delete(d.standing, id)
		return moving
	case t.Phase() != vehicles.Holding || stood && t.FixUS-since >= restsUS:
		delete(d.standing, id)
		return rests
	case !stood:
		d.standing[id] = t.FixUS
	}
	return standing
}

// weighCall opens or ends the call about a vehicle; nil: nothing changed.
func (d *Dispatcher) weighCall(id vehicles.VehicleID, is rest) *Call {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, c, now := d.newest[id], d.calls[id], d.nowUS()
	open := c != nil && c.Open()
	if is == standing && !open {
		return nil // it is looked at until it is sure
	}
	changed := d.attended[id]
	delete(d.attended, id)
	switch {
	case is == rests && open:
		return d.endCall(c, callAtRest, now)
	case is == rests || o == nil:
		return nil
	case open && o.State == InEffect && o.EffectUS >= c.SinceUS:
		return d.endCall(c, callInEffect, now)
	case changed && is == moving && o.failed() && o.asksForCall() && (c == nil || c.Order != o.ID):
		return d.openCall(&Call{Vehicle: id, Class: o.Class, Operator: o.Operator, Order: o.ID, Why: whyCall(o), SinceUS: now})
	}
	return nil
}

// whyCall is what a tired controller reads, and says.
func whyCall(o *Order) string {
	if o.State == Sent {
		return fmt.Sprintf("%s by %s is not acknowledged, and is being repeated: whether the vehicle gets it is not known", o.Kind, o.Person)
	}
	return fmt.Sprintf("%s by %s is %s: %s", o.Kind, o.Person, stateWords[o.State], o.Why)
}

var stateWords = map[State]string{
	Refused: "refused", NoAnswer: "not answered", NoEffect: "without effect", Expired: "expired",
}

// openCall is called with d.mu held.
func (d *Dispatcher) openCall(c *Call) *Call {
	d.calls[c.Vehicle] = c
	return d.writeCall(typeCallNeeded, "", c)
}

// endCall is called with d.mu held.
func (d *Dispatcher) endCall(c *Call, cause string, nowUS int64) *Call {
	c.EndedUS, c.Cause = nowUS, cause
	return d.writeCall(typeCallEnded, "", c)
}

// writeCall writes a call down as it is and copies it. Called with d.mu held.
func (d *Dispatcher) writeCall(typ, by string, c *Call) *Call {
	copied := *c
	d.scribe.add(entry{Type: typ, By: by, AtUS: d.nowUS(), Call: &copied})
	return &copied
}

// tell publishes a call as it is. Never called with d.mu held.
func (d *Dispatcher) tell(c *Call) {
	if d.cfg.Calls == nil {
		return
	}
	v := d.identity(c.Vehicle)
	if v == nil { // it is not followed now
		class, _ := vehicles.ParseClass(c.Class)
		v = &vehicles.Identity{ID: c.Vehicle, Class: class, Operator: c.Operator, Verified: true}
	}
	d.cfg.Calls.Call(&telemetry.Call{Vehicle: v, Source: telemetry.CallOrders, Began: c.Open(), Why: c.Why, Order: c.Order, Cause: c.Cause})
}

// NeedCall has somebody call the contact of a vehicle that cannot be ordered what it
// should be. Nobody is known who answers for one that is UNVERIFIED.
func (d *Dispatcher) NeedCall(v *vehicles.Identity, why string) {
	if !v.Verified || d.cfg.Calls == nil {
		return
	}
	d.mu.Lock()
	if c := d.calls[v.ID]; d.stopped || c != nil && c.Open() && c.Why == why {
		d.mu.Unlock()
		return
	}
	c := d.openCall(&Call{Vehicle: v.ID, Class: v.Class.String(), Operator: v.Operator, Why: why, SinceUS: d.nowUS()})
	d.mu.Unlock()
	d.tell(c)
}

// Called notes, durably, what came of calling the contact of a vehicle, whoever
// found that it was needed. A call that is open ends unless nobody was reached.
func (d *Dispatcher) Called(ctx context.Context, v *vehicles.Identity, by By, outcome Outcome, note string) (Call, error) {
	causes := map[Outcome]string{Reached: callReached, NotReached: "", NotNeeded: callNeedless}
	cause, ok := causes[outcome]
	if !ok {
		return Call{}, ErrOutcome
	}
	d.mu.Lock()
	if d.stopped {
		d.mu.Unlock()
		return Call{}, ErrStopping
	}
	now, before := d.nowUS(), d.calls[v.ID]
	next := Call{Vehicle: v.ID, Class: v.Class.String(), Operator: v.Operator, SinceUS: now}
	if before != nil {
		next = *before
	}
	next.Tries++
	next.Outcome, next.Note, next.By, next.TriedUS = outcome, note, by.Person, now
	typ := typeCallTried
	if cause != "" {
		typ, next.EndedUS, next.Cause = typeCallEnded, now, cause
	} else if before == nil { // somebody called of their own accord: nobody has to
		next.EndedUS = now
	}
	written := next
	done := d.scribe.add(entry{Type: typ, By: by.Actor, AtUS: now, Call: &written})
	d.calls[v.ID] = &next
	out := next
	d.mu.Unlock()
	if cause != "" {
		d.tell(&out)
	}
	select {
	case err := <-done:
		if err != nil {
			return Call{}, fmt.Errorf("call about vehicle %s: %w: %w", v.ID, ErrNotDurable, err)
		}
		return out, nil
	case <-ctx.Done():
		return Call{}, fmt.Errorf("call about vehicle %s, the outcome is not known yet: %w", v.ID, ctx.Err())
	}
}

// OpenCalls lists the calls that somebody still has to make, oldest first.
func (d *Dispatcher) OpenCalls() []Call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sortedCalls(func(c *Call) bool { return c.Open() })
}

// callKept is how long a call that ended is remembered.
const callKept = time.Hour

// noteCall takes a call of the journal in; one that ended long before another is
// forgotten. Called with d.mu held.
func (d *Dispatcher) noteCall(c *Call) {
	d.calls[c.Vehicle] = c
	if len(d.calls) < 10_000 {
		return
	}
	for id, old := range d.calls {
		if !old.Open() && c.SinceUS-old.EndedUS > callKept.Microseconds() {
			delete(d.calls, id)
		}
	}
}

// sortedCalls copies the calls that are wanted, oldest first. Called with d.mu held.
func (d *Dispatcher) sortedCalls(wants func(*Call) bool) []Call {
	out := []Call{}
	for _, c := range d.calls {
		if wants(c) {
			out = append(out, *c)
		}
	}
	slices.SortFunc(out, func(a, b Call) int {
		return cmp.Or(cmp.Compare(a.SinceUS, b.SinceUS), cmp.Compare(a.Vehicle, b.Vehicle))
	})
	return out
}
