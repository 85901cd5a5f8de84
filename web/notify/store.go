package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// file is what is kept of the hooks.
type file struct {
	Version int       `json:"version"` // 1
	Hooks   []*stored `json:"hooks"`
}

func (n *Notifier) load() error {
	if n.cfg.Path == "" {
		return nil
	}
	raw, err := os.ReadFile(n.cfg.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	hooks, err := parseFile(raw)
	if err != nil {
		return fmt.Errorf("%w: %s is damaged (%w): restore it from the backup, or move it away to start without webhooks", ErrStore, n.cfg.Path, err)
	}
	for _, h := range hooks {
		if h.Doubtful {
			n.doubtful[h.ID] = h
		} else {
			n.hooks[h.ID] = h
		}
	}
	return nil
}

func parseFile(raw []byte) ([]*stored, error) {
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, err
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("version %d is not 1", f.Version)
	}
	for i, h := range f.Hooks {
		if h == nil || h.ID == "" || h.URL == "" || h.Secret == "" || h.Rev == 0 || h.State != Active && h.State != GivenUp {
			return nil, fmt.Errorf("webhook %d is not whole", i)
		}
	}
	return f.Hooks, nil
}

// save writes all hooks; the file is the old or the new one, whatever happens.
func (n *Notifier) save() error {
	n.saving.Lock()
	defer n.saving.Unlock()
	n.mu.Lock()
	f := file{Version: 1, Hooks: make([]*stored, 0, len(n.hooks)+len(n.doubtful))}
	for _, set := range []map[string]*stored{n.hooks, n.doubtful} {
		for _, h := range set {
			copied := *h
			copied.Doubtful = n.hooks[h.ID] == nil
			f.Hooks = append(f.Hooks, &copied)
		}
	}
	n.dirty = false
	n.mu.Unlock()
	if n.cfg.Path == "" {
		return nil
	}
	if err := replaceFile(n.cfg.Path, &f); err != nil {
		n.mu.Lock()
		n.dirty = true
		n.mu.Unlock()
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	return nil
}

func replaceFile(path string, f *file) error {
	raw, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(path), ".webhooks-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(out.Name()) // gone already when all went well
	_, err = out.Write(raw)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	if err := os.Rename(out.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
