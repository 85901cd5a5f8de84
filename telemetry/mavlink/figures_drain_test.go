//go:build linux

package mavlink

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// drainFrames is what fits the receive buffer of a receiver that is stopped.
const drainFrames = 15_000

// drain stops the receiver, fills its socket, lets it go on, and returns the CPU
// time per frame that receiving took, in ns: without wake-ups.
func drain(t *testing.T, p *process, f *fleet) float64 {
	t.Helper()
	before := p.ask(t)
	p.signal(t, syscall.SIGSTOP)
	sent := f.b.sent
	for f.b.sent < sent+drainFrames {
		f.one(t)
	}
	f.b.flush(t)
	n := f.b.sent - sent
	p.signal(t, syscall.SIGCONT)
	after := p.settle(t, before.Datagrams+before.Drops+n)
	if after.Hot-before.Hot != n {
		t.Errorf("%s: sent %d, delivered %d, dropped %d, refused %d", p.design, n, after.Hot-before.Hot, after.Drops-before.Drops, after.Refused-before.Refused)
	}
	return float64(after.CPUus-before.CPUus) * 1000 / float64(n)
}

// drainAll drains the designs in turns.
func drainAll(t *testing.T, rounds int, signed bool, designs ...string) (least []float64) {
	t.Helper()
	var ps []*process
	var fs []*fleet
	for _, d := range designs {
		p := startReceiver(t, d)
		f := newFleet(t, p, perListener, signed)
		f.begin(t, p)
		ps, fs = append(ps, p), append(fs, f)
	}
	for range rounds {
		for i, p := range ps {
			p.cost = append(p.cost, drain(t, p, fs[i]))
		}
	}
	for _, p := range ps {
		least = append(least, slices.Min(p.cost))
		if *figures {
			remark("drain %s, signed %v: ns per frame min %.0f median %.0f of %d rounds x %d frames", p.design, signed, slices.Min(p.cost), median(p.cost), rounds, drainFrames)
		}
	}
	return least
}

// TestFiguresDrain measures what receiving, decoding and state cost beside a bare
// recvmmsg of the same datagrams, one core, and what verification adds beside a
// bare CRC and SHA-256 of the same bytes.
func TestFiguresDrain(t *testing.T) {
	rounds := 1
	if *figures {
		rounds = 25
	}
	design := func(name string) string { return fmt.Sprintf("%s/1/%d", name, perListener) }
	open := drainAll(t, rounds, false, design("bare"), design("open"))
	signed := drainAll(t, rounds, true, design("bare"), design("signed"))
	sums := checksumAndHash(t, rounds)
	if !*figures {
		return
	}
	figure("floor_ratio_unsigned", "%.2f", open[0]/open[1], "x")
	figure("floor_ratio_signed", "%.2f", signed[0]/signed[1], "x")
	figure("signed_overhead", "%.2f", (signed[1]-signed[0])/sums, "x")
	remark("signed_overhead: full %.0f, floor %.0f, CRC and SHA-256 alone %.0f ns per frame", signed[1], signed[0], sums)
}

// checksumAndHash is what CRC and SHA-256 of the frames cost alone, ns per frame.
func checksumAndHash(t *testing.T, rounds int) float64 {
	t.Helper()
	f := &fleet{b: newBlaster(t)}
	for i := range perListener {
		f.vehicles = append(f.vehicles, newFleetVehicle(0, i, true))
	}
	var frames [][]byte
	for i := range drainFrames {
		frames = append(frames, slices.Clone(f.vehicles[i%perListener].at(i/perListener%20)))
	}
	cat, key := testCatalog(), fleetKey(0, 0)
	var buf [len(key) + maxFrame]byte
	var sink uint64
	least := 0.0
	for range rounds {
		start := time.Now()
		for _, b := range frames {
			end := overheadV2 - 2 + int(b[1])
			sink += uint64(cat.checksum(b[1:end], 50))
			copy(buf[:], key[:])
			n := len(b) - hashSize
			copy(buf[len(key):], b[:n])
			sum := sha256.Sum256(buf[:len(key)+n])
			sink += uint64(sum[0])
		}
		if ns := float64(time.Since(start).Nanoseconds()) / float64(len(frames)); least == 0 || ns < least {
			least = ns
		}
	}
	if sink == 0 {
		t.Error("nothing was computed")
	}
	return least
}

// TestFiguresPaced measures CPU per delivered frame beside gomavlib's Node, and how
// old a position is when it is in the state beside a bare loop that wakes up the
// same way, at 20,000 frames/s of 200 vehicles.
func TestFiguresPaced(t *testing.T) {
	const vehicles = 200
	rate, d, rounds := 2000, 500*time.Millisecond, 1
	designs := []string{"open", "bare"}
	if *figures {
		rate, d, rounds = 20_000, time.Second, 20
		designs = append(designs, "gomavlib_node")
	}
	var ps []*process
	var fs []*fleet
	for _, name := range designs {
		p := startReceiver(t, fmt.Sprintf("%s/1/%d", name, perListener))
		f := newFleet(t, p, vehicles, false)
		f.begin(t, p)
		ps, fs = append(ps, p), append(fs, f)
	}
	late := make([][]float64, len(ps))
	var lost int64
	for range rounds {
		for i, p := range ps {
			before := p.forget(t)
			n := fs[i].pace(t, rate, d, nil)
			after := p.settle(t, before.Datagrams+before.Drops+uint64(n))
			got := after.Hot - before.Hot
			if got == 0 {
				t.Fatalf("%s delivered nothing", p.design)
			}
			if i == 0 {
				lost += int64(n) - int64(got)
			}
			p.cost = append(p.cost, float64(after.CPUus-before.CPUus)/float64(got))
			late[i] = append(late[i], float64(after.P99us))
		}
	}
	if lost != 0 {
		t.Errorf("own listener: %d frames were not delivered", lost)
	}
	if !*figures {
		return
	}
	for i, p := range ps {
		remark("paced %s: us per delivered frame min %.2f median %.2f; p99 of the latency, median of rounds: %.0f us", p.design, slices.Min(p.cost), median(p.cost), median(late[i]))
	}
	var ratios []float64
	for i := range late[0] {
		ratios = append(ratios, late[0][i]/late[1][i])
	}
	figure("cpu_us_per_frame", "%.2f", median(ps[0].cost), "us")
	figure("gomavlib_node_cpu_us_per_frame", "%.2f", median(ps[2].cost), "us")
	figure("cpu_over_node", "%.2f", median(ps[0].cost)/median(ps[2].cost), "x")
	figure("state_p99_ms", "%.2f", median(late[0])/1000, "ms")
	figure("state_p99_over_bare", "%.2f", median(ratios), "x")
}
