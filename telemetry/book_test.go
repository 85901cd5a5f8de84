package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// memory is a journal in memory that can be slow, or refuse.
type memory struct {
	mu      sync.Mutex // guards the fields below
	records []journal.Record
	refuse  error
	gate    chan struct{} // when set, an append waits for it
}

func (m *memory) Append(_ context.Context, batch ...journal.Entry) ([]uint64, error) {
	m.mu.Lock()
	gate := m.gate
	m.mu.Unlock()
	if gate != nil {
		<-gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return nil, m.refuse
	}
	var seqs []uint64
	for _, e := range batch {
		seq := uint64(len(m.records) + 1)
		m.records = append(m.records, journal.Record{Seq: seq, Entry: e})
		seqs = append(seqs, seq)
	}
	return seqs, nil
}

type bookRig struct {
	*Book
	bus     *Bus
	journal *memory
	heard   *Subscription
	cancel  context.CancelFunc
	done    chan error
}

// newRig runs a book in the bubble of a synctest.
func newRig(t *testing.T, m *memory) *bookRig {
	t.Helper()
	registry, err := vehicles.NewRegistry(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	bus := NewBus(nil)
	p, err := New(Config{Registry: registry, Engine: geofence.NewEngine(geofence.Config{}), Bus: bus})
	if err != nil {
		t.Fatal(err)
	}
	heard, _ := bus.Subscribe(SubscribeConfig{Reserved: true})
	r := &bookRig{bus: bus, journal: m, heard: heard, done: make(chan error, 1)}
	r.Book = NewBook(BookConfig{Bus: bus, Journal: m, Pipeline: p})
	for _, rec := range m.records {
		if err := r.Replay(rec); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.done <- r.Run(ctx) }()
	return r
}

func (r *bookRig) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}

var (
	drone    = &vehicles.Identity{Handle: 1, ID: "uav-1", Name: "drone", Class: vehicles.UAV, Verified: true}
	hospital = &geofence.Compiled{Fence: geofence.Fence{ID: "f1", Name: "hospital", Kind: geofence.KeepOut, Rev: 3}}
)

func crossing(kind geofence.TransitionKind, who *vehicles.Identity, us int64) *Transition {
	return &Transition{Vehicle: who, Transition: geofence.Transition{
		Kind: kind, Handle: who.Handle, Fence: hospital, ReceivedUS: us, BootMS: 5,
		Before: geo.Fix{Point: geo.Point{Lat: 1}}, After: geo.Fix{Point: geo.Point{Lat: 2}}, Datum: geo.AMSL,
	}}
}

func (r *bookRig) publish(body Body) {
	us := time.Now().UnixMicro()
	if t, ok := body.(*Transition); ok {
		us = t.ReceivedUS
	}
	r.bus.Publish(us, body)
	synctest.Wait()
}

func TestBreachIsRaisedClearedAndAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		now := time.Now().UnixMicro()
		r.publish(crossing(geofence.Entered, drone, now))
		open := r.Alerts(false)
		if len(open) != 1 || open[0].State() != "raised" || open[0].Level != Critical || open[0].Fence.Rev != 3 {
			t.Fatalf("open alerts: %+v", open)
		}
		if e := open[0].Evidence; e.Before.Lat != 1 || e.After.Lat != 2 || e.Datum != "amsl" || e.BootMS != 5 {
			t.Errorf("evidence %+v", e)
		}
		if level := r.cfg.Pipeline.table.slot(1).alert.Load(); level != Critical {
			t.Errorf("level on the live channel %d", level)
		}
		r.publish(crossing(geofence.Left, drone, now+1e6))
		if a, _ := r.Alert(open[0].ID); a.State() != "cleared" || !a.Open() || a.Cause != "complied" {
			t.Errorf("cleared but not acknowledged must stay open: %+v", a)
		}
		a, err := r.Acknowledge(t.Context(), open[0].ID, "ada", "seen")
		if err != nil || a.Ack == nil || a.Ack.By != "ada" || a.Open() {
			t.Fatalf("acknowledged: %+v, %v", a, err)
		}
		if level := r.cfg.Pipeline.table.slot(1).alert.Load(); level != 0 {
			t.Errorf("level after acknowledgement %d", level)
		}
		again, err := r.Acknowledge(t.Context(), open[0].ID, "bob", "")
		if err != nil || again.Ack.By != "ada" {
			t.Errorf("the first acknowledgement counts: %+v, %v", again.Ack, err)
		}
		if _, err := r.Acknowledge(t.Context(), "al_none", "ada", ""); !errors.Is(err, ErrNoAlert) {
			t.Errorf("unknown alert: %v", err)
		}
	})
}

func TestAlertDoesNotWaitForTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{gate: make(chan struct{})}
		r := newRig(t, m)
		r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()))
		events, _ := r.heard.Take()
		if len(events) != 2 {
			t.Fatalf("%d events on the bus, want the transition and its alert while the journal is stuck", len(events))
		}
		if a, ok := events[1].Body.(*Alert); !ok || a.JournalSeq != 0 {
			t.Errorf("got %+v", events[1].Body)
		}
		acked := make(chan error, 1)
		go func() {
			_, err := r.Acknowledge(t.Context(), r.Alerts(false)[0].ID, "ada", "")
			acked <- err
		}()
		time.Sleep(stalledAfter + time.Second) // of the bubble's clock
		synctest.Wait()
		select {
		case err := <-acked:
			t.Fatalf("acknowledged before it was durable: %v", err)
		default:
		}
		if h := r.Health(); len(h) != 1 || h[0].Code != "journal_stalled" {
			t.Errorf("health %v", h)
		}
		close(m.gate)
		if err := <-acked; err != nil {
			t.Error(err)
		}
		r.stop(t)
	})
}

func TestRefusedAcknowledgementIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{refuse: errors.New("disk full")}
		r := newRig(t, m)
		defer r.stop(t)
		r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()))
		id := r.Alerts(false)[0].ID
		if _, err := r.Acknowledge(t.Context(), id, "ada", ""); !errors.Is(err, ErrNotDurable) {
			t.Errorf("got %v", err)
		}
		if a, _ := r.Alert(id); a.Ack != nil {
			t.Error("an acknowledgement that is not durable shows")
		}
		if h := r.Health(); len(h) == 0 || h[0].Code != "alert_facts_lost" {
			t.Errorf("health %v", h)
		}
	})
}

func TestRepetition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		now := time.Now().UnixMicro()
		r.publish(crossing(geofence.Entered, drone, now))
		r.publish(crossing(geofence.Left, drone, now+1e6))
		r.publish(crossing(geofence.Entered, drone, now+1e6+reopenUS-1))
		all := r.Alerts(true)
		if len(all) != 1 || all[0].Count != 2 || all[0].ClearedUS != 0 {
			t.Fatalf("within 30 s the alert re-opens: %+v", all)
		}
		r.publish(crossing(geofence.Left, drone, now+40e6))
		r.publish(crossing(geofence.Entered, drone, now+40e6+reopenUS))
		if all = r.Alerts(true); len(all) != 2 || all[0].Count != 1 {
			t.Errorf("after 30 s it is a new alert: %+v", all)
		}
	})
}

func TestFirstFixHasNoFixBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		first := crossing(geofence.Entered, drone, time.Now().UnixMicro())
		first.Flags = geofence.FirstFix
		r.publish(first)
		if e := r.Alerts(false)[0].Evidence; e.Before != nil || e.Flags[0] != "first_fix" {
			t.Errorf("evidence %+v", e)
		}
	})
}

func TestFirstOfTwoAcknowledgementsCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{gate: make(chan struct{})}
		r := newRig(t, m)
		defer r.stop(t)
		r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()))
		id := r.Alerts(false)[0].ID
		done := make(chan error, 2)
		for _, who := range []string{"ada", "bob"} {
			go func() {
				a, err := r.Acknowledge(t.Context(), id, who, "")
				if err == nil && a.Ack.By != "ada" {
					err = errors.New(who + " was told " + a.Ack.By)
				}
				done <- err
			}()
			synctest.Wait() // ada's is in the queue first
		}
		close(m.gate)
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestCrossedIsRaisedAndStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		r.publish(crossing(geofence.Crossed, drone, time.Now().UnixMicro()))
		open := r.Alerts(false)
		if len(open) != 1 || open[0].State() != "cleared" || open[0].Cause != "passed_through" {
			t.Errorf("got %+v", open)
		}
	})
}

func TestLinkAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		r.publish(&LinkChange{Vehicle: drone, From: vehicles.LinkDegraded, To: vehicles.LinkLost, Armed: false})
		if open := r.Alerts(false); len(open) != 0 {
			t.Errorf("a disarmed vehicle that is switched off is no alert: %+v", open)
		}
		r.publish(&LinkChange{Vehicle: drone, From: vehicles.LinkDegraded, To: vehicles.LinkLost, Armed: true})
		r.publish(&LinkChange{Vehicle: drone, From: vehicles.LinkLost, To: vehicles.LinkNominal, Armed: true})
		open := r.Alerts(false)
		if len(open) != 1 || open[0].Type != LinkLost || open[0].Level != Warning || open[0].Cause != "link_restored" {
			t.Errorf("got %+v", open)
		}
	})
}

func TestBookIsRebuiltFromTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		r := newRig(t, m)
		now := time.Now().UnixMicro()
		ghost := &vehicles.Identity{Handle: 2, ID: "unverified-1", Class: vehicles.UAV}
		r.publish(crossing(geofence.Entered, drone, now))
		r.publish(crossing(geofence.Left, drone, now+1e6))
		r.publish(crossing(geofence.Crossed, drone, now+60e6))
		r.publish(crossing(geofence.Crossed, drone, now+70e6)) // once more: re-opened
		r.publish(crossing(geofence.Entered, ghost, now+61e6))
		if _, err := r.Acknowledge(t.Context(), r.Alerts(true)[2].ID, "ada", "note"); err != nil {
			t.Fatal(err)
		}
		r.stop(t)
		before := r.Alerts(true)

		next := newRig(t, m)
		synctest.Wait()
		after := next.Alerts(true)
		next.stop(t)
		if len(after) != len(before) {
			t.Fatalf("%d alerts before, %d after", len(before), len(after))
		}
		for i := range after {
			b, a := before[i], after[i]
			if a.ID != b.ID || (a.Ack == nil) != (b.Ack == nil) || a.RaisedUS != b.RaisedUS || a.Count != b.Count {
				t.Errorf("alert %d: before %+v, after %+v", i, b, a)
			}
			if a.Vehicle.ID == ghost.ID && a.Cause != "server_restarted" {
				t.Errorf("an unverified track ends with its epoch: %+v", a)
			}
			if a.Vehicle.ID == drone.ID && a.ClearedUS != b.ClearedUS {
				t.Errorf("a verified vehicle's alert is left as it was: %+v", a)
			}
		}
	})
}

// second lets the book's next tick pass.
func second() {
	time.Sleep(1100 * time.Millisecond) // of the bubble's clock
	synctest.Wait()
}

func ghosts(n int) []*vehicles.Identity {
	out := make([]*vehicles.Identity, n)
	for i := range out {
		out[i] = &vehicles.Identity{Handle: vehicles.Handle(i + 2), ID: vehicles.VehicleID(fmt.Sprintf("unverified-%d", i))}
		out[i].Source.Address = fmt.Sprintf("127.0.0.1:%d", 10_000+i)
	}
	return out
}

func count(alerts []Alert, fits func(*Alert) bool) (n int) {
	for i := range alerts {
		if fits(&alerts[i]) {
			n++
		}
	}
	return n
}

func ofVehicle(id vehicles.VehicleID) func(*Alert) bool {
	return func(a *Alert) bool { return a.Vehicle.ID == id }
}

func TestUnverifiedAlertsHaveAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))) // the quota is a minute's
		now := time.Now().UnixMicro()
		all := ghosts(unverifiedPerMinute + 50)
		for _, ghost := range all {
			r.bus.Publish(now, &LinkChange{Vehicle: ghost, To: vehicles.LinkLost, Armed: true}) // a quota of its own
		}
		for _, ghost := range all {
			r.bus.Publish(now, crossing(geofence.Entered, ghost, now))
		}
		left := all[len(all)-1]
		r.bus.Publish(now+1, crossing(geofence.Left, left, now+1))
		r.bus.Publish(now+1, &Gone{Vehicle: all[len(all)-2]})
		r.publish(crossing(geofence.Entered, drone, now))
		breach := func(a *Alert) bool { return a.Type == FenceBreach }
		if n := count(r.Alerts(true), breach); n != unverifiedPerMinute+1 {
			t.Errorf("%d breaches, want the quota and the verified drone", n)
		}
		second()
		flood := func(a *Alert) bool { return a.Type == UnverifiedFlood && a.Count == 100 }
		if n := count(r.Alerts(false), flood); n != 1 {
			t.Errorf("the flood alert must count the 50 breaches and 50 links: %+v", r.Alerts(false)[0])
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := count(r.Alerts(true), breach); n != unverifiedPerMinute+1+49 {
			t.Errorf("%d breaches after the quota returned: what still held must be raised, and what has passed", n)
		}
		if n := count(r.Alerts(true), func(a *Alert) bool { return breach(a) && ofVehicle(left.ID)(a) && a.Cause == "complied" }); n != 1 {
			t.Error("the breach that passed while it waited was lost")
		}
	})
}

