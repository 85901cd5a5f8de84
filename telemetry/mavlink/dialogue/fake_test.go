package dialogue

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

const handle = vehicles.Handle(7)

// vehicle is the other end: what is sent to it, and what it answers. It is a
// Sender whose frames reach nobody else.
type vehicle struct {
	e      *Exchange
	route  mavlink.Route
	answer func(m message.Message) []message.Message
	way    func() []time.Duration // of one frame: how long each of its copies takes; none is lost

	mu    sync.Mutex // guards the fields below
	tenth func()     // called with the tenth message that is sent
	fail  []error    // of the next sends
	sent  []message.Message
	at    []time.Time
	got   []message.Message // what reached it
}

func (v *vehicle) Self() (uint8, uint8) { return 250, 190 }

func (v *vehicle) Route(h vehicles.Handle) (mavlink.Route, error) {
	if h != handle || v.route.Credential == nil {
		return mavlink.Route{}, mavlink.ErrNoRoute
	}
	return v.route, nil
}

func (v *vehicle) Send(_ vehicles.Handle, m message.Message) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.fail) > 0 {
		err := v.fail[0]
		v.fail = v.fail[1:]
		if err != nil {
			return err
		}
	}
	v.sent = append(v.sent, m)
	v.at = append(v.at, time.Now())
	if len(v.sent) == 10 && v.tenth != nil {
		go v.tenth()
	}
	for _, d := range v.way() {
		time.AfterFunc(d, func() { v.hear(m) })
	}
	return nil
}

// setWay changes what becomes of frames.
func (v *vehicle) setWay(way func() []time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.way = way
}

// failNext has the next n sends fail.
func (v *vehicle) failNext(n int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for range n {
		v.fail = append(v.fail, err)
	}
}

func (v *vehicle) hear(m message.Message) {
	v.mu.Lock()
	v.got = append(v.got, m)
	answers := v.answer(m)
	v.mu.Unlock()
	for _, a := range answers {
		v.say(a)
	}
}

func (v *vehicle) say(m message.Message) {
	v.mu.Lock()
	copies := v.way()
	v.mu.Unlock()
	for _, d := range copies {
		time.AfterFunc(d, func() { v.e.Note(handle, time.Now().UnixMicro(), m) })
	}
}

func (v *vehicle) all() []message.Message {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]message.Message(nil), v.sent...)
}

func clean() []time.Duration { return []time.Duration{10 * time.Millisecond} }

// poor is a link that loses, doubles and delays.
func poor(seed uint64) func() []time.Duration {
	rng := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	return func() (out []time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		for range 1 + rng.IntN(5)/4 {
			if rng.IntN(10) < 7 {
				out = append(out, time.Duration(rng.IntN(2500))*time.Millisecond)
			}
		}
		return out
	}
}

// newPair is an Exchange with one open vehicle, an ArduPilot copter that proved who it is.
func newPair(t *testing.T, cfg Config, answer func(m message.Message) []message.Message) (*Exchange, *vehicle) {
	t.Helper()
	v := &vehicle{answer: answer, way: clean, route: mavlink.Route{
		Handle: handle, Addr: netip.MustParseAddrPort("192.0.2.1:14550"), SystemID: 9, Autopilot: 1, Credential: &mavlink.Credential{Vehicle: "uav-9"},
	}}
	cfg.Sender = v
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	v.e = e
	e.Open(handle, mavlink.Source{Vehicle: "uav-9", SystemID: 9, MAVType: 2, Autopilot: 3})
	return e, v
}

func ack(command int, r Result) *ardupilotmega.MessageCommandAck {
	m := &ardupilotmega.MessageCommandAck{Result: ardupilotmega.MAV_RESULT(r), TargetSystem: 250, TargetComponent: 190}
	m.Command += ardupilotmegaCmd(command)
	return m
}

// script answers the n-th command with the n-th results, further ones like the last.
func script(results ...[]Result) func(m message.Message) []message.Message {
	n := 0
	return func(m message.Message) (out []message.Message) {
		id, ok := commandOf(m)
		if !ok || len(results) == 0 {
			return nil
		}
		for _, r := range results[min(n, len(results)-1)] {
			out = append(out, ack(id, r))
		}
		n++
		return out
	}
}

func commandOf(m message.Message) (int, bool) {
	switch m := m.(type) {
	case *ardupilotmega.MessageCommandLong:
		return int(m.Command), true
	case *ardupilotmega.MessageCommandInt:
		return int(m.Command), true
	}
	return 0, false
}
