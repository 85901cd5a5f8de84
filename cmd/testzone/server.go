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
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"testzone/airspace"
	"testzone/airspace/document"
	"testzone/airspace/permit"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/audit"
	"testzone/telemetry/command"
	"testzone/telemetry/command/bulk"
	"testzone/telemetry/command/ladder"
	"testzone/telemetry/command/onboard"
	"testzone/telemetry/coverage"
	"testzone/telemetry/journal"
	"testzone/telemetry/live"
	"testzone/telemetry/mavlink"
	"testzone/telemetry/mavlink/gateway"
	"testzone/telemetry/priority"
	"testzone/telemetry/recording"
	"testzone/telemetry/watchdog"
	"testzone/vehicles"
	"testzone/web"
	"testzone/web/admin"
	"testzone/web/auth"
	"testzone/web/notify"
	"testzone/web/notify/mail"
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
	engine    *geofence.Engine
	bus       *telemetry.Bus
	pipeline  *telemetry.Pipeline
	book      *telemetry.Book
	separator *telemetry.Separator
	traffic   *telemetry.Traffic
	check     *telemetry.IdentityCheck
	register  *airspace.Register
	warden    *telemetry.Warden
	priority  *priority.Watch
	enrolled  *enrolment // nil until the register was rebuilt
	talk      *talk
	orders    *command.Dispatcher
	ladders   *ladder.Enforcer
	bulk      *bulk.Giver
	homes     *homes
	operating *operating // under which permit vehicles move
	plans     *onboard.Plans
	coverage  *coverage.Ledger
	notifier  *notify.Notifier
	mailer    *mail.Mailer        // nil: no mails
	requests  *web.Requests       // that were answered before, by Idempotency-Key
	recorder  *recording.Recorder // nil: recording is off
	listeners []receiver
	names     []string        // of the listeners
	gateways  *gateway.Server // nil: off
	web       *web.Server
	auth      *auth.Authenticator
	http      net.Listener
	newestUS  int64         // time of the newest journal entry at the start
	schema    uint32        // of snapshots, see programSchema
	snapped   uint64        // last entry of the newest snapshot that can be used
	full      atomic.Uint64 // sources that could not be followed
	watch     lossWatch
	waits     waitWatch

	admin         *admin.Server // nil: off
	adminListener net.Listener
	alertLatency  prometheus.Histogram
	durations     durations
	heart         *watchdog.Heart
	keeper        *audit.Keeper
	acts          *audit.Recorder
	documents     *document.Store
	blind         *watchdog.Gap // before this start; nil: the zone is new

	whenStarted func() error // called once fences are in force and everything listens
}

// lookAheadS is how far ahead breaches and conflicts are predicted, seconds.
const lookAheadS = 10

// newServer opens the journal, rebuilds the state from it and binds every
// socket; nothing is received before run.
func newServer(ctx context.Context, cfg serverConfig) (_ *server, err error) {
	s := &server{cfg: cfg, bus: telemetry.NewBus(nil), requests: web.NewRequests(), schema: programSchema()}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	zone := cfg.zone()
	s.journal, err = journal.Open(journal.Config{Dir: filepath.Join(cfg.DataDir, "journal"), Group: zone.ID, Logger: cfg.log, Synced: s.durations.synced})
	if err != nil {
		return nil, err
	}
	if err = s.newAudit(zone.ID); err != nil {
		return nil, err
	}
	if err = s.wire(zone); err != nil {
		return nil, err
	}
	if err = s.newOrders(); err != nil {
		return nil, err
	}
	if err = s.newPlans(); err != nil {
		return nil, err
	}
	if err = s.newEnforcement(); err != nil {
		return nil, err
	}
	if s.notifier, err = s.newNotifier(); err != nil {
		return nil, err
	}
	if err = s.replay(ctx); err != nil {
		return nil, err
	}
	if err = s.sweepDocuments(); err != nil {
		return nil, err
	}
	if s.enrolled, err = s.newEnrolment(); err != nil {
		return nil, err
	}
	if s.talk, err = s.newTalk(); err != nil {
		return nil, err
	}
	if err = s.newRecorder(); err != nil {
		return nil, err
	}
	if err = s.listen(); err != nil {
		return nil, err
	}
	if s.web, err = s.newWeb(); err != nil {
		return nil, err
	}
	return s, errors.Join(s.newAdmin(), s.newHeart())
}

