package sim

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
)

const (
	idParamValue = 22
	idCommandAck = 77
	idTimesync   = 111
	idVersion    = 148
	idHome       = 242

	cmdRequestMessage = 512
	paramCast         = 131072 // integers of parameters stand as their value
)

// answer is what a vehicle has to say to somebody.
type answer struct {
	m   *member
	msg message.Message
}

// keep closes a socket with the fleet, and has vehicles hear what comes in there.
func (f *Fleet) keep(c conn, socket int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.extra = append(f.extra, c)
	if f.dialect != nil {
		f.ears.Go(func() { f.hear(c, socket) })
	}
}

// startHearing has the vehicles answer.
func (f *Fleet) startHearing() error {
	if !f.cfg.Answer && f.cfg.Sign == nil {
		return nil
	}
	rw := &dialect.ReadWriter{Dialect: ardupilotmega.Dialect}
	if err := rw.Initialize(); err != nil {
		return err
	}
	f.dialect = rw
	for i, c := range f.sockets {
		f.ears.Go(func() { f.hear(c, i) })
	}
	return nil
}

// hear takes what comes in at a socket until it is closed.
func (f *Fleet) hear(c conn, socket int) {
	buf := make([]byte, 2048)
	for {
		n, err := c.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		// Another error tells of a datagram of ours that found no listener.
		for b := buf[:n]; err == nil; {
			raw, rest, ok := mavlink.NextFrame(b)
			if !ok {
				break
			}
			f.hearFrame(raw, socket)
			b = rest
		}
	}
}

func (f *Fleet) hearFrame(raw []byte, socket int) {
	r := &frame.Reader{BufByteReader: bufio.NewReader(bytes.NewReader(raw)), DialectRW: f.dialect}
	if r.Initialize() != nil {
		return
	}
	fr, err := r.Read()
	if err != nil {
		f.deaf.Add(1)
		return
	}
	v2, ok := fr.(*frame.V2Frame)
	if !ok {
		f.deaf.Add(1)
		return
	}
	target, addressed := targetOf(v2.Message)
	for _, m := range f.behind[socket] {
		if addressed && m.sysid != target || !m.heardAt(time.Since(f.begun).Seconds(), false) {
			continue
		}
		if !f.believes(m, v2, raw) {
			if addressed {
				f.deaf.Add(1)
			}
			continue
		}
		if _, beat := v2.Message.(*ardupilotmega.MessageHeartbeat); beat {
			f.beats.Add(1)
		}
		for _, a := range m.reply(v2, time.Since(f.begun)) {
			select {
			case m.group.answers <- answer{m, a}:
			default: // it is busy, as a vehicle may be
				f.deaf.Add(1)
			}
		}
	}
}

// targetOf is the system that a message is for.
func targetOf(m message.Message) (uint8, bool) {
	switch m := m.(type) {
	case *ardupilotmega.MessageCommandLong:
		return m.TargetSystem, true
	case *ardupilotmega.MessageCommandInt:
		return m.TargetSystem, true
	case *ardupilotmega.MessageCommandAck:
		return m.TargetSystem, true
	case *ardupilotmega.MessageParamRequestRead:
		return m.TargetSystem, true
	case *ardupilotmega.MessageTimesync:
		return m.TargetSystem, m.TargetSystem != 0
	case *ardupilotmega.MessageParamSet:
		return m.TargetSystem, true
	}
	system, _, ok := planMessage(m)
	return system, ok
}

// believes checks a frame as a strict vehicle does: the signature is by its key
// and newer than all of the same sender and link. A vehicle that does not sign
// believes everybody.
func (f *Fleet) believes(m *member, v2 *frame.V2Frame, raw []byte) bool {
	s := m.station.signer
	if s == nil {
		return true
	}
	if v2.Signature == nil {
		return false
	}
	signed := raw[:len(raw)-len(v2.Signature)]
	if sum := sha256.Sum256(append(s.key[:], signed...)); !bytes.HasPrefix(sum[:], v2.Signature[:]) {
		return false
	}
	f.mu.Lock() // a socket that was bound anew has a goroutine of its own
	defer f.mu.Unlock()
	id := [3]uint8{v2.SystemID, v2.ComponentID, v2.SignatureLinkID}
	if v2.SignatureTimestamp <= s.heard[id] {
		return false
	}
	s.heard[id] = v2.SignatureTimestamp
	return true
}

