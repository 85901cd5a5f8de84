package dialogue

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/telemetry/sim"
	"testzone/vehicles"
)

// wire is a server's side of a signed link over UDP to a fleet of one vehicle,
// which checks each frame: its CRC, its signature, that its stamp is newer than
// all before, and that it belongs where it comes.
type wire struct {
	sender *mavlink.Sender
	e      *Exchange
	fleet  *sim.Fleet
	links  *mavlink.Listener
	known  chan struct{} // closed when its clock was heard
	once   sync.Once
}

func (w *wire) Open(src mavlink.Source) (vehicles.Handle, bool) {
	w.sender.Open(handle)
	w.e.Open(handle, src)
	return handle, true
}

func (w *wire) Reports(batch []vehicles.Report) {
	w.e.Reports(batch)
	for i := range batch {
		if batch[i].BootMS != 0 {
			w.once.Do(func() { close(w.known) })
		}
	}
}

func (w *wire) Note(h vehicles.Handle, receivedUS int64, msg message.Message) {
	w.e.Note(h, receivedUS, msg)
}
func (w *wire) Close(h vehicles.Handle) { w.e.Close(h); w.sender.Close(h) }

// newWire runs until the test ends.
func newWire(t *testing.T, cfg sim.Config, talk Config) *wire {
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
	talk.Sender = w.sender
	w.e, err = New(talk)
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

// TestPlansOverTheWire: a fence is given, read back and switched on over signed UDP;
// the vehicle tells its number by itself, and one that restarts in the middle of an
// upload is found out.
func TestPlansOverTheWire(t *testing.T) {
	told := make(chan PlanIDs, 16)
	w := newWire(t, sim.Config{}, Config{PlanIDs: func(_ vehicles.VehicleID, ids PlanIDs) { told <- ids }})
	plan := fence(2)
	got, err := w.e.Upload(t.Context(), handle, plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ids := <-told; got.OpaqueID == 0 || ids != (PlanIDs{Fence: got.OpaqueID}) {
		t.Errorf("it says that it carries %+v, the receipt %+v", ids, got)
	}
	if err := w.e.SetParam(t.Context(), handle, "FENCE_ALT_MAX", 60); err != nil {
		t.Error(err)
	}
	if v, err := w.e.Param(t.Context(), handle, "FENCE_ALT_MAX"); err != nil || v != 60 {
		t.Errorf("FENCE_ALT_MAX is %v, %v", v, err)
	}
	if err := w.e.EnableFence(t.Context(), handle, FenceOn); err != nil {
		t.Error(err)
	}
	if v, err := w.e.Param(t.Context(), handle, "FENCE_ENABLE"); err != nil || v != 1 {
		t.Errorf("FENCE_ENABLE is %v, %v", v, err)
	}
	if err := w.e.ClearPlan(t.Context(), handle, vehicles.PlanFence); err != nil {
		t.Error(err)
	}
	if ids := <-told; ids != (PlanIDs{}) {
		t.Errorf("it says that it carries %+v after clearing", ids)
	}
}

func TestRestartOverTheWire(t *testing.T) {
	w := newWire(t, sim.Config{PlanFaults: func(uint8) sim.PlanFaults { return sim.PlanFaults{RestartAt: 5} }}, Config{})
	if _, err := w.e.Upload(t.Context(), handle, mission(9), nil); !errors.Is(err, ErrRestarted) {
		t.Errorf("got %v", err)
	}
	if got, err := w.e.Upload(t.Context(), handle, mission(9), nil); err != nil || got.Items != 9 {
		t.Errorf("once more: %+v, %v", got, err)
	}
}
