package mavlink

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	gomav "github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

var sevens = Key(bytes.Repeat([]byte{7}, 32))

func testCodec() *Codec { return &Codec{testCatalog()} }

// The frames of the protocol's reference vectors, made by our encoder.
func TestCodecVectors(t *testing.T) {
	beat := copterBeat()
	serial := [20]byte{}
	copy(serial[:], "1596F0123456789ABC")
	sensors := ardupilotmega.MAV_SYS_STATUS_SENSOR(ardupilotmega.MAV_SYS_STATUS_GEOFENCE)
	for _, tt := range []struct {
		name string
		from Origin
		msg  message.Message
		link uint8
		ts   Stamp // 0: unsigned
		want string
	}{
		{"heartbeat", Origin{1, 1, 0}, beat, 0, 0, "fd0900000001010000000400000002035104037bae"},
		{"heartbeat signed 0", Origin{1, 1, 0}, beat, 3, 36288000000001, "fd0901000001010000000400000002035104039c56 03 018059f50021 4cbbd458f162"},
		{"heartbeat signed 1", Origin{1, 1, 1}, beat, 3, 36288000000002, "fd0901000101010000000400000002035104038cd8 03 028059f50021 cb4fc4193bbd"},
		{"position", Origin{1, 1, 1}, somewhere(), 0, 0, "fd1c000001010121000040e2010020629d12726a674850c30000c8af0000640038ff05002823329a"},
		{"position signed", Origin{1, 1, 1}, somewhere(), 3, 36288000000000, "fd1c010001010121000040e2010020629d12726a674850c30000c8af0000640038ff05002823 6d20 03 008059f50021 a14c79900a3e"},
		{"attitude, cut", Origin{1, 1, 2}, &ardupilotmega.MessageAttitude{TimeBootMs: 123456, Roll: 0.5, Pitch: 0.25, Yaw: -1.25}, 0, 0,
			"fd1000000201011e000040e201000000003f0000803e0000a0bfde08"},
		{"sys status", Origin{1, 1, 3}, &ardupilotmega.MessageSysStatus{OnboardControlSensorsPresent: sensors, OnboardControlSensorsEnabled: sensors,
			OnboardControlSensorsHealth: sensors, Load: 250, VoltageBattery: 15200, CurrentBattery: 1230, BatteryRemaining: 76}, 0, 0,
			"fd1f0000030101010000000010000000100000001000fa00603bce040000000000000000000000004c46d3"},
		{"fence status", Origin{1, 1, 4}, &ardupilotmega.MessageFenceStatus{BreachStatus: 1, BreachCount: 2, BreachType: 3, BreachTime: 120000}, 0, 0,
			"fd080000040101a20000c0d40100020001035ea8"},
		{"remote id", Origin{1, 236, 5}, &ardupilotmega.MessageOpenDroneIdBasicId{IdType: 1, UaType: 2, UasId: serial}, 0, 0,
			"fd2a00000501ec6432000000000000000000000000000000000000000000000001023135393646303132333435363738394142436e3c"},
		{"mission item", Origin{250, 190, 6}, &ardupilotmega.MessageMissionItemInt{TargetSystem: 1, TargetComponent: 1, Frame: 5, Command: 5001,
			Param1: 4, Autocontinue: 1, X: 312304160, Y: 1214737010, MissionType: 1}, 0, 0,
			"fd26000006fabe4900000000804000000000000000000000000020629d12726a67480000000000008913010105000101bc14"},
		{"command", Origin{250, 190, 7}, &ardupilotmega.MessageCommandLong{TargetSystem: 1, TargetComponent: 1, Command: 176, Param1: 1, Param2: 6}, 0, 0,
			"fd20000007fabe4c00000000803f0000c0400000000000000000000000000000000000000000b00001010b4d"},
		{"command ack", Origin{250, 190, 8}, &ardupilotmega.MessageCommandAck{Command: 3001, Progress: 60, TargetSystem: 1, TargetComponent: 1}, 0, 0,
			"fd0a000008fabe4d0000b90b003c00000000010121f9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			prefix := []byte("kept")
			got, err := testCodec().Append(prefix, tt.from, tt.msg)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(got, prefix) {
				t.Fatalf("what stood before is gone: % x", got)
			}
			got = got[len(prefix):]
			if tt.ts != 0 {
				if got, err = testCodec().Sign(got, &sevens, tt.link, tt.ts); err != nil {
					t.Fatal(err)
				}
			}
			if want := unhex(tt.want); !bytes.Equal(got, want) {
				t.Errorf("got\n% x, want\n% x", got, want)
			}
		})
	}
}

