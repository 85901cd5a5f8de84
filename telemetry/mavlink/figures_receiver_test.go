//go:build linux

package mavlink

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bluenviron/gomavlib/v3"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
	"golang.org/x/sys/unix"

	"testzone/vehicles"
)

// receiving is the other end of a process.
type receiving struct {
	mu     sync.Mutex
	stats  func() Stats
	counts counts
	late   histogram
}

// design is what a receiver does: its name, the number of listeners or sockets,
// and of vehicles of each.
func parseDesign(s string) (name string, listeners, each int, err error) {
	_, err = fmt.Sscanf(strings.ReplaceAll(s, "/", " "), "%s %d %d", &name, &listeners, &each)
	return name, listeners, each, err
}

// receive runs one design in this process. It prints its addresses, then for
// every line that it reads its counts. It ends with the input.
func receive(design string, in io.Reader, out io.Writer) error {
	name, listeners, each, err := parseDesign(design)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := &receiving{stats: func() Stats { return Stats{} }}
	var addrs []string
	switch name {
	case "bare":
		addrs, err = r.bare(ctx, listeners)
	case "open", "signed":
		addrs, err = r.own(ctx, listeners, each, name == "signed")
	case "gomavlib_node":
		addrs, err = r.node()
	default:
		err = fmt.Errorf("no design %q", name)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(out, strings.Join(addrs, " "))
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if lines.Text() == "forget" {
			r.late.forget()
		}
		c, err := r.read()
		if err != nil {
			return err
		}
		fmt.Fprintln(out, c.Datagrams, c.Frames, c.Hot, c.Refused, c.Drops, c.Foreign, c.CPUus, c.RSSKiB, c.P50us, c.P99us, c.Samples)
	}
	return nil
}

func (r *receiving) read() (counts, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts
	if s := r.stats(); s.Datagrams > 0 {
		c.Datagrams, c.Frames, c.Hot, c.Refused, c.Drops = s.Datagrams, s.Frames, s.Hot+s.Cold+s.Ignored, s.RefusedTotal(), s.KernelDrops
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return c, err
	}
	c.CPUus = (u.Utime.Sec+u.Stime.Sec)*1_000_000 + u.Utime.Usec + u.Stime.Usec
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return c, err
	}
	_, rss, _ := strings.Cut(string(status), "VmRSS:")
	fmt.Sscan(rss, &c.RSSKiB)
	c.P50us, c.P99us, c.Samples = r.late.read()
	return c, nil
}

// own runs listeners as the server does, with the state that reports add up to.
func (r *receiving) own(ctx context.Context, n, each int, signed bool) (addrs []string, err error) {
	sink := &stateSink{late: &r.late, tracks: make([]vehicles.Track, 1<<17)}
	var ls []*Listener
	for i := range n {
		cfg := Config{Name: fmt.Sprint(i), Limits: Limits{PerSource: 1000, UnknownTotal: -1}}
		if signed {
			cfg.Limits.UnknownTotal = 0
			cfg.Keys = &Keyring{}
			if err := cfg.Keys.Set(fleetCredentials(i, each)); err != nil {
				return nil, err
			}
		}
		l, err := Listen(cfg, sink)
		if err != nil {
			return nil, err
		}
		ls, addrs = append(ls, l), append(addrs, l.Addr().String())
		go l.Run(ctx)
	}
	r.stats = func() (sum Stats) {
		for _, l := range ls {
			s := l.Stats()
			sum.add(&s)
		}
		return sum
	}
	return addrs, nil
}

// stateSink keeps the state of every vehicle, and how old each position was when
// it was in it. Positions carry the sender's clock as boot time, in µs.
type stateSink struct {
	late   *histogram
	tracks []vehicles.Track
	given  atomic.Uint32
}

func (s *stateSink) Open(Source) (vehicles.Handle, bool) {
	h := s.given.Add(1)
	return vehicles.Handle(h), int(h) < len(s.tracks)
}

