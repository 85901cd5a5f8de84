// Package sim is a fleet of simulated vehicles that speak MAVLink 2 over real
// UDP sockets: the demo zone with its scheduled breaches, the load generator,
// and the playback of recorded flights.
//
// Frames are encoded with gomavlib, not with our own codec, so that the fleet
// is an independent peer of the listener. Motion is a pure function of the seed
// and of the time since the start: each vehicle follows a closed course with a
// timetable, with bounded speeds, accelerations and turn rates. The sample time
// of a frame is its scheduled time, therefore the n-th frame of a vehicle has
// the same bytes in every run with the same configuration (not so with
// MonotonicBoot). Deadlines are absolute and frames are spread evenly over
// their period. Lengths are metres, angles radians clockwise from north inside,
// positions WGS-84; the ground is flat at 4 m AMSL.
//
// A fleet that signs, or is told to answer, answers requests for its version,
// home, parameters and clock. One that signs obeys: it stands or circles, goes on,
// returns and lands, see ordered, stores plans, flies the mission among them and
// keeps to the fence and the rally points, see Board. A Script, or Do, has vehicles
// behave otherwise: links fail, orders are refused or lied about, pilots take over,
// receivers are jammed. A Fleet is used by one Run; Stats, At and Do may be called at
// any time. Not simulated: wind, sensors, a fixed wing that returns or flies a mission.
package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"

	"testzone/geofence/geo"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

var (
	// ErrConfig is returned when a configuration asks for what cannot be.
	ErrConfig = errors.New("simulator configuration")
	// ErrTlog is returned when a recording holds no frame or cannot be rewound.
	ErrTlog = errors.New("recorded flight")
)

// DefaultTarget is the open MAVLink listener of a testzone on this machine.
const DefaultTarget = "127.0.0.1:14550"

// Kinds of fleet.
const (
	KindDemo = "demo"
	KindLoad = "load"
)

const (
	maxPerSocket   = 250 // system ids 1..250; 251..255 are left to ground stations
	defaultSockets = 64
	groundMM       = 4000 // AMSL height of the flat ground
)

// Config of a Fleet. The zero value flies the demo.
type Config struct {
	Target   string        // host:port; default DefaultTarget
	Kind     string        // KindDemo (default) or KindLoad
	Vehicles int           // KindLoad only, default 100; the demo has its own 20
	Rate     float64       // GLOBAL_POSITION_INT per vehicle and second; default 5
	Attitude bool          // also ATTITUDE at Rate/2; always in the demo
	Seed     int64         // courses, phases, which vehicle breaches
	Sockets  int           // UDP sockets; default one per vehicle up to 64, then shared (at most 250 vehicles each)
	Duration time.Duration // Run ends after this much; 0: until its context ends
	Center   geo.Point     // KindLoad: middle of the area; default the demo zone
	NoiseM   float64       // amplitude of a slow position error, m; default none
	// Helicopter is what the first vehicle hears; default none, in the demo a police
	// helicopter that circles.
	Helicopter *Helicopter
	Breach     *BreachPlan // KindLoad: some vehicles cross a circle again and again

	// MonotonicBoot puts MonotonicUS() into time_boot_ms instead of
	// milliseconds: latency on one machine is then MonotonicUS() minus the
	// stamp, in 32 bits, microseconds. Costs one clock read per position.
	MonotonicBoot bool

	// OnSend is called before each GLOBAL_POSITION_INT is written, from up to
	// four goroutines at once. It must not block.
	OnSend func(Sent)

	// Sign gives a vehicle, by its system id, its signing key and link id;
	// ok=false: it does not sign. One that signs believes only what is signed with
	// its key, and answers.
	Sign func(sys uint8) (key [32]byte, link uint8, ok bool)
	// Answer has vehicles that do not sign answer, too: to everybody.
	Answer bool
	// AskToArm has vehicles that sign stand on the ground where they begin, and ask
	// the zone each second whether they may arm, until it grants that.
	AskToArm bool
	// Faults says what a vehicle does wrong.
	Faults func(sys uint8) Fault
	// PlanFaults says what a vehicle does wrong with plans.
	PlanFaults func(sys uint8) PlanFaults
	// Script is what vehicles do other than they should, and what befalls them; see Do.
	Script []Event
	// Integrity has vehicles also say once a second what their estimator and, those that
	// can, their receiver think of their position; with a Script they always do.
	Integrity bool

	dial func(target string) (conn, error) // tests; default a connected UDP socket
}

