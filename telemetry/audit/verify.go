package audit

import (
	"fmt"

	"testzone/telemetry/journal"
)

// Report is what a verification found.
type Report struct {
	Entries     int64
	Checkpoints int   // signed, in the journal, and right
	Covered     int64 // entries that the newest of them covers
	Outside     int64 // entries that the checkpoint from outside covers; 0 without one
}

// Verify checks a journal offline: every frame and the chain, then every signed
// checkpoint in it, then one that was kept elsewhere. verifier may be empty: then
// signatures are not checked, only roots. An error names the first entry that is
// wrong, or between which two entries it lies.
func Verify(cfg journal.Config, verifier, outside string) (Report, error) {
	var r Report
	var log Log
	var bad error
	_, err := journal.ReadAll(cfg, func(rec journal.Record) error {
		// The root of a checkpoint is over entries before it, and they are all here.
		if signed := checkpointOf(&rec); signed != "" && bad == nil {
			c, err := OpenCheckpoint(signed, verifier)
			if err == nil {
				err = log.matches(c, r.Covered)
			}
			if err != nil {
				bad = fmt.Errorf("checkpoint in entry %d: %w", rec.Seq, err)
			} else {
				r.Checkpoints, r.Covered = r.Checkpoints+1, c.Size
			}
		}
		return log.Add(&rec)
	})
	r.Entries = log.Size()
	if err != nil {
		return r, err
	}
	if outside != "" && bad == nil {
		c, err := OpenCheckpoint(outside, verifier)
		if err == nil {
			sure := r.Covered
			if sure >= c.Size { // the two contradict each other
				sure = 0
			}
			err = log.matches(c, sure)
		}
		if err != nil {
			bad = fmt.Errorf("checkpoint from outside: %w", err)
		} else {
			r.Outside = c.Size
		}
	}
	return r, bad
}

// matches compares a checkpoint with the tree; sure is how many entries are known
// to be right.
func (l *Log) matches(c Checkpoint, sure int64) error {
	if c.Size > l.Size() {
		return fmt.Errorf("%w: it covers %d entries and the journal has %d before it: entry %d is the first that is missing", ErrForked, c.Size, l.Size(), l.Size()+1)
	}
	root, err := l.Root(c.Size)
	if err != nil {
		return err
	}
	if root != c.Root {
		return fmt.Errorf("%w: the first entry that differs lies between %d and %d", ErrForked, sure+1, c.Size)
	}
	return nil
}
