package sim

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
	"github.com/bluenviron/gomavlib/v3/pkg/streamwriter"
)

// flight is a small telemetry log made with gomavlib.
type flight struct {
	log    bytes.Buffer
	frames [][]byte
	at     []time.Duration // since the first one
}

var flightStart = time.Date(2026, 7, 2, 0, 0, 0, 0, time.UTC)

func (f *flight) add(at time.Duration, fr []byte) {
	f.log.Write(binary.BigEndian.AppendUint64(nil, uint64(flightStart.Add(at).UnixMicro())))
	f.log.Write(fr)
	f.frames = append(f.frames, bytes.Clone(fr))
	f.at = append(f.at, at)
}

// newFlight makes n frames 50 ms apart: both versions, three systems, a
// signed frame, a wrong checksum, and a clock that steps back once.
func newFlight(t testing.TB, n int) *flight {
	t.Helper()
	f := &flight{}
	var out sink
	w, err := newFrameWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	writers := []*streamwriter.Writer{
		{FrameWriter: w, Version: streamwriter.V1, SystemID: 1},
		{FrameWriter: w, Version: streamwriter.V2, SystemID: 2},
		{FrameWriter: w, Version: streamwriter.V2, SystemID: 3, Key: frame.NewV2Key(bytes.Repeat([]byte{7}, 32))},
	}
	for _, w := range writers {
		if err := w.Initialize(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		var m message.Message = &ardupilotmega.MessageGlobalPositionInt{TimeBootMs: uint32(1 + i), Lat: 309_000_000 + int32(i)}
		if i%10 == 0 {
			m = &ardupilotmega.MessageHeartbeat{Type: ardupilotmega.MAV_TYPE_QUADROTOR, MavlinkVersion: 3}
		}
		if err := writers[i%3].Write(m); err != nil {
			t.Fatal(err)
		}
		fr := bytes.Clone(out.b)
		if i == 7 {
			fr[12] ^= 1 // damaged on the radio, recorded as received
		}
		at := time.Duration(i) * 50 * time.Millisecond
		if i == 20 {
			at -= 200 * time.Millisecond
		}
		f.add(at, fr)
	}
	return f
}

// play sends a log over an in-memory socket with a fake clock.
func play(t *testing.T, cfg PlaybackConfig) (w *wire, stats PlaybackStats, err error) {
	t.Helper()
	w = &wire{}
	synctest.Test(t, func(t *testing.T) {
		cfg.dial = w.dial
		stats, err = Playback(t.Context(), cfg)
	})
	return w, stats, err
}

func TestPlaybackIsByteExactAndOnTime(t *testing.T) {
	f := newFlight(t, 200)
	for _, tt := range []struct {
		speed, rate float64
		took        time.Duration
	}{
		{1, 0, 9950 * time.Millisecond},
		{20, 0, 497500 * time.Microsecond},
		{0, 100, 1990 * time.Millisecond},
	} {
		w, stats, err := play(t, PlaybackConfig{File: bytes.NewReader(f.log.Bytes()), Speed: tt.speed, MaxRate: tt.rate})
		if err != nil {
			t.Fatal(err)
		}
		if len(w.log) != len(f.frames) {
			t.Fatalf("speed %v: %d datagrams, want %d", tt.speed, len(w.log), len(f.frames))
		}
		for i, d := range w.log {
			if !bytes.Equal(d.bytes, f.frames[i]) {
				t.Fatalf("speed %v: datagram %d is % x, want % x", tt.speed, i, d.bytes, f.frames[i])
			}
			due := time.Duration(float64(i) / tt.rate * float64(time.Second))
			if tt.speed > 0 {
				due = time.Duration(float64(f.at[i]) / tt.speed)
				if i == 20 {
					due = time.Duration(float64(f.at[19]) / tt.speed)
				}
			}
			if off := d.at.Sub(w.log[0].at) - due; off < -grain || off > grain {
				t.Fatalf("speed %v: datagram %d is %v off its time", tt.speed, i, off)
			}
		}
		if off := stats.Duration - tt.took; off < -grain || off > grain {
			t.Errorf("speed %v: took %v, want %v", tt.speed, stats.Duration, tt.took)
		}
		checkFlightStats(t, f, stats)
	}
}

func checkFlightStats(t *testing.T, f *flight, stats PlaybackStats) {
	t.Helper()
	size := f.log.Len() - 8*len(f.frames)
	if stats.Frames != 200 || stats.Bytes != uint64(size) || stats.Rounds != 1 || stats.Recorded != 9950*time.Millisecond {
		t.Errorf("%+v", stats)
	}
	for sys, want := range map[uint8]uint64{1: 67, 2: 67, 3: 66} {
		if stats.BySystem[sys] != want {
			t.Errorf("system %d: %d frames, want %d", sys, stats.BySystem[sys], want)
		}
	}
	if stats.ByMessage[idHeartbeat] != 20 || stats.ByMessage[idPosition] != 180 {
		t.Errorf("by message %v", stats.ByMessage)
	}
}

func TestPlaybackDamageGapAndEnd(t *testing.T) {
	f := newFlight(t, 30)
	damaged := bytes.Clone(f.log.Bytes())
	cut := len(f.frames[0]) + 8 + 8 + 3 // three bytes into the second frame
	damaged = append(damaged[:cut], damaged[cut+3:]...)
	w, stats, err := play(t, PlaybackConfig{File: bytes.NewReader(damaged), Speed: 1})
	if err != nil || stats.Damaged != 1 || stats.Skipped == 0 || stats.Frames != 29 || !bytes.Equal(w.log[1].bytes, f.frames[2]) {
		t.Errorf("damaged log: %v, %+v", err, stats)
	}

	f.add(time.Hour, f.frames[0])
	for _, gap := range []time.Duration{0, 5 * time.Second} {
		_, stats, err = play(t, PlaybackConfig{File: bytes.NewReader(f.log.Bytes()), Speed: 1, MaxGap: gap})
		want := time.Hour
		if gap > 0 {
			want = 29*50*time.Millisecond + gap
		}
		if off := stats.Duration - want; err != nil || off < -grain || off > grain || stats.Recorded != time.Hour {
			t.Errorf("gap %v: %v, took %v of %v, want %v", gap, err, stats.Duration, stats.Recorded, want)
		}
	}

	for name, in := range map[string][]byte{"empty": nil, "garbage": bytes.Repeat([]byte{0xFD, 1, 2}, 500)} {
		if _, _, err := play(t, PlaybackConfig{File: bytes.NewReader(in)}); !errors.Is(err, ErrTlog) {
			t.Errorf("%s: error %v, want ErrTlog", name, err)
		}
	}
}

func TestPlaybackLoopsUntilCancelled(t *testing.T) {
	f := newFlight(t, 30)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		w := &wire{}
		stats, err := Playback(ctx, PlaybackConfig{File: bytes.NewReader(f.log.Bytes()), Speed: 1, Loop: true, dial: w.dial})
		if err != nil || stats.Rounds != 6 || stats.Duration != 10*time.Second {
			t.Errorf("%v, %+v", err, stats)
		}
		for i, d := range w.log {
			if !bytes.Equal(d.bytes, f.frames[i%30]) {
				t.Fatalf("datagram %d differs", i)
			}
		}
	})
}

