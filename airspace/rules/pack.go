package rules

import (
	"fmt"
	"time"
)

// Pack is one version of the rules of a place.
type Pack struct {
	Schema    string `json:"schema"`
	ID        string `json:"id"`
	Version   int    `json:"version"`
	Place     string `json:"place"` // "" for a pack of no place
	Title     Text   `json:"title"`
	Extends   string `json:"extends,omitempty"` // id@version of the pack that this one changes
	ValidFrom Date   `json:"valid_from"`
	ValidTo   *Date  `json:"valid_to"` // the first day on which it holds no more
	TZ        string `json:"tz"`
	Status    Status `json:"status"`

	Sources     []Source              `json:"sources"`
	Calendar    Calendar              `json:"calendar"`
	Departments []Department          `json:"departments"` // in the order in which they are asked
	Items       map[string]Item       `json:"items"`
	Kinds       map[string]Kind       `json:"kinds"`
	Clocks      map[string]Clock      `json:"clocks"`
	Gates       map[string]Gate       `json:"gates"`
	Tiers       []Tier                `json:"tiers"` // the first that matches holds
	Insurance   map[string]Policy     `json:"insurance"`
	People      People                `json:"people"`
	UAV         UAV                   `json:"uav"`
	Activation  map[string]Activation `json:"activation"` // what an ICV needs to drive itself
	Alarms      Alarms                `json:"alarms"`
	Conformance Conformance           `json:"conformance"`
	Recorder    Recorder              `json:"recorder"`
	Retention   map[string]Period     `json:"retention"`
	Reports     map[string]Report     `json:"reports"`
	Violations  Violations            `json:"violations"`
	Incidents   map[string]Incident   `json:"incidents,omitempty"` // by class; none: none can be reported
	Sandbox     Sandbox               `json:"sandbox"`

	root     map[string]any // the pack after its extension, for Mark and For
	sources  map[string]Source
	location *time.Location
	relaxed  string // the sandbox site whose relaxations are in it
}

// Department signs permits or is asked about them.
type Department struct {
	ID    string `json:"id"`
	Title Text   `json:"title"`
}

// Item is something that an application states or encloses.
type Item struct {
	Title    Text     `json:"title"`
	Document Document `json:"document,omitempty"` // its zero value: no file, the item is filled in
}

// Document is what a file must be.
type Document struct {
	Types    []string `json:"types"` // media types
	MaxBytes int      `json:"max_bytes"`
}

// Kind is a kind of permit.
type Kind struct {
	Title    Text     `json:"title"`
	Domain   string   `json:"domain"` // uav, icv, usv or site
	Crews    []string `json:"crews,omitempty"`
	Subtypes []string `json:"subtypes"`
	Items    []string `json:"items"`
	// Optional items may be left empty; the others must be there.
	Optional     []string            `json:"optional,omitempty"`
	CrewItems    map[string][]string `json:"crew_items,omitempty"`    // besides, by crew
	SubtypeItems map[string][]string `json:"subtype_items,omitempty"` // instead of Items, by subtype
	PlanItems    []string            `json:"plan_items,omitempty"`    // of a day plan under the permit

	SignOff Signoff `json:"signoff"`
	Steps   []Step  `json:"steps"`

	Clocks          []string `json:"clocks,omitempty"`
	EmergencyClocks []string `json:"emergency_clocks,omitempty"`

	// Activity are the clocks of what is done under a permit, and by that its steps:
	// one whose clock is not named is not asked for before the begin.
	Activity          ActivityClocks `json:"activity,omitempty"`
	EmergencyActivity ActivityClocks `json:"emergency_activity,omitempty"`

	MaxDuration *Period    `json:"max_duration"` // nil: the texts give none
	Extension   *Extension `json:"extension,omitempty"`
	Insurance   []string   `json:"insurance,omitempty"`
	Gates       []GateUse  `json:"gates,omitempty"`
	SampleShare float64    `json:"sample_share,omitempty"` // of a batch of the same make, tested for all
	FirstBatch  int        `json:"first_batch,omitempty"`  // vehicles at first, 0: no limit
	BatchStep   int        `json:"batch_step,omitempty"`   // vehicles added at a time
	NoFee       bool       `json:"no_fee,omitempty"`
}

// ActivityClocks are the clocks of one activity under a permit, by their names.
type ActivityClocks struct {
	Plan    string `json:"plan,omitempty"`    // by when the plan of a day is filed
	Answer  string `json:"answer,omitempty"`  // by when it is answered
	Report  string `json:"report,omitempty"`  // by when readiness is reported
	Confirm string `json:"confirm,omitempty"` // by when the begin is confirmed
	Close   string `json:"close,omitempty"`   // by when its end is reported
}

// Names are those that are there.
func (a ActivityClocks) Names() (out []string) {
	for _, name := range []string{a.Plan, a.Answer, a.Report, a.Confirm, a.Close} {
		if name != "" {
			out = append(out, name)
		}
	}
	return out
}

// Extension is how often and when a permit can be made longer.
type Extension struct {
	Max   Period `json:"max"`
	Clock string `json:"clock"` // opens the time in which to ask
}

