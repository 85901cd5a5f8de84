package command

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// cmdTerminate is MAV_CMD_DO_FLIGHTTERMINATION: parameter 1 above 0.5 stops the motors
// at once. Nothing takes it back.
const cmdTerminate = 185

// Ground says what is known of a place below a vehicle.
type Ground interface {
	// Under are the fences and sectors over a place, whatever the height, for people.
	Under(v *vehicles.Identity, p geo.Point) []string
}

// Termination is the decision of two persons to end a flight.
type Termination struct {
	ID        string // of what was proposed
	Vehicle   vehicles.VehicleID
	By        By     // who proposed it: whose hand it is
	Confirmed string // the other person
	Reason    string
	TakeOver  bool     // the control of the vehicle, from who had it when it was proposed
	Seen      Prospect // what the first person saw
	Try       bool     // check everything, and neither send nor change anything
}

// Prospect is what would come of ending a flight now. What and who is below is not
// known to anybody here, nor is the wind: Reach is without drag, glide or parachute.
type Prospect struct {
	AtUS     int64     `json:"at_us"`
	Handle   uint32    `json:"handle"` // of the session that was looked at
	Point    geo.Point `json:"point"`
	FixUS    int64     `json:"fix_us"`
	Height   bool      `json:"height,omitempty"` // it is known
	HeightMM int32     `json:"height_mm"`
	Datum    geo.Datum `json:"datum"`
	SpeedCMS uint32    `json:"speed_cms"`
	DownCMS  int16     `json:"down_cms"`
	FallS    float64   `json:"fall_s,omitempty"`  // 0: not known
	ReachM   float64   `json:"reach_m,omitempty"` // along its course
	Course   float64   `json:"course_deg,omitempty"`
	Over     []string  `json:"over,omitempty"` // fences and sectors
	Doubts   []string  `json:"doubts,omitempty"`
	Holder   string    `json:"holder,omitempty"` // of the control; empty: nobody
}

// Prospect looks at what would come of ending a flight now; the error says why it
// cannot be ended from here.
func (d *Dispatcher) Prospect(ctx context.Context, id vehicles.VehicleID) (Prospect, error) {
	_, _, p, err := d.prospect(ctx, id)
	if err != nil {
		err = fmt.Errorf("%s of %s: %w", Terminate, id, err)
	}
	return p, err
}