func TestCodecRefuses(t *testing.T) {
	c := testCodec()
	if _, err := c.Append(nil, Origin{1, 1, 0}, &message.MessageRaw{ID: 0, Payload: []byte{1}}); !errors.Is(err, ErrEncode) {
		t.Errorf("a raw message: %v", err)
	}
	good, err := c.Append(nil, Origin{1, 1, 0}, copterBeat())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := c.Sign(bytes.Clone(good), &sevens, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	unknown := bytes.Clone(good)
	unknown[8], unknown[9] = 0xff, 0xff
	for name, b := range map[string][]byte{
		"nothing": nil, "cut": good[:len(good)-1], "more": append(bytes.Clone(good), 0), "signed already": signed,
		"version 1": unhex("fe0900010100040000000203510403e16d"), "unknown id": unknown,
	} {
		if _, err := c.Sign(bytes.Clone(b), &sevens, 1, 1); !errors.Is(err, ErrEncode) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// strictReceiver is what a vehicle does with signed frames, as the protocol allows it: a
// stamp must rise in its stream, there are 16 streams, and a new one must not be
// older than a minute.
type strictReceiver struct {
	key     Key
	streams map[[3]uint8]Stamp
	newest  Stamp
}

func (r *strictReceiver) take(b []byte) string {
	if len(b) < overheadV2+signature || b[0] != magicV2 || b[2] != flagSigned {
		return "unsigned"
	}
	sum := sha256.Sum256(append(bytes.Clone(r.key[:]), b[:len(b)-6]...))
	if !bytes.Equal(sum[:6], b[len(b)-6:]) {
		return "signature"
	}
	tail := b[len(b)-signature:]
	ts := Stamp(binary.LittleEndian.Uint64(append(bytes.Clone(tail[1:7]), 0, 0)))
	id := [3]uint8{b[5], b[6], tail[0]}
	last, known := r.streams[id]
	switch {
	case known && ts <= last:
		return "replay"
	case !known && len(r.streams) == 16:
		return "too many streams"
	case !known && ts+60*100_000 < r.newest:
		return "old stream"
	}
	if r.streams == nil {
		r.streams = map[[3]uint8]Stamp{}
	}
	r.streams[id] = ts
	r.newest = max(r.newest, ts)
	return ""
}

// gomavReader is gomavlib's own check of signatures.
func gomavReader(t *testing.T, key Key, frames []byte) *gomav.Reader {
	t.Helper()
	k := gomav.V2Key(key)
	r := &gomav.Reader{BufByteReader: bufio.NewReader(bytes.NewReader(frames)), DialectRW: testDialect(), InKey: &k}
	if err := r.Initialize(); err != nil {
		t.Fatal(err)
	}
	return r
}

// What Sign signs, whatever it is, our own check finds right; it never panics.
func FuzzSign(f *testing.F) {
	c := testCodec()
	for _, m := range []message.Message{copterBeat(), somewhere(), commandTo(1)} {
		frame, err := c.Append(nil, Origin{1, 1, 0}, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame, uint8(1), uint64(36288000000000))
	}
	f.Fuzz(func(t *testing.T, b []byte, link uint8, ts uint64) {
		ts &= 1<<48 - 1
		signed, err := c.Sign(bytes.Clone(b), &sevens, link, Stamp(ts))
		if err != nil {
			return
		}
		var fr frame
		if _, why := c.cat.check(signed, &fr); why != accepted || !fr.signed {
			t.Fatalf("% x: %v", signed, why)
		}
		if l, s := signatureOf(signed); l != link || s != Stamp(ts) || !new(verifier).right(&sevens, signed) {
			t.Fatalf("% x: link %d, stamp %d", signed, l, s)
		}
	})
}
