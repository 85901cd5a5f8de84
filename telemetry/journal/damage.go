package journal

import (
	"errors"
	"fmt"
	"io/fs"
)

// DamageError says that a journal was refused, and where it is damaged. Its
// text is for the operator who has to bring the server up again.
type DamageError struct {
	File      string // in the folder of the journal
	Offset    int64
	SeqBefore uint64 // last intact entry before the place; 0 = none
	SeqAfter  uint64 // first intact entry found behind it; 0 = none found
	Reason    string
}

func (e *DamageError) Error() string {
	after := "no intact entry was found behind it"
	if e.SeqAfter > 0 {
		after = fmt.Sprintf("the next one found is %d", e.SeqAfter)
	}
	return fmt.Sprintf("the journal is damaged: file %s, offset %d: %s (last intact entry before it: %d; %s). "+
		"Nothing was changed. Do not delete or edit anything: first copy the whole journal folder to a safe place, "+
		"then put the folder back from the last good backup (testzone journal restore) and start again. Without one: testzone journal repair.",
		e.File, e.Offset, e.Reason, e.SeqBefore, after)
}

// maxBroken bounds the copy of a torn tail; more than one batch is never torn.
const maxBroken = MaxBatchBytes + groupBytes

// setAside copies a torn tail into a file of its own and zeroes it. tail begins
// at offset at. The copy is durable before anything is overwritten.
func (rec *recovery) setAside(tail []byte, at int64) error {
	n := len(tail)
	for n > 0 && tail[n-1] == 0 {
		n--
	}
	tail = tail[:n]
	name, err := rec.keep(tail[:min(n, maxBroken)])
	if err != nil {
		return err
	}
	for begin := 0; begin < n; begin += len(zeros) {
		if _, err := rec.file.WriteAt(zeros[:min(len(zeros), n-begin)], at+int64(begin)); err != nil {
			return err
		}
	}
	if err := rec.file.Sync(); err != nil {
		return err
	}
	rec.j.repaired += int64(n)
	rec.j.cfg.Logger.Warn("journal: torn tail set aside, nothing that was confirmed is lost",
		"file", rec.seg.name, "offset", at, "bytes", n, "last_seq", rec.seq, "copy", name)
	return nil
}

// keep writes the copy under a name that is free.
func (rec *recovery) keep(tail []byte) (name string, err error) {
	if name, err = rec.freeName(rec.seg.name + ".broken-"); err != nil {
		return "", err
	}
	f, err := rec.j.fs.Create(name)
	if err != nil {
		return "", err
	}
	if _, err = f.WriteAt(tail, 0); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	return name, rec.j.fs.SyncDir()
}

// freeName is prefix and the time, and a number if that is taken.
func (rec *recovery) freeName(prefix string) (name string, err error) {
	base := prefix + rec.j.cfg.Clock().UTC().Format("20060102T150405Z")
	name = base
	for i := 2; ; i++ {
		f, err := rec.j.fs.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
		if err := f.Close(); err != nil {
			return "", err
		}
		name = fmt.Sprintf("%s-%d", base, i)
	}
}
