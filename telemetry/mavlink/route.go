package mavlink

import (
	"net/netip"
	"sync"

	"testzone/vehicles"
)

// Route is how a vehicle that proved who it is can be reached: where it spoke
// from last, and the key that it spoke under.
type Route struct {
	Handle     vehicles.Handle
	Addr       netip.AddrPort
	SystemID   uint8
	Autopilot  uint8 // component id
	Credential *Credential
	// HeardUS is when the vehicle was heard there last, in µs since the Unix epoch,
	// to the second: of several links the newest is sent over.
	HeardUS int64
}

// routes are the ways to the vehicles of one listener. Safe for concurrent use.
type routes struct {
	mu sync.Mutex // guards the field below
	to map[vehicles.Handle]Route
}

func (r *routes) set(route Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.to == nil {
		r.to = map[vehicles.Handle]Route{}
	}
	r.to[route.Handle] = route
}

// replace gives the vehicle another route in place of that to an address, none
// if next is nil. One that was heard elsewhere since keeps its route.
func (r *routes) replace(h vehicles.Handle, addr netip.AddrPort, next *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.to[h].Addr != addr:
	case next == nil:
		delete(r.to, h)
	default:
		r.to[h] = next.route()
	}
}

func (r *routes) get(h vehicles.Handle) (Route, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	route, ok := r.to[h]
	return route, ok
}

// heard says when vehicles were heard last, where they are sent to.
func (r *routes) heard(sessions map[key]*session, us func(*session) int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range sessions {
		if route := r.to[s.handle]; s.leads && route.Addr == s.key.addr {
			route.HeardUS = us(s)
			r.to[s.handle] = route
		}
	}
}