// Sent describes one GLOBAL_POSITION_INT that is about to be written.
type Sent struct {
	Vehicle  int // index into Fleet.Vehicles
	SystemID uint8
	Socket   int // index into Fleet.Addrs
	BootMS   uint32
	SentUS   int64 // Unix microseconds
	Point    geo.Point
}

// Vehicle is one member of the fleet.
type Vehicle struct {
	Name     string
	Class    vehicles.Class
	SystemID uint8
	Socket   int            // index into Fleet.Addrs
	Addr     netip.AddrPort // source address of its frames
}

// Fleet is a set of simulated vehicles with their sockets.
type Fleet struct {
	cfg      Config
	members  []*member
	sockets  []conn
	groups   []*group
	breaches []Breach
	codec    *mavlink.Codec      // nil: nobody signs
	dialect  *dialect.ReadWriter // nil: nobody hears
	begun    time.Time           // written under mu by Run, before who reads it without
	behind   [][]*member         // by socket
	ears     sync.WaitGroup
	beats    atomic.Uint64
	deaf     atomic.Uint64

	mu    sync.Mutex // guards the field below, and what vehicles heard
	extra []conn     // of vehicles that came from another port
}

// conn is what a fleet needs of a connected datagram socket.
type conn interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	LocalAddr() net.Addr
	Close() error
}

