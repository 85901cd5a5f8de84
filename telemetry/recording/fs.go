package recording

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FS is the folder of a recording; names have slashes. The tests put one in its
// place whose disk is full or slow.
type FS interface {
	Create(name string) (File, error) // with its folders; fs.ErrExist when it is there
	Open(name string) (File, error)   // fs.ErrNotExist when it is not
	Remove(name string) error
	List() ([]string, error)   // every file
	SyncDir(name string) error // makes created names in it durable
	Free() (free, total int64, err error)
	Lock() (io.Closer, error) // ErrLocked when another process has it
}

// File is one file of an FS. Write appends.
type File interface {
	io.ReaderAt
	io.Writer
	Truncate(size int64) error
	Sync() error
	Size() (int64, error)
	Close() error
}

// dir is a folder of the operating system. Files are readable by the owner only.
type dir string

func (d dir) path(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

func (d dir) Create(name string) (File, error) {
	if err := os.MkdirAll(filepath.Dir(d.path(name)), 0o700); err != nil {
		return nil, err
	}
	return d.file(name, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL)
}

func (d dir) Open(name string) (File, error) { return d.file(name, os.O_RDWR|os.O_APPEND) }

func (d dir) file(name string, flag int) (File, error) {
	f, err := os.OpenFile(d.path(name), flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d dir) Remove(name string) error { return os.Remove(d.path(name)) }

func (d dir) List() (names []string, err error) {
	err = filepath.WalkDir(string(d), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(string(d), path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

func (d dir) SyncDir(name string) error {
	f, err := os.Open(d.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

const lockName = "LOCK"

// Lock holds LOCK until the closer, or the process, ends.
func (d dir) Lock() (io.Closer, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.path(lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", err, string(d)), f.Close())
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
