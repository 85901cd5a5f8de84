package journal

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// ControlSchema is the schema of the journal's own entries: JSON, of kind Control.
const ControlSchema = 0xffff

// ErrNothingLeft is returned when a repair would keep no entry at all.
var ErrNothingLeft = errors.New("no entry is intact: put the folder back from a backup, or move it away and start with an empty one")

// Repair is what a repair did. It is also the body of the control entry that
// tells everybody who reads the journal later.
type Repair struct {
	Type   string   `json:"type"` // "journal_repaired"
	File   string   `json:"file,omitempty"`
	Offset int64    `json:"offset,omitempty"`
	Reason string   `json:"reason"`
	From   uint64   `json:"lost_from,omitempty"` // lost entries; both 0 when none was lost
	To     uint64   `json:"lost_to,omitempty"`   // at least up to here
	Kept   []string `json:"kept,omitempty"`      // copies of the files as they were
	Seq    uint64   `json:"-"`                   // of the control entry; 0 = nothing was wrong
}

// AcceptLoss makes a damaged journal usable again: it keeps the longest intact
// chain from entry 1, copies every file that it changes or takes away, and appends
// a control entry that names what was lost. The lost sequences are given again to
// new entries. A journal that is not damaged stays as it is.
func AcceptLoss(cfg Config) (Repair, error) {
	r, err := acceptLoss(cfg)
	if err != nil {
		return r, fmt.Errorf("repair journal in %s: %w", cfg.Dir, err)
	}
	return r, nil
}

func acceptLoss(cfg Config) (Repair, error) {
	cfg, err := toolConfig(cfg, false)
	if err != nil {
		return Repair{}, err
	}
	lock, err := cfg.FS.Lock()
	if err != nil {
		return Repair{}, err
	}
	defer lock.Close()
	var damage *DamageError
	if _, err := look(cfg, &view{FS: cfg.FS}); err == nil || !errors.As(err, &damage) {
		return Repair{}, err
	}
	j := newJournal(cfg, cfg.FS)
	rec := &recovery{committer: &j.c, j: j, group: genesis(cfg.Group)}
	defer func() { _ = rec.closeFiles() }() // an error before is the one to tell
	r := Repair{Type: "journal_repaired", File: damage.File, Offset: damage.Offset, Reason: damage.Reason}
	err = rec.acceptLoss(&r)
	return r, err
}

