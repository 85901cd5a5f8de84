// Package web is how people and programs reach the zone: the HTTP API under
// /v1, the live websocket /v1/live (subprotocol zl.v1), the events of the journal
// /v1/events (server-sent), the page of web/ui and the documentation of the API.
//
// Every call but those that are public needs a bearer token or the session
// cookie; one table says which scope each operation needs. Errors are
// problem+json with a stable code and the request's id; the detail of an
// unknown error goes to the log only. A change of a fence or an
// acknowledgement is answered when it is durable. A request with an
// Idempotency-Key is made once within a day, over a restart too. The live channel gives
// positions latest wins, under acknowledgements, and alerts, transitions and
// fence changes in order and never dropped: a session that cannot keep up is
// closed.
//
// Times outside are RFC 3339 in UTC with milliseconds, distances metres,
// speeds m/s, angles degrees. A Server is safe for concurrent use.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/zonefile"
	"testzone/telemetry"
	"testzone/telemetry/audit"
	"testzone/telemetry/command"
	"testzone/telemetry/command/bulk"
	"testzone/telemetry/command/ladder"
	"testzone/telemetry/command/onboard"
	"testzone/telemetry/coverage"
	"testzone/telemetry/priority"
	"testzone/telemetry/recording"
	"testzone/vehicles"
	"testzone/web/auth"
	"testzone/web/notify"
)

// ErrConfig is returned when a server lacks a part it cannot work without.
var ErrConfig = errors.New("web is not configured")

// Limits of one HTTP exchange.
const (
	readHeaderTimeout = 5 * time.Second
	maxHeaderBytes    = 32 << 10
	maxBodyBytes      = 256 << 10
	maxBatchBytes     = 2 << 20 // of a batch of fences
	maxPublicBytes    = 8 << 10 // of a call that needs no credential
	maxFileBytes      = zonefile.MaxBytes
	requestTimeout    = 10 * time.Second
	fileTimeout       = time.Minute // of those that may send more than maxBodyBytes
	idleTimeout       = 2 * time.Minute
	drainTimeout      = 3 * time.Second
)

// Config of a Server. Register, Pipeline, Registry, Book, Bus and Auth are
// needed.
type Config struct {
	Register *airspace.Register
	Pipeline *telemetry.Pipeline
	Registry *vehicles.Registry
	Book     *telemetry.Book
	Bus      *telemetry.Bus
	Auth     *auth.Authenticator
	Traffic  *telemetry.Traffic  // what is not the zone's; nil: nobody looks
	Warden   *telemetry.Warden   // who complies with the zone's state; nil: nobody looks
	Orders   *command.Dispatcher // orders to vehicles; default one that reaches none
	Bulk     *bulk.Giver         // orders to many; default one that reaches none
	// PermitEnd is what who moves under a permit now would be told, if that ended now;
	// default nobody moves.
	PermitEnd func(ctx context.Context, permit string) (*bulk.Preview, error)
	Coverage  *coverage.Ledger // for whom fences are enforced; default one that counts nothing

	Enforcement *ladder.Enforcer // what is done about breaches; default one that does nothing
	Priority    *priority.Watch  // who is in the way of priority traffic; nil: nobody looks

	Plans *onboard.Plans // what vehicles carry; default one that reaches none

	Demo     bool            // the zone is a synthetic one
	Features json.RawMessage // map of the zone: a GeoJSON FeatureCollection; default an empty one
	UI       fs.FS           // the built page; without index.html a page says how to build it

	Health    func() []telemetry.Reason // why the system is degraded; default never
	Listeners func() []ListenerInfo     // what receives telemetry; default none
	Journal   func() JournalInfo        // default unknown
	InForce   func(fence string) bool   // whether a fence's schedule holds now; default always
	// InForceAt is whether a schedule would hold at a moment, and when that changes
	// next, 0 for never; default always.
	InForceAt func(s *geofence.Schedule, atUS int64) (in bool, changeUS int64)
	// ModeName names an autopilot's flight mode; default "mode N".
	ModeName func(v *vehicles.Identity, mode uint32) string

	// VehicleSecrets keeps signing keys and contacts of vehicles; default in memory.
	VehicleSecrets *auth.VehicleSecrets
	// Proof is what is known of how a vehicle proved who it is; default nothing.
	Proof func(v vehicles.VehicleID) VehicleProof

	AllowedOrigins []string // origins beside the server's own, e.g. "https://ops.example.org"
	MaxSessions    int      // live sessions at the same time; default 1,000
	// Events is the journal for those who follow it; default: nobody can.
	Events EventSource
	// Audit proves the journal; default: nobody does.
	Audit *audit.Keeper
	// Acts writes down what was refused; default nobody does.
	Acts *audit.Recorder
	// Recording is what links received; default: nothing is kept.
	Recording *recording.Recorder
	// Answered is told of every answer of an operation, beside the connection;
	// default nobody. It has to be quick.
	Answered func(operation string, status int, took time.Duration)
	// OldestEvent is the first sequence that the journal still has; default 1.
	OldestEvent func() uint64
	// Notifier sends to webhooks; whoever gives it runs it. Default: one without a
	// journal, so that no webhook can be made.
	Notifier *notify.Notifier
	// Mailer sends notifications by mail; default nobody does.
	Mailer Mailer
	// PerAddress and PerPrincipal bound the requests of one peer address and of
	// one signed-in actor. Default 500/s with 1,000 at once, 200/s with 600 at once.
	PerAddress, PerPrincipal Rate
	// Requests are those that were answered before, of the journal; default none.
	Requests *Requests
	Version  string
	Clock    func() time.Time // default time.Now
	Logger   *slog.Logger     // default slog.Default
}

