package command

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// SAFETY 2: one hand on a vehicle.
func TestOneHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mustAsk(Hold, pete)
		after(3 * time.Second)
		if l, ok := w.d.Lease("uav-7"); !ok || l.Holder != "pete" {
			t.Fatalf("who orders has no control: %+v", l)
		}
		if _, err := w.ask(Request{Kind: Land, By: ann}); !errors.Is(err, ErrLeased) || !strings.Contains(err.Error(), "pete") {
			t.Fatalf("the second hand: %v", err)
		}
		if l, _ := w.d.Lease("uav-7"); l.Holder != "pete" {
			t.Fatalf("a refused order took the control: %+v", l)
		}
		if _, err := w.ask(Request{Kind: Land, By: ann, TakeOver: true}); err != nil {
			t.Fatal(err)
		}
		after(3 * time.Second)
		if l, _ := w.d.Lease("uav-7"); l.Holder != "ann" || l.From != "pete" || !l.Zone {
			t.Errorf("taken over: %+v", l)
		}
		if err := w.d.GiveUpLease(t.Context(), "uav-7", pete); !errors.Is(err, ErrLeased) {
			t.Errorf("pete gives up what ann has: %v", err)
		}
		if err := w.d.GiveUpLease(t.Context(), "uav-7", ann); err != nil {
			t.Fatal(err)
		}
		if l, ok := w.d.Lease("uav-7"); ok {
			t.Errorf("given up, and held by %s", l.Holder)
		}
		if _, err := w.d.TakeLease(t.Context(), "uav-7", pete, false, "to fly home"); err != nil {
			t.Errorf("what nobody has: %v", err)
		}
		if _, err := w.d.TakeLease(t.Context(), "uav-7", bob, false, ""); !errors.Is(err, ErrLeased) {
			t.Errorf("what pete has: %v", err)
		}
		var types []string
		for _, rec := range w.log.records() {
			types = append(types, typesOf(rec)...)
		}
		if got := strings.Join(types, " "); !strings.Contains(got, "order.asked+lease order.sent") || !strings.HasSuffix(got, "lease.given_up lease.taken") {
			t.Errorf("the journal has: %s", got)
		}
	})
}

func TestOfTwoOrdersAtOnceTheSaferWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answer = func(ctx context.Context, _ int, _ Command) error { <-ctx.Done(); return ctx.Err() }
		land := w.mustAsk(Land, ann)
		hold := w.mustAsk(Hold, ann)
		w.becomes(land.ID, Superseded)
		if _, err := w.ask(Request{Kind: Land, By: ann}); !errors.Is(err, ErrSafer) {
			t.Errorf("LAND at once with HOLD: %v", err)
		}
		w.becomes(hold.ID, Sent)
		after(atOnce + time.Second)
		land = w.mustAsk(Land, ann) // decided on what became of it
		w.becomes(hold.ID, Superseded)
		w.becomes(land.ID, Sent)
	})
}

// TestAFloodOfOrders of one person keeps nobody else from ordering.
func TestAFloodOfOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range maxOrders {
			w.mustAsk(Hold, pete)
		}
		if _, err := w.ask(Request{Kind: Hold, By: pete}); !errors.Is(err, ErrTooMany) {
			t.Errorf("one more: %v", err)
		}
		if _, err := w.ask(Request{Kind: Hold, By: ann, TakeOver: true}); err != nil {
			t.Errorf("another hand: %v", err)
		}
		after(ordersIn + time.Second)
		if _, err := w.ask(Request{Kind: Hold, By: pete, TakeOver: true}); err != nil {
			t.Errorf("later: %v", err)
		}
	})
}

// TestAMachineThatSlept: no timer ran meanwhile, and nothing is sent that is too old.
func TestAMachineThatSlept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answer = func(context.Context, int, Command) error {
			w.set(func() { w.slept = acceptTime })
			return ErrNoAnswer
		}
		o := w.mustAsk(Hold, ann)
		after(5 * time.Second)
		w.becomes(o.ID, NoAnswer)
		if sent := w.commands(); len(sent) != 1 {
			t.Errorf("sent: %v", sent)
		}
	})
}

// TestTheConversationBeforeHasEnded: answers to one order are not those to the next.
func TestTheConversationBeforeHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		talking := 0
		w.answer = func(ctx context.Context, _ int, _ Command) error {
			w.set(func() {
				if talking++; talking > 1 {
					t.Error("two conversations at once")
				}
			})
			<-ctx.Done()
			time.Sleep(100 * time.Millisecond) // in the bubble
			w.set(func() { talking-- })
			return ctx.Err()
		}
		for range 5 {
			w.mustAsk(Hold, ann)
		}
		after(time.Minute)
	})
}

