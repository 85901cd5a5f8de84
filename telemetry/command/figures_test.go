package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/mavlink"
	"testzone/telemetry/mavlink/dialogue"
	"testzone/vehicles"
)

var figures = flag.Bool("figures", false, "print the figures of make bench-control; without it a short form runs")

// manner is how a vehicle takes an order.
type manner uint8

const (
	obeys        manner = iota
	takesLong           // says that it is in progress, and then does it
	answersOther        // acknowledges to another station first
	lies                // acknowledges and does nothing
	showsOnly           // takes the mode, and flies on
	mute                // does it and never answers
	denies
	dawdles // does it long after everybody gave up
	manners
)

// crowd is many copters behind bad links, each with a manner: the wire, by the real
// conversations of dialogue, and the fleet.
type crowd struct {
	e   *dialogue.Exchange
	all []*flier // handle i+1
}

type flier struct {
	id     *vehicles.Identity
	manner manner
	seed   uint64

	mu     sync.Mutex // guards the fields below
	rng    *rand.Rand
	mode   uint32
	stands bool
}

func newCrowd(t *testing.T, n int) *crowd {
	t.Helper()
	c := &crowd{}
	for i := range n {
		c.all = append(c.all, &flier{
			manner: manner(i % int(manners)), seed: uint64(i), rng: rand.New(rand.NewPCG(uint64(i), 9)), mode: mission,
			id: &vehicles.Identity{Handle: vehicles.Handle(i + 1), ID: vehicles.VehicleID(fmt.Sprint("uav-", i)), Class: vehicles.UAV, Verified: true,
				Source: vehicles.Source{MAVType: 2, Autopilot: arduPilot}},
		})
	}
	var err error
	if c.e, err = dialogue.New(dialogue.Config{Sender: c}); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.all {
		c.e.Open(f.id.Handle, mavlink.Source{Vehicle: f.id.ID, SystemID: 9, MAVType: 2, Autopilot: arduPilot})
	}
	return c
}

func (c *crowd) Self() (uint8, uint8) { return 250, 190 }

func (c *crowd) Route(h vehicles.Handle) (mavlink.Route, error) {
	return mavlink.Route{Handle: h, Addr: netip.MustParseAddrPort("192.0.2.1:14550"), SystemID: 9, Autopilot: 1, Credential: &mavlink.Credential{}}, nil
}

// Send loses one frame of five, and delays the others.
func (c *crowd) Send(h vehicles.Handle, m message.Message) error {
	f := c.all[h-1]
	f.later(0, func() { c.hear(f, m) })
	return nil
}

// later does something one way over the link later, or never.
func (f *flier) later(in time.Duration, do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rng.IntN(5) > 0 {
		time.AfterFunc(in+time.Duration(20+f.rng.IntN(800))*time.Millisecond, do)
	}
}

func (c *crowd) hear(f *flier, m message.Message) {
	order, ok := m.(*ardupilotmega.MessageCommandLong)
	if !ok {
		return
	}
	say := func(in time.Duration, result dialogue.Result, station uint8) {
		ack := &ardupilotmega.MessageCommandAck{Command: order.Command, Result: ardupilotmega.MAV_RESULT(result), TargetSystem: station, TargetComponent: 190, Progress: 255}
		f.later(in, func() { c.e.Note(f.id.Handle, time.Now().UnixMicro(), ack) })
	}
	switch f.manner {
	case obeys:
		f.do(0, true)
		say(0, dialogue.Accepted, 250)
	case takesLong:
		say(0, dialogue.InProgress, 250)
		f.do(8*time.Second, true)
		say(9*time.Second, dialogue.Accepted, 250)
	case answersOther:
		say(0, dialogue.Denied, 255)
		f.do(0, true)
		say(time.Second, dialogue.Accepted, 250)
	case lies:
		say(0, dialogue.Accepted, 250)
	case showsOnly:
		f.do(0, false)
		say(0, dialogue.Accepted, 250)
	case mute:
		f.do(0, true)
	case denies:
		say(0, dialogue.Denied, 250)
	case dawdles:
		f.do(100*time.Second, true)
	}
}

