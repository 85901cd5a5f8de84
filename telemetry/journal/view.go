package journal

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// view is a journal to look at: what is written into it goes nowhere. Beside a
// running server it shows only what the watermark covers, which no longer changes.
type view struct {
	FS
	live bool
	mark watermark // where it ends, when live
}

// newView takes the lock for as long as it is looked at; somebody else may have it.
func newView(store FS) (*view, io.Closer, error) {
	lock, err := store.Lock()
	if err == nil {
		return &view{FS: store}, lock, nil
	}
	if !errors.Is(err, ErrLocked) {
		return nil, nil, err
	}
	mark, ok, err := readWatermark(store)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, errors.New("another process has the journal open and has not begun it, or its watermark is damaged: try again, or stop that process first")
	}
	return &view{FS: store, live: true, mark: mark}, io.NopCloser(nil), nil
}

func (v *view) Open(name string) (File, error) {
	if v.live && name == watermarkName {
		slots := make([]byte, 2*slotSize)
		copy(slots[v.mark.counter%2*slotSize:], v.mark.encode())
		return viewFile{r: bytes.NewReader(slots), size: int64(len(slots))}, nil
	}
	f, err := v.FS.Open(name)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if v.live && name == segmentName(v.mark.segment) {
		size = min(size, int64(v.mark.offset))
	}
	return viewFile{r: io.NewSectionReader(f, 0, size), size: size, c: f}, nil
}

func (v *view) List() ([]string, error) {
	names, err := v.FS.List()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		switch firsts, snaps := segmentFirsts([]string{name}), snapshotSeqs([]string{name}); {
		case v.live && len(firsts) > 0 && firsts[0] > v.mark.segment:
		case v.live && len(snaps) > 0 && snaps[0] > v.mark.seq:
		default:
			out = append(out, name)
		}
	}
	return out, nil
}

func (v *view) Create(string) (File, error) { return viewFile{r: strings.NewReader("")}, nil }
func (v *view) Rename(string, string) error { return nil }
func (v *view) Remove(string) error         { return nil }
func (v *view) SyncDir() error              { return nil }
func (v *view) Lock() (io.Closer, error)    { return io.NopCloser(nil), nil }

// viewFile drops what is written.
type viewFile struct {
	r    io.ReaderAt
	size int64
	c    io.Closer
}

func (f viewFile) ReadAt(b []byte, off int64) (int, error)  { return f.r.ReadAt(b, off) }
func (f viewFile) WriteAt(b []byte, off int64) (int, error) { return len(b), nil }
func (f viewFile) Allocate(int64) error                     { return nil }
func (f viewFile) Truncate(int64) error                     { return nil }
func (f viewFile) Datasync() error                          { return nil }
func (f viewFile) Sync() error                              { return nil }
func (f viewFile) Size() (int64, error)                     { return f.size, nil }

func (f viewFile) Close() error {
	if f.c == nil {
		return nil
	}
	return f.c.Close()
}
