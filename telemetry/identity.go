package telemetry

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

// IdentityMismatch is the alert of a vehicle that says other things of itself
// than its registration does, or, by remote id, than by its telemetry: it has
// another autopilot, another's transmitter, or a key that was copied.
const IdentityMismatch AlertType = "identity_mismatch"

// What may differ.
const (
	DiffersSerial   = "serial_number" // of the own remote id, from the registered one
	DiffersUID      = "uid2"          // of the autopilot, from the registered one
	DiffersPosition = "position"      // of the own remote id, from the vehicle's telemetry
)

const (
	causeAgrees = "agrees" // why a mismatch ended

	// apartM is how far the position of the own remote id may be from that of the
	// telemetry, beside what the vehicle flies between the two; apartUS for how long.
	apartM  = 100
	apartUS = 10_000_000
	// apartGapUS is the longest silence between two positions that are one run.
	apartGapUS = 5_000_000
	// apartFixUS is the age from which a position of the telemetry says nothing.
	apartFixUS = 3_000_000
)

// Mismatch is what a vehicle should say of itself and says.
type Mismatch struct {
	What      string  `json:"what"`
	Expected  string  `json:"expected,omitempty"`
	Seen      string  `json:"seen,omitempty"`
	DistanceM float64 `json:"distance_m,omitempty"` // of positions
}

// IdentityChange says that a vehicle began to say something else of itself than
// expected, or that the two agree again.
type IdentityChange struct {
	Vehicle  *vehicles.Identity
	Mismatch Mismatch
	Began    bool
}

func (*IdentityChange) event() {}

// Expected is what a registration says that a vehicle says of itself; what is
// empty is not known.
type Expected struct {
	SerialNumber string // of its remote id
	UID2         string // of its autopilot: 36 hexadecimal digits, or the 16 of the older uid
}

// IdentityCheckConfig of an IdentityCheck. All but Clock are needed.
type IdentityCheckConfig struct {
	Registry *vehicles.Registry
	Pipeline *Pipeline
	Bus      *Bus
	Expects  func(vehicles.VehicleID) Expected // it must not block
	Clock    func() time.Time                  // default time.Now
}

// IdentityCheck compares what vehicles say of themselves with what is expected. A
// cross-check is no proof and proves nothing wrong: it raises an alert and no
// more. Methods are safe for concurrent use.
type IdentityCheck struct {
	cfg    IdentityCheckConfig
	steady func() int64

	mu       sync.Mutex // guards the fields below
	of       map[vehicles.Handle]*checked
	prunedUS int64
}

// checked is what is known of one vehicle.
type checked struct {
	differs map[string]bool // as told
	apartUS int64           // steady time since which its two positions are apart; 0: they are not
	lastUS  int64           // steady time of the last position of its remote id
}