func TestPlaybackErrors(t *testing.T) {
	log := newFlight(t, 3).log.Bytes()
	failing := errors.New("disk")
	tests := []struct {
		name string
		cfg  PlaybackConfig
		want error
	}{
		{"nothing", PlaybackConfig{}, ErrConfig},
		{"both", PlaybackConfig{Path: "x", File: bytes.NewReader(log)}, ErrConfig},
		{"speed", PlaybackConfig{File: bytes.NewReader(log), Speed: -1}, ErrConfig},
		{"rate", PlaybackConfig{File: bytes.NewReader(log), MaxRate: -1}, ErrConfig},
		{"gap", PlaybackConfig{File: bytes.NewReader(log), MaxGap: -1}, ErrConfig},
		{"loop over a pipe", PlaybackConfig{File: io.MultiReader(bytes.NewReader(log)), Loop: true}, ErrTlog},
		{"no such file", PlaybackConfig{Path: filepath.Join(t.TempDir(), "none.tlog")}, os.ErrNotExist},
		{"failing reader", PlaybackConfig{File: io.MultiReader(bytes.NewReader(log), failer{failing})}, failing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := play(t, tt.cfg); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

type failer struct{ err error }

func (f failer) Read([]byte) (int, error) { return 0, f.err }

// TestPlaybackFromFile sends a file over a real socket.
func TestPlaybackFromFile(t *testing.T) {
	f := newFlight(t, 100)
	path := filepath.Join(t.TempDir(), "flight.tlog")
	if err := os.WriteFile(path, f.log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	done := make(chan error, 1)
	go func() {
		_, err := Playback(t.Context(), PlaybackConfig{Path: path, Target: server.LocalAddr().String(), Speed: 100})
		done <- err
	}()
	buf := make([]byte, 2048)
	for i := range f.frames {
		if err := server.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := server.Read(buf)
		if err != nil {
			t.Fatalf("after %d frames: %v", i, err)
		}
		if !bytes.Equal(buf[:n], f.frames[i]) {
			t.Fatalf("datagram %d is % x, want % x", i, buf[:n], f.frames[i])
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
