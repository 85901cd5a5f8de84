package telemetry

import (
	"context"
	"time"

	"testzone/geofence"
	"testzone/vehicles"
)

// tickEvery is how often a shard looks for silent links.
const tickEvery = 100 * time.Millisecond

// shard owns the vehicles whose handle is its number modulo the number of
// shards. Everything in it belongs to the goroutine of run.
type shard struct {
	p      *Pipeline
	in     *inbox
	fences *geofence.Shard
	byNum  []*owned // by handle / shards; nil: not followed
	all    []*owned // those that are followed, in no order
	nowUS  int64    // steady time at which the batch in hand was taken
	spare  []vehicles.Report
	out    []geofence.Transition
	ahead  []geofence.Prediction
	looks  int             // link ticks since the last look ahead
	jump   geofence.Jumped // scratch of weigh
	found  []EnforcementLook
}

// owned is one vehicle of the shard.
type owned struct {
	track   vehicles.Track
	id      *vehicles.Identity
	slot    *slot
	at      int   // index in shard.all
	heardUS int64 // steady time of the last heartbeat; 0: none yet
	fixUS   int64 // steady time of the last position
	loud    loudness
	run     uint32 // consecutive plausible fixes up to the last one
	jumped  bool   // the last one was a jump
	jumping bool   // one was, and the vehicle has not moved plausibly for long enough since

	breaches []breach // that the alerts hold open, by fence

	signs      vehicles.Signs // of interference, as last told
	unenforced bool           // as last told
	looksOther int            // in a row, that found otherwise
	foreseen   []foreseen
}

// loudness counts the transitions of one vehicle within a second.
type loudness struct {
	secondUS int64
	n        int
}

// How many transitions a second an unverified vehicle, and all of them
// together, may show to live sessions. The alert book hears them all.
const (
	loudLimit      = 10
	loudLimitTotal = 200
)

func (s *shard) run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.in.wake:
			s.drain()
		case <-tick.C:
			s.drain() // a heartbeat that waits must not count as silence
			s.watchLinks()
			if s.looks++; s.looks >= lookEvery {
				s.looks = 0
				s.watchEnforcement()
				s.tellLooks()
				s.lookAhead()
			}
		case <-ctx.Done():
			s.drain() // what was received is judged
			return nil
		}
	}
}

// drain handles what waits in the inbox.
func (s *shard) drain() {
	reports, jobs := s.in.take(s.spare)
	s.nowUS = s.p.steady()
	for i := range reports {
		s.step(&reports[i])
	}
	for _, job := range jobs {
		job(s)
	}
	s.spare = reports
}

// step takes one report in. Does not allocate for a vehicle that is followed
// and changes no fence state.
func (s *shard) step(r *vehicles.Report) {
	v := s.vehicle(r.Handle)
	if v == nil {
		s.p.orphans.Add(1)
		return
	}
	lastMS, lastFix, first := v.track.FixMS, v.track.Fix, !v.track.HasFix()
	moved := v.track.Apply(r)
	if r.Has&vehicles.HasHeartbeat != 0 {
		v.heardUS = s.nowUS
		if v.track.Link != vehicles.LinkNominal {
			s.setLink(v, vehicles.LinkNominal, r.ReceivedUS)
		}
	}
	if moved {
		v.fixUS = s.nowUS
		sample := geofence.Sample{Fix: r.Fix, ReceivedUS: r.ReceivedUS, BootMS: r.BootMS, Velocity: r.Velocity}
		if int32(r.BootMS-lastMS) < 0 {
			sample.BootMS = 0 // a new run, as the track found: ordered by the time of receipt
		}
		s.weigh(v, &sample)
		s.out = s.fences.Step(r.Handle, &sample, s.out[:0])
		s.publish(s.out)
		s.settle(v)
		if first && v.id.Verified { // others are never known again
			s.p.cfg.Bus.PublishQuiet(r.ReceivedUS, &Begun{v.id})
		}
	} else if r.Has&vehicles.HasPosition != 0 && (r.BootMS != lastMS || r.Fix != lastFix) {
		v.run = 0 // late; the same once more says nothing
	}
	s.watchSignal(v, r.ReceivedUS)
	v.slot.store(&v.track, v.fixUS, v.id.Verified)
	if s.p.cfg.Observe != nil {
		s.p.cfg.Observe(r)
	}
}

