package permit

import (
	"errors"
	"slices"

	"testzone/airspace/rules"
	"testzone/vehicles"
)

var (
	// ErrApplication is returned when something cannot be an application, whatever the rules; it says what is wrong.
	ErrApplication = errors.New("cannot be an application")
	// ErrRules is returned when the rules speak against an act; a *RulesError says which.
	ErrRules = errors.New("the rules do not allow this")
	// ErrState is returned when an act is not possible in the state that the permit is in.
	ErrState = errors.New("not possible in this state of the permit")
	// ErrNotAsked is returned when a department reviews that is not asked now.
	ErrNotAsked = errors.New("your department is not asked in this step")
	// ErrFourEyes is returned when one person would act for two sides: who prepared signs nothing, nobody signs for two departments or decides for the own organisation.
	ErrFourEyes = errors.New("somebody else has to do this")
	// ErrRevision is returned when a signature is for a revision that is not the one at hand.
	ErrRevision = errors.New("the application changed since you read it: read it again")
	// ErrVerdict is returned when a verdict is not one that the step takes, or lacks its reason.
	ErrVerdict = errors.New("not a verdict that this step takes")
)

// Signer is who acts, as the register knows it. Department is the pack's name of
// its organisation, empty for others.
type Signer struct {
	Person, Org, Department string
}

// Act is what is common to all acts.
type Act struct {
	By     Signer
	AtUS   int64
	Reason string
}

// Permit is an application and what became of it. Its JSON is the journal's form:
// members are added, never changed.
type Permit struct {
	ID    string      `json:"id"`
	Org   string      `json:"org"` // holder
	State rules.State `json:"state"`
	Step  string      `json:"step,omitempty"` // of the pack's procedure, at hand
	Pack  string      `json:"pack"`           // id@version: that of the first submission, until then the newest
	Tier  string      `json:"tier,omitempty"`
	// Domain is uav, icv, usv or site, known from the first submission.
	Domain string `json:"domain,omitempty"`
	Rev    uint64 `json:"rev"` // grows with every act
	// Rehearsal: a sandbox applied. Its times are those of the sandbox's clock, simulated
	// departments answer, and it allows and takes nothing.
	Rehearsal bool `json:"rehearsal,omitempty"`

	Application Application `json:"application"`
	DocHash     string      `json:"doc_hash"`
	// Prepared are the persons who had a hand in the application: they sign nothing.
	Prepared []string `json:"prepared"`
	// Submitted is the revision that was submitted last: what an edit is compared with.
	Submitted   *Application `json:"submitted,omitempty"`
	SubmittedUS int64        `json:"submitted_us,omitempty"` // the first time
	// Seen are submissions before it that departments spoke about.
	Seen []Revision `json:"seen,omitempty"`

	Decisions []Decision `json:"decisions,omitempty"`
	Clocks    []Clock    `json:"clocks,omitempty"`

	// Of an approved one: its time, which insurance may cut, and what conditions left.
	ApprovedToUS int64  `json:"approved_to_us,omitempty"`
	FromUS       int64  `json:"from_us,omitempty"`
	ToUS         int64  `json:"to_us,omitempty"`
	Terms        *Terms `json:"terms,omitempty"`
	// PublishedUS is when its disclosure became public (Article 65 (2)); 0: it is not.
	PublishedUS int64     `json:"published_us,omitempty"`
	Override    *Override `json:"override,omitempty"`
	// Waits is why an approved permit is not effective although its time began.
	Waits   string `json:"waits,omitempty"`
	EndNow  bool   `json:"end_now,omitempty"` // of a suspended or revoked one
	EndedUS int64  `json:"ended_us,omitempty"`
	// EffectiveUS is when it became effective; 0: it never was.
	EffectiveUS int64 `json:"effective_us,omitempty"`

	CreatedUS int64   `json:"created_us"`
	UpdatedUS int64   `json:"updated_us"`
	UpdatedBy string  `json:"updated_by"`
	History   []Event `json:"history"`
}

// Event is one act in a permit's history.
type Event struct {
	AtUS   int64       `json:"at_us"`
	By     string      `json:"by,omitempty"` // person; empty: the clock
	Org    string      `json:"org,omitempty"`
	Act    string      `json:"act"`
	State  rules.State `json:"state"` // after it
	Reason string      `json:"reason,omitempty"`
}