func (d *Dispatcher) prospect(ctx context.Context, id vehicles.VehicleID) (v *vehicles.Identity, t telemetry.TrackView, p Prospect, err error) {
	if !d.cfg.Termination {
		return nil, t, p, ErrSwitchedOff
	}
	if v = d.identity(id); v == nil {
		return nil, t, p, ErrUnreachable
	}
	if _, err = terminationOf(v); err != nil {
		return nil, t, p, err
	}
	t, known := d.track(ctx, v)
	now := d.nowUS()
	if err := mayTerminate(&t, known, now); err != nil {
		return nil, t, p, err
	}
	p = prospectOf(&t, now)
	if d.cfg.Ground != nil {
		p.Over = d.cfg.Ground.Under(v, t.Fix.Point)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.leases[id]
	p.Holder = l.Holder
	return v, t, p, nil
}

// terminationOf is what is sent to end the flight of a machine.
func terminationOf(v *vehicles.Identity) (plan, error) {
	b := bodyOf(v.Source.MAVType)
	switch {
	case !v.Verified:
		return plan{}, ErrUnverified
	case v.Class != vehicles.UAV:
		return plan{}, cannot("only the flight of an aircraft is ended: order STOP or HOLD")
	case !b.fits(v.Class):
		return plan{}, cannot("the vehicle says that it is a %s and is registered as an aircraft: call its contact", bodyNames[b])
	case v.Source.Autopilot != arduPilot && v.Source.Autopilot != px4:
		return plan{}, cannot("what this autopilot does when its flight is ended is not known: order LAND or HOLD, and call its contact")
	}
	return plan{commands: []Command{{ID: cmdTerminate, Params: [7]float64{1}}}, motion: falls}, nil
}

// mayTerminate is whether the moment allows to end a flight: known is false when nothing
// is known of the vehicle's state.
func mayTerminate(t *telemetry.TrackView, known bool, nowUS int64) error {
	switch {
	case !known || t.Link == vehicles.LinkLost || nowUS-t.HeartbeatUS > staleUS:
		return fmt.Errorf("the link is lost and nothing that is sent arrives: %w", ErrUnreachable)
	case t.Status == vehicles.Terminated:
		return cannot("the flight was ended already")
	case !t.Armed || t.Landed == vehicles.OnGround:
		return cannot("the vehicle does not fly")
	case !t.HasFix() || nowUS-t.FixUS > staleUS:
		return cannot("no position is newer than %d s, where it would come down is not known: order LAND or HOLD, and call its contact", staleUS/1_000_000)
	}
	return nil
}

// gravity in m/s².
const gravity = 9.80665

func prospectOf(t *telemetry.TrackView, nowUS int64) Prospect {
	p := Prospect{
		AtUS: nowUS, Handle: uint32(t.Vehicle.Handle), Point: t.Fix.Point, FixUS: t.FixUS,
		SpeedCMS: t.SpeedCMS(), DownCMS: t.Velocity.D, Course: math.Mod(courseOf(&t.Track)*180/math.Pi+360, 360),
	}
	for _, datum := range []geo.Datum{geo.AGL, geo.Takeoff, geo.AMSL, geo.WGS84} { // the nearest to what it falls on first
		if mm, ok := t.Fix.Heights.In(datum); ok {
			p.Height, p.HeightMM, p.Datum = true, mm, datum
			break
		}
	}
	switch q := t.Quality(nowUS); {
	case q == vehicles.QualityBad:
		p.Doubts = append(p.Doubts, "its position is of bad quality")
	case q == vehicles.QualityUnknown:
		p.Doubts = append(p.Doubts, "the quality of its position is not known")
	}
	if t.Interfered(nowUS) {
		p.Doubts = append(p.Doubts, "its receiver is interfered with")
	}
	if !p.Height {
		return p
	}
	// Free fall from the height with the vertical speed of now: d t + g t²/2 = h.
	h, down := max(float64(p.HeightMM)/1000, 0), float64(p.DownCMS)/100
	p.FallS = (math.Sqrt(down*down+2*gravity*h) - down) / gravity
	p.ReachM = p.FallS * float64(p.SpeedCMS) / 100
	return p
}

// terminationPatience is how long a termination waits for the journal: later the
// vehicle is somewhere else.
const terminationPatience = 5 * time.Second

// patience is how long an order that has to be durable first waits for the journal.
func patience(k Kind) time.Duration {
	if k == Terminate {
		return terminationPatience
	}
	return acceptTime
}

// Terminate ends a flight, as two persons decided. It is durable before it leaves, and
// nothing is sent when the journal does not answer or when the situation is another
// than the first person saw. Who decided, and that they are two, is the caller's to
// know. One termination is ordered once: asked again it answers what became of it.
func (d *Dispatcher) Terminate(ctx context.Context, x *Termination) (Order, error) {
	if o, ok := d.ofTermination(x); ok {
		return o, nil
	}
	o, err := d.terminate(ctx, x)
	if err != nil {
		return Order{}, fmt.Errorf("%s of %s: %w", Terminate, x.Vehicle, err)
	}
	return o, nil
}

func (d *Dispatcher) terminate(ctx context.Context, x *Termination) (Order, error) {
	v, t, now, err := d.prospect(ctx, x.Vehicle)
	if err == nil {
		err = d.changed(x, &now)
	}
	if err != nil {
		return Order{}, err
	}
	p, err := terminationOf(v)
	if err != nil {
		return Order{}, err
	}
	q := Request{Vehicle: v.ID, Kind: Terminate, By: x.By, Reason: x.Reason, TakeOver: x.TakeOver, Try: x.Try, termination: x}
	// The request of ctx was the second person's decision; its entry is written.
	id, done, err := d.put(journal.WithRequest(ctx, nil), &q, v, p, &t)
	if err != nil || x.Try {
		return Order{}, err
	}
	return d.wait(ctx, id, done)
}

// Terminates reports whether two persons may end a flight here.
func (d *Dispatcher) Terminates() bool { return d.cfg.Termination }

// ofTermination is the order that a termination led to.
func (d *Dispatcher) ofTermination(x *Termination) (Order, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.ofOne[x.Vehicle] {
		if x.ID != "" && o.Termination == x.ID {
			return *o.copied(), true
		}
	}
	return Order{}, false
}

// terminationAge bounds the age of what the first person saw: the minute of the second
// person, and the journal's time. A decision that is repeated later sends nothing.
const terminationAge = 65 * time.Second

// changed is how the situation differs from the one that was decided on; nil: not in
// what matters.
func (d *Dispatcher) changed(x *Termination, now *Prospect) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.newest[x.Vehicle]
	switch seen := &x.Seen; {
	case seen.AtUS < d.born || seen.Handle != now.Handle:
		return fmt.Errorf("the server or the vehicle restarted since: %w", ErrSituation)
	case d.nowUS()-seen.AtUS > terminationAge.Microseconds():
		return fmt.Errorf("it was decided on what was seen %.0f s ago: %w", float64(d.nowUS()-seen.AtUS)/1e6, ErrSituation)
	case now.Holder != seen.Holder && now.Holder != x.By.Person && now.Holder != "":
		return fmt.Errorf("%s has the control of the vehicle since: %w", now.Holder, ErrSituation)
	case o != nil && o.State == InEffect && o.EffectUS > seen.AtUS:
		return fmt.Errorf("the vehicle obeys, %s by %s took effect since: %w", o.Kind, o.Person, ErrSituation)
	default:
		for _, what := range [...]struct{ now, seen []string }{{now.Over, seen.Over}, {now.Doubts, seen.Doubts}} {
			for _, s := range what.now {
				if !slices.Contains(what.seen, s) {
					return fmt.Errorf("the first person did not see this: %s: %w", s, ErrSituation)
				}
			}
		}
	}
	return nil
}

// mayFollowTermination refuses what would follow the end of a flight: nobody commands
// what falls. One that did not obey, or flies again later, can be ordered about.
func mayFollowTermination(q *Request, before *Order, t *telemetry.TrackView) error {
	switch {
	case before == nil || before.Kind != Terminate:
		return nil
	case q.termination != nil && q.termination.ID != "" && q.termination.ID == before.Termination:
		return cannot("termination %s was ordered already", before.Termination)
	}
	over := before.State == Sent || before.State == Accepted ||
		before.State == InEffect && (t.HeartbeatUS == 0 || !t.Armed || t.Status == vehicles.Terminated)
	if over {
		return cannot("its flight is being or was ended by %s and %s: nothing more is sent until it flies again", before.Person, before.Confirmed)
	}
	return nil
}