func dialUDP(target string) (conn, error) {
	addr, err := net.ResolveUDPAddr("udp", target)
	if err != nil {
		return nil, err
	}
	c, err := net.DialUDP("udp", nil, addr)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// New lays out the fleet and opens its sockets; Run or Close closes them.
func New(cfg Config) (*Fleet, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Fleet{cfg: cfg}
	if cfg.Kind == KindDemo {
		f.members, f.breaches, err = demoFleet(cfg.Seed)
	} else {
		f.members, err = loadFleet(cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("lay out %s fleet: %w", cfg.Kind, err)
	}
	n := cfg.Sockets
	if n == 0 {
		n = max(min(len(f.members), defaultSockets), (len(f.members)+maxPerSocket-1)/maxPerSocket)
	}
	n = min(n, len(f.members))
	if per := (len(f.members) + n - 1) / n; per > maxPerSocket {
		return nil, fmt.Errorf("%w: %d vehicles on %d sockets, at most %d on one", ErrConfig, len(f.members), n, maxPerSocket)
	}
	f.cfg.Integrity = cfg.Integrity || len(cfg.Script) > 0
	f.behind = make([][]*member, n)
	for i, m := range f.members {
		// Neighbours share a socket, so ids that repeat after 250 are on different ones.
		m.index, m.socket, m.sysid = i, i*n/len(f.members), uint8(1+i%maxPerSocket)
		f.behind[m.socket] = append(f.behind[m.socket], m)
	}
	if err := f.prepare(); err != nil {
		return nil, fmt.Errorf("prepare signing: %w", err)
	}
	for _, e := range cfg.Script {
		if _, err := f.Do(e); err != nil {
			return nil, err
		}
	}
	for i := range f.breaches {
		f.breaches[i].SystemID = f.members[f.breaches[i].Vehicle].sysid
	}
	for range n {
		c, err := cfg.dial(cfg.Target)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("open socket to %s: %w", cfg.Target, err)
		}
		f.sockets = append(f.sockets, c)
	}
	if err := f.makeGroups(); err != nil {
		f.Close()
		return nil, fmt.Errorf("prepare encoder: %w", err)
	}
	return f, nil
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.Target == "" {
		cfg.Target = DefaultTarget
	}
	if cfg.Rate == 0 {
		cfg.Rate = 5
	}
	if cfg.Center == (geo.Point{}) {
		cfg.Center = demoCenter
	}
	if cfg.dial == nil {
		cfg.dial = dialUDP
	}
	if h := cfg.Helicopter; h != nil && h.From == (geo.Point{}) {
		through := *h
		through.From, through.Course = geo.Destination(cfg.Center, 270, helicopterFromM), 90
		through.MPS, through.HeightM = helicopterMPS, helicopterHeightM
		cfg.Helicopter = &through
	}
	switch cfg.Kind {
	case "", KindDemo:
		cfg.Kind, cfg.Attitude = KindDemo, true
		if cfg.Breach != nil {
			return cfg, fmt.Errorf("%w: the demo has its own breaches", ErrConfig)
		}
	case KindLoad:
		if cfg.Vehicles == 0 {
			cfg.Vehicles = 100
		}
	default:
		return cfg, fmt.Errorf("%w: kind %q, want %q or %q", ErrConfig, cfg.Kind, KindDemo, KindLoad)
	}
	switch {
	case !(cfg.Rate >= 0.01 && cfg.Rate <= 1000):
		return cfg, fmt.Errorf("%w: rate %v Hz, want 0.01 to 1000", ErrConfig, cfg.Rate)
	case cfg.Vehicles < 0 || cfg.Vehicles > 100_000:
		return cfg, fmt.Errorf("%w: %d vehicles, want 1 to 100000", ErrConfig, cfg.Vehicles)
	case cfg.Sockets < 0 || cfg.Sockets > 10_000:
		return cfg, fmt.Errorf("%w: %d sockets, want 1 to 10000", ErrConfig, cfg.Sockets)
	case cfg.Duration < 0:
		return cfg, fmt.Errorf("%w: duration %v", ErrConfig, cfg.Duration)
	case !(cfg.NoiseM >= 0 && cfg.NoiseM <= 100):
		return cfg, fmt.Errorf("%w: noise %v m, want 0 to 100", ErrConfig, cfg.NoiseM)
	case !cfg.Center.Valid() || cfg.Center.Lat > 80e7 || cfg.Center.Lat < -80e7:
		return cfg, fmt.Errorf("%w: center %v, want a point between 80 S and 80 N", ErrConfig, cfg.Center)
	}
	return cfg, cfg.Breach.check()
}

// Run sends until ctx ends or Duration is over, then closes the sockets. A
// target that does not listen is not an error: it may come later.
func (f *Fleet) Run(ctx context.Context) error {
	start := time.Now()
	f.mu.Lock()
	f.begun = start
	f.mu.Unlock()
	if err := f.startHearing(); err != nil {
		return errors.Join(fmt.Errorf("prepare answers: %w", err), f.Close())
	}
	var wg sync.WaitGroup
	for _, g := range f.groups {
		wg.Go(func() { g.run(ctx, start, f.cfg.Duration) })
	}
	wg.Wait()
	err := f.Close()
	f.ears.Wait()
	return err
}

// Close closes the sockets of a fleet that is not run.
func (f *Fleet) Close() error {
	var errs []error
	f.mu.Lock()
	all := append(slices.Clone(f.sockets), f.extra...)
	f.mu.Unlock()
	for _, c := range all {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Vehicles lists the fleet.
func (f *Fleet) Vehicles() []Vehicle {
	addrs := f.Addrs()
	out := make([]Vehicle, len(f.members))
	for i, m := range f.members {
		out[i] = Vehicle{Name: m.name, Class: m.kind.class, SystemID: m.sysid, Socket: m.socket, Addr: addrs[m.socket]}
	}
	return out
}

// Addrs are the local addresses of the sockets.
func (f *Fleet) Addrs() []netip.AddrPort {
	out := make([]netip.AddrPort, len(f.sockets))
	for i, c := range f.sockets {
		if a, ok := c.LocalAddr().(*net.UDPAddr); ok {
			out[i] = a.AddrPort()
		}
	}
	return out
}

// Breaches is the timetable of the demo's breaches; empty for a load fleet.
func (f *Fleet) Breaches() []Breach { return f.breaches }

// At is where vehicle i is t after the start: its point, its height above the
// start point in metres, and its speed over ground in m/s.
func (f *Fleet) At(i int, t time.Duration) (p geo.Point, heightM, speedMS float64) {
	m := f.members[i]
	s := m.stateAt(t.Seconds(), f.cfg.NoiseM)
	return m.plane.point(s.at), s.at.z, vec{x: s.vel.x, y: s.vel.y}.norm()
}
