package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"testzone/geofence/geo"
)

// Behaviour is what a vehicle does other than it should, or what befalls it. Its
// value is the words of a script.
type Behaviour string

// The behaviours.
const (
	LinkLost       Behaviour = "link lost"        // is not heard and hears nothing; fails safe as its parameters say
	LinkDeaf       Behaviour = "link deaf"        // is heard and hears nothing
	LinkSilent     Behaviour = "link silent"      // hears, obeys, and is not heard
	LinkDrops      Behaviour = "link drops"       // loses a share of the frames, each way
	Refuses        Behaviour = "refuse"           // denies an order, or all
	Delays         Behaviour = "delay"            // obeys and answers late
	Progresses     Behaviour = "progress"         // says at once that it is in progress, and obeys late
	LiesAck        Behaviour = "lie ack"          // accepts orders and does nothing
	LiesMode       Behaviour = "lie mode"         // accepts orders, shows their mode, and moves on as before
	PilotTakesOver Behaviour = "pilot takes over" // once: flies by hand, in a manual mode
	ArmsAnyway     Behaviour = "arm anyway"       // of one that asks before it arms: once, it does not wait for the answer
	NeverArms      Behaviour = "arm never"        // stays disarmed whatever it is granted
	Drifts         Behaviour = "drift"            // is carried off its course
	FixLost        Behaviour = "fix lost"         // its receiver has no fix
	Glitches       Behaviour = "glitch"           // its position is off by a jump
	EstimatorFails Behaviour = "estimator fails"  // says that it does not know its position
	Jammed         Behaviour = "jam"              // its receiver is jammed
	Spoofed        Behaviour = "spoof"            // its receiver believes another signal
	Canyon         Behaviour = "canyon"           // its receiver hears reflections of walls
)

// behaviours lists all, for errors and the parser: one whose words begin another's
// comes after it.
var behaviours = []Behaviour{
	LinkLost, LinkDeaf, LinkSilent, LinkDrops, Refuses, Delays, Progresses, LiesAck, LiesMode, PilotTakesOver, ArmsAnyway, NeverArms,
	Drifts, FixLost, Glitches, EstimatorFails, Jammed, Spoofed, Canyon,
}

// Event is a behaviour of one vehicle, or of all that are in an area, for a time.
type Event struct {
	// Vehicle is "uav-3", a class and a system id, or a name with "-" for blanks,
	// "copter-1", or "all"; of an Area it is empty.
	Vehicle string
	Area    *geo.Circle
	Does    Behaviour
	At      time.Duration // from the start of the fleet; in Do from now
	For     time.Duration // 0: for good

	Order   string        // Refuses: hold, stop, return, land, resume, reposition, terminate or all
	Late    time.Duration // Delays, Progresses
	Share   float64       // LinkDrops: of the frames, 0..1
	SpeedMS float64       // Drifts
	Course  float64       // Drifts: degrees clockwise from north
	JumpM   float64       // Glitches
}

// event is an Event of a fleet that may have been ended early.
type event struct {
	Event
	cut atomic.Int64 // ns after the start of the fleet; 0: it goes on
}

// orders are those that a vehicle may refuse, and what it would do for each.
var orders = map[string][]act{
	"hold": {stands, circles}, "stop": {stands, circles}, "return": {returns}, "land": {lands}, "resume": {follows},
	"reposition": {goes}, "terminate": {falls}, "all": {stands, circles, returns, lands, follows, goes, falls},
}

func (e *Event) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrConfig, e, fmt.Sprintf(format, args...))
	}
	within := func(v, low, high float64) bool { return v >= low && v <= high } // NaN is not
	switch {
	case !slices.Contains(behaviours, e.Does):
		return fmt.Errorf("%w: no behaviour is called %q", ErrConfig, e.Does)
	case (e.Vehicle == "") == (e.Area == nil):
		return bad("name either a vehicle or an area")
	case e.Area != nil && (!e.Area.Center.Valid() || !within(e.Area.RadiusM, 1, 100_000)):
		return bad("an area has a centre and 1 to 100000 m around it")
	case e.At < 0 || e.For < 0:
		return bad("a time is negative")
	case e.Does == Refuses && orders[e.Order] == nil:
		return bad("say what it refuses: hold, stop, return, land, resume, reposition, terminate or all")
	case (e.Does == Delays || e.Does == Progresses) && !(e.Late > 0 && e.Late <= time.Hour):
		return bad("say how late it is, up to 1h")
	case e.Does == LinkDrops && !within(e.Share, 0, 1):
		return bad("say how many frames it loses, 0%% to 100%%")
	case e.Does == Drifts && e.Area != nil:
		return bad("name the vehicle that drifts")
	case e.Does == Drifts && !(within(e.SpeedMS, 0, 50) && within(e.Course, 0, 360)):
		return bad("say how fast it drifts, up to 50 m/s, and where to, 0 to 360 degrees")
	case e.Does == Glitches && !within(e.JumpM, 1, 100_000):
		return bad("say how far it jumps, 1 to 100000 m")
	}
	return nil
}

