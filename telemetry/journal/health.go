package journal

import "time"

// State is whether the journal accepts entries.
type State string

// The states.
const (
	OK       State = "ok"
	ReadOnly State = "read_only"
)

// Health is what operators and the health page need to know.
type Health struct {
	State     State
	Cause     error         // why it is read-only; nil when ok
	Head      uint64        // last durable entry; 0 = none
	LastSync  time.Duration // of the last data sync of a batch; 0 before the first
	Segments  int
	Waiting   int       // appends that wait for the group before theirs
	Asked     int       // appends that are not answered yet, those that are being written included
	Repaired  int64     // bytes of torn tail that Open set aside
	FreeBytes int64     // on the file system of the journal; -1 = not known
	LowSpace  bool      // decisions are refused, see ErrNoSpace
	Snapshot  uint64    // sequence of the newest snapshot, whether it is usable or not; 0 = none
	Group     string    // zone group
	Scrubbed  time.Time // when everything was last read again and was right; zero = not since the start
}

// Health says whether the journal accepts entries, and figures around it.
func (j *Journal) Health() Health {
	free, err := j.fs.Free()
	if err != nil {
		free = -1
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	h := Health{
		State: OK, Cause: j.cause, Head: j.seq, LastSync: j.lastSync, Segments: len(j.segs),
		Waiting: len(j.queue), Repaired: j.repaired, FreeBytes: free, Group: j.cfg.Group,
		Asked: int(j.asked.Load()), Scrubbed: j.clean, LowSpace: free >= 0 && free < 2*j.cfg.SegmentBytes, Snapshot: j.snapped,
	}
	if j.cause != nil {
		h.State = ReadOnly
	}
	return h
}
