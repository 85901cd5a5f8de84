package command

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// decided is what ann proposed and bob confirmed, as the vehicle is now.
func (w *world) decided() *Termination {
	w.t.Helper()
	seen, err := w.d.Prospect(w.t.Context(), "uav-7")
	if err != nil {
		w.t.Fatal(err)
	}
	return &Termination{ID: "ft_1", Vehicle: "uav-7", By: ann, Confirmed: "bob", Reason: "it flies at people", Seen: seen}
}

// TestTheEndOfAFlight: durable before it leaves, done when the motors stand, and nobody
// commands what falls.
func TestTheEndOfAFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.heights.Set(geo.Takeoff, 50_000)
		x := w.decided()
		stalled := make(chan struct{})
		w.log.set(func() { w.log.stall = stalled })
		ended := make(chan Order, 1)
		go func() {
			o, err := w.d.Terminate(t.Context(), x)
			if err != nil {
				t.Error(err)
			}
			ended <- o
		}()
		after(time.Second)
		if n := len(w.commands()); n != 0 {
			t.Fatalf("%d commands left before the journal had it", n)
		}
		w.log.set(func() { w.log.stall = nil })
		close(stalled)
		o := <-ended
		synctest.Wait()
		if sent := w.commands(); len(sent) != 1 || sent[0] != (Command{ID: 185, Params: [7]float64{1}}) {
			t.Fatalf("sent %+v", sent)
		}
		after(time.Second)
		done := w.becomes(o.ID, InEffect)
		if done.Person != "ann" || done.Confirmed != "bob" || done.Termination != "ft_1" || done.Reason == "" || done.Latency() == 0 {
			t.Errorf("recorded as %+v", done)
		}
		again, err := w.d.Terminate(t.Context(), x)
		if err != nil || again.ID != o.ID || len(w.commands()) != 1 {
			t.Errorf("asked again: %v %v, sent %v", again.ID, err, w.commands())
		}
		for _, q := range []Request{{Kind: Hold, By: ann}, {Kind: Land, By: bob, TakeOver: true}, {Kind: Resume, By: ann, Ends: o.ID}} {
			if _, err := w.ask(q); !errors.Is(err, ErrCannot) || q.Kind != Resume && !strings.Contains(err.Error(), "nothing more is sent") {
				t.Errorf("%s of what falls: %v", q.Kind, err)
			}
		}
		// A day later it was mended and flies again.
		w.set(func() { w.armed, w.status, w.velocity = true, vehicles.Active, vehicles.Velocity{N: 800} })
		if _, err := w.ask(Request{Kind: Hold, By: ann}); err != nil {
			t.Errorf("HOLD of one that flies again: %v", err)
		}
	})
}

// TestOnlyTwoPersonsEndAFlight: no request that anybody, the enforcement ladder or an
// order to many could make has it.
func TestOnlyTwoPersonsEndAFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, by := range []By{ann, pete, {Actor: Enforcement, Person: Enforcement, Zone: true}} {
			for _, q := range []Request{{Kind: Terminate, By: by}, {Kind: Terminate, By: by, Try: true}, {Kind: Terminate, By: by, TakeOver: true, Bulk: "bo_1"}} {
				if _, err := w.ask(q); !errors.Is(err, ErrCannot) {
					t.Errorf("%+v: %v", q, err)
				}
			}
		}
		track, _, _ := w.Track(t.Context(), 7)
		if err := w.d.Check(t.Context(), Request{Kind: Terminate, By: ann}, &track); !errors.Is(err, ErrCannot) {
			t.Errorf("an order to many: %v", err)
		}
		if Terminate.Safe() || len(w.commands()) != 0 {
			t.Errorf("safe: %v, sent: %v", Terminate.Safe(), w.commands())
		}
		for _, autopilot := range []uint8{arduPilot, px4, 0} {
			v := *w.id
			v.Source.Autopilot = autopilot
			if _, err := planFor(&v, Terminate); !errors.Is(err, ErrCannot) {
				t.Errorf("autopilot %d: %v", autopilot, err)
			}
		}
	})
}

