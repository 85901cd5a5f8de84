package vehicles

import (
	"math"

	"testzone/geofence/geo"
)

// LinkState is how alive a vehicle's controller is, judged by the silence of
// its heartbeat alone: other messages do not prove that the controller lives.
type LinkState uint8

// The link states.
const (
	LinkNominal LinkState = iota
	LinkDegraded
	LinkLost
)

var linkNames = [...]string{"nominal", "degraded", "lost"}

func (l LinkState) String() string { return linkNames[l] }

// LinkLimits are the silences after which a link is degraded and lost.
type LinkLimits struct {
	DegradedUS int64 // default 2 s
	LostUS     int64 // default 5 s
}

// State is the link state after a silence.
func (l LinkLimits) State(silenceUS int64) LinkState {
	switch {
	case silenceUS >= l.LostUS:
		return LinkLost
	case silenceUS >= l.DegradedUS:
		return LinkDegraded
	}
	return LinkNominal
}

// Phase is what a vehicle is doing, in words that fit every class.
type Phase uint8

// The phases; the numbers are those of the live record.
const (
	PhaseUnknown Phase = iota
	Parked
	Moving
	Holding
	Returning
	Arriving
	PhaseEmergency
	PhaseLinkLost
)

var phaseNames = [...]string{"unknown", "parked", "moving", "holding", "returning", "landing", "emergency", "link_lost"}

func (p Phase) String() string { return phaseNames[p] }

const (
	// reorderMS is how far a position's boot time may lie behind the newest one
	// and still be a late sample of the same run; further back the vehicle rebooted.
	reorderMS = 1000
	// lateRun is how many late positions in a row are a new run after all.
	lateRun = 3
	// disorder is the balance of late and timely positions from which on a source
	// is out of order: two vehicles may speak as one.
	disorder = 10
)

// Track is the current state of one vehicle: what its reports add up to.
type Track struct {
	Handle Handle
	Class  Class
	Seen   Fields // groups that were ever reported

	Fix      geo.Fix
	Velocity Velocity
	Heading  uint16
	FixUS    int64  // server time of Fix; 0: no position yet
	FixMS    uint32 // boot time of Fix

	Roll, Pitch, Yaw float32

	Mode        uint32
	Armed       bool
	Status      Status
	Landed      Landed
	Breached    bool
	HeartbeatUS int64
	Link        LinkState

	FixType     uint8
	Satellites  uint8
	Estimator   Estimator
	HDOP        uint16
	HAccMM      uint32
	VAccMM      uint32
	QualityUS   int64 // server time of FixType, Satellites, HDOP, HAccMM, VAccMM; 0: never reported
	EstimatorUS int64 // server time of Estimator

	Jamming, Spoofing Interference
	SignalUS          int64 // server time of Jamming, Spoofing

	Battery   uint8
	VoltageMV uint16

	Reports uint64
	Late    uint64 // positions that came out of order and were not used
	inARow  uint8  // late ones since the last that was used
	balance int8   // up by two for a late position, down by one for a timely one
}

// OutOfOrder reports whether so many positions come late that the track cannot
// be trusted: two autopilots may share one address and system id.
func (t *Track) OutOfOrder() bool { return t.balance >= disorder }

// Apply takes a report in. It reports whether the position moved on: a late
// sample (older boot time, same run) and an exact duplicate do not.
func (t *Track) Apply(r *Report) (moved bool) {
	t.Reports++
	if r.Has&HasPosition != 0 {
		moved = t.applyPosition(r)
	}
	if r.Has&HasAttitude != 0 {
		t.Roll, t.Pitch, t.Yaw = r.Roll, r.Pitch, r.Yaw
	}
	if r.Has&HasHeartbeat != 0 {
		t.Mode, t.Armed, t.Status = r.Mode, r.Armed, r.Status
		t.HeartbeatUS = r.ReceivedUS
	}
	if r.Has&HasQuality != 0 {
		t.FixType, t.Satellites, t.HDOP, t.HAccMM, t.VAccMM = r.FixType, r.Satellites, r.HDOP, r.HAccMM, r.VAccMM
		t.QualityUS = r.ReceivedUS
	}
	if r.Has&HasEstimator != 0 {
		t.Estimator, t.EstimatorUS = r.Estimator, r.ReceivedUS
	}
	if r.Has&HasSignal != 0 {
		t.Jamming, t.Spoofing, t.SignalUS = r.Jamming, r.Spoofing, r.ReceivedUS
	}
	if r.Has&HasBattery != 0 {
		t.Battery, t.VoltageMV = r.Battery, r.VoltageMV
	}
	if r.Has&HasLanded != 0 {
		t.Landed = r.Landed
	}
	if r.Has&HasFenceFlag != 0 {
		t.Breached = r.Breached
	}
	t.Seen |= r.Has
	return moved
}

func (t *Track) applyPosition(r *Report) bool {
	if t.FixUS != 0 && r.BootMS != 0 && t.FixMS != 0 {
		// The device's clock orders samples of one source; it wraps after 49.7 days.
		behind := int32(t.FixMS - r.BootMS)
		if behind == 0 && r.Fix == t.Fix {
			t.Late++
			return false
		}
		if behind > 0 && behind < reorderMS {
			t.Late++
			t.balance = min(t.balance+2, 2*disorder)
			if t.inARow++; t.inARow < lateRun {
				return false
			}
		}
	}
	t.inARow = 0
	t.balance = max(t.balance-1, 0)
	t.Fix, t.Velocity, t.Heading = r.Fix, r.Velocity, r.Heading
	t.FixUS, t.FixMS = r.ReceivedUS, r.BootMS
	return true
}

// HasFix reports whether a position was ever received.
func (t *Track) HasFix() bool { return t.FixUS != 0 }

// SpeedCMS is the speed over ground in cm/s.
func (t *Track) SpeedCMS() uint32 {
	return uint32(math.Round(math.Hypot(float64(t.Velocity.N), float64(t.Velocity.E))))
}

// standstillCMS is the ground speed below which a vehicle holds its place.
const standstillCMS = 50

// Phase is what the vehicle is doing.
func (t *Track) Phase() Phase {
	switch {
	case t.Link == LinkLost:
		return PhaseLinkLost
	case t.Status >= Emergency:
		return PhaseEmergency
	case t.Landed == OnGround, t.Seen&HasHeartbeat != 0 && !t.Armed:
		return Parked
	case t.Landed == Landing:
		return Arriving
	case !t.HasFix():
		return PhaseUnknown
	case t.SpeedCMS() < standstillCMS && abs16(t.Velocity.D) < standstillCMS:
		return Holding
	}
	return Moving
}

func abs16(v int16) int16 {
	if v < 0 {
		return -v
	}
	return v
}
