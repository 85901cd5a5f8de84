package recording

import (
	"errors"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	measureEvery = time.Second
	retainEvery  = time.Minute
)

// housekeeping does all that may wait for the disk and is not writing: sealing,
// syncing, mending what a crash left, deleting what is old. It ends after the
// writer, with everything sealed.
func (r *Recorder) housekeeping(written <-chan struct{}) {
	r.mend()
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	var synced, retained time.Time
	for {
		select {
		case <-written:
			r.sealDone()
			return
		case <-r.keep:
			r.sealDone()
			r.retain()
		case now := <-tick.C:
			r.measure()
			if now.Sub(synced) >= r.cfg.SyncEvery {
				synced = now
				r.syncOpen()
			}
			if now.Sub(retained) >= retainEvery {
				retained = now
				r.retain()
			}
		}
	}
}

// measure asks for the room on the disk.
func (r *Recorder) measure() {
	free, total, err := r.fs.Free()
	if err != nil {
		r.free.Store(-1)
		r.low.Store(false)
		return
	}
	r.free.Store(free)
	floor := r.cfg.MinFree
	if floor == 0 {
		floor = min(max(total/20, 512<<20), 2<<30)
	}
	if r.low.Load() {
		floor += floor / 10 // not back and forth with every file
	}
	low := free < floor
	if r.low.Swap(low) != low {
		r.cfg.Logger.Warn("room on the disk of the recording", "free_mib", free>>20, "needed_mib", floor>>20, "recording", !low)
	}
}

// sealDone seals what the writer is done with.
func (r *Recorder) sealDone() {
	r.mu.Lock()
	done := r.done
	r.done = nil
	r.mu.Unlock()
	for _, s := range done {
		if err := s.finish(r.fs); err != nil {
			r.fail("seal "+s.name, err)
		}
	}
}

// syncOpen makes durable what is in the files that are written.
func (r *Recorder) syncOpen() {
	for _, s := range r.catalog.all() {
		r.catalog.mu.Lock()
		sealed := s.sealed
		r.catalog.mu.Unlock()
		if sealed || s.data == nil || s.unsynced.Load() {
			continue
		}
		err := errors.Join(s.data.Sync(), s.index.Sync())
		if err == nil && !s.named {
			s.named, err = true, r.syncDirs(s)
		}
		if err != nil && !errors.Is(err, fs.ErrClosed) {
			s.unsynced.Store(true) // what a failed sync left behind cannot be synced again
			r.fail("sync "+s.name, err)
		}
	}
}

// syncDirs makes the names of a segment durable, and of the folders it is in.
func (r *Recorder) syncDirs(s *segment) error {
	for at := path.Dir(s.name); ; at = path.Dir(at) {
		if err := r.fs.SyncDir(at); err != nil || at == "." {
			return err
		}
	}
}

// retain deletes what is too old, and the oldest of what is too much.
func (r *Recorder) retain() {
	now := r.cfg.Clock().UnixMicro()
	oldest := now - r.cfg.MaxAge.Microseconds()
	if r.cfg.MaxAge == math.MaxInt64 {
		oldest = math.MinInt64
	}
	over := map[bool]int64{false: -r.cfg.MaxBytes, true: -r.cfg.QuarantineBytes}
	type candidate struct {
		*segment
		to, bytes int64
	}
	var sealed []candidate
	r.catalog.mu.Lock()
	for _, s := range r.catalog.segs {
		over[s.quarantine] += s.seal.Bytes + s.extra
		if s.sealed {
			sealed = append(sealed, candidate{s, s.seal.To, s.seal.Bytes + s.extra})
		}
	}
	r.catalog.mu.Unlock()
	for _, c := range sealed {
		if c.to >= oldest && over[c.quarantine] <= 0 {
			continue
		}
		if err := r.remove(c.name); err != nil {
			r.fail("delete "+c.name, err)
			continue
		}
		over[c.quarantine] -= c.bytes
		r.catalog.remove(c.segment)
	}
}

// remove deletes the files of a segment, the index last: without it a file would
// be taken for one of a crash.
func (r *Recorder) remove(name string) error {
	for _, suffix := range []string{tornSuffix, dataSuffix, indexSuffix} {
		if err := r.fs.Remove(name + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// load reads what is in the folder: sealed segments into the catalog, the names of
// others for mend.
func (r *Recorder) load() error {
	names, err := r.fs.List()
	if err != nil {
		return err
	}
	slices.Sort(names)
	var errs []error
	for _, file := range names {
		name, ok := strings.CutSuffix(file, dataSuffix)
		if !ok {
			continue
		}
		listener, quarantine, ok := whose(name)
		if !ok {
			continue // not a file of ours
		}
		s, err := r.loadSealed(name, listener, quarantine)
		switch {
		case err != nil:
			errs = append(errs, err)
		case s == nil:
			r.torn = append(r.torn, name)
		default:
			r.catalog.add(s)
		}
	}
	return errors.Join(errs...)
}

// whose is the stream that a file belongs to.
func whose(name string) (listener string, quarantine, ok bool) {
	parts := strings.Split(name, "/")
	switch {
	case len(parts) == 2 && validName(parts[0]):
		return parts[0], false, true
	case len(parts) == 3 && validName(parts[0]) && parts[1] == quarantineDir:
		return parts[0], true, true
	}
	return "", false, false
}

// loadSealed reads a sealed segment; nil: it is none.
func (r *Recorder) loadSealed(name, listener string, quarantine bool) (*segment, error) {
	f, err := r.fs.Open(name + indexSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum, err := readSeal(f)
	if sum == nil || err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	return &segment{name: name, listener: listener, quarantine: quarantine, seal: *sum, sealed: true, extra: size}, nil
}
