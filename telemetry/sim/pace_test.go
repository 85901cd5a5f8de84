package sim

import (
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestSpread: the frames of a fleet are spread over the second.
func TestSpread(t *testing.T) {
	w, _ := fly(t, Config{Kind: KindLoad, Vehicles: 1000, Rate: 10, Duration: 3 * time.Second})
	const slot = 10 * time.Millisecond
	slots := map[time.Duration]int{}
	start := w.log[0].at
	for _, d := range w.log {
		slots[d.at.Sub(start)/slot]++
	}
	want := 14_000 * int(slot) / int(time.Second)
	for s, n := range slots {
		if n > want*5/4 {
			t.Errorf("%d frames in the 10 ms from %v, want about %d", n, s*slot, want)
		}
	}
	if len(slots) < 299 {
		t.Errorf("frames in %d of 300 slots", len(slots))
	}
}

func TestRefusedAndFailedWrites(t *testing.T) {
	tests := []struct {
		name   string
		fail   func(n int) error // of the n-th write
		frames uint64
		errors uint64
	}{
		{"every second write is refused", func(n int) error {
			if n%2 == 0 {
				return &net.OpError{Op: "write", Err: syscall.ECONNREFUSED}
			}
			return nil
		}, 90, 0},
		{"always refused", func(int) error { return syscall.ECONNREFUSED }, 0, 90},
		{"no buffer twice", func(n int) error {
			if n < 2 {
				return syscall.ENOBUFS
			}
			return nil
		}, 88, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				w := &wire{fail: func([]byte) error { n++; return tt.fail(n - 1) }}
				f, err := New(Config{Kind: KindLoad, Vehicles: 1, Duration: 10 * time.Second, dial: w.dial})
				if err != nil {
					t.Fatal(err)
				}
				if err := f.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if s := f.Stats(); s.Frames != tt.frames || s.Errors != tt.errors {
					t.Errorf("%+v, want %d frames and %d errors", s, tt.frames, tt.errors)
				}
			})
		})
	}
}

// TestLag: a fleet that was stopped for long does not send the past.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := false
		w := &wire{fail: func([]byte) error {
			if !stopped {
				stopped = true
				<-time.After(30 * time.Second)
			}
			return nil
		}}
		f, err := New(Config{Kind: KindLoad, Vehicles: 1, Rate: 10, Duration: 60 * time.Second, dial: w.dial})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := f.Stats()
		if s.Frames+s.Skipped != 14*60 || s.Skipped < 14*29 {
			t.Errorf("%d frames and %d skipped of %d", s.Frames, s.Skipped, 14*60)
		}
	})
}

// BenchmarkFrame is the cost of one GLOBAL_POSITION_INT from the course to the
// bytes, without the socket.
func BenchmarkFrame(b *testing.B) {
	f, err := New(Config{Kind: KindLoad, Vehicles: 100, dial: (&wire{}).dial})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m := f.members[i%len(f.members)]
		at := time.Duration(i) * time.Millisecond
		msg, _ := m.message(idPosition, at.Seconds(), m.boot(at), 0)
		if err := m.encoder.Write(msg); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
