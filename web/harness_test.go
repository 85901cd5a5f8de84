package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"testzone/airspace"
	"testzone/airspace/document"
	"testzone/airspace/notice"
	"testzone/airspace/route"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command/bulk"
	"testzone/telemetry/coverage"
	"testzone/telemetry/journal"
	"testzone/telemetry/live"
	"testzone/telemetry/priority"
	"testzone/telemetry/recording"
	"testzone/vehicles"
	"testzone/web/auth"
	"testzone/web/notify"
)

const (
	adminToken    = "token-of-the-administrator"
	observerToken = "token-of-an-observer-only"
)

// testZone is a whole zone with its real parts, served on a port of its own.
type testZone struct {
	t        *testing.T
	server   *Server
	registry *vehicles.Registry
	engine   *geofence.Engine
	pipeline *telemetry.Pipeline
	traffic  *telemetry.Traffic
	register *airspace.Register
	book     *telemetry.Book
	warden   *telemetry.Warden
	coverage *coverage.Ledger
	priority *priority.Watch
	bus      *telemetry.Bus
	journal  *journal.Journal
	clock    *offsetClock
	log      *syncBuffer
	wire     *orderRig
	plans    *planRig
	url      string
	stop     func() error // ends Serve and returns its error; once
	spec     routers.Router
}

type zoneOptions struct {
	features json.RawMessage
	ui       fs.FS
	health   func() []telemetry.Reason
	origins  []string
	sessions int
	// documents: the zone keeps them, and an application is complete only with its own.
	documents bool
	// documentsOptional: and with those that another system keeps.
	documentsOptional bool
	inForce           func(string) bool
	schedule          bool // a fence is in force when the engine says so, and not always

	perAddress, perPrincipal Rate
	oldest                   func() uint64
	debug                    bool // log every request
	oidc                     *auth.OIDCConfig
	audited                  bool // with acts and checkpoints in the journal
	sectors                  []airspace.Sector
	recording                *recording.Recorder
	moves                    func(vehicle string) bool
	proof                    func(vehicles.VehicleID) VehicleProof
}

// offsetClock is the real clock plus an offset that a test turns.
type offsetClock struct {
	mu     sync.Mutex // guards the fields below
	offset time.Duration
}