// of reports whether the event may concern a vehicle.
func (e *Event) of(m *member) bool {
	return e.Area != nil || e.Vehicle == "all" || e.Vehicle == dashed(m.name) || e.Vehicle == m.classID()
}

// classID is what people call a vehicle: its class and system id.
func (m *member) classID() string { return fmt.Sprintf("%s-%d", m.kind.class, m.sysid) }

func dashed(name string) string { return strings.ReplaceAll(name, " ", "-") }

// Do has vehicles behave so from now on, or in e.At; before Run: from the start.
// It returns what ends the behaviour before its time.
func (f *Fleet) Do(e Event) (end func(), err error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e.At += f.since()
	mine := &event{Event: e}
	concerns := false
	for _, m := range f.members {
		if e.of(m) {
			m.told(mine)
			concerns = true
		}
	}
	if !concerns {
		return nil, fmt.Errorf("%w: no vehicle is called %q: say %q or %q", ErrConfig, e.Vehicle, f.members[0].classID(), dashed(f.members[0].name))
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		mine.cut.Store(max(int64(f.since()), 1))
	}, nil
}

// since is how long the fleet has run. Called with f.mu held.
func (f *Fleet) since() time.Duration {
	if f.begun.IsZero() {
		return 0
	}
	return time.Since(f.begun)
}

// told adds an event to those of the vehicle. Called with the fleet's mu held.
func (m *member) told(e *event) {
	var all []*event
	if p := m.events.Load(); p != nil {
		all = slices.Clone(*p)
	}
	all = append(all, e)
	m.events.Store(&all)
}

// under is the newest event of a behaviour that a vehicle is under at t, with the
// seconds since it began; nil: of none. It goes on for after seconds after its end.
func (m *member) under(b Behaviour, t, after float64) (e *event, u float64) {
	p := m.events.Load()
	if p == nil {
		return nil, 0
	}
	for _, e := range slices.Backward(*p) {
		if e.Does != b || t < e.At.Seconds() || t >= e.end()+after {
			continue
		}
		if e.Area == nil || geo.Distance(e.Area.Center, m.plane.point(m.truly(t).at)) <= e.Area.RadiusM {
			return e, t - e.At.Seconds()
		}
	}
	return nil, 0
}

// is reports whether a vehicle behaves so.
func (m *member) is(b Behaviour, t float64) bool {
	e, _ := m.under(b, t, 0)
	return e != nil
}

// end is when an event ends, in seconds after the start of the fleet.
func (e *event) end() float64 {
	end := math.Inf(1)
	if e.For > 0 {
		end = (e.At + e.For).Seconds()
	}
	if cut := e.cut.Load(); cut != 0 {
		end = min(end, time.Duration(cut).Seconds())
	}
	return end
}

// heardAt reports whether a frame of a vehicle gets out, or one to it in.
func (m *member) heardAt(t float64, out bool) bool {
	if m.events.Load() == nil {
		return true
	}
	way := LinkDeaf
	if out {
		way = LinkSilent
	}
	if m.is(LinkLost, t) || m.is(way, t) {
		return false
	}
	e, _ := m.under(LinkDrops, t, 0)
	return e == nil || chance(uint64(m.index), m.frames.Add(1), 1) >= e.Share
}

// drifted is how far a vehicle was carried off by t. After the event it comes back as
// fast as it went.
func (m *member) drifted(t float64) (off, vel vec) {
	p := m.events.Load()
	if p == nil {
		return
	}
	for _, e := range *p {
		u := t - e.At.Seconds()
		if e.Does != Drifts || u <= 0 || e.Area != nil {
			continue
		}
		sin, cos := math.Sincos(e.Course * math.Pi / 180)
		v := vec{sin, cos, 0}.scale(e.SpeedMS)
		switch gone := e.end() - e.At.Seconds(); {
		case u < gone:
			off, vel = off.add(v.scale(u)), vel.add(v)
		case u < 2*gone:
			off, vel = off.add(v.scale(2*gone-u)), vel.sub(v)
		}
	}
	return off, vel
}

// chance is a number in 0..1 that follows from its arguments alone.
func chance(a, b, c uint64) float64 {
	x := a*0x9e3779b97f4a7c15 ^ b*0xbf58476d1ce4e5b9 ^ c*0x94d049bb133111eb
	for range 2 { // the finaliser of splitmix64, twice for numbers that differ little
		x ^= x >> 30
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 27
		x *= 0x94d049bb133111eb
		x ^= x >> 31
	}
	return float64(x>>11) / (1 << 53)
}
