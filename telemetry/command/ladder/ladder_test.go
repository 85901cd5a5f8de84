package ladder

import (
	"testing"
	"time"

	"testzone/geofence"
	"testzone/telemetry/command"
)

// A breach of a fence that asks to hold is ordered at once, and the ladder ends when
// the vehicle is out of it again.
func TestABreachHasItsEffect(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		w.fly(9 * time.Second)
		if f.told() != "" {
			t.Fatalf("before the fence it was told %q", f.told())
		}
		w.fly(3 * time.Second)
		l := w.is(f, InEffect)
		s := l.Steps[0]
		if f.told() != "hold" || len(l.Steps) != 1 || s.Kind != command.Hold || s.EffectUS == 0 || s.SentUS < s.EvidenceUS || s.AskedUS-s.EvidenceUS > 1000 {
			t.Fatalf("told %q, steps %+v", f.told(), l.Steps)
		}
		if o, lease := w.newest(f); o.Person != command.Enforcement || lease.Holder != command.Enforcement {
			t.Fatalf("the hand: %+v %+v", o, lease)
		}
		if why := w.calls(); why != "" {
			t.Errorf("somebody is called: %s", why)
		}
		w.by(f, command.Return, ann)
		w.fly(10 * time.Second)
		if l = w.is(f, Ended); l.Cause != "complied" {
			t.Errorf("ended by %q", l.Cause)
		}
	})
}

func (w *world) newest(f *flier) (command.Order, command.Lease) {
	o, _, l := w.orders.Now(f.id)
	return o, l
}
