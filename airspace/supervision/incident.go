package supervision

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/vehicles"
)

// First is what is known of an incident when it is reported.
type First struct {
	Class      string             `json:"class"` // of the pack
	OccurredUS int64              `json:"occurred_us"`
	LandedUS   int64              `json:"landed_us,omitempty"` // of a flight, what its clock counts from; 0: as OccurredUS, the safe side
	Permit     string             `json:"permit,omitempty"`
	Vehicle    vehicles.VehicleID `json:"vehicle,omitempty"`
	Alert      string             `json:"alert,omitempty"` // it was reported from
	Text       string             `json:"text"`
	Dead       int                `json:"dead,omitempty"`
	Injured    int                `json:"injured,omitempty"`
}

// Incident is one incident. Its JSON is the journal's form: members are added, never
// changed.
type Incident struct {
	ID   string `json:"id"`
	Org  string `json:"org"` // operator
	Pack string `json:"pack"`
	First
	ReportedUS int64          `json:"reported_us"`
	Clocks     []permit.Clock `json:"clocks,omitempty"` // Step is the statement that meets it
	Statements []Statement    `json:"statements"`       // in their order, the first report before all
	StandDown  *StandDown     `json:"stand_down,omitempty"`
	ClosedUS   int64          `json:"closed_us,omitempty"`

	Rev       uint64  `json:"rev"`
	UpdatedUS int64   `json:"updated_us"`
	UpdatedBy string  `json:"updated_by"`
	History   []Event `json:"history"`
}

// StandDown keeps the vehicles of the incident's permit from starting.
type StandDown struct {
	SinceUS  int64  `json:"since_us"`
	LiftedUS int64  `json:"lifted_us,omitempty"`
	LiftedBy string `json:"lifted_by,omitempty"` // person
	Reason   string `json:"reason,omitempty"`    // what was reviewed
}

// StatementKind is what a statement is.
type StatementKind string

// The statements. A finding says who is to blame or what the cause was; the clock of
// the investigation's papers counts from the first one.
const (
	FirstReport   StatementKind = "first"
	Written       StatementKind = "written"
	Finding       StatementKind = "finding"
	Investigation StatementKind = "investigation"
	Amendment     StatementKind = "amendment"
)

// Statement is something said about an incident.
type Statement struct {
	Kind   StatementKind `json:"kind"`
	Text   string        `json:"text"`
	SHA256 string        `json:"sha256,omitempty"` // of papers that are kept elsewhere
	By     string        `json:"by"`               // person
	Org    string        `json:"org"`
	AtUS   int64         `json:"at_us"`
	Late   bool          `json:"late,omitempty"` // its clock had been missed
}

// maxStatements bounds what is said about one incident.
const maxStatements = 500

// Report makes an incident of what is known. domain is that of its permit or vehicle;
// empty: any class.
func Report(id, org, domain string, a permit.Act, pack *rules.Pack, f First) (Incident, error) {
	class, ok := pack.Incidents[f.Class]
	f.Text = strings.TrimSpace(f.Text)
	switch {
	case !ok:
		return Incident{}, fmt.Errorf("%w: the rule pack %s has no class %q of incidents: see GET /v1/incident-classes", ErrIncident, pack.Key(), f.Class)
	case domain != "" && len(class.Domains) > 0 && !slices.Contains(class.Domains, domain):
		return Incident{}, fmt.Errorf("%w: class %s is for %s, this is %s", ErrIncident, f.Class, strings.Join(class.Domains, " and "), domain)
	case f.Text == "":
		return Incident{}, fmt.Errorf("%w: say what happened", ErrIncident)
	case f.OccurredUS <= 0 || f.OccurredUS > a.AtUS:
		return Incident{}, fmt.Errorf("%w: it happened before now: give its time", ErrIncident)
	case f.LandedUS != 0 && (f.LandedUS < f.OccurredUS || f.LandedUS > a.AtUS):
		return Incident{}, fmt.Errorf("%w: the landing was after it and before now; leave it empty when it is not known", ErrIncident)
	case f.Permit == "" && f.Vehicle == "":
		return Incident{}, fmt.Errorf("%w: name the permit or the vehicle", ErrIncident)
	case f.Dead < 0 || f.Injured < 0:
		return Incident{}, fmt.Errorf("%w: numbers of people are not negative", ErrIncident)
	}
	x := Incident{ID: id, Org: org, Pack: pack.Key(), First: f, ReportedUS: a.AtUS}
	for _, c := range []struct {
		id   string
		kind StatementKind
	}{{class.First, FirstReport}, {class.Written, Written}, {class.Investigation, Investigation}} {
		if c.id == "" || c.kind == Investigation && pack.Clocks[c.id].Anchor == "finding" {
			continue // starts with the finding
		}
		if err := x.start(pack, c.id, c.kind, x.anchor(pack.Clocks[c.id].Anchor)); err != nil {
			return Incident{}, err
		}
	}
	x.state(a, FirstReport, f.Text, "")
	if class.StandDown {
		x.StandDown = &StandDown{SinceUS: a.AtUS}
	}
	x.done(a, "incident.reported")
	return x, nil
}