func TestWhatFlightIsNotEnded(t *testing.T) {
	for _, c := range []struct {
		name string
		is   func(w *world)
		want string
	}{
		{"unverified", func(w *world) { w.id.Verified = false }, "not proved who it is"},
		{"a car", func(w *world) { w.id.Class, w.id.Source.MAVType = vehicles.ICV, 10 }, "order STOP or HOLD"},
		{"a boat that is registered as an aircraft", func(w *world) { w.id.Source.MAVType = 11 }, "says that it is a boat"},
		{"an unknown autopilot", func(w *world) { w.id.Source.Autopilot = 0 }, "not known"},
		{"the link is lost", func(w *world) { w.silentUS = time.Now().Add(-6 * time.Second).UnixMicro() }, "the link is lost"},
		{"its heartbeats ended", func(w *world) { w.beatUS = time.Now().Add(-6 * time.Second).UnixMicro() }, "the link is lost"},
		{"no position", func(w *world) { w.noFix = true }, "no position"},
		{"on the ground", func(w *world) { w.armed = false }, "does not fly"},
		{"ended already", func(w *world) { w.status = vehicles.Terminated }, "ended already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				x := w.decided()
				w.set(func() { c.is(w) })
				_, err := w.d.Prospect(t.Context(), "uav-7")
				_, err2 := w.d.Terminate(t.Context(), x)
				for _, err := range []error{err, err2} {
					if err == nil || !strings.Contains(err.Error(), c.want) {
						t.Errorf("%v, want %q", err, c.want)
					}
				}
				if sent := w.commands(); len(sent) != 0 || len(w.log.records()) != 0 {
					t.Errorf("sent %v", sent)
				}
			})
		})
	}
}

// TestAFlightIsEndedAsItWasDecided: what changed between the two persons ends the decision.
func TestAFlightIsEndedAsItWasDecided(t *testing.T) {
	for _, c := range []struct {
		name  string
		since func(w *world, x *Termination)
		want  error
	}{
		{"nothing changed", func(*world, *Termination) {}, nil},
		{"it moved on", func(*world, *Termination) { after(20 * time.Second) }, nil},
		{"the operator took the control", func(w *world, _ *Termination) {
			if _, err := w.d.TakeLease(w.t.Context(), "uav-7", pete, true, ""); err != nil {
				w.t.Error(err)
			}
		}, ErrSituation},
		{"it obeys again", func(w *world, _ *Termination) { w.mustAsk(Hold, ann); after(3 * time.Second) }, ErrSituation},
		{"a safer order of this moment", func(w *world, _ *Termination) { w.mustAsk(Hold, ann) }, ErrSafer},
		{"somebody had the control, and nobody said to take over", func(w *world, x *Termination) {
			if _, err := w.d.TakeLease(w.t.Context(), "uav-7", pete, true, ""); err != nil {
				w.t.Error(err)
			}
			x.Seen.Holder = "pete"
		}, ErrLeased},
		{"the control is taken over", func(w *world, x *Termination) {
			if _, err := w.d.TakeLease(w.t.Context(), "uav-7", pete, true, ""); err != nil {
				w.t.Error(err)
			}
			x.Seen.Holder, x.TakeOver = "pete", true
		}, nil},
		{"it is over something else", func(w *world, x *Termination) { x.Seen.Over = []string{`fence "field"`} }, ErrSituation},
		{"its receiver is interfered with", func(w *world, _ *Termination) { w.set(func() { w.jammed = true }) }, ErrSituation},
		{"it was decided too long ago", func(*world, *Termination) { after(66 * time.Second) }, ErrSituation},
		{"another session", func(w *world, x *Termination) { x.Seen.Handle++ }, ErrSituation},
		{"before the server started", func(w *world, x *Termination) { x.Seen.AtUS = w.d.born - 1 }, ErrSituation},
		{"switched off", func(w *world, _ *Termination) { w.off = true; w.start() }, ErrSwitchedOff},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				x := w.decided()
				c.since(w, x)
				for _, x.Try = range []bool{true, false} { // a trial says the same
					if _, err := w.d.Terminate(t.Context(), x); !errors.Is(err, c.want) {
						t.Errorf("trial %v: %v, want %v", x.Try, err, c.want)
					}
				}
				synctest.Wait()
				sent := 0
				for _, s := range w.commands() {
					if s.ID == cmdTerminate {
						sent++
					}
				}
				if l, _ := w.d.Lease("uav-7"); (c.want == nil) != (sent == 1) || c.want == nil && l.Holder != "ann" {
					t.Errorf("sent %d times, control of %q", sent, l.Holder)
				}
			})
		})
	}
}

// TestTheJournalDoesNotTakeIt: then nothing is sent, and the vehicle can still be held.
func TestTheJournalDoesNotTakeIt(t *testing.T) {
	for _, stalls := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			x := w.decided()
			stalled := make(chan struct{})
			w.log.set(func() {
				if w.log.fail = errors.New("the disk is full"); stalls {
					w.log.stall, w.log.fail = stalled, nil
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
			defer cancel()
			_, err := w.d.Terminate(ctx, x)
			if want := map[bool]error{true: context.DeadlineExceeded, false: ErrNotDurable}[stalls]; !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			if len(w.commands()) != 0 {
				t.Errorf("sent %v", w.commands())
			}
			if stalls { // the journal comes back too late
				w.log.set(func() { w.log.stall = nil })
				close(stalled)
				synctest.Wait()
			}
			orders := w.d.Orders(func(*Order) bool { return true })
			if len(w.commands()) != 0 || len(orders) != 1 || orders[0].State != Expired || !strings.Contains(orders[0].Why, "never sent") {
				t.Errorf("sent %v: %+v", w.commands(), orders)
			}
			if _, err := w.ask(Request{Kind: Hold, By: ann}); err != nil {
				t.Errorf("HOLD: %v", err)
			}
		})
	}
}

