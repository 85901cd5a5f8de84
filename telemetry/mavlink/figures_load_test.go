//go:build linux

package mavlink

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"testzone/vehicles"
)

// TestFiguresSoak sends what 5,000 signed vehicles at 20 Hz send to 20 listeners
// and accounts for every frame.
func TestFiguresSoak(t *testing.T) {
	n, rate, d := 500, 4_000, time.Second
	if *figures {
		n, rate, d = 5_000, 100_000, *figureSoak
	}
	p := startReceiver(t, fmt.Sprintf("signed/%d/%d", n/perListener, perListener))
	f := newFleet(t, p, n, true)
	f.begin(t, p)
	start := time.Now()
	f.pace(t, rate, d, nil)
	took := time.Since(start)
	c := p.settle(t, f.b.sent)
	unaccounted := int64(f.b.sent) - int64(c.Hot) - int64(c.Refused) - int64(c.Drops)
	if unaccounted != 0 || c.Hot == 0 {
		t.Errorf("sent %d, delivered %d, refused %d, dropped by the kernel %d", f.b.sent, c.Hot, c.Refused, c.Drops)
	}
	if *figures {
		figure("unaccounted", "%d", unaccounted, "frames")
		figure("kernel_drops", "%d", c.Drops, "frames")
		remark("unaccounted: %d vehicles, %d frames in %v (%.0f/s), refused %d, p50 %d us, p99 %d us",
			n, f.b.sent, took.Round(time.Second), float64(f.b.sent)/took.Seconds(), c.Refused, c.P50us, c.P99us)
	}
}

// TestFiguresFlood sends authenticated traffic beside four times as much junk
// from 100,000 addresses: noise, unsigned frames, and frames with wrong signatures.
func TestFiguresFlood(t *testing.T) {
	n, rate, d, sources := 100, 1_000, 500*time.Millisecond, 1_000
	if *figures {
		n, rate, d, sources = perListener, 40_000, 10*time.Second, 100_000
	}
	p := startReceiver(t, fmt.Sprintf("signed/1/%d", perListener))
	f := newFleet(t, p, n, true)
	before := f.begin(t, p)
	junk := junkFrames()
	spoofed := newBlaster(t)
	rng := rand.New(rand.NewPCG(1, 2))
	start := time.Now()
	f.pace(t, rate, d, func(int) {
		for range 4 {
			spoofed.send(t, 1<<16+uint32(rng.IntN(sources)), p.addrs[0], junk[rng.IntN(len(junk))])
		}
	})
	spoofed.flush(t)
	took := time.Since(start)
	sent := f.b.sent + spoofed.sent
	c := p.settle(t, sent)
	unaccounted := int64(sent) - int64(c.Datagrams) - int64(c.Drops)
	if unaccounted != 0 {
		t.Errorf("sent %d, received %d, dropped by the kernel %d", sent, c.Datagrams, c.Drops)
	}
	if want := f.b.sent - min(c.Drops, f.b.sent); c.Hot < want || c.Hot > f.b.sent {
		t.Errorf("of %d authentic frames %d were delivered, %d datagrams dropped", f.b.sent, c.Hot, c.Drops)
	}
	growth := float64(c.RSSKiB-before.RSSKiB) / 1024
	if growth > 64 {
		t.Errorf("the receiver grew by %.0f MiB", growth)
	}
	if *figures {
		figure("flood_unaccounted", "%d", unaccounted, "datagrams")
		figure("flood_auth_lost", "%d", int64(f.b.sent)-int64(c.Hot), "frames")
		figure("flood_growth_mib", "%.1f", growth, "MiB")
		remark("flood: %.0f authentic and %.0f other datagrams/s from %d addresses, kernel drops %d, refused frames %d",
			float64(f.b.sent)/took.Seconds(), float64(spoofed.sent)/took.Seconds(), sources, c.Drops, c.Refused)
	}
}

func junkFrames() (out [][]byte) {
	forger := newSigner(1, keyB)
	unsigned := &sender{sys: 2, comp: 1}
	noise := make([]byte, 200)
	for i := range noise {
		noise[i] = byte(i*7 + 1)
	}
	for sys := range 250 {
		forger.sys = uint8(sys + 1)
		unsigned.sys = forger.sys
		out = append(out, forger.next(copterBeat()), forger.next(somewhere()), unsigned.frame(copterBeat()), noise[:sys%200+1])
	}
	return out
}

