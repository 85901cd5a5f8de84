package airspace_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/airspace/supervision"
)

// TestIncidentStandsDown: a severe incident suspends its permit in the same decision,
// which nobody resumes before a department that signed it lifts the stand-down.
func TestIncidentStandsDown(t *testing.T) {
	r := newPermitRig(t)
	p := r.effective(r.flight(0))
	severe := supervision.First{Class: "severe", OccurredUS: r.now.Add(-time.Minute).UnixMicro(), Permit: p.ID, Vehicle: "uav-1", Text: "hit a mast", Injured: 1}
	for name, c := range map[string]struct {
		who  airspace.Actor
		edit func(*supervision.First)
		want error
	}{
		"another operator":      {r.olaf, func(*supervision.First) {}, airspace.ErrNotFound},
		"a department":          {r.rita, func(*supervision.First) {}, airspace.ErrForbidden},
		"no class of the pack":  {r.anton, func(f *supervision.First) { f.Class = "bad" }, supervision.ErrIncident},
		"nothing said":          {r.anton, func(f *supervision.First) { f.Text = " " }, supervision.ErrIncident},
		"in the future":         {r.anton, func(f *supervision.First) { f.OccurredUS = r.now.Add(time.Hour).UnixMicro() }, supervision.ErrIncident},
		"neither of both":       {r.anton, func(f *supervision.First) { f.Permit, f.Vehicle = "", "" }, supervision.ErrIncident},
		"another one's vehicle": {r.olaf, func(f *supervision.First) { f.Permit = "" }, airspace.ErrNotFound},
	} {
		f := severe
		c.edit(&f)
		if _, err := r.ReportIncident(t.Context(), c.who, f); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.ReportIncident(airspace.Rehearsal(t.Context()), r.anton, severe); err != nil {
		t.Fatal(err)
	}
	if g := r.Grants(); len(g) != 1 || g[0].State != permit.GrantEffective {
		t.Fatalf("what was refused or rehearsed changed the permit: %+v", g)
	}
	x, err := r.ReportIncident(t.Context(), r.anton, severe)
	if err != nil {
		t.Fatal(err)
	}
	if g := r.Grants(); len(g) != 1 || g[0].State != permit.GrantSuspended || g[0].EndNow {
		t.Fatalf("the permit allows: %+v", g)
	}
	if _, err := r.HaltPermit(t.Context(), r.rita, p.ID, airspace.ResumePermit, "seen", false); !errors.Is(err, airspace.ErrStandDown) {
		t.Fatalf("resumed while it stands down: %v", err)
	}
	for _, who := range []airspace.Actor{r.anton, r.carl} {
		if _, err := r.LiftStandDown(t.Context(), who, x.ID, x.Rev, "seen"); !errors.Is(err, airspace.ErrForbidden) {
			t.Errorf("%s lifts: %v", who.Org, err)
		}
	}
	if _, err := r.CloseIncident(t.Context(), r.rita, x.ID, x.Rev, "done"); !errors.Is(err, supervision.ErrState) {
		t.Errorf("closed while it stands down: %v", err)
	}
	if x, err = r.LiftStandDown(t.Context(), r.rita, x.ID, x.Rev, "mast marked"); err != nil {
		t.Fatal(err)
	}
	if g := r.Grants(); g[0].State != permit.GrantSuspended {
		t.Error("the lift alone resumes it")
	}
	if _, err := r.HaltPermit(t.Context(), r.rita, p.ID, airspace.ResumePermit, "mast marked", false); err != nil {
		t.Fatal(err)
	}
	first := x.Statements[0]
	if x, err = r.StateIncident(t.Context(), r.anton, x.ID, x.Rev, supervision.Amendment, "it was a tree", ""); err != nil || !reflect.DeepEqual(x.Statements[0], first) || len(x.Statements) != 2 {
		t.Fatalf("%+v: %v", x.Statements, err)
	}
	if _, err = r.StateIncident(t.Context(), r.anton, x.ID, x.Rev-1, supervision.Amendment, "or not", ""); !errors.Is(err, airspace.ErrStale) {
		t.Errorf("said to what it was: %v", err)
	}
	if x, err = r.CloseIncident(t.Context(), r.rita, x.ID, x.Rev, "marked"); err != nil {
		t.Fatal(err)
	}
	r.sameAfterRestart(t, x)
}

// sameAfterRestart: a replay and a snapshot have the incident as it is.
func (r *permitRig) sameAfterRestart(t *testing.T, x supervision.Incident) {
	t.Helper()
	replayed := newReplayed(t, r.journal)
	replay(t, r.journal, replayed, 1, 1000)
	loaded := newReplayed(t, r.journal)
	install, err := loaded.LoadState(saved(t, replayed))
	if err != nil {
		t.Fatal(err)
	}
	install()
	for name, y := range map[string]*airspace.Register{"a replay": replayed, "a snapshot": loaded} {
		if got, err := y.Incident(r.carl, x.ID); err != nil || !reflect.DeepEqual(got, x) {
			t.Errorf("%s makes\n%+v of\n%+v: %v", name, got, x, err)
		}
	}
}

// TestMonthOfOperator: figures are of the month in the zone's time, what is not known
// says so, and the report is handed in once, after the month, with notes behind it.
func TestMonthOfOperator(t *testing.T) {
	r := newPermitRig(t)
	p := r.effective(r.flight(0)) // 2026-11-25
	happened := func(at time.Time) {
		r.now = at.Add(time.Hour)
		if _, err := r.ReportIncident(t.Context(), r.anton, supervision.First{Class: "event", OccurredUS: at.UnixMicro(), Permit: p.ID, Text: "lost a leg", Injured: 1}); err != nil {
			t.Fatal(err)
		}
	}
	_, tz, err := monthsOf(r)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, tz)
	happened(end.Add(-time.Second)) // the last second of November in the zone
	happened(end)
	for month, want := range map[string]int{"2026-11": 1, "2026-12": 1, "2026-10": 0} {
		m, err := r.MonthOf(r.rita, "acme", month)
		if err != nil || m.Figures.Incidents["event"] != want || m.Figures.Injured != want {
			t.Errorf("%s: %+v %v", month, m.Figures, err)
		}
		if m.Figures.KM != nil || m.Figures.Hours != nil || m.Figures.Takeovers != nil || m.Figures.Alerts != nil {
			t.Errorf("%s knows what nobody reported: %+v", month, m.Figures)
		}
	}
	if m, _ := r.MonthOf(r.anton, "acme", "2026-11"); m.Figures.PermitsInForce["uav.flight"] != 1 || m.Overdue {
		t.Errorf("%+v", m)
	}
	if _, err := r.MonthOf(r.olaf, "acme", "2026-11"); !errors.Is(err, airspace.ErrNotFound) {
		t.Errorf("another operator reads it: %v", err)
	}
	if _, err := r.SubmitMonth(t.Context(), r.anton, "acme", "2026-12", ""); !errors.Is(err, supervision.ErrState) {
		t.Errorf("handed in before its end: %v", err)
	}
	if _, err := r.SubmitMonth(t.Context(), r.rita, "acme", "2026-11", ""); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("a department hands it in: %v", err)
	}
	r.now = end.AddDate(0, 0, 20)
	if m, _ := r.MonthOf(r.anton, "acme", "2026-11"); !m.Overdue {
		t.Error("it is not overdue")
	}
	m, err := r.SubmitMonth(t.Context(), r.anton, "acme", "2026-11", "")
	if err != nil || !m.Submitted.Late || m.Overdue {
		t.Fatalf("%+v: %v", m, err)
	}
	if _, err := r.SubmitMonth(t.Context(), r.anton, "acme", "2026-11", " "); !errors.Is(err, supervision.ErrIncident) {
		t.Errorf("handed in twice: %v", err)
	}
	if m, err = r.SubmitMonth(t.Context(), r.anton, "acme", "2026-11", "the leg was found"); err != nil || len(m.Submitted.Notes) != 1 {
		t.Fatalf("%+v: %v", m.Submitted, err)
	}
	replayed := newReplayed(t, r.journal)
	replay(t, r.journal, replayed, 1, 1000)
	if got, err := replayed.MonthOf(r.rita, "acme", "2026-11"); err != nil || !reflect.DeepEqual(got.Figures, m.Figures) || !reflect.DeepEqual(got.Submitted, m.Submitted) {
		t.Errorf("a replay counts\n%+v, not\n%+v: %v", got.Figures, m.Figures, err)
	}
}

func monthsOf(r *permitRig) (*rules.Pack, *time.Location, error) {
	_, pack, err := r.RulePacks()
	if err != nil {
		return nil, nil, err
	}
	return pack, pack.Location(), nil
}

// TestIncidentClocks: the clock warns, and marks what was missed, once.
func TestIncidentClocks(t *testing.T) {
	r := newPermitRig(t)
	p := r.effective(r.flight(0))
	at := r.now
	x, err := r.ReportIncident(t.Context(), r.anton, supervision.First{Class: "event", OccurredUS: at.Add(-100 * time.Hour).UnixMicro(), Permit: p.ID, Text: "late"})
	if err != nil {
		t.Fatal(err)
	}
	if !x.Statements[0].Late || x.Clocks[0].State != permit.ClockMissed {
		t.Errorf("a first report after 100 hours is in time: %+v", x)
	}
	if err := r.TickSupervision(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := r.Incident(r.anton, x.ID); got.Rev != x.Rev {
		t.Errorf("the clock did something: %+v", got.History)
	}
	var acts []string
	for _, e := range x.History {
		acts = append(acts, e.Act)
	}
	if got := strings.Join(acts, " "); got != "incident.reported" {
		t.Error(got)
	}
}
