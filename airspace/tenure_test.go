package airspace_test

import (
	"maps"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// TestTenures: a system id is a vehicle's from when it was registered with it, over
// restarts; not again with every change, and anew when the address changes.
func TestTenures(t *testing.T) {
	dir := t.TempDir()
	start := time.UnixMicro(1_700_000_000_000_000)
	now := start
	open := func() (*airspace.Register, func()) {
		j, err := journal.Open(journal.Config{Dir: dir, Group: "north"})
		if err != nil {
			t.Fatal(err)
		}
		r, err := airspace.NewRegister(airspace.Config{
			Zone: airspace.Zone{ID: "north"}, Journal: j, Clock: func() time.Time { return now }, Listeners: []string{"signed", "other"},
			Vehicles: []vehicles.Registration{{ID: "car-1", Name: "Car", Class: vehicles.ICV, Operator: "acme", Origin: vehicles.Configured,
				MAVLink: vehicles.MAVLink{Listener: "signed", SystemID: 3, Component: 1}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Replay(1, r.Replay); err != nil {
			t.Fatal(err)
		}
		return r, func() {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, closeJournal := open()
	if _, err := r.CreateOrganisation(t.Context(), setUp, airspace.Organisation{ID: "acme", Kind: airspace.Operator, Name: "acme"}); err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) int64 { return start.Add(d + 10*time.Second).UnixMicro() } // a listener follows a while later
	holds := func(step, listener string, want map[uint8]int64) {
		t.Helper()
		if got := r.Tenures(airspace.Everybody, listener); !maps.Equal(got, want) {
			t.Errorf("%s: at %s %v, want %v", step, listener, got, want)
		}
	}
	boat := airspace.Vehicle{ID: "boat-1", Name: "Boat", Class: "usv", Operator: "acme", MAVLink: vehicles.MAVLink{Listener: "signed", SystemID: 7, Component: 1}}
	replace := func(rev uint64) {
		t.Helper()
		if _, err := r.ReplaceVehicle(t.Context(), setUp, rev, boat, false); err != nil {
			t.Fatal(err)
		}
	}

	now = start.Add(time.Hour)
	if _, err := r.RegisterVehicle(t.Context(), setUp, boat, false); err != nil {
		t.Fatal(err)
	}
	holds("registered", "signed", map[uint8]int64{3: at(0), 7: at(time.Hour)})
	if got := r.Tenures(func(operator string) bool { return operator == "river" }, "signed"); len(got) != 0 {
		t.Errorf("another operator holds %v", got)
	}
	now, boat.Name = start.Add(2*time.Hour), "Ship"
	replace(1)
	holds("renamed", "signed", map[uint8]int64{3: at(0), 7: at(time.Hour)})

	closeJournal()
	now = start.Add(3 * time.Hour)
	r, closeJournal = open()
	defer func() { closeJournal() }()
	holds("after a restart", "signed", map[uint8]int64{3: at(3 * time.Hour), 7: at(time.Hour)})
	now, boat.MAVLink.SystemID = start.Add(4*time.Hour), 8
	replace(2)
	holds("another system id", "signed", map[uint8]int64{3: at(3 * time.Hour), 8: at(4 * time.Hour)})
	now, boat.MAVLink.Listener = start.Add(5*time.Hour), "other"
	replace(3)
	holds("another listener", "other", map[uint8]int64{8: at(5 * time.Hour)})
	holds("another listener", "signed", map[uint8]int64{3: at(3 * time.Hour)})
	holds("nobody's", "open", nil)
	if _, err := r.WithdrawVehicle(t.Context(), setUp, 4, "boat-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SettleVehicle(t.Context(), "boat-1", "it stopped"); err != nil {
		t.Fatal(err)
	}
	holds("withdrawn", "other", nil)
}
