package mail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// file is what is kept: ids, no addresses.
type file struct {
	Version int                `json:"version"` // 1
	Place   uint64             `json:"place"`
	Queue   []*waiting         `json:"queue"`
	Failed  map[string]Failure `json:"failed"`
}

func (m *Mailer) load() (found bool, err error) {
	if m.cfg.Path == "" {
		return false, nil
	}
	raw, err := os.ReadFile(m.cfg.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var f file
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err == nil && f.Version != 1 {
		err = fmt.Errorf("version %d is not 1", f.Version)
	}
	if err != nil {
		return false, fmt.Errorf("%w %s: %w: restore it from the backup, or move it away: what is left in it is then not sent", ErrStore, m.cfg.Path, err)
	}
	m.place, m.queue = f.Place, f.Queue
	for person, failure := range f.Failed {
		m.failed[person] = failure
	}
	return true, nil
}

// save writes the file; it is the old or the new one, whatever happens.
func (m *Mailer) save() error {
	if m.cfg.Path == "" {
		return nil
	}
	m.mu.Lock()
	raw, err := json.Marshal(&file{Version: 1, Place: m.place, Queue: m.queue, Failed: m.failed})
	m.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	out, err := os.CreateTemp(filepath.Dir(m.cfg.Path), ".mail-*") // mode 0600
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	defer os.Remove(out.Name()) // gone already when all went well
	_, err = out.Write(raw)
	if err = errors.Join(err, out.Sync(), out.Close()); err == nil {
		err = os.Rename(out.Name(), m.cfg.Path)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	return nil
}
