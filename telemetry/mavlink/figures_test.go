//go:build linux

package mavlink

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The figures of make bench-mavlink. Receivers run in processes of their own, so
// that their CPU time is apart from that of the sender; every figure that is a
// ratio is taken in turns of one run. The sender is on the same machine: on
// loopback it pays the softirq half of the path. Without -figures a short form
// runs that measures nothing and asserts what must hold.
var (
	figures    = flag.Bool("figures", false, "measure and print the figures of make bench-mavlink")
	figureSoak = flag.Duration("figures-soak", time.Minute, "how long mavlink/unaccounted runs")
)

// receiverEnv turns the test binary into a receiver.
const receiverEnv = "TESTZONE_MAVLINK_FIGURES_RECEIVER"

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

// figure prints a line of make bench-mavlink.
func figure(name, format string, v any, unit string) {
	fmt.Printf("mavlink/%s "+format+" %s\n", name, v, unit)
}

// remark says on standard error how a figure came about.
func remark(format string, args ...any) { fmt.Fprintf(os.Stderr, "# "+format+"\n", args...) }

// process is a receiver that runs a design.
type process struct {
	design string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	addrs  []*net.UDPAddr
	cost   []float64 // of each round: ns or µs per delivered frame
}

// counts is what a receiver did so far.
type counts struct {
	Datagrams, Frames, Hot, Refused, Drops, Foreign uint64
	CPUus, RSSKiB, P50us, P99us, Samples            int64
}

func startReceiver(t *testing.T, design string) *process {
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
	p := &process{design: design, cmd: cmd, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("receiver %s: %v", design, err)
		}
	})
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("receiver %s: %v", design, err)
	}
	for _, a := range strings.Fields(line) {
		ua, err := net.ResolveUDPAddr("udp4", a)
		if err != nil {
			t.Fatal(err)
		}
		p.addrs = append(p.addrs, ua)
	}
	return p
}

// ask reads what the receiver did so far; its latencies since forget.
func (p *process) ask(t *testing.T) counts { t.Helper(); return p.command(t, "") }

// forget does the same, and begins the latencies anew.
func (p *process) forget(t *testing.T) counts { t.Helper(); return p.command(t, "forget") }

func (p *process) command(t *testing.T, line string) (c counts) {
	t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
	_, err := fmt.Fscanln(p.out, &c.Datagrams, &c.Frames, &c.Hot, &c.Refused, &c.Drops, &c.Foreign,
		&c.CPUus, &c.RSSKiB, &c.P50us, &c.P99us, &c.Samples)
	if err != nil {
		t.Fatalf("receiver %s: %v", p.design, err)
	}
	return c
}

// settle waits until the receiver has got that many datagrams, those that the
// kernel dropped included, or no more come.
func (p *process) settle(t *testing.T, datagrams uint64) counts {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for still, last := 0, uint64(0); ; still++ {
		c := p.ask(t)
		got := c.Datagrams + c.Drops
		if got >= datagrams || still == 20 {
			return c
		}
		if got != last {
			last, still = got, 0
		}
		<-tick.C
	}
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
