package web

import (
	"time"

	"github.com/gorilla/websocket"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

// sendControl writes what waits on the ordered channel.
func (l *liveSession) sendControl() error {
	events, err := l.sub.Take()
	if err != nil || len(events) > controlQueue && !l.resumed {
		return &closing{closeSlow, "too_slow"}
	}
	l.resumed = false
	for i := range events {
		if message := l.s.live.encode(&events[i], l.sees, l.org); message != nil {
			if err := l.writeText(message); err != nil {
				return err
			}
		}
		l.cseq = events[i].Seq
	}
	return nil
}

// sendPicture brings the client to the tick of p, if a frame is due and may go.
// Does not allocate per vehicle.
func (l *liveSession) sendPicture(p *telemetry.Picture) error {
	now := l.s.cfg.Clock()
	behind := p.Seq - l.lastTick
	if l.hold {
		if behind == 0 {
			return nil
		}
		l.hold = false
	}
	if !l.fresh && (behind == 0 || behind < l.pace.ticks()) {
		return l.heartbeat(p, now)
	}
	if l.pace.full() {
		l.pace.blocked(now)
		return nil
	}
	if records := p.Records(); len(records) > 0 {
		if newest := records[len(records)-1].Handle; newest > l.known {
			if err := l.sendDict(p, newest); err != nil {
				return err
			}
		}
	}
	flags := uint16(0)
	if l.pace.reduced() {
		flags |= live.FlagReduced
	}
	if !l.fresh && behind == 1 {
		return l.sendDelta(p, flags, now)
	}
	if !l.fresh {
		flags |= live.FlagCoalesced
	}
	l.buf = l.masked(p.AppendFrame(l.buf[:0], live.Snapshot, flags|live.FlagLast, &l.view, l.follow))
	if err := l.binary(l.buf); err != nil {
		return err
	}
	l.pace.sentOne(p.Seq, now)
	l.lastTick, l.fresh = p.Seq, false
	return nil
}

func (l *liveSession) sendDelta(p *telemetry.Picture, flags uint16, now time.Time) error {
	l.lastTick = p.Seq
	sent := false
	if frame := p.AppendRemove(l.buf[:0]); frame != nil {
		if err := l.binary(frame); err != nil {
			return err
		}
		l.buf, sent = frame, true
	}
	l.buf = l.masked(p.AppendFrame(l.buf[:0], live.Delta, flags, &l.view, l.follow))
	if len(l.buf) > live.HeaderSize {
		if err := l.binary(l.buf); err != nil {
			return err
		}
		sent = true
	}
	if !sent {
		return l.heartbeat(p, now)
	}
	l.pace.sentOne(p.Seq, now)
	return nil
}

// masked is the session's own copy of a frame as its person may see it.
func (l *liveSession) masked(frame []byte) []byte {
	if !l.sees.Whole() {
		live.Mask(frame, func(h uint32) bool {
			id := l.s.cfg.Registry.Identity(vehicles.Handle(h))
			return id != nil && l.sees.Shows(id)
		})
	}
	return frame
}

// heartbeat says that the zone lives when there is nothing else to say.
func (l *liveSession) heartbeat(p *telemetry.Picture, now time.Time) error {
	if l.pace.full() || now.Sub(l.pace.lastSent) < heartbeatWait {
		return nil
	}
	l.buf = p.AppendHeartbeat(l.buf[:0])
	if err := l.binary(l.buf); err != nil {
		return err
	}
	l.pace.sentOne(p.Seq, now)
	return nil
}

// sendDict announces the handles up to newest that the client does not know.
// Handles are dense and an identity exists before its first record, so this is
// the whole bookkeeping. With nothing to announce it still says the grid.
func (l *liveSession) sendDict(p *telemetry.Picture, newest uint32) error {
	box := l.s.cfg.Pipeline.Fanout().Grid().Box
	m := dictMessage{
		T: "dict", Epoch: l.s.cfg.Registry.Epoch(), Datum: geo.AMSL.String(),
		Grid: dictGrid{
			BBox: [4]float64{degrees(box.West), degrees(box.South), degrees(box.East), degrees(box.North)},
			Cols: live.GridCols, Rows: live.GridRows,
		},
	}
	for first := true; first || l.known < newest; first = false {
		m.V = make([]dictEntry, 0, min(dictChunk, newest-l.known))
		for l.known < newest && len(m.V) < dictChunk {
			l.known++
			id := l.s.cfg.Registry.Identity(vehicles.Handle(l.known))
			if id == nil && !p.Has(l.known) {
				continue // retired long ago: it will not appear in a frame
			}
			m.V = append(m.V, dictEntryOf(l.known, l.sees.Identity(id)))
		}
		if err := l.text(m); err != nil {
			return err
		}
	}
	return nil
}

func (l *liveSession) text(message any) error { return l.writeText(encodeJSON(message)) }

func (l *liveSession) writeText(b []byte) error { return l.frame(websocket.TextMessage, b) }

func (l *liveSession) binary(b []byte) error { return l.frame(websocket.BinaryMessage, b) }

func (l *liveSession) frame(kind int, b []byte) error {
	wait := writeWait
	select {
	case <-l.s.live.stopping:
		wait = goodbyeWait
	default:
	}
	if err := l.conn.SetWriteDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	return l.conn.WriteMessage(kind, b)
}