// NewIdentityCheck makes an IdentityCheck.
func NewIdentityCheck(cfg IdentityCheckConfig) (*IdentityCheck, error) {
	if cfg.Registry == nil || cfg.Pipeline == nil || cfg.Bus == nil || cfg.Expects == nil {
		return nil, fmt.Errorf("%w: an identity check needs a registry, a pipeline, a bus and what to expect", ErrConfig)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return &IdentityCheck{cfg: cfg, steady: steadyClock(cfg.Clock), of: map[vehicles.Handle]*checked{}}, nil
}

// RemoteID takes what a vehicle says of itself by remote id.
func (c *IdentityCheck) RemoteID(s *vehicles.Sighting) {
	id := c.cfg.Registry.Identity(s.Reporter)
	if id == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.vehicle(id.Handle)
	if want := c.cfg.Expects(id.ID).SerialNumber; s.Has&vehicles.SeenSerial != 0 && id.Verified && want != "" {
		seen := s.Serial.String()
		c.tell(id, v, !strings.EqualFold(seen, want), s.ReceivedUS, Mismatch{What: DiffersSerial, Expected: want, Seen: seen})
	}
	if s.Has&vehicles.SeenPosition != 0 {
		c.place(id, v, s)
	}
}

// Autopilot takes the numbers that an autopilot gives as its own; zeros are unknown.
func (c *IdentityCheck) Autopilot(h vehicles.Handle, uid uint64, uid2 [18]byte) {
	id := c.cfg.Registry.Identity(h)
	if id == nil || !id.Verified {
		return
	}
	want, seen := strings.ToLower(c.cfg.Expects(id.ID).UID2), ""
	switch {
	case len(want) == 2*len(uid2) && uid2 != [18]byte{}:
		seen = hex.EncodeToString(uid2[:])
	case len(want) == 16 && uid != 0:
		seen = fmt.Sprintf("%016x", uid)
	default:
		return // nothing to compare
	}
	m := Mismatch{What: DiffersUID, Expected: want, Seen: seen}
	if want[:8] != seen[:8] { // people compare the first digits; chips of one wafer differ in the last
		m.Expected, m.Seen = want[:8]+"…", seen[:8]+"…"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tell(id, c.vehicle(h), want != seen, c.cfg.Clock().UnixMicro(), m)
}

// place compares the position of a remote id with that of the telemetry. Without
// a fresh one of both nothing is known.
func (c *IdentityCheck) place(id *vehicles.Identity, v *checked, s *vehicles.Sighting) {
	var r live.Record
	now := c.steady()
	fixUS, _, ok := c.cfg.Pipeline.table.slot(id.Handle).load(uint32(id.Handle), &r)
	if !ok || r.Lat == live.UnknownCoord || now-fixUS > apartFixUS || time.Duration(s.AgeS)*time.Second > apartFixUS*time.Microsecond {
		return
	}
	speed := 0.0 // cm/s
	if s.Has&vehicles.SeenVelocity != 0 {
		speed = math.Hypot(float64(s.Velocity.N), float64(s.Velocity.E))
	}
	if r.Speed != live.UnknownSpeed {
		speed = max(speed, float64(r.Speed))
	}
	distance := geo.Distance(pointOf(&r), s.Point)
	between := float64(now-fixUS)/1e6 + float64(s.AgeS) + 1 // the age is cut to seconds
	if now-v.lastUS > apartGapUS {
		v.apartUS = 0
	}
	v.lastUS = now
	if distance <= apartM+between*speed/100 {
		v.apartUS = 0
		c.tell(id, v, false, s.ReceivedUS, Mismatch{What: DiffersPosition})
		return
	}
	if v.apartUS == 0 {
		v.apartUS = now
	}
	if now-v.apartUS >= apartUS {
		c.tell(id, v, true, s.ReceivedUS, Mismatch{What: DiffersPosition, DistanceM: distance})
	}
}

// tell publishes a change once. It is called with the lock held.
func (c *IdentityCheck) tell(id *vehicles.Identity, v *checked, differs bool, nowUS int64, m Mismatch) {
	if v.differs[m.What] == differs {
		return
	}
	v.differs[m.What] = differs
	c.cfg.Bus.PublishQuiet(nowUS, &IdentityChange{Vehicle: id, Mismatch: m, Began: differs})
}

// vehicle is what is known of a vehicle. Once a minute those that are gone are
// forgotten. It is called with the lock held.
func (c *IdentityCheck) vehicle(h vehicles.Handle) *checked {
	if now := c.steady(); now-c.prunedUS > time.Minute.Microseconds() {
		c.prunedUS = now
		for known := range c.of {
			if c.cfg.Registry.Identity(known) == nil {
				delete(c.of, known)
			}
		}
	}
	v := c.of[h]
	if v == nil {
		v = &checked{differs: map[string]bool{}}
		c.of[h] = v
	}
	return v
}

func (b *Book) takeIdentity(c *IdentityChange, nowUS int64) {
	b.change(alertKey{typ: IdentityMismatch, vehicle: c.Vehicle.ID, object: c.Mismatch.What}, condition{
		begins: c.Began, ends: !c.Began, id: c.Vehicle, level: Warning, timeUS: nowUS, cause: causeAgrees,
		fill: func(a *Alert) { a.Mismatch = &c.Mismatch },
	})
}