// ListenerInfo is one receiver of telemetry, for the health page.
type ListenerInfo struct {
	Name          string
	Addr          string
	Signed        bool // vehicles can be registered there
	ReceiveBuffer int  // bytes that the kernel granted
	Counters      map[string]uint64
}

// JournalInfo is the state of the journal, for the health page.
type JournalInfo struct {
	State string // e.g. "ok", "read_only"
	Head  uint64 // newest sequence
}

// Server is the API, the live channel and the page.
type Server struct {
	cfg     Config
	log     *slog.Logger
	started time.Time
	cursors *cursors

	streams eventStreams
	exports recordingExports

	addresses, principals *throttle

	enrolling chan struct{} // holds one token while a secret of a vehicle and the decision about it are written

	live    *liveHub
	handler http.Handler
	spec    []byte // openapi.yaml
}

// New makes a server; it serves nothing before Serve or Handler is used.
func New(cfg Config) (*Server, error) {
	switch {
	case cfg.Register == nil, cfg.Pipeline == nil, cfg.Registry == nil, cfg.Book == nil, cfg.Bus == nil, cfg.Auth == nil:
		return nil, fmt.Errorf("%w: register, pipeline, registry, book, bus and auth are needed", ErrConfig)
	}
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: cfg.Logger, started: cfg.Clock(), cursors: newCursors(), enrolling: make(chan struct{}, 1)}
	s.addresses = newThrottle(cfg.PerAddress.or(Rate{PerSecond: 500, Burst: 1000}))
	s.principals = newThrottle(cfg.PerPrincipal.or(Rate{PerSecond: 200, Burst: 600}))
	s.exports = newRecordingExports()
	s.live = newLiveHub(s)
	if err := s.build(); err != nil {
		return nil, err
	}
	return s, nil
}

func (c *Config) setDefaults() error {
	if len(c.Features) == 0 {
		c.Features = json.RawMessage(`{"type":"FeatureCollection","features":[]}`)
	}
	if !json.Valid(c.Features) {
		return fmt.Errorf("%w: the zone's features are not JSON", ErrConfig)
	}
	for _, o := range c.AllowedOrigins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != o {
			return fmt.Errorf("%w: %q is not an origin such as https://ops.example.org", ErrConfig, o)
		}
	}
	if c.Health == nil {
		c.Health = func() []telemetry.Reason { return nil }
	}
	if c.Listeners == nil {
		c.Listeners = func() []ListenerInfo { return nil }
	}
	if c.Journal == nil {
		c.Journal = func() JournalInfo { return JournalInfo{State: "unknown"} }
	}
	if c.InForce == nil {
		c.InForce = func(string) bool { return true }
	}
	if c.InForceAt == nil {
		c.InForceAt = func(*geofence.Schedule, int64) (bool, int64) { return true, 0 }
	}
	if c.ModeName == nil {
		c.ModeName = func(_ *vehicles.Identity, mode uint32) string { return fmt.Sprintf("mode %d", mode) }
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Notifier == nil {
		var err error
		if c.Notifier, err = notify.New(notify.Config{Source: noJournal{}, Encode: EncodeEvent, Clock: c.Clock}); err != nil {
			return err
		}
	}
	if c.Orders == nil {
		var err error
		if c.Orders, err = command.New(command.Config{}); err != nil {
			return err
		}
	}
	if c.Bulk == nil {
		var err error
		if c.Bulk, err = bulk.New(bulk.Config{}); err != nil {
			return err
		}
	}
	if c.PermitEnd == nil {
		c.PermitEnd = func(context.Context, string) (*bulk.Preview, error) { return &bulk.Preview{Kind: bulk.End}, nil }
	}
	if c.Plans == nil {
		var err error
		if c.Plans, err = onboard.New(onboard.Config{}); err != nil {
			return err
		}
	}
	if c.Coverage == nil {
		var err error
		if c.Coverage, err = coverage.New(coverage.Config{}); err != nil {
			return err
		}
	}
	if c.Enforcement == nil {
		var err error
		if c.Enforcement, err = ladder.New(ladder.Config{Mode: ladder.Off}); err != nil {
			return err
		}
	}
	if c.OldestEvent == nil {
		c.OldestEvent = func() uint64 { return 1 }
	}
	if c.Requests == nil {
		c.Requests = NewRequests()
	}
	if c.VehicleSecrets == nil {
		var err error
		if c.VehicleSecrets, err = auth.OpenVehicleSecrets("", ""); err != nil {
			return err
		}
	}
	if c.Proof == nil {
		c.Proof = func(vehicles.VehicleID) VehicleProof { return VehicleProof{} }
	}
	if c.MaxSessions <= 0 {
		c.MaxSessions = 1000
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return nil
}

// Handler is the whole of the server as one handler.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on l until ctx ends, and then drains within three seconds: live
// sessions are told to come back, calls that run are finished. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		_ = s.Drain(context.WithoutCancel(ctx)) // sessions end within seconds
		return fmt.Errorf("serve http on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	// Who does not leave in time is cut off: that is no failure of the server.
	if err := errors.Join(s.Drain(drain), srv.Shutdown(drain)); err != nil {
		s.log.Warn("connections were cut off at the stop", "err", err)
		_ = srv.Close()
	}
	<-failed
	return nil
}

// Sessions is how many live sessions are open.
func (s *Server) Sessions() int { return s.live.count() }

// Drain ends the live sessions: each is told goodbye and closed with 1012. It
// returns when they are gone, or with the error of ctx.
func (s *Server) Drain(ctx context.Context) error {
	s.live.stop()
	return s.live.wait(ctx)
}
