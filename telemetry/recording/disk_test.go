package recording

import (
	"io/fs"
	"sync"
	"syscall"
)

// testDisk is a folder on a disk that can be full, slow, or broken.
type testDisk struct {
	FS

	mu       sync.Mutex    // guards the fields below
	room     int64         // bytes that can still be written; below 0: any
	free     int64         // what Free says; 0: what the file system says
	writeErr error         // of every write and create
	syncErr  error         // of every sync of a file
	stuck    chan struct{} // writes wait for its end; nil: they do not
	writes   int
}

func newTestDisk(folder string) *testDisk { return &testDisk{FS: dir(folder), room: -1} }

func (d *testDisk) set(change func(*testDisk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// take is how much of n bytes fits.
func (d *testDisk) take(n int) (int, error) {
	d.mu.Lock()
	stuck := d.stuck
	d.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	switch {
	case d.writeErr != nil:
		return 0, d.writeErr
	case d.room < 0:
		return n, nil
	case int64(n) > d.room:
		fits := int(d.room)
		d.room = 0
		return fits, syscall.ENOSPC
	}
	d.room -= int64(n)
	return n, nil
}

func (d *testDisk) Free() (free, total int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.free != 0 {
		return d.free, 100 << 30, nil
	}
	return 50 << 30, 100 << 30, nil
}

func (d *testDisk) Create(name string) (File, error) {
	if _, err := d.take(0); err != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: err}
	}
	return d.wrap(d.FS.Create(name))
}

func (d *testDisk) Open(name string) (File, error) { return d.wrap(d.FS.Open(name)) }

func (d *testDisk) wrap(f File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return &testFile{f, d}, nil
}

type testFile struct {
	File
	disk *testDisk
}

func (f *testFile) Write(b []byte) (int, error) {
	n, err := f.disk.take(len(b))
	if n > 0 || err == nil {
		if m, werr := f.File.Write(b[:n]); werr != nil {
			return m, werr
		}
	}
	return n, err
}

func (f *testFile) Sync() error {
	f.disk.mu.Lock()
	err := f.disk.syncErr
	f.disk.mu.Unlock()
	if err != nil {
		return err
	}
	return f.File.Sync()
}
