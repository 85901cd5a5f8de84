package vehicles

// Origin says who registered a vehicle.
type Origin string

// The origins.
const (
	Configured Origin = "config"   // it stands in the configuration, and changes there
	Enrolled   Origin = "enrolled" // by a decision
)

// Autopilot is the kind of a MAVLink vehicle's autopilot: they differ in modes,
// parameters and in what they can be asked.
type Autopilot string

// The kinds.
const (
	ArduPilot Autopilot = "ardupilot"
	PX4       Autopilot = "px4"
	Generic   Autopilot = "generic"
)

// MAVLink is how a registered vehicle speaks MAVLink. A system id is an address
// and no identity: it is unique at one listener only. The zero value speaks no
// MAVLink. Its JSON is the journal's form: members are added, never changed.
type MAVLink struct {
	Listener  string    `json:"listener,omitempty"` // name of the signed listener, or of the gateway that it is behind
	SystemID  uint8     `json:"system_id,omitempty"`
	Component uint8     `json:"component,omitempty"` // whose heartbeat makes the track; 0 is 1, MAV_COMP_ID_AUTOPILOT1
	Others    []uint8   `json:"others,omitempty"`    // components that may speak too: cameras, companions, gimbals
	Autopilot Autopilot `json:"autopilot,omitempty"`
}

// Speaks reports whether the vehicle speaks MAVLink at all.
func (m *MAVLink) Speaks() bool { return m.SystemID != 0 }

// LostLinkAction is what a vehicle does by itself when its link is lost.
type LostLinkAction string

// The actions. What is not known is unknown, never safe.
const (
	LostLinkUnknown   LostLinkAction = "unknown"
	LostLinkReturn    LostLinkAction = "return"
	LostLinkLand      LostLinkAction = "land"
	LostLinkHold      LostLinkAction = "hold"
	LostLinkContinue  LostLinkAction = "continue"
	LostLinkTerminate LostLinkAction = "terminate"
)

// Basis says how something is known.
type Basis string

// The bases.
const (
	NotKnown       Basis = "unknown"
	Stated         Basis = "stated"     // by who registered the vehicle
	FromParameters Basis = "parameters" // read from the vehicle
)

// LostLink is what is known of a vehicle's behaviour when its link is lost. The
// zero value knows nothing. Its JSON is the journal's form: members are added,
// never changed.
type LostLink struct {
	Action     LostLinkAction `json:"action,omitempty"`
	ReturnM    *float64       `json:"return_m,omitempty"`    // height on the way back in metres above take-off (not AGL); nil: not known
	Rally      bool           `json:"rally,omitempty"`       // it returns to the nearest rally point, not home
	EnduranceS uint32         `json:"endurance_s,omitempty"` // seconds that it can stay out; 0: not known
	Basis      Basis          `json:"basis,omitempty"`
	AtUS       int64          `json:"at_us,omitempty"` // when it was stated or read
}