// One address cannot delay the breach of another's vehicle.
func TestOneAddressCannotFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		all := ghosts(251)
		now := time.Now().UnixMicro()
		for _, ghost := range all[:250] {
			ghost.Source.Address = "127.0.0.1:9"
			r.bus.Publish(now, crossing(geofence.Entered, ghost, now))
		}
		calm := all[250]
		r.publish(crossing(geofence.Entered, calm, now))
		if n := count(r.Alerts(false), ofVehicle(calm.ID)); n != 1 {
			t.Error("the calm neighbour's breach waits behind the flood")
		}
		if n := len(r.Alerts(false)); n != addressPerMinute+1 {
			t.Errorf("%d alerts", n)
		}
		last := all[249]
		if level := r.cfg.Pipeline.table.slot(last.Handle).alert.Load(); level != Critical {
			t.Errorf("a deferred breach shows level %d on the map", level)
		}
		time.Sleep(stalledAfter + time.Second)
		synctest.Wait()
		if h := r.Health(); len(h) != 1 || h[0].Code != "alerts_deferred" {
			t.Errorf("health %v", h)
		}
	})
}

func TestPredictionAndSeparation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		r := newRig(t, m)
		other := &vehicles.Identity{Handle: 2, ID: "uav-2", Name: "second", Class: vehicles.UAV, Verified: true}
		r.publish(&Prediction{Vehicle: drone, Fence: hospital, Began: true, InS: 4, At: geo.Point{Lat: 5, Lon: 6}})
		r.publish(&Separation{A: drone, B: other, Began: true, Conflict: geofence.Conflict{InS: 2, AtS: 3, HorizontalM: 12, VerticalM: 4}})
		check := func(r *bookRig) {
			t.Helper()
			for _, a := range r.Alerts(false) {
				switch a.Type {
				case PredictedBreach:
					if a.Level != Warning || a.Fence.Name != "hospital" || a.Predicted.InS != 4 || a.Predicted.Lon != 6 {
						t.Errorf("predicted %+v", a)
					}
				case SeparationLost:
					if a.Level != Critical || a.Other.ID != "uav-2" || a.Separation.HorizontalM != 12 {
						t.Errorf("separation %+v", a)
					}
				default:
					t.Errorf("unexpected %+v", a)
				}
			}
			if n := len(r.Alerts(false)); n != 2 {
				t.Errorf("%d open alerts", n)
			}
		}
		check(r)
		r.stop(t)
		r = newRig(t, m)
		defer r.stop(t)
		synctest.Wait()
		check(r)
		r.publish(&Prediction{Vehicle: drone, Fence: hospital})
		r.publish(&Separation{A: drone, B: other, Cause: CauseSeparated})
		if n := count(r.Alerts(false), func(a *Alert) bool { return a.ClearedUS == 0 }); n != 0 {
			t.Errorf("%d still hold", n)
		}
	})
}

func TestFlappingConditionChangesOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		for range 200 {
			now := time.Now().UnixMicro()
			r.bus.Publish(now, crossing(geofence.Entered, drone, now))
			r.bus.Publish(now, crossing(geofence.Left, drone, now))
		}
		now := time.Now().UnixMicro()
		r.publish(crossing(geofence.Entered, drone, now))
		events, _ := r.heard.Take()
		alerts := 0
		for _, e := range events {
			if _, ok := e.Body.(*Alert); ok {
				alerts++
			}
		}
		if alerts != changesPerMinute {
			t.Errorf("%d alert events of 401 changes", alerts)
		}
		second()
		if a := r.Alerts(false); len(a) != 1 || a[0].State() != "raised" {
			t.Errorf("what holds in the end must show: %+v", a)
		}
	})
}

func TestTooManyOpenUnverifiedAlertsAreFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		r := newRig(t, m)
		r.mu.Lock()
		now := time.Now().UnixMicro()
		for i, ghost := range ghosts(openUnverified + 7) {
			a := &Alert{ID: fmt.Sprintf("al_%d", i), Type: FenceBreach, Vehicle: alertVehicle(ghost), RaisedUS: now + int64(i), ClearedUS: now + int64(i)}
			b, _ := json.Marshal(fact{Type: factRaised, Alert: a})
			m.records = append(m.records, journal.Record{Seq: uint64(i + 1), Entry: journal.Entry{Schema: FactSchema, Body: b}})
			r.store(a)
		}
		r.mu.Unlock()
		second()
		open := r.Alerts(false)
		if n := count(open, func(a *Alert) bool { return a.Type == FenceBreach }); n != openUnverified {
			t.Errorf("%d open", n)
		}
		if a, _ := r.Alert("al_0"); a.Ack == nil || a.Ack.By != foldedBy {
			t.Errorf("the oldest goes first: %+v", a)
		}
		if open[0].Type != UnverifiedFlood || open[0].Count != 7 {
			t.Errorf("the flood alert: %+v", open[0])
		}
		r.stop(t)
		next := newRig(t, m)
		defer next.stop(t)
		synctest.Wait()
		if n := count(next.Alerts(false), func(a *Alert) bool { return a.Type == FenceBreach }); n != openUnverified {
			t.Errorf("%d open after a restart", n)
		}
	})
}

