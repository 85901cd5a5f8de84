package supervision

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"testzone/airspace/activity"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
)

// Monthly is the report of an operator about a month, as it was submitted. Its JSON is
// the journal's form: members are added, never changed.
type Monthly struct {
	Org   string `json:"org"`
	Month string `json:"month"` // in the pack's zone: 2026-11
	Pack  string `json:"pack"`
	// Figures are those of the submission: what became known later is in those of now.
	Figures     Figures `json:"figures"`
	DueUS       int64   `json:"due_us"`
	SubmittedUS int64   `json:"submitted_us"`
	Late        bool    `json:"late,omitempty"`
	Notes       []Note  `json:"notes,omitempty"` // corrections, in their order

	Rev       uint64  `json:"rev"`
	UpdatedUS int64   `json:"updated_us"`
	UpdatedBy string  `json:"updated_by"`
	History   []Event `json:"history"`
}

// Note is what an operator says about figures that are not as it sees them.
type Note struct {
	Text string `json:"text"`
	By   string `json:"by"`
	AtUS int64  `json:"at_us"`
}

// maxNotes bounds the corrections of one month.
const maxNotes = 100

// MonthKey names the report of an operator about a month.
func MonthKey(org, month string) string { return org + "/" + month }

// Figures are what the journal knows of an operator's month. What it does not know is
// nil, never 0.
type Figures struct {
	PermitsInForce map[string]int `json:"permits_in_force"` // by kind, for a part of the month at least
	Suspensions    int            `json:"suspensions"`
	Revocations    int            `json:"revocations"`

	// Activities are those with a planned begin in the month, by their state.
	Activities map[string]int `json:"activities"`
	// Hours are of the activities whose end was reported, within the month; of
	// HoursUnknown more it was not.
	Hours        *float64 `json:"hours"`
	HoursUnknown int      `json:"hours_unknown"`
	KM           *float64 `json:"km"` // nil: positions are not in the journal
	// Takeovers are those of the reports: of the month's activities, never of a person.
	Takeovers *int `json:"takeovers"`

	Incidents map[string]int `json:"incidents"` // that happened in the month, by class
	Dead      int            `json:"dead"`
	Injured   int            `json:"injured"`
	// DeadlinesMissed are those of the operator that ran out in the month, by clock.
	DeadlinesMissed map[string]int `json:"deadlines_missed"`
	// Alerts and Violations are nil: they are not counted by month.
	Alerts     map[string]int `json:"alerts"`
	Violations *int           `json:"violations"`
}

// Span is a month in the pack's zone.
func Span(pack *rules.Pack, month string) (from, to time.Time, err error) {
	from, err = time.ParseInLocation("2006-01", month, pack.Location())
	if err != nil || len(month) != len("2006-01") {
		return from, to, fmt.Errorf("%w: %q is not a month such as 2026-11", ErrIncident, month)
	}
	return from, from.AddDate(0, 1, 0), nil
}

// DueOf is by when the report of a month has to be here; ok is false when the pack has
// no monthly report.
func DueOf(pack *rules.Pack, month string) (at time.Time, ok bool, err error) {
	_, to, err := Span(pack, month)
	if err != nil {
		return to, false, err
	}
	for _, r := range pack.Reports {
		if r.Due == "" {
			continue
		}
		// Working days are counted behind the last day of the month.
		d, err := pack.Deadline(r.Due, to.Add(-time.Second), pack.Calendar)
		return d.At, err == nil, err
	}
	return to, false, nil
}

