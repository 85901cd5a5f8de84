package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/telemetry/mavlink/dialogue"
	"testzone/vehicles"
)

// zone is a signed listener with all that speaks to who proved who it is.
type zone struct {
	sender   *mavlink.Sender
	exchange *dialogue.Exchange

	mu        sync.Mutex // guards the fields below
	positions map[vehicles.Handle]int
	profiles  map[vehicles.VehicleID]dialogue.LostLink
	versions  map[vehicles.VehicleID]dialogue.Version
	homes     map[vehicles.VehicleID]dialogue.Home
	mayArm    bool
	asked     map[vehicles.VehicleID]int
	armed     map[vehicles.Handle]bool
}

func (z *zone) Open(src mavlink.Source) (vehicles.Handle, bool) {
	h := vehicles.Handle(src.SystemID)
	z.sender.Open(h)
	z.exchange.Open(h, src)
	return h, true
}

func (z *zone) Close(h vehicles.Handle) {
	z.exchange.Close(h)
	z.sender.Close(h)
}

func (z *zone) Note(h vehicles.Handle, us int64, m message.Message) { z.exchange.Note(h, us, m) }

func (z *zone) Reports(batch []vehicles.Report) {
	z.exchange.Reports(batch)
	z.mu.Lock()
	defer z.mu.Unlock()
	for i := range batch {
		if batch[i].Has&vehicles.HasHeartbeat != 0 {
			z.armed[batch[i].Handle] = batch[i].Armed
		}
		if batch[i].Has&vehicles.HasPosition != 0 {
			z.positions[batch[i].Handle]++
		}
	}
}

func keyOf(sys uint8) (key [32]byte, link uint8, ok bool) {
	key[0], key[31] = sys, 0x80
	return key, 1, true
}

// startZone runs a zone for vehicles 1 to n.
func startZone(t *testing.T, n int) (*zone, *mavlink.Listener) {
	t.Helper()
	z := &zone{positions: map[vehicles.Handle]int{}, profiles: map[vehicles.VehicleID]dialogue.LostLink{},
		versions: map[vehicles.VehicleID]dialogue.Version{}, homes: map[vehicles.VehicleID]dialogue.Home{},
		asked: map[vehicles.VehicleID]int{}, armed: map[vehicles.Handle]bool{}}
	var err error
	if z.sender, err = mavlink.NewSender(mavlink.SenderConfig{}); err != nil {
		t.Fatal(err)
	}
	z.exchange, err = dialogue.New(dialogue.Config{
		Sender: z.sender,
		MayArm: func(_ context.Context, _ vehicles.Handle, id vehicles.VehicleID) dialogue.ArmVerdict {
			z.mu.Lock()
			defer z.mu.Unlock()
			z.asked[id]++
			return dialogue.ArmVerdict{Granted: z.mayArm, Reason: "not yet"}
		},
		Identified: func(id vehicles.VehicleID, v dialogue.Version) { z.mu.Lock(); z.versions[id] = v; z.mu.Unlock() },
		LostLink:   func(id vehicles.VehicleID, l dialogue.LostLink) { z.mu.Lock(); z.profiles[id] = l; z.mu.Unlock() },
		Home:       func(id vehicles.VehicleID, h dialogue.Home) { z.mu.Lock(); z.homes[id] = h; z.mu.Unlock() },
	})
	if err != nil {
		t.Fatal(err)
	}
	var creds []*mavlink.Credential
	for i := range n {
		sys := uint8(i + 1)
		key, _, _ := keyOf(sys)
		creds = append(creds, &mavlink.Credential{
			Vehicle: vehicles.VehicleID(fmt.Sprint("v", sys)), SystemID: sys, KeyID: fmt.Sprint("vk_", sys), Key: key, Stamps: &mavlink.Stamps{},
		})
	}
	ring := &mavlink.Keyring{}
	if err := ring.Set(creds); err != nil {
		t.Fatal(err)
	}
	l, err := mavlink.Listen(mavlink.Config{Name: "signed", Keys: ring}, z)
	if err != nil {
		t.Fatal(err)
	}
	z.sender.Attach(l)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{l.Run, z.sender.Run, z.exchange.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	return z, l
}

// startFleet runs a fleet against a listener.
func startFleet(t *testing.T, cfg Config, l *mavlink.Listener) *Fleet {
	t.Helper()
	cfg.Target = l.Addr().String()
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return f
}

// until asks again and again what is missing.
func until(t *testing.T, missing func() string) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for what := missing(); what != ""; what = missing() {
		select {
		case <-deadline:
			t.Fatal("waits for ", what)
		case <-tick.C:
		}
	}
}

