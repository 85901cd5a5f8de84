package geofence

import "slices"

// fewChanges is up to how many changes of the fence set are tested one by one
// against each vehicle; more are looked up.
const fewChanges = 16

// diff is the difference of two snapshots, prepared for many vehicles.
type diff struct {
	from, to *snapshot
	changes  []change
	byOld    map[*Compiled]int32
	byNew    map[*Compiled]int32
	keepIns  []int32 // changes in which a keep-in takes part: they concern every vehicle
	some     []int32 // scratch: changes that concern one vehicle
}

func (d *diff) prepare(from, to *snapshot) {
	if d.from == from && d.to == to {
		return
	}
	*d = diff{from: from, to: to, changes: to.difference(from)}
	if len(d.changes) <= fewChanges {
		return
	}
	d.byOld, d.byNew = map[*Compiled]int32{}, map[*Compiled]int32{}
	for i, ch := range d.changes {
		if ch.old != nil {
			d.byOld[ch.old] = int32(i)
		}
		if ch.new != nil {
			d.byNew[ch.new] = int32(i)
		}
		if ch.old != nil && ch.old.Fence.Kind == KeepIn || ch.new != nil && ch.new.Fence.Kind == KeepIn {
			d.keepIns = append(d.keepIns, int32(i))
		}
	}
}

// follow takes a vehicle from the snapshot and subject that it was judged by to
// those that hold now, at its last fix.
func (s *Shard) follow(v *vehicle, snap *snapshot, nowUS int64, out []Transition) []Transition {
	smp := Sample{Fix: v.fix, ReceivedUS: nowUS, BootMS: v.bootMS, Velocity: v.velocity.Velocity, VelocityUnknown: v.velocity.unknown}
	start := len(out)
	switch {
	case v.anew:
		out = s.reclassify(v, snap, &smp, out)
		v.box = emptyBox
	default:
		d := &s.diff
		d.prepare(v.snap, snap)
		if len(d.changes) <= fewChanges {
			for _, ch := range d.changes {
				out = v.apply(ch, &smp, out)
				// What goes leaves a box good, and so does what comes elsewhere.
				if ch.new != nil && v.box.meets(&ch.new.box) {
					v.box = emptyBox
				}
			}
			break
		}
		for _, i := range s.concerned(v, snap) {
			out = v.apply(d.changes[i], &smp, out)
		}
		v.box = emptyBox
	}
	out = s.judgeGroups(v, snap, FenceChanged, &smp, out)
	v.snap, v.was, v.anew = snap, v.sub, false
	v.ahead.forget()
	sortByFence(out[start:])
	return out
}

// concerned lists the changes that can matter to a vehicle: of fences that it is
// over, or will be, and of keep-ins.
func (s *Shard) concerned(v *vehicle, snap *snapshot) []int32 {
	d := &s.diff
	d.some = append(d.some[:0], d.keepIns...)
	for _, o := range v.over {
		if i, ok := d.byOld[o.fence]; ok {
			d.some = append(d.some, i)
		}
	}
	s.here.find(snap, &v.sub, v.fix.Point)
	for _, c := range s.here.fences {
		if i, ok := d.byNew[c]; ok {
			d.some = append(d.some, i)
		}
	}
	slices.Sort(d.some)
	d.some = slices.Compact(d.some)
	return d.some
}

// reclassify judges a vehicle of which something became known by every fence anew.
func (s *Shard) reclassify(v *vehicle, snap *snapshot, smp *Sample, out []Transition) []Transition {
	for _, was := range v.snap.fences {
		out = v.apply(change{was, snap.byID[was.Fence.ID]}, smp, out)
	}
	for _, c := range snap.fences {
		if v.snap.byID[c.Fence.ID] == nil {
			out = v.apply(change{new: c}, smp, out)
		}
	}
	return out
}

// apply judges one change at the vehicle's last fix. A fence that asks the same
// in another revision causes a transition only where it moved over the vehicle;
// one of another kind or group does not ask the same.
func (v *vehicle) apply(ch change, smp *Sample, out []Transition) []Transition {
	applied := ch.old != nil && ch.old.AppliesTo(&v.was)
	applies := ch.new != nil && ch.new.AppliesTo(&v.sub)
	if !applied && !applies {
		return out
	}
	was := applied && v.isInside(ch.old)
	wasFast := applied && v.isFast(ch.old)
	if applied {
		v.set(ch.old, false, false, false)
	}
	var is, isFast, unknown bool
	if applies {
		over := ch.new.covers(v.fix.Point)
		is, unknown = ch.new.band.holds(v.sub.Class, &v.fix)
		is = is && over
		isFast = ch.new.isTooFast(smp, is, wasFast)
		v.set(ch.new, over, is, isFast)
	}
	if applied && (!applies || ch.old.Fence.Kind != ch.new.Fence.Kind || ch.old.Fence.Group != ch.new.Fence.Group) {
		// The state that is held: inside any fence, or outside a keep-in.
		if was || ch.old.Fence.Kind == KeepIn {
			out = append(out, v.event(Ended, FenceChanged, ch.old, false, smp))
		}
		applied, wasFast = false, false
	}
	switch {
	case !applies:
	case is && !(applied && was):
		out = append(out, v.event(Entered, FenceChanged, ch.new, unknown, smp))
	case !is && (was && applied || !applied && ch.new.Fence.Kind == KeepIn):
		out = append(out, v.event(Left, FenceChanged, ch.new, unknown, smp))
	}
	if applies {
		out = v.speedEvent(ch.new, wasFast, isFast, FenceChanged, unknown, smp, out)
	}
	return out
}
