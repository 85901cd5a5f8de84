package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"

	"testzone/telemetry/mavlink"
)

// A vehicle is registered and gets a key; what it signs is followed under its
// registration, and nothing else is.
func TestEnrolled(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data, signedListener)
	key, secret := p.enrol("boat-1", "usv", 9)
	conn := p.dialSigned()
	boat := newTestVehicle(t, conn, 9, 1, ardupilotmega.MAV_TYPE_SURFACE_BOAT)
	p.refused("boat-1", "unsigned", func() { boat.fly(true, 100) })
	wrong := newTestVehicle(t, p.dialSigned(), 9, 1, ardupilotmega.MAV_TYPE_SURFACE_BOAT).signWith(hexOf(7))
	p.refused("boat-1", "bad_signature", func() { wrong.fly(true, 100) })
	p.until(20*time.Second, func() string {
		wrong.fly(true, 100)
		return p.suspected("boat-1", "bad_signature")
	})
	if got := p.tracks(); len(got) != 0 {
		t.Errorf("followed without proof: %+v", got)
	}

	boat.signWith(secret)
	p.followed("boat-1", func() { boat.fly(true, 100) })
	got, _ := p.track("boat-1")
	if got.Name != "The boat-1" || got.Class != "usv" || got.Operator != "acme" || got.Position == nil {
		t.Errorf("track %+v", got)
	}
	if l := p.vehicle("boat-1").Link; l.State != "proved" || l.Listener != "signed" || l.Address != conn.LocalAddr().String() {
		t.Errorf("link %+v", l)
	}

	// What was recorded is refused, from wherever it comes, and does not move the track.
	recorded := boat.encode(boat.heartbeat())
	other := p.dialSigned()
	p.followed("boat-1", func() { boat.fly(true, 100) })
	p.refused("boat-1", "replay", func() { _, _ = other.Write(recorded) })
	if a := p.vehicle("boat-1").Link.Address; a != conn.LocalAddr().String() {
		t.Errorf("a replay moved the link to %s", a)
	}
	// A vehicle that changes its address is followed there.
	moved := p.dialSigned()
	boat.conn = moved
	p.followed("boat-1", func() { boat.fly(true, 100) })
	p.until(20*time.Second, func() string {
		boat.fly(true, 100)
		if a := p.vehicle("boat-1").Link.Address; a != moved.LocalAddr().String() {
			return "the new address, not " + a
		}
		return ""
	})
	p.recordedBoth("signed", 9)
	p.secretNowhere(data, secret, key.ID)
}

// A key that is revoked while its vehicle flies is accepted until it is down
// (SAFETY 1), also over a restart; then nobody can speak under it.
func TestRevokedInFlight(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data, signedListener)
	key, secret := p.enrol("uav-9", "uav", 9)
	drone := newTestVehicle(t, p.dialSigned(), 9, 1, ardupilotmega.MAV_TYPE_QUADROTOR).signWith(secret)
	p.followed("uav-9", func() { drone.fly(true, 500) })
	replayed := drone.encode(drone.heartbeat())
	p.followed("uav-9", func() { drone.fly(true, 500) })
	p.ask(http.StatusOK, "POST", "/v1/vehicles/uav-9/keys/"+key.ID+"/revoke", map[string]any{"reason": "stolen"}, nil)
	for range 3 { // the zone looks once a second
		p.followed("uav-9", func() { drone.fly(true, 500) })
	}
	if s := p.keyState("uav-9", key.ID); s != "retiring" {
		t.Errorf("revoked in flight: %s", s)
	}
	p.terminate()

	p = serve(t, data, signedListener)
	if s := p.keyState("uav-9", key.ID); s != "retiring" {
		t.Errorf("after a restart: %s", s)
	}
	drone.conn = p.dialSigned()
	p.refused("uav-9", "replay", func() { _, _ = drone.conn.Write(replayed) })
	p.followed("uav-9", func() { drone.fly(true, 500) })
	p.until(20*time.Second, func() string {
		drone.fly(false, 0)
		if s := p.keyState("uav-9", key.ID); s != "retired" {
			return "the key to retire, it is " + s
		}
		return ""
	})
	p.until(20*time.Second, func() string {
		drone.fly(true, 500)
		if _, ok := p.track("uav-9"); ok {
			return "the end of the track"
		}
		return ""
	})
	p.refused("uav-9", "not_enrolled", func() { drone.fly(true, 500) })
	if _, ok := p.track("uav-9"); ok {
		t.Error("followed under a key that has retired")
	}

	// With a new key it is followed again.
	_, secret = p.giveKey("uav-9")
	drone.signWith(secret)
	p.followed("uav-9", func() { drone.fly(true, 500) })
}

