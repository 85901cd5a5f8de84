package telemetry

import (
	"context"
	"sync/atomic"
	"time"

	"testzone/telemetry/live"
)

// TickHz is how often the zone's picture is taken.
const TickHz = 10

// Picture is the zone at one tick, encoded once per cell and shared by all
// sessions. Immutable.
type Picture struct {
	Seq    uint64 // tick of the zone
	TimeUS int64
	Epoch  uint32
	Total  int // vehicles that are followed

	full    [live.CellCount]cellBlob // every vehicle of the cell
	delta   [live.CellCount]cellBlob // those that changed since the tick before
	removed []uint32                 // handles that are no longer followed since the tick before
	records []live.Record
	index   map[uint32]int
	next    chan struct{} // closed when a newer picture exists
}

// cellBlob is a cell group, header included; nil when it has no record.
type cellBlob struct {
	bytes []byte
	n     uint32
}

// AppendFrame writes the frame of one session: the cells of its view, and the
// vehicles that it follows wherever they are. A snapshot holds every vehicle of
// the view, a delta those that changed since the tick before.
func (p *Picture) AppendFrame(dst []byte, typ live.FrameType, flags uint16, view *live.CellSet, follow []uint32) []byte {
	blobs := &p.delta
	if typ == live.Snapshot {
		blobs = &p.full
	}
	start := len(dst)
	head := live.Header{Type: typ, Flags: flags, Epoch: p.Epoch, Seq: p.Seq, TimeUS: uint64(p.TimeUS)}
	dst = live.AppendHeader(dst, head)
	for c := range blobs {
		if blobs[c].n > 0 && view.Has(uint32(c)) {
			dst = append(dst, blobs[c].bytes...)
			head.Count += blobs[c].n
			head.Cells++
		}
	}
	if len(follow) > 0 {
		at := len(dst)
		dst = live.AppendGroup(dst, live.CellFollowed, 0)
		n := uint32(0)
		for _, h := range follow {
			if i, ok := p.index[h]; ok {
				dst = live.AppendRecord(dst, &p.records[i])
				n++
			}
		}
		live.AppendGroup(dst[:at], live.CellFollowed, n)
		head.Count += n
		head.Cells++
	}
	live.AppendHeader(dst[:start], head)
	return dst
}

// AppendRemove writes the frame that takes vehicles away; nil when none went.
func (p *Picture) AppendRemove(dst []byte) []byte {
	if len(p.removed) == 0 {
		return nil
	}
	dst = live.AppendHeader(dst, live.Header{
		Type: live.Remove, Epoch: p.Epoch, Seq: p.Seq, TimeUS: uint64(p.TimeUS), Count: uint32(len(p.removed)),
	})
	for _, h := range p.removed {
		dst = append(dst, byte(h), byte(h>>8), byte(h>>16), byte(h>>24))
	}
	return dst
}

// AppendHeartbeat writes the frame that says that the zone lives.
func (p *Picture) AppendHeartbeat(dst []byte) []byte {
	return live.AppendHeader(dst, live.Header{Type: live.Heartbeat, Epoch: p.Epoch, Seq: p.Seq, TimeUS: uint64(p.TimeUS)})
}

// Records are the vehicles of the picture, in handle order.
func (p *Picture) Records() []live.Record { return p.records }

// Has reports whether the vehicle is in the picture.
func (p *Picture) Has(handle uint32) bool {
	_, ok := p.index[handle]
	return ok
}

// Fanout takes the picture of the zone. Current and Next are safe for
// concurrent use; Run is called once.
type Fanout struct {
	table *table
	grid  live.Grid
	epoch uint32
	clock func() time.Time
	// steady is microseconds of a clock that nobody sets: ages and silences are
	// measured on it.
	steady func() int64

	current atomic.Pointer[Picture]

	// Owned by Run: what the tick before held, by handle; nil: nobody.
	seen [maxChunks]*[chunkSlots]seenSlot
}

type seenSlot struct {
	version uint32
	alert   uint8
	cell    uint16
	live    bool
}

func newFanout(t *table, grid live.Grid, epoch uint32, clock func() time.Time) *Fanout {
	f := &Fanout{table: t, grid: grid, epoch: epoch, clock: clock, steady: steadyClock(clock)}
	f.current.Store(&Picture{Epoch: epoch, TimeUS: clock().UnixMicro(), next: make(chan struct{})})
	return f
}