// GateUse is the gate that a kind opens with, for a crew or ("") for all.
type GateUse struct {
	Crew string `json:"crew,omitempty"`
	Gate string `json:"gate"`
}

// Signoff says who signs a kind of permit.
type Signoff struct {
	Decides     string              `json:"decides"`
	Required    []string            `json:"required"`
	Advise      []string            `json:"advise,omitempty"`
	Conditional []Conditional       `json:"conditional,omitempty"`
	Watch       map[string][]string `json:"watch,omitempty"` // department: the items whose change voids its decision; none: all
}

// Conditional adds departments when a condition holds.
type Conditional struct {
	When     Condition `json:"when"`
	Required []string  `json:"required"`
}

// Step is one step of a city's procedure. From outside the permit is in State;
// the step after it begins when it is passed.
type Step struct {
	ID    string   `json:"id"`
	Title Text     `json:"title"`
	State State    `json:"state"`
	By    []string `json:"by,omitempty"` // departments; every one has to pass it
	// SignOff: the departments of the kind's sign-off decide here, besides By none.
	SignOff bool       `json:"sign_off,omitempty"`
	Clock   string     `json:"clock,omitempty"` // until when
	When    *Condition `json:"when,omitempty"`  // left out where it does not hold
	// Returns: what the step is not satisfied with goes back to the applicant.
	Returns bool `json:"returns,omitempty"`
}

// Gate is what has to be shown before a kind of permit.
type Gate struct {
	Title      Text      `json:"title"`
	Needs      Condition `json:"needs"`
	CountModes []string  `json:"count_modes,omitempty"` // driving modes that count besides automatic
	MaxGap     *Period   `json:"max_gap,omitempty"`     // between two samples that count as one way
	FirstBatch int       `json:"first_batch,omitempty"`
	AddAfterKM float64   `json:"add_after_km,omitempty"` // before more vehicles
}

// Tier is a risk tier of Article 65 and its treatment.
type Tier struct {
	Tier      string    `json:"tier"` // high, medium or low
	When      Condition `json:"when"`
	Treatment Treatment `json:"treatment"`
}

// Treatment is what a tier asks.
type Treatment struct {
	Checklist   []ChecklistItem `json:"checklist,omitempty"` // each answered with evidence before sign-off opens
	Judgements  []string        `json:"judgements,omitempty"`
	Disclosure  []string        `json:"disclosure,omitempty"` // what has to be public before the start
	SampleShare float64         `json:"sample_share,omitempty"`
}

// ChecklistItem is one line of a checklist.
type ChecklistItem struct {
	ID       string     `json:"id"`
	Question Text       `json:"question"`
	When     *Condition `json:"when,omitempty"`
}

// Policy is an insurance that a permit needs. A sum of 0 is not set.
type Policy struct {
	Title          Text    `json:"title"`
	PerVehicleCNY  float64 `json:"per_vehicle_cny,omitempty"`
	OrGuarantee    bool    `json:"or_guarantee,omitempty"`
	OrPropertyCNY  float64 `json:"or_property_cny,omitempty"`
	SumContradicts []int   `json:"sum_contradicts,omitempty"` // the sums that the source gives; the operator sets one
}

// People is what safety officers must bring.
type People struct {
	LicenceYears       int            `json:"licence_years"`
	RemoteTrainingH    float64        `json:"remote_training_h"`
	RemoteControlH     float64        `json:"remote_control_h"`
	VehiclesPerOfficer map[string]int `json:"vehicles_per_officer"` // by kind
}

// Activation is what has to hold while an ICV drives itself, and the alarm when it does not.
type Activation struct {
	Title Text      `json:"title"`
	Needs Condition `json:"needs"`
	Alarm string    `json:"alarm"`
}

// Alarms are the thresholds of the alarms about permits.
type Alarms struct {
	DepthM         float64        `json:"depth_m"` // into an area, or out of it
	DwellS         float64        `json:"dwell_s"`
	OverspeedKMH   float64        `json:"overspeed_kmh"` // above the limit, or the share if that is more
	OverspeedShare float64        `json:"overspeed_share"`
	OverspeedS     float64        `json:"overspeed_s"`
	JerkKMH        float64        `json:"jerk_kmh"` // change of speed within JerkS
	JerkS          float64        `json:"jerk_s"`
	DecelerationMS float64        `json:"deceleration_ms2"`
	StopS          map[string]int `json:"stop_s"` // by place
	GapS           float64        `json:"gap_s"`
	OfficerGapS    float64        `json:"officer_gap_s"`
	Priority       []string       `json:"priority"` // only the first that holds is raised
	WarnBeforeEnd  []Period       `json:"warn_before_end"`
	DeadlineShare  float64        `json:"deadline_share"` // of a clock's time, after which it warns
}

// Conformance is how an operation is held to its volumes.
type Conformance struct {
	RecoverS          float64 `json:"recover_s"` // nonconforming for longer is contingent
	MinPercent        float64 `json:"min_percent"`
	ExcursionS        float64 `json:"excursion_s"`
	ExcursionsPerHour float64 `json:"excursions_per_hour"`
	PlanAhead         Period  `json:"plan_ahead"`
	MaxVertices       int     `json:"max_vertices"`
	MarginM           float64 `json:"margin_m"`
	MarginS           float64 `json:"margin_s"`
}