// vehicle is the shard's record of h; the first report of a handle makes it.
func (s *shard) vehicle(h vehicles.Handle) *owned {
	k := uint32(h) / s.p.shardCount()
	if k < uint32(len(s.byNum)) && s.byNum[k] != nil {
		return s.byNum[k]
	}
	id := s.p.cfg.Registry.Identity(h)
	slot := s.p.table.slot(h)
	if id == nil || slot == nil {
		return nil
	}
	for uint32(len(s.byNum)) <= k {
		s.byNum = append(s.byNum, nil)
	}
	v := &owned{id: id, slot: slot, at: len(s.all), track: vehicles.Track{
		Handle: h, Class: id.Class, Heading: vehicles.HeadingUnknown, Battery: vehicles.BatteryUnknown,
	}}
	s.byNum[k] = v
	s.all = append(s.all, v)
	s.p.table.follow(h, 1)
	s.fences.Admit(h, geofence.Subject{
		Class: id.Class, Operator: id.Operator, Vehicle: id.ID, Verified: id.Verified,
	})
	return v
}

func (s *shard) publish(out []geofence.Transition) {
	for i := range out {
		v := s.byNum[uint32(out[i].Handle)/s.p.shardCount()]
		s.tell(v, out[i].ReceivedUS, &Transition{
			Transition: out[i], Vehicle: v.id, Grounds: s.grounds(v, out[i].Flags), Held: s.hold(v, &out[i]),
		})
	}
}

// tell publishes a crossing or a jump of a vehicle.
func (s *shard) tell(v *owned, timeUS int64, body Body) {
	if !v.id.Verified && (v.loud.exceeds(s.nowUS, loudLimit) || s.p.loudExceeds(s.nowUS)) {
		s.p.quiet.Add(1)
		s.p.cfg.Bus.PublishQuiet(timeUS, body)
		return
	}
	s.p.cfg.Bus.Publish(timeUS, body)
}

func (l *loudness) exceeds(nowUS int64, limit int) bool {
	if nowUS-l.secondUS >= 1_000_000 {
		l.secondUS, l.n = nowUS, 0
	}
	l.n++
	return l.n > limit
}

// refresh judges the standing vehicles after a change of the fences.
func (s *shard) refresh() {
	now := s.p.cfg.Clock().UnixMicro()
	s.out = s.fences.Refresh(now, s.out[:0])
	s.publish(s.out)
	for _, v := range s.all {
		s.endGone(v, now)
	}
}

// watchLinks finds vehicles whose heartbeat has stopped.
func (s *shard) watchLinks() {
	for _, v := range s.all {
		if v.heardUS == 0 {
			continue
		}
		if state := s.p.cfg.Link.State(s.nowUS - v.heardUS); state > v.track.Link {
			s.setLink(v, state, s.p.cfg.Clock().UnixMicro())
			v.slot.store(&v.track, v.fixUS, v.id.Verified)
		}
	}
}

func (s *shard) setLink(v *owned, to vehicles.LinkState, nowUS int64) {
	from := v.track.Link
	v.track.Link = to
	if from == vehicles.LinkLost {
		v.unconfirm()
	}
	s.p.cfg.Bus.Publish(nowUS, &LinkChange{Vehicle: v.id, From: from, To: to, Armed: v.track.Armed})
}

// forget ends the following of a vehicle.
func (s *shard) forget(h vehicles.Handle) {
	k := uint32(h) / s.p.shardCount()
	if k >= uint32(len(s.byNum)) || s.byNum[k] == nil {
		return
	}
	v := s.byNum[k]
	s.byNum[k] = nil
	last := s.all[len(s.all)-1]
	s.all[v.at], last.at = last, v.at
	s.all = s.all[:len(s.all)-1]
	s.fences.Forget(h)
	s.p.table.follow(h, -1)
	v.slot.clear()
	s.p.cfg.Bus.Publish(s.p.cfg.Clock().UnixMicro(), &Gone{Vehicle: v.id})
}

// views copies the shard's tracks for a reader; only one when only is not 0.
func (s *shard) views(only vehicles.Handle) []TrackView {
	list := s.all
	if only != 0 {
		k := uint32(only) / s.p.shardCount()
		if k >= uint32(len(s.byNum)) || s.byNum[k] == nil {
			return nil
		}
		list = []*owned{s.byNum[k]}
	}
	out := make([]TrackView, 0, len(list))
	for _, v := range list {
		out = append(out, TrackView{
			Track: v.track, Vehicle: v.id, Breaches: s.fences.Breaches(v.id.Handle, nil),
			AlertLevel: uint8(v.slot.alert.Load()), Grounds: s.grounds(v, 0),
		})
	}
	return out
}
