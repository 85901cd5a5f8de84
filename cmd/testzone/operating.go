package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"testzone/airspace/permit"
	"testzone/telemetry"
	"testzone/vehicles"
)

// permitsConfig is what permits are needed for.
type permitsConfig struct {
	// Required are the classes (uav, icv, usv) that may move under a permit only: to arm
	// without one is denied, to move without one is an alert. Default none.
	Required []string `yaml:"required"`
}

func (c *permitsConfig) check(bad func(format string, args ...any)) {
	for i, class := range c.Required {
		if _, ok := vehicles.ParseClass(class); !ok {
			bad("permits.required[%d] %q is not a class: use uav, icv or usv", i, class)
		}
	}
}

func (c *permitsConfig) needs(class vehicles.Class) bool {
	for _, name := range c.Required {
		if is, ok := vehicles.ParseClass(name); ok && is == class {
			return true
		}
	}
	return false
}

const (
	// permitRest is how long a vehicle is at rest before it no longer operates under its
	// permit: a stop at a crossing is no end.
	permitRest = time.Minute
	// wayHome is how long a vehicle may take to come to a safe end after its permit
	// ended or was suspended (SAFETY 16), and endNow how long if it shall end at once.
	wayHome = 10 * time.Minute
	endNow  = time.Minute
	// movingLooks is how many looks in a row, a second apart, have to see a car or boat
	// move: one is noise of its position.
	movingLooks = 2
)

// operating knows under which permit each vehicle moves. Of several effective ones a
// vehicle operates under that whose areas have a window now, the first by id.
type operating struct {
	grants  func() []permit.Grant
	operate func(ctx context.Context, h vehicles.Handle, permit string) error
	tell    func(n *telemetry.PermitNotice)
	needs   func(vehicles.Class) bool
	end     func(permit string, of []vehicles.VehicleID) // those who move under it have to end now
	changed atomic.Bool                                  // grants are another list than the one that is held

	mu sync.Mutex // guards the fields below
	by map[vehicles.VehicleID][]permit.Grant
	of map[vehicles.VehicleID]*operation
}

// operation is one vehicle as it was seen last.
type operation struct {
	handle vehicles.Handle
	permit string    // empty: none
	ended  time.Time // since when that is not effective; zero: it is
	inLoop string    // the permit that the fences know: none once the time to come home is over
	adopts bool      // it has moved since it is seen: it may be on its way home since before a restart
	looks  int       // in a row, that saw it move
	rests  time.Time // since when it does not; zero: it does
	said   map[telemetry.AlertType]string
	told   string // which end of which permit it was told at once; empty: none
}

func (s *server) newOperating() *operating {
	o := &operating{
		grants: s.register.Grants, operate: s.pipeline.Operate, needs: s.cfg.Permits.needs,
		tell: func(n *telemetry.PermitNotice) { s.bus.PublishQuiet(time.Now().UnixMicro(), n) },
		end:  s.endNow,
		of:   map[vehicles.VehicleID]*operation{},
	}
	o.changed.Store(true)
	return o
}

// read takes the grants if they changed. Called with o.mu held.
func (o *operating) read() {
	if !o.changed.Swap(false) {
		return
	}
	o.by = map[vehicles.VehicleID][]permit.Grant{}
	for _, g := range o.grants() {
		for _, id := range g.Vehicles {
			o.by[id] = append(o.by[id], g)
		}
	}
}

// mayStart says whether a vehicle may begin to move as far as permits say; else why
// not, for its pilot.
func (o *operating) mayStart(id vehicles.VehicleID, class vehicles.Class, now time.Time) (reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.read()
	if !o.needs(class) || o.choose(id, now) != nil {
		return ""
	}
	reason = "no permit in force"
	for i := range o.by[id] {
		switch g := &o.by[id][i]; {
		case g.State == permit.GrantSuspended:
			return "permit suspended"
		case g.State == permit.GrantEffective:
			reason = "outside the permit's hours"
		case g.State == permit.GrantEnding && reason == "no permit in force":
			reason = "permit has ended"
		}
	}
	return reason
}

