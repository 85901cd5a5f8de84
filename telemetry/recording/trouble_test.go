package recording

import (
	"bytes"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// gaps sums the holes that the indexes tell of, by why.
func gaps(r *Recorder) map[string]uint64 {
	out := map[string]uint64{}
	for _, s := range r.Segments() {
		for _, g := range s.Gaps {
			out[g.Why] += g.Frames
		}
	}
	return out
}

// isPart holds that got is part of sent in the same order, and returns its length.
func isPart(t *testing.T, got, sent [][]byte) int {
	t.Helper()
	rest := sent
	for _, f := range got {
		i := slices.IndexFunc(rest, func(o []byte) bool { return bytes.Equal(o, f) })
		if i < 0 {
			t.Fatal("a frame that was not given, or in another order")
		}
		rest = rest[i+1:]
	}
	return len(got)
}

// TestSlowDisk: while the disk does not answer, nobody waits for it: Record returns,
// the youngest are dropped by buffers, and what is dropped is told.
func TestSlowDisk(t *testing.T) {
	disk := newTestDisk(t.TempDir())
	sent := frames(t, 1, 5000, false)
	running(t, Config{FS: disk, BufferBytes: 4 << 10, Buffers: 4}, func(r *Recorder) {
		l := link(t, r, "open")
		l.Record(startUS, sent[0])
		pass(time.Second)
		stuck := make(chan struct{})
		disk.set(func(d *testDisk) { d.stuck = stuck })
		for i, f := range sent[1:] {
			l.Record(startUS+int64(i)*1000, f) // the bubble's time would end the test if this waited
			if i%500 == 0 {
				pass(100 * time.Millisecond)
			}
		}
		disk.set(func(d *testDisk) { d.stuck = nil })
		close(stuck)
		pass(2 * time.Second)
		raw, _ := exported(t, r, Query{Listener: "open"}, Evidence)
		_, got := read(t, raw)
		kept, lost := isPart(t, got, sent), r.Stats().Lost["behind"]
		if lost == 0 || uint64(kept)+lost != uint64(len(sent)) {
			t.Errorf("%d kept and %d lost of %d", kept, lost, len(sent))
		}
		if kept < 4*(4<<10)/len(sent[0])/2 {
			t.Errorf("only %d are kept: the buffers hold more", kept)
		}
		if g := gaps(r)["behind"]; g != lost {
			t.Errorf("the index tells of %d lost frames, %d are", g, lost)
		}
	})
}

// TestDiskFull: what does not fit is counted, the log stays readable, and when
// there is room it goes on in another file.
func TestDiskFull(t *testing.T) {
	for _, failure := range []struct {
		name, why string
		begin     func(*testDisk)
	}{
		{"no space in the middle of a frame", "no_space", func(d *testDisk) { d.room = 1000 }},
		{"no space for a file", "no_space", func(d *testDisk) { d.room = 0 }},
		{"error of the device", "disk", func(d *testDisk) { d.writeErr = syscall.EIO }},
	} {
		t.Run(failure.name, func(t *testing.T) {
			folder := t.TempDir()
			disk := newTestDisk(folder)
			sent := frames(t, 1, 300, false)
			begin := time.Time{}
			running(t, Config{FS: disk, Clock: func() time.Time { return time.UnixMicro(startUS).Add(time.Since(begin)) }}, func(r *Recorder) {
				begin = time.Now()
				l := link(t, r, "open")
				batch := func(part [][]byte) {
					for i, f := range part {
						l.Record(startUS+int64(i), f)
					}
					pass(time.Second)
				}
				batch(sent[:100])
				disk.set(failure.begin)
				batch(sent[100:200])
				if st := r.Stats(); st.Stopped != failure.why || st.Err == nil || st.Lost[failure.why] == 0 {
					t.Errorf("while it fails: %+v", st)
				}
				disk.set(func(d *testDisk) { d.room, d.writeErr = -1, nil })
				pass(retryAfter)
				batch(sent[200:])
				st := r.Stats()
				if st.Stopped != "" || st.Frames+st.Lost[failure.why] != 300 || st.Frames < 200 {
					t.Errorf("afterwards: %+v", st)
				}
				if g := gaps(r)[failure.why]; g != st.Lost[failure.why] {
					t.Errorf("the index tells of %d lost frames, %d are", g, st.Lost[failure.why])
				}
				raw, _ := exported(t, r, Query{Listener: "open"}, Evidence)
				if _, got := read(t, raw); uint64(isPart(t, got, sent)) != st.Frames {
					t.Errorf("%d frames can be read, %d were written", len(got), st.Frames)
				}
			})
			// The next start mends what the disk left.
			running(t, Config{Dir: folder}, func(r *Recorder) {
				synctest.Wait()
				for _, s := range r.Segments() {
					if !s.Sealed {
						t.Errorf("%s is not sealed", s.Name)
					}
				}
				raw, _ := exported(t, r, Query{Listener: "open"}, Evidence)
				if _, got := read(t, raw); isPart(t, got, sent) < 200 {
					t.Errorf("%d frames after the start", len(got))
				}
			})
		})
	}
}

// TestFailedSync: what a sync could not make durable is told, and another file begins.
func TestFailedSync(t *testing.T) {
	disk := newTestDisk(t.TempDir())
	f := frames(t, 1, 3, false)
	running(t, Config{FS: disk}, func(r *Recorder) {
		l := link(t, r, "open")
		l.Record(startUS, f[0])
		pass(time.Second)
		disk.set(func(d *testDisk) { d.syncErr = syscall.EIO })
		pass(6 * time.Second)
		disk.set(func(d *testDisk) { d.syncErr = nil })
		if st := r.Stats(); st.Err == nil || !strings.Contains(st.Err.Error(), "sync open/") {
			t.Errorf("%+v", st)
		}
		l.Record(startUS, f[1])
		pass(time.Second)
		if n := len(r.Segments()); n != 2 {
			t.Errorf("%d segments, want another one", n)
		}
		if _, x := exported(t, r, Query{Listener: "open"}, Evidence); x.Frames != 2 {
			t.Errorf("%d frames", x.Frames)
		}
	})
}

// TestLeavesRoom: recording stops before the disk is full, says so, and goes on.
func TestLeavesRoom(t *testing.T) {
	disk := newTestDisk(t.TempDir())
	f := frames(t, 1, 3, false)
	running(t, Config{FS: disk}, func(r *Recorder) {
		l := link(t, r, "open")
		step := func(free int64, frame []byte) Stats {
			disk.set(func(d *testDisk) { d.free = free })
			pass(2 * time.Second)
			l.Record(startUS, frame)
			pass(2 * time.Second)
			return r.Stats()
		}
		if st := step(3<<30, f[0]); st.Stopped != "" || st.Frames != 1 {
			t.Errorf("with room: %+v", st)
		}
		if st := step(2<<30-1, f[1]); st.Stopped != "no_space" || st.Frames != 1 || st.Lost["no_space"] != 1 {
			t.Errorf("without: %+v", st) // 5 % of 100 GiB would be 5, 2 are enough
		}
		if st := step(2<<30+1<<20, f[1]); st.Stopped != "no_space" {
			t.Errorf("with hardly more: %+v", st)
		}
		if st := step(3<<30, f[2]); st.Stopped != "" || st.Frames != 2 {
			t.Errorf("with room again: %+v", st)
		}
		if g := gaps(r)["no_space"]; g != 2 {
			t.Errorf("the index tells of %d, want 2", g)
		}
	})
}

// TestRetention: the oldest files go when they are too old or too many; the
// quarantine has its own cap.
func TestRetention(t *testing.T) {
	f := frames(t, 1, 1, false)[0]
	fill := func(t *testing.T, folder string) {
		running(t, Config{Dir: folder, QuarantineRate: 1e6}, func(r *Recorder) {
			l := link(t, r, "open")
			for hour := range int64(10) {
				for range 100 {
					l.Record(startUS+hour*hourUS, f)
					l.Quarantine(startUS+hour*hourUS, f, 0)
				}
			}
		})
	}
	// after is how many of the ten files of each kind are left after a start.
	after := func(t *testing.T, cfg Config) (frames, quarantine int, oldest int64) {
		fill(t, cfg.Dir)
		cfg.Clock = clock(startUS + 10*hourUS)
		running(t, cfg, func(r *Recorder) {
			pass(2 * time.Second)
			for _, s := range r.Segments() {
				if s.Quarantine {
					quarantine++
					continue
				}
				if frames++; frames == 1 {
					oldest = s.FromUS
				}
			}
		})
		return frames, quarantine, oldest
	}
	if n, q, _ := after(t, Config{Dir: t.TempDir()}); n != 10 || q != 10 {
		t.Errorf("without need: %d and %d are left", n, q)
	}
	if n, q, oldest := after(t, Config{Dir: t.TempDir(), MaxAge: 3*time.Hour + time.Minute}); n != 3 || q != 3 || oldest != startUS+7*hourUS {
		t.Errorf("too old: %d and %d are left, the oldest of %d", n, q, oldest)
	}
	size := int64(100 * (len(f) + stampSize))
	folder := t.TempDir()
	n, q, oldest := after(t, Config{Dir: folder, MaxBytes: 5 * (size + 900), QuarantineBytes: 2 * (size + 900)})
	if n != 5 || q != 2 || oldest != startUS+5*hourUS {
		t.Errorf("too many: %d and %d are left, the oldest of %d", n, q, oldest)
	}
	names, err := dir(folder).List()
	if err != nil || len(names) != 2*7+1 {
		t.Errorf("%d files: %v %v", len(names), names, err)
	}
}
