package watchdog

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestParse(t *testing.T) {
	b := Beat{Zone: "demo", At: time.UnixMilli(1_763_812_800_123), PID: 7, State: Degraded}
	if got, err := Parse(b.String()); err != nil || got != b {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "testzone", "testzone demo 1 2 fine", "testzone demo x 2 ok", "testzone demo 1 x ok", "testzone  1 2 ok", "other demo 1 2 ok", "testzone demo 1 2 ok more"} {
		if _, err := Parse(bad); !errors.Is(err, ErrNoBeat) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("testzone demo 1763812800123 7 ok\n")
	f.Add("testzone demo -1 -7 stopped")
	f.Fuzz(func(t *testing.T, line string) {
		b, err := Parse(line)
		if err != nil {
			return
		}
		if again, err := Parse(b.String()); err != nil || again != b {
			t.Errorf("%q: %+v, then %+v, %v", line, b, again, err)
		}
	})
}

// TestBeatsOnlyWhileAlive: a loop that hangs stops the beat as one that fails does,
// and a server that moves again is heard again.
func TestBeatsOnlyWhileAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "sub", "heartbeat")
		fine := func(context.Context) error { return nil }
		var alive atomic.Pointer[func(context.Context) error]
		var degraded atomic.Bool
		alive.Store(&fine)
		h, err := New(Config{
			Zone: "z", File: file,
			Alive: func(ctx context.Context) error { return (*alive.Load())(ctx) }, Degraded: degraded.Load,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		beat := func() Beat {
			t.Helper()
			synctest.Wait()
			b, err := ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		first := beat()
		if first.Zone != "z" || first.State != OK || first.PID != os.Getpid() {
			t.Fatalf("%+v", first)
		}
		time.Sleep(time.Second)
		if b := beat(); b.At.Sub(first.At) != time.Second {
			t.Errorf("the second beat comes after %v", b.At.Sub(first.At))
		}
		degraded.Store(true)
		time.Sleep(time.Second)
		last := beat()
		if last.State != Degraded {
			t.Errorf("%+v", last)
		}
		for name, stuck := range map[string]func(context.Context) error{
			"fails": func(context.Context) error { return errors.New("stuck") },
			"hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		} {
			alive.Store(&stuck)
			time.Sleep(10 * time.Second)
			if b := beat(); b != last {
				t.Errorf("%s: it beats: %+v", name, b)
			}
			alive.Store(&fine)
			time.Sleep(2 * time.Second)
			if b := beat(); b == last {
				t.Errorf("%s: it does not beat again", name)
			}
			last = beat()
		}
		cancel()
		<-done
		if b := beat(); b.State != Stopped {
			t.Errorf("last word %+v", b)
		}
	})
}

// TestWatchFile: what was in the file before is no sign of life.
func TestWatchFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "heartbeat")
		write := func(b Beat) {
			t.Helper()
			if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(Beat{Zone: "z", At: time.Now(), PID: 1, State: OK})
		start := time.Now()
		err := Watch(t.Context(), WatchConfig{File: file})
		if !errors.Is(err, ErrLost) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}

		go func() {
			for range 20 {
				write(Beat{Zone: "z", At: time.Now(), PID: 1, State: OK})
				time.Sleep(time.Second)
			}
		}()
		start = time.Now()
		err = Watch(t.Context(), WatchConfig{File: file})
		if took := time.Since(start); !errors.Is(err, ErrLost) || took < 23*time.Second || took > 26*time.Second || !strings.Contains(err.Error(), "zone z") {
			t.Errorf("after %v: %v", took, err)
		}

		go func() {
			time.Sleep(2 * time.Second)
			write(Beat{Zone: "z", At: time.Now(), PID: 1, State: Stopped})
		}()
		start = time.Now()
		if err = Watch(t.Context(), WatchConfig{File: file}); !errors.Is(err, ErrLost) || time.Since(start) > 3*time.Second {
			t.Errorf("an orderly stop is told after %v: %v", time.Since(start), err)
		}
	})
}

// TestWatchUDP has a real heart beat at a real watcher until it dies.
func TestWatchUDP(t *testing.T) {
	bound := make(chan net.Addr, 1)
	lost := make(chan error, 1)
	go func() {
		lost <- Watch(t.Context(), WatchConfig{UDP: "127.0.0.1:0", After: 300 * time.Millisecond, Bound: func(a net.Addr) { bound <- a }})
	}()
	addr := (<-bound).String()
	// Noise is no beat.
	if c, err := net.Dial("udp", addr); err == nil {
		_, _ = c.Write([]byte("hello"))
		_ = c.Close()
	}
	beats := 0
	ctx, cancel := context.WithCancel(t.Context())
	h, err := New(Config{Zone: "z", UDP: []string{addr}, Every: 50 * time.Millisecond, Alive: func(context.Context) error {
		if beats++; beats > 10 {
			return errors.New("stuck")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	if err := <-lost; !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "last heartbeat of zone z") {
		t.Errorf("lost: %v", err)
	}
	cancel()
	<-done
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	if _, err := New(Config{UDP: []string{"nowhere"}}); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Error(err)
	}
	if _, err := New(Config{File: "/proc/none/heartbeat"}); err == nil {
		t.Error("a folder that cannot be made is no error")
	}
}
