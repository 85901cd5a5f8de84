package journal

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
)

// ErrNoSnapshot is returned when no snapshot can be used: replay from entry 1.
var ErrNoSnapshot = errors.New("no usable snapshot")

// SnapshotEvery is after how many entries a new snapshot is worth its cost.
const SnapshotEvery = 50_000

// Snapshot is the state that somebody built from the entries 1..Seq. It saves
// time at a start and is never the only copy of anything.
type Snapshot struct {
	Seq    uint64
	Hash   [32]byte // chain hash of Seq
	Schema uint32   // type and version of State, decided by who wrote it
	State  []byte
}

// Sizes and names of snapshot files; FORMAT.md "Snapshot" has the table.
const (
	snapMagic  = "TZSNAP01"
	snapHead   = 128
	snapPrefix = "snap-"
	snapSuffix = ".bin"
	snapTemp   = ".tmp"
	snapKept   = 2       // the newest and the one before
	maxSnap    = 1 << 30 // bytes of the state
)

func snapshotName(seq uint64) string { return fmt.Sprintf("%s%020d%s", snapPrefix, seq, snapSuffix) }

// snapshotSeqs finds the snapshots among the names of a folder, oldest first.
func snapshotSeqs(names []string) []uint64 {
	var seqs []uint64
	for _, name := range names {
		digits, ok := strings.CutSuffix(strings.TrimPrefix(name, snapPrefix), snapSuffix)
		if seq, err := strconv.ParseUint(digits, 10, 64); ok && err == nil && snapshotName(seq) == name {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	return seqs
}

// snapHeader is the head of a snapshot file.
type snapHeader struct {
	id     [16]byte // of the journal
	seq    uint64
	hash   [32]byte
	schema uint32
	size   uint64   // of the state, in bytes
	sum    [32]byte // SHA-256 of the state
}

func (h *snapHeader) encode() []byte {
	b := make([]byte, snapHead)
	copy(b, snapMagic)
	copy(b[8:], h.id[:])
	le.PutUint64(b[24:], h.seq)
	copy(b[32:], h.hash[:])
	le.PutUint32(b[64:], h.schema)
	le.PutUint64(b[72:], h.size)
	copy(b[80:], h.sum[:])
	le.PutUint32(b[124:], crc32c(b[:124]))
	return b
}

func parseSnapshot(b []byte) (h snapHeader, state []byte, err error) {
	switch {
	case len(b) < snapHead:
		return h, nil, fmt.Errorf("it has %d bytes", len(b))
	case string(b[:8]) != snapMagic:
		return h, nil, fmt.Errorf("it begins with %q: of another version, or not a snapshot", b[:8])
	}
	copy(h.id[:], b[8:])
	h.seq = le.Uint64(b[24:])
	copy(h.hash[:], b[32:])
	h.schema, h.size = le.Uint32(b[64:]), le.Uint64(b[72:])
	copy(h.sum[:], b[80:])
	if !bytes.Equal(h.encode(), b[:snapHead]) {
		return h, nil, errors.New("its header is damaged")
	}
	state = b[snapHead:]
	if h.size != uint64(len(state)) || h.sum != sha256.Sum256(state) {
		return h, nil, errors.New("its state is damaged")
	}
	return h, state, nil
}

// WriteSnapshot keeps the state after entry seq, whose chain hash is hash, and
// removes all but the newest two. It returns when the snapshot is durable. An
// error leaves the older ones as they were and does not stop the journal.
// Entries may be appended meanwhile; state must not change while it is written.
func (j *Journal) WriteSnapshot(seq uint64, hash [32]byte, schema uint32, state io.WriterTo) error {
	j.snapMu.Lock()
	defer j.snapMu.Unlock()
	if err := j.writeSnapshot(seq, hash, schema, state); err != nil {
		return fmt.Errorf("write snapshot of entry %d: %w", seq, err)
	}
	return nil
}

func (j *Journal) writeSnapshot(seq uint64, hash [32]byte, schema uint32, state io.WriterTo) error {
	if have, err := j.hashAt(seq); err != nil {
		return err
	} else if have != hash {
		return fmt.Errorf("the state was not built from this journal: %w", ErrInvalid)
	}
	name := snapshotName(seq)
	temp := name + snapTemp
	f, err := j.fs.Create(temp)
	if err != nil {
		return err
	}
	j.c.reach(pointSnapCreated)
	h := snapHeader{id: j.id, seq: seq, hash: hash, schema: schema}
	err = j.fillSnapshot(f, &h, state)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, j.fs.Remove(temp))
	}
	if err := j.fs.Rename(temp, name); err != nil {
		return err
	}
	j.c.reach(pointSnapRenamed)
	if err := j.fs.SyncDir(); err != nil {
		return err
	}
	j.c.reach(pointSnapFolder)
	j.mu.Lock()
	j.snapped = max(j.snapped, seq)
	j.mu.Unlock()
	return j.pruneSnapshots()
}