func (f *flier) do(in time.Duration, stands bool) {
	time.AfterFunc(in, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.mode, f.stands = 17, stands
	})
}

// inEffect is the truth.
func (f *flier) inEffect() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mode == 17 && f.stands
}

func (c *crowd) Command(ctx context.Context, h vehicles.Handle, m Command) error {
	_, err := c.e.Command(ctx, h, dialogue.Command{ID: m.ID, Params: m.Params})
	var r *dialogue.Refusal
	switch {
	case errors.As(err, &r):
		return &Refusal{Text: r.Error()}
	case errors.Is(err, dialogue.ErrNoAnswer):
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return err
}

func (c *crowd) Identity(id vehicles.VehicleID) *vehicles.Identity {
	var i int
	if _, err := fmt.Sscanf(string(id), "uav-%d", &i); err != nil || i >= len(c.all) {
		return nil
	}
	return c.all[i].id
}

// Track is of samples five times a second, of which one of five is lost.
func (c *crowd) Track(_ context.Context, h vehicles.Handle) (telemetry.TrackView, bool, error) {
	const every = 200_000
	f := c.all[h-1]
	f.mu.Lock()
	defer f.mu.Unlock()
	at := time.Now().UnixMicro() / every
	for (uint64(at)*2654435761+f.seed)%5 == 0 {
		at--
	}
	t := vehicles.Track{Mode: f.mode, Armed: true, Seen: vehicles.HasHeartbeat | vehicles.HasPosition, HeartbeatUS: at * every, FixUS: at * every}
	if !f.stands {
		t.Velocity.N = 800
	}
	return telemetry.TrackView{Vehicle: f.id, Track: t}, true, nil
}

func (c *crowd) Home(vehicles.VehicleID) (geo.Point, bool) { return geo.Point{}, false }

func (c *crowd) ModeName(*vehicles.Identity, uint32) string { return "some mode" }

// TestOrderFigures: an order is never reported as done that had no effect, and no
// effect stays unreported, over links that lose a fifth in each direction.
func TestOrderFigures(t *testing.T) {
	n := 80
	if *figures {
		n = 1000
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, n)
		d, err := New(Config{Wire: c, Fleet: c, Journal: &memory{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { _ = d.Run(ctx); close(ended) }()
		defer func() { cancel(); <-ended }()
		ids := make([]string, n)
		for i, f := range c.all {
			o, err := d.Ask(ctx, Request{Vehicle: f.id.ID, Kind: Hold, By: ann})
			if err != nil {
				t.Fatal(err)
			}
			ids[i] = o.ID
		}
		missed, early, states := 0, 0, map[State]int{}
		count := func() {
			for i, f := range c.all {
				o, err := d.Order(ids[i])
				if err != nil {
					t.Fatal(err)
				}
				if done := o.State == InEffect; done && !f.inEffect() {
					early++
					t.Errorf("%s of manner %d is reported as done, and is not", f.id.ID, f.manner)
				} else if !done && f.inEffect() {
					missed++
					t.Errorf("%s of manner %d does it, and the order is %s: %s", f.id.ID, f.manner, o.State, o.Why)
				}
			}
		}
		after(50 * time.Second)
		count()
		after(80 * time.Second) // and after everything was given up
		count()
		for _, id := range ids {
			o, _ := d.Order(id)
			states[o.State]++
		}
		if states[InEffect] < n*5/8 || states[Refused] < n/10 || states[NoEffect] < n/5 {
			t.Errorf("the states in the end: %v", states)
		}
		fmt.Fprintf(os.Stderr, "%d orders, 20 %% of frames lost each way: %v; goal 0\n", n, states)
		if *figures {
			fmt.Printf("control/order_to_effect_missed %d orders\n", missed+early)
		}
	})
}
