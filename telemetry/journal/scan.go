package journal

// scanned is one verified frame and its place.
type scanned struct {
	frame
	at   int64
	hash [32]byte
}

// scanner walks over the frames of one segment that is in memory.
type scanner struct {
	id *[16]byte
	b  []byte

	at   int64 // where the next frame should be; in the end: the first byte that is not of a valid frame
	seq  uint64
	hash [32]byte // of seq

	doneAt   int64  // behind the last frame whose Append is complete
	fault    string // an intact frame that does not belong there; it cannot come from a crash
	faultSeq uint64
	group    []scanned
}

// next yields the frames of one Append; nil at the end. Frames of an Append that
// is not complete are not yielded: they were never answered.
func (s *scanner) next() []scanned {
	s.group = s.group[:0]
	s.doneAt = s.at
	for {
		f, size, intact := parseFrame(s.b[min(s.at, int64(len(s.b))):], s.id)
		if !intact {
			return nil
		}
		if s.fault = s.misfit(&f); s.fault != "" {
			s.faultSeq = f.seq
			return nil
		}
		s.seq, s.hash = f.seq, chain(s.b[s.at:])
		s.group = append(s.group, scanned{frame: f, at: s.at, hash: s.hash})
		s.at += int64(size)
		if f.rest == 0 {
			return s.group
		}
	}
}

const faultNewer = "an entry was written by a newer version"

// misfit says why an intact frame is not the one that should stand here.
func (s *scanner) misfit(f *frame) string {
	switch {
	case f.seq != s.seq+1:
		return "an entry has the wrong sequence"
	case f.prev != s.hash:
		return "an entry does not continue the chain"
	case f.flags != 0 || f.kind < Decision || f.kind > Control:
		return faultNewer
	case len(s.group) > 0 && f.rest != s.group[len(s.group)-1].rest-1:
		return "an entry is not of the batch that it stands in"
	}
	return ""
}

// laterFrame looks behind a damaged place for a frame that proves that the
// damage is not a torn tail. A batch is written only after the one before it was
// synced: so a frame of a later batch proves it, and a frame of the same batch
// does not, since the sectors of one write arrive in any order.
func laterFrame(b []byte, id *[16]byte, from int64, last uint64) (at int64, seq uint64, found bool) {
	for at = (from + 7) &^ 7; at+frameHead <= int64(len(b)); {
		f, size, intact := parseFrame(b[at:], id)
		if !intact {
			at += 8 + int64(zeroUntil(b[at+8:min(at+8+int64(len(zeros)), int64(len(b)))]))&^7
			continue
		}
		if f.seq <= last || f.seq-uint64(f.batch) > last+1 {
			return at, f.seq, true
		}
		at += int64(size)
	}
	return 0, 0, false
}
