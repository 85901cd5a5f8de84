package command

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/telemetry/journal"
	"testzone/vehicles"
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

// An order of safe direction never waits for a disk; RESUME does.
func TestAStalledJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stall := make(chan struct{})
		w.log.set(func() { w.log.stall = stall })
		hold := w.mustAsk(Hold, ann)
		if hold.JournalSeq != 0 || len(w.commands()) != 1 {
			t.Fatalf("the order waits for the journal: %+v, sent %v", hold, w.commands())
		}
		after(3 * time.Second)
		w.becomes(hold.ID, InEffect)
		if h := w.d.Health(); len(h) != 1 || h[0].Code != "order_journal_stalled" {
			t.Errorf("health: %v", h)
		}
		answered := make(chan error, 1)
		go func() {
			_, err := w.ask(Request{Kind: Resume, By: ann, Ends: hold.ID})
			answered <- err
		}()
		after(5 * time.Second)
		if n := len(w.commands()); n != 1 {
			t.Fatalf("RESUME left before it was durable: %v", w.commands())
		}
		taken := make(chan struct{})
		w.set(func() {
			w.answer = func(ctx context.Context, _ int, _ Command) error {
				select {
				case <-taken:
				case <-ctx.Done():
					t.Error("RESUME ended the conversation about HOLD")
				}
				return nil
			}
			w.velocity.N = 800 // so that its effect does not show at once
		})
		again := w.mustAsk(Hold, ann) // it overtakes
		close(stall)
		after(time.Second)
		close(taken)
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		after(3 * time.Second)
		if sent := w.commands(); len(sent) != 2 || sent[1] != setMode(17) {
			t.Errorf("sent after all: %v", sent)
		}
		if got := w.becomes(again.ID, InEffect); got.JournalSeq == 0 || len(w.d.Health()) != 0 {
			t.Errorf("%+v, health %v", got, w.d.Health())
		}
	})
}

func TestAJournalThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hold := w.mustAsk(Hold, ann)
		after(2 * time.Second)
		w.log.set(func() { w.log.fail = journal.ErrReadOnly })
		_, err := w.ask(Request{Kind: Resume, By: ann, Ends: hold.ID})
		if !errors.Is(err, ErrNotDurable) || len(w.commands()) != 1 {
			t.Errorf("RESUME: %v, sent %v", err, w.commands())
		}
		if _, err := w.d.TakeLease(t.Context(), "uav-7", bob, true, ""); !errors.Is(err, ErrNotDurable) {
			t.Errorf("lease: %v", err)
		}
		if l, _ := w.d.Lease("uav-7"); l.Holder != "ann" {
			t.Errorf("a lease that is not durable holds: %+v", l)
		}
		w.mustAsk(Land, ann) // SAFETY 1
		if sent := w.commands(); len(sent) != 2 || sent[1].ID != cmdLand {
			t.Errorf("sent: %v", sent)
		}
		if h := w.d.Health(); len(h) == 0 || h[0].Code != "order_facts_lost" {
			t.Errorf("health: %v", h)
		}
	})
}

// TestResumeThatTheJournalKeptTooLong: it is not sent when nobody waits for it any more.
func TestResumeThatTheJournalKeptTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hold := w.mustAsk(Hold, ann)
		after(2 * time.Second)
		stall := make(chan struct{})
		w.log.set(func() { w.log.stall = stall })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := w.d.Ask(ctx, Request{Vehicle: "uav-7", Kind: Resume, By: ann, Ends: hold.ID}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		after(acceptTime)
		close(stall)
		after(2 * time.Second)
		newest := w.d.Orders(func(*Order) bool { return true })[0]
		if newest.Kind != Resume || newest.State != Expired || len(w.commands()) != 1 {
			t.Errorf("%+v, sent %v", newest, w.commands())
		}
		r, err := w.ask(Request{Kind: Resume, By: ann, Ends: hold.ID}) // a failed one is no dead end
		if err != nil {
			t.Fatal(err)
		}
		after(2 * time.Second)
		w.becomes(r.ID, InEffect)
	})
}

// SAFETY 8: a restart is not an event. Leases and orders stand, and nothing is sent.
func TestRestart(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.obeys = false
			hold := w.mustAsk(Hold, ann)
			after(time.Second)
			w.becomes(hold.ID, Accepted)
			n := len(w.log.records())
			stop := w.start() // of a second one, as after a crash: the first is left alone
			if snapshot {
				stop()
				w.restored(n)
			}
			after(2 * time.Second)
			w.becomes(hold.ID, Accepted)
			if l, _ := w.d.Lease("uav-7"); l.Holder != "ann" {
				t.Errorf("the lease after the restart: %+v", l)
			}
			if _, err := w.ask(Request{Kind: Hold, By: bob}); !errors.Is(err, ErrLeased) {
				t.Errorf("the second hand: %v", err)
			}
			w.set(func() { w.mode, w.velocity = 17, vehicles.Velocity{} })
			after(2 * time.Second)
			w.becomes(hold.ID, InEffect) // it is still looked for
			if got := w.commands(); len(got) != 1 {
				t.Errorf("sent over the restart: %v", got)
			}
			r, err := w.ask(Request{Kind: Resume, By: ann, Ends: hold.ID})
			if err != nil || r.State == Refused {
				t.Errorf("RESUME after the restart: %v", err)
			}
		})
	}
}