// choose is the grant under which a vehicle would start; nil: none. Called with o.mu held.
func (o *operating) choose(id vehicles.VehicleID, now time.Time) *permit.Grant {
	for i := range o.by[id] {
		if g := &o.by[id][i]; g.Allows(id, now) && openNow(g, now) {
			return g
		}
	}
	return nil
}

// openNow reports whether an area of a grant has a window now.
func openNow(g *permit.Grant, now time.Time) bool {
	for i := range g.Areas {
		for _, w := range g.Areas[i].Schedule.Windows {
			if us := now.UnixMicro(); w.FromUS <= us && us < w.ToUS {
				return true
			}
		}
	}
	return false
}

// look follows who moves under what. A vehicle that is not verified operates under
// nothing, and has alerts of its own.
func (o *operating) look(ctx context.Context, tracks []telemetry.TrackView, now time.Time) error {
	ends, err := o.follow(ctx, tracks, now)
	for _, permitID := range slices.Sorted(maps.Keys(ends)) {
		o.end(permitID, ends[permitID])
	}
	return err
}

// follow is look without what is ordered: who has to end now, by permit.
func (o *operating) follow(ctx context.Context, tracks []telemetry.TrackView, now time.Time) (ends map[string][]vehicles.VehicleID, err error) {
	ends = map[string][]vehicles.VehicleID{}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.read()
	seen := make(map[vehicles.VehicleID]*operation, len(o.of))
	for i := range tracks {
		t := &tracks[i]
		if !t.Vehicle.Verified || t.Traffic {
			continue
		}
		v := o.of[t.Vehicle.ID]
		if v == nil || v.handle < t.Handle {
			v = &operation{handle: t.Handle, rests: now, adopts: true, said: map[telemetry.AlertType]string{telemetry.Unpermitted: "?", telemetry.PermitEnding: "?"}}
		}
		if v.handle != t.Handle {
			continue // a former track that is about to go
		}
		seen[t.Vehicle.ID] = v
		v.sees(t, now)
		to := o.under(v, t.Vehicle.ID, now)
		inLoop := to
		if to == v.permit && !v.ended.IsZero() && now.Sub(v.ended) >= o.timeLeft(t.Vehicle.ID, to) {
			inLoop = "" // what the permit exempts from holds again
		}
		if inLoop != v.inLoop {
			if e := o.operate(ctx, t.Handle, inLoop); e != nil {
				err = e
				continue // again at the next look
			}
			v.inLoop = inLoop
		}
		if to != v.permit {
			v.permit, v.ended = to, time.Time{}
		}
		if o.endsNow(v, t.Vehicle.ID) {
			ends[v.permit] = append(ends[v.permit], t.Vehicle.ID)
		}
		o.warn(v, t, now)
	}
	o.of = seen
	return ends, err
}

// endsNow reports whether a vehicle has to be told that it ends at once, and notes that
// it is. What a former start of the server told is not told again (SAFETY 8).
func (o *operating) endsNow(v *operation, id vehicles.VehicleID) bool {
	g := o.grant(id, v.permit)
	if g == nil || !g.EndNow || g.State == permit.GrantEffective || v.ended.IsZero() || !v.moves() || v.told == endOf(g) {
		return false
	}
	v.told = endOf(g)
	return true
}

// endOf tells the ends of permits apart: one that was suspended may be so again.
func endOf(g *permit.Grant) string { return fmt.Sprint(g.Permit, " ", g.Since.UnixMicro()) }

