package telemetry

import (
	"context"
	"errors"
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
		open := r.Alerts(WholeZone(), false)
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
		if a, _ := r.Alert(WholeZone(), open[0].ID); a.State() != "cleared" || !a.Open() || a.Cause != "complied" {
			t.Errorf("cleared but not acknowledged must stay open: %+v", a)
		}
		a, err := r.Acknowledge(t.Context(), WholeZone(), open[0].ID, "ada", "seen")
		if err != nil || a.Ack == nil || a.Ack.By != "ada" || a.Open() {
			t.Fatalf("acknowledged: %+v, %v", a, err)
		}
		if level := r.cfg.Pipeline.table.slot(1).alert.Load(); level != 0 {
			t.Errorf("level after acknowledgement %d", level)
		}
		again, err := r.Acknowledge(t.Context(), WholeZone(), open[0].ID, "bob", "")
		if err != nil || again.Ack.By != "ada" {
			t.Errorf("the first acknowledgement counts: %+v, %v", again.Ack, err)
		}
		if _, err := r.Acknowledge(t.Context(), WholeZone(), "al_none", "ada", ""); !errors.Is(err, ErrNoAlert) {
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
			_, err := r.Acknowledge(t.Context(), WholeZone(), r.Alerts(WholeZone(), false)[0].ID, "ada", "")
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
		id := r.Alerts(WholeZone(), false)[0].ID
		if _, err := r.Acknowledge(t.Context(), WholeZone(), id, "ada", ""); !errors.Is(err, ErrNotDurable) {
			t.Errorf("got %v", err)
		}
		if a, _ := r.Alert(WholeZone(), id); a.Ack != nil {
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
		all := r.Alerts(WholeZone(), true)
		if len(all) != 1 || all[0].Count != 2 || all[0].ClearedUS != 0 {
			t.Fatalf("within 30 s the alert re-opens: %+v", all)
		}
		r.publish(crossing(geofence.Left, drone, now+40e6))
		r.publish(crossing(geofence.Entered, drone, now+40e6+reopenUS))
		if all = r.Alerts(WholeZone(), true); len(all) != 2 || all[0].Count != 1 {
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
		if e := r.Alerts(WholeZone(), false)[0].Evidence; e.Before != nil || e.Flags[0] != "first_fix" {
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
		id := r.Alerts(WholeZone(), false)[0].ID
		done := make(chan error, 2)
		for _, who := range []string{"ada", "bob"} {
			go func() {
				a, err := r.Acknowledge(t.Context(), WholeZone(), id, who, "")
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
		open := r.Alerts(WholeZone(), false)
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
		if open := r.Alerts(WholeZone(), false); len(open) != 0 {
			t.Errorf("a disarmed vehicle that is switched off is no alert: %+v", open)
		}
		r.publish(&LinkChange{Vehicle: drone, From: vehicles.LinkDegraded, To: vehicles.LinkLost, Armed: true})
		r.publish(&LinkChange{Vehicle: drone, From: vehicles.LinkLost, To: vehicles.LinkNominal, Armed: true})
		open := r.Alerts(WholeZone(), false)
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
		if _, err := r.Acknowledge(t.Context(), WholeZone(), r.Alerts(WholeZone(), true)[2].ID, "ada", "note"); err != nil {
			t.Fatal(err)
		}
		r.stop(t)
		before := r.Alerts(WholeZone(), true)

		next := newRig(t, m)
		synctest.Wait()
		after := next.Alerts(WholeZone(), true)
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

// An alert that begins again while its acknowledgement is on the way to the disk
// is acknowledged, before a restart and after it.
func TestAcknowledgementOutlivesARepetition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{gate: make(chan struct{})}
		r := newRig(t, m)
		r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()))
		id := r.Alerts(WholeZone(), false)[0].ID
		acked := make(chan error, 1)
		go func() {
			_, err := r.Acknowledge(t.Context(), WholeZone(), id, "ada", "seen")
			acked <- err
		}()
		synctest.Wait()
		r.publish(crossing(geofence.Left, drone, time.Now().UnixMicro()+1e6))
		r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()+2e6))
		close(m.gate)
		if err := <-acked; err != nil {
			t.Fatal(err)
		}
		if a := r.Alerts(WholeZone(), true)[0]; a.ID != id || a.Ack == nil || a.Count != 2 {
			t.Errorf("before the restart: %+v", a)
		}
		r.stop(t)
		r = newRig(t, m)
		synctest.Wait()
		if a := r.Alerts(WholeZone(), true)[0]; a.ID != id || a.Ack == nil || a.Ack.By != "ada" || a.Count != 2 {
			t.Errorf("after the restart: %+v", a)
		}
		r.stop(t)
	})
}

