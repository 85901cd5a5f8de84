package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
	"github.com/bluenviron/gomavlib/v3/pkg/streamwriter"
)

const signedListener = `  - {name: signed, addr: "127.0.0.1:0", mode: signed}`

// signWith makes the test vehicle sign, with gomavlib's signer.
func (v *testVehicle) signWith(secret string) *testVehicle {
	v.t.Helper()
	var key frame.V2Key
	if n, err := hex.Decode(key[:], []byte(secret)); err != nil || n != len(key) {
		v.t.Fatalf("the secret has %d bytes: %v", n, err)
	}
	rw := &dialect.ReadWriter{Dialect: ardupilotmega.Dialect}
	if err := rw.Initialize(); err != nil {
		v.t.Fatal(err)
	}
	fw := &frame.Writer{ByteWriter: &v.buf, DialectRW: rw}
	if err := fw.Initialize(); err != nil {
		v.t.Fatal(err)
	}
	v.writer = &streamwriter.Writer{
		FrameWriter: fw, Version: streamwriter.V2, SystemID: v.writer.SystemID, ComponentID: v.writer.ComponentID, Key: &key, SignatureLinkID: 1,
	}
	if err := v.writer.Initialize(); err != nil {
		v.t.Fatal(err)
	}
	return v
}

// fly sends what a drone sends a second: that it is armed, or not, and where it is.
func (v *testVehicle) fly(armed bool, speedCMS int16) {
	beat := v.heartbeat().(*ardupilotmega.MessageHeartbeat)
	if !armed {
		beat.BaseMode = 0
	}
	pos := at(30.9005, 121.9305, 60, uint32(time.Now().UnixMilli())).(*ardupilotmega.MessageGlobalPositionInt)
	pos.Vx = speedCMS
	for _, m := range []message.Message{beat, pos} {
		v.send(m)
	}
}

// dialSigned opens a socket to the signed listener.
func (p *program) dialSigned() net.Conn {
	p.t.Helper()
	conn, err := net.Dial("udp", p.signed)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask does one API call that must end with a status.
func (p *program) ask(want int, method, path string, body any, into any, headers ...string) {
	p.t.Helper()
	status, _, raw, err := p.call(method, path, body, headers...)
	if err != nil || status != want {
		p.t.Fatalf("%s %s: %d, want %d: %v\n%s", method, path, status, want, err, raw)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			p.t.Fatalf("%s %s: %v\n%s", method, path, err, raw)
		}
	}
}

type vehicleJSON struct {
	Rev  int
	Link struct {
		State, Listener, Address string
		RefusedReason            string `json:"refused_reason"`
	}
}

type keyJSON struct {
	ID, State string
	SeenAt    string `json:"seen_at"`
}

// enrol registers a vehicle of the operator acme, and gives it a key.
func (p *program) enrol(id, class string, system int) (key keyJSON, secret string) {
	p.t.Helper()
	if status, _, _, _ := p.call("GET", "/v1/organisations/acme", nil); status == http.StatusNotFound {
		p.ask(http.StatusCreated, "POST", "/v1/organisations", map[string]any{"id": "acme", "kind": "operator", "name": "Acme"}, nil)
	}
	p.ask(http.StatusCreated, "POST", "/v1/vehicles", map[string]any{
		"id": id, "name": "The " + id, "class": class, "operator": "acme", "mavlink": map[string]any{"listener": "signed", "system_id": system},
		"contact": map[string]any{"name": "Grace Hopper", "phone": "+86 21 5555 0100"},
	}, nil)
	return p.giveKey(id)
}

func (p *program) giveKey(id string) (keyJSON, string) {
	p.t.Helper()
	var made struct {
		Key    keyJSON
		Secret string
	}
	p.ask(http.StatusCreated, "POST", "/v1/vehicles/"+id+"/keys", map[string]any{}, &made)
	return made.Key, made.Secret
}

func (p *program) vehicle(id string) (v vehicleJSON) {
	p.t.Helper()
	p.get("/v1/vehicles/"+id, &v)
	return v
}

// keyState is the state of one key.
func (p *program) keyState(vehicle, key string) string {
	p.t.Helper()
	var list struct{ Items []keyJSON }
	p.get("/v1/vehicles/"+vehicle+"/keys", &list)
	for _, k := range list.Items {
		if k.ID == key {
			return k.State
		}
	}
	return "gone"
}

// track is what is followed under an id.
func (p *program) track(id string) (trackJSON, bool) {
	p.t.Helper()
	for _, t := range p.tracks() {
		if t.ID == id {
			return t, true
		}
	}
	return trackJSON{}, false
}

// followed waits until a vehicle's track took n reports more.
func (p *program) followed(id string, send func()) {
	p.t.Helper()
	before, _ := p.track(id)
	p.until(20*time.Second, func() string {
		send()
		if now, ok := p.track(id); !ok || !now.Verified || now.Reports <= before.Reports {
			return fmt.Sprintf("%s to be followed as verified: %v %+v, link %+v", id, ok, now, p.vehicle(id).Link)
		}
		return ""
	})
}

// refused waits until a vehicle's frames are refused for a reason.
func (p *program) refused(id, why string, send func()) {
	p.t.Helper()
	p.until(20*time.Second, func() string {
		send()
		if l := p.vehicle(id).Link; l.RefusedReason != why {
			return fmt.Sprintf("a frame refused as %s: %+v", why, l)
		}
		return ""
	})
}

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
	p.secretNowhere(data, secret, key.ID)
}

func hexOf(b byte) string { return hex.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

// secretNowhere looks for a key, and who answers for the vehicle, in all that the
// program wrote.
func (p *program) secretNowhere(data, secret, keyID string) {
	p.t.Helper()
	p.terminate()
	raw, _ := hex.DecodeString(secret)
	told := func(where string, b []byte) {
		for _, s := range [][]byte{raw, []byte(secret), []byte("Hopper"), []byte("5555 0100")} {
			if bytes.Contains(b, s) {
				p.t.Errorf("%s tells a secret", where)
			}
		}
	}
	told("the log", []byte(p.output()))
	known := false
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		told(path, b)
		known = known || bytes.Contains(b, []byte(keyID))
		return err
	})
	if err != nil || !known {
		p.t.Errorf("nothing of the key in %s: %v", data, err)
	}
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
