package sim

import (
	"time"

	"testzone/telemetry/mavlink"
)

// Fault is what a vehicle does wrong, to show that a listener copes with it.
type Fault uint8

// The faults.
const (
	WrongKey       Fault = 1 << iota // signs with a key that is not its own
	Replays                          // sends every tenth frame twice
	ClockAtZero                      // has no clock: its signing timestamps begin at 0
	SharesSystemID                   // has the system id of the vehicle before it
	Rebinds                          // comes from another port every three seconds, as behind a NAT
	Packs                            // puts five frames into a datagram
	Cuts                             // sends every tenth frame cut short
)

const (
	faultEvery  = 10 // frames
	packed      = 5  // frames
	rebindEvery = 3 * time.Second
)

// signer is the key of one vehicle with what was signed under it.
type signer struct {
	key    mavlink.Key
	link   uint8
	stamps mavlink.Stamps
	zero   mavlink.Stamp // of a clock that began at 0
	heard  map[[3]uint8]uint64
}

// next is the stamp of the next frame.
func (s *signer) next(faults Fault, sinceStart time.Duration) mavlink.Stamp {
	if faults&ClockAtZero != 0 {
		s.zero = max(s.zero+1, mavlink.Stamp(sinceStart/(10*time.Microsecond)))
		return s.zero
	}
	return s.stamps.Next(time.Now())
}

// station is how one vehicle reaches the zone, when it signs or misbehaves. It
// belongs to the goroutine of its group.
type station struct {
	signer *signer // nil: it does not sign
	faults Fault

	own     conn // after a rebinding; nil: the socket of the fleet
	rebound time.Duration
	count   int    // frames
	pack    []byte // not sent yet
	inPack  int
}

// prepare gives vehicles their keys and faults.
func (f *Fleet) prepare() (err error) {
	if f.cfg.Sign != nil {
		if f.codec, err = mavlink.NewCodec(); err != nil {
			return err
		}
	}
	for i, m := range f.members {
		if f.cfg.Sign != nil {
			if key, link, ok := f.cfg.Sign(m.sysid); ok {
				m.station.signer = &signer{key: key, link: link, heard: map[[3]uint8]uint64{}}
				m.asks = f.cfg.AskToArm
			}
		}
		if f.cfg.Answer || m.station.signer != nil {
			f.equip(m)
		}
		if f.cfg.Faults == nil {
			continue
		}
		m.station.faults = f.cfg.Faults(m.sysid)
		if s := m.station.signer; s != nil && m.station.faults&WrongKey != 0 {
			s.key[0] ^= 1
		}
		if m.station.faults&SharesSystemID != 0 && i > 0 {
			m.sysid = f.members[i-1].sysid
		}
	}
	return nil
}

// emit sends the frame in the sink as the vehicle does.
func (g *group) emit(m *member, id int, at time.Duration) {
	f, st := g.fleet, &m.station
	if !m.heardAt(at.Seconds(), true) {
		return
	}
	if s := st.signer; s != nil {
		signed, err := f.codec.Sign(g.sink.b, &s.key, s.link, s.next(st.faults, at))
		if err != nil {
			g.errors.Add(1)
			return
		}
		g.sink.b = signed
	}
	c := g.socketOf(m, at)
	if st.faults == 0 {
		g.write(c, g.sink.b, id)
		return
	}
	st.count++
	frame := g.sink.b
	nth := st.count%faultEvery == 0
	switch {
	case st.faults&Packs != 0:
		st.pack = append(st.pack, frame...)
		g.counted(len(frame), id)
		if st.inPack++; st.inPack == packed {
			g.datagram(c, st.pack)
			st.pack, st.inPack = st.pack[:0], 0
		}
	case st.faults&Cuts != 0 && nth:
		g.faulty.Add(1)
		g.datagram(c, frame[:len(frame)/2])
	case st.faults&WrongKey != 0:
		g.faulty.Add(1)
		g.datagram(c, frame)
	default:
		g.write(c, frame, id)
		if st.faults&Replays != 0 && nth {
			g.faulty.Add(1)
			g.datagram(c, frame)
		}
	}
}

// socketOf is where a vehicle sends from now.
func (g *group) socketOf(m *member, at time.Duration) conn {
	f, st := g.fleet, &m.station
	if st.faults&Rebinds != 0 && at-st.rebound >= rebindEvery {
		if c, err := f.cfg.dial(f.cfg.Target); err == nil {
			st.rebound = at
			if st.own != nil {
				_ = st.own.Close()
			}
			st.own = c
			f.keep(c, m.socket)
		}
	}
	if st.own != nil {
		return st.own
	}
	return f.sockets[m.socket]
}

// write sends a frame as one datagram and counts both.
func (g *group) write(c conn, frame []byte, id int) {
	if g.datagram(c, frame) {
		g.counted(len(frame), id)
	}
}

func (g *group) counted(bytes, id int) {
	g.frames.Add(1)
	g.bytes.Add(uint64(bytes))
	g.byID[id].Add(1)
}

func (g *group) datagram(c conn, p []byte) bool {
	if err := writeDatagram(c, p); err != nil {
		g.errors.Add(1)
		return false
	}
	g.datagrams.Add(1)
	return true
}
