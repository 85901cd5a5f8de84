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
	index  uint32
	tracks []owned // by handle / shards
	out    []geofence.Transition
}

// owned is one vehicle of the shard; id is nil while the handle is not followed.
type owned struct {
	track vehicles.Track
	id    *vehicles.Identity
	slot  *slot
}

func (s *shard) run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var spare []vehicles.Report
	for {
		select {
		case <-s.in.wake:
		case <-tick.C:
			s.watchLinks()
			continue
		case <-ctx.Done():
			return nil
		}
		reports, jobs := s.in.take(spare)
		for i := range reports {
			s.step(&reports[i])
		}
		for _, job := range jobs {
			job(s)
		}
		spare = reports
	}
}

// step takes one report in. Does not allocate for a vehicle that is followed
// and changes no fence state.
func (s *shard) step(r *vehicles.Report) {
	v := s.vehicle(r.Handle)
	if v == nil {
		s.p.orphans.Add(1)
		return
	}
	moved := v.track.Apply(r)
	if r.Has&vehicles.HasHeartbeat != 0 && v.track.Link != vehicles.LinkNominal {
		s.setLink(v, vehicles.LinkNominal, r.ReceivedUS)
	}
	if moved {
		s.out = s.fences.Step(r.Handle, geofence.Sample{
			Fix: r.Fix, ReceivedUS: r.ReceivedUS, BootMS: r.BootMS, Velocity: r.Velocity,
		}, s.out[:0])
		s.publish(s.out)
	}
	v.slot.store(&v.track, v.id.Verified)
	if s.p.cfg.Observe != nil {
		s.p.cfg.Observe(r)
	}
}

// vehicle is the shard's record of h; the first report of a handle makes it.
func (s *shard) vehicle(h vehicles.Handle) *owned {
	k := uint32(h) / s.p.shardCount()
	for uint32(len(s.tracks)) <= k {
		s.tracks = append(s.tracks, owned{})
	}
	v := &s.tracks[k]
	if v.id != nil {
		return v
	}
	id := s.p.cfg.Registry.Identity(h)
	slot := s.p.table.slot(h)
	if id == nil || slot == nil {
		return nil
	}
	*v = owned{id: id, slot: slot, track: vehicles.Track{
		Handle: h, Class: id.Class, Heading: vehicles.HeadingUnknown, Battery: vehicles.BatteryUnknown,
	}}
	s.fences.Admit(h, geofence.Subject{Class: id.Class})
	return v
}

func (s *shard) publish(out []geofence.Transition) {
	for i := range out {
		id := s.p.cfg.Registry.Identity(out[i].Handle)
		if id == nil {
			continue // retired a moment ago: its alerts are cleared by Gone
		}
		s.p.cfg.Bus.Publish(out[i].ReceivedUS, &Transition{Transition: out[i], Vehicle: id})
	}
}

// refresh judges the standing vehicles after a change of the fences.
func (s *shard) refresh() {
	s.out = s.fences.Refresh(s.p.cfg.Clock().UnixMicro(), s.out[:0])
	s.publish(s.out)
}

// watchLinks finds vehicles whose heartbeat has stopped.
func (s *shard) watchLinks() {
	now := s.p.cfg.Clock().UnixMicro()
	for i := range s.tracks {
		v := &s.tracks[i]
		if v.id == nil || v.track.HeartbeatUS == 0 {
			continue
		}
		if state := s.p.cfg.Link.State(now - v.track.HeartbeatUS); state > v.track.Link {
			s.setLink(v, state, now)
			v.slot.store(&v.track, v.id.Verified)
		}
	}
}

func (s *shard) setLink(v *owned, to vehicles.LinkState, nowUS int64) {
	from := v.track.Link
	v.track.Link = to
	s.p.cfg.Bus.Publish(nowUS, &LinkChange{Vehicle: v.id, From: from, To: to, Armed: v.track.Armed})
}

// forget ends the following of a vehicle.
func (s *shard) forget(h vehicles.Handle) {
	k := uint32(h) / s.p.shardCount()
	if k >= uint32(len(s.tracks)) || s.tracks[k].id == nil {
		return
	}
	v := &s.tracks[k]
	s.fences.Forget(h)
	v.slot.clear()
	s.p.cfg.Bus.Publish(s.p.cfg.Clock().UnixMicro(), &Gone{Vehicle: v.id})
	*v = owned{}
}

// views copies the shard's tracks for a reader.
func (s *shard) views(only vehicles.Handle) []TrackView {
	var out []TrackView
	for i := range s.tracks {
		v := &s.tracks[i]
		if v.id == nil || only != 0 && v.id.Handle != only {
			continue
		}
		out = append(out, TrackView{
			Track: v.track, Vehicle: v.id, Breaches: s.fences.Breaches(v.id.Handle, nil),
			AlertLevel: uint8(v.slot.alert.Load()),
		})
	}
	return out
}
