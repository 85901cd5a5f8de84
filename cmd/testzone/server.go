package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/telemetry/live"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
	"testzone/web"
)

// serverConfig is a configuration with what does not come from a file.
type serverConfig struct {
	config
	tokenHash [32]byte
	features  json.RawMessage // overrides zone.features: the demo's map
	demo      bool
	log       *slog.Logger
	observe   func(*vehicles.Report) // see telemetry.Config
}

// server is the whole program, wired.
type server struct {
	cfg       serverConfig
	journal   *journal.Journal
	registry  *vehicles.Registry
	bus       *telemetry.Bus
	pipeline  *telemetry.Pipeline
	book      *telemetry.Book
	register  *airspace.Register
	listeners []*mavlink.Listener
	names     []string // of the listeners
	web       *web.Server
	http      net.Listener
	newestUS  int64 // time of the newest journal entry at the start

	whenStarted func() error // called once fences are in force and everything listens
}

// newServer opens the journal, rebuilds the state from it and binds every
// socket; nothing is received before run.
func newServer(cfg serverConfig) (_ *server, err error) {
	s := &server{cfg: cfg, bus: telemetry.NewBus()}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	zone := cfg.zone()
	s.journal, err = journal.Open(journal.Config{Dir: filepath.Join(cfg.DataDir, "journal"), Group: zone.ID, Logger: cfg.log})
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err = s.wire(zone); err != nil {
		return nil, err
	}
	if err = s.replay(); err != nil {
		return nil, err
	}
	if err = s.listen(); err != nil {
		return nil, err
	}
	s.web, err = s.newWeb()
	return s, err
}

func (s *server) wire(zone airspace.Zone) (err error) {
	if s.registry, err = vehicles.NewRegistry(newEpoch(), s.cfg.registrations()); err != nil {
		return err
	}
	s.pipeline, err = telemetry.New(telemetry.Config{
		Registry: s.registry,
		Engine:   geofence.NewEngine(geofence.Config{}),
		Bus:      s.bus,
		Grid:     live.Grid{Box: live.BBox{West: zone.South.Lon, South: zone.South.Lat, East: zone.North.Lon, North: zone.North.Lat}},
		Link:     vehicles.LinkLimits{DegradedUS: s.cfg.Link.Degraded.Microseconds(), LostUS: s.cfg.Link.Lost.Microseconds()},
		Observe:  s.cfg.observe,
	})
	if err != nil {
		return err
	}
	s.book = telemetry.NewBook(telemetry.BookConfig{Bus: s.bus, Journal: s.journal, Pipeline: s.pipeline})
	s.register, err = airspace.NewRegister(airspace.Config{
		Zone: zone, Journal: s.journal, SetFences: s.pipeline.SetFences,
		FenceChanged: func(f airspace.FenceRecord) {
			s.bus.Publish(f.UpdatedUS, &telemetry.FenceChange{ID: f.Fence.ID, Rev: f.Fence.Rev, Deleted: f.Deleted})
		},
	})
	return err
}

func (s *server) replay() error {
	begin, n := time.Now(), 0
	err := s.journal.Replay(1, func(rec journal.Record) error {
		n++
		s.newestUS = max(s.newestUS, rec.TimeUS)
		return errors.Join(s.register.Replay(rec), s.book.Replay(rec))
	})
	if err != nil {
		return fmt.Errorf("rebuild the state from the journal: %w", err)
	}
	s.cfg.log.Info("state rebuilt from the journal", "entries", n, "took_ms", time.Since(begin).Milliseconds())
	return nil
}

func (s *server) listen() (err error) {
	for _, m := range s.cfg.MAVLink {
		l, err := mavlink.Listen(mavlink.Config{
			Name: m.Name, Addr: m.Addr, Idle: m.Idle, Logger: s.cfg.log,
			Limits: mavlink.Limits{
				PerSource: m.Limits.PerSource, BurstPerSource: m.Limits.BurstPerSource,
				UnknownPerSource: m.Limits.UnknownPerSource, UnknownTotal: m.Limits.UnknownTotal,
			},
		}, &sink{registry: s.registry, pipeline: s.pipeline, operator: m.Operator})
		if err != nil {
			return fmt.Errorf("mavlink listener %s: %w", m.Name, err)
		}
		s.listeners = append(s.listeners, l)
		s.names = append(s.names, m.Name)
		s.cfg.log.Info("listening for mavlink", "listener", m.Name, "addr", l.Addr().String(), "mode", m.Mode, "receive_buffer_bytes", l.ReceiveBuffer())
	}
	s.http, err = s.cfg.listenHTTP()
	return err
}

