package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

// answering is a vehicle's ear: it checks every frame that the zone sends with
// gomavlib's own signature check, and says what a copter would answer.
type answering struct {
	conn    net.Conn
	key     frame.V2Key
	dialect *dialect.ReadWriter
	beats   atomic.Int32
	wrong   atomic.Pointer[string]
	answers chan message.Message
	told    chan string // what it was answered, see hear
}

func listenFor(t *testing.T, conn net.Conn, secret string) *answering {
	t.Helper()
	a := &answering{conn: conn, dialect: &dialect.ReadWriter{Dialect: ardupilotmega.Dialect}, answers: make(chan message.Message, 1000), told: make(chan string, 1000)}
	if _, err := hex.Decode(a.key[:], []byte(secret)); err != nil {
		t.Fatal(err)
	}
	if err := a.dialect.Initialize(); err != nil {
		t.Fatal(err)
	}
	go a.run()
	return a
}

func (a *answering) run() {
	buf := make([]byte, 2048)
	for {
		n, err := a.conn.Read(buf)
		if err != nil {
			return
		}
		r := &frame.Reader{BufByteReader: bufio.NewReader(bytes.NewReader(buf[:n])), DialectRW: a.dialect, InKey: &a.key}
		if err := r.Initialize(); err != nil {
			return
		}
		fr, err := r.Read()
		if err != nil || fr.GetSystemID() != 250 || fr.GetComponentID() != 190 {
			why := fmt.Sprintf("% x: %v", buf[:n], err)
			a.wrong.Store(&why)
			continue
		}
		a.hear(fr.GetMessage())
	}
}

func (a *answering) hear(m message.Message) {
	switch m := m.(type) {
	case *ardupilotmega.MessageHeartbeat:
		if m.Type == ardupilotmega.MAV_TYPE_GCS && m.Autopilot == ardupilotmega.MAV_AUTOPILOT_INVALID {
			a.beats.Add(1)
		}
	case *ardupilotmega.MessageCommandLong:
		result := ardupilotmega.MAV_RESULT(common.MAV_RESULT_UNSUPPORTED)
		if m.Command == common.MAV_CMD_REQUEST_MESSAGE && m.Param1 == 148 {
			a.answers <- &ardupilotmega.MessageAutopilotVersion{
				Capabilities: 131072, FlightSwVersion: 4<<24 | 5<<16 | 7<<8, Uid2: [18]uint8{1, 2, 17: 3},
			}
			result = common.MAV_RESULT_ACCEPTED
		}
		a.answers <- &ardupilotmega.MessageCommandAck{Command: m.Command, Result: result, TargetSystem: 250, TargetComponent: 190}
	case *ardupilotmega.MessageStatustext:
		a.told <- m.Text
	case *ardupilotmega.MessageCommandAck:
		if m.Result == ardupilotmega.MAV_RESULT(common.MAV_RESULT_ACCEPTED) {
			a.told <- fmt.Sprintf("granted %d s", m.Progress)
		}
	case *ardupilotmega.MessageParamRequestRead:
		v, ok := map[string]float32{"FS_GCS_ENABLE": 1, "FS_THR_ENABLE": 3, "FS_OPTIONS": 0, "FS_GCS_TIMEOUT": 5, "RTL_ALT": 3500, "RALLY_TOTAL": 2, "BATT_CAPACITY": 5200}[m.ParamId]
		if ok {
			a.answers <- &ardupilotmega.MessageParamValue{ParamId: m.ParamId, ParamValue: v, ParamType: ardupilotmega.MAV_PARAM_TYPE_REAL32}
		}
	}
}

// The zone tells a vehicle that proved who it is that it is there, and asks what
// it does without its link. It says nothing to one that proved nothing.
func TestTalksToWhoProved(t *testing.T) {
	p := serve(t, t.TempDir(), signedListener)
	_, secret := p.enrol("uav-9", "uav", 9)
	conn, stranger := p.dialSigned(), p.dialSigned()
	drone := newTestVehicle(t, conn, 9, 1, ardupilotmega.MAV_TYPE_QUADROTOR).signWith(secret)
	unsigned := newTestVehicle(t, stranger, 9, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
	ear, other := listenFor(t, conn, secret), listenFor(t, stranger, secret)
	var known struct {
		LostLink struct {
			Action, Basis string
			ReturnHeightM *float64 `json:"return_height_m"`
			Rally         bool
		} `json:"lost_link"`
	}
	p.until(60*time.Second, func() string {
		drone.fly(true, 500)
		unsigned.fly(true, 500)
		for len(ear.answers) > 0 {
			drone.send(<-ear.answers)
		}
		p.get("/v1/vehicles/uav-9", &known)
		if l := known.LostLink; l.Action != "return" || l.ReturnHeightM == nil || *l.ReturnHeightM != 35 || !l.Rally || l.Basis != "parameters" {
			return fmt.Sprintf("the lost-link profile: %+v", l)
		}
		if ear.beats.Load() < 2 {
			return "heartbeats of the zone"
		}
		return ""
	})
	if why := ear.wrong.Load(); why != nil {
		t.Errorf("a frame that the vehicle cannot take: %s", *why)
	}
	if why := other.wrong.Load(); other.beats.Load() != 0 || why != nil {
		t.Error("something was sent to who proved nothing")
	}
}