// Count makes the figures of a month of what is the operator's.
func Count(fromUS, toUS int64, permits []permit.Permit, activities []activity.Activity, incidents []Incident) Figures {
	f := Figures{PermitsInForce: map[string]int{}, Activities: map[string]int{}, Incidents: map[string]int{}, DeadlinesMissed: map[string]int{}}
	within := func(us int64) bool { return fromUS <= us && us < toUS }
	for i := range permits {
		p := &permits[i]
		if p.EffectiveUS != 0 && p.EffectiveUS < toUS && (p.EndedUS == 0 || p.EndedUS > fromUS) {
			f.PermitsInForce[p.Application.Kind]++
		}
		for _, e := range p.History {
			switch {
			case !within(e.AtUS):
			case e.Act == "permit.suspended":
				f.Suspensions++
			case e.Act == "permit.revoked":
				f.Revocations++
			}
		}
	}
	for i := range activities {
		f.activity(&activities[i], fromUS, toUS)
	}
	for i := range incidents {
		x := &incidents[i]
		if within(x.OccurredUS) {
			f.Incidents[x.Class]++
			f.Dead += x.Dead
			f.Injured += x.Injured
		}
		f.missed(x.Clocks, within)
	}
	return f
}

func (f *Figures) missed(clocks []permit.Clock, within func(int64) bool) {
	for i := range clocks {
		if c := &clocks[i]; c.State == permit.ClockMissed && within(c.DueUS) {
			f.DeadlinesMissed[c.ID]++
		}
	}
}

func (f *Figures) activity(x *activity.Activity, fromUS, toUS int64) {
	f.missed(x.Clocks, func(us int64) bool { return fromUS <= us && us < toUS })
	if fromUS <= x.FromUS && x.FromUS < toUS {
		f.Activities[string(x.State)]++
	}
	switch {
	case x.Report != nil:
		from, to := max(x.Report.BegunUS, fromUS), min(x.Report.EndedUS, toUS)
		if to <= from {
			return
		}
		if f.Hours == nil {
			f.Hours, f.Takeovers = new(float64), new(int)
		}
		*f.Hours += float64(to-from) / float64(time.Hour.Microseconds())
		if within := x.Report.EndedUS; fromUS <= within && within < toUS {
			*f.Takeovers += x.Report.Takeovers
		}
	case x.ActivatedUS != 0 && x.ActivatedUS < toUS && (x.EndedUS == 0 || x.EndedUS > fromUS):
		f.HoursUnknown++
	}
}

// Submit hands a report in.
func Submit(org, month string, a permit.Act, pack *rules.Pack, f Figures, note string) (Monthly, error) {
	_, to, err := Span(pack, month)
	if err != nil {
		return Monthly{}, err
	}
	if a.AtUS < to.UnixMicro() {
		return Monthly{}, fmt.Errorf("%w: the month is not over before %s", ErrState, to.Format(time.RFC3339))
	}
	due, asked, err := DueOf(pack, month)
	if err != nil {
		return Monthly{}, err
	}
	m := Monthly{Org: org, Month: month, Pack: pack.Key(), Figures: f, SubmittedUS: a.AtUS}
	if asked {
		m.DueUS = due.UnixMicro()
		m.Late = time.UnixMicro(a.AtUS).Truncate(time.Second).After(due)
	}
	return m.noted(a, "monthly.submitted", note), nil
}

// Correct adds a note to a report that was submitted; its figures stay.
func (m *Monthly) Correct(a permit.Act, note string) (Monthly, error) {
	switch {
	case strings.TrimSpace(note) == "":
		return *m, fmt.Errorf("%w: a correction says what is otherwise", ErrIncident)
	case len(m.Notes) >= maxNotes:
		return *m, fmt.Errorf("%w: it has %d corrections", ErrState, maxNotes)
	}
	return m.noted(a, "monthly.corrected", note), nil
}

func (m *Monthly) noted(a permit.Act, act, note string) Monthly {
	n := *m
	n.Notes, n.History = slices.Clone(m.Notes), slices.Clone(m.History)
	if note = strings.TrimSpace(note); note != "" {
		n.Notes = append(n.Notes, Note{note, a.By.Person, a.AtUS})
	}
	n.Rev++
	n.UpdatedUS, n.UpdatedBy = a.AtUS, a.By.Person
	n.History = append(n.History, event(a, act))
	return n
}
