package ladder

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// SAFETY 3: without good evidence a breach orders nothing, however long it lasts.
func TestSafetyOrdersNeedGoodEvidence(t *testing.T) {
	for name, spoil := range map[string]func(f *flier){
		"bad estimator":    func(f *flier) { f.faulty = true },
		"late samples":     func(f *flier) { f.late = true },
		"jammed receiver":  func(f *flier) { f.jammed = true },
		"a jump a second":  func(f *flier) { f.jumpM = 3000 },
		"the same sample":  func(f *flier) { f.again = true },
		"not armed":        func(f *flier) { f.armed = false },
		"on the ground":    func(f *flier) { f.landed = vehicles.OnGround },
		"it lands already": func(f *flier) { f.landed = vehicles.Landing },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
				f.set(func() { spoil(f) })
				for range 25 {
					if name == "a jump a second" {
						f.set(func() { f.jumpM = 3000 })
					}
					w.fly(time.Second)
				}
				if f.told() != "" {
					t.Errorf("it was told %q: %+v", f.told(), w.ladder(f))
				}
				if stood := name == "not armed" || name == "on the ground"; stood {
					f.set(func() { f.silent = true }) // it is switched off
					w.fly(10 * time.Second)
					if why := w.calls(); why != "" {
						t.Errorf("somebody is called: %s", why)
					}
				}
			})
		})
	}
}

// SAFETY 3: a height that is not known in the datum of the fence is no evidence, and a

// single jump into the fence is none.
func TestSafetyUnknownDatumAndASingleJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, geofence.Hold)
		band := w.fences[0].Fence
		band.Floor = geo.Altitude{MM: 0, Datum: geo.AMSL}
		c, err := geofence.Compile(band)
		if err != nil {
			t.Fatal(err)
		}
		w.fences = []*geofence.Compiled{c}
		f := w.add()
		w.start()
		defer w.stop()
		w.settleStart()
		f.set(func() { f.noHeight = true })
		w.fly(15 * time.Second)
		if l := w.is(f, Watching); f.told() != "" || !strings.Contains(l.Why, "altitude_unknown") {
			t.Fatalf("height unknown: told %q, %s", f.told(), l.Why)
		}
		f.set(func() { f.noHeight = false })
		w.fly(2 * time.Second)
		if w.is(f, InEffect); f.told() != "hold" {
			t.Fatalf("height known again: told %q", f.told())
		}
	})
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		f.set(func() { f.jumpM, f.speed = 300, 0 })
		w.fly(10 * time.Second)
		if f.told() != "" {
			t.Errorf("a single jump into the fence: told %q", f.told())
		}
	})
}

// SAFETY 3: nothing is ever sent to who did not prove who it is.
func TestSafetyUnverified(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		id, err := w.registry.OpenUnverified(vehicles.Source{Listener: "open", SystemID: 1, MAVType: 2, Autopilot: 3}, vehicles.UAV, "")
		if err != nil {
			t.Fatal(err)
		}
		f.set(func() { f.handle = id.Handle }) // its stream is now nobody's
		w.fly(20 * time.Second)
		if all := w.e.Ladders(func(*Ladder) bool { return true }); len(all) != 0 || f.told() != "" {
			t.Errorf("an unverified vehicle has a ladder: %+v", all)
		}
	})
}

// SAFETY 3: what was true a moment ago is no evidence: the samples stopped.
func TestSafetyStaleSample(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		w.unfit.Store("the clock is not disciplined")
		w.fly(12 * time.Second)
		w.is(f, HeldBack)
		f.set(func() { f.silent = true }) // the link is not lost yet
		time.Sleep(2500 * time.Millisecond)
		w.unfit.Store("")
		time.Sleep(1200 * time.Millisecond)
		if l := w.is(f, Watching); f.told() != "" || !strings.Contains(l.Why, "stale") {
			t.Errorf("told %q: %s", f.told(), l.Why)
		}
	})
}

// SAFETY 4: a lost link freezes the ladder and calls people; nothing is sent after the

