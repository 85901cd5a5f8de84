package mavlink

import (
	"time"

	"testzone/vehicles"
)

// admit decides about a frame of a source without session: the heartbeat of a
// vehicle's autopilot opens one.
func (d *decoder) admit(k key, f *frame) (*session, Reason) {
	if f.id != idHeartbeat {
		return nil, NoSession
	}
	p := d.padded(f.payload)
	class, ok := classOf(p[4], p[5])
	if !ok || k.sys == 0 {
		return nil, NotVehicle
	}
	// Its own address pays first, so that a flood from one address cannot spend
	// what all share.
	if !d.pending.get(key{addr: k.addr}).bucket.take(d.now, d.addrRate) {
		return nil, Rate
	}
	if e := d.pending.find(k); e != nil && d.now < e.until {
		return nil, Refused
	}
	if !d.unknown.take(d.now, d.unknownRate) {
		return nil, Rate
	}
	var h vehicles.Handle
	if ok = len(d.sessions) < d.limits.Sessions; ok {
		h, ok = d.sink.Open(Source{
			Listener: d.name, Addr: k.addr, SystemID: k.sys, ComponentID: f.comp,
			Class: class, MAVType: p[4], Autopilot: p[5],
		})
	}
	if !ok {
		d.pending.get(k).until = d.now + int64(time.Second)
		return nil, Refused
	}
	s := &session{handle: h, owner: f.comp, class: class, gpsFix: fixUnseen, lastSeen: d.now, key: k}
	d.keep(s)
	return s, accepted
}
