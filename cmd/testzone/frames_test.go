package main

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
	"github.com/bluenviron/gomavlib/v3/pkg/streamwriter"
)

// testVehicle encodes frames with gomavlib, which shares no code with ours.
type testVehicle struct {
	t      *testing.T
	conn   net.Conn
	buf    bytes.Buffer
	writer *streamwriter.Writer
	typ    ardupilotmega.MAV_TYPE
}

func newTestVehicle(t *testing.T, conn net.Conn, sysid, compid byte, typ ardupilotmega.MAV_TYPE) *testVehicle {
	t.Helper()
	v := &testVehicle{t: t, conn: conn, typ: typ}
	rw := &dialect.ReadWriter{Dialect: ardupilotmega.Dialect}
	if err := rw.Initialize(); err != nil {
		t.Fatal(err)
	}
	fw := &frame.Writer{ByteWriter: &v.buf, DialectRW: rw}
	if err := fw.Initialize(); err != nil {
		t.Fatal(err)
	}
	v.writer = &streamwriter.Writer{FrameWriter: fw, Version: streamwriter.V2, SystemID: sysid, ComponentID: compid}
	if err := v.writer.Initialize(); err != nil {
		t.Fatal(err)
	}
	return v
}

// encode returns the bytes of one frame.
func (v *testVehicle) encode(msg message.Message) []byte {
	v.buf.Reset()
	if err := v.writer.Write(msg); err != nil {
		panic(err) // a message of ours does not encode
	}
	return bytes.Clone(v.buf.Bytes())
}

func (v *testVehicle) send(msg message.Message) {
	// A refused datagram is an answer too: the server may just have been killed.
	_, _ = v.conn.Write(v.encode(msg))
}

func (v *testVehicle) heartbeat() message.Message {
	return &ardupilotmega.MessageHeartbeat{
		Type: v.typ, Autopilot: ardupilotmega.MAV_AUTOPILOT_ARDUPILOTMEGA,
		BaseMode: ardupilotmega.MAV_MODE_FLAG_SAFETY_ARMED, SystemStatus: ardupilotmega.MAV_STATE_ACTIVE, MavlinkVersion: 3,
	}
}

func at(lat, lon float64, altM float64, bootMS uint32) message.Message {
	return &ardupilotmega.MessageGlobalPositionInt{
		TimeBootMs: bootMS, Lat: degE7(lat), Lon: degE7(lon),
		Alt: int32(altM * 1000), RelativeAlt: int32(altM*1000) - 4000, Vx: 100, Hdg: 4500,
	}
}

// tlogEntry is one entry of a recording: microseconds, big-endian, and the frame.
func tlogEntry(us uint64, frame []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, us), frame...)
}