// Whoever leaves while the disk hangs is told that the acknowledgement may come yet;
// it does.
func TestLeftAcknowledgementIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{gate: make(chan struct{})}
		r := newRig(t, m)
		defer r.stop(t)
		r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()))
		id := r.Alerts(WholeZone(), false)[0].ID
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := r.Acknowledge(ctx, WholeZone(), id, "ada", ""); !errors.Is(err, journal.ErrUnknown) {
			t.Errorf("left: %v", err)
		}
		close(m.gate)
		synctest.Wait()
		if a, _ := r.Alert(WholeZone(), id); a.Ack == nil {
			t.Error("it is not acknowledged when the disk goes on")
		}
	})
}

// The disk hangs so long that an alert begins again when its acknowledgement, still
// on the way, is too old to cover that: people must see it anew, before a restart and
// after it.
func TestLateAcknowledgementCoversOnlyWhatWasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{gate: make(chan struct{})}
		r := newRig(t, m)
		r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()))
		id := r.Alerts(WholeZone(), false)[0].ID
		acked := make(chan error, 1)
		go func() {
			_, err := r.Acknowledge(t.Context(), WholeZone(), id, "ada", "seen")
			acked <- err
		}()
		synctest.Wait()
		time.Sleep(20 * time.Second)
		r.publish(crossing(geofence.Left, drone, time.Now().UnixMicro()))
		time.Sleep(20 * time.Second)
		r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()))
		close(m.gate)
		if err := <-acked; err != nil {
			t.Fatal(err)
		}
		if a := r.Alerts(WholeZone(), true)[0]; a.ID != id || a.Ack != nil || a.Count != 2 {
			t.Errorf("before the restart: %+v", a)
		}
		r.stop(t)
		r = newRig(t, m)
		synctest.Wait()
		if a := r.Alerts(WholeZone(), true)[0]; a.ID != id || a.Ack != nil || a.Count != 2 {
			t.Errorf("after the restart: %+v", a)
		}
		r.stop(t)
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
				older := r.Alerts(WholeZone(), true)[1].ID
				if how == "slow journal" {
					close(m.gate)
					synctest.Wait()
				} else if _, err := r.Acknowledge(t.Context(), WholeZone(), older, "ada", ""); err != nil {
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
				if a := r.Alerts(WholeZone(), true)[0]; a.ID == older || a.ClearedUS == 0 {
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
			return r.Alerts(WholeZone(), true)[0]
		}
		end := func() { r.publish(crossing(geofence.Left, drone, time.Now().UnixMicro())) }
		first := begin()
		if _, err := r.Acknowledge(t.Context(), WholeZone(), first.ID, "ada", ""); err != nil {
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
		if a := r.Alerts(WholeZone(), true)[0]; a.ID == first.ID {
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
		if a := r.Alerts(WholeZone(), true)[1]; a.ClearedUS != 0 {
			t.Errorf("another vehicle's alert was cleared: %+v", a)
		}
		if a := r.Alerts(WholeZone(), true)[0]; a.Cause != "track_ended" || !a.Open() {
			t.Errorf("got %+v", a)
		}
	})
}
