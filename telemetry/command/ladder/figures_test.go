package ladder

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/journal"
	"testzone/telemetry/mavlink"
	"testzone/telemetry/mavlink/dialogue"
	"testzone/vehicles"
)

var figures = flag.Bool("figures", false, "print the figures of make bench-control; without it a short form runs")

// firing is a server from the pipeline to signed frames on a real socket, and the
// vehicles at its other end.
type firing struct {
	*testing.T
	registry *vehicles.Registry
	pipeline *telemetry.Pipeline
	exchange *dialogue.Exchange
	orders   *command.Dispatcher
	e        *Enforcer
	server   net.PacketConn // that orders leave from
	vehicle  net.PacketConn // where they arrive: one socket of all vehicles
	keys     map[vehicles.Handle]*mavlink.Credential

	mu      sync.Mutex // guards the fields below
	arrived map[uint8]chan time.Time
	bare    map[uint8]chan time.Time // likewise, of datagrams that nothing is behind
}

// Route is mavlink.Link's: a handle's low byte is its system id.
func (r *firing) Route(h vehicles.Handle) (mavlink.Route, bool) {
	id := r.registry.Identity(h)
	if id == nil {
		return mavlink.Route{}, false
	}
	return mavlink.Route{
		Handle: h, Addr: r.vehicle.LocalAddr().(*net.UDPAddr).AddrPort(), SystemID: id.Source.SystemID, Autopilot: 1,
		Credential: r.keys[h],
	}, true
}

// Write is mavlink.Link's.
func (r *firing) Write(to netip.AddrPort, frame []byte) error {
	_, err := r.server.WriteTo(frame, net.UDPAddrFromAddrPort(to))
	return err
}

// Command is command.Wire's.
func (r *firing) Command(ctx context.Context, h vehicles.Handle, c command.Command) error {
	_, err := r.exchange.Command(ctx, h, dialogue.Command{ID: c.ID, Params: c.Params})
	if errors.Is(err, dialogue.ErrNoAnswer) {
		return fmt.Errorf("%w: %w", command.ErrNoAnswer, err)
	}
	return err
}

// Identity is Fleet's.
func (r *firing) Identity(id vehicles.VehicleID) *vehicles.Identity {
	h, _ := r.registry.Lookup(id)
	return r.registry.Identity(h)
}

// Track is Fleet's.
func (r *firing) Track(ctx context.Context, h vehicles.Handle) (telemetry.TrackView, bool, error) {
	return r.pipeline.Track(ctx, telemetry.WholeZone(), h)
}

// Home is command.Fleet's.
func (r *firing) Home(vehicles.VehicleID) (geo.Point, bool) { return base, true }

// ModeName is Fleet's.
func (r *firing) ModeName(*vehicles.Identity, uint32) string { return "auto" }

// ByHand is Fleet's.
func (r *firing) ByHand(*vehicles.Identity, uint32) bool { return false }

// hear stamps the first order that each vehicle gets.
func (r *firing) hear() {
	buf := make([]byte, 2048)
	for {
		n, _, err := r.vehicle.ReadFrom(buf)
		if err != nil {
			return
		}
		now := time.Now()
		r.mu.Lock()
		bare := r.bare[buf[0]]
		r.mu.Unlock()
		if n == 1 {
			bare <- now
			continue
		}
		const msgid, target = 7, 10 + 30 // COMMAND_LONG: target_system is byte 30 of its payload
		if raw, _, ok := mavlink.NextFrame(buf[:n]); !ok || raw[msgid] != 76 || len(raw) <= target {
			continue
		}
		r.mu.Lock()
		c := r.arrived[buf[target]]
		r.mu.Unlock()
		select {
		case c <- now:
		default:
		}
	}
}

