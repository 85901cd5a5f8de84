package airspace_test

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"testzone/airspace"
	"testzone/telemetry/journal"
)

// rescue is a helicopter that comes eastward, placed by hand at a time.
func rescue(at time.Time) airspace.Priority {
	return airspace.Priority{
		Name: "Rescue 1", Kind: "helicopter", Route: []airspace.PriorityPoint{{Lat: 309_000_000, Lon: 1_219_300_000}}, AtUS: at.UnixMicro(), CourseDeg: 90, SpeedMPS: 50,
		RadiusM: 500, LookAheadS: 180, ClearByUS: at.Add(3 * time.Minute).UnixMicro(), UntilUS: at.Add(33 * time.Minute).UnixMicro(),
	}
}

// TestPriorityLife: announced, changed on the revision that was seen, ended, or over
// by itself; a replay and a snapshot make the same of it.
func TestPriorityLife(t *testing.T) {
	f := newFleetRig(t)
	if _, err := f.AnnouncePriority(t.Context(), f.anna, rescue(f.now)); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("an operator: %v", err)
	}
	trial, err := f.AnnouncePriority(airspace.Rehearsal(t.Context()), f.carl, rescue(f.now))
	if err != nil || trial.ID != "" || len(f.Priorities(true)) != 0 {
		t.Errorf("a trial: %+v %v", trial, err)
	}
	p, err := f.AnnouncePriority(t.Context(), f.carl, rescue(f.now))
	if err != nil || p.Rev != 1 || p.Provisional || !p.InForce(f.now) {
		t.Fatalf("%+v %v", p, err)
	}
	wider := func(p *airspace.Priority) { p.RadiusM = 800 }
	if _, err := f.ChangePriority(t.Context(), f.carl, p.ID, 2, wider); !errors.Is(err, airspace.ErrStale) {
		t.Errorf("on a revision that is none: %v", err)
	}
	if p, err = f.ChangePriority(t.Context(), f.carl, p.ID, 1, wider); err != nil || p.Rev != 2 || p.RadiusM != 800 {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := f.ChangePriority(t.Context(), f.carl, p.ID, 2, func(p *airspace.Priority) { p.RadiusM = 1 }); !errors.Is(err, airspace.ErrPriority) {
		t.Errorf("a radius of 1 m: %v", err)
	}
	other, err := f.AnnouncePriority(t.Context(), f.carl, rescue(f.now))
	if err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(time.Minute)
	if p, err = f.EndPriority(t.Context(), f.carl, p.ID, 2, "passed"); err != nil || p.Rev != 3 || p.InForce(f.now) || p.EndedUS != f.now.UnixMicro() {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := f.EndPriority(t.Context(), f.carl, p.ID, 3, ""); !errors.Is(err, airspace.ErrPriorityOver) {
		t.Errorf("ended twice: %v", err)
	}
	if got := f.Priorities(false); len(got) != 1 || got[0].ID != other.ID {
		t.Errorf("in force: %+v", got)
	}
	replayed := newReplayed(t, f.journal)
	replay(t, f.journal, replayed, 1, 1000)
	if got, want := replayed.Priorities(true), f.Priorities(true); !reflect.DeepEqual(got, want) {
		t.Errorf("a replay makes\n%+v of\n%+v", got, want)
	}
	f.now = f.now.Add(time.Hour)
	if got := f.Priorities(false); len(got) != 0 {
		t.Errorf("past its time, and in force: %+v", got)
	}
}

// TestPriorityWaitsForNoJournal: while the journal hangs it is in force at once, and a
// change of it, too; its end waits. What is durable later is what was asked.
func TestPriorityWaitsForNoJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		r := hanging(t, j)
		p, err := r.AnnouncePriority(t.Context(), controller, rescue(time.Now()))
		if err != nil || !p.Provisional || p.Err != nil || len(r.Priorities(false)) != 1 {
			t.Fatalf("%+v %v", p, err)
		}
		p, err = r.ChangePriority(t.Context(), controller, p.ID, 1, func(p *airspace.Priority) { p.RadiusM = 900 })
		if err != nil || !p.Provisional || p.Rev != 2 || r.Priorities(false)[0].RadiusM != 900 {
			t.Fatalf("%+v %v", p, err)
		}
		ended := make(chan error)
		go func() {
			_, err := r.EndPriority(t.Context(), controller, p.ID, 2, "passed")
			ended <- err
		}()
		synctest.Wait()
		if len(r.Priorities(false)) != 1 {
			t.Fatal("it ended before the journal has it")
		}
		close(j.gate)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if p, err = r.Priority(p.ID); err != nil || p.Rev != 3 || p.Provisional || p.EndedUS == 0 || p.RadiusM != 900 {
			t.Errorf("%+v %v", p, err)
		}
	})
}

// TestRefusedPriority: what the journal refused is in force and says so; it can be
// taken back, and what it had before holds when a change was refused.
func TestRefusedPriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		close(j.gate)
		r, err := airspace.NewRegister(airspace.Config{Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		kept, err := r.AnnouncePriority(t.Context(), controller, rescue(time.Now()))
		if err != nil || kept.Provisional {
			t.Fatalf("%+v %v", kept, err)
		}
		j.refuse = func([]journal.Entry) error { return journal.ErrNoSpace }
		p, err := r.AnnouncePriority(t.Context(), controller, rescue(time.Now()))
		if err != nil || !errors.Is(p.Err, journal.ErrNoSpace) || len(r.Priorities(false)) != 2 {
			t.Fatalf("%+v %v", p, err)
		}
		if _, err := r.EndPriority(t.Context(), controller, p.ID, 1, ""); err != nil || len(r.Priorities(false)) != 1 {
			t.Errorf("taken back: %v, in force %+v", err, r.Priorities(false))
		}
		if _, err := r.EndPriority(t.Context(), controller, kept.ID, 1, ""); !errors.Is(err, journal.ErrNoSpace) || len(r.Priorities(false)) != 1 {
			t.Errorf("ended without the journal: %v", err)
		}
		changed, err := r.ChangePriority(t.Context(), controller, kept.ID, 1, func(p *airspace.Priority) { p.RadiusM = 900 })
		if err != nil || !errors.Is(changed.Err, journal.ErrNoSpace) || changed.RadiusM != 900 {
			t.Errorf("changed: %+v %v", changed, err)
		}
		j.refuse = nil
		if changed, err = r.ChangePriority(t.Context(), controller, kept.ID, 2, func(*airspace.Priority) {}); err != nil || changed.Provisional || changed.RadiusM != 900 {
			t.Errorf("asked once more: %+v %v", changed, err)
		}
	})
}
