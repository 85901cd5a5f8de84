package journal

import "time"

// retryWindow is how long the journal knows an entry id at least: so long a retry
// with the same id is harmless. About 60 bytes of memory per id.
const retryWindow = 24 * time.Hour

// idWindow knows the ids of the last one to two windows, by the times of the
// entries. An entry from far in the future delays forgetting, it does not forget.
type idWindow struct {
	young, old map[ID]uint64
	begunUS    int64 // the first entry of young
}

func (w *idWindow) seq(id ID) (seq uint64, known bool) {
	if seq, known = w.young[id]; !known {
		seq, known = w.old[id]
	}
	return seq, known
}

func (w *idWindow) add(id ID, seq uint64, timeUS int64) {
	if w.young == nil || timeUS-w.begunUS > retryWindow.Microseconds() {
		w.young, w.old, w.begunUS = map[ID]uint64{}, w.young, timeUS
	}
	w.young[id] = seq
}