// A fleet that signs is believed, believes the zone, and answers what it is asked.
func TestFleetSignsAndAnswers(t *testing.T) {
	const n = 10 // copters, rovers, boats and a plane
	z, l := startZone(t, n)
	f := startFleet(t, Config{Kind: KindLoad, Vehicles: n, Rate: 5, Sockets: 3, Attitude: true, Sign: keyOf}, l)
	until(t, func() string {
		z.mu.Lock()
		defer z.mu.Unlock()
		if len(z.positions) != n || len(z.profiles) != n || len(z.versions) != n || len(z.homes) != n {
			return fmt.Sprintf("all %d vehicles: %d followed, %d profiles, %d versions, %d homes", n, len(z.positions), len(z.profiles), len(z.versions), len(z.homes))
		}
		if f.Stats().Beats < 2*n {
			return "heartbeats of the zone"
		}
		return ""
	})
	z.mu.Lock()
	for i, m := range f.members {
		id := vehicles.VehicleID(fmt.Sprint("v", m.sysid))
		p := z.profiles[id]
		want := map[*kind]vehicles.LostLinkAction{
			&copter: vehicles.LostLinkReturn, &fixedWing: vehicles.LostLinkReturn, &rover: vehicles.LostLinkHold, &boat: vehicles.LostLinkReturn,
		}[m.kind]
		if p.Action != want || len(p.Unanswered) != 0 {
			t.Errorf("vehicle %d (%s): %+v", i, m.name, p)
		}
		if m.kind == &copter && (p.ReturnM == nil || *p.ReturnM != 30) || m.kind == &fixedWing && (p.ReturnM == nil || *p.ReturnM != 100) {
			t.Errorf("vehicle %d (%s) returns at %v", i, m.name, p.ReturnM)
		}
		if z.versions[id].Flight != "4.5.7" || z.homes[id].AltMM != groundMM {
			t.Errorf("vehicle %d: %+v, %+v", i, z.versions[id], z.homes[id])
		}
	}
	z.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if o, err := z.exchange.TimeSync(ctx, 1); err != nil || o.Samples == 0 || o.Ahead > 0 { // it counts from its boot
		t.Errorf("%+v, %v", o, err)
	}
	var r *dialogue.Refusal
	if _, err := z.exchange.Command(ctx, 1, dialogue.Command{ID: 400}); !errors.As(err, &r) || r.Result != dialogue.Unsupported {
		t.Errorf("a command that is not simulated: %v", err)
	}
	if v, err := z.exchange.Param(ctx, 1, "RTL_ALT"); err != nil || v != 3000 {
		t.Errorf("RTL_ALT %v, %v", v, err)
	}
	if st := l.Stats(); st.Refused[mavlink.BadSignature]+st.Refused[mavlink.Replay] != 0 || st.Lost != 0 && st.KernelDrops == 0 {
		t.Errorf("%+v", st)
	}
}

// What vehicles do wrong is refused, and does not touch the others.
func TestFaults(t *testing.T) {
	const n = 8
	faults := map[uint8]Fault{2: WrongKey, 3: Replays, 4: ClockAtZero, 5: SharesSystemID, 6: Rebinds, 7: Packs, 8: Cuts}
	z, l := startZone(t, n)
	f := startFleet(t, Config{Kind: KindLoad, Vehicles: n, Rate: 10, Sign: keyOf, Faults: func(sys uint8) Fault { return faults[sys] }}, l)
	until(t, func() string {
		st := l.Stats()
		for why, at := range map[mavlink.Reason]uint64{mavlink.BadSignature: 2, mavlink.Replay: 2, mavlink.Length: 2} {
			if st.Refused[why] < at {
				return fmt.Sprintf("frames refused as %s", why)
			}
		}
		if st.Roamed == 0 {
			return "a vehicle that comes from another port"
		}
		z.mu.Lock()
		defer z.mu.Unlock()
		for _, sys := range []vehicles.Handle{1, 3, 4, 6, 7, 8} {
			if z.positions[sys] < 20 {
				return fmt.Sprintf("20 positions of vehicle %d", sys)
			}
		}
		return ""
	})
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.positions[2] != 0 || z.positions[5] != 0 {
		t.Errorf("followed without proof: %v", z.positions)
	}
	if st := f.Stats(); st.Faulty == 0 || st.Datagrams >= st.Frames+st.Faulty {
		t.Errorf("%+v", st)
	}
	if ids := f.Vehicles(); ids[4].SystemID != 4 {
		t.Errorf("vehicle 5 has system id %d", ids[4].SystemID)
	}
}