func (s *server) wire(zone airspace.Zone) (err error) {
	if s.registry, err = vehicles.NewRegistry(newEpoch(), s.cfg.registrations()); err != nil {
		return err
	}
	if err = s.newCoverage(zone); err != nil {
		return err
	}
	s.engine = geofence.NewEngine(s.cfg.engineConfig(zone))
	s.pipeline, err = telemetry.New(telemetry.Config{
		Registry: s.registry,
		Engine:   s.engine,
		Bus:      s.bus,
		Grid:     live.Grid{Box: box(zone)},
		Link:     vehicles.LinkLimits{DegradedUS: s.cfg.Link.Degraded.Microseconds(), LostUS: s.cfg.Link.Lost.Microseconds()},
		Observe:  s.cfg.observe,
		Looked:   s.coverage.Look,

		LookAheadS: lookAheadS,
	})
	if err != nil {
		return err
	}
	if err = s.newTraffic(); err != nil {
		return err
	}
	s.separator, err = telemetry.NewSeparator(telemetry.SeparatorConfig{
		Pipeline: s.pipeline, Bus: s.bus, Traffic: s.traffic, Separation: geofence.SeparationConfig{HorizonS: lookAheadS},
	})
	if err != nil {
		return err
	}
	s.book = telemetry.NewBook(telemetry.BookConfig{Bus: s.bus, Journal: s.journal, Pipeline: s.pipeline, SectorsAt: zone.SectorsAt})
	if s.documents, err = s.newDocuments(); err != nil {
		return err
	}
	var documents airspace.DocumentStore
	if s.documents != nil {
		documents = s.documents
	}
	s.register, err = airspace.NewRegister(airspace.Config{
		Documents: documents, DocumentsOptional: s.cfg.Permits.Documents == documentsOptional,
		Zone: zone, Place: s.cfg.Zone.Place, Journal: s.journal, SetFences: s.pipeline.SetFences,
		Vehicles: s.cfg.registrations(), Listeners: s.cfg.signedListeners(), OpenListeners: s.cfg.listenersWhere(false),
		Moves: func(v string) bool { return s.enrolled.moves(v) }, FleetChanged: func() { s.enrolled.apply() },
		StateChanged:      func(airspace.ZoneStatus) { s.stateChanged() },
		PrioritiesChanged: func() { s.priority.Wake() },
		Open:              s.engine.InForceAt,
		NoticeDue:         s.noticeDue,
		DutyChanged:       func() { s.bus.Publish(time.Now().UnixMicro(), &telemetry.DutyChange{}) },
		PermitChanged:     func(permit.Permit) { s.operating.changed.Store(true) },
		NotEnforced:       s.notEnforced,
		Noticed:           s.noticed,
		FenceChanged: func(f airspace.FenceRecord) {
			s.bus.Publish(f.UpdatedUS, &telemetry.FenceChange{ID: f.Fence.ID, Rev: f.Fence.Rev, Deleted: f.Deleted})
		},
	})
	s.operating = s.newOperating()
	s.warden = s.newWarden(zone)
	if err != nil {
		return err
	}
	return s.newPriority()
}

func (s *server) replay(ctx context.Context) error {
	begin, n := time.Now(), 0
	st := s.state()
	s.snapped = s.loadSnapshot(st)
	err := s.journal.Replay(1, func(rec journal.Record) error {
		n++
		s.newestUS = max(s.newestUS, rec.TimeUS)
		err := errors.Join(ctx.Err(), s.keeper.Replay(rec), s.notifier.Replay(rec))
		if rec.Seq <= s.snapped {
			return err
		}
		return errors.Join(err, st.replay(rec))
	})
	if err != nil {
		return fmt.Errorf("rebuild the state from the journal: %w", err)
	}
	s.cfg.log.Info("state rebuilt from the journal", "entries", n, "of_snapshot", s.snapped, "took_ms", time.Since(begin).Milliseconds())
	return nil
}

