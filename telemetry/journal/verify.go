package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
)

// ErrNoJournal is returned when a folder holds no journal.
var ErrNoJournal = errors.New("there is no journal in the folder")

// ErrNotEmpty is returned when a journal would be copied over another one.
var ErrNotEmpty = errors.New("the folder already holds a journal: name an empty one, or move this one away")

// Report is what a look at a whole journal found.
type Report struct {
	Segments  int
	Entries   uint64   // intact, in one chain from entry 1
	Hash      [32]byte // chain hash of the last
	TornBytes int64    // that a crash left behind the last entry; the next start sets them aside
	Live      bool     // a server has it open: looked at up to its watermark, at most 200 ms ago
	Snapshots []uint64 // entries that there are snapshots of, whether they are usable or not
}

// toolConfig is a Config for a journal that must be there, of any group when
// none is named.
func toolConfig(cfg Config, readOnly bool) (Config, error) {
	cfg.anyGroup = cfg.Group == ""
	if err := cfg.fill(); err != nil {
		return cfg, err
	}
	if cfg.FS == nil {
		var err error
		if cfg.FS, err = existingDir(cfg.Dir, readOnly); err != nil {
			return cfg, err
		}
	}
	names, err := cfg.FS.List()
	if err == nil && len(segmentFirsts(names)) == 0 {
		if _, ok, _ := readWatermark(cfg.FS); !ok { // with one, the segments are lost: damage
			err = ErrNoJournal
		}
	}
	return cfg, err
}

// Verify reads every byte of a journal as a start would (CRC, sequence, chain,
// footers, checksums, watermark) and changes nothing. It may run beside the
// server. A damaged journal gives a *DamageError that names the first bad place.
func Verify(cfg Config) (Report, error) {
	report, err := verify(cfg)
	if err != nil {
		return report, fmt.Errorf("verify journal in %s: %w", cfg.Dir, err)
	}
	return report, nil
}

func verify(cfg Config) (Report, error) {
	cfg, err := toolConfig(cfg, true)
	if err != nil {
		return Report{}, err
	}
	v, lock, err := newView(cfg.FS)
	if err != nil {
		return Report{}, err
	}
	defer lock.Close()
	return look(cfg, v)
}

// look is a start that changes nothing.
func look(cfg Config, v *view) (Report, error) {
	cfg.Logger = slog.New(slog.DiscardHandler)
	j := newJournal(cfg, v)
	err := j.recover()
	if closing := j.c.closeFiles(); err == nil {
		err = closing
	}
	if err != nil {
		return Report{Live: v.live}, err
	}
	names, err := v.List()
	return Report{
		Segments: len(segmentFirsts(names)), Entries: j.seq, Hash: j.hash, TornBytes: j.repaired,
		Live: v.live, Snapshots: snapshotSeqs(names),
	}, err
}

// Copy copies a journal into a folder that has none: a backup, or back from one.
// It may run beside the server that writes from; what is copied ends at one entry.
// The source is verified before, the copy after, and it is durable then.
func Copy(from, to Config) (Report, error) {
	report, err := copyJournal(from, to)
	if err != nil {
		return report, fmt.Errorf("copy journal from %s to %s: %w", from.Dir, to.Dir, err)
	}
	return report, nil
}

func copyJournal(from, to Config) (Report, error) {
	from, err := toolConfig(from, true)
	if err != nil {
		return Report{}, err
	}
	if to.FS == nil {
		if to.FS, err = openDir(to.Dir); err != nil {
			return Report{}, err
		}
	}
	lock, err := to.FS.Lock()
	if err != nil {
		return Report{}, err
	}
	defer lock.Close()
	if err := holdsNone(to.FS); err != nil {
		return Report{}, err
	}
	v, held, err := newView(from.FS)
	if err != nil {
		return Report{}, err
	}
	defer held.Close()
	report, err := look(from, v)
	if err != nil {
		return report, err
	}
	if err := copyFiles(v, to.FS); err != nil {
		return report, err
	}
	copied, err := look(from, &view{FS: to.FS})
	if err == nil && (copied.Entries != report.Entries || copied.Hash != report.Hash) {
		err = fmt.Errorf("the copy has %d entries of %d: the disk does not keep what it is given", copied.Entries, report.Entries)
	}
	return report, err
}

func holdsNone(store FS) error {
	names, err := store.List()
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == watermarkName || len(segmentFirsts([]string{name})) > 0 || len(snapshotSeqs([]string{name})) > 0 {
			return fmt.Errorf("%s: %w", name, ErrNotEmpty)
		}
	}
	return nil
}

// copyFiles copies the watermark last: without it a copy that was cut off does
// not open.
func copyFiles(from *view, to FS) error {
	names, err := from.List()
	if err != nil {
		return err
	}
	for _, first := range segmentFirsts(names) {
		if err := copyFile(from, to, segmentName(first), segmentName(first)); err != nil {
			return err
		}
	}
	for _, seq := range snapshotSeqs(names) {
		err := copyFile(from, to, snapshotName(seq), snapshotName(seq))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // the server may have removed it meanwhile
			return err
		}
	}
	if err := to.SyncDir(); err != nil {
		return err
	}
	if err := copyFile(from, to, watermarkName, watermarkName); err != nil {
		return err
	}
	return to.SyncDir()
}

// copyFile copies one file and syncs it. What is zero at the end is left out: it
// is space that was allocated ahead.
func copyFile(from, to FS, name, as string) error {
	in, err := from.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	size, err := in.Size()
	if err != nil {
		return err
	}
	out, err := to.Create(as)
	if err != nil {
		return err
	}
	b := make([]byte, min(size, 1<<20))
	for at := int64(0); at < size && err == nil; at += int64(len(b)) {
		b = b[:min(int64(len(b)), size-at)]
		if _, err = in.ReadAt(b, at); err == nil && zeroUntil(b) < len(b) {
			_, err = out.WriteAt(b, at)
		}
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	return nil
}
