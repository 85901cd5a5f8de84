package journal

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// crashFS is a folder in memory that can lose power. Each file has a durable
// image and a list of 512-byte sectors that were written since its last sync;
// names are pending until SyncDir. It assumes of a disk that a sector that is
// torn holds old and new bytes, or garbage only where new bytes were to go.
type crashFS struct {
	mu      sync.Mutex // guards everything, the files too
	names   map[string]*crashFile
	durable map[string]*crashFile
	pending []dirOp
	locked  bool

	ops   int                         // changes so far
	offAt int                         // power fails at this change; 0 = never
	off   bool                        // no operation does anything any more
	lies  bool                        // data syncs report success and do nothing
	fault func(op, name string) error // asked before each change
	room  int64                       // free bytes; 0 = plenty
}

type dirOp struct {
	name string
	file *crashFile // nil = removed
}

type crashFile struct {
	name    string
	now     []byte
	durable []byte
	dirty   map[int]span // sector -> bytes of it that were written since the sync
}

type span struct{ from, to int }

const sectorSize = 512

var errPower = errors.New("power failed")

// shortWrite is a fault: n bytes are written, and then the error.
type shortWrite struct {
	n int
	error
}

func (s shortWrite) Unwrap() error { return s.error }

func newCrashFS() *crashFS {
	return &crashFS{names: map[string]*crashFile{}, durable: map[string]*crashFile{}}
}

// change is called with mu held, before an operation that changes something.
func (c *crashFS) change(op, name string) error {
	if c.off {
		return errPower
	}
	c.ops++
	if c.offAt > 0 && c.ops >= c.offAt {
		c.off = true
		return errPower
	}
	if c.fault != nil {
		return c.fault(op, name)
	}
	return nil
}

// crash is what a machine finds after the power failed: for every pending
// sector, size and name one of old, new or (sectors) torn, drawn from rng.
func (c *crashFS) crash(rng *rand.Rand) *crashFS {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = true
	kept := maps.Clone(c.durable)
	for _, op := range c.pending {
		switch {
		case rng.IntN(2) == 0:
		case op.file == nil:
			delete(kept, op.name)
		default:
			kept[op.name] = op.file
		}
	}
	next := newCrashFS()
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		next.put(name, kept[name].crash(rng))
	}
	return next
}

// restart is what the next process finds after a kill: what was written is
// there, and what was not synced is still only in the page cache.
func (c *crashFS) restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off, c.locked, c.ops, c.offAt = false, false, 0, 0
}

func (f *crashFile) crash(rng *rand.Rand) []byte {
	size := len(f.durable)
	if rng.IntN(2) == 0 {
		size = len(f.now)
	}
	image := resize(slices.Clone(f.durable), size)
	for _, sector := range slices.Sorted(maps.Keys(f.dirty)) {
		at := sector * sectorSize
		if at >= size {
			continue
		}
		old := image[at:min(at+sectorSize, size)]
		fresh := resize(slices.Clone(f.now[min(at, len(f.now)):min(at+sectorSize, len(f.now))]), len(old))
		switch rng.IntN(4) {
		case 0: // old
		case 1: // torn
			cut := rng.IntN(len(old) + 1)
			copy(old[:cut], fresh[:cut])
			if rng.IntN(2) == 0 {
				s := f.dirty[sector]
				for i := max(cut, s.from); i < min(s.to, len(old)); i++ {
					old[i] = byte(rng.Uint32())
				}
			}
		default:
			copy(old, fresh)
		}
	}
	return image
}

// put places a durable file.
func (c *crashFS) put(name string, content []byte) {
	f := &crashFile{name: name, now: slices.Clone(content), durable: slices.Clone(content), dirty: map[int]span{}}
	c.names[name], c.durable[name] = f, f
}

// files is a copy of what the folder holds.
func (c *crashFS) files() map[string][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string][]byte{}
	for name, f := range c.names {
		out[name] = slices.Clone(f.now)
	}
	return out
}

func folderOf(files map[string][]byte) *crashFS {
	c := newCrashFS()
	for name, b := range files {
		c.put(name, b)
	}
	return c
}

func resize(b []byte, size int) []byte {
	if size <= len(b) {
		return b[:size]
	}
	return append(b, make([]byte, size-len(b))...)
}