func (x *Incident) anchor(a rules.Anchor) int64 {
	if a == "landing" && x.LandedUS != 0 {
		return x.LandedUS
	}
	return x.OccurredUS
}

// start begins a clock that counts from a moment.
func (x *Incident) start(pack *rules.Pack, id string, kind StatementKind, fromUS int64) error {
	d, err := pack.Deadline(id, time.UnixMicro(fromUS), pack.Calendar)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIncident, err)
	}
	x.Clocks = append(x.Clocks, permit.Clock{ID: id, Step: string(kind), DueUS: d.At.UnixMicro(), WarnUS: d.Warn(time.UnixMicro(fromUS), pack.Alarms.DeadlineShare).UnixMicro(),
		Provisional: d.Provisional, State: permit.ClockOpen, Missed: string(d.Missed)})
	return nil
}

// state takes a statement, and meets its clock. A missed clock stays missed: what comes
// late is marked.
func (x *Incident) state(a permit.Act, kind StatementKind, text, sha256 string) {
	s := Statement{Kind: kind, Text: text, SHA256: sha256, By: a.By.Person, Org: a.By.Org, AtUS: a.AtUS}
	for i := range x.Clocks {
		c := &x.Clocks[i]
		if c.Step != string(kind) || c.MetUS != 0 {
			continue
		}
		c.MetUS = a.AtUS
		if c.State == permit.ClockOpen && !late(c, a.AtUS) {
			c.State = permit.ClockMet
		} else {
			c.State, s.Late = permit.ClockMissed, true
		}
	}
	x.Statements = append(x.Statements, s)
}

// late reports whether a clock has run out, to the second as all clocks of law.
func late(c *permit.Clock, atUS int64) bool {
	return time.UnixMicro(atUS).Truncate(time.Second).After(time.UnixMicro(c.DueUS))
}

// Say adds a statement. Nothing that was said before changes.
func (x *Incident) Say(a permit.Act, pack *rules.Pack, kind StatementKind, text, sha256 string) (Incident, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return *x, fmt.Errorf("%w: a statement says something", ErrIncident)
	case !slices.Contains([]StatementKind{Written, Finding, Investigation, Amendment}, kind):
		return *x, fmt.Errorf("%w: a statement is written, finding, investigation or amendment, not %q", ErrIncident, kind)
	case x.ClosedUS != 0 && kind != Amendment:
		return *x, fmt.Errorf("%w: the incident is closed: say it as an amendment", ErrState)
	case len(x.Statements) >= maxStatements:
		return *x, fmt.Errorf("%w: %d statements were made about it: put more in one paper and name its digest", ErrState, maxStatements)
	}
	y := x.clone()
	if class := pack.Incidents[x.Class]; kind == Finding && class.Investigation != "" && !y.has(Investigation) && pack.Clocks[class.Investigation].Anchor == "finding" {
		if err := y.start(pack, class.Investigation, Investigation, a.AtUS); err != nil {
			return *x, err
		}
	}
	y.state(a, kind, text, sha256)
	y.done(a, "incident.stated")
	return y, nil
}