func (c *offsetClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *offsetClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

type syncBuffer struct {
	mu sync.Mutex // guards the fields below
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func testGrid() live.Grid {
	return live.Grid{Box: live.BBox{West: 1219000000, South: 308500000, East: 1219600000, North: 309500000}}
}

func newTestZone(t *testing.T, opt zoneOptions) *testZone {
	t.Helper()
	z := &testZone{t: t, clock: &offsetClock{}, log: &syncBuffer{}, bus: telemetry.NewBus(nil)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	j, err := journal.Open(journal.Config{Dir: t.TempDir(), SegmentBytes: 1 << 20})
	must(err)
	z.journal = j
	acts, keeper := z.audit(opt.audited)
	configured := []vehicles.Registration{{ID: "uav-1", Name: "One", Class: vehicles.UAV, Operator: "acme"}}
	z.registry, err = vehicles.NewRegistry(4_000_000_007, configured)
	must(err)
	z.coverage, err = coverage.New(coverage.Config{Journal: j, Bus: z.bus, Box: testGrid().Box, Clock: z.clock.now})
	must(err)
	z.engine = geofence.NewEngine(geofence.Config{})
	if opt.schedule {
		opt.inForce = z.engine.InForce
	}
	z.pipeline, err = telemetry.New(telemetry.Config{
		Registry: z.registry, Engine: z.engine, Bus: z.bus, Grid: testGrid(), Shards: 2,
		Looked: func(at int64, looks []telemetry.EnforcementLook) { z.coverage.Look(at, looks) },
	})
	must(err)
	z.traffic, err = telemetry.NewTraffic(telemetry.TrafficConfig{Registry: z.registry, Pipeline: z.pipeline})
	must(err)
	z.book = telemetry.NewBook(telemetry.BookConfig{Bus: z.bus, Journal: j, Pipeline: z.pipeline, Clock: z.clock.now, SectorsAt: (&airspace.Zone{Sectors: opt.sectors}).SectorsAt})
	box := testGrid().Box
	var files *document.Store
	var kept airspace.DocumentStore
	if opt.documents {
		files, err = document.Open(document.Config{Dir: filepath.Join(t.TempDir(), "documents"), Key: bytes.Repeat([]byte{7}, 32), MinFreeBytes: 1})
		must(err)
		kept = files
	}
	z.register, err = airspace.NewRegister(airspace.Config{
		Documents: kept, DocumentsOptional: opt.documentsOptional,
		Zone: airspace.Zone{
			ID: "lingang", Name: "Lingang", TZ: "Asia/Shanghai",
			South: geo.Point{Lat: box.South, Lon: box.West}, North: geo.Point{Lat: box.North, Lon: box.East},
			Sectors: opt.sectors,
		},
		Journal: j, SetFences: z.pipeline.SetFences, Clock: z.clock.now, Vehicles: configured, Listeners: []string{"signed"}, Moves: opt.moves,
		StateChanged: func(airspace.ZoneStatus) {
			z.bus.Publish(z.clock.now().UnixMicro(), &telemetry.ZoneChange{})
			z.warden.Wake()
		},
		Noticed:     func(list []notice.Notice) { z.bus.Publish(z.clock.now().UnixMicro(), NotificationChange(list)) },
		DutyChanged: func() { z.bus.Publish(z.clock.now().UnixMicro(), &telemetry.DutyChange{}) },
		FenceChanged: func(r airspace.FenceRecord) {
			z.bus.Publish(r.UpdatedUS, &telemetry.FenceChange{ID: r.Fence.ID, Rev: r.Fence.Rev, Deleted: r.Deleted})
		},
	})
	must(err)
	z.warden = telemetry.NewWarden(telemetry.WardenConfig{
		Pipeline: z.pipeline, Bus: z.bus, Inside: func(geo.Point) bool { return true },
		Restriction: func() telemetry.Restriction { return RestrictionOf(z.register.State()) },
	})
	z.priority, err = priority.New(priority.Config{
		Tracks: func(ctx context.Context) ([]telemetry.TrackView, error) {
			return z.pipeline.Tracks(ctx, telemetry.WholeZone())
		},
		Traffic: func() []telemetry.TrafficView { return z.traffic.Tracks(telemetry.WholeZone()) },
		Keepouts: func() (out []priority.Keepout) {
			for _, p := range z.register.Priorities(false) {
				out = append(out, KeepoutOf(&p))
			}
			return out
		},
		Bus: z.bus, Engine: z.engine, Clock: z.clock.now,
	})
	must(err)
	secrets, err := auth.OpenSecrets(t.TempDir(), filepath.Join(t.TempDir(), "secrets.key"))
	must(err)
	authenticator, err := auth.New(auth.Config{Clock: z.clock.now, Accounts: z.register, Secrets: secrets, OIDC: opt.oidc, Events: actsOf(acts), Tokens: []auth.Token{
		auth.Bootstrap(adminToken),
		{Secret: observerToken, Actor: airspace.Actor{ID: "olga", Name: "Olga", Roles: []airspace.Role{airspace.Observer}}},
	}})
	must(err)
	level := slog.LevelInfo
	if opt.debug {
		level = slog.LevelDebug
	}
	notifier, err := notify.New(notify.Config{Source: j, Encode: EncodeEvent, Clock: z.clock.now})
	must(err)
	vehicleSecrets, err := auth.OpenVehicleSecrets(t.TempDir(), filepath.Join(t.TempDir(), "secrets.key"))
	must(err)
	orders := z.newOrders()
	many, err := bulk.New(bulk.Config{Orders: orders, Zone: z.wire, Journal: z.journal, Clock: z.clock.now})
	must(err)
	plans := z.newPlans(orders)
	z.server, err = New(Config{
		Routes: route.NewPlanner(z.engine, geo.Box{MinLat: box.South, MinLon: box.West, MaxLat: box.North, MaxLon: box.East}, 4),
		Orders: orders, Bulk: many, Plans: plans, Coverage: z.coverage, Notifier: notifier, Traffic: z.traffic, Warden: z.warden, Priority: z.priority,
		VehicleSecrets: vehicleSecrets, Proof: opt.proof, Documents: files,
		Register: z.register, Pipeline: z.pipeline, Registry: z.registry, Book: z.book, Bus: z.bus, Auth: authenticator,
		Features: opt.features, UI: opt.ui, Health: opt.health, AllowedOrigins: opt.origins, MaxSessions: opt.sessions, InForce: opt.inForce, InForceAt: z.engine.InForceAt,
		Listeners: func() []ListenerInfo {
			return []ListenerInfo{{Name: "open", Addr: "127.0.0.1:14550", ReceiveBuffer: 1 << 20, Counters: map[string]uint64{"datagrams": 3}}}
		},
		Journal: func() JournalInfo {
			h := j.Health()
			return JournalInfo{State: string(h.State), Head: h.Head}
		},
		Recording: opt.recording, Audit: keeper, Acts: acts, Events: j, OldestEvent: opt.oldest, PerAddress: opt.perAddress.or(Rate{PerSecond: 1e6}), PerPrincipal: opt.perPrincipal.or(Rate{PerSecond: 1e6}),
		Version: "test", Clock: z.clock.now, Logger: slog.New(slog.NewJSONHandler(z.log, &slog.HandlerOptions{Level: level})),
	})
	must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	z.url = "http://" + l.Addr().String()

	ctx, cancel := context.WithCancel(context.Background())
	serveCtx, stopServing := context.WithCancel(ctx)
	var parts sync.WaitGroup
	served := make(chan error, 1)
	go func() { served <- z.server.Serve(serveCtx, l) }()
	z.stop = sync.OnceValue(func() error { stopServing(); return <-served })
	parts.Go(func() { _ = z.pipeline.Run(ctx) })
	parts.Go(func() { _ = z.book.Run(ctx) })
	parts.Go(func() { _ = orders.Run(ctx) })
	parts.Go(func() { _ = many.Run(ctx) })
	parts.Go(func() { _ = plans.Run(ctx) })
	parts.Go(func() { _ = z.warden.Run(ctx) })
	parts.Go(func() { _ = z.coverage.Run(ctx) })
	if opt.audited {
		parts.Go(func() { _ = acts.Run(ctx) })
		parts.Go(func() { _ = keeper.Run(ctx) })
	}
	t.Cleanup(func() {
		if err := z.stop(); err != nil {
			t.Errorf("serve: %v", err)
		}
		cancel()
		parts.Wait()
		if err := j.Close(); err != nil {
			t.Errorf("close journal: %v", err)
		}
	})
	z.spec = specRouter(t, z.server.spec)
	return z
}

// specRouters are by document: every zone of a test has the same, and to read it takes
// longer than all else of a zone.
var specRouters sync.Map

func specRouter(t *testing.T, spec []byte) routers.Router {
	t.Helper()
	if r, ok := specRouters.Load(string(spec)); ok {
		return r.(routers.Router)
	}
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		t.Fatalf("openapi.yaml does not load: %v", err)
	}
	doc.Servers = nil // of whatever host
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatalf("openapi.yaml does not route: %v", err)
	}
	specRouters.Store(string(spec), router)
	return router
}

// reply is an answer with its body read.
type reply struct {
	*http.Response
	body []byte
}

func (r reply) json(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(r.body, into); err != nil {
		t.Fatalf("answer %d is not JSON: %v: %s", r.StatusCode, err, r.body)
	}
}

func (r reply) problem(t *testing.T) Problem {
	t.Helper()
	if ct := r.Header.Get("Content-Type"); ct != problemJSON {
		t.Fatalf("answer %d has content type %q: %s", r.StatusCode, ct, r.body)
	}
	var p Problem
	r.json(t, &p)
	if p.Status != r.StatusCode || p.Code == "" || p.RequestID == "" || p.RequestID != r.Header.Get("X-Request-Id") {
		t.Errorf("problem is not complete: %s", r.body)
	}
	return p
}

// call makes a request. header is pairs of names and values; an empty token
// sends none. Every answer of a documented operation is checked against
// openapi.yaml.
func (z *testZone) call(token, method, path, body string, header ...string) reply {
	z.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, z.url+path, reader)
	if err != nil {
		z.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		z.t.Fatal(err)
	}
	out := z.read(res)
	z.check(req, out)
	return out
}