// movingUnder lists who moves under a permit and would under none if it ended.
func (o *operating) movingUnder(permitID string, now time.Time) (ids []vehicles.VehicleID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.read()
	for id, v := range o.of {
		if v.permit != permitID || !v.moves() {
			continue
		}
		if !slices.ContainsFunc(o.by[id], func(g permit.Grant) bool { return g.Permit != permitID && g.Allows(id, now) && openNow(&g, now) }) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// sees takes whether the vehicle moves: a drone does from its arming on.
func (v *operation) sees(t *telemetry.TrackView, now time.Time) {
	moves, needed := t.HasFix() && t.Link < vehicles.LinkLost && !atRest(&t.Track, true), movingLooks
	if t.Class == vehicles.UAV {
		moves, needed = t.Armed, 1
	}
	switch {
	case moves:
		if v.looks++; v.looks >= needed {
			v.rests = time.Time{}
		}
	default:
		v.looks, v.adopts = 0, false
		if v.rests.IsZero() {
			v.rests = now
		}
	}
}

func (v *operation) moves() bool { return v.rests.IsZero() }

// under is the permit under which the vehicle operates. One that ended stays while
// it comes home, so that it is still exempt from what the permit exempts from.
func (o *operating) under(v *operation, id vehicles.VehicleID, now time.Time) string {
	if !v.moves() && (v.permit == "" || now.Sub(v.rests) >= permitRest) {
		return ""
	}
	if held := o.grant(id, v.permit); held != nil && (held.Allows(id, now) && openNow(held, now)) {
		v.ended = time.Time{}
		return v.permit
	}
	if g := o.choose(id, now); g != nil {
		return g.Permit
	}
	if v.permit == "" && v.adopts {
		v.adopts = false
		home := o.homeward(id, now)
		if g := o.grant(id, home); g != nil {
			v.told = endOf(g)
		}
		return home
	}
	if v.permit != "" && v.ended.IsZero() {
		v.ended = now
		if held := o.grant(id, v.permit); held != nil && !held.Since.IsZero() {
			v.ended = held.Since
		}
	}
	return v.permit
}

// homeward is the permit whose way home a vehicle may be on that was moving when it
// was seen first: a restart of the server is no event for it (SAFETY 8). Called with
// o.mu held.
func (o *operating) homeward(id vehicles.VehicleID, now time.Time) string {
	for i := range o.by[id] {
		g := &o.by[id][i]
		if (g.State == permit.GrantSuspended || g.State == permit.GrantEnding) && now.Sub(g.Since) < o.timeLeft(id, g.Permit) {
			return g.Permit
		}
	}
	return ""
}

// timeLeft is how long a vehicle may take to a safe end after its permit allows no more.
func (o *operating) timeLeft(id vehicles.VehicleID, permitID string) time.Duration {
	if g := o.grant(id, permitID); g != nil && g.EndNow {
		return endNow
	}
	return wayHome
}

// grant is a grant of a vehicle by its permit; nil: there is none.
func (o *operating) grant(id vehicles.VehicleID, permitID string) *permit.Grant {
	for i := range o.by[id] {
		if g := &o.by[id][i]; g.Permit == permitID {
			return g
		}
	}
	return nil
}

// warn tells what is wrong with a vehicle's permit, once for each thing.
func (o *operating) warn(v *operation, t *telemetry.TrackView, now time.Time) {
	without, ending := "", ""
	level := uint8(telemetry.Caution)
	g := o.grant(t.Vehicle.ID, v.permit)
	switch {
	case !v.moves():
	case v.permit == "":
		if o.needs(t.Class) {
			without = "it moves without a permit: call its contact, or order it to a safe end"
		}
	case !v.ended.IsZero():
		left, how := o.timeLeft(t.Vehicle.ID, v.permit), "it may finish and come home"
		if left == endNow {
			how = "it has to end now"
		}
		if now.Sub(v.ended) < left {
			ending, level = fmt.Sprintf("permit %s allows no more: %s, until %v after it", v.permit, how, left), telemetry.Warning
		} else {
			without = fmt.Sprintf("permit %s ended more than %v ago and it still moves: call its contact, or order it to a safe end", v.permit, left)
		}
	case g != nil:
		for _, m := range []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute} {
			if g.To.Sub(now) <= m {
				ending = fmt.Sprintf("permit %s ends in %v: come to a safe end", v.permit, m)
				break
			}
		}
	}
	o.say(v, t, telemetry.Unpermitted, telemetry.Warning, without)
	o.say(v, t, telemetry.PermitEnding, level, ending)
}

// say publishes a notice that differs from the last one. The first look ends what a
// former start of the server left open.
func (o *operating) say(v *operation, t *telemetry.TrackView, typ telemetry.AlertType, level uint8, why string) {
	if v.said[typ] == why {
		return
	}
	v.said[typ] = why
	n := telemetry.PermitNotice{Vehicle: t.Vehicle, Type: typ, Began: why != "", Level: level, Why: why, Cause: "at_rest_or_permitted"}
	if t.HasFix() {
		n.Fix = telemetry.NewFixEvidence(&t.Fix)
	}
	o.tell(&n)
}