// Grid is the zone's grid.
func (f *Fanout) Grid() live.Grid { return f.grid }

// Current is the newest picture.
func (f *Fanout) Current() *Picture { return f.current.Load() }

// Next waits for a picture newer than after.
func (f *Fanout) Next(ctx context.Context, after uint64) (*Picture, error) {
	for {
		p := f.current.Load()
		if p.Seq > after {
			return p, nil
		}
		select {
		case <-p.next:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Changed is closed when there is a picture newer than p.
func (p *Picture) Changed() <-chan struct{} { return p.next }

// Run takes a picture at every tick until ctx ends.
func (f *Fanout) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second / TickHz)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.take()
		case <-ctx.Done():
			return nil
		}
	}
}

// steadyClock is microseconds since some moment, from the monotonic part of
// clock: setting the machine's time does not move it.
func steadyClock(clock func() time.Time) func() int64 {
	base := clock()
	return func() int64 { return 1 + clock().Sub(base).Microseconds() }
}

func (f *Fanout) take() {
	old := f.current.Load()
	now := f.clock().UnixMicro()
	p := &Picture{Seq: old.Seq + 1, TimeUS: now, Epoch: f.epoch, next: make(chan struct{}), index: make(map[uint32]int, old.Total)}
	p.records = make([]live.Record, 0, old.Total+16)
	steady := f.steady()
	for i := range f.table.max.Load()/chunkSlots + 1 {
		f.takeChunk(p, i, steady)
	}
	p.Total = len(p.records)
	for c := range p.full {
		p.full[c].seal()
		p.delta[c].seal()
	}
	f.current.Store(p)
	close(old.next)
}

// takeChunk passes over chunks in which nobody is followed or was at the tick before.
func (f *Fanout) takeChunk(p *Picture, i uint32, steady int64) {
	c := f.table.chunks[i].Load()
	if c == nil || c.followed.Load() == 0 && f.seen[i] == nil {
		return
	}
	if f.seen[i] == nil {
		f.seen[i] = new([chunkSlots]seenSlot)
	}
	alive := false
	for k := range c.slots {
		h := i*chunkSlots + uint32(k)
		f.takeOne(p, h, &c.slots[k], &f.seen[i][k], steady)
		alive = alive || f.seen[i][k].live
	}
	if !alive {
		f.seen[i] = nil
	}
}

func (f *Fanout) takeOne(p *Picture, h uint32, s *slot, was *seenSlot, steady int64) {
	var r live.Record
	fixUS, version, ok := s.load(h, &r)
	if !ok {
		if was.live {
			p.removed = append(p.removed, h)
			*was = seenSlot{}
		}
		return
	}
	cell := uint32(live.CellNoPlace)
	r.Age = live.AgeNever
	if fixUS != 0 {
		cell = f.grid.Cell(pointOf(&r))
		r.Age = uint16(min(live.AgeMax, max(0, (steady-fixUS)/1000)))
	}
	p.index[h] = len(p.records)
	p.records = append(p.records, r)
	p.full[cell].add(cell, &r)
	alert := r.Status >> live.StatusAlertShift & 3
	if !was.live || was.version != version || was.alert != alert {
		p.delta[cell].add(cell, &r)
		if was.live && uint32(was.cell) != cell {
			// Whoever watches only the cell that it left must see it leave.
			p.delta[was.cell].add(uint32(was.cell), &r)
		}
	}
	*was = seenSlot{version: version, alert: alert, cell: uint16(cell), live: true}
}

func (b *cellBlob) add(cell uint32, r *live.Record) {
	if b.n == 0 {
		b.bytes = live.AppendGroup(b.bytes, cell, 0)
	}
	b.bytes = live.AppendRecord(b.bytes, r)
	b.n++
}

// seal writes the count of records into the group's header.
func (b *cellBlob) seal() {
	if b.n > 0 {
		b.bytes[4], b.bytes[5], b.bytes[6], b.bytes[7] = byte(b.n), byte(b.n>>8), byte(b.n>>16), byte(b.n>>24)
	}
}