// read takes an answer in whole.
func (z *testZone) read(res *http.Response) reply {
	z.t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		z.t.Fatal(err)
	}
	return reply{res, body}
}

// check holds the answer against the committed document.
func (z *testZone) check(req *http.Request, r reply) {
	z.t.Helper()
	route, params, err := z.spec.FindRoute(req)
	if err != nil {
		return // not an operation
	}
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: r.StatusCode, Header: r.Header, Body: io.NopCloser(bytes.NewReader(r.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		z.t.Errorf("%s %s answers what openapi.yaml does not say: %v", req.Method, req.URL.Path, err)
	}
}

// open makes a vehicle that is followed.
func (z *testZone) open(system uint8, class vehicles.Class) *vehicles.Identity {
	z.t.Helper()
	id, err := z.registry.OpenUnverified(vehicles.Source{Listener: "open", Address: "127.0.0.1:5000", SystemID: system, ComponentID: 1, MAVType: 2, Autopilot: 3}, class, "")
	if err != nil {
		z.t.Fatal(err)
	}
	return id
}

// report says where a vehicle is: degrees and metres above sea level.
func (z *testZone) report(id *vehicles.Identity, lat, lon, amsl float64) {
	now := time.Now().UnixMicro()
	var fix geo.Fix
	fix.Point = geo.Point{Lat: degE7(lat), Lon: degE7(lon)}
	fix.Heights.Set(geo.AMSL, int32(amsl*1000))
	fix.Heights.Set(geo.Takeoff, int32(amsl*1000))
	z.pipeline.Reports([]vehicles.Report{
		{Handle: id.Handle, Has: vehicles.HasHeartbeat, ReceivedUS: now, Armed: true, Status: vehicles.Active, Mode: 4},
		{Handle: id.Handle, Has: vehicles.HasPosition, ReceivedUS: now, Fix: fix, Velocity: vehicles.Velocity{N: 500}, Heading: 27135},
	})
}

// eventually asks again and again until done says so: what it waits for has no
// signal of its own.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	timeout := time.NewTimer(10 * time.Second)
	defer timeout.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-timeout.C:
			t.Fatalf("timed out: %s", what)
		}
	}
}

// recorder is a ResponseWriter for what cannot be provoked over the network.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func (r *recorder) request(method, path string) *http.Request {
	req, err := http.NewRequest(method, path, nil)
	if err != nil {
		panic(err)
	}
	return req
}
