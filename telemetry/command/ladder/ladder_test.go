package ladder

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/vehicles"
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

// Of several fences the one that asks most decides, also when it is breached later.
func TestTheFenceThatAsksMostDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, geofence.Hold)
		w.fences = append(w.fences, w.fence("g", geofence.Return, 101.5))
		f := w.add()
		w.start()
		defer w.stop()
		w.settleStart()
		w.fly(11500 * time.Millisecond)
		if l := w.ladder(f); f.told() != "hold return" || l.Steps[0].For != geofence.Hold || l.Steps[1].For != geofence.Return {
			t.Errorf("told %q, %+v", f.told(), l)
		}
	})
}

// A fence that warned and is revised to hold has its effect on who is in it.
func TestAResponseIsRevised(t *testing.T) {
	in(t, geofence.Warn, func(t *testing.T, w *world, f *flier) {
		w.fly(13 * time.Second)
		if all := w.e.Ladders(func(*Ladder) bool { return true }); len(all) != 0 {
			t.Fatalf("a warning has a ladder: %+v", all)
		}
		revise := func(r geofence.Response) {
			if err := w.pipeline.SetFences(t.Context(), []*geofence.Compiled{w.fence("f", r, 100)}); err != nil {
				t.Fatal(err)
			}
			w.bus.Publish(time.Now().UnixMicro(), &telemetry.FenceChange{ID: "f"})
			w.fly(2 * time.Second)
		}
		revise(geofence.Hold)
		if w.is(f, InEffect); f.told() != "hold" {
			t.Fatalf("told %q", f.told())
		}
		revise(geofence.Warn)
		if l := w.is(f, Ended); l.Cause != "complied" {
			t.Errorf("a fence that only warns: %+v", l)
		}
		if _, lease := w.newest(f); lease.Holder != "" {
			t.Errorf("%s still has the control", lease.Holder)
		}
	})
}

// Who holds and moves all the same gets the next step.
func TestWhatDriftsDoesNotHold(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		w.fly(13 * time.Second)
		w.is(f, InEffect)
		f.set(func() { f.drift = 300 })
		w.fly(4 * time.Second)
		if w.is(f, InEffect); f.told() != "hold" {
			t.Fatalf("a gust: told %q", f.told())
		}
		w.fly(4 * time.Second)
		if l := w.ladder(f); f.told() != "hold return" || l.Steps[0].Outcome != Outcome(command.NoEffect) {
			t.Errorf("told %q, %+v", f.told(), l)
		}
	})
}

// Who is followed no more is called, and its ladder ends when it is seen outside.
func TestATrackThatEnds(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		w.fly(13 * time.Second)
		w.pipeline.Forget(f.handle)
		w.registry.Release(f.handle)
		f.set(func() { f.silent = true })
		w.fly(5 * time.Second)
		if l := w.is(f, Frozen); w.calls() == "" || l.Called == "" {
			t.Fatalf("gone: %+v", l)
		}
		id, err := w.registry.OpenVerified(f.id, vehicles.Source{Listener: "l", SystemID: 1, MAVType: 2, Autopilot: 3})
		if err != nil {
			t.Fatal(err)
		}
		f.set(func() { f.handle, f.silent, f.at = id.Handle, false, base })
		w.fly(time.Second)
		if w.is(f, Ended); w.calls() != "" {
			t.Error("it is still called")
		}
	})
}

// The modes that do less: one says what it would order, the other nothing; both say so.
func TestModes(t *testing.T) {
	for mode, health := range map[Mode]string{Advise: "enforcement_advises", Off: "enforcement_off"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, geofence.Hold)
			w.cfg.Mode = mode
			f := w.add()
			w.start()
			defer w.stop()
			w.fly(15 * time.Second)
			all := w.e.Ladders(func(*Ladder) bool { return true })
			switch {
			case f.told() != "", w.e.Health()[0].Code != health:
				t.Errorf("%s: told %q, %v", mode, f.told(), w.e.Health())
			case mode == Off && len(all) != 0:
				t.Errorf("off: %+v", all)
			case mode == Advise && (len(all) != 1 || !strings.Contains(all[0].Why, "order hold by hand")):
				t.Errorf("advise: %+v", all)
			}
		})
	}
	if _, err := New(Config{Mode: "perhaps"}); err == nil {
		t.Error("a mode that is none")
	}
}
