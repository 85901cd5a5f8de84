package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"testzone/geofence"
	"testzone/telemetry"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

// errProtocol is returned when a client's message is not one of zl.v1: it is
// closed with 4400.
var errProtocol = errors.New("not a message of zl.v1")

// Messages of the client. Fields that are not here are an error.
type (
	helloMessage struct {
		T      string      `json:"t"`
		Resume *resumeFrom `json:"resume"`
		Enc    []string    `json:"enc"`
		Lang   string      `json:"lang"`
	}
	resumeFrom struct {
		Epoch    uint32 `json:"epoch"`
		Seq      uint64 `json:"seq"`
		AlertSeq uint64 `json:"alertSeq"`
	}
	subMessage struct {
		T     string      `json:"t"`
		BBox  *[4]float64 `json:"bbox"`
		Zoom  float64     `json:"zoom"`
		MaxHz int         `json:"maxHz"`
	}
	followMessage struct {
		T   string   `json:"t"`
		IDs []string `json:"ids"`
	}
	ackMessage struct {
		T        string  `json:"t"`
		Seq      uint64  `json:"seq"`
		RenderMS float64 `json:"renderMs"`
		Queued   float64 `json:"queued"`
	}
	alertAckMessage struct {
		T        string `json:"t"`
		AlertSeq uint64 `json:"alertSeq"`
	}
	pingMessage struct {
		T            string `json:"t"`
		ClientTimeUS int64  `json:"clientTimeUs"`
	}
)

// maxFollow is how many vehicles one session may follow.
const maxFollow = 32