// TestAFlightThatDoesNotEnd: an acknowledgement is not the effect, a refusal is final,
// and the vehicle can be ordered about again; somebody is called.
func TestAFlightThatDoesNotEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer error
		want   State
	}{
		{"accepted and flies on", nil, NoEffect},
		{"refused", &Refusal{Text: "denied"}, Refused},
		{"unknown", &Refusal{Unsupported: true, Text: "unsupported"}, Refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.obeys, w.answer = false, func(context.Context, int, Command) error { return c.answer }
				o, err := w.d.Terminate(t.Context(), w.decided())
				if err != nil {
					t.Fatal(err)
				}
				after(effectTime + time.Second)
				w.becomes(o.ID, c.want)
				if sent := w.commands(); len(sent) != 1 || sent[0].ID != cmdTerminate {
					t.Errorf("sent %v", sent)
				}
				w.set(func() {
					if len(w.called) != 1 || w.called[0].Order != o.ID {
						t.Errorf("called: %+v", w.called)
					}
				})
				if _, err := w.ask(Request{Kind: Land, By: ann}); err != nil {
					t.Errorf("LAND: %v", err)
				}
			})
		})
	}
}

// TestAnUnansweredEnd is repeated while the vehicle is heard; while it may fall nothing
// else is sent.
func TestAnUnansweredEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.obeys, w.answer = false, func(context.Context, int, Command) error { return ErrNoAnswer }
		o, err := w.d.Terminate(t.Context(), w.decided())
		if err != nil {
			t.Fatal(err)
		}
		after(10 * time.Second)
		w.becomes(o.ID, Sent)
		if n := len(w.commands()); n < 5 {
			t.Errorf("sent %d times", n)
		}
		if _, err := w.ask(Request{Kind: Hold, By: ann}); !errors.Is(err, ErrCannot) {
			t.Errorf("HOLD meanwhile: %v", err)
		}
		w.set(func() { w.silentUS = time.Now().UnixMicro() })
		after(2 * time.Second)
		before := len(w.commands())
		after(10 * time.Second)
		w.becomes(o.ID, NoAnswer)
		if n := len(w.commands()); n != before {
			t.Errorf("%d sent to a vehicle whose link is lost", n-before)
		}
	})
}

// TestARestartSendsNoEnd: what may have been sent is looked for, not sent.
func TestARestartSendsNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.obeys = false
		o, err := w.d.Terminate(t.Context(), w.decided())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		saved, err := w.d.SaveState()
		if err != nil {
			t.Fatal(err)
		}
		w.d.scribe.stop()
		w.start()
		after(10 * time.Second)
		if n := len(w.commands()); n != 1 {
			t.Errorf("sent %d times", n)
		}
		w.becomes(o.ID, Accepted)
		w.set(func() { w.armed = false })
		after(2 * time.Second)
		if done := w.becomes(o.ID, InEffect); done.Confirmed != "bob" || done.Termination != "ft_1" {
			t.Errorf("after the restart: %+v", done)
		}
		var state savedState
		if err := json.Unmarshal(saved, &state); err != nil || state.Orders[0].Order.Confirmed != "bob" {
			t.Errorf("the snapshot: %s", saved)
		}
	})
}

func TestTheProspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.velocity.D = -200 // it climbs
		p, err := w.d.Prospect(t.Context(), "uav-7")
		if err != nil || p.Height || p.ReachM != 0 || len(p.Over) != 1 || p.Holder != "" || len(p.Doubts) != 1 {
			t.Errorf("without a height: %+v %v", p, err)
		}
		w.heights.Set(geo.AMSL, 104_000)
		w.heights.Set(geo.Takeoff, 100_000)
		w.mustAsk(Hold, pete)
		w.set(func() { w.velocity = vehicles.Velocity{N: 800, D: -200}; w.jammed = true })
		if p, err = w.d.Prospect(t.Context(), "uav-7"); err != nil {
			t.Fatal(err)
		}
		// -2 t + 9.80665/2 t² = 100 m
		if p.Datum != geo.Takeoff || math.Abs(p.FallS-4.7244) > 0.001 || math.Abs(p.ReachM-37.795) > 0.01 || p.Holder != "pete" || p.Course != 0 || len(p.Doubts) < 2 {
			t.Errorf("%+v", p)
		}
	})
}
