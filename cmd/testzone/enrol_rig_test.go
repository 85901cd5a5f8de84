package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
	"github.com/bluenviron/gomavlib/v3/pkg/streamwriter"

	"testzone/telemetry/mavlink"
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

// recordedBoth waits until frames of a system id are kept, those that were
// accepted and those that were refused.
func (p *program) recordedBoth(listener string, system uint8) {
	p.t.Helper()
	for _, query := range []string{"", "&quarantine=true"} {
		p.until(20*time.Second, func() string {
			for _, r := range p.recordings(query) {
				if r.Listener == listener && r.Quarantine == (query != "") && len(r.Systems) == 1 && r.Systems[0].SystemID == system {
					return ""
				}
			}
			return fmt.Sprintf("the recordings%s of %s: %+v", query, listener, p.recordings(query))
		})
	}
}

// suspected says what it misses of the alert about a source in a vehicle's name.
func (p *program) suspected(id, why string) string {
	p.t.Helper()
	var alerts struct {
		Items []struct {
			Type    string
			Vehicle struct{ ID string }
			Suspect *struct{ Why, Listener string }
		}
	}
	p.get("/v1/alerts", &alerts)
	for _, a := range alerts.Items {
		if a.Type == "suspect_source" && a.Vehicle.ID == id && a.Suspect != nil && a.Suspect.Why == why && a.Suspect.Listener == "signed" {
			return ""
		}
	}
	return "the alert about " + why
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

// stampOf is the timestamp of a signed frame.
func stampOf(raw []byte) mavlink.Stamp {
	signature := raw[len(raw)-13:] // link id, 48 bits of time, 48 of hash
	return mavlink.Stamp(binary.LittleEndian.Uint64(signature[1:9]) & (1<<48 - 1))
}
