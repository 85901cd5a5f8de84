package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
	"testzone/web"
)

const (
	// freshSample is how old a heartbeat or position may be and still say what the
	// vehicle does now.
	freshSample = 3 * time.Second
	// restTime is for how long a vehicle must be at rest, and pauseTime for how long
	// a car or boat that is armed: longer than a red light or a lock takes.
	restTime  = 10 * time.Second
	pauseTime = 3 * time.Minute
	// changedTime is for how long a vehicle must be heard under a key that stays
	// before those that retire are not waited for any more.
	changedTime = 10 * time.Second
	// lostLimit is the silence after which a vehicle is taken to have ended.
	lostLimit = time.Hour
	// comeBack is the time after a start in which what was in the air is heard again.
	comeBack = time.Minute
)

// sighting is what is known of one vehicle that proved who it is, since the start.
// Times that something is concluded from are of the monotonic clock: a step of the
// wall clock must not make what flies look lost, nor what is old look new.
type sighting struct {
	provedUS          int64 // for people
	listener, address string

	handle        vehicles.Handle // of the newest track
	beatUS, fixUS int64           // as the track has them: another one is a new one
	heard, fixed  time.Time       // when a new heartbeat, or session, and a new position were seen
	rests         time.Time       // since when it is at rest; zero: it is not
	stopped       bool            // when it was heard last
}

// keySighting is what is known of one key.
type keySighting struct {
	vehicle string
	stamps  *mavlink.Stamps
	highest mavlink.Stamp // at the last look
	seenUS  int64         // when a frame came under it, to a second; 0: not since the start

	retiring    bool
	first, last time.Time // of the time in which it was heard without a pause
}

// sightingOf is called with e.mu held.
func (e *enrolment) sightingOf(vehicle string) *sighting {
	s := e.seen[vehicle]
	if s == nil {
		s = &sighting{}
		e.seen[vehicle] = s
	}
	return s
}

// look sees who moves and which keys are used.
func (e *enrolment) look(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, freshSample)
	defer cancel()
	tracks, err := e.pipeline.Tracks(ctx, telemetry.WholeZone())
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range tracks {
		if t := &tracks[i]; t.Vehicle.Verified {
			e.sightingOf(string(t.Vehicle.ID)).take(&t.Track, now)
		}
	}
	for _, k := range e.keys {
		if highest := k.stamps.Highest(); highest != k.highest {
			k.highest, k.seenUS = highest, now.UnixMicro()
			if now.Sub(k.last) > freshSample {
				k.first = now
			}
			k.last = now
		}
	}
	return err
}

// take judges a track. A sample that is not fresh says nothing.
func (s *sighting) take(t *vehicles.Track, now time.Time) {
	if t.Handle < s.handle {
		return // a former track that is about to go
	}
	s.handle = t.Handle
	if t.HeartbeatUS != s.beatUS {
		s.beatUS, s.heard = t.HeartbeatUS, now
	}
	if t.FixUS != s.fixUS {
		s.fixUS, s.fixed = t.FixUS, now
	}
	if !s.fresh(now) {
		s.rests = time.Time{}
		return
	}
	switch {
	case !atRest(t, now.Sub(s.fixed) <= freshSample):
		s.rests = time.Time{}
	case s.rests.IsZero():
		s.rests = now
	}
	long := restTime
	if t.Armed && t.Class != vehicles.UAV {
		long = pauseTime
	}
	rested := !s.rests.IsZero() && now.Sub(s.rests) >= long
	s.stopped = rested && (t.Class != vehicles.UAV || t.Landed == vehicles.OnGround) || t.Class == vehicles.UAV && !t.Armed
}

// fresh reports whether a heartbeat was seen just now.
func (s *sighting) fresh(now time.Time) bool { return s.beatUS != 0 && now.Sub(s.heard) <= freshSample }

// restCMS is the speed in cm/s below which a vehicle is at rest: that of GNSS noise.
const restCMS = 50

func atRest(t *vehicles.Track, freshFix bool) bool {
	if !freshFix { // a vehicle without a position can say that it is disarmed
		return !t.HasFix() && !t.Armed
	}
	return t.SpeedCMS() < restCMS && max(t.Velocity.D, -t.Velocity.D) < restCMS
}

// moves says whether a vehicle may be moving now. The register asks while it decides.
func (e *enrolment) moves(vehicle string) bool { return e.movesAt(vehicle, time.Now()) }

func (e *enrolment) movesAt(vehicle string, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.seen[vehicle]
	if s == nil {
		return (e.spoke(vehicle) || e.behind[vehicle]) && now.Sub(e.started) < comeBack
	}
	return !s.stopped && !s.lost(now)
}