// restored replaces the dispatcher by one that loads a snapshot of n records.
func (w *world) restored(n int) {
	w.t.Helper()
	from, err := New(Config{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, rec := range w.log.records()[:n] {
		if err := from.Replay(rec); err != nil {
			w.t.Fatal(err)
		}
	}
	saved, err := from.SaveState()
	if err != nil {
		w.t.Fatal(err)
	}
	w.log.set(func() { w.log.recs = nil })
	w.start()
	install, err := w.d.LoadState(saved)
	if err != nil {
		w.t.Fatal(err)
	}
	install()
	w.d.watchReplayed()
	back, err := w.d.SaveState()
	if err != nil || string(back) != string(saved) {
		w.t.Fatalf("saved again: %v\n%s\n%s", err, back, saved)
	}
}

// TestAnOrderThatWasNotSentBeforeTheRestart may have been, and is not now.
func TestAnOrderThatWasNotSentBeforeTheRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.obeys = false
		hold := w.mustAsk(Hold, ann)
		w.log.set(func() { w.log.recs = w.log.recs[:1] })
		w.start()
		after(time.Second)
		if got, _ := w.d.Order(hold.ID); got.State != Expired || !strings.Contains(got.Why, "restarted") {
			t.Errorf("%+v", got)
		}
		if n := len(w.commands()); n != 1 {
			t.Errorf("%d commands were sent", n)
		}
	})
}

func TestTheSameRequestIsOneOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx := journal.WithRequest(t.Context(), &journal.Request{By: "ann", Key: "key-of-ann", SHA256: "aa"})
		ask := func(ctx context.Context) (Order, error) {
			return w.d.Ask(ctx, Request{Vehicle: "uav-7", Kind: Hold, By: ann})
		}
		first, err := ask(ctx)
		if err != nil {
			t.Fatal(err)
		}
		after(5 * time.Second)
		w.start()
		if second, err := ask(ctx); err != nil || second.ID != first.ID || len(w.commands()) != 1 {
			t.Errorf("%v %+v, sent %v", err, second, w.commands())
		}
		other := journal.WithRequest(t.Context(), &journal.Request{By: "ann", Key: "key-of-ann", SHA256: "bb"})
		if _, err := ask(other); !errors.Is(err, journal.ErrKeyReused) {
			t.Errorf("another request under the key: %v", err)
		}
	})
}

// TestEveryFieldIsSavedOrNoState: whoever adds state adds it to SaveState, LoadState
// and this list; else it would be gone after a start from a snapshot.
func TestEveryFieldIsSavedOrNoState(t *testing.T) {
	for _, c := range []struct {
		of    any
		names string
	}{
		{Dispatcher{}, "orders order newest ofOne leases answers calls cfg scribe born life end work mu stopped talks watches news attended standing"},
		{answer{}, "sha256 order atUS"},
	} {
		have := map[string]bool{}
		typ := reflect.TypeOf(c.of)
		for i := range typ.NumField() {
			have[typ.Field(i).Name] = true
		}
		for _, name := range strings.Fields(c.names) {
			if !have[name] {
				t.Errorf("%T has no field %s", c.of, name)
			}
			delete(have, name)
		}
		for name := range have {
			t.Errorf("field %s of %T: is it state that Replay builds? Then SaveState must write and LoadState read it", name, c.of)
		}
	}
}

func typesOf(rec journal.Record) []string {
	text := string(rec.Body)
	_, text, _ = strings.Cut(text, `"type":"`)
	typ, rest, _ := strings.Cut(text, `"`)
	if strings.HasPrefix(typ, "order.") && strings.Contains(rest, `"lease":{`) {
		typ += "+lease"
	}
	return []string{typ}
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte(`{"type":"order.asked","at_us":5,"order":{"id":"or_1","vehicle":"v","kind":"hold","state":"asked","asked_us":5},"lease":{"vehicle":"v","holder":"ann"},"request":{"by":"a","key":"k","sha256":"s"}}`))
	f.Add([]byte(`{"type":"lease.given_up","lease":{"vehicle":"v"}}`))
	f.Add([]byte(`{"type":"call.needed","at_us":5,"call":{"vehicle":"v","class":"uav","why":"hold is refused","since_us":5}}`))
	f.Add([]byte(`{"order":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		if d.Replay(journal.Record{Seq: 1, Entry: journal.Entry{Schema: Schema, Body: body}}) != nil {
			return
		}
		saved, err := d.SaveState()
		if err != nil {
			t.Fatal(err)
		}
		next, _ := New(Config{})
		install, err := next.LoadState(saved)
		if err != nil {
			t.Fatalf("%v: %s", err, saved)
		}
		install()
		if again, err := next.SaveState(); err != nil || string(again) != string(saved) {
			t.Fatalf("%v\n%s\n%s", err, saved, again)
		}
	})
}