// parseMessage reads one message of the client.
func parseMessage(b []byte) (any, error) {
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("%w: not UTF-8", errProtocol)
	}
	var head struct {
		T string `json:"t"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%w: not a JSON object", errProtocol)
	}
	var m any
	switch head.T {
	case "hello":
		m = &helloMessage{}
	case "sub":
		m = &subMessage{}
	case "follow":
		m = &followMessage{}
	case "ack":
		m = &ackMessage{}
	case "alertAck":
		m = &alertAckMessage{}
	case "ping":
		m = &pingMessage{}
	default:
		return nil, fmt.Errorf("%w: unknown type", errProtocol)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: bad or unknown field in %s", errProtocol, head.T)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more than one value", errProtocol)
	}
	return m, validMessage(m)
}

func validMessage(m any) error {
	switch m := m.(type) {
	case *subMessage:
		b := m.BBox
		if b == nil || b[0] > b[2] || b[1] > b[3] || slices.ContainsFunc(b[:], func(v float64) bool { return math.Abs(v) > 1e6 }) {
			return fmt.Errorf("%w: bbox must be [west, south, east, north]", errProtocol)
		}
		switch m.MaxHz {
		case 0, 1, 2, 5, 10:
		default:
			return fmt.Errorf("%w: maxHz must be 1, 2, 5 or 10", errProtocol)
		}
	case *followMessage:
		if len(m.IDs) > maxFollow {
			return fmt.Errorf("%w: at most %d vehicles can be followed", errProtocol, maxFollow)
		}
	}
	return nil
}

// box is the subscription's box on the lattice, cut to the globe.
func (m *subMessage) box() live.BBox {
	lon := func(v float64) int32 { return degE7(max(-180, min(180, v))) }
	lat := func(v float64) int32 { return degE7(max(-90, min(90, v))) }
	return live.BBox{West: lon(m.BBox[0]), South: lat(m.BBox[1]), East: lon(m.BBox[2]), North: lat(m.BBox[3])}
}

// Messages of the server.
type (
	welcomeMessage struct {
		T            string `json:"t"`
		Epoch        uint32 `json:"epoch"`
		CSeq         uint64 `json:"cseq"`
		ServerTimeUS int64  `json:"serverTimeUs"`
	}
	dictMessage struct {
		T     string      `json:"t"`
		Epoch uint32      `json:"epoch"`
		Grid  dictGrid    `json:"grid"`
		Datum string      `json:"datum"`
		V     []dictEntry `json:"v"`
	}
	dictGrid struct {
		BBox [4]float64 `json:"bbox"`
		Cols int        `json:"cols"`
		Rows int        `json:"rows"`
	}
	dictEntry struct {
		H        uint32 `json:"h"`
		ID       string `json:"id"`
		Name     string `json:"name"`
		Class    string `json:"class"`
		Org      string `json:"org"`
		Verified bool   `json:"verified"`
	}
	snapMetaMessage struct {
		T     string   `json:"t"`
		Total int      `json:"total"`
		Hz    int      `json:"hz"`
		Cells []uint32 `json:"cells"`
	}
	pongMessage struct {
		T            string `json:"t"`
		ClientTimeUS int64  `json:"clientTimeUs"`
		ServerTimeUS int64  `json:"serverTimeUs"`
	}
	byeMessage struct {
		T      string     `json:"t"`
		Reason string     `json:"reason"`
		Resume resumeFrom `json:"resume"`
	}
	resetMessage struct {
		T string `json:"t"`
	}
	healthMessage struct {
		T       string         `json:"t"`
		Status  string         `json:"status"`
		Reasons []HealthReason `json:"reasons"`
	}
	alertMessage struct {
		T     string `json:"t"`
		CSeq  uint64 `json:"cseq"`
		JSeq  uint64 `json:"jseq,omitempty"`
		Alert Alert  `json:"alert"`
	}
	transitionMessage struct {
		T       string            `json:"t"`
		CSeq    uint64            `json:"cseq"`
		Kind    string            `json:"kind"`
		Flags   []string          `json:"flags"`
		At      string            `json:"at"`
		Vehicle transitionVehicle `json:"vehicle"`
		Fence   AlertFence        `json:"fence"`
		Datum   string            `json:"datum"`
		Before  *Fix              `json:"before"`
		After   *Fix              `json:"after"`
		Grounds *Grounds          `json:"grounds"`
		Held    bool              `json:"held"`
	}
	transitionVehicle struct {
		ID       string `json:"id"`
		H        uint32 `json:"h"`
		Name     string `json:"name"`
		Class    string `json:"class"`
		Verified bool   `json:"verified"`
	}
	fenceMessage struct {
		T     string `json:"t"`
		CSeq  uint64 `json:"cseq"`
		Op    string `json:"op"`
		Fence any    `json:"fence"`
	}
	fenceGone struct {
		ID  string `json:"id"`
		Rev uint64 `json:"rev"`
	}
)

func dictEntryOf(h uint32, id *vehicles.Identity) dictEntry {
	if id == nil {
		// Retired a moment ago: its last record may still be in the picture, and
		// no record may come without its entry.
		return dictEntry{H: h, ID: fmt.Sprintf("retired-%d", h), Class: vehicles.ClassUnknown.String()}
	}
	return dictEntry{
		H: h, ID: string(id.ID), Name: id.Name, Class: id.Class.String(), Org: id.Operator, Verified: id.Verified,
	}
}

func transitionOf(seq uint64, t *telemetry.Transition) transitionMessage {
	f := &t.Fence.Fence
	m := transitionMessage{
		T: "transition", CSeq: seq, Kind: t.Kind.String(), Flags: t.Flags.Names(), At: timeOf(t.ReceivedUS),
		Vehicle: transitionVehicleOf(t.Vehicle), Grounds: groundsOf(&t.Grounds, t.Vehicle.Class), Held: t.Held,
		Fence: AlertFence{ID: f.ID, Name: f.Name, Kind: f.Kind.String(), Rev: f.Rev},
		Datum: t.Datum.String(), After: fixOf(&t.After),
	}
	if m.Flags == nil {
		m.Flags = []string{}
	}
	if t.Transition.Flags&geofence.FirstFix == 0 {
		m.Before = fixOf(&t.Before)
	}
	return m
}