func (j *Journal) fillSnapshot(f File, h *snapHeader, state io.WriterTo) error {
	w := snapWriter{f: f, sum: sha256.New()}
	buffered := bufio.NewWriterSize(&w, 64<<10)
	if _, err := state.WriteTo(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	h.size = uint64(w.n)
	w.sum.Sum(h.sum[:0])
	if _, err := f.WriteAt(h.encode(), 0); err != nil {
		return err
	}
	j.c.reach(pointSnapWritten)
	if err := f.Sync(); err != nil {
		return err
	}
	j.c.reach(pointSnapSynced)
	return nil
}

// snapWriter puts the state behind the header, which is written last.
type snapWriter struct {
	f   File
	n   int64
	sum hash.Hash
}

func (w *snapWriter) Write(b []byte) (int, error) {
	if w.n+int64(len(b)) > maxSnap {
		return 0, fmt.Errorf("a state of more than %d bytes: %w", maxSnap, ErrTooLarge)
	}
	n, err := w.f.WriteAt(b, snapHead+w.n)
	w.sum.Write(b[:n])
	w.n += int64(n)
	return n, err
}

// pruneSnapshots removes the snapshots that are no longer kept, and what crashes
// left of others.
func (j *Journal) pruneSnapshots() error {
	names, err := j.fs.List()
	if err != nil {
		return err
	}
	var gone []string
	for _, name := range names {
		if strings.HasPrefix(name, snapPrefix) && strings.HasSuffix(name, snapSuffix+snapTemp) {
			gone = append(gone, name)
		}
	}
	seqs := snapshotSeqs(names)
	for _, seq := range seqs[:max(0, len(seqs)-snapKept)] {
		gone = append(gone, snapshotName(seq))
	}
	for _, name := range gone {
		if err := j.fs.Remove(name); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
		j.c.reach(pointSnapOldRemoved)
	}
	return nil // a name that comes back after a crash is removed the next time
}

// LatestSnapshot is the newest snapshot of that schema that is intact and fits
// this journal; replay what follows with Replay(Seq+1, …). One that cannot be
// used is logged, and the one before it is tried; ErrNoSnapshot when none is left.
func (j *Journal) LatestSnapshot(schema uint32) (*Snapshot, error) {
	j.snapMu.Lock()
	defer j.snapMu.Unlock()
	names, err := j.fs.List()
	if err != nil {
		return nil, fmt.Errorf("find a snapshot: %w", err)
	}
	seqs := snapshotSeqs(names)
	for _, seq := range slices.Backward(seqs) {
		s, err := j.readSnapshot(seq, schema)
		if err == nil {
			return s, nil
		}
		j.cfg.Logger.Warn("snapshot is not used, the start takes longer", "file", snapshotName(seq), "err", err)
	}
	return nil, ErrNoSnapshot
}

func (j *Journal) readSnapshot(seq uint64, schema uint32) (*Snapshot, error) {
	b, err := readFile(j.fs, snapshotName(seq), maxSnap+snapHead)
	if err != nil {
		return nil, err
	}
	h, state, err := parseSnapshot(b)
	switch {
	case err != nil:
		return nil, err
	case h.seq != seq || h.id != j.id:
		return nil, errors.New("it is of another journal")
	case h.schema != schema:
		return nil, fmt.Errorf("its schema is %d, this program reads %d", h.schema, schema)
	}
	if have, err := j.hashAt(seq); err != nil {
		return nil, err
	} else if have != h.hash {
		return nil, errors.New("it was not built from the entries of this journal")
	}
	return &Snapshot{Seq: seq, Hash: h.hash, Schema: schema, State: state}, nil
}

// hashAt is the chain hash of one entry, read from its file.
func (j *Journal) hashAt(seq uint64) (sum [32]byte, err error) {
	head, hash := j.Head()
	switch {
	case seq == 0 || seq > head:
		return sum, fmt.Errorf("the journal ends at entry %d: %w", head, ErrInvalid)
	case seq == head:
		return hash, nil
	}
	r := reader{j: j, next: seq}
	defer r.close()
	err = r.read(context.Background(), seq, func(rec Record) error { sum = rec.Hash; return nil })
	return sum, err
}

// readFile reads a whole file.
func readFile(store FS, name string, most int64) ([]byte, error) {
	f, err := store.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > most {
		return nil, fmt.Errorf("%s has %d bytes, more than it can have", name, size)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}
