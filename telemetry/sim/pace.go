package sim

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/streamwriter"
)

const (
	perGroup  = 500 // vehicles per pacing goroutine before a second one starts
	maxGroups = 4
	grain     = time.Millisecond // shortest sleep: wake-ups cost more than the frames
	maxLag    = 2 * time.Second  // further behind (the machine slept), frames are skipped
)

// Stats counts what was sent. A datagram holds one frame, but for the faults.
type Stats struct {
	Frames    uint64
	Datagrams uint64
	Bytes     uint64
	Errors    uint64            // writes that failed; their frames are not counted as sent
	Skipped   uint64            // frames not sent because the fleet was more than 2 s behind
	ByMessage map[uint32]uint64 // frames by message id

	Faulty uint64 // frames sent again, cut or signed with a wrong key on purpose: not counted above
	Beats  uint64 // heartbeats that vehicles heard and believed
	Deaf   uint64 // frames to a vehicle that it did not believe, or could not answer
}

// stream is one message of one vehicle, sent once per period; a nil member is
// the ground station.
type stream struct {
	m  *member
	id int
}

// queue sends its streams in turn, evenly spread over the period: event n is
// stream n modulo their number, at n times the period over their number.
// Deadlines follow from n alone, so nothing drifts.
type queue struct {
	period  time.Duration
	shift   time.Duration
	streams []stream
	next    int64
}

func (q *queue) due() time.Duration {
	n := int64(len(q.streams))
	return q.shift + time.Duration(q.next/n)*q.period + q.period*time.Duration(q.next%n)/time.Duration(n)
}

// skipTo drops the events before now.
func (q *queue) skipTo(now time.Duration) (skipped int64) {
	to := int64(now-q.shift) * int64(len(q.streams)) / int64(q.period)
	skipped = to - q.next
	q.next = to
	return skipped
}

// group is the vehicles that one goroutine serves.
type group struct {
	fleet  *Fleet
	queues []queue
	sink   sink
	writer *frame.Writer
	gcs    streamwriter.Writer

	answers chan answer

	frames, datagrams, bytes, errors, skipped, faulty atomic.Uint64
	byID                                              map[int]*atomic.Uint64 // of every id that may be sent; never changes
}

// counters is one for every message id below 256, and for those above that are sent.
func counters() map[int]*atomic.Uint64 {
	out := map[int]*atomic.Uint64{idBasicID: new(atomic.Uint64), idLocation: new(atomic.Uint64), idIntegrity: new(atomic.Uint64)}
	for id := range 256 {
		out[id] = new(atomic.Uint64)
	}
	return out
}

func (f *Fleet) makeGroups() error {
	n := max(1, min(maxGroups, (len(f.members)+perGroup-1)/perGroup))
	per := (len(f.members) + n - 1) / n
	for i := range n {
		g := &group{fleet: f, answers: make(chan answer, 1024), byID: counters()}
		var err error
		if g.writer, err = newFrameWriter(&g.sink); err != nil {
			return err
		}
		mine := f.members[min(i*per, len(f.members)):min((i+1)*per, len(f.members))]
		if len(mine) == 0 {
			break
		}
		for _, m := range mine {
			m.group = g
			if m.encoder, err = newEncoder(g.writer, m.sysid, 1); err != nil {
				return err
			}
		}
		g.fill(mine)
		if i == 0 && f.cfg.Helicopter != nil && f.cfg.Kind != KindDemo {
			g.queues = append(g.queues, queue{period: time.Second, streams: []stream{{mine[0], idADSB}}})
		}
		if i == 0 && f.cfg.Kind == KindDemo {
			if g.gcs, err = newEncoder(g.writer, gcsSystemID, gcsComponentID); err != nil {
				return err
			}
			g.queues[0].streams = append(g.queues[0].streams, stream{id: idHeartbeat})
			g.listen(mine)
		}
		for q := range g.queues { // groups take turns, too
			g.queues[q].shift = g.queues[q].period * time.Duration(i) / time.Duration(n*len(g.queues[q].streams))
		}
		f.groups = append(f.groups, g)
	}
	return nil
}

