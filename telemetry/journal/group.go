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

	seqs []uint64      // written by the committer before done has something
	err  error         // likewise
	done chan struct{} // 1: filled when the outcome is known; the committer is through with the request then

	one struct { // what the slices are of when there is one entry
		entry   [1]Entry
		payload [1][]byte
		seq     [1]uint64
	}
	kept []byte // for the next payload of a single entry
}

// keptPayload is the largest payload whose space a request keeps for the next one.
const keptPayload = 16 << 10

// newRequest checks and encodes in the caller's goroutine; nothing of the
// caller's is kept but strings.
func newRequest(batch []Entry) (*request, error) {
	r := &request{done: make(chan struct{}, 1)}
	return r, r.fill(batch)
}

// takeRequest is newRequest with one that was used before.
func (j *Journal) takeRequest(batch []Entry) (*request, error) {
	r, ok := j.spare.Get().(*request)
	if !ok {
		return newRequest(batch)
	}
	return r, r.fill(batch)
}

// outcome is the answer to a request, which is used again afterwards. Call it when
// done had something.
func (j *Journal) outcome(r *request) (seqs []uint64, err error) {
	seqs, err = slices.Clone(r.seqs), r.err
	if len(r.entries) == 1 && cap(r.payloads[0]) <= keptPayload {
		*r = request{done: r.done, kept: r.payloads[0][:0]}
		j.spare.Put(r)
	}
	return seqs, err
}

func (r *request) fill(batch []Entry) error {
	switch n := len(batch); {
	case n > MaxBatch:
		return fmt.Errorf("%d entries in one batch, %d are possible: %w", n, MaxBatch, ErrTooLarge)
	case n == 1:
		r.one.entry[0] = batch[0]
		r.entries, r.payloads, r.seqs = r.one.entry[:], r.one.payload[:], r.one.seq[:]
	default:
		r.entries, r.payloads, r.seqs = slices.Clone(batch), make([][]byte, n), make([]uint64, n)
	}
	for i := range batch {
		if err := checkEntry(&batch[i]); err != nil {
			return fmt.Errorf("entry %d of the batch: %w", i+1, err)
		}
		n := payloadSize(&batch[i])
		r.size += frameSize(n)
		if r.size > MaxBatchBytes {
			return fmt.Errorf("batch of more than %d bytes: %w", MaxBatchBytes, ErrTooLarge)
		}
		r.payloads[i] = appendPayload(slices.Grow(r.kept, n), &batch[i])
		r.kept = nil
		r.entries[i].Expect = slices.Clone(batch[i].Expect)
		r.entries[i].Body = nil
	}
	return nil
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
		r.done <- struct{}{}
	}
}
