package dialogue

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/telemetry/sim"
	"testzone/vehicles"
)

var figures = flag.Bool("figures", false, "print the figures of make bench-control; without it a short form runs")

// wire is a server's side of a signed link over UDP to a fleet of one vehicle,
// which checks each frame: its CRC, its signature, that its stamp is newer than
// all before, and that it belongs where it comes.
type wire struct {
	sender *mavlink.Sender
	e      *Exchange
	fleet  *sim.Fleet
	links  *mavlink.Listener
	known  chan struct{} // closed when the vehicle was heard
}

func (w *wire) Open(src mavlink.Source) (vehicles.Handle, bool) {
	w.sender.Open(handle)
	w.e.Open(handle, src)
	close(w.known)
	return handle, true
}

func (w *wire) Reports(batch []vehicles.Report) { w.e.Reports(batch) }
func (w *wire) Note(h vehicles.Handle, receivedUS int64, msg message.Message) {
	w.e.Note(h, receivedUS, msg)
}
func (w *wire) Close(h vehicles.Handle) { w.e.Close(h); w.sender.Close(h) }

// newWire runs until the test ends.
func newWire(t *testing.T, cfg sim.Config) *wire {
	t.Helper()
	w := &wire{known: make(chan struct{})}
	key := mavlink.Key{1, 2, 3}
	ring := &mavlink.Keyring{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(ring.Set([]*mavlink.Credential{{Vehicle: "uav-1", SystemID: 1, KeyID: "vk_1", Key: key, Stamps: &mavlink.Stamps{}}}))
	var err error
	w.sender, err = mavlink.NewSender(mavlink.SenderConfig{})
	must(err)
	w.e, err = New(Config{Sender: w.sender})
	must(err)
	w.links, err = mavlink.Listen(mavlink.Config{Name: "signed", Keys: ring, ReceiveBuffer: 1 << 18}, w)
	must(err)
	w.sender.Attach(w.links)
	cfg.Target, cfg.Kind, cfg.Vehicles = w.links.Addr().String(), sim.KindLoad, 1
	cfg.Sign = func(uint8) ([32]byte, uint8, bool) { return key, 1, true }
	w.fleet, err = sim.New(cfg)
	must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{w.links.Run, w.sender.Run, w.fleet.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	select {
	case <-w.known:
	case <-t.Context().Done():
		t.Fatal("the vehicle was not heard")
	}
	return w
}

// orders sends orders until ctx ends, and returns how many could not be sent at once.
func (w *wire) orders(ctx context.Context, t *testing.T) (sent, refused int) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return sent, refused
		case <-tick.C:
		}
		sent++
		err := w.sender.Send(handle, &ardupilotmega.MessageCommandLong{TargetSystem: 1, TargetComponent: 1, Command: 176, Param1: 1, Param2: 17})
		if errors.Is(err, mavlink.ErrSendRate) || errors.Is(err, mavlink.ErrBusy) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
}

// TestPlanFigures uploads missions of 1,000 items over signed UDP to a strict
// vehicle, also over a link that loses a fifth of the frames each way: no frame of
// ours is refused, no order is held up, and the plan is on board.
func TestPlanFigures(t *testing.T) {
	n, losses, rounds := 60, 1, 1
	if *figures {
		n, losses, rounds = 1000, 2, 3
	}
	refused, held, uploads := uint64(0), 0, 0
	for round := range rounds {
		for _, v := range []struct {
			name   string
			loss   float64
			faults sim.PlanFaults
		}{{"clean", 0, sim.PlanFaults{}}, {"old requests", 0, sim.PlanFaults{Legacy: true}}, {"a fifth is lost each way", 0.2, sim.PlanFaults{}}}[:1+losses] {
			w := newWire(t, sim.Config{PlanFaults: func(uint8) sim.PlanFaults { return v.faults }, Seed: int64(round)})
			if v.loss > 0 {
				if _, err := w.fleet.Do(sim.Event{Vehicle: "all", Does: sim.LinkDrops, Share: v.loss}); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() {
				_, no := w.orders(ctx, t)
				held += no
			})
			plan, begin := mission(n), time.Now()
			_, err := w.e.Upload(t.Context(), handle, plan, nil)
			took := time.Since(begin)
			cancel()
			wg.Wait()
			stored := w.fleet.Carried(0, vehicles.PlanMission)
			if d := plan.Differs(&stored, autopilotArduPilot); err != nil || d != nil {
				t.Errorf("%s: %v, %v", v.name, err, d)
			}
			no, again := w.fleet.Refused(0)
			deaf := w.fleet.Stats().Deaf
			refused, uploads = refused+no+deaf, uploads+1
			fmt.Fprintf(os.Stderr, "# upload of %d items, %s: %.1f s, %d items sent again, %d frames refused, %d answers over the listener's limit\n",
				n, v.name, took.Seconds(), again, no+deaf, w.links.Stats().Refused[mavlink.Mailbox])
		}
	}
	if refused != 0 || held != 0 {
		t.Errorf("%d frames refused by the vehicle, %d orders held up", refused, held)
	}
	if *figures {
		fmt.Fprintf(os.Stderr, "# %d signed uploads of %d items; goal 0\n", uploads, n)
		fmt.Printf("control/upload_1000_rejected %d frames\n", refused)
	}
}
