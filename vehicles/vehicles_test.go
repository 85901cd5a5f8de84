package vehicles_test

import (
	"errors"
	"sync"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

func at(lat, lon int32, bootMS uint32, us int64) *vehicles.Report {
	return &vehicles.Report{
		Has: vehicles.HasPosition, BootMS: bootMS, ReceivedUS: us,
		Fix: geo.Fix{Point: geo.Point{Lat: lat, Lon: lon}},
	}
}

func TestTrackFollowsDeviceOrder(t *testing.T) {
	tests := []struct {
		name  string
		in    *vehicles.Report
		moved bool
		lat   int32
	}{
		{"newer", at(2, 0, 2000, 11), true, 2},
		{"late by half a second", at(3, 0, 500, 11), false, 1},
		{"exact duplicate", at(1, 0, 1000, 11), false, 1},
		{"same instant, other place", at(4, 0, 1000, 11), true, 4},
		{"no device time", at(5, 0, 0, 11), true, 5},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			var track vehicles.Track
			track.Apply(at(1, 0, 1000, 10))
			if got := track.Apply(tc.in); got != tc.moved || track.Fix.Point.Lat != tc.lat {
				t.Errorf("moved %v at %d, want %v at %d", got, track.Fix.Point.Lat, tc.moved, tc.lat)
			}
		})
	}
}

func TestTrackAcceptsRebootAndWrap(t *testing.T) {
	var track vehicles.Track
	track.Apply(at(1, 0, 3_600_000, 10))
	if !track.Apply(at(2, 0, 1500, 20)) {
		t.Error("a boot time an hour back is a reboot, but the position was dropped")
	}
	var wrapping vehicles.Track
	wrapping.Apply(at(1, 0, 0xFFFFFF00, 10))
	if !wrapping.Apply(at(2, 0, 100, 20)) {
		t.Error("the boot clock wraps after 49.7 days, but the position was dropped")
	}
}

func TestThreeLatePositionsAreANewRun(t *testing.T) {
	var track vehicles.Track
	track.Apply(at(1, 0, 2000, 10))
	for i, moved := range []bool{false, false, true, true} {
		if got := track.Apply(at(int32(10+i), 0, 1500+uint32(i)*100, 20)); got != moved {
			t.Errorf("late position %d: moved %v", i, got)
		}
	}
	if track.Late != 3 || track.Fix.Point.Lat != 13 {
		t.Errorf("late %d, at %d", track.Late, track.Fix.Point.Lat)
	}
}

func TestTwoVehiclesThatSpeakAsOneAreOutOfOrder(t *testing.T) {
	var track vehicles.Track
	for i := range uint32(30) {
		track.Apply(at(1, 0, 2000+100*i, 10))
		track.Apply(at(2, 0, 1500+100*i, 10))
	}
	if !track.OutOfOrder() {
		t.Error("every second position is late and nobody says so")
	}
	for i := range uint32(30) {
		track.Apply(at(1, 0, 10_000+100*i, 10))
	}
	if track.OutOfOrder() {
		t.Error("the order is back and it still says so")
	}
}

func TestLinkState(t *testing.T) {
	limits := vehicles.LinkLimits{DegradedUS: 2e6, LostUS: 5e6}
	for silence, want := range map[int64]vehicles.LinkState{
		0: vehicles.LinkNominal, 1_999_999: vehicles.LinkNominal,
		2e6: vehicles.LinkDegraded, 4_999_999: vehicles.LinkDegraded, 5e6: vehicles.LinkLost,
	} {
		if got := limits.State(silence); got != want {
			t.Errorf("silence %d us: %v, want %v", silence, got, want)
		}
	}
}

