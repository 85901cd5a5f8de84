package telemetry

import (
	"context"
	"errors"
	"slices"
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
	bus := NewBus()
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

func TestUnverifiedAlertsHaveAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		now := time.Now().UnixMicro()
		for i := range unverifiedPerMinute + 50 {
			ghost := &vehicles.Identity{Handle: vehicles.Handle(i + 2), ID: vehicles.VehicleID("unverified-" + time.Duration(i).String())}
			r.bus.Publish(now, crossing(geofence.Entered, ghost, now))
		}
		r.publish(crossing(geofence.Entered, drone, now))
		all := r.Alerts(true)
		if len(all) != unverifiedPerMinute+2 {
			t.Errorf("%d alerts, want the quota, the flood and the verified drone", len(all))
		}
		i := slices.IndexFunc(all, func(a Alert) bool { return a.Type == UnverifiedFlood })
		if i < 0 || all[i].Count != 50 {
			t.Errorf("the flood alert must count what it stands for: %+v", all[max(i, 0)])
		}
		if !slices.ContainsFunc(all, func(a Alert) bool { return a.Vehicle.ID == drone.ID }) {
			t.Error("a flood of the unverified hid the breach of a verified vehicle")
		}
	})
}

func TestTrackEndClearsItsAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		r.publish(crossing(geofence.Entered, drone, time.Now().UnixMicro()))
		r.publish(&Gone{Vehicle: drone})
		if a := r.Alerts(true)[0]; a.Cause != "track_ended" || !a.Open() {
			t.Errorf("got %+v", a)
		}
	})
}
