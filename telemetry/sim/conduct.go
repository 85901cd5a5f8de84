package sim

import (
	"slices"
	"sync"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

// order is a command as a vehicle heard it.
type order struct {
	from           *frame.V2Frame
	command        common.MAV_CMD
	param1, param2 float32
	at             spot // of COMMAND_INT
}

// steers reports whether it is one that a vehicle may delay, refuse or pretend to obey.
func (o *order) steers() bool {
	return slices.Contains([]common.MAV_CMD{cmdReturn, cmdLand, cmdSetMode, cmdReposition, cmdContinue, cmdTerminate}, o.command)
}

// lateOrders are those that a vehicle will obey later.
type lateOrders struct {
	mu  sync.Mutex // guards the field below
	all []lateOrder
}

type lateOrder struct {
	order
	due time.Duration
}

// attend is what a vehicle answers to an order, as it behaves.
func (m *member) attend(o order, at time.Duration) []message.Message {
	t := at.Seconds()
	if !o.steers() {
		return m.obey(o, at)
	}
	for _, late := range [...]Behaviour{Delays, Progresses} {
		e, _ := m.under(late, t, 0)
		if e == nil {
			continue
		}
		m.late.mu.Lock()
		defer m.late.mu.Unlock()
		// Asked again meanwhile, it has not forgotten.
		if !slices.ContainsFunc(m.late.all, func(l lateOrder) bool {
			return l.command == o.command && l.param1 == o.param1 && l.param2 == o.param2 && l.at == o.at
		}) {
			m.late.all = append(m.late.all, lateOrder{o, at + e.Late})
		}
		if late == Progresses {
			return []message.Message{o.ack(common.MAV_RESULT_IN_PROGRESS)}
		}
		return nil
	}
	return m.treat(o, at)
}

func (o *order) ack(r common.MAV_RESULT) *ardupilotmega.MessageCommandAck {
	return &ardupilotmega.MessageCommandAck{
		Command: o.command, Result: ardupilotmega.MAV_RESULT(r), TargetSystem: o.from.SystemID, TargetComponent: o.from.ComponentID,
	}
}

// treat obeys an order, or does not.
func (m *member) treat(o order, at time.Duration) []message.Message {
	t := at.Seconds()
	to, mode := m.kind.meant(o.command, o.param1, o.param2)
	p := m.events.Load()
	if p == nil {
		return m.obey(o, at)
	}
	for _, e := range *p {
		if e.Does == Refuses && e.of(m) && t >= e.At.Seconds() && t < e.end() && slices.Contains(orders[e.Order], to) {
			return []message.Message{o.ack(common.MAV_RESULT_DENIED)}
		}
	}
	switch {
	case m.is(LiesMode, t) && mode != 0:
		m.pretends.Store(mode)
		return []message.Message{o.ack(common.MAV_RESULT_ACCEPTED)}
	case m.is(LiesMode, t), m.is(LiesAck, t):
		return []message.Message{o.ack(common.MAV_RESULT_ACCEPTED)}
	case m.kind.needsFix(to, mode) && m.receives(t).fix < 3:
		return []message.Message{o.ack(common.MAV_RESULT_FAILED)}
	}
	return m.obey(o, at)
}

// meant is what a command has a vehicle do, and in which mode; mode 0: nothing it knows.
func (k *kind) meant(command common.MAV_CMD, param1, param2 float32) (to act, mode uint32) {
	modes := k.modesOf()
	switch command {
	case cmdSetMode:
		for a, numbers := range modes {
			if a != goes && slices.Contains(numbers, uint32(param2)) {
				return a, uint32(param2)
			}
		}
		return follows, 0
	case cmdReturn:
		to = returns
	case cmdLand:
		to = lands
	case cmdReposition:
		to = goes
	case cmdTerminate:
		to = falls
	case cmdContinue:
		if param1 == 0 {
			to = stands
			if len(modes[circles]) > 0 {
				to = circles
			}
		}
	}
	if len(modes[to]) == 0 {
		return to, 0
	}
	return to, modes[to][0]
}

// needsFix reports whether a vehicle refuses a mode without a position: a copter comes
// down without one, a rover stops.
func (k *kind) needsFix(to act, mode uint32) bool {
	switch to {
	case lands, circles, falls:
		return false
	case stands:
		return k.flies || mode == 5 // a boat's LOITER; its HOLD stops the motor
	}
	return true
}

// conduct does what is due by itself up to t: late orders, the pilot's hand, what the
// autopilot does without its link. It belongs to the goroutine of the group.
func (m *member) conduct(at time.Duration) (out []message.Message) {
	p := m.events.Load()
	if p == nil {
		return nil
	}
	t := at.Seconds()
	for _, e := range *p {
		if m.done[e] || !e.of(m) {
			continue
		}
		from := e.At.Seconds()
		if e.Does == LinkLost {
			from += m.kind.failsafeS
		}
		if t < from || e.Area != nil && !m.is(e.Does, t) {
			continue
		}
		if m.done == nil {
			m.done = map[*event]bool{}
		}
		m.done[e] = true
		switch {
		case e.Does == PilotTakesOver:
			m.takenOver(t)
		case e.Does == LinkLost && from < e.end():
			m.failsafe(t)
		case e.Does == ArmsAnyway && m.asks:
			m.armedAt.CompareAndSwap(0, max(int64(at), 1))
		}
	}
	m.late.mu.Lock()
	defer m.late.mu.Unlock()
	m.late.all = slices.DeleteFunc(m.late.all, func(l lateOrder) bool {
		if l.due > at {
			return false
		}
		out = append(out, m.treat(l.order, at)...)
		return true
	})
	return out
}

// failsafe is what an autopilot does when it has not heard its ground station for
// failsafeS, as its parameters say.
func (m *member) failsafe(t float64) {
	modes := m.kind.modesOf()
	for _, a := range m.kind.failsafe {
		if len(modes[a]) > 0 {
			m.turnTo(a, modes[a][0], t)
			return
		}
	}
}

// takenOver has the pilot fly by hand.
func (m *member) takenOver(t float64) { m.turnTo(piloted, m.kind.manual, t) }