// TestFiguresReplay plays captured frames again: from the same socket, from a new
// one, after a restart, after a crash and after jumps of the clock.
func TestFiguresReplay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stamps")
	var captured [][]byte
	var last Stamp
	// run starts a listener of one vehicle at a time, sends, and stops it cleanly or not.
	run := func(clock time.Duration, crash bool, send func(c, other *net.UDPConn)) uint64 {
		file, err := OpenStampFile(path, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		stamps := file.Known("vk_1")
		if captured == nil {
			stamps = file.Made("vk_1")
		}
		ring := &Keyring{}
		c := credential("uav-7", 1, keyA)
		c.KeyID, c.Stamps = "vk_1", stamps
		if err := ring.Set([]*Credential{c}); err != nil {
			t.Fatal(err)
		}
		l, err := Listen(Config{Keys: ring, Limits: Limits{PerSource: -1}, Clock: func() time.Time { return time.Now().Add(clock) }}, &stateSink{late: &histogram{}, tracks: make([]vehicles.Track, 10)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		var conns [2]*net.UDPConn
		for i := range conns {
			if conns[i], err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(l.Addr())); err != nil {
				t.Fatal(err)
			}
			defer conns[i].Close()
		}
		send(conns[0], conns[1])
		if crash { // the last write was before the last frames
			if err := file.Save(false); err != nil {
				t.Fatal(err)
			}
		}
		waitFor(t, func() bool { s := l.Stats(); return s.Frames >= uint64(len(captured)) })
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if !crash {
			if err := file.Save(true); err != nil {
				t.Fatal(err)
			}
		}
		return l.Stats().Decoded
	}
	write := func(c *net.UDPConn, frames ...[]byte) {
		for _, f := range frames {
			if _, err := c.Write(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := newSigner(1, keyA)
	var accepted uint64
	first := run(0, true, func(c, other *net.UDPConn) {
		s.ts = StampOf(time.Now())
		for range 100 {
			captured = append(captured, s.next(copterBeat()), s.next(somewhere()))
		}
		last = s.ts
		write(c, captured...)
	})
	if first != uint64(len(captured)) {
		t.Fatalf("%d of %d frames accepted the first time", first, len(captured))
	}
	replay := func(c, other *net.UDPConn) { write(c, captured[:100]...); write(other, captured[100:]...) }
	accepted += run(0, false, replay)             // after the crash
	accepted += run(0, false, replay)             // after a clean stop
	accepted += run(-24*time.Hour, false, replay) // the clock was set back
	accepted += run(24*time.Hour, false, replay)  // and on
	// Same socket and a new one, while the vehicle goes on.
	fresh := 0
	got := run(0, false, func(c, other *net.UDPConn) {
		s.ts = last + ahead + 1
		for range 20 {
			f := s.next(copterBeat())
			write(c, f, f)
			write(other, f)
			fresh++
		}
		captured = captured[:60]
	})
	accepted += got - uint64(fresh)
	if accepted != 0 {
		t.Errorf("%d replayed frames were accepted", accepted)
	}
	if *figures {
		figure("replayed_accepted", "%d", accepted, "frames")
	}
}

// waitFor asks until something is so.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it did not come to pass")
		}
	}
}

// TestFiguresState measures what a hot frame allocates and what a followed
// vehicle costs, and counts the vectors that are read wrong.
func TestFiguresState(t *testing.T) {
	const listeners = 20
	var ds []*decoder
	var before, after runtime.MemStats
	warm := newFleetVehicle(0, 0, true)
	frames := make([][]byte, 0, listeners*perListener*3)
	for i := range listeners {
		for v := range perListener {
			f := newFleetVehicle(i, v, true)
			for k := range 3 {
				frames = append(frames, append([]byte(nil), f.at(k)...))
			}
		}
	}
	sink := &stateSink{late: &histogram{}, tracks: make([]vehicles.Track, listeners*perListener+1)}
	cat := testCatalog()
	for range listeners {
		d := newDecoder(Config{Keys: &Keyring{}, Limits: Limits{UnknownTotal: -1, UnknownPerSource: -1}, Idle: time.Minute}, cat, sink, &routes{}, time.Now())
		ds = append(ds, d)
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i, d := range ds {
		if err := d.keys.Set(fleetCredentials(i, perListener)); err != nil {
			t.Fatal(err)
		}
		d.tick(time.Now())
		for k := range perListener * 3 {
			d.datagram(addrA, frames[i*perListener*3+k])
		}
		d.flush()
		if d.stats.Hot != perListener*3 {
			t.Fatalf("listener %d: %d frames: %v", i, d.stats.Hot, d.stats.Refused)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	perVehicle := float64(after.HeapAlloc-before.HeapAlloc) / (listeners * perListener)
	if perVehicle > 1024 {
		t.Errorf("%.0f bytes per vehicle", perVehicle)
	}
	warm.ts = StampOf(time.Now()) + 1000
	allocs := testing.AllocsPerRun(1000, func() {
		ds[0].datagram(addrA, warm.at(1))
		ds[0].batch = ds[0].batch[:0]
	})
	if allocs != 0 {
		t.Errorf("%v allocations per hot frame", allocs)
	}
	runtime.KeepAlive(frames)
	if *figures {
		figure("allocs_per_frame", "%g", allocs, "allocs")
		figure("bytes_per_vehicle", "%.0f", perVehicle, "bytes")
		figure("vectors_wrong", "%d", wrongVectors(), "frames")
	}
}

// wrongVectors counts the frames of the reference that are not read as they are.
func wrongVectors() (wrong int) {
	var v verifier
	for _, tc := range vectors {
		raw, err := hex.DecodeString(strings.ReplaceAll(tc.hex, " ", ""))
		var f frame
		def, why := testCatalog().check(raw, &f)
		if err != nil || why != accepted || def == nil || f.id != tc.id || f.sys != tc.sys || f.comp != tc.comp || f.seq != tc.seq ||
			f.signed && !v.right(&keyA, raw) {
			wrong++
		}
	}
	return wrong
}
