// Package audit proves that what the journal says today is what it said before.
//
// A Log is a Merkle tree over the journal, built as transparency logs are: leaf n
// is the chain hash of entry n+1, which covers the entry and all before it. At
// times a checkpoint, the size and root of the tree, is signed (Ed25519), written
// into the journal and to a file that somebody else may keep. From then on nobody,
// the server's own administrator included, can change, reorder or cut what it
// covers without being found out: Verify names where, an inclusion proof shows one
// entry, a consistency proof that a later journal continues an earlier one.
//
// The tree is a cache: it is rebuilt from the journal at each start and kept in
// memory, about 79 bytes an entry. A Log is safe for concurrent use. It does not keep a
// secret key safe from who owns the machine: a checkpoint counts from when it was
// kept elsewhere.
package audit

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"testzone/telemetry/journal"
)

var (
	// ErrRange is returned when a proof is asked for entries that the log does not have.
	ErrRange = errors.New("the journal has no such entries")
	// ErrForked is returned when a journal is not the one that a checkpoint was signed for.
	ErrForked = errors.New("the journal is not what was signed")
	// ErrCheckpoint is returned when a text is no checkpoint of this zone, or is not signed with its key.
	ErrCheckpoint = errors.New("not a signed checkpoint of this journal")
)

// Log is the Merkle tree of a journal.
type Log struct {
	mu     sync.RWMutex // guards the fields below
	hashes stored
	size   int64
}

// stored are the tree's hashes in the order of tlog.
type stored []tlog.Hash

// ReadHashes is tlog's way to read them.
func (s stored) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, n := range at {
		if n < 0 || n >= int64(len(s)) {
			return nil, ErrRange
		}
		out[i] = s[n]
	}
	return out, nil
}

// Add takes the next entry in.
func (l *Log) Add(rec *journal.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rec.Seq != uint64(l.size)+1 {
		return fmt.Errorf("audit log: entry %d after %d", rec.Seq, l.size)
	}
	more, err := tlog.StoredHashes(l.size, rec.Hash[:], l.hashes)
	if err != nil {
		return fmt.Errorf("audit log: entry %d: %w", rec.Seq, err)
	}
	l.hashes = append(l.hashes, more...)
	l.size++
	return nil
}

// Size is the number of entries.
func (l *Log) Size() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.size
}

// Root is the root of the tree of the first size entries.
func (l *Log) Root(size int64) (tlog.Hash, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if size < 0 || size > l.size {
		return tlog.Hash{}, ErrRange
	}
	return tlog.TreeHash(size, l.hashes)
}

// Inclusion proves that entry seq is in the tree of the first size entries.
func (l *Log) Inclusion(seq, size int64) (tlog.RecordProof, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if seq < 1 || seq > size || size > l.size {
		return nil, ErrRange
	}
	return tlog.ProveRecord(size, seq-1, l.hashes)
}

// Consistency proves that the tree of the first newer entries continues that of
// the first older ones.
func (l *Log) Consistency(older, newer int64) (tlog.TreeProof, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if older < 1 || older > newer || newer > l.size {
		return nil, ErrRange
	}
	return tlog.ProveTree(newer, older, l.hashes)
}