// What was accepted before a crash is not accepted after it, and who signed it is
// heard again.
func TestReplayAfterACrash(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data, signedListener)
	key, secret := p.enrol("uav-9", "uav", 9)
	drone := newTestVehicle(t, p.dialSigned(), 9, 1, ardupilotmega.MAV_TYPE_QUADROTOR).signWith(secret)
	p.followed("uav-9", func() { drone.fly(true, 500) })
	recorded := drone.encode(drone.heartbeat())
	p.followed("uav-9", func() { _, _ = drone.conn.Write(recorded); drone.fly(true, 500) })
	p.until(20*time.Second, func() string { // the file of stamps is written once a second
		raw, err := os.ReadFile(filepath.Join(data, "mavlink.stamps"))
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "stamps")
		if err := os.WriteFile(copied, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := mavlink.OpenStampFile(copied, time.Now())
		if err != nil || f.Lost() || f.Known(key.ID).Highest() < stampOf(recorded) {
			return fmt.Sprint("what was accepted to be on the disk: ", err)
		}
		return ""
	})
	p.kill()

	p = serve(t, data, signedListener)
	thief := p.dialSigned()
	p.refused("uav-9", "replay", func() { _, _ = thief.Write(recorded) })
	if _, ok := p.track("uav-9"); ok {
		t.Error("a recording is followed")
	}
	drone.conn = p.dialSigned()
	p.followed("uav-9", func() { drone.fly(true, 500) })
}

// A vehicle whose class changes is judged as what it is now; withdrawn in flight
// it is followed until it is down.
func TestReplacedAndWithdrawn(t *testing.T) {
	p := serve(t, t.TempDir(), signedListener)
	_, secret := p.enrol("mix-1", "usv", 9)
	drone := newTestVehicle(t, p.dialSigned(), 9, 1, ardupilotmega.MAV_TYPE_QUADROTOR).signWith(secret)
	p.followed("mix-1", func() { drone.fly(true, 500) })
	match := func() (string, string) { return "If-Match", fmt.Sprintf("%q", fmt.Sprint(p.vehicle("mix-1").Rev)) }
	header, rev := match()
	p.ask(http.StatusOK, "PUT", "/v1/vehicles/mix-1", map[string]any{
		"name": "A drone after all", "class": "uav", "operator": "acme", "mavlink": map[string]any{"listener": "signed", "system_id": 9},
	}, nil, header, rev)
	p.until(20*time.Second, func() string {
		drone.fly(true, 500)
		if got, ok := p.track("mix-1"); !ok || got.Class != "uav" || got.Name != "A drone after all" {
			return fmt.Sprintf("the track as a drone's: %+v", got)
		}
		return ""
	})
	header, rev = match()
	p.ask(http.StatusOK, "DELETE", "/v1/vehicles/mix-1", nil, nil, header, rev)
	for range 3 {
		p.followed("mix-1", func() { drone.fly(true, 500) })
	}
	p.until(20*time.Second, func() string {
		drone.fly(false, 0)
		if _, ok := p.track("mix-1"); ok {
			return "the end of the track"
		}
		return ""
	})
}