func (s *server) listen() (err error) {
	for _, m := range s.cfg.MAVLink {
		record, err := s.recordLink(m.Name)
		if err != nil {
			return err
		}
		cfg := mavlink.Config{
			Name: m.Name, Addr: m.address(), Idle: m.Idle, Recorder: record, Logger: s.cfg.log, Traffic: s.traffic,
			Limits: mavlink.Limits{
				PerSource: m.Limits.PerSource, BurstPerSource: m.Limits.BurstPerSource,
				UnknownPerSource: m.Limits.UnknownPerSource, UnknownTotal: m.Limits.UnknownTotal,
			},
		}
		to := &sink{registry: s.registry, pipeline: s.pipeline, operator: m.Operator, check: s.check, full: &s.full}
		if m.Mode == modeSigned {
			s.enrolled.sign(&cfg, to, s.newestUS)
			to.talk = s.talk
		}
		l, err := openReceiver(&m, cfg, to)
		if err != nil {
			return fmt.Errorf("mavlink listener %s: %w", m.Name, err)
		}
		if to.talk != nil {
			to.talk.sender.Attach(l)
		}
		s.listeners = append(s.listeners, l)
		s.names = append(s.names, m.Name)
	}
	if err = s.newGateways(); err != nil {
		return err
	}
	s.http, err = s.cfg.listenHTTP()
	return err
}

// stopTime is how long a stopping server takes at most.
const stopTime = 4500 * time.Millisecond

var errStuck = errors.New("the server did not stop in time: a disk or a peer did not answer")

// run serves until ctx ends. Then it stops in the order in which things flow:
// what comes in, the pipeline, which judges what it has, the alert book, which
// writes every fact, the recording, and the journal. A part that is stuck is left behind.
func (s *server) run(ctx context.Context) error {
	stopping, stop := context.WithCancel(ctx)
	defer stop()
	pipeline := startStage(stop, ctx, s.pipeline.Run, s.separator.Run, s.traffic.Run, s.warden.Run, s.priority.Run)
	// Signing timestamps are written for the last time when nothing is received any more.
	book := startStage(stop, ctx, s.book.Run, s.orders.Run, s.bulk.Run, s.coverage.Run, s.ladders.Run, s.plans.Run, s.keeper.Run, s.acts.Run, s.enrolled.stamps.Run, s.keepSnapshots)
	kept := s.startRecording(stop, ctx)
	// Fences are in force before the first datagram is read.
	err := s.register.Start(stopping)
	var in stage
	if err == nil {
		runs := []func(context.Context) error{func(ctx context.Context) error { return s.web.Serve(ctx, s.http) }, s.notifier.Run, s.auth.Run, s.runPermits, s.enrolled.run, s.tendPlaces, s.tendNotices, s.talk.sender.Run, s.talk.exchange.Run}
		if s.mailer != nil {
			runs = append(runs, s.mailer.Run)
		}
		for _, l := range s.listeners {
			runs = append(runs, l.Run)
		}
		if s.gateways != nil {
			runs = append(runs, s.gateways.Run)
		}
		runs = append(runs, s.heart.Run)
		if s.admin != nil {
			runs = append(runs, s.observeAlerts, func(ctx context.Context) error { return s.admin.Run(ctx, s.adminListener) })
		}
		in = startStage(stop, ctx, runs...)
		if err = s.tellBlind(stopping); err == nil && s.whenStarted != nil {
			err = s.whenStarted()
		}
	}
	if err != nil {
		stop()
	}
	<-stopping.Done()
	late := time.After(stopTime)
	for _, st := range []stage{in, pipeline, book, kept} {
		if !st.end(late) {
			s.cfg.log.Error("not stopped in time", "alert_facts_unwritten", s.book.Unwritten())
			return errors.Join(err, errStuck)
		}
		err = errors.Join(err, st.err())
	}
	s.lastSnapshot(late)
	s.close()
	s.cfg.log.Info("stopped")
	return err
}

func (s *server) close() {
	for _, l := range s.listeners {
		_ = l.Close()
	}
	if s.gateways != nil {
		_ = s.gateways.Close()
	}
	for _, l := range []net.Listener{s.http, s.adminListener} {
		if l != nil {
			_ = l.Close()
		}
	}
	if s.recorder != nil {
		_ = s.recorder.Close() // gives the folder up when it never ran
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
		Sectors: c.Zone.sectors(),
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
	return readFeatures(c.Zone.Features)
}