// has reports whether a clock waits or waited for a kind of statement.
func (x *Incident) has(kind StatementKind) bool {
	return slices.ContainsFunc(x.Clocks, func(c permit.Clock) bool { return c.Step == string(kind) })
}

// StandsDown reports whether its permit's vehicles may not start.
func (x *Incident) StandsDown() bool { return x.StandDown != nil && x.StandDown.LiftedUS == 0 }

// Lift ends the stand-down; the permit is resumed by an act of its own.
func (x *Incident) Lift(a permit.Act) (Incident, error) {
	switch {
	case !x.StandsDown():
		return *x, fmt.Errorf("%w: nothing stands down because of it", ErrState)
	case strings.TrimSpace(a.Reason) == "":
		return *x, fmt.Errorf("%w: record what was reviewed and that the cause is cleared", ErrIncident)
	}
	y := x.clone()
	s := *x.StandDown
	s.LiftedUS, s.LiftedBy, s.Reason = a.AtUS, a.By.Person, a.Reason
	y.StandDown = &s
	y.done(a, "incident.lifted")
	return y, nil
}

// Close ends an incident whose reports are all here.
func (x *Incident) Close(a permit.Act) (Incident, error) {
	switch {
	case x.ClosedUS != 0:
		return *x, fmt.Errorf("%w: it is closed", ErrState)
	case x.StandsDown():
		return *x, fmt.Errorf("%w: its permit stands down: lift that first", ErrState)
	case strings.TrimSpace(a.Reason) == "":
		return *x, fmt.Errorf("%w: say what it came to", ErrIncident)
	}
	for i := range x.Clocks {
		if x.Clocks[i].MetUS == 0 {
			return *x, fmt.Errorf("%w: the statement %q is still to come", ErrState, x.Clocks[i].Step)
		}
	}
	y := x.clone()
	y.ClosedUS = a.AtUS
	y.done(a, "incident.closed")
	return y, nil
}

// Overdue are the statements whose clock ran out and that are not here.
func (x *Incident) Overdue(nowUS int64) (out []string) {
	for i := range x.Clocks {
		if c := &x.Clocks[i]; c.MetUS == 0 && late(c, nowUS) {
			out = append(out, c.Step)
		}
	}
	return out
}

// Due is when a clock warns or runs out next; math.MaxInt64: none does.
func (x *Incident) Due() int64 {
	due := int64(math.MaxInt64)
	for i := range x.Clocks {
		switch c := &x.Clocks[i]; {
		case c.State != permit.ClockOpen:
		case c.Warned:
			// A clock is kept to the second: late is from the next one on.
			due = min(due, c.DueUS-c.DueUS%1e6+1e6)
		default:
			due = min(due, c.WarnUS)
		}
	}
	return due
}

// Tick is the incident after what the clock does to it; changed is false when that is
// nothing. A missed clock is marked: what follows from it people decide.
func (x *Incident) Tick(nowUS int64) (y Incident, changed bool) {
	y = x.clone()
	for i := range y.Clocks {
		c := &y.Clocks[i]
		act := permit.Act{AtUS: nowUS, Reason: c.Step}
		switch {
		case c.State != permit.ClockOpen:
		case late(c, nowUS):
			c.State, c.Warned, changed = permit.ClockMissed, true, true
			y.done(act, "incident.clock_missed")
		case !c.Warned && nowUS >= c.WarnUS:
			c.Warned, changed = true, true
			y.done(act, "incident.clock_warned")
		}
	}
	return y, changed
}

func (x *Incident) clone() Incident {
	y := *x
	y.Clocks, y.Statements, y.History = slices.Clone(x.Clocks), slices.Clone(x.Statements), slices.Clone(x.History)
	return y
}

func (x *Incident) done(a permit.Act, act string) {
	x.Rev++
	x.UpdatedUS, x.UpdatedBy = a.AtUS, a.By.Person
	x.History = append(x.History, event(a, act))
}