// Recorder is what an event recorder keeps.
type Recorder struct {
	RingS    float64 `json:"ring_s"`
	PreS     float64 `json:"pre_s"`
	PostS    float64 `json:"post_s"`
	MinPreS  float64 `json:"min_pre_s"`
	MinPostS float64 `json:"min_post_s"`
	ICVMinHz float64 `json:"icv_min_hz"`
}

// Report is something that has to be handed in: by a clock, or every so often.
type Report struct {
	Title Text    `json:"title"`
	Clock string  `json:"clock,omitempty"`
	Every *Period `json:"every,omitempty"`
	Due   string  `json:"due,omitempty"` // of a monthly one: the clock by which it is handed in, from the end of the month
}

// Incident is a class of incidents, and by which clocks what is said about one.
type Incident struct {
	Title         Text     `json:"title"`
	Domains       []string `json:"domains,omitempty"`       // uav, icv, usv or site; none: all
	First         string   `json:"first"`                   // clock of the first report
	Written       string   `json:"written,omitempty"`       // of the written report; empty: none is asked for
	Investigation string   `json:"investigation,omitempty"` // of the papers on cause and liability
	// StandDown: the vehicles of its permit do not start until a department lifts it.
	StandDown bool `json:"stand_down,omitempty"`
}

// Violations are the dispositions of a violation and the minor ones (Article 65 (3)).
type Violations struct {
	Dispositions []string `json:"dispositions"`
	Minor        []Minor  `json:"minor"`
}

// Minor is a violation without administrative penalty.
type Minor struct {
	ID    string `json:"id"`
	Title Text   `json:"title"`
}

// UAV is the part of a pack about uncrewed aircraft.
type UAV struct {
	Classes    []Class             `json:"classes"`    // the first that matches holds
	Duties     map[string][]string `json:"duties"`     // duty: classes
	Triggers   []Rule              `json:"triggers"`   // any of them needs an application
	Exemptions []Rule              `json:"exemptions"` // the first that matches, if no trigger does
	Airspace   Airspace            `json:"airspace"`
}

// Class is a class of aircraft.
type Class struct {
	Class string    `json:"class"`
	Needs Condition `json:"needs"`
}

// Rule is a named condition, and the clocks that hold with it.
type Rule struct {
	ID     string    `json:"id"`
	Title  Text      `json:"title"`
	When   Condition `json:"when"`
	Clocks []string  `json:"clocks,omitempty"`
	// Applies: the exemption says that an application is needed all the same.
	Applies bool `json:"applies,omitempty"`
}

// Airspace is where what may fly.
type Airspace struct {
	ControlledAboveM float64  `json:"controlled_above_true_height_m"`
	IntegratedMaxM   float64  `json:"integrated_max_true_height_m"`
	SuitableClasses  []string `json:"suitable_classes"`
	Reasons          []Text   `json:"reasons"` // why airspace is controlled, in the order of the law
}

// Sandbox is what a place may relax (Article 65 (1)).
type Sandbox struct {
	Relaxable   []string     `json:"relaxable"` // paths
	Relaxations []Relaxation `json:"relaxations"`
}

// Relaxation is one number that a sandbox site has otherwise.
type Relaxation struct {
	Site     string `json:"site"`
	Path     string `json:"path"`
	Value    any    `json:"value"`
	Reason   Text   `json:"reason"`
	SignedBy string `json:"signed_by"`
}

// State is a state of a permit as it is seen from outside.
type State string

// The states. A city's own stages are steps within them.
const (
	Draft                State = "draft"
	Submitted            State = "submitted"
	UnderReview          State = "under_review"
	InformationRequested State = "information_requested"
	Approved             State = "approved"
	Refused              State = "refused"
	Effective            State = "effective"
	Suspended            State = "suspended"
	Revoked              State = "revoked"
	Expired              State = "expired"
	Withdrawn            State = "withdrawn"
)

var states = map[State]bool{
	Draft: true, Submitted: true, UnderReview: true, InformationRequested: true, Approved: true, Refused: true,
	Effective: true, Suspended: true, Revoked: true, Expired: true, Withdrawn: true,
}

// UnmarshalText reads a state.
func (s *State) UnmarshalText(text []byte) error {
	if *s = State(text); !states[*s] {
		return fmt.Errorf("%q is not a state of a permit", text)
	}
	return nil
}

// Status is what a pack as a whole is worth.
type Status string

// The statuses. A permit can become effective under a pack that is not in force
// only by an override that an operator signs.
const (
	PackInForce     Status = "in_force"
	PackDraft       Status = "draft"
	PackExpired     Status = "expired"
	PackPlaceholder Status = "placeholder"
)

// UnmarshalText reads a status.
func (s *Status) UnmarshalText(text []byte) error {
	switch *s = Status(text); *s {
	case PackInForce, PackDraft, PackExpired, PackPlaceholder:
		return nil
	}
	return fmt.Errorf("%q must be in_force, draft, expired or placeholder", text)
}