// SAFETY 2, 7: who may let a vehicle go on.
func TestResume(t *testing.T) {
	for _, c := range []struct {
		name  string
		stop  By
		by    By
		over  bool
		ends  string // default the newest
		state func(w *world)
		want  error
	}{
		{"who stopped it", ann, ann, false, "", nil, nil},
		{"another with a take-over", ann, bob, true, "", nil, nil},
		{"another", ann, bob, false, "", nil, ErrLeased},
		{"the operator what the zone stopped", ann, pete, true, "", nil, ErrNotYours},
		{"the zone what the operator stopped", pete, ann, true, "", nil, nil},
		{"decided on another order", ann, ann, false, "or_old", nil, ErrMoved},
		{"the pilot has it", ann, ann, false, "", func(w *world) { w.mode = 0 }, ErrCannot},
		{"it was flown by hand before", ann, ann, false, "", nil, ErrCannot},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if c.name == "it was flown by hand before" {
					w.mode = 0
				}
				o := w.mustAsk(Hold, c.stop)
				after(2 * time.Second)
				w.becomes(o.ID, InEffect)
				if c.state != nil {
					w.set(func() { c.state(w) })
				}
				if c.ends == "" {
					c.ends = o.ID
				}
				n := len(w.commands())
				r, err := w.ask(Request{Kind: Resume, By: c.by, TakeOver: c.over, Ends: c.ends})
				if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Fatalf("%v, want %v", err, c.want)
				}
				after(2 * time.Second)
				if sent := w.commands()[n:]; err != nil && len(sent) != 0 || err == nil && (len(sent) != 1 || sent[0] != setMode(mission)) {
					t.Errorf("sent: %v", sent)
				}
				if err == nil {
					w.becomes(r.ID, InEffect)
					if _, err := w.ask(Request{Kind: Resume, By: c.by, Ends: o.ID}); !errors.Is(err, ErrMoved) {
						t.Errorf("a second RESUME of it: %v", err)
					}
				}
			})
		})
	}
}

// TestResumeIsNotForWhoeverHasTheControl: that who stopped it gave the control up is
// no leave to let it go on.
func TestResumeIsNotForWhoeverHasTheControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.mustAsk(Hold, ann)
		after(2 * time.Second)
		if err := w.d.GiveUpLease(t.Context(), "uav-7", ann); err != nil {
			t.Fatal(err)
		}
		if _, err := w.d.TakeLease(t.Context(), "uav-7", bob, false, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.ask(Request{Kind: Resume, By: bob, Ends: o.ID}); !errors.Is(err, ErrNotYours) {
			t.Errorf("bob lets it go on: %v", err)
		}
		land := w.mustAsk(Land, bob)
		after(2 * time.Second)
		w.becomes(land.ID, InEffect)
		if _, err := w.ask(Request{Kind: Resume, By: bob, Ends: land.ID}); !errors.Is(err, ErrCannot) || !strings.Contains(err.Error(), "newest order is land") {
			t.Errorf("RESUME of what lands: %v", err)
		}
	})
}

// TestWhatTheZoneHoldsStays: an operator may bring it down where it is, and not send
// it home through what it is held for.
func TestWhatTheZoneHoldsStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mustAsk(Hold, ann)
		after(5 * time.Second)
		if _, err := w.ask(Request{Kind: Return, By: pete, TakeOver: true}); !errors.Is(err, ErrNotYours) {
			t.Errorf("pete sends it home: %v", err)
		}
		if l, _ := w.d.Lease("uav-7"); l.Holder != "ann" {
			t.Errorf("a refused order took the control: %+v", l)
		}
		if _, err := w.ask(Request{Kind: Land, By: pete, TakeOver: true}); err != nil {
			t.Errorf("pete lands it: %v", err)
		}
	})
}

// TestResumeAfterSeveralOrders: the mission is that before the first of them, and
// one that the vehicle refused is none.
func TestResumeAfterSeveralOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mustAsk(Return, ann)
		after(5 * time.Second)
		hold := w.mustAsk(Hold, ann)
		after(5 * time.Second)
		w.set(func() { w.answer = func(context.Context, int, Command) error { return &Refusal{Text: "denied"} } })
		land := w.mustAsk(Land, ann)
		after(time.Second)
		w.becomes(land.ID, Refused)
		w.set(func() { w.answer = nil })
		r, err := w.ask(Request{Kind: Resume, By: ann, Ends: hold.ID})
		if err != nil {
			t.Fatal(err)
		}
		after(2 * time.Second)
		w.becomes(r.ID, InEffect)
	})
}
