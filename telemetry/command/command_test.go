package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

func TestAnOrderIsInEffectWhenModeAndMotionShowIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.mustAsk(Hold, ann)
		w.becomes(o.ID, Accepted) // and not done: nothing was seen yet
		after(2 * time.Second)
		done := w.becomes(o.ID, InEffect)
		if done.Latency() <= 0 || done.Latency() > 2*time.Second || done.SentUS < done.AskedUS || done.AcceptedUS < done.SentUS || done.Late {
			t.Errorf("times of the order: %+v", done)
		}
		if done.JournalSeq == 0 || w.commands()[0] != setMode(17) || len(w.commands()) != 1 {
			t.Errorf("sent %v, durable as %d", w.commands(), done.JournalSeq)
		}
	})
}

func TestHowTheEffectShows(t *testing.T) {
	north, south := geo.Moved(base, 500, 0), geo.Moved(base, -500, 0)
	for _, c := range []struct {
		name  string
		kind  Kind
		moves func(w *world) // what the vehicle does instead of obeying; with w.mu held
		want  State
		why   string
	}{
		{"it stays in its mode", Hold, func(*world) {}, NoEffect, `stays in "auto"`},
		{"it stands without the mode", Hold, func(w *world) { w.velocity = vehicles.Velocity{} }, NoEffect, `stays in "auto"`},
		{"the mode without standing", Hold, func(w *world) { w.mode = 17 }, NoEffect, "moves as if it had no order (8.0 m/s"},
		{"the mode and sinking", Hold, func(w *world) { w.mode, w.velocity = 17, vehicles.Velocity{D: 80} }, NoEffect, "moves as if"},
		{"both", Hold, func(w *world) { w.mode, w.velocity = 17, vehicles.Velocity{} }, InEffect, ""},
		{"the other mode of the order", Hold, func(w *world) { w.mode, w.velocity = 5, vehicles.Velocity{} }, InEffect, ""},
		{"the mode without a position", Hold, func(w *world) { w.mode, w.noFix = 17, true }, Expired, "no position"},
		{"the mode was shown before it was sent", Hold, func(w *world) {
			w.mode, w.velocity, w.beatUS = 17, vehicles.Velocity{}, time.Now().Add(-time.Second).UnixMicro()
		}, Expired, "silent"},
		{"it falls silent", Hold, func(w *world) { w.silentUS = time.Now().UnixMicro() }, Expired, "silent"},
		{"it returns away from home", Return, func(w *world) { w.mode, w.home = 6, &south }, NoEffect, "moves as if"},
		{"it returns", Return, func(w *world) { w.mode, w.home = 6, &north }, InEffect, ""},
		{"it stands instead of returning", Return, func(w *world) { w.mode, w.velocity = 6, vehicles.Velocity{} }, NoEffect, "moves as if"},
		{"it lands", Land, func(w *world) { w.mode, w.velocity = 9, vehicles.Velocity{D: 60} }, InEffect, ""},
		{"it hovers instead of landing", Land, func(w *world) { w.mode, w.velocity = 9, vehicles.Velocity{} }, NoEffect, "moves as if"},
		{"it has landed", Land, func(w *world) { w.mode, w.velocity, w.armed = 9, vehicles.Velocity{}, false }, InEffect, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.obeys = false
				o := w.mustAsk(c.kind, ann)
				after(100 * time.Millisecond)
				w.set(func() { c.moves(w) })
				after(effectTime + time.Second)
				if got := w.becomes(o.ID, c.want); !strings.Contains(got.Why, c.why) || (c.why == "") != (got.Why == "") {
					t.Errorf("it says %q, want %q", got.Why, c.why)
				}
			})
		})
	}
}

func TestAFixedWingHoldsByCircling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.obeys, w.mode, w.id.Source.MAVType = false, 10, 1
		w.velocity = vehicles.Velocity{N: 2000}
		o := w.mustAsk(Hold, ann)
		w.set(func() { w.mode = 12 })
		after(5 * time.Second)
		w.becomes(o.ID, Accepted) // it flies straight on
		for range 4 {
			w.set(func() { w.velocity = vehicles.Velocity{N: w.velocity.N - 700, E: 1500} })
			after(time.Second)
		}
		w.becomes(o.ID, InEffect)
	})
}

func TestWhatBecomesOfTheConversation(t *testing.T) {
	noAnswer := func(context.Context, int, Command) error { return fmt.Errorf("uav-7: %w", ErrNoAnswer) }
	for _, c := range []struct {
		name   string
		answer func(ctx context.Context, n int, c Command) error
		asked  time.Duration
		want   State
		sent   int // at least; 0: not compared
		why    string
	}{
		{"refused", func(context.Context, int, Command) error { return &Refusal{Text: "denied: no GPS"} }, 0, Refused, 1, "no GPS"},
		{"the vehicle does not know the command", func(_ context.Context, n int, _ Command) error {
			if n == 0 {
				return &Refusal{Unsupported: true}
			}
			return nil
		}, 2 * time.Second, InEffect, 2, ""},
		{"it knows none of them", func(context.Context, int, Command) error { return &Refusal{Unsupported: true, Text: "unsupported"} }, 0, Refused, 2, "unsupported"},
		{"not reachable", func(context.Context, int, Command) error { return ErrUnreachable }, 0, Refused, 1, "call its contact"},
		{"two are lost", func(_ context.Context, n int, _ Command) error {
			if n < 2 {
				return ErrNoAnswer
			}
			return nil
		}, 5 * time.Second, InEffect, 3, ""},
		{"never an answer", noAnswer, 31 * time.Second, NoAnswer, 20, "call its contact"},
		{"in progress for long", func(ctx context.Context, _ int, _ Command) error {
			select {
			case <-time.After(20 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, 23 * time.Second, InEffect, 1, ""},
		{"in progress for too long", func(ctx context.Context, _ int, _ Command) error { <-ctx.Done(); return ctx.Err() }, 31 * time.Second, Expired, 1, "did not accept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.answer = c.answer
				o := w.mustAsk(Hold, ann)
				after(c.asked)
				if got := w.becomes(o.ID, c.want); !strings.Contains(got.Why, c.why) {
					t.Errorf("it says %q, want %q", got.Why, c.why)
				}
				if n := len(w.commands()); n < c.sent || c.sent < 4 && n != c.sent {
					t.Errorf("%d commands were sent, want %d", n, c.sent)
				}
			})
		})
	}
}

