package command

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
)

// take notes which orders and leases were told of.
func take(t *testing.T, sub *telemetry.Subscription, told map[string]bool) {
	t.Helper()
	events, err := sub.Take()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if c, is := e.Body.(*telemetry.OrderChange); is {
			for _, o := range c.Orders {
				told[o.ID] = true
			}
			for _, l := range c.Leases {
				told["lease "+l.ID] = true
			}
		}
	}
}

// TestEveryChangeIsTold: whoever writes an order or a lease, by whatever way, the live
// channel is told of each that differs afterwards.
func TestEveryChangeIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bus := telemetry.NewBus(w.now)
		sub, _ := bus.Subscribe(telemetry.SubscribeConfig{})
		defer sub.Close()
		w.d.mu.Lock()
		w.d.cfg.Bus = bus
		w.d.mu.Unlock()
		w.heights.Set(geo.Takeoff, 60_000)
		ctx := t.Context()
		ask := func(q Request) func() {
			return func() {
				if _, err := w.ask(q); err != nil {
					t.Errorf("%s: %v", q.Kind, err)
				}
			}
		}
		stopped := func() string { o, _, _ := w.d.Now("uav-7"); return o.ID }
		answers := func(err error) func(context.Context, int, Command) error {
			return func(context.Context, int, Command) error { return err }
		}
		orders, leases := map[string]Order{}, Lease{}
		for _, act := range []struct {
			what string
			do   func()
			lets time.Duration // pass
			want bool          // something changes
		}{
			{"taken", func() { _, _ = w.d.TakeLease(ctx, "uav-7", ann, false, "") }, time.Second, true},
			{"taken over", func() { _, _ = w.d.TakeLease(ctx, "uav-7", bob, true, "shift") }, time.Second, true},
			{"a dry run", ask(Request{Kind: Hold, By: bob, Try: true}), time.Second, false},
			{"held", ask(Request{Kind: Hold, By: bob}), 5 * time.Second, true},
			{"resumed", func() { ask(Request{Kind: Resume, By: bob, Ends: stopped()})() }, 5 * time.Second, true},
			{"held by the ladder", ask(Request{Kind: Hold, By: By{Actor: Enforcement, Person: Enforcement, Zone: true}, TakeOver: true}), 5 * time.Second, true},
			{"many are told to return", ask(Request{Kind: Return, By: ann, TakeOver: true, Bulk: "bo_1"}), 5 * time.Second, true},
			{"sent to a point", ask(Request{Kind: Reposition, By: ann, To: &Place{Point: geo.Moved(w.at, 0, 500), MM: 60_000, Datum: geo.Takeoff, Height: true}}), 5 * time.Second, true},
			{"it stays short", func() { w.set(func() { w.velocity.E = 0 }) }, 70 * time.Second, true},
			{"refused", func() {
				w.set(func() { w.answer = answers(&Refusal{Text: "no"}) })
				ask(Request{Kind: Hold, By: ann})()
			}, 5 * time.Second, true},
			{"unanswered", func() {
				w.set(func() { w.answer, w.mode = answers(ErrNoAnswer), 0 })
				ask(Request{Kind: Hold, By: ann})()
			}, 90 * time.Second, true},
			{"given up", func() { _ = w.d.GiveUpLease(ctx, "uav-7", ann) }, time.Second, true},
		} {
			act.do()
			told := map[string]bool{}
			for range act.lets / time.Second { // who reads seldom is left behind
				after(time.Second)
				take(t, sub, told)
			}
			changed := false
			for _, o := range w.d.Orders(func(*Order) bool { return true }) {
				if before := orders[o.ID]; before.State != o.State || before.Why != o.Why || before.UnderWayUS != o.UnderWayUS || before.JournalSeq != o.JournalSeq {
					if changed = true; !told[o.ID] {
						t.Errorf("%s: nobody is told that the order is %s", act.what, o.State)
					}
				}
				orders[o.ID] = o
			}
			now, _ := w.d.Lease("uav-7")
			if now != leases {
				if changed = true; !told["lease uav-7"] {
					t.Errorf("%s: nobody is told who has it", act.what)
				}
			}
			if leases = now; changed != act.want {
				t.Errorf("%s: something changed: %v", act.what, changed)
			}
		}
	})
}