func newFiring(t *testing.T, fleet, crowd int) (*firing, []*vehicles.Identity, []*vehicles.Identity) {
	t.Helper()
	r := &firing{T: t, arrived: map[uint8]chan time.Time{}, bare: map[uint8]chan time.Time{}, keys: map[vehicles.Handle]*mavlink.Credential{}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var regs []vehicles.Registration
	for i := range fleet + crowd {
		regs = append(regs, vehicles.Registration{ID: vehicles.VehicleID(fmt.Sprint("uav-", i)), Class: vehicles.UAV, Operator: "acme"})
	}
	var err error
	r.registry, err = vehicles.NewRegistry(1, regs)
	must(err)
	bus := telemetry.NewBus(nil)
	r.pipeline, err = telemetry.New(telemetry.Config{Registry: r.registry, Engine: geofence.NewEngine(geofence.Config{}), Bus: bus, LookAheadS: 10})
	must(err)
	j, err := journal.Open(journal.Config{Dir: t.TempDir()})
	must(err)
	r.server, err = net.ListenPacket("udp4", "127.0.0.1:0")
	must(err)
	r.vehicle, err = net.ListenPacket("udp4", "127.0.0.1:0")
	must(err)
	sender, err := mavlink.NewSender(mavlink.SenderConfig{})
	must(err)
	sender.Attach(r)
	r.exchange, err = dialogue.New(dialogue.Config{Sender: sender})
	must(err)
	r.orders, err = command.New(command.Config{Wire: r, Fleet: r, Journal: j})
	must(err)
	r.e, err = New(Config{Orders: r.orders, Fleet: r, Bus: bus, Journal: j})
	must(err)
	book := telemetry.NewBook(telemetry.BookConfig{Bus: bus, Journal: j, Pipeline: r.pipeline})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{r.pipeline.Run, r.orders.Run, r.e.Run, r.exchange.Run, book.Run} {
		running.Go(func() { _ = run(ctx) })
	}
	running.Go(r.hear)
	t.Cleanup(func() {
		cancel()
		_, _ = r.vehicle.Close(), r.server.Close()
		running.Wait()
		must(j.Close())
	})
	var ids []*vehicles.Identity
	for i, reg := range regs {
		id, err := r.registry.OpenVerified(reg.ID, vehicles.Source{Listener: "l", SystemID: uint8(i%250 + 1), MAVType: 2, Autopilot: 3})
		must(err)
		r.keys[id.Handle] = &mavlink.Credential{Vehicle: id.ID, SystemID: id.Source.SystemID, Key: mavlink.Key{1, byte(i)}, Stamps: &mavlink.Stamps{}}
		ids = append(ids, id)
	}
	for _, id := range ids[:fleet] { // nobody orders the crowd
		sender.Open(id.Handle)
		r.exchange.Open(id.Handle, mavlink.Source{Vehicle: id.ID, SystemID: id.Source.SystemID, MAVType: 2, Autopilot: 3})
	}
	for r.e.Confirm(t.Context(), "ann", "a test") != nil { // until it runs
		pause(time.Millisecond)
	}
	w := &world{t: t}
	must(r.pipeline.SetFences(ctx, []*geofence.Compiled{w.fence("f", geofence.Hold, 100)}))
	return r, ids[:fleet], ids[fleet:]
}

// breach flies a vehicle into the fence, and is how long after the sample that
// completes the evidence its order was on the wire; and how long a bare datagram
// takes that leaves with that sample: what the machine is busy with besides.
func (r *firing) breach(id *vehicles.Identity, east float64) (took, bare time.Duration) {
	got, back := make(chan time.Time, 1), make(chan time.Time, 1)
	r.mu.Lock()
	r.arrived[id.Source.SystemID], r.bare[id.Source.SystemID] = got, back
	r.mu.Unlock()
	var sent time.Time
	for i := range 5 { // two before the fence, three in it
		sent = time.Now()
		r.pipeline.Reports(sampleOf(id, geo.Moved(base, 98.6+float64(i), east), uint32(1000+100*i)))
		if i < 4 {
			pause(100 * time.Millisecond)
		}
	}
	go func() { _, _ = r.server.WriteTo([]byte{id.Source.SystemID}, r.vehicle.LocalAddr()) }()
	bare = (<-back).Sub(sent)
	select {
	case at := <-got:
		return at.Sub(sent), bare
	case <-time.After(10 * time.Second):
		r.Errorf("%s was ordered nothing: %+v", id.ID, r.e.Ladders(func(l *Ladder) bool { return l.Vehicle == id.ID }))
		return time.Hour, bare
	}
}

// pause is the pace of a vehicle in the real time that is measured.
func pause(d time.Duration) { <-time.After(d) }

func sampleOf(id *vehicles.Identity, at geo.Point, bootMS uint32) []vehicles.Report {
	now := time.Now().UnixMicro()
	pos := vehicles.Report{Handle: id.Handle, Has: vehicles.HasPosition, BootMS: bootMS, ReceivedUS: now, Velocity: vehicles.Velocity{N: 1000}, Fix: geo.Fix{Point: at}}
	pos.Fix.Heights.Set(geo.AMSL, 60_000)
	return []vehicles.Report{
		{Handle: id.Handle, Has: vehicles.HasHeartbeat | vehicles.HasLanded, Armed: true, Mode: auto, Status: vehicles.Active, Landed: vehicles.InAir, ReceivedUS: now},
		{Handle: id.Handle, Has: vehicles.HasQuality, FixType: 3, Satellites: 14, HDOP: 80, HAccMM: 1500, VAccMM: 3000, ReceivedUS: now},
		pos,
	}
}

// TestLadderFigures: from the sample that completes the evidence of SAFETY 3 to the
// signed order on the wire, while a crowd reports ten times a second and every fact
// goes to a journal on disk.
func TestLadderFigures(t *testing.T) {
	n, crowd := 20, 50
	if *figures {
		n, crowd = 240, 1000
	}
	r, fleet, others := newFiring(t, n, crowd)
	ctx, stop := context.WithCancel(t.Context())
	var traffic sync.WaitGroup
	traffic.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ { // a tenth of the crowd each time
			for k := i % 10; k < len(others); k += 10 {
				r.pipeline.Reports(sampleOf(others[k], geo.Moved(base, math.Abs(float64(i/10%100-50)), float64(100+k)), uint32(1000+10*i)))
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	defer traffic.Wait()
	defer stop()
	var mu sync.Mutex
	var took, bare []time.Duration
	var flying sync.WaitGroup
	for i, id := range fleet {
		pause(37 * time.Millisecond)
		flying.Go(func() {
			d, alone := r.breach(id, float64(-5*i))
			mu.Lock()
			defer mu.Unlock()
			took, bare = append(took, d), append(bare, alone)
		})
	}
	flying.Wait()
	p := func(of []time.Duration, q float64) float64 {
		slices.Sort(of)
		return float64(of[int(q*float64(len(of)-1))].Microseconds()) / 1000
	}
	fmt.Fprintf(os.Stderr, "%d breaches beside %d vehicles at 10 Hz: p50 %.2f ms, p99 %.2f ms, longest %.2f ms; goal 20 ms\n", n, crowd, p(took, 0.5), p(took, 0.99), p(took, 1))
	fmt.Fprintf(os.Stderr, "a bare datagram at the same moments: p50 %.2f ms, p99 %.2f ms, longest %.2f ms\n", p(bare, 0.5), p(bare, 0.99), p(bare, 1))
	if *figures {
		fmt.Printf("control/breach_to_order_p99_ms %.2f ms\n", p(took, 0.99))
	}
}
