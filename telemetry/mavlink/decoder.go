package mavlink

import (
	"net/netip"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

const (
	batchReports = 64 // reports per call of Sink.Reports at most: they stay in the first cache
	notesBurst   = 64 // cold messages of one vehicle at once
	// maxProbes bounds the search for the next frame in a damaged datagram:
	// candidates that are looked at, each costs one checksum.
	maxProbes = 64
)

// decoder walks datagrams and keeps the sessions of one listener. It belongs to
// one goroutine.
type decoder struct {
	name     string
	cat      *catalog
	sink     Sink
	limits   Limits
	idle     int64 // ns
	start    time.Time
	now      int64 // ns since start, of the current batch
	nowUS    int64 // µs since the Unix epoch, of the current batch
	swept    int64
	sessions map[key]*session
	pending  *pending
	unknown  bucket
	notes    bucket
	record   Recorder

	// Of signed listeners; keys is nil on an open one.
	keys      *Keyring
	set       *keySet // of this batch
	bound     map[vehicles.VehicleID][]*session
	routes    *routes
	verifier  verifier
	latest    Stamp // of now; signatures of the future are measured from it
	notBefore Stamp
	tell      func(Suspicion)
	told      bucket

	recent [1024]*session // in front of the map of sessions, by slot

	from          netip.AddrPort // of the bytes that are decoded
	unknownFrames int            // without session in this datagram
	unsynced      bool           // the byte stream is in noise, or behind a damaged frame
	batch         []vehicles.Report
	pad           [hotBytes]byte
	coldPad       [256]byte
	traffic       Traffic // nil: sightings are ignored
	sighting      vehicles.Sighting
	stats         Stats

	frameRate, otherRate, reserveRate, noteRate, notesRate, answerRate, addrRate, unknownRate, tellRate rate
}

// newDecoder makes a decoder; to is where it says how its vehicles are reached.
func newDecoder(cfg Config, cat *catalog, sink Sink, to *routes, start time.Time) *decoder {
	l := cfg.Limits.withDefaults(cfg.Keys != nil)
	d := &decoder{
		name: cfg.Name, cat: cat, sink: sink, limits: l, traffic: cfg.Traffic,
		idle: int64(cfg.Idle), start: start,
		sessions: map[key]*session{},
		pending:  newPending(l.Pending),
		batch:    make([]vehicles.Report, 0, batchReports),
		record:   cfg.Recorder,
		keys:     cfg.Keys, bound: map[vehicles.VehicleID][]*session{}, routes: to,
		notBefore: StampOf(cfg.NotBefore), tell: cfg.Suspect,

		frameRate:   perSecond(l.PerSource, l.BurstPerSource),
		noteRate:    perSecond(l.NotesPerSource, notesBurst),
		notesRate:   perSecond(l.NotesTotal, l.NotesTotal),
		answerRate:  perSecond(l.AnswersPerSource, notesBurst),
		tellRate:    rate{int64(6 * time.Second), int64(54 * time.Second)}, // ten a minute
		addrRate:    perSecond(l.UnknownPerSource, 2*l.UnknownPerSource),
		unknownRate: perSecond(l.UnknownTotal, l.UnknownTotal),
	}
	// A vehicle over its limit loses first what nobody here asks for, then
	// telemetry, and heartbeats and answers of the protocol last.
	d.otherRate = rate{d.frameRate.interval, d.frameRate.ahead / 2}
	d.reserveRate = d.frameRate.more(max(int64(l.BurstPerSource)/4, 4))
	return d
}

// tick sets the receive time of the datagrams that follow and drops idle
// sessions once a second.
func (d *decoder) tick(now time.Time) {
	d.now = int64(now.Sub(d.start))
	d.nowUS = now.UnixMicro()
	if d.keys != nil {
		d.latest = max(d.latest, StampOf(now), d.notBefore) // also when the wall clock is set back
		d.revalidate()
	}
	if d.now-d.swept < int64(time.Second) {
		return
	}
	d.swept = d.now
	for _, s := range d.sessions {
		if d.now-s.lastSeen >= d.idle {
			d.drop(s)
		}
	}
	if d.keys != nil {
		d.routes.heard(d.sessions, d.heardUS)
	}
}

// heardUS is when a session was heard last, in µs since the Unix epoch.
func (d *decoder) heardUS(s *session) int64 { return d.nowUS - (d.now-s.lastSeen)/1000 }

// keep adds a session.
func (d *decoder) keep(s *session) {
	d.sessions[s.key] = s
	d.stats.Opened++
	d.stats.Sessions = uint64(len(d.sessions))
	if s.cred != nil {
		d.lead(s)
	}
}

// drop ends a session, after the reports that were collected.
func (d *decoder) drop(s *session) {
	d.flush()
	delete(d.sessions, s.key)
	if slot := &d.recent[slot(s.key.addr, s.key.sys)]; *slot == s {
		*slot = nil
	}
	if s.cred != nil {
		d.unbind(s)
	}
	d.sink.Close(s.handle)
	d.stats.Closed++
	d.stats.Sessions = uint64(len(d.sessions))
}

// flush hands the collected reports to the sink.
func (d *decoder) flush() {
	if len(d.batch) > 0 {
		d.sink.Reports(d.batch)
		d.batch = d.batch[:0]
	}
}

// datagram decodes every frame of b. Nothing of it is kept: a frame never
// continues in the next datagram. It does not allocate for hot frames of known
// sources.
func (d *decoder) datagram(from netip.AddrPort, b []byte) {
	d.stats.Datagrams++
	d.walk(from, b, false)
}

// stream decodes the frames of b, the next bytes of a byte stream with those
// that the call before left, and returns what may be the start of a frame: give
// it again in front of what follows. The rest is shorter than a frame.
func (d *decoder) stream(from netip.AddrPort, b []byte) (rest []byte) {
	return d.walk(from, b, true)
}

// walk decodes every frame of b. more says that bytes follow: then the start of
// a frame at the end of b is returned.
func (d *decoder) walk(from netip.AddrPort, b []byte, more bool) (rest []byte) {
	d.from, d.unknownFrames = from, 0
	rest, synced := d.frames(b, more)
	d.stats.Bytes += uint64(len(b) - len(rest))
	d.unsynced = more && !synced // a stream stays damaged until its next frame
	return rest
}

// frames is walk; synced tells whether it ended behind a frame or before any.
func (d *decoder) frames(b []byte, more bool) (rest []byte, synced bool) {
	var f frame
	synced = !d.unsynced
	noisy, probes := false, 0
	for len(b) > 0 {
		n, isFrame := frameLen(b)
		why := accepted
		var def *definition
		switch {
		case isFrame && n <= len(b):
			def, why = d.cat.check(b[:n], &f)
		case isFrame || b[0] == magicV1 || b[0] == magicV2:
			if more {
				return b, synced
			}
			why = Length
		default:
			// Noise. It counts once per datagram, and not at all behind a
			// damaged frame that was counted itself.
			if synced && !noisy {
				d.stats.Garbage++
				noisy = true
			}
			synced = false
			b = b[1:]
			continue
		}
		if why == accepted {
			synced = true
			d.stats.Frames++
			d.frame(&f, def)
			b = b[n:]
			if m := d.limits.UnknownPerDatagram; m > 0 && d.unknownFrames >= m {
				d.refuseRest(b)
				return nil, synced
			}
			continue
		}
		if synced {
			d.stats.Frames++
			d.refuse(frameBytes(b, n), why)
			if isFrame && n <= len(b) && !more && boundary(b[n:]) {
				b = b[n:] // its length is right, something else is not
				continue
			}
		}
		if probes++; probes > maxProbes && !more {
			return nil, synced
		}
		synced = false
		b = b[1:]
	}
	return nil, synced
}

// frameBytes is what is there of a frame of n bytes; 0: its length is not known.
func frameBytes(b []byte, n int) []byte {
	if n == 0 || n > len(b) {
		return b
	}
	return b[:n]
}

// boundary tells whether a frame may have ended before b.
func boundary(b []byte) bool {
	return len(b) == 0 || b[0] == magicV1 || b[0] == magicV2
}

// refuseRest counts the remaining frames of a datagram without checking them.
func (d *decoder) refuseRest(b []byte) {
	for {
		raw, rest, ok := NextFrame(b)
		if !ok {
			return
		}
		d.stats.Frames++
		d.refuse(raw, Rate)
		b = rest
	}
}

// frame handles one checked frame and counts what became of it.
func (d *decoder) frame(f *frame, def *definition) {
	why := d.judge(f, def)
	if why == accepted {
		d.stats.Decoded++
		if d.record != nil && f.id != idSetupSigning {
			d.record.Record(d.nowUS, f.raw)
		}
		return
	}
	d.refuse(f.raw, why)
}

// refuse counts a frame that is not used, and keeps it as evidence.
func (d *decoder) refuse(raw []byte, why Reason) {
	d.stats.Refused[why]++
	if d.record != nil && !setsUpSigning(raw) {
		d.record.Quarantine(d.nowUS, raw, why)
	}
}

// judge finds out whose frame it is, and uses it.
func (d *decoder) judge(f *frame, def *definition) Reason {
	s, why := d.find(f.sys), accepted
	if d.keys != nil {
		s, why = d.authenticate(s, f)
	} else if s == nil {
		s, why = d.admit(key{d.from, f.sys}, f)
	}
	if why != accepted {
		if s == nil {
			d.unknownFrames++
		}
		return why
	}
	if s.cred == nil && f.id == idHeartbeat && f.comp == s.owner && d.isOther(s, f) {
		// The source is another machine now: it was judged by the fences of the
		// former one. Its track ends, and this heartbeat opens a new one. Of who
		// proved who it is the registration says the class.
		d.drop(s)
		return d.judge(f, def)
	}
	return d.known(s, f, def)
}

// find is the session of a system id at the address of the bytes, nil if there
// is none.
func (d *decoder) find(sys uint8) *session {
	at := &d.recent[slot(d.from, sys)]
	if s := *at; s != nil && s.key.sys == sys && s.key.addr == d.from {
		return s
	}
	s := d.sessions[key{d.from, sys}]
	if s != nil {
		*at = s
	}
	return s
}

// isOther reports whether a heartbeat of a vehicle is of another class than the
// session was opened with.
func (d *decoder) isOther(s *session, f *frame) bool {
	p := d.padded(f.payload)
	class, ok := classOf(p[4], p[5])
	return ok && class != s.class
}

// known handles a frame of a source with a session.
func (d *decoder) known(s *session, f *frame, def *definition) Reason {
	seen := def.kind == sighting && d.traffic != nil
	if f.comp != s.owner && !seen {
		return OtherComponent
	}
	if f.comp == s.owner {
		s.lastSeen = d.now
		d.stats.Lost += s.gap(f.seq)
	}
	if seen {
		return d.sight(s, f)
	}
	limit := d.frameRate
	switch {
	case def.kind == ignored || def.kind == sighting:
		limit = d.otherRate
	case def.kind == cold || def.kind == answer || f.id == idHeartbeat:
		limit = d.reserveRate
	}
	if !s.frames.take(d.now, limit) {
		return Rate
	}
	switch def.kind {
	case hot:
		return d.hot(s, f)
	case cold, answer:
		return d.note(s, f, def)
	case current:
		return d.current(s, f, def)
	}
	d.stats.Ignored++
	return accepted
}

// hot decodes into the batch.
func (d *decoder) hot(s *session, f *frame) Reason {
	p := d.padded(f.payload)
	if f.id == idHeartbeat {
		if _, ok := classOf(p[4], p[5]); !ok {
			return NotVehicle
		}
	}
	if len(d.batch) == cap(d.batch) {
		d.flush()
	}
	n := len(d.batch)
	d.batch = d.batch[:n+1]
	r := &d.batch[n]
	*r = vehicles.Report{}
	r.Handle, r.ReceivedUS = s.handle, d.nowUS
	noPosition, why := decodeHot(f.id, p, s, r)
	if why != accepted {
		d.batch = d.batch[:n]
		return why
	}
	if noPosition {
		d.stats.NoPosition++
	}
	d.stats.Hot++
	return accepted
}

// padded is p with zeros behind it up to hotBytes.
func (d *decoder) padded(p []byte) []byte {
	if len(p) >= hotBytes {
		return p
	}
	clear(d.pad[copy(d.pad[:], p):])
	return d.pad[:]
}

// note decodes a cold message and gives it to the sink, within the budget.
func (d *decoder) note(s *session, f *frame, def *definition) Reason {
	if s.cred != nil && def.kind == answer {
		if !s.answers.take(d.now, d.answerRate) {
			return Mailbox
		}
	} else if !s.notes.take(d.now, d.noteRate) || !d.notes.take(d.now, d.notesRate) {
		return Mailbox
	}
	p := f.payload
	if f.v2 {
		// gomavlib appends its zero padding into the array behind the payload:
		// it gets a padded copy that it need not extend.
		clear(d.coldPad[copy(d.coldPad[:], p):])
		p = d.coldPad[:]
	}
	msg, err := def.rw.Read(&message.MessageRaw{ID: f.id, Payload: p}, f.v2)
	if err != nil {
		return Length
	}
	d.stats.Cold++
	d.sink.Note(s.handle, d.nowUS, msg)
	return accepted
}