func TestPhase(t *testing.T) {
	flying := vehicles.Track{FixUS: 1, Seen: vehicles.HasHeartbeat, Armed: true, Landed: vehicles.InAir, Velocity: vehicles.Velocity{N: 500}}
	tests := []struct {
		name   string
		change func(*vehicles.Track)
		want   vehicles.Phase
	}{
		{"flying", func(*vehicles.Track) {}, vehicles.Moving},
		{"hovering", func(t *vehicles.Track) { t.Velocity = vehicles.Velocity{} }, vehicles.Holding},
		{"climbing on the spot", func(t *vehicles.Track) { t.Velocity = vehicles.Velocity{D: -200} }, vehicles.Moving},
		{"disarmed", func(t *vehicles.Track) { t.Armed = false }, vehicles.Parked},
		{"on ground", func(t *vehicles.Track) { t.Landed = vehicles.OnGround }, vehicles.Parked},
		{"silent", func(t *vehicles.Track) { t.Link = vehicles.LinkLost }, vehicles.PhaseLinkLost},
		{"emergency", func(t *vehicles.Track) { t.Status = vehicles.Emergency }, vehicles.PhaseEmergency},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			track := flying
			tc.change(&track)
			if got := track.Phase(); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestHandlesAreNeverReused(t *testing.T) {
	r, err := vehicles.NewRegistry(7, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := r.OpenUnverified(vehicles.Source{Listener: "open", SystemID: 1}, vehicles.UAV, "op")
	r.Retire(a.Handle)
	b, _ := r.OpenUnverified(vehicles.Source{Listener: "open", SystemID: 1}, vehicles.UAV, "op")
	if a.Handle == 0 || b.Handle == a.Handle || b.ID == a.ID {
		t.Errorf("handles %d then %d, ids %s then %s", a.Handle, b.Handle, a.ID, b.ID)
	}
	if r.Identity(a.Handle) != nil {
		t.Error("a retired handle still has an identity")
	}
	if h, ok := r.Lookup(a.ID); ok {
		t.Errorf("the id of a retired vehicle still leads to handle %d", h)
	}
	r.Retire(a.Handle) // twice is once
	if r.Given() != 2 {
		t.Errorf("given %d", r.Given())
	}
	if h, ok := r.Lookup(b.ID); !ok || h != b.Handle {
		t.Errorf("lookup of %s: %d %v", b.ID, h, ok)
	}
}

func TestUnverifiedTracksAreBounded(t *testing.T) {
	r, err := vehicles.NewRegistry(7, nil)
	if err != nil {
		t.Fatal(err)
	}
	var last *vehicles.Identity
	for range vehicles.MaxUnverified {
		if last, err = r.OpenUnverified(vehicles.Source{}, vehicles.UAV, "op"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.OpenUnverified(vehicles.Source{}, vehicles.UAV, "op"); !errors.Is(err, vehicles.ErrFull) {
		t.Fatalf("track %d: %v, want ErrFull", vehicles.MaxUnverified+1, err)
	}
	r.Retire(last.Handle)
	if _, err := r.OpenUnverified(vehicles.Source{}, vehicles.UAV, "op"); err != nil {
		t.Fatalf("after one retired: %v", err)
	}
}

func TestRegistryIsReadWithoutLockWhileItGrows(t *testing.T) {
	r, err := vehicles.NewRegistry(7, []vehicles.Registration{{ID: "car-1"}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 1000 {
			id, _ := r.OpenUnverified(vehicles.Source{}, vehicles.ICV, "op")
			if id.Handle%3 == 0 {
				r.Retire(id.Handle)
			}
		}
	})
	wg.Go(func() {
		for h := vehicles.Handle(0); h < 1000; h++ {
			if id := r.Identity(h); id != nil && id.Handle != h {
				t.Errorf("handle %d bears %d", h, id.Handle)
			}
		}
	})
	wg.Wait()
}

func TestDuplicateRegistration(t *testing.T) {
	_, err := vehicles.NewRegistry(1, []vehicles.Registration{{ID: "a"}, {ID: "a"}})
	if !errors.Is(err, vehicles.ErrDuplicate) {
		t.Errorf("got %v", err)
	}
}

func TestClassesMatch(t *testing.T) {
	ground := vehicles.ClassSet(vehicles.ICV, vehicles.USV)
	if ground.Match(vehicles.UAV) || !ground.Match(vehicles.ICV) || !ground.Match(vehicles.ClassUnknown) {
		t.Error("a set must match its members and what cannot be classified")
	}
	if !vehicles.Classes(0).Match(vehicles.UAV) {
		t.Error("the empty set must match every class")
	}
}