// Decision is what one department said in one step. They are never changed but
// for Void.
type Decision struct {
	Step       string          `json:"step"`
	Department string          `json:"department"`
	Verdict    Verdict         `json:"verdict"`
	Conditions Terms           `json:"conditions,omitzero"`
	Judgements map[string]bool `json:"judgements,omitempty"` // of tier high: necessary, appropriate, controllable
	Reason     string          `json:"reason,omitempty"`
	Reference  string          `json:"reference,omitempty"` // of the authority's own decision
	Signer     string          `json:"signer"`
	AtUS       int64           `json:"at_us"`
	Pack       string          `json:"pack"`
	DocHash    string          `json:"doc_hash"` // what was looked at
	// Void: the application changed in what the department watches.
	Void bool `json:"void,omitempty"`
}

// Verdict is what a department says.
type Verdict string

// The verdicts. Pass is that of a step without sign-off.
const (
	Pass                  Verdict = "pass"
	Approve               Verdict = "approve"
	ApproveWithConditions Verdict = "approve_with_conditions"
	AdviseFor             Verdict = "advise_for"
	AdviseAgainst         Verdict = "advise_against"
	Return                Verdict = "return"
	Reject                Verdict = "reject"
)

func (v Verdict) positive() bool { return v == Approve || v == ApproveWithConditions }

// Terms narrow what was applied for. Its zero value narrows nothing.
type Terms struct {
	Vehicles []vehicles.VehicleID `json:"vehicles,omitempty"` // only these
	Ceiling  *Height              `json:"ceiling,omitempty"`  // not above
	FromUS   int64                `json:"from_us,omitempty"`
	ToUS     int64                `json:"to_us,omitempty"`
	SpeedMPS float64              `json:"speed_mps,omitempty"`
	Observer bool                 `json:"observer,omitempty"` // one on site
	Notes    []string             `json:"notes,omitempty"`
}

// Override lets a permit become effective under a pack that is not in force.
type Override struct {
	By     string `json:"by"`
	AtUS   int64  `json:"at_us"`
	Reason string `json:"reason"`
	Pack   string `json:"pack"`
}

// ClockState is what became of a clock.
type ClockState string

// The states of a clock.
const (
	ClockOpen   ClockState = "open"
	ClockMet    ClockState = "met"
	ClockMissed ClockState = "missed"
)

// Clock is a deadline of the law that runs for a permit.
type Clock struct {
	ID          string     `json:"id"`             // of the pack
	Step        string     `json:"step,omitempty"` // that has to end by then
	DueUS       int64      `json:"due_us"`
	WarnUS      int64      `json:"warn_us"`
	Opens       bool       `json:"opens,omitempty"`       // from when, not until when
	Provisional bool       `json:"provisional,omitempty"` // holidays are not published so far ahead
	State       ClockState `json:"state"`
	Warned      bool       `json:"warned,omitempty"`
	MetUS       int64      `json:"met_us,omitempty"`
	Missed      string     `json:"missed"` // what it does then: escalate, block …; it never approves
}

// clone is a copy whose lists can be changed; what stands in the application stays.
func (p *Permit) clone() Permit {
	q := *p
	q.Prepared, q.Decisions, q.Clocks, q.History = slices.Clone(p.Prepared), slices.Clone(p.Decisions), slices.Clone(p.Clocks), slices.Clone(p.History)
	return q
}

// maxHistory bounds the acts that one permit takes; ending it is always possible.
const maxHistory = 1000

// done ends an act.
func (p *Permit) done(a Act, act string) {
	p.Rev++
	p.UpdatedUS, p.UpdatedBy = a.AtUS, a.By.Person
	p.History = append(p.History, Event{a.AtUS, a.By.Person, a.By.Org, act, p.State, a.Reason})
}

// Ended reports whether nothing becomes of the permit any more.
func (p *Permit) Ended() bool {
	switch p.State {
	case rules.Refused, rules.Revoked, rules.Expired, rules.Withdrawn:
		return true
	}
	return false
}

// TakesRoom reports whether the permit's volumes are taken.
func (p *Permit) TakesRoom() bool { return p.HoldsRoom() && !p.Rehearsal }

// HoldsRoom reports whether the permit was approved and has not ended: unless it is a
// rehearsal its volumes are taken.
func (p *Permit) HoldsRoom() bool {
	return p.State == rules.Approved || p.State == rules.Effective || p.State == rules.Suspended
}