// reconnect before fresh evidence.
func TestSafetyLinkLostInTheLadder(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		f.set(func() { f.obeys = func(command.Command) bool { return false } })
		w.fly(11 * time.Second)
		w.is(f, Ordered)
		f.set(func() { f.silent = true })
		w.fly(20 * time.Second)
		l := w.is(f, Frozen)
		if len(l.Steps) != 1 || !strings.Contains(l.Called, "link was lost") || w.calls() != l.Called {
			t.Fatalf("frozen: %+v", l)
		}
		before := f.told()
		f.set(func() { f.silent, f.faulty = false, true }) // it is heard again, and says nothing that can be relied on
		w.fly(3 * time.Second)
		if f.told() != before {
			t.Fatalf("after the reconnect, without evidence: told %q, before %q", f.told(), before)
		}
		f.set(func() { f.faulty, f.obeys = false, nil })
		w.fly(5 * time.Second)
		if l = w.is(f, InEffect); l.Called != "" || w.calls() != "" {
			t.Errorf("it is enforced again, and still called: %+v", l)
		}
	})
}

// SAFETY 4: the ladder goes one step further on fresh evidence of no effect, and calls

// a person after the last one.
func TestSafetyNoEffectEscalates(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers func(command.Command) error
		obeys   func(command.Command) bool
		told    string
		within  time.Duration
	}{
		{"it accepts and flies on", nil, func(command.Command) bool { return false }, "hold return land", 12 * time.Second},
		{"it refuses", func(command.Command) error { return &command.Refusal{Text: "not now"} }, nil, "hold return land", 3 * time.Second},
		{"it obeys the second", nil, func(c command.Command) bool { return c.ID == 20 }, "hold return", 6 * time.Second},
		{"it shows the mode and flies on", nil, func(c command.Command) bool { return c.ID != 176 }, "hold return", 22 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
				f.set(func() { f.answers, f.obeys = c.answers, c.obeys })
				w.fly(11 * time.Second)
				w.fly(c.within)
				if f.told() != c.told {
					t.Fatalf("told %q, want %q: %+v", f.told(), c.told, w.ladder(f))
				}
				w.fly(5 * time.Second)
				l := w.ladder(f)
				switch all := strings.Count(c.told, " ") == 2; {
				case f.told() != c.told:
					t.Errorf("then it was told %q", f.told())
				case all && (l.State != Exhausted || w.calls() != l.Called || l.Called == ""):
					t.Errorf("after the last step: %+v", l)
				case !all && l.State != InEffect && l.State != Ended:
					t.Errorf("after the step that worked: %+v", l)
				}
			})
		})
	}
}

// SAFETY 4: an order that could not be sent says nothing of the vehicle: the ladder

// does not climb, and calls.
func TestSafetyUnsentIsNoEvidence(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		f.set(func() { f.answers = func(command.Command) error { return command.ErrUnreachable } })
		w.fly(18 * time.Second)
		if l := w.is(f, Frozen); strings.Contains(f.told(), "return") || l.Called == "" {
			t.Fatalf("told %q: %+v", f.told(), l)
		}
		f.set(func() { f.answers = nil })
		w.fly(8 * time.Second)
		if l := w.is(f, InEffect); strings.Contains(f.told(), "return") || l.Called != "" {
			t.Errorf("told %q: %+v", f.told(), l)
		}
	})
}

// SAFETY 5, 6: a fence that warns orders nothing, ever; nor does a prediction.
func TestSafetyAWarningOrdersNothing(t *testing.T) {
	in(t, geofence.Warn, func(t *testing.T, w *world, f *flier) {
		w.fly(40 * time.Second)
		if all := w.e.Ladders(func(*Ladder) bool { return true }); f.told() != "" || len(all) != 0 {
			t.Errorf("told %q, ladders %+v", f.told(), all)
		}
	})
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		w.bus.Publish(time.Now().UnixMicro(), &telemetry.Prediction{Vehicle: w.Identity(f.id), Fence: w.fences[0], Began: true, InS: 4})
		w.fly(5 * time.Second)
		if f.told() != "" {
			t.Errorf("a prediction: told %q", f.told())
		}
	})
}

