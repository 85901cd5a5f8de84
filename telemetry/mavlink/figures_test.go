//go:build unix

package mavlink

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

// receiverEnv turns the test binary into a receiver whose CPU time is apart
// from that of the generator.
const receiverEnv = "TESTZONE_MAVLINK_FIGURES_RECEIVER"

var (
	figures      = flag.Bool("figures", false, "measure and print the figures of make bench-mavlink")
	figureRounds = flag.Int("figures-rounds", 7, "rounds of one second per design")
)

func TestMain(m *testing.M) {
	if design := os.Getenv(receiverEnv); design != "" {
		if err := receive(design, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// receive runs one design in this process. It prints its address, then for
// every line it reads "frames cpu_us". It ends with the input.
func receive(design string, in io.Reader, out io.Writer) error {
	var delivered atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch design {
	case "own":
		l, err := Listen(Config{Name: "bench", Limits: Limits{PerSource: -1, UnknownTotal: -1}}, counter{&delivered})
		if err != nil {
			return err
		}
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		defer func() { cancel(); <-done }()
		fmt.Fprintln(out, l.Addr())
	case "gomavlib_node":
		// EndpointUDPServer does not tell its port: take a free one.
		probe, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		addr := probe.LocalAddr().String()
		probe.Close()
		node := &gomavlib.Node{
			Endpoints: []gomavlib.EndpointConf{gomavlib.EndpointUDPServer{Address: addr}},
			Dialect:   ardupilotmega.Dialect, OutVersion: gomavlib.V2, OutSystemID: 250,
			HeartbeatDisable: true,
		}
		if err := node.Initialize(); err != nil {
			return err
		}
		defer node.Close()
		go func() {
			for e := range node.Events() {
				if f, ok := e.(*gomavlib.EventFrame); ok {
					if _, raw := f.Message().(*message.MessageRaw); !raw {
						delivered.Add(1)
					}
				}
			}
		}()
		fmt.Fprintln(out, addr)
	default:
		return fmt.Errorf("no design %q", design)
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			return err
		}
		us := (u.Utime.Sec+u.Stime.Sec)*1_000_000 + int64(u.Utime.Usec) + int64(u.Stime.Usec)
		fmt.Fprintln(out, delivered.Load(), us)
	}
	return nil
}

// counter is a Sink that counts reports.
type counter struct{ n *atomic.Int64 }

func (c counter) Open(s Source) (vehicles.Handle, bool)        { return vehicles.Handle(s.SystemID), true }
func (c counter) Reports(batch []vehicles.Report)              { c.n.Add(int64(len(batch))) }
func (c counter) Note(vehicles.Handle, int64, message.Message) {}
func (c counter) Close(vehicles.Handle)                        {}

// process is the other end of receive, with one socket per source.
type process struct {
	design string
	in     io.WriteCloser
	out    *bufio.Reader
	conns  []*net.UDPConn
	// µs per delivered frame of each round, and how many were sent and delivered.
	cost            []float64
	sent, delivered int64
}

func startReceiver(t *testing.T, design string, sources int) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), receiverEnv+"="+design)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &process{design: design, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("receiver %s: %v", design, err)
		}
	})
	addr, err := r.out.ReadString('\n')
	if err != nil {
		t.Fatalf("receiver %s: %v", design, err)
	}
	ua, err := net.ResolveUDPAddr("udp", strings.TrimSpace(addr))
	if err != nil {
		t.Fatal(err)
	}
	for range sources {
		c, err := net.DialUDP("udp", nil, ua)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		r.conns = append(r.conns, c)
	}
	return r
}

// ask reads frames and CPU time (µs) of the receiver so far.
func (r *process) ask(t *testing.T) (frames, us int64) {
	t.Helper()
	if _, err := io.WriteString(r.in, "\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscan(r.out, &frames, &us); err != nil {
		t.Fatalf("receiver %s: %v", r.design, err)
	}
	return frames, us
}

