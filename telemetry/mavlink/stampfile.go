package mavlink

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// ErrStampFile is returned when the replay states cannot be kept; it wraps why.
var ErrStampFile = errors.New("mavlink: the file of signing timestamps")

// The file holds, for every key, what Stamps must not forget. Little-endian:
//
//	8  magic "TZSTAMP1"
//	   per key: 1 length of the id, the id, 8 highest, 8 sent, 1 streams,
//	   per stream: 2 component << 8 | link, 8 last
//	4  CRC-32C of all before
//
// It is written whole and renamed over the old one.
const stampMagic = "TZSTAMP1"

const (
	// saveEvery is how often the file is written while stamps move.
	saveEvery = time.Second
	// ahead is how far above the last stamp the saved one is while the server
	// runs: what was accepted after the last write must not be accepted again
	// after a crash. An honest vehicle whose clock runs is past it when the server
	// is back.
	ahead = Stamp(2 * 100_000)
	// aheadSent is the same for what we signed: more frames than are sent between two writes.
	aheadSent = 100_000
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// StampFile keeps the replay states of all keys over a restart. It is safe for
// concurrent use. After a crash frames are refused until their stamps are 2 s
// above the last that was accepted; after a clean stop none is. A vehicle whose
// clock jumped by more than that within the last second before a crash could be
// played that second again.
type StampFile struct {
	path   string
	lost   bool          // the file was damaged or gone: what was seen before is unknown
	floor  Stamp         // of keys that existed, if it was lost
	newest Stamp         // highest that the file held
	soon   chan struct{} // a key was used first: Run saves at once

	// writing is held over a write: a stuck disk must not keep out who asks for a key.
	writing sync.Mutex // guards saved
	saved   []byte

	mu     sync.Mutex // guards the fields below
	keys   map[string]*Stamps
	failed error // of the last write
}

// OpenStampFile reads the file at path, or makes it. When it is damaged, or is
// missing although keys exist, no stamp older than now is accepted under the keys
// that exist: a copy of anything that was ever signed would be as good as new.
func OpenStampFile(path string, now time.Time) (*StampFile, error) {
	f := &StampFile{path: path, keys: map[string]*Stamps{}, soon: make(chan struct{}, 1)}
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.lost = true
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrStampFile, err)
	default:
		if f.keys, err = parseStamps(raw); err != nil {
			f.lost, f.keys = true, map[string]*Stamps{}
		}
	}
	f.floor = StampOf(now)
	for _, s := range f.keys {
		s.soon = f.soon
		f.newest = max(f.newest, s.Highest())
	}
	return f, f.Save(true)
}

// Lost reports whether what was seen before the start is unknown.
func (f *StampFile) Lost() bool { return f.lost }

// Newest is the time of the highest stamp in the file: the clock was there.
func (f *StampFile) Newest() time.Time { return f.newest.Time() }

// Known is the replay state of a key that existed before this start.
func (f *StampFile) Known(keyID string) *Stamps {
	floor := Stamp(0)
	if f.lost {
		floor = f.floor
	}
	return f.get(keyID, floor)
}

// Made is the replay state of a key that was made just now.
func (f *StampFile) Made(keyID string) *Stamps { return f.get(keyID, 0) }

func (f *StampFile) get(keyID string, floor Stamp) *Stamps {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.keys[keyID]
	if s == nil {
		s = &Stamps{soon: f.soon}
		s.floor.Store(uint64(floor))
		f.keys[keyID] = s
	}
	return s
}

// Keep forgets all keys but these.
func (f *StampFile) Keep(keyIDs []string) {
	kept := make(map[string]bool, len(keyIDs))
	for _, id := range keyIDs {
		kept[id] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.keys, func(id string, _ *Stamps) bool { return !kept[id] })
}

// Run saves what moved once a second, and exactly at the end. When a key is used
// first it saves at once: the file knows nothing of it, and all that it signed
// would be accepted again after a crash. A write that fails is tried again; Failed
// tells.
func (f *StampFile) Run(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-f.soon:
		case <-ctx.Done():
			return f.Save(true)
		}
		err := f.Save(false)
		f.mu.Lock()
		f.failed = err
		f.mu.Unlock()
	}
}

// Failed is why the last write did not succeed: after a crash frames of the time
// since could be accepted again.
func (f *StampFile) Failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// Save writes the file if anything moved. exact: nothing is accepted any more,
// so that the stamps are kept as they are; otherwise a little above.
func (f *StampFile) Save(exact bool) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.mu.Lock()
	raw := encodeStamps(f.keys, exact)
	f.mu.Unlock()
	if bytes.Equal(raw, f.saved) {
		return nil
	}
	if err := replaceFile(f.path, raw); err != nil {
		return fmt.Errorf("%w: write: %w", ErrStampFile, err)
	}
	f.saved = raw
	return nil
}

func encodeStamps(keys map[string]*Stamps, exact bool) []byte {
	le := binary.LittleEndian
	b := []byte(stampMagic)
	above, aboveSent := uint64(ahead), uint64(aheadSent)
	if exact {
		above, aboveSent = 0, 0
	}
	up := func(v, by uint64) uint64 {
		if v == 0 {
			return 0
		}
		return v + by
	}
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		s := keys[id]
		var streams []*stream
		if list := s.streams.Load(); list != nil {
			streams = *list
		}
		b = append(append(b, byte(len(id))), id...)
		b = le.AppendUint64(b, up(uint64(s.Highest()), above))
		sent := s.sent.Load()
		if !exact { // what we sign is also above what the vehicle signed
			sent = max(sent, up(uint64(s.Highest()), above))
		}
		b = le.AppendUint64(b, up(sent, aboveSent))
		b = append(b, byte(len(streams)))
		for _, st := range streams {
			b = le.AppendUint16(b, st.id)
			b = le.AppendUint64(b, up(st.last.Load(), above))
		}
	}
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

var errStampsDamaged = errors.New("damaged")

func parseStamps(raw []byte) (map[string]*Stamps, error) {
	le := binary.LittleEndian
	if len(raw) < len(stampMagic)+4 || string(raw[:len(stampMagic)]) != stampMagic {
		return nil, errStampsDamaged
	}
	b, sum := raw[len(stampMagic):len(raw)-4], le.Uint32(raw[len(raw)-4:])
	if crc32.Checksum(raw[:len(raw)-4], castagnoli) != sum {
		return nil, errStampsDamaged
	}
	keys := map[string]*Stamps{}
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+17 {
			return nil, errStampsDamaged
		}
		s := &Stamps{}
		keys[string(b[1:1+n])] = s
		b = b[1+n:]
		s.floor.Store(le.Uint64(b))
		s.sent.Store(le.Uint64(b[8:]))
		streams := int(b[16])
		if b = b[17:]; streams > maxStreams || len(b) < 10*streams {
			return nil, errStampsDamaged
		}
		list := make([]*stream, streams)
		for i := range list {
			list[i] = &stream{id: le.Uint16(b)}
			list[i].last.Store(le.Uint64(b[2:]))
			b = b[10:]
		}
		s.streams.Store(&list)
	}
	return keys, nil
}

// replaceFile writes a file so that after a power loss the old or the new
// content is there.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
