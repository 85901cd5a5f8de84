package mavlink

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

// logEntry is one entry as it stands in a file.
func logEntry(at time.Time, frame []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(at.UnixMicro())), frame...)
}

// testLog has n entries, 100 ms apart.
func testLog(n int) (log []byte) {
	s := &sender{sys: 1, comp: 1}
	for i := range n {
		log = append(log, logEntry(epoch.Add(time.Duration(i)*100*time.Millisecond), s.frame(somewhere()))...)
	}
	return log
}

// readLog collects frames and damages; err is the error that ended the log.
func readLog(r io.Reader) (frames [][]byte, times []time.Time, damage []TlogDamage, err error) {
	for e, err := range ReadTlog(r) {
		var d *TlogDamage
		switch {
		case errors.As(err, &d):
			damage = append(damage, *d)
		case err != nil:
			return frames, times, damage, err
		default:
			frames = append(frames, bytes.Clone(e.Frame))
			times = append(times, e.Time)
		}
	}
	return frames, times, damage, nil
}

func TestReadTlog(t *testing.T) {
	s, v1 := &sender{sys: 1, comp: 1}, &sender{v1: true, sys: 255, comp: 190}
	want := [][]byte{
		s.frame(copterBeat()), v1.frame(heartbeat(6, 8)), s.frame(somewhere()),
		unhex("fd0901000101010000000400000002035104038cd8 03 028059f50021 cb4fc4193bbd"), // signed
		s.raw(&message.MessageRaw{ID: 9999, Payload: []byte{1, 2, 3}}, 0),                // unknown id
		s.raw(&message.MessageRaw{ID: 33, Payload: []byte{1, 2, 3}}, 1),                  // wrong checksum as received
		s.frame(statusText("end")),
	}
	var log []byte
	for i, f := range want {
		log = append(log, logEntry(epoch.Add(time.Duration(i)*time.Second), f)...)
	}
	for _, r := range []io.Reader{bytes.NewReader(log), iotest.OneByteReader(bytes.NewReader(log))} {
		frames, times, damage, err := readLog(r)
		if err != nil || len(damage) != 0 {
			t.Fatalf("damage %v, error %v", damage, err)
		}
		if !slices.EqualFunc(frames, want, bytes.Equal) {
			t.Errorf("%d frames, want %d, or other bytes", len(frames), len(want))
		}
		for i, at := range times {
			if !at.Equal(epoch.Add(time.Duration(i) * time.Second)) {
				t.Errorf("entry %d at %v", i, at)
			}
		}
	}
}

func TestReadTlogDamaged(t *testing.T) {
	log := testLog(100)
	const entry = 8 + 40
	cut := func(from, to int) []byte { return join(log[:from], log[to:]) }
	for _, tc := range []struct {
		name   string
		in     []byte
		frames int
		damage []TlogDamage
	}{
		{"empty", nil, 0, nil},
		{"three bytes missing", cut(10*entry+20, 10*entry+23), 99, []TlogDamage{{10 * entry, entry - 3}}},
		{"a stamp missing", cut(10*entry, 10*entry+8), 99, []TlogDamage{{10 * entry, 40}}},
		{"a torn tail", log[:99*entry+13], 99, []TlogDamage{{99 * entry, 13}}},
		{"only a stamp at the end", log[:99*entry+8], 99, []TlogDamage{{99 * entry, 8}}},
		{"noise in front", join([]byte("some text that is no log"), log), 100, []TlogDamage{{0, 24}}},
		{"noise between", join(log[:5*entry], make([]byte, 3000), log[5*entry:]), 100, []TlogDamage{{5 * entry, 3000}}},
		{"an entry of last year in the noise", join(log[:5*entry], []byte("noise"), logEntry(epoch.AddDate(-1, 0, 0), log[8:entry]), log[5*entry:]), 100, []TlogDamage{{5 * entry, 5 + entry}}},
		{"nothing but noise", bytes.Repeat([]byte("noise"), 100), 0, []TlogDamage{{0, 500}}},
	} {
		frames, _, damage, err := readLog(bytes.NewReader(tc.in))
		if err != nil || len(frames) != tc.frames || !slices.Equal(damage, tc.damage) {
			t.Errorf("%s: %d frames, damage %v, error %v; want %d, %v", tc.name, len(frames), damage, err, tc.frames, tc.damage)
		}
	}
}

func TestReadTlogReaderError(t *testing.T) {
	boom := errors.New("boom")
	log := testLog(3)
	frames, _, _, err := readLog(io.MultiReader(bytes.NewReader(log), iotest.ErrReader(boom)))
	if !errors.Is(err, boom) {
		t.Errorf("error %v after %d frames, want boom", err, len(frames))
	}
}

// The caller may stop at any entry.
func TestReadTlogStops(t *testing.T) {
	n := 0
	for range ReadTlog(bytes.NewReader(testLog(10))) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d entries", n)
	}
}