func (s *stateSink) Reports(batch []vehicles.Report) {
	for i := range batch {
		s.tracks[batch[i].Handle].Apply(&batch[i])
	}
	now := monotonicUS()
	for i := range batch {
		if batch[i].Has&vehicles.HasPosition != 0 {
			s.late.add(now - batch[i].BootMS)
		}
	}
}
func (s *stateSink) Note(vehicles.Handle, int64, message.Message) {}
func (s *stateSink) Close(vehicles.Handle)                        {}

// bare receives as the listener does and does nothing but count: what the kernel
// and the wake-ups cost.
func (r *receiving) bare(ctx context.Context, n int) (addrs []string, err error) {
	var got, dropped atomic.Uint64
	for range n {
		sock, err := openSocket(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, 16<<20, false)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, sock.addr().String())
		go func() {
			b, pace := new(batch), pacer{limit: time.Millisecond}
			start := time.Now()
			var drops uint32
			for ctx.Err() == nil {
				k, err := sock.read(b)
				if err != nil {
					return
				}
				got.Add(uint64(k))
				now := monotonicUS()
				for i := range k {
					if f := b.data[i]; len(f) > 14 && f[7] == idGlobalPositionInt {
						r.late.add(now - binary.LittleEndian.Uint32(f[10:]))
					}
				}
				if v, ok := sock.drops(); k == 0 && ok {
					dropped.Add(uint64(v - drops))
					drops = v
				}
				if p := pace.pause(int64(time.Since(start)), k); p > 0 {
					rest(p)
				}
			}
		}()
	}
	r.stats = func() Stats {
		g := got.Load()
		return Stats{Datagrams: g, Frames: g, Hot: g, KernelDrops: dropped.Load()}
	}
	return addrs, nil
}

func (r *receiving) node() (addrs []string, err error) {
	// EndpointUDPServer does not tell its port: take a free one.
	probe, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	addr := probe.LocalAddr().String()
	probe.Close()
	node := &gomavlib.Node{
		Endpoints: []gomavlib.EndpointConf{gomavlib.EndpointUDPServer{Address: addr}},
		Dialect:   ardupilotmega.Dialect, OutVersion: gomavlib.V2, OutSystemID: 250,
		HeartbeatDisable: true,
	}
	if err := node.Initialize(); err != nil {
		return nil, err
	}
	var delivered atomic.Uint64
	go func() {
		for e := range node.Events() {
			if f, ok := e.(*gomavlib.EventFrame); ok {
				if _, raw := f.Message().(*message.MessageRaw); !raw {
					delivered.Add(1)
				}
			}
		}
	}()
	r.stats = func() Stats {
		n := delivered.Load()
		return Stats{Datagrams: n, Frames: n, Hot: n}
	}
	return []string{addr}, nil
}

// monotonicUS is the clock of the machine, the same for all processes.
func monotonicUS() uint32 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return uint32(ts.Sec*1_000_000 + ts.Nsec/1000)
}

// histogram counts latencies to the µs.
type histogram struct {
	n [1 << 16]atomic.Uint32
}

func (h *histogram) add(us uint32) { h.n[min(us, uint32(len(h.n)-1))].Add(1) }

// forget begins anew.
func (h *histogram) forget() {
	for i := range h.n {
		h.n[i].Store(0)
	}
}

// read is the median and the 99th percentile.
func (h *histogram) read() (p50, p99, samples int64) {
	var n [1 << 16]uint32
	for i := range h.n {
		n[i] = h.n[i].Load()
		samples += int64(n[i])
	}
	if samples == 0 {
		return 0, 0, 0
	}
	var sum int64
	for i, c := range n {
		if sum += int64(c); sum*2 >= samples && p50 == 0 {
			p50 = int64(i)
		}
		if sum*100 >= samples*99 {
			return p50, int64(i), samples
		}
	}
	return p50, p99, samples
}
