package mavlink

// planNumbers are the opaque ids of what a vehicle carries: mission, fence, rally
// points.
type planNumbers [3]uint32

// current hands a MISSION_CURRENT on when the ids of the plans in it are not those
// of the one before: a vehicle sends it all the time, and changes a plan seldom.
func (d *decoder) current(s *session, f *frame, def *definition) Reason {
	p := d.padded(f.payload)
	ids := planNumbers{u32(p, 6), u32(p, 10), u32(p, 14)} // extensions, 0 when not sent
	if s.cred == nil || ids == s.plans {
		d.stats.Ignored++
		return accepted
	}
	why := d.note(s, f, def)
	if why == accepted {
		s.plans = ids
	}
	return why
}
