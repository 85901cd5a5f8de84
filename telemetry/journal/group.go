package journal

import (
	"fmt"
	"slices"
)

// request is one Append on its way to the committer.
type request struct {
	entries  []Entry // Body is not used
	payloads [][]byte
	size     int // of the frames, in bytes

	seqs []uint64      // written by the committer before done is closed
	err  error         // likewise
	done chan struct{} // closed when the outcome is known

	one struct { // what the slices are of when there is one entry
		entry   [1]Entry
		payload [1][]byte
		seq     [1]uint64
	}
}

// newRequest checks and encodes in the caller's goroutine; nothing of the
// caller's is kept but strings.
func newRequest(batch []Entry) (*request, error) {
	if len(batch) > MaxBatch {
		return nil, fmt.Errorf("%d entries in one batch, %d are possible: %w", len(batch), MaxBatch, ErrTooLarge)
	}
	r := &request{done: make(chan struct{})}
	if len(batch) == 1 {
		r.one.entry[0] = batch[0]
		r.entries, r.payloads, r.seqs = r.one.entry[:], r.one.payload[:], r.one.seq[:]
	} else {
		r.entries, r.payloads, r.seqs = slices.Clone(batch), make([][]byte, len(batch)), make([]uint64, len(batch))
	}
	for i := range batch {
		if err := checkEntry(&batch[i]); err != nil {
			return nil, fmt.Errorf("entry %d of the batch: %w", i+1, err)
		}
		r.size += frameSize(payloadSize(&batch[i]))
		if r.size > MaxBatchBytes {
			return nil, fmt.Errorf("batch of more than %d bytes: %w", MaxBatchBytes, ErrTooLarge)
		}
		r.payloads[i] = appendPayload(make([]byte, 0, payloadSize(&batch[i])), &batch[i])
		r.entries[i].Expect = slices.Clone(batch[i].Expect)
		r.entries[i].Body = nil
	}
	return r, nil
}

// withdraw takes a request out of the queue; false when the committer has it.
func (j *Journal) withdraw(r *request) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.Index(j.queue, r)
	if i < 0 {
		return false
	}
	j.queue = slices.Delete(j.queue, i, i+1)
	return true
}

// answer ends the requests; err nil leaves the error that a request has.
func answer(group []*request, err error) {
	for _, r := range group {
		if err != nil {
			r.err = err
		}
		if r.err != nil {
			r.seqs = nil
		}
		close(r.done)
	}
}
