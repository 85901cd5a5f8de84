package ladder

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"

	"testzone/geofence"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// State is how far a ladder has come.
type State string

// The states.
const (
	Watching   State = "watching"   // the evidence does not suffice (yet), or nothing has to be ordered
	HeldBack   State = "held_back"  // no automatic order is given, whatever the evidence
	InTurn     State = "in_turn"    // one change hit many: orders leave one after another
	Ordered    State = "ordered"    // what becomes of the order is looked for
	InEffect   State = "in_effect"  // the vehicle does what it was ordered
	Waiting    State = "waiting"    // a person has ordered: the ladder waits
	Frozen     State = "frozen"     // the link is lost: nothing is sent, people are called
	Overridden State = "overridden" // the pilot has the vehicle
	LetBe      State = "let_be"     // a controller decided that nothing is ordered
	Exhausted  State = "exhausted"  // nothing is left that could be ordered
	Ended      State = "ended"      // the breach is over
)

// Fence is the fence that decides, as it was then.
type Fence struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Rev      uint64            `json:"rev"`
	Response geofence.Response `json:"response"`
}

// Outcome is what has become of a step.
type Outcome string

// The outcomes beside the states of orders.
const (
	Impossible Outcome = "impossible" // it cannot be ordered of the vehicle now
	Unsent     Outcome = "unsent"     // it did not leave: it says nothing of the vehicle
)

// Step is one thing that was ordered. Times are 0 for what did not happen.
type Step struct {
	Kind       command.Kind      `json:"kind"`
	Order      string            `json:"order,omitempty"`
	Outcome    Outcome           `json:"outcome"`
	Why        string            `json:"why,omitempty"`
	For        geofence.Response `json:"for"`             // the response that asked for it
	Until      bool              `json:"until,omitempty"` // only until its turn comes for what the fence asks
	EvidenceUS int64             `json:"evidence_us"`     // receipt of the sample that completed the evidence, or showed no effect
	AskedUS    int64             `json:"asked_us,omitempty"`
	SentUS     int64             `json:"sent_us,omitempty"`
	AcceptedUS int64             `json:"accepted_us,omitempty"`
	ModeUS     int64             `json:"mode_us,omitempty"` // its mode showed
	EffectUS   int64             `json:"effect_us,omitempty"`
	EndedUS    int64             `json:"ended_us,omitempty"`
}

// failed reports whether a step is done with and fresh samples showed no effect, or it
// was never possible. What the vehicle may not have got has not failed.
func (s *Step) failed() bool {
	return s.Outcome == Impossible || s.Outcome == Outcome(command.Refused) || s.Outcome == Outcome(command.NoEffect)
}

// take takes in what has become of the order of a step.
func (s *Step) take(o *command.Order) {
	s.Order, s.Outcome, s.Why = o.ID, Outcome(o.State), o.Why
	s.AskedUS, s.SentUS, s.AcceptedUS, s.EffectUS, s.EndedUS = o.AskedUS, o.SentUS, o.AcceptedUS, o.EffectUS, o.EndedUS
	if o.State.Final() && o.State != command.Superseded && (o.SentUS == 0 || o.Why == command.ErrUnreachable.Error()) {
		s.Outcome = Unsent
	}
}

// open reports whether something may still become of a step.
func (s *Step) open() bool {
	return s.Outcome != Impossible && !command.State(s.Outcome).Final() && s.Outcome != Unsent
}

func (s *Step) end(o Outcome, why string, nowUS int64) { s.Outcome, s.Why, s.EndedUS = o, why, nowUS }

// Override is that the pilot has the vehicle.
type Override struct {
	SinceUS int64  `json:"since_us"`
	Mode    string `json:"mode"`              // name of the flight mode
	Ordered bool   `json:"ordered,omitempty"` // it was left that had been ordered; else it flew by hand at the breach
}

// Decision is what a controller decided.
type Decision struct {
	What   Verdict `json:"what"`
	By     string  `json:"by"`
	Reason string  `json:"reason"`
	AtUS   int64   `json:"at_us"`
}

// Verdict is what a controller can decide.
type Verdict string

// The verdicts.
const (
	Continue  Verdict = "continue" // the ladder goes on, over the pilot and whoever ordered
	LetItBe   Verdict = "let_be"   // it orders nothing more in this breach
	noVerdict Verdict = ""
)

// Breach is one that is open.
type Breach struct {
	Fence
	SinceUS int64 `json:"since_us"`
}

// Ladder is the enforcement of one breach, or of several at once, of one vehicle.
type Ladder struct {
	ID        string             `json:"id"`
	Vehicle   vehicles.VehicleID `json:"vehicle"`
	Class     string             `json:"class"`
	Operator  string             `json:"operator"`
	Fence     Fence              `json:"fence"` // that decides: it asks most
	State     State              `json:"state"`
	Why       string             `json:"why,omitempty"`    // for people
	Called    string             `json:"called,omitempty"` // why somebody has to call the contact; empty: nobody has to
	TookFrom  string             `json:"took_from,omitempty"`
	Steps     []Step             `json:"steps"`
	Stood     bool               `json:"stood,omitempty"` // when it was heard last it was not under way
	Override  *Override          `json:"override,omitempty"`
	Decision  *Decision          `json:"decision,omitempty"`
	BeganUS   int64              `json:"began_us"`
	ChangedUS int64              `json:"changed_us"`
	EndedUS   int64              `json:"ended_us,omitempty"`
	Cause     string             `json:"cause,omitempty"` // why it ended
	Breaches  []Breach           `json:"breaches"`
}

// Open reports whether the breach goes on.
func (l *Ladder) Open() bool { return l.State != Ended }

// busy reports whether something is under way.
func (l *Ladder) busy() bool { return l.State == Ordered || l.State == InTurn }

func (l *Ladder) copied() *Ladder {
	c := *l
	c.Steps = slices.Clone(l.Steps)
	if l.Override != nil {
		o := *l.Override
		c.Override = &o
	}
	if l.Decision != nil {
		d := *l.Decision
		c.Decision = &d
	}
	return &c
}

// last is the newest step that was sent; nil: none was.
func (l *Ladder) last() *Step {
	for i := range slices.Backward(l.Steps) {
		if l.Steps[i].Order != "" {
			return &l.Steps[i]
		}
	}
	return nil
}

// verdict is what a controller decided since a moment.
func (l *Ladder) verdict(sinceUS int64) Verdict {
	if l.Decision == nil || l.Decision.AtUS < sinceUS {
		return noVerdict
	}
	return l.Decision.What
}

// next is the first kind that was not tried in vain since the last decision to go on;
// false when none is left.
func (l *Ladder) next(kinds []command.Kind) (command.Kind, bool) {
	sinceUS := int64(0)
	if l.verdict(0) == Continue {
		sinceUS = l.Decision.AtUS
	}
	for _, k := range kinds {
		if !slices.ContainsFunc(l.Steps, func(s Step) bool { return s.Kind == k && s.failed() && s.EndedUS > sinceUS }) {
			return k, true
		}
	}
	return "", false
}

func newLadderID() string {
	var r [8]byte
	_, _ = rand.Read(r[:]) // crypto/rand.Read never fails
	return "la_" + hex.EncodeToString(r[:])
}

func us(d time.Duration) int64 { return d.Microseconds() }