// TestTheEffectCountsWhenTheAcknowledgementIsLost: the vehicle does it, and says so
// by its heartbeat alone. Then it is not told again: its pilot may have it by now.
func TestTheEffectCountsWhenTheAcknowledgementIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answer = func(_ context.Context, _ int, c Command) error {
			w.set(func() { w.doIt(c) })
			return ErrNoAnswer
		}
		o := w.mustAsk(Hold, ann)
		after(3 * time.Second)
		w.becomes(o.ID, InEffect)
		n := len(w.commands())
		after(time.Minute)
		if got := len(w.commands()); got != n {
			t.Errorf("it was sent %d times after it was in effect", got-n)
		}
	})
}

// TestARepetitionEndsWithTheEffect: what the wire still repeats is taken back.
func TestARepetitionEndsWithTheEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		repeated := 0
		w.answer = func(ctx context.Context, _ int, c Command) error {
			for {
				w.set(func() { w.doIt(c); repeated++ })
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		o := w.mustAsk(Hold, ann)
		after(10 * time.Second)
		w.becomes(o.ID, InEffect)
		if repeated > 2 {
			t.Errorf("it was repeated %d times", repeated)
		}
	})
}

func TestALateEffectIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.obeys = false
		o := w.mustAsk(Hold, ann)
		after(effectTime + time.Second)
		w.becomes(o.ID, NoEffect)
		w.set(func() { w.mode, w.velocity = 17, vehicles.Velocity{} })
		after(2 * time.Second)
		if got := w.becomes(o.ID, InEffect); !got.Late {
			t.Error("an effect after the end is not told as late")
		}
	})
}

// SAFETY 4: a lost link freezes. When the vehicle is heard again nothing is sent
// that was ordered before.
func TestNothingIsSentStaleAfterAReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answer = func(context.Context, int, Command) error { return ErrNoAnswer }
		w.silentUS = time.Now().UnixMicro()
		o := w.mustAsk(Hold, ann)
		if got := w.becomes(o.ID, NoAnswer); !strings.Contains(got.Why, "call its contact") {
			t.Errorf("nobody is told whom to call: %q", got.Why)
		}
		w.set(func() { w.silentUS, w.answer = 0, nil })
		after(2 * time.Minute)
		if n := len(w.commands()); n != 1 {
			t.Errorf("%d commands were sent, want the one before the reconnect", n)
		}
		w.becomes(o.ID, NoAnswer)
	})
}

// SAFETY 6: what cannot be carried is said at once, with what to do instead.
func TestAnOrderThatTheMomentDoesNotAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, c := range []struct {
			name  string
			kind  Kind
			state func()
			want  string
		}{
			{"return without position", Return, func() { w.noFix = true }, "order LAND or HOLD"},
			{"return of a boat without position", Return, func() {
				w.noFix, w.id.Class, w.id.Source.MAVType = true, vehicles.USV, 11
			}, "order HOLD"},
			{"return on an old position", Return, func() { w.silentUS = time.Now().Add(-time.Minute).UnixMicro() }, "order LAND or HOLD"},
			{"return of what is jammed", Return, func() { w.jammed = true }, "order LAND or HOLD"},
			{"return when parked", Return, func() { w.armed = false }, "parked"},
			{"land on the ground", Land, func() { w.armed = false }, "on the ground"},
			{"start by resume", Resume, func() { w.armed = false }, "never started from here"},
			{"resume of what is silent", Resume, func() { w.silentUS = time.Now().Add(-time.Minute).UnixMicro() }, "not known"},
		} {
			before := *w.id
			w.set(c.state)
			_, err := w.ask(Request{Kind: c.kind, By: ann})
			if !errors.Is(err, ErrCannot) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
			w.set(func() { w.noFix, w.jammed, w.armed, w.silentUS, *w.id = false, false, true, 0, before })
		}
		if n := len(w.commands()); n != 0 {
			t.Errorf("%d commands were sent", n)
		}
		w.set(func() { w.noFix = true })
		w.mustAsk(Land, ann) // which needs no position
	})
}

func TestNothingIsSentToWhatProvedNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.id.Verified = false
		for _, k := range []Kind{Hold, Stop, Return, Land, Resume} {
			if _, err := w.ask(Request{Kind: k, By: ann, TakeOver: true}); !errors.Is(err, ErrUnverified) {
				t.Errorf("%s: %v", k, err)
			}
		}
		if _, err := w.d.TakeLease(t.Context(), "uav-7", ann, true, ""); !errors.Is(err, ErrUnverified) {
			t.Errorf("lease: %v", err)
		}
		if _, err := w.ask(Request{Vehicle: "uav-8", Kind: Hold, By: ann}); !errors.Is(err, ErrUnreachable) {
			t.Errorf("an order to nobody: %v", err)
		}
		after(time.Second)
		if n := len(w.commands()); n != 0 || len(w.log.records()) != 0 {
			t.Errorf("%d commands and %d entries", n, len(w.log.records()))
		}
	})
}