func (g *group) fill(mine []*member) {
	cfg := &g.fleet.cfg
	slow := queue{period: time.Second}
	for _, id := range [...]int{idHeartbeat, idGPSRaw, idSysStatus, idExtended} {
		for _, m := range mine {
			slow.streams = append(slow.streams, stream{m, id})
		}
	}
	if cfg.Integrity {
		for _, id := range [...]int{idEstimator, idIntegrity} {
			for _, m := range mine {
				slow.streams = append(slow.streams, stream{m, id})
			}
		}
	}
	for _, m := range mine {
		if m.board != nil {
			slow.streams = append(slow.streams, stream{m, idMissionCurrent}, stream{m, idFenceStatus})
		}
		if m.asks {
			slow.streams = append(slow.streams, stream{m, idCommandLong})
		}
	}
	fast := queue{period: time.Duration(float64(time.Second) / cfg.Rate)}
	attitude := queue{period: 2 * fast.period}
	for _, m := range mine {
		fast.streams = append(fast.streams, stream{m, idPosition})
		attitude.streams = append(attitude.streams, stream{m, idAttitude})
	}
	g.queues = append(g.queues, slow, fast)
	if cfg.Attitude {
		g.queues = append(g.queues, attitude)
	}
}

// run sends until ctx ends, or everything that is due before until.
func (g *group) run(ctx context.Context, start time.Time, until time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-g.answers:
			g.answered(a, time.Since(start))
			continue
		case <-timer.C:
		}
		now := time.Since(start)
		last := until > 0 && now >= until
		if last {
			now = until - 1
		}
		next := g.sendDue(now)
		if last {
			return
		}
		if until > 0 {
			next = min(next, until)
		}
		timer.Reset(max(grain, next-time.Since(start)))
	}
}

// sendDue sends what is due up to now, in the order of its deadlines, and
// returns the next deadline.
func (g *group) sendDue(now time.Duration) time.Duration {
	for i := range g.queues {
		if q := &g.queues[i]; now-q.due() > maxLag {
			g.skipped.Add(uint64(q.skipTo(now)))
		}
	}
	for {
		first := &g.queues[0]
		at := first.due()
		for i := range g.queues[1:] {
			if d := g.queues[1+i].due(); d < at {
				first, at = &g.queues[1+i], d
			}
		}
		if at > now {
			return at
		}
		s := first.streams[first.next%int64(len(first.streams))]
		first.next++
		g.send(s, at)
	}
}

// send writes one frame whose sample time is at.
func (g *group) send(s stream, at time.Duration) {
	f := g.fleet
	if s.m == nil {
		if err := g.gcs.Write(gcsHeartbeat()); err != nil {
			g.errors.Add(1)
			return
		}
		g.write(f.sockets[0], g.sink.b, s.id)
		return
	}
	m := s.m
	for _, msg := range m.conduct(at) {
		g.answered(answer{m, msg}, at)
	}
	for _, msg := range m.onBoard(at) {
		g.answered(answer{m, msg}, at)
	}
	boot := m.boot(at)
	if f.cfg.MonotonicBoot && s.id == idPosition {
		boot = MonotonicUS()
	}
	msg, p := m.message(s.id, at.Seconds(), boot, f.cfg.NoiseM)
	if msg == nil { // it has nothing to ask any more
		return
	}
	if f.cfg.OnSend != nil && s.id == idPosition {
		f.cfg.OnSend(Sent{m.index, m.sysid, m.socket, boot, time.Now().UnixMicro(), p})
	}
	if err := m.encoder.Write(msg); err != nil {
		g.errors.Add(1)
		return
	}
	g.emit(m, s.id, at)
}

// writeDatagram writes p. ECONNREFUSED tells of an earlier datagram that found
// no listener; this one was not sent yet, so it is tried once more.
func writeDatagram(c conn, p []byte) error {
	_, err := c.Write(p)
	if errors.Is(err, syscall.ECONNREFUSED) {
		_, err = c.Write(p)
	}
	return err
}

// Stats counts what was sent so far.
func (f *Fleet) Stats() Stats {
	s := Stats{ByMessage: map[uint32]uint64{}, Beats: f.beats.Load(), Deaf: f.deaf.Load()}
	for _, g := range f.groups {
		s.Frames += g.frames.Load()
		s.Datagrams += g.datagrams.Load()
		s.Faulty += g.faulty.Load()
		s.Bytes += g.bytes.Load()
		s.Errors += g.errors.Load()
		s.Skipped += g.skipped.Load()
		for id := range g.byID {
			if n := g.byID[id].Load(); n > 0 {
				s.ByMessage[uint32(id)] += n
			}
		}
	}
	return s
}
