package command

import (
	"time"

	"testzone/telemetry"
	"testzone/vehicles"
)

// newsEvery is how often changes are told at most. The first after a pause is told
// at once; a thousand orders of one moment are one piece of news.
const newsEvery = 200 * time.Millisecond

// news is what changed and was not told yet, each once.
type news struct {
	orders, leases, terminations []telemetry.Changed

	known  map[string]bool // ids in orders, leases and terminations
	toldUS int64
}

// tellOrder tells that an order changed. Called with d.mu held.
func (d *Dispatcher) tellOrder(o *Order) {
	if d.news.note(o.ID) {
		d.news.orders = append(d.news.orders, telemetry.Changed{ID: o.ID, Operator: o.Operator})
	}
	d.tellSoon()
}

// tellLease tells that the control of a vehicle changed. Called with d.mu held.
func (d *Dispatcher) tellLease(id vehicles.VehicleID, operator string) {
	if d.news.note("lease " + string(id)) {
		d.news.leases = append(d.news.leases, telemetry.Changed{ID: string(id), Operator: operator})
	}
	d.tellSoon()
}

// TellTermination tells that something became of the proposal to end a flight.
func (d *Dispatcher) TellTermination(id, operator string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.news.note(id) {
		d.news.terminations = append(d.news.terminations, telemetry.Changed{ID: id, Operator: operator})
	}
	d.tellSoon()
}

func (n *news) note(id string) (fresh bool) {
	if n.known[id] {
		return false
	}
	if n.known == nil {
		n.known = map[string]bool{}
	}
	n.known[id] = true
	return true
}

// tellSoon publishes the news if the last are long enough ago. Called with d.mu held.
func (d *Dispatcher) tellSoon() {
	now := d.nowUS()
	n := &d.news
	if d.cfg.Bus == nil || len(n.orders)+len(n.leases)+len(n.terminations) == 0 || now >= n.toldUS && now-n.toldUS < newsEvery.Microseconds() {
		return
	}
	d.cfg.Bus.Publish(now, &telemetry.OrderChange{Orders: n.orders, Leases: n.leases, Terminations: n.terminations})
	d.news = news{toldUS: now}
}

// tellLate publishes what had to wait.
func (d *Dispatcher) tellLate() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tellSoon()
}
