package telemetry

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// identityRig is an identity check beside a pipeline with one verified vehicle.
type identityRig struct {
	*trafficRig
	check *IdentityCheck
	id    *vehicles.Identity
	boot  uint32
}

func newIdentityRig(t *testing.T, want Expected) *identityRig {
	t.Helper()
	r := &identityRig{trafficRig: newTrafficRig(t)}
	r.id = r.registry.Identity(r.verified(t, "uav-a"))
	var err error
	r.check, err = NewIdentityCheck(IdentityCheckConfig{
		Registry: r.registry, Pipeline: r.Pipeline, Bus: r.bus, Expects: func(vehicles.VehicleID) Expected { return want },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Traffic.cfg.Own = r.check.RemoteID
	return r
}

// says is a remote id that the vehicle sends about itself.
func (r *identityRig) says(s vehicles.Sighting) {
	s.Reporter, s.Means, s.ReceivedUS = r.id.Handle, vehicles.RemoteID, time.Now().UnixMicro()
	r.Traffic.Sighted(&s)
}

// fly is a second in which the vehicle is at a place and its remote id says another.
func (r *identityRig) fly(at, said geo.Point, east int16, ageS uint16) {
	time.Sleep(time.Second) // of the bubble
	r.boot += 1000
	pos := fix(r.id.Handle, at.Lat, at.Lon, r.boot)
	pos.Velocity.E = east
	r.Reports([]vehicles.Report{pos})
	synctest.Wait()
	r.says(vehicles.Sighting{Has: vehicles.SeenPosition, Point: said, AgeS: ageS})
}

// told is what was published of the identity since the last call.
func (r *identityRig) told() string {
	events, _ := r.heard.Take()
	var out []string
	for _, e := range events {
		if c, ok := e.Body.(*IdentityChange); ok {
			m := c.Mismatch
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %v %s %s %.0f", m.What, c.Began, m.Expected, m.Seen, m.DistanceM)))
		}
	}
	return strings.Join(out, "; ")
}

func serialOf(s string) vehicles.Sighting {
	out := vehicles.Sighting{Has: vehicles.SeenSerial}
	copy(out.Serial[:], s)
	return out
}

func TestIdentityIsCheckedAgainstTheRegistration(t *testing.T) {
	uid2 := [18]byte{0x31, 0x37, 0x38, 0x33, 1}
	near := uid2
	near[17] = 9
	hex36 := "313738330100000000000000000000000000"
	for _, tc := range []struct {
		name string
		want Expected
		says func(*identityRig)
		told string
	}{
		{"the registered serial number", Expected{SerialNumber: "1581F4XF"}, func(r *identityRig) { r.says(serialOf("1581F4XF")) }, ""},
		{"another, once", Expected{SerialNumber: "1581F4XF"}, func(r *identityRig) { r.says(serialOf("OTHER")); r.says(serialOf("OTHER")) },
			"serial_number true 1581F4XF OTHER 0"},
		{"until it agrees again", Expected{SerialNumber: "1581F4XF"}, func(r *identityRig) { r.says(serialOf("OTHER")); r.says(serialOf("1581f4xf")) },
			"serial_number true 1581F4XF OTHER 0; serial_number false 1581F4XF 1581f4xf 0"},
		{"none is registered", Expected{}, func(r *identityRig) { r.says(serialOf("OTHER")) }, ""},
		{"it says none", Expected{SerialNumber: "1581F4XF"}, func(r *identityRig) { r.says(vehicles.Sighting{Has: vehicles.SeenCategory}) }, ""},
		{"who proved nothing has no registration", Expected{SerialNumber: "1581F4XF"}, func(r *identityRig) {
			r.id.Verified = false
			r.says(serialOf("OTHER"))
			r.check.Autopilot(r.id.Handle, 7, uid2)
		}, ""},
		{"the registered autopilot", Expected{UID2: strings.ToUpper(hex36)}, func(r *identityRig) { r.check.Autopilot(r.id.Handle, 0, uid2) }, ""},
		{"another autopilot", Expected{UID2: "ffff" + hex36[4:]}, func(r *identityRig) { r.check.Autopilot(r.id.Handle, 0, uid2) },
			"uid2 true ffff3833… 31373833… 0"},
		{"one that begins alike", Expected{UID2: hex36}, func(r *identityRig) { r.check.Autopilot(r.id.Handle, 0, near) },
			"uid2 true " + hex36 + " " + hex36[:34] + "09 0"},
		{"it says no uid2", Expected{UID2: hex36}, func(r *identityRig) { r.check.Autopilot(r.id.Handle, 5, [18]byte{}) }, ""},
		{"the older uid", Expected{UID2: "0000000000000005"}, func(r *identityRig) { r.check.Autopilot(r.id.Handle, 5, uid2) }, ""},
		{"another older uid", Expected{UID2: "a000000000000005"}, func(r *identityRig) { r.check.Autopilot(r.id.Handle, 5, uid2) },
			"uid2 true a0000000… 00000000… 0"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newIdentityRig(t, tc.want)
			defer r.stop()
			tc.says(r)
			if got := r.told(); got != tc.told {
				t.Errorf("%s: told %q, want %q", tc.name, got, tc.told)
			}
		})
	}
}

func TestIdentityIsWhereTheVehicleIs(t *testing.T) {
	there := geo.Point{Lat: 310_000_000, Lon: 1_210_000_000}
	for _, tc := range []struct {
		name    string
		apartM  float64
		east    int16 // cm/s
		ageS    uint16
		seconds int
		told    string
	}{
		{"together", 90, 0, 0, 20, ""},
		{"apart for a moment", 150, 0, 0, 9, ""},
		{"apart for long, told once", 150, 0, 0, 30, "position true   150"},
		{"a fast one whose remote id is old", 150, 3000, 2, 30, ""},
		{"an old remote id says nothing", 150, 0, 9, 30, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newIdentityRig(t, Expected{})
			defer r.stop()
			for range tc.seconds {
				r.fly(there, geo.Moved(there, tc.apartM, 0), tc.east, tc.ageS)
			}
			if got := r.told(); got != tc.told {
				t.Errorf("%s: told %q, want %q", tc.name, got, tc.told)
			}
			r.fly(there, there, 0, 0)
			if got := r.told(); (got != "") != (tc.told != "") {
				t.Errorf("%s, then together: told %q", tc.name, got)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := newIdentityRig(t, Expected{})
		defer r.stop()
		for range 5 {
			r.fly(there, geo.Moved(there, 150, 0), 0, 0)
			time.Sleep(6 * time.Second) // of the bubble: no run
		}
		if got := r.told(); got != "" {
			t.Errorf("rare ones: told %q", got)
		}
	})
}

func TestIdentityMismatchIsAnAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &memory{}
		r := newRig(t, kept)
		change := &IdentityChange{Vehicle: drone, Began: true, Mismatch: Mismatch{What: DiffersSerial, Expected: "A", Seen: "B"}}
		r.publish(change)
		r.publish(&IdentityChange{Vehicle: drone, Began: true, Mismatch: Mismatch{What: DiffersUID}})
		all := r.Alerts(WholeZone(), false)
		if len(all) != 2 || all[0].Type != IdentityMismatch || all[0].Level != Warning {
			t.Fatalf("alerts %+v", all)
		}
		r.stop(t)
		r = newRig(t, kept)
		defer r.stop(t)
		r.publish(&IdentityChange{Vehicle: drone, Mismatch: Mismatch{What: DiffersSerial}})
		for _, a := range r.Alerts(WholeZone(), true) {
			if serial := a.Mismatch.What == DiffersSerial; serial != (a.Cause == causeAgrees) || serial && a.Mismatch.Seen != "B" {
				t.Errorf("after the serial number agrees: %+v of %+v", a, a.Mismatch)
			}
		}
	})
}
