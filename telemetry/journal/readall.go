package journal

import (
	"errors"
	"fmt"
)

// ReadAll is Verify that yields every record, in order, once all of them are found
// intact. It changes nothing and may run beside the server.
func ReadAll(cfg Config, apply func(Record) error) (Report, error) {
	cfg, err := toolConfig(cfg, true)
	if err != nil {
		return Report{}, fmt.Errorf("read journal in %s: %w", cfg.Dir, err)
	}
	v, lock, err := newView(cfg.FS)
	if err != nil {
		return Report{}, fmt.Errorf("read journal in %s: %w", cfg.Dir, err)
	}
	defer lock.Close()
	report, err := look(cfg, v)
	if err != nil {
		return report, fmt.Errorf("verify journal in %s: %w", cfg.Dir, err)
	}
	j := newJournal(cfg, v)
	err = j.recover()
	if err == nil {
		err = j.Replay(1, apply)
	}
	if err = errors.Join(err, j.c.closeFiles()); err != nil {
		return report, fmt.Errorf("read journal in %s: %w", cfg.Dir, err)
	}
	return report, nil
}
