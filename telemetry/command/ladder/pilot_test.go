package ladder

import (
	"errors"
	"strings"
	"testing"
	"time"

	"testzone/geofence"
	"testzone/telemetry/command"
)

// fence, at a hard one until the controller decides.
func TestSafetyPilotByHand(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		f.set(func() { f.mode, f.speed = stick, 300 })
		w.fly(60 * time.Second)
		if w.is(f, Overridden); f.told() != "" {
			t.Fatalf("at a soft fence: told %q", f.told())
		}
		w.fly(40 * time.Second)
		if w.is(f, InEffect); f.told() != "hold" {
			t.Errorf("at a soft fence after a minute: told %q", f.told())
		}
	})
	for what, told := range map[Verdict]string{Continue: "return", LetItBe: ""} {
		in(t, geofence.Return, func(t *testing.T, w *world, f *flier) {
			f.set(func() { f.mode, f.speed = stick, 300 })
			w.fly(100 * time.Second)
			l := w.is(f, Overridden)
			if f.told() != "" || l.Called == "" || w.calls() != l.Called {
				t.Fatalf("at a hard fence: told %q, %+v", f.told(), l)
			}
			if _, err := w.e.Decide(t.Context(), f.id, what, "ann", "spoke with the pilot"); err != nil {
				t.Fatal(err)
			}
			w.fly(5 * time.Second)
			l = w.ladder(f)
			if f.told() != told || l.Called != "" || w.calls() != "" || l.Decision == nil {
				t.Errorf("decided to %s: told %q, %+v", what, f.told(), l)
			}
		})
	}
}

// SAFETY 7: a pilot who takes the vehicle out of what was ordered has it.
func TestSafetyPilotTakesOver(t *testing.T) {
	for _, inEffect := range []bool{true, false} {
		in(t, geofence.Stop, func(t *testing.T, w *world, f *flier) {
			if !inEffect { // the mode shows, and the motion not yet
				f.set(func() { f.obeys = func(command.Command) bool { f.mode = brake; return false } })
			}
			w.fly(11 * time.Second)
			if inEffect {
				w.fly(2 * time.Second)
				w.is(f, InEffect)
			}
			f.set(func() { f.mode, f.speed = auto, 300 }) // lets it fly on
			w.fly(30 * time.Second)
			l := w.is(f, Overridden)
			if f.told() != "hold" || l.Override == nil || !l.Override.Ordered || l.Called == "" {
				t.Fatalf("in effect %v: told %q, %+v", inEffect, f.told(), l)
			}
		})
	}
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) { // its own failsafe is none
		w.fly(13 * time.Second)
		f.set(func() { f.mode, f.speed = rtl, 100 })
		w.fly(time.Second)
		if w.is(f, InEffect); f.told() != "hold" {
			t.Errorf("it goes home by itself: told %q", f.told())
		}
	})
}

// comes of it. An operator is taken over, and that is shown.
func TestSafetyOneHand(t *testing.T) {
	in(t, geofence.Return, func(t *testing.T, w *world, f *flier) {
		f.set(func() { f.faulty = true }) // no evidence yet
		w.fly(11 * time.Second)
		hold := w.by(f, command.Hold, ann)
		f.set(func() { f.faulty = false })
		w.fly(10 * time.Second)
		if w.is(f, Waiting); f.told() != "hold" || w.calls() != "" {
			t.Fatalf("a controller holds it: told %q", f.told())
		}
		w.by(f, command.Resume, ann, hold.ID)
		w.fly(10 * time.Second)
		w.is(f, Waiting)
		w.fly(15 * time.Second)
		l := w.is(f, Waiting)
		if strings.Contains(f.told(), "return") || l.Called == "" {
			t.Fatalf("the controller let it go on: told %q, %+v", f.told(), l)
		}
		if _, err := w.e.Decide(t.Context(), f.id, Continue, "ann", "nobody answers"); err != nil {
			t.Fatal(err)
		}
		w.fly(3 * time.Second)
		if !strings.HasSuffix(f.told(), "return") {
			t.Errorf("she had it go on: told %q, %+v", f.told(), w.ladder(f))
		}
	})
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		w.by(f, command.Hold, pete)
		w.fly(3 * time.Second)
		f.set(func() { f.mode = auto })
		w.fly(15 * time.Second)
		_, lease := w.newest(f)
		if l := w.is(f, InEffect); l.TookFrom != "pete" || lease.Holder != command.Enforcement || lease.From != "pete" {
			t.Errorf("taken over: %+v, %+v", l, lease)
		}
		o, _ := w.newest(f)
		q := command.Request{Vehicle: f.id, Kind: command.Resume, By: pete, TakeOver: true, Ends: o.ID}
		if _, err := w.orders.Ask(t.Context(), q); !errors.Is(err, command.ErrNotYours) {
			t.Errorf("the operator lets go on what the ladder stopped: %v", err)
		}
	})
}

// SAFETY 2: two orders at once: what was decided on a state that is gone is not sent.
func TestSafetyTwoOrdersAtOnce(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		first := true
		w.before.Store(func() {
			if first { // somebody orders between the decision and the order
				first = false
				if _, err := w.orders.Ask(t.Context(), command.Request{Vehicle: f.id, Kind: command.Return, By: ann}); err != nil {
					t.Error(err)
				}
			}
		})
		w.fly(14 * time.Second)
		if f.told() != "return" {
			t.Errorf("told %q: %+v", f.told(), w.ladder(f))
		}
	})
}
