package airspace_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"testzone/airspace"
	"testzone/telemetry/journal"
)

// TestZoneState goes through steps; each says what the zone is afterwards. The
// safe direction asks for no revision, the way back does.
func TestZoneState(t *testing.T) {
	f := newFleetRig(t)
	for _, c := range []struct {
		name   string
		who    airspace.Actor
		to     airspace.ZoneState
		reason string
		rev    uint64
		want   error
		state  airspace.ZoneState
		now    uint64 // revision
	}{
		{"an operator", f.anna, airspace.ZoneClosed, "storm", 0, airspace.ErrForbidden, airspace.ZoneOpen, 1},
		{"no reason", f.carl, airspace.ZoneClosed, " ", 0, airspace.ErrZoneState, airspace.ZoneOpen, 1},
		{"no state", f.carl, "half", "storm", 0, airspace.ErrZoneState, airspace.ZoneOpen, 1},
		{"as it is", f.carl, airspace.ZoneOpen, "storm", 0, nil, airspace.ZoneOpen, 1},
		{"safer, skipping", f.carl, airspace.ZoneClear, "storm", 0, nil, airspace.ZoneClear, 2},
		{"safer, on an old revision", f.carl, airspace.ZoneClosed, "storm", 1, nil, airspace.ZoneClosed, 3},
		{"back without revision", f.carl, airspace.ZoneOpen, "over", 0, airspace.ErrNeedRev, airspace.ZoneClosed, 3},
		{"back on an old revision", f.carl, airspace.ZoneOpen, "over", 2, airspace.ErrStale, airspace.ZoneClosed, 3},
		{"back a step", f.carl, airspace.ZoneNoNewStarts, "over", 3, nil, airspace.ZoneNoNewStarts, 4},
		{"back", f.carl, airspace.ZoneOpen, "over", 4, nil, airspace.ZoneOpen, 5},
	} {
		before := f.State()
		trial, trialErr := f.SetState(airspace.Rehearsal(t.Context()), c.who, c.to, c.reason, c.rev)
		if f.State() != before {
			t.Fatalf("%s: a trial changed the state", c.name)
		}
		f.now = f.now.Add(time.Second)
		got, err := f.SetState(t.Context(), c.who, c.to, c.reason, c.rev)
		if !errors.Is(err, c.want) || (err == nil) != (trialErr == nil) || err == nil && (trial.State != got.State || trial.Rev != got.Rev) {
			t.Errorf("%s: %v %v, a trial says %v %v; want %v", c.name, got, err, trial, trialErr, c.want)
		}
		if now := f.State(); now.State != c.state || now.Rev != c.now || now.Provisional {
			t.Errorf("%s: it is %+v", c.name, now)
		}
	}
	want := f.State()
	if want.Reason != "over" || want.UpdatedBy != f.carl.ID || want.UpdatedUS != f.now.UnixMicro() {
		t.Errorf("who, why, since when: %+v", want)
	}
	replayed := newReplayed(t, f.journal)
	replay(t, f.journal, replayed, 1, 1000)
	if got := replayed.State(); got != want {
		t.Errorf("a replay makes %+v of %+v", got, want)
	}
}

// TestClosingWaitsForNoJournal: while the journal hangs the zone is closed at
// once; nobody opens it meanwhile, and what is durable later is what was asked.
func TestClosingWaitsForNoJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		r := hanging(t, j)
		s, err := r.SetState(t.Context(), controller, airspace.ZoneClear, "fire", 0)
		if err != nil || s.State != airspace.ZoneClear || !s.Provisional || s.Err != nil || s.Rev != 2 {
			t.Fatalf("%+v %v", s, err)
		}
		if s, err = r.SetState(t.Context(), controller, airspace.ZoneClosed, "fire", 0); err != nil || s.State != airspace.ZoneClosed || s.Rev != 3 {
			t.Fatalf("%+v %v", s, err)
		}
		opened := make(chan error)
		go func() {
			_, err := r.SetState(t.Context(), controller, airspace.ZoneOpen, "false alarm", 3)
			opened <- err
		}()
		synctest.Wait()
		if s := r.State(); s.State != airspace.ZoneClosed {
			t.Fatalf("it is %s before the journal has it", s.State)
		}
		close(j.gate)
		if err := <-opened; err != nil {
			t.Fatal(err)
		}
		if s := r.State(); s.State != airspace.ZoneOpen || s.Rev != 4 || s.Provisional {
			t.Errorf("it is %+v", s)
		}
		if n := len(j.appends); n != 4 {
			t.Errorf("%d appends", n)
		}
	})
}

// TestRefusedClosing: what the journal refused is in force, told, and does not end
// before a way back is durable.
func TestRefusedClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		close(j.gate)
		j.refuse = func([]journal.Entry) error { return journal.ErrNoSpace }
		told := []airspace.ZoneStatus{}
		r, err := airspace.NewRegister(airspace.Config{Journal: j, StateChanged: func(s airspace.ZoneStatus) { told = append(told, s) }})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			s, err := r.SetState(t.Context(), controller, airspace.ZoneClosed, "fire", 0)
			if err != nil || s.State != airspace.ZoneClosed || !errors.Is(s.Err, journal.ErrNoSpace) {
				t.Fatalf("%+v %v", s, err)
			}
		}
		if _, err := r.SetState(t.Context(), controller, airspace.ZoneOpen, "over", r.State().Rev); !errors.Is(err, journal.ErrNoSpace) || r.State().State != airspace.ZoneClosed {
			t.Errorf("opened without the journal: %v, it is %+v", err, r.State())
		}
		j.refuse = nil
		if s, err := r.SetState(t.Context(), controller, airspace.ZoneClosed, "fire", 0); err != nil || s.Provisional || s.Rev != 2 {
			t.Errorf("with room again: %+v %v", s, err)
		}
		if n := len(told); n != 4 || told[0].State != airspace.ZoneClosed || told[n-1].Provisional {
			t.Errorf("told %+v", told)
		}
	})
}

// TestWayBackFromARefusedClosing: who calls a refused closing off decides on what
// is in force.
func TestWayBackFromARefusedClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		close(j.gate)
		j.refuse = func([]journal.Entry) error { return journal.ErrNoSpace }
		r, err := airspace.NewRegister(airspace.Config{Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		closed, err := r.SetState(t.Context(), controller, airspace.ZoneClosed, "fire", 0)
		if err != nil {
			t.Fatal(err)
		}
		j.refuse = nil
		if s, err := r.SetState(t.Context(), controller, airspace.ZoneOpen, "over", closed.Rev); err != nil || s.State != airspace.ZoneOpen || s.Rev != closed.Rev+1 {
			t.Errorf("%+v %v", s, err)
		}
	})
}