func (rec *recovery) acceptLoss(r *Repair) error {
	store := rec.j.fs
	names, err := store.List()
	if err != nil {
		return err
	}
	mark, _, err := readWatermark(store)
	if err != nil {
		return err
	}
	lost, err := rec.intact(segmentFirsts(names), r)
	if err != nil {
		return err
	}
	if rec.seq == 0 {
		return ErrNothingLeft
	}
	last, err := rec.lastSeen(lost)
	if err != nil {
		return err
	}
	for _, seq := range snapshotSeqs(names) {
		if seq > rec.seq {
			last = max(last, seq)
			lost = append(lost, snapshotName(seq))
		}
	}
	if last = max(last, mark.seq); last > rec.seq {
		r.From, r.To = rec.seq+1, last
	}
	// Until the control entry is written the watermark names the lost entries: a
	// repair that was cut off shows as damage, and can be begun again.
	rec.wm = mark
	if err := rec.openMarks(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	rec.noted = mark
	if r.From != 0 && mark.seq < last {
		w := watermark{counter: mark.counter + 1, seq: last, segment: rec.seg.first, offset: uint64(rec.seg.end), hash: rec.hash}
		if err := rec.writeWatermark(store, w); err != nil {
			return err
		}
	}
	if err := rec.copyAside(rec.seg.name, r); err != nil {
		return err
	}
	for _, name := range lost {
		if err := rec.moveAside(name, r); err != nil {
			return err
		}
	}
	if err := store.SyncDir(); err != nil {
		return err
	}
	return rec.tell(r)
}

// intact walks to the end of what is intact and ends in the segment of the last
// intact entry. It returns the segments behind that one. A segment of which only
// padding or footer are damaged is closed again: nothing of it is lost.
func (rec *recovery) intact(firsts []uint64, r *Repair) (lost []string, err error) {
	rec.epoch, rec.hash = 1, rec.group
	for i, first := range firsts {
		b, f, err := rec.load(segmentName(first))
		if err != nil {
			return nil, err
		}
		before, next := rec.seg, segment{name: segmentName(first), first: first, last: first - 1, end: headerSize}
		rec.seg = next
		_, err = rec.header(b, i == 0, false)
		rec.seg = before
		if err != nil {
			for _, first := range firsts[i:] {
				lost = append(lost, segmentName(first))
			}
			return lost, errors.Join(notDamage(err), f.Close())
		}
		if rec.file != nil {
			if err = rec.copyAside(rec.seg.name, r); err == nil {
				err = rec.seal()
			}
			if err != nil {
				return nil, errors.Join(err, f.Close())
			}
		}
		rec.seg, rec.file = next, f
		if err := rec.segment(b, false); notDamage(err) != nil {
			return nil, err
		}
		rec.sum = sha256.New()
		rec.sum.Write(b[:rec.end])
	}
	return nil, nil
}

// notDamage is nil for what a repair is there for.
func notDamage(err error) error {
	var damage *DamageError
	if errors.As(err, &damage) {
		return nil
	}
	return err
}

// lastSeen is the highest sequence in what does not count any more.
func (rec *recovery) lastSeen(lost []string) (last uint64, err error) {
	for _, name := range append([]string{rec.seg.name}, lost...) {
		b, err := readFile(rec.j.fs, name, 2*maxSegment)
		if err != nil {
			return 0, err
		}
		for at := 0; at+frameHead <= len(b); at += 8 {
			if f, _, intact := parseFrame(b[at:], &rec.j.id); intact {
				last = max(last, f.seq)
			}
		}
	}
	for _, first := range segmentFirsts(lost) {
		last = max(last, first-1) // it was begun behind that entry
	}
	return last, nil
}

func (rec *recovery) copyAside(name string, r *Repair) error {
	as, err := rec.freeName(name + ".damaged-")
	if err != nil {
		return err
	}
	if err := copyFile(rec.j.fs, rec.j.fs, name, as); err != nil {
		return err
	}
	r.Kept = append(r.Kept, as)
	return rec.j.fs.SyncDir()
}

func (rec *recovery) moveAside(name string, r *Repair) error {
	as, err := rec.freeName(name + ".damaged-")
	if err != nil {
		return err
	}
	r.Kept = append(r.Kept, as)
	return rec.j.fs.Rename(name, as)
}

// tell writes the control entry where the intact entries end, over whatever stands
// there, and then the watermark.
func (rec *recovery) tell(r *Repair) (err error) {
	j, c := rec.j, rec.committer
	if c.file == nil { // the last intact segment was a full one: it goes on
		if c.file, err = j.fs.Open(rec.seg.name); err != nil {
			return err
		}
	}
	c.end = rec.seg.end
	c.space = max(j.cfg.SegmentBytes, c.end+groupBytes)
	if err := errors.Join(c.file.Truncate(c.end), c.file.Allocate(c.space), c.file.Sync()); err != nil {
		return err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	entry := Entry{ID: NewID(), Kind: Control, Schema: ControlSchema, TimeUS: j.cfg.Clock().UnixMicro(), Body: body, Emergency: true}
	q, err := newRequest([]Entry{entry})
	if err != nil {
		return err
	}
	j.segs = []segment{rec.seg}
	if j.commit([]*request{q}); q.err != nil {
		return q.err
	}
	r.Seq = q.seqs[0]
	return c.noteWatermark(j.fs)
}