// An acknowledgement of an older alert, or its late durability, leaves the newer
// one of the same condition alone.
func TestOlderAlertDoesNotTakeTheNewerOnesPlace(t *testing.T) {
	for _, how := range []string{"acknowledged", "slow journal", "replay"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				if how == "slow journal" {
					m.gate = make(chan struct{})
				}
				r := newRig(t, m)
				now := time.Now().UnixMicro()
				r.publish(crossing(geofence.Entered, drone, now))
				r.publish(crossing(geofence.Left, drone, now+1e6))
				r.publish(crossing(geofence.Entered, drone, now+61e6))
				older := r.Alerts(true)[1].ID
				if how == "slow journal" {
					close(m.gate)
					synctest.Wait()
				} else if _, err := r.Acknowledge(t.Context(), older, "ada", ""); err != nil {
					t.Fatal(err)
				}
				if how == "replay" {
					r.stop(t)
					r = newRig(t, m)
					synctest.Wait()
				} else if level := r.cfg.Pipeline.table.slot(1).alert.Load(); level != Critical {
					t.Errorf("the newer alert is not acknowledged, but the live level is %d", level)
				}
				r.publish(crossing(geofence.Left, drone, now+62e6))
				if a := r.Alerts(true)[0]; a.ID == older || a.ClearedUS == 0 {
					t.Errorf("the newer alert was not cleared: %+v", a)
				}
				r.stop(t)
			})
		})
	}
}

func TestAcknowledgementCoversOnlyWhatWasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		begin := func() Alert {
			r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()))
			return r.Alerts(true)[0]
		}
		end := func() { r.publish(crossing(geofence.Left, drone, time.Now().UnixMicro())) }
		first := begin()
		if _, err := r.Acknowledge(t.Context(), first.ID, "ada", ""); err != nil {
			t.Fatal(err)
		}
		end()
		time.Sleep(10 * time.Second)
		if a := begin(); a.ID != first.ID || a.Ack == nil {
			t.Errorf("10 s after the acknowledgement it still covers: %+v", a)
		}
		end()
		time.Sleep(25 * time.Second)
		if a := begin(); a.ID != first.ID || a.Ack != nil {
			t.Errorf("35 s after the acknowledgement people must see it anew: %+v", a)
		}
		end()
		moved := crossing(geofence.Entered, drone, time.Now().UnixMicro())
		moved.Fence = &geofence.Compiled{Fence: geofence.Fence{ID: "f1", Kind: geofence.KeepOut, Rev: 4}}
		r.publish(moved)
		if a := r.Alerts(true)[0]; a.ID == first.ID {
			t.Error("a new revision of the fence is a new alert")
		}
	})
}

// What waits on the bus when the book is stopped is raised and written.
func TestStopWritesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		r := newRig(t, m)
		synctest.Wait()
		now := time.Now().UnixMicro()
		r.mu.Lock() // the book cannot take an event now
		r.bus.Publish(now, crossing(geofence.Entered, drone, now))
		r.cancel()
		r.mu.Unlock()
		r.stop(t)
		if len(m.records) != 1 || r.Unwritten() != 0 {
			t.Errorf("%d facts in the journal, %d unwritten", len(m.records), r.Unwritten())
		}
	})
}

func TestTrackEndClearsItsAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()))
		other := &vehicles.Identity{Handle: 3, ID: "uav-2", Verified: true}
		r.publish(crossing(geofence.Entered, other, time.Now().UnixMicro()-1))
		r.publish(&Gone{Vehicle: drone})
		if a := r.Alerts(true)[1]; a.ClearedUS != 0 {
			t.Errorf("another vehicle's alert was cleared: %+v", a)
		}
		if a := r.Alerts(true)[0]; a.Cause != "track_ended" || !a.Open() {
			t.Errorf("got %+v", a)
		}
	})
}