// reply is what a vehicle says to a frame. Of commands it knows the request of a
// message and, when it signs, some orders; the others are not supported.
func (m *member) reply(v2 *frame.V2Frame, at time.Duration) []message.Message {
	switch q := v2.Message.(type) {
	case *ardupilotmega.MessageCommandAck:
		m.armAnswer(q, at)
	case *ardupilotmega.MessageCommandLong:
		return m.attend(order{from: v2, command: q.Command, param1: q.Param1, param2: q.Param2}, at)
	case *ardupilotmega.MessageCommandInt:
		return m.attend(order{v2, q.Command, q.Param1, q.Param2, spot{q.X, q.Y, q.Z, q.Frame, true}}, at)
	case *ardupilotmega.MessageParamRequestRead:
		all := m.params()
		for i, p := range all {
			if p.name == q.ParamId || q.ParamId == "" && int(q.ParamIndex) == i {
				return []message.Message{p.says(i, len(all))}
			}
		}
	case *ardupilotmega.MessageParamSet:
		return m.setParam(q)
	case *ardupilotmega.MessageTimesync:
		if q.Tc1 == 0 {
			return []message.Message{&ardupilotmega.MessageTimesync{
				Tc1: int64(m.bootMS)*1e6 + int64(at), Ts1: q.Ts1, TargetSystem: v2.SystemID, TargetComponent: v2.ComponentID,
			}}
		}
	default:
		if m.board != nil {
			out, _ := m.board.Hear(Station{v2.SystemID, v2.ComponentID}, q, at)
			return out
		}
	}
	return nil
}

func (m *member) obey(o order, at time.Duration) []message.Message {
	ack := o.ack(common.MAV_RESULT_UNSUPPORTED)
	if r, ok := m.carriesOut(o.command, o.param1, at.Seconds()); ok {
		ack.Result = r
		return []message.Message{ack}
	}
	var wanted message.Message
	switch {
	case m.station.signer != nil && o.command == cmdReposition:
		ack.Result = m.sent(&o, at.Seconds())
	case m.station.signer != nil && o.steers():
		ack.Result = m.ordered(o.command, o.param1, o.param2, at.Seconds())
	case o.command != cmdRequestMessage:
	case o.param1 == idVersion:
		v := &ardupilotmega.MessageAutopilotVersion{Capabilities: paramCast, FlightSwVersion: 4<<24 | 5<<16 | 7<<8 | 255}
		copy(v.Uid2[:], fmt.Sprintf("sim-%s", m.name))
		wanted = v
	case o.param1 == idHome:
		p := m.plane.point(m.onCourse(0, 1).at)
		wanted = &ardupilotmega.MessageHomePosition{Latitude: p.Lat, Longitude: p.Lon, Altitude: groundMM, Q: [4]float32{1}}
	default:
		ack.Result = ardupilotmega.MAV_RESULT_FAILED
	}
	if wanted == nil {
		return []message.Message{ack}
	}
	ack.Result = ardupilotmega.MAV_RESULT_ACCEPTED
	return []message.Message{ack, wanted}
}

// param is a parameter of a vehicle.
type param struct {
	name  string
	value float32
	typ   ardupilotmega.MAV_PARAM_TYPE
}

func whole(name string, v float32) param { return param{name, v, ardupilotmega.MAV_PARAM_TYPE_INT32} }

func real(name string, v float32) param { return param{name, v, ardupilotmega.MAV_PARAM_TYPE_REAL32} }

// The parameters that say what a vehicle does without its links, as ArduPilot
// names them.
var (
	copterParams = []param{
		whole("FS_GCS_ENABLE", 1), real("FS_GCS_TIMEOUT", 5), whole("FS_THR_ENABLE", 1), whole("FS_OPTIONS", 0),
		whole("RTL_ALT", 3000), whole("RALLY_TOTAL", 0), whole("BATT_CAPACITY", 5200),
	}
	planeParams = []param{
		whole("FS_GCS_ENABL", 1), whole("FS_LONG_ACTN", 1), real("FS_LONG_TIMEOUT", 5),
		whole("ALT_HOLD_RTL", 10000), whole("RALLY_TOTAL", 0), whole("BATT_CAPACITY", 10000),
	}
	roverParams = []param{
		whole("FS_ACTION", 2), whole("FS_GCS_ENABLE", 1), real("FS_TIMEOUT", 1.5), whole("FS_THR_ENABLE", 1),
		whole("RALLY_TOTAL", 0), whole("BATT_CAPACITY", 40000),
	}
	boatParams = append(slices.Clone(roverParams[1:]), whole("FS_ACTION", 1))
)

// answered sends what a vehicle has to say.
func (g *group) answered(a answer, at time.Duration) {
	if err := a.m.encoder.Write(a.msg); err != nil {
		g.errors.Add(1)
		return
	}
	g.emit(a.m, int(a.msg.GetID()), at)
}