// send writes n frames, round robin over the sources, perTick each millisecond;
// perTick 0: as fast as it goes. Every source begins with a heartbeat.
func (r *process) send(t *testing.T, n, perTick int, frames [][]byte) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	start, due := time.Now(), n
	for i := range n {
		for perTick > 0 && i >= due || i == 0 && perTick > 0 {
			if i > 0 {
				<-tick.C
			}
			// By the clock, not by ticks: late ticks are dropped.
			if due = int(time.Since(start).Milliseconds()+1) * perTick; i == 0 {
				break
			}
		}
		if _, err := r.conns[i%len(r.conns)].Write(frames[i/len(r.conns)%len(frames)]); err != nil {
			t.Fatal(err)
		}
	}
	r.sent += int64(n)
}

// settle waits until the receiver has got want frames or no more come.
func (r *process) settle(t *testing.T, want int64) (frames, us int64) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last, still := int64(-1), 0
	for {
		frames, us = r.ask(t)
		if frames >= want || still == 6 {
			return frames, us
		}
		if still++; frames != last {
			last, still = frames, 0
		}
		<-tick.C
	}
}

// round measures one burst.
func (r *process) round(t *testing.T, n, perTick int, frames [][]byte) {
	t.Helper()
	before, cpu := r.ask(t)
	r.send(t, n, perTick, frames)
	after, cpuAfter := r.settle(t, before+int64(n))
	if after == before {
		t.Fatalf("%s delivered nothing", r.design)
	}
	r.delivered += after - before
	r.cost = append(r.cost, float64(cpuAfter-cpu)/float64(after-before))
}

func (r *process) median() float64 {
	c := slices.Sorted(slices.Values(r.cost))
	return c[len(c)/2]
}

// TestFigures measures what a delivered frame costs the receiving process, for
// our listener and for gomavlib's Node, in turns of the same run: 200 sources,
// 20,000 frames/s, one frame per datagram. CPU is user and system time of a
// process that does nothing else; the sender runs in another one. Without
// -figures it only shows that every frame arrives.
func TestFigures(t *testing.T) {
	s := &sender{sys: 1, comp: 1}
	mix := [][]byte{s.frame(copterBeat())}
	for range 10 {
		mix = append(mix, s.frame(somewhere()), s.frame(&ardupilotmega.MessageAttitude{TimeBootMs: 7, Roll: 0.5, Yaw: 1}))
	}
	sources, perTick, n, rounds := 20, 5, 1000, 1
	designs := []string{"own"}
	if *figures {
		sources, perTick, n, rounds = 200, 20, 20_000, *figureRounds
		designs = []string{"own", "gomavlib_node"}
	}
	var rs []*process
	for _, d := range designs {
		r := startReceiver(t, d, sources)
		// Every source is known before anything is measured: 5 sources per ms,
		// because a node has a backlog of 128 new ones.
		r.send(t, sources, 5, mix)
		r.settle(t, int64(sources))
		r.sent = 0
		rs = append(rs, r)
	}
	start := time.Now()
	for range rounds {
		for _, r := range rs {
			r.round(t, n, perTick, mix)
		}
	}
	if rs[0].sent != rs[0].delivered {
		t.Errorf("own listener: sent %d, delivered %d", rs[0].sent, rs[0].delivered)
	}
	if !*figures {
		return
	}
	fmt.Fprintf(os.Stderr, "# %d rounds x %d frames, %d sources, %d frames/s, %d cores, %s; sender on the same machine, loopback: it pays the softirq half; took %v\n",
		rounds, n, sources, perTick*1000, runtime.NumCPU(), runtime.Version(), time.Since(start).Round(time.Second))
	for _, r := range rs {
		name := "mavlink/cpu_us_per_frame"
		if r.design != "own" {
			name = "mavlink/" + r.design + "_cpu_us_per_frame"
		}
		fmt.Printf("%s %.2f us\n", name, r.median())
		fmt.Fprintf(os.Stderr, "# %s: per delivered frame, min %.2f median %.2f max %.2f; sent %d delivered %d\n",
			name, slices.Min(r.cost), r.median(), slices.Max(r.cost), r.sent, r.delivered)
	}
	fmt.Fprintf(os.Stderr, "# own / gomavlib node: %.2f\n", rs[0].median()/rs[1].median())
}