// run serves until ctx ends, and then drains: first what comes in, then the
// core, and the journal last, so that every fact that was raised is written.
func (s *server) run(ctx context.Context) error {
	defer s.close()
	core, stopCore := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCore()
	in, stopIn := context.WithCancel(ctx)
	defer stopIn()

	var coreGroup, inGroup group
	coreGroup.start(stopIn, func() error { return s.pipeline.Run(core) })
	coreGroup.start(stopIn, func() error { return s.book.Run(core) })
	// Fences are in force before the first datagram is read.
	err := s.register.Start(in)
	if err == nil {
		for _, l := range s.listeners {
			inGroup.start(stopIn, func() error { return l.Run(in) })
		}
		inGroup.start(stopIn, func() error { return s.web.Serve(in, s.http) })
		if s.whenStarted != nil {
			if err = s.whenStarted(); err != nil {
				stopIn()
			}
		}
		inGroup.wait()
	}
	stopCore()
	coreGroup.wait()
	s.cfg.log.Info("stopped")
	return errors.Join(err, inGroup.err(), coreGroup.err())
}

func (s *server) close() {
	for _, l := range s.listeners {
		_ = l.Close()
	}
	if s.http != nil {
		_ = s.http.Close()
	}
	if s.journal != nil {
		if err := s.journal.Close(); err != nil {
			s.cfg.log.Error("journal did not close", "err", err)
		}
	}
}

// url is where people find the server.
func (s *server) url() string {
	scheme := "http"
	if s.cfg.HTTP.TLS.Cert != "" {
		scheme = "https"
	}
	return scheme + "://" + s.http.Addr().String()
}

// health collects why the system is degraded.
func (s *server) health() []telemetry.Reason {
	out := s.book.Health()
	if h := s.journal.Health(); h.Cause != nil {
		out = append(out, telemetry.Reason{Code: "journal_read_only", Text: fmt.Sprintf(
			"The journal accepts nothing since a write failed (%v). Fences and alerts go on, decisions are refused. Check the disk, then restart.", h.Cause)})
	}
	// SAFETY: the server's clock never runs behind the newest journal entry.
	if behind := time.Duration(s.newestUS-time.Now().UnixMicro()) * time.Microsecond; behind > time.Second {
		out = append(out, telemetry.Reason{Code: "clock_behind", Text: fmt.Sprintf(
			"This machine's clock is %v behind the newest journal entry: times shown are wrong. Set the clock, then restart.", behind.Round(time.Second))})
	}
	for _, name := range s.bus.Stalled() {
		out = append(out, telemetry.Reason{Code: "subscriber_stalled", Text: "The " + name + " is behind: what it does comes late. The machine may be overloaded."})
	}
	return out
}

// group runs goroutines; the first that fails stops the others.
type group struct {
	wg   sync.WaitGroup
	mu   sync.Mutex // guards errs
	errs []error
}

func (g *group) start(stop func(), run func() error) {
	g.wg.Go(func() {
		defer stop()
		if err := run(); err != nil && !errors.Is(err, context.Canceled) {
			g.mu.Lock()
			g.errs = append(g.errs, err)
			g.mu.Unlock()
		}
	})
}

func (g *group) wait() { g.wg.Wait() }

func (g *group) err() error { return errors.Join(g.errs...) }

func newEpoch() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return binary.LittleEndian.Uint32(b[:]) | 1
}

func (c *serverConfig) zone() airspace.Zone {
	b := c.Zone.BBox
	return airspace.Zone{
		ID: c.Zone.ID, Name: c.Zone.Name, TZ: c.Zone.TZ,
		South: geo.Point{Lon: degE7(b[0]), Lat: degE7(b[1])}, North: geo.Point{Lon: degE7(b[2]), Lat: degE7(b[3])},
	}
}

func degE7(deg float64) int32 { return int32(math.Round(deg * 1e7)) }

// mapFeatures reads the zone's own map.
func (c *serverConfig) mapFeatures() (json.RawMessage, error) {
	if c.features != nil {
		return c.features, nil
	}
	if c.Zone.Features == "" {
		return json.RawMessage(`{"type":"FeatureCollection","features":[]}`), nil
	}
	raw, err := os.ReadFile(c.Zone.Features)
	if err != nil {
		return nil, fmt.Errorf("zone.features: %w", err)
	}
	if !json.Valid(raw) {
		return nil, fmt.Errorf("zone.features: %s is not JSON", c.Zone.Features)
	}
	return raw, nil
}
