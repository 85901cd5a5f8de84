package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// dir is a folder of the operating system. Files are readable by the owner only.
type dir struct {
	path     string
	readOnly bool // nothing is created or written
}

const lockName = "LOCK"

// openDir makes the folder durable if it is missing.
func openDir(path string) (dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return dir{}, err
	}
	var parents []string // of the folders that are new
	for p := path; ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); err == nil || p == filepath.Dir(p) {
			break
		}
		parents = append(parents, filepath.Dir(p))
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return dir{}, err
	}
	for _, p := range parents {
		if err := (dir{path: p}).SyncDir(); err != nil {
			return dir{}, err
		}
	}
	return dir{path: path}, nil
}

// existingDir is a folder that must be there already.
func existingDir(path string, readOnly bool) (dir, error) {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = &os.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	return dir{path: path, readOnly: readOnly}, err
}

func (d dir) Open(name string) (File, error) {
	if d.readOnly {
		return d.file(name, os.O_RDONLY)
	}
	return d.file(name, os.O_RDWR)
}

func (d dir) Create(name string) (File, error) {
	return d.file(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (d dir) file(name string, flag int) (File, error) {
	f, err := os.OpenFile(filepath.Join(d.path, name), flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d dir) Rename(old, new string) error {
	return os.Rename(filepath.Join(d.path, old), filepath.Join(d.path, new))
}

func (d dir) Remove(name string) error { return os.Remove(filepath.Join(d.path, name)) }

func (d dir) List() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (d dir) SyncDir() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// Lock holds LOCK until the closer, or the process, ends. The process id in it
// is for people only. Read-only, it holds what is there.
func (d dir) Lock() (io.Closer, error) {
	flag := os.O_RDWR | os.O_CREATE
	if d.readOnly {
		flag = os.O_RDONLY
	}
	f, err := os.OpenFile(filepath.Join(d.path, lockName), flag, 0o600)
	if d.readOnly && errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(nil), nil // a copy that nobody opened yet
	}
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 32))
		_ = f.Close()
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			return nil, fmt.Errorf("%w (process %s): stop it first", err, pid)
		}
		return nil, err
	}
	if d.readOnly {
		return f, nil
	}
	if err := f.Truncate(0); err != nil {
		_ = f.Close()
		return nil, err
	}
	if _, err := fmt.Fprintf(f, "%d\n", os.Getpid()); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// grow is Allocate where the file system cannot reserve space: a hole, so that
// a full disk shows at the write.
func (f osFile) grow(size int64) error {
	now, err := f.Size()
	if err != nil || now >= size {
		return err
	}
	return f.Truncate(size)
}
