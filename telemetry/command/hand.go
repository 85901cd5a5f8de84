package command

import (
	"testzone/vehicles"
)

// Enforcement is the hand of the enforcement ladder: who orders when nobody does.
const Enforcement = "enforcement"

// Basis is what an order was decided on. Nothing is sent when that has moved (SAFETY 2).
type Basis struct {
	Newest string // id of the vehicle's newest order; empty: there is none
	Holder string // who has the control; empty: nobody
}

// holds reports whether a basis is the state of now. Called with d.mu held.
func (d *Dispatcher) holds(b *Basis, id vehicles.VehicleID) bool {
	newest := ""
	if o := d.newest[id]; o != nil {
		newest = o.ID
	}
	l := d.leases[id]
	return b.Newest == newest && b.Holder == l.Holder
}

// Now is what a vehicle was told last, and who has its control; ok is false when it
// was told nothing.
func (d *Dispatcher) Now(id vehicles.VehicleID) (o Order, ok bool, l Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l = d.leases[id]
	if n := d.newest[id]; n != nil {
		return *n.copied(), true, l
	}
	return Order{}, false, l
}

// Modes are the flight modes of a vehicle that show an order; none: they are not
// known, or it cannot be ordered so.
func Modes(v *vehicles.Identity, k Kind) []uint32 {
	p, err := planFor(v, k)
	if err != nil {
		return nil
	}
	return p.modes
}

// Circles reports whether a vehicle may need way to stay in the air: it holds its
// place in a circle.
func Circles(v *vehicles.Identity) bool {
	b := bodyOf(v.Source.MAVType)
	return b == fixedWing || b == vtol
}