// lost reports whether the vehicle was silent for so long that it has ended somehow.
func (s *sighting) lost(now time.Time) bool {
	return now.Sub(s.heard) > lostLimit
}

// spoke reports whether a vehicle ever signed under one of its keys. Called with
// e.mu held.
func (e *enrolment) spoke(vehicle string) bool {
	for _, k := range e.keys {
		if k.vehicle == vehicle && k.stamps.Highest() != 0 {
			return true
		}
	}
	return false
}

// ended reports whether nobody is left without help when a vehicle is no longer
// accepted, and why (SAFETY 1). One that was not heard since the start may be in
// the air since before.
func (e *enrolment) ended(vehicle string, now time.Time) (why string, ok bool) {
	const silent = "it was not heard for an hour"
	e.mu.Lock()
	defer e.mu.Unlock()
	s, up := e.seen[vehicle], now.Sub(e.started)
	switch _, signs := e.refused[e.addresses[vehicle].Listener]; {
	case s == nil && signs && up > comeBack && !e.spoke(vehicle) && !e.behind[vehicle]:
		return "it has never been heard", true
	case s == nil:
		return silent, up > lostLimit
	case s.lost(now):
		return silent, true
	case s.fresh(now) && e.changed(vehicle, now):
		return "it signs with another key", true
	}
	return "it has stopped", s.fresh(now) && s.stopped
}

// changed reports whether a vehicle is heard under a key that stays: one that
// retires is then nobody's but a thief's. Called with e.mu held.
func (e *enrolment) changed(vehicle string, now time.Time) bool {
	for _, k := range e.keys {
		if k.vehicle == vehicle && !k.retiring && now.Sub(k.last) <= freshSample && k.last.Sub(k.first) >= changedTime {
			return true
		}
	}
	return false
}

// settle lets what is to end when a vehicle has stopped come to its end. looked is
// how the last look went: without one nobody is seen to have stopped.
func (e *enrolment) settle(ctx context.Context, now time.Time, looked error) {
	e.mu.Lock()
	unsettled, retiring := e.unsettled, e.retiring
	e.mu.Unlock()
	// What is seen now is not decided on later, when a disk that hung goes on.
	ctx, cancel := context.WithTimeout(ctx, freshSample)
	defer cancel()
	failed := looked
	for _, id := range unsettled {
		if why, ok := e.ended(id, now); ok {
			failed = errors.Join(failed, e.settleVehicle(ctx, id, why))
		}
	}
	for _, id := range retiring {
		if e.allEnded(id, now) {
			_, err := e.register.SettleGateway(ctx, id, "the vehicles behind it have stopped")
			failed = errors.Join(failed, err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failed = failed
}

func (e *enrolment) allEnded(gateway string, now time.Time) bool {
	return !slices.ContainsFunc(e.register.Vouched(gateway), func(v airspace.Vehicle) bool {
		_, ok := e.ended(v.ID, now)
		return !ok
	})
}

// settleVehicle retires keys, and then erases them.
func (e *enrolment) settleVehicle(ctx context.Context, id, why string) error {
	before, err := e.register.Vehicle(airspace.Everybody, id)
	if err != nil {
		return err
	}
	after, err := e.register.SettleVehicle(ctx, id, why)
	switch {
	case errors.Is(err, airspace.ErrKeyState): // it was settled a moment ago
		return nil
	case err != nil:
		return err
	case after.State == airspace.Withdrawn:
		return e.secrets.Erase(id)
	}
	var errs []error
	for i := range before.Keys {
		if k := &before.Keys[i]; k.State == airspace.KeyRetiring {
			errs = append(errs, e.secrets.RemoveKey(id, k.ID))
		}
	}
	return errors.Join(errs...)
}

// proof is what a vehicle's record shows about how it proved who it is.
func (e *enrolment) proof(v vehicles.VehicleID) web.VehicleProof {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := web.VehicleProof{KeySeenUS: map[string]int64{}}
	if s := e.seen[string(v)]; s != nil {
		out.ProvedUS, out.Listener, out.Address = s.provedUS, s.listener, s.address
	}
	at := e.addresses[string(v)]
	if r := e.refused[at.Listener]; r != nil {
		out.RefusedUS, out.RefusedReason = r.last(at.SystemID)
	}
	for id, k := range e.keys {
		if k.vehicle == string(v) && k.seenUS != 0 {
			out.KeySeenUS[id] = k.seenUS
		}
	}
	return out
}
