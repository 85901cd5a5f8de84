package airspace

import (
	"slices"
	"time"

	"testzone/vehicles"
)

// settleTime is how long after a decision a listener may still follow the one before.
const settleTime = 10 * time.Second

// Tenures says, of the vehicles that the query may see at a listener, since when a
// frame with a system id is theirs, in µs: whoever had the system id before is
// somebody else. Of a vehicle of the configuration that is the start of the program:
// what the configuration said before is not known.
func (r *Register) Tenures(sees Sees, listener string) map[uint8]int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := map[uint8]int64{}
	if _, gateway := r.fleet.gateways[listener]; !gateway && !slices.Contains(r.cfg.Listeners, listener) {
		return out // an open one: anybody may have sent what it received
	}
	for _, v := range r.fleet.all() {
		if v.State == Withdrawn || !sees(v.Operator) || !v.MAVLink.Speaks() || v.MAVLink.Listener != listener {
			continue
		}
		since := r.fleet.since[v.ID]
		if v.Origin == vehicles.Configured {
			since = r.startedUS
		}
		out[v.MAVLink.SystemID] = since + settleTime.Microseconds()
	}
	return out
}

// settle keeps since when a vehicle has its address and its operator. Called
// before the decision is taken into the state.
func (f *fleet) settle(v *Vehicle, atUS int64) {
	old, known := f.vehicles[v.ID]
	if !known || old.Operator != v.Operator || old.MAVLink.Listener != v.MAVLink.Listener || old.MAVLink.SystemID != v.MAVLink.SystemID {
		f.since[v.ID] = atUS
	}
}
