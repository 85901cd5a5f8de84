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