func (c *crashFS) Open(name string) (File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off {
		return nil, errPower
	}
	f, ok := c.names[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &crashHandle{c, f}, nil
}

func (c *crashFS) Create(name string) (File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.change("create", name); err != nil {
		return nil, err
	}
	f, ok := c.names[name]
	if ok {
		f.truncate(0)
	} else {
		f = &crashFile{name: name, dirty: map[int]span{}}
		c.names[name] = f
		c.pending = append(c.pending, dirOp{name, f})
	}
	return &crashHandle{c, f}, nil
}

func (c *crashFS) Rename(old, new string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.change("rename", old); err != nil {
		return err
	}
	f, ok := c.names[old]
	if !ok {
		return &fs.PathError{Op: "rename", Path: old, Err: fs.ErrNotExist}
	}
	delete(c.names, old)
	c.names[new] = f
	c.pending = append(c.pending, dirOp{new, f}, dirOp{old, nil})
	return nil
}

func (c *crashFS) Remove(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.change("remove", name); err != nil {
		return err
	}
	delete(c.names, name)
	c.pending = append(c.pending, dirOp{name, nil})
	return nil
}

func (c *crashFS) List() ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off {
		return nil, errPower
	}
	return slices.Collect(maps.Keys(c.names)), nil
}

func (c *crashFS) SyncDir() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.change("syncdir", ""); err != nil {
		return err
	}
	c.durable, c.pending = maps.Clone(c.names), nil
	return nil
}

func (c *crashFS) Lock() (io.Closer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locked {
		return nil, ErrLocked
	}
	c.locked = true
	return unlocker{c}, nil
}

type unlocker struct{ c *crashFS }

func (u unlocker) Close() error {
	u.c.mu.Lock()
	defer u.c.mu.Unlock()
	u.c.locked = false
	return nil
}

func (c *crashFS) Free() (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room == 0 {
		return 1 << 40, nil
	}
	return c.room, nil
}

type crashHandle struct {
	fs *crashFS
	f  *crashFile
}

func (h *crashHandle) ReadAt(b []byte, off int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.fs.off {
		return 0, errPower
	}
	n, err := bytes.NewReader(h.f.now).ReadAt(b, off)
	return n, err
}

func (h *crashHandle) WriteAt(b []byte, off int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	wasOff := h.fs.off
	err := h.fs.change("write", h.f.name)
	if err == nil || errors.Is(err, errPower) && !wasOff { // the power may fail in the middle of it
		h.f.write(b, int(off))
	}
	if short := (shortWrite{}); errors.As(err, &short) {
		n := min(len(b), short.n)
		h.f.write(b[:n], int(off))
		return n, err
	}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

func (f *crashFile) write(b []byte, off int) {
	if off+len(b) > len(f.now) {
		f.now = resize(f.now, off+len(b))
	}
	copy(f.now[off:], b)
	f.touch(off, off+len(b))
}

func (f *crashFile) touch(from, to int) {
	for at := from; at < to; at = (at/sectorSize + 1) * sectorSize {
		sector := at / sectorSize
		s := span{at - sector*sectorSize, min(to-sector*sectorSize, sectorSize)}
		if old, ok := f.dirty[sector]; ok && old != (span{}) {
			s = span{min(s.from, old.from), max(s.to, old.to)}
		}
		f.dirty[sector] = s
	}
}

func (f *crashFile) truncate(size int) {
	was := len(f.now)
	clear(f.now[min(size, was):])
	f.now = resize(f.now, size)
	if size >= was {
		return
	}
	// What comes back there later is zeros; in the sector of the new end they
	// are written, the others are given back whole.
	edge := (size + sectorSize - 1) / sectorSize * sectorSize
	f.touch(size, min(edge, len(f.durable)))
	for at := edge; at < len(f.durable); at += sectorSize {
		f.dirty[at/sectorSize] = span{}
	}
}

func (h *crashHandle) Allocate(size int64) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.fs.change("allocate", h.f.name); err != nil {
		return err
	}
	if int(size) > len(h.f.now) {
		h.f.now = resize(h.f.now, int(size))
	}
	return nil
}

func (h *crashHandle) Truncate(size int64) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.fs.change("truncate", h.f.name); err != nil {
		return err
	}
	h.f.truncate(int(size))
	return nil
}

func (h *crashHandle) Datasync() error { return h.sync("datasync") }
func (h *crashHandle) Sync() error     { return h.sync("sync") }

func (h *crashHandle) sync(op string) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.fs.change(op, h.f.name); err != nil {
		return err
	}
	if h.fs.lies && strings.HasSuffix(h.f.name, segmentSuffix) {
		return nil
	}
	h.f.durable = slices.Clone(h.f.now)
	clear(h.f.dirty)
	return nil
}

func (h *crashHandle) Size() (int64, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.fs.off {
		return 0, errPower
	}
	return int64(len(h.f.now)), nil
}

func (h *crashHandle) Close() error { return nil }
