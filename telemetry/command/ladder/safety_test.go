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

// SAFETY 2: the order of a controller is not ordered over; a call comes when nothing
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

// SAFETY 8: a restart in the middle of the ladder is no event: what was ordered is not
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
// fastest first, and they come home apart; who waits to return holds.
func TestSafetyOneChangeHitsMany(t *testing.T) {
	for _, response := range []geofence.Response{geofence.Hold, geofence.Return} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, response)
			fence := w.fences
			w.fences = nil
			for i := range 10 {
				f := w.add()
				f.set(func() { f.speed = int16(300 + 100*i) })
			}
			w.start()
			defer w.stop()
			w.fly(35 * time.Second)
			if err := w.pipeline.SetFences(t.Context(), fence); err != nil {
				t.Fatal(err)
			}
			w.fly(10 * time.Second)
			w.fly(25 * time.Second)
			var at []int64
			for i, f := range w.all {
				steps := w.ladder(f).Steps
				last := steps[len(steps)-1]
				if last.Kind != command.Kind(response) || last.EffectUS == 0 {
					t.Fatalf("%s: %+v", f.id, steps)
				}
				if response == geofence.Return && i < 8 && (len(steps) != 2 || !steps[0].Until || steps[0].AskedUS-steps[0].EvidenceUS > us(2*time.Second)) {
					t.Errorf("%s waits to return, and does: %+v", f.id, steps)
				}
				at = append(at, last.AskedUS)
			}
			apart := us(orderEvery)
			if response == geofence.Return {
				apart = us(homeEvery)
			}
			for i := range at[1:] {
				if at[i]-at[i+1] < apart {
					t.Errorf("%s: of %d m/s at %d, of %d m/s at %d ms", response, 3+i, (at[i]-at[9])/1000, 4+i, (at[i+1]-at[9])/1000)
				}
			}
		})
	}
}

// SAFETY 5: a single breach never waits for those whom a change hit.
func TestSafetyASingleBreachNeverWaits(t *testing.T) {
	in(t, geofence.Return, func(t *testing.T, w *world, f *flier) {
		w.e.mu.Lock()
		w.e.pace.nextUS, w.e.pace.homeUS = time.Now().Add(time.Hour).UnixMicro(), time.Now().Add(time.Hour).UnixMicro()
		w.e.mu.Unlock()
		w.fly(12 * time.Second)
		if f.told() != "return" {
			t.Errorf("told %q: %+v", f.told(), w.ladder(f))
		}
	})
}

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

// SAFETY 5: who does not want its turn any more keeps nobody back.
func TestSafetyATurnThatIsNotWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, geofence.Return)
		fence := w.fences
		w.fences = nil
		for i := range 4 {
			f := w.add()
			f.set(func() { f.speed = int16(300 + 100*i) })
		}
		w.start()
		defer w.stop()
		w.fly(35 * time.Second)
		if err := w.pipeline.SetFences(t.Context(), fence); err != nil {
			t.Fatal(err)
		}
		w.fly(2 * time.Second)
		w.by(w.all[2], command.Hold, ann) // the next one
		w.fly(15 * time.Second)
		for i, f := range w.all {
			if told := f.told(); strings.HasSuffix(told, "return") == (i == 2) {
				t.Errorf("%s was told %q: %+v", f.id, told, w.ladder(f))
			}
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