// SAFETY 7: who flies by hand at the breach is respected: for a set time at a soft

// SAFETY 2: the order of a controller is not ordered over; a call comes when nothing

// SAFETY 8: a restart in the middle of the ladder is no event: what was ordered is not

// SAFETY 10: without a disciplined clock nothing is ordered, and the reason is named.
func TestSafetyClock(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		unfit := "the clock runs behind the journal"
		w.unfit.Store(unfit)
		w.fly(20 * time.Second)
		if l := w.is(f, HeldBack); f.told() != "" || l.Why != unfit || w.e.Health()[0].Code != "enforcement_held_back" {
			t.Fatalf("told %q, %+v", f.told(), l)
		}
		w.unfit.Store("")
		w.fly(3 * time.Second)
		w.is(f, InEffect)
	})
}

// SAFETY 13: in an area of interference no order rests on a position: people are called.
func TestSafetyInterference(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		alarm := telemetry.Alert{
			ID: "al_1", Type: telemetry.GNSSInterference, Vehicle: telemetry.AlertVehicle{ID: "gnss", Verified: true},
			Area: &telemetry.Area{Lat: base.Lat, Lon: base.Lon, RadiusM: 5000},
		}
		claimed := alarm
		claimed.ID, claimed.Vehicle.Verified = "al_2", false
		w.bus.Publish(time.Now().UnixMicro(), &alarm)
		w.fly(15 * time.Second)
		if l := w.is(f, HeldBack); f.told() != "" || l.Called == "" || w.calls() != l.Called {
			t.Fatalf("told %q, %+v", f.told(), l)
		}
		over := alarm
		over.ClearedUS = time.Now().UnixMicro()
		w.bus.Publish(over.ClearedUS, &claimed) // what unverified vehicles claim disarms nothing
		w.bus.Publish(over.ClearedUS, &over)
		w.fly(3 * time.Second)
		if l := w.is(f, InEffect); l.Called != "" {
			t.Errorf("when it is over: %+v", l)
		}
	})
}

// SAFETY 4, 6: a vehicle that says that it is in an emergency follows its own failsafe.
func TestSafetyItsOwnEmergency(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		f.set(func() { f.status = vehicles.Critical })
		w.fly(20 * time.Second)
		if l := w.is(f, HeldBack); f.told() != "" || l.Called == "" {
			t.Errorf("told %q, %+v", f.told(), l)
		}
	})
}

// SAFETY 5: when one change hits many their orders leave one after another, the

// A stalled or refusing journal keeps no step back, and is said.
func TestSafetyTheJournalKeepsNothingBack(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		w.log.refuse(errors.New("disk full"))
		w.fly(14 * time.Second)
		if w.is(f, InEffect); f.told() != "hold" || w.e.Health()[0].Code != "enforcement_facts_lost" {
			t.Errorf("told %q, %v", f.told(), w.e.Health())
		}
		if _, err := w.e.Decide(t.Context(), f.id, LetItBe, "ann", ""); !errors.Is(err, ErrNotDurable) || w.is(f, InEffect).Decision != nil {
			t.Errorf("a decision that is not durable: %v", err)
		}
	})
}

// SAFETY 3, 4: when the evidence goes after a step had no effect, people are called.
func TestSafetyEvidenceGoesInTheLadder(t *testing.T) {
	in(t, geofence.Hold, func(t *testing.T, w *world, f *flier) {
		f.set(func() {
			f.answers = func(c command.Command) error { f.faulty = true; return &command.Refusal{Text: "not now"} }
		})
		w.fly(14 * time.Second)
		l := w.is(f, Watching)
		if l.Called == "" || w.calls() != l.Called || strings.Contains(f.told(), "land") {
			t.Errorf("told %q, %+v", f.told(), l)
		}
	})
}
