package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// End has vehicles end what they may do no longer, each by its minimal-risk action:
// aircraft return, or are held; boats are held, or return; a car is held and somebody
// is called about the road behind it. Nobody gives it by hand: it follows from what
// was decided.
const End command.Kind = "end"

// hand is who orders what follows from a decision. RESUME of it is the zone's.
var hand = command.By{Actor: command.Enforcement, Person: command.Enforcement, Zone: true}

// Ending is which vehicles have to end, and why.
type Ending struct {
	Vehicles []vehicles.VehicleID
	Reason   string // of each order, e.g. "permit pm_1 is revoked: end now"
	Text     string // what they are, for the record
}

func (e *Ending) request() *Request {
	return &Request{Kind: End, Of: Selection{Vehicles: e.Vehicles, View: telemetry.WholeZone(), Text: e.Text}, By: hand, Reason: e.Reason}
}

// PreviewEnd says what vehicles would be told if they had to end now. Nobody acts on
// the preview: what is told is what fits then.
func (g *Giver) PreviewEnd(ctx context.Context, e Ending) (*Preview, error) {
	if len(e.Vehicles) == 0 {
		return &Preview{Kind: End, Items: []Item{}}, nil
	}
	return g.look(ctx, e.request())
}

// GiveEnd has vehicles end now. One whose control somebody has, whom its pilot steers
// by hand, or of whom too little is known is called about and not ordered (SAFETY 2,
// 3, 7). It returns when the orders are on their way; ok is false when nobody had to
// be told or called.
func (g *Giver) GiveEnd(ctx context.Context, e Ending) (b Bulk, ok bool, err error) {
	p, err := g.PreviewEnd(ctx, e)
	if err != nil || p.Orders+p.Calls == 0 {
		return Bulk{}, false, err
	}
	b, err = g.give(ctx, e.request(), p)
	return b, err == nil, err
}

// freshTime is how old what is known of a vehicle may be when it is ordered without a
// person who looks at it.
const freshTime = 3 * time.Second

// errNotNow is why a vehicle is called about instead of being ordered by itself.
var errNotNow = errors.New("it is not ordered by itself")

// endable refuses to order a vehicle without a person who looks at it, unless it is
// well known and steers by itself.
func (g *Giver) endable(t *telemetry.TrackView) error {
	because := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{errNotNow}, args...)...)
	}
	now := g.nowUS()
	switch bar := g.cfg.Unfit(t); {
	case bar != "":
		return because("%s", bar)
	case t.Link >= vehicles.LinkLost, now-t.HeartbeatUS > freshTime.Microseconds():
		return because("its link is lost: call its contact")
	case !t.HasFix(), now-t.FixUS > freshTime.Microseconds(), t.Quality(now) == vehicles.QualityBad, t.Interfered(now):
		return because("its position is not good enough: call its contact")
	case t.Grounds.Lacks(t.Vehicle.Class) != 0:
		return because("its samples do not suffice (%s): call its contact", strings.Join(t.Grounds.Lacks(t.Vehicle.Class).Names(), ", "))
	case t.Status >= vehicles.Critical:
		return because("it says that it is in an emergency, and its own failsafe is not disturbed: ask what it does")
	case g.cfg.ByHand(t.Vehicle, t.Mode) && !g.ownMode(t):
		return because("its pilot has it by hand: speak with the pilot")
	}
	return nil
}

// ownMode reports whether a vehicle is in its mode because it was ordered so by itself:
// to be held in place looks as if a pilot did it.
func (g *Giver) ownMode(t *telemetry.TrackView) bool {
	o, ok, _ := g.cfg.Orders.Now(t.Vehicle.ID)
	return ok && o.Person == hand.Person && slices.Contains(o.Modes, t.Mode)
}

// stillEndable keeps those of a later wave from being told of whom too little is known
// by then, and has somebody called about them.
func (g *Giver) stillEndable(ctx context.Context, b *Bulk, afterS int) {
	ctx, cancel := context.WithTimeout(ctx, freshTime)
	defer cancel()
	tracks, err := g.cfg.Zone.Tracks(ctx)
	g.each(b, func(it *Item) bool { return it.AfterS == afterS && it.State == Waiting }, func(it *Item) {
		why := err
		if i := slices.IndexFunc(tracks, func(t telemetry.TrackView) bool { return t.Vehicle.ID == it.Vehicle }); why == nil && i < 0 {
			why = fmt.Errorf("%w: it is not followed any more: call its contact", errNotNow)
		} else if why == nil {
			why = g.endable(&tracks[i])
		}
		if why != nil {
			g.note(b, it.Vehicle, func(it *Item) { it.State, it.Why = Cannot, why.Error() })
			g.call(it, b.Reason+"; "+why.Error())
		}
	})
}

// endItem adds to what a vehicle would be told why somebody is called besides.
func (g *Giver) endItem(it *Item, t *telemetry.TrackView, reason string) {
	switch {
	case it.Leased:
		it.Call = fmt.Sprintf("%s; %s has its control: speak with them, or take it over", reason, it.Holder)
	case it.Kind == "":
		it.Call = reason + "; " + it.Cannot
	case t.Vehicle.Class == vehicles.ICV:
		it.Call = reason + "; it is held, and whether it may stand there is not known: look at the road behind it"
	}
}

// endOrders has people called about who was told something and has to be looked at
// all the same: not before, for an order in effect ends a call. Then it gives the
// control back that the orders took, so that who comes to the vehicle next need not
// take it over; what the journal does not take is taken over by who wants it.
func (g *Giver) endOrders(b *Bulk) {
	ctx, cancel := context.WithTimeout(g.life, writeTime)
	defer cancel()
	g.each(b, func(it *Item) bool { return it.Order != "" }, func(it *Item) {
		if it.Call != "" && it.State == State(command.InEffect) {
			g.call(it, it.Call)
		}
		if o, ok, _ := g.cfg.Orders.Now(it.Vehicle); ok && o.ID == it.Order {
			_ = g.cfg.Orders.GiveUpLease(ctx, it.Vehicle, hand)
		}
	})
}
