package ladder

import (
	"errors"
	"strings"
	"testing"
	"time"

	"testzone/geofence"
	"testzone/telemetry/command"
)

// ordered again, and nothing is before the data were good for 30 s or people say so.
func TestSafetyRestartInTheLadder(t *testing.T) {
	for _, confirm := range []bool{true, false} {
		in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
			f.set(func() { f.obeys = func(command.Command) bool { return false } })
			w.fly(11 * time.Second)
			before := w.is(f, Ordered)
			w.stop()
			w.start()
			f.set(func() { f.obeys = nil })
			w.fly(20 * time.Second)
			l := w.is(f, HeldBack)
			if f.told() != "hold" || l.ID != before.ID || len(w.e.Health()) == 0 {
				t.Fatalf("after the restart: told %q, %+v", f.told(), l)
			}
			if confirm {
				if err := w.e.Confirm(t.Context(), "ann", "looked at them"); err != nil {
					t.Fatal(err)
				}
				w.fly(2 * time.Second)
				if err := w.e.Confirm(t.Context(), "ann", "again"); !errors.Is(err, ErrNothingWaits) {
					t.Errorf("once more: %v", err)
				}
			} else {
				w.fly(15 * time.Second)
			}
			if l = w.is(f, InEffect); f.told() == "hold" || len(w.e.Health()) != 0 {
				t.Errorf("confirmed %v: told %q, %+v, %v", confirm, f.told(), l, w.e.Health())
			}
			w.stop()
			w.start() // what was confirmed is not for this start
			w.fly(2 * time.Second)
			if is := w.e.Standing(); is.Waits != 1 {
				t.Errorf("after another restart: %+v", is)
			}
		})
	}
}

// SAFETY 8: a decision and a pilot's override outlive a restart.
func TestSafetyOverrideOutlivesARestart(t *testing.T) {
	for _, decided := range []bool{true, false} {
		in(t, geofence.Return, func(t *testing.T, w *world, f *flier) {
			f.set(func() { f.mode, f.speed = stick, 200 })
			w.fly(60 * time.Second)
			w.is(f, Overridden)
			want := Overridden
			if decided {
				want = LetBe
				if _, err := w.e.Decide(t.Context(), f.id, LetItBe, "ann", "a rescue"); err != nil {
					t.Fatal(err)
				}
			}
			w.stop()
			w.start()
			w.fly(60 * time.Second)
			if w.is(f, want); f.told() != "" {
				t.Errorf("decided %v: told %q", decided, f.told())
			}
		})
	}
}

// SAFETY 8: an order of which the record died with the server is taken in.
func TestSafetyAnOrderWithoutItsStep(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		w.fly(13 * time.Second)
		o, _ := w.newest(f)
		w.stop()
		kept := w.log.records()[:0]
		for _, rec := range w.log.records() {
			if rec.Schema != Schema || !strings.Contains(string(rec.Body), o.ID) {
				kept = append(kept, rec)
			}
		}
		w.log = &memory{recs: kept}
		w.start()
		w.fly(40 * time.Second)
		if l := w.is(f, InEffect); f.told() != "hold" || len(l.Steps) != 1 || l.Steps[0].Order != o.ID {
			t.Errorf("told %q: %+v", f.told(), l)
		}
	})
}
