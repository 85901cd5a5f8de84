package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
)

var (
	gatewaysLine = regexp.MustCompile(`listening for gateways.* addr=(\S+) fingerprint=(\S+)`)
	ownLine      = regexp.MustCompile(`fingerprint of this gateway: (\S+)`)
	udpLine      = regexp.MustCompile(`send to (\S+) \(UDP\)`)
	routerLine   = regexp.MustCompile(`over tcp.* listener=router addr=(\S+)`)
)

// logged waits for a line of the program.
func (p *program) logged(line *regexp.Regexp) (found []string) {
	p.t.Helper()
	p.until(20*time.Second, func() string {
		if found = line.FindStringSubmatch(p.output()); found == nil {
			return "a line such as " + line.String()
		}
		return ""
	})
	return found
}

// runGateway starts `testzone gateway` and returns what it prints: its
// fingerprint and its UDP address.
func runGateway(t *testing.T, args ...string) (fingerprint, udp string, stop func()) {
	t.Helper()
	cmd := exec.Command(executable, append([]string{"gateway", "--listen", "127.0.0.1:0"}, args...)...)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	lines := bufio.NewScanner(out)
	for udp == "" && lines.Scan() {
		if m := ownLine.FindStringSubmatch(lines.Text()); m != nil {
			fingerprint = m[1]
		}
		if m := udpLine.FindStringSubmatch(lines.Text()); m != nil {
			udp = m[1]
		}
	}
	if udp == "" {
		stop()
		t.Fatalf("the gateway did not start:\n%s", log.String())
	}
	t.Cleanup(stop)
	return fingerprint, udp, stop
}

// An autopilot that cannot sign is verified through an enrolled gateway, and
// through nothing else; a revoked one is no longer believed.
func TestGateway(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data, signedListener, `gateways: {addr: "127.0.0.1:0"}`)
	at := p.logged(gatewaysLine)
	identity := filepath.Join(t.TempDir(), "van.pem")
	fingerprint, udp, stop := runGateway(t, "--server", at[1], "--server-fingerprint", at[2], "--identity", identity)

	_, secret := p.enrol("new-1", "usv", 9)
	p.ask(http.StatusCreated, "POST", "/v1/gateways", map[string]any{"id": "van", "name": "The van", "operator": "acme", "fingerprint": fingerprint}, nil)
	p.ask(http.StatusCreated, "POST", "/v1/vehicles", map[string]any{
		"id": "old-1", "name": "An old drone", "class": "uav", "operator": "acme", "mavlink": map[string]any{"listener": "van", "system_id": 4},
		"contact": map[string]any{"name": "Grace Hopper", "phone": "+86 21 5555 0100"},
	}, nil)
	conn, err := net.Dial("udp", udp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	drone := newTestVehicle(t, conn, 4, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
	stranger := newTestVehicle(t, conn, 5, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
	p.followed("old-1", func() { drone.fly(true, 0); stranger.fly(true, 0) })
	if got := p.tracks(); len(got) != 1 || got[0].Operator != "acme" {
		t.Errorf("tracks %+v", got)
	}
	buf := make([]byte, 2048)
	p.until(20*time.Second, func() string { // the way back
		drone.fly(true, 0)
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err := conn.Read(buf)
		if err == nil && n > 10 && buf[0] == 0xfd && buf[5] == 250 && buf[6] == 190 && buf[7] == 0 {
			return ""
		}
		return fmt.Sprintf("a heartbeat of the zone behind the gateway: % x %v", buf[:n], err)
	})
	boat := newTestVehicle(t, p.dialSigned(), 9, 1, ardupilotmega.MAV_TYPE_SURFACE_BOAT).signWith(secret)
	p.followed("new-1", func() { boat.fly(true, 100) })
	p.until(20*time.Second, func() string {
		boat.fly(true, 100)
		recorded := map[string]uint64{}
		for _, r := range p.recordings("") {
			if !r.Quarantine {
				recorded[r.Listener] += r.Frames
			}
		}
		if recorded["van"] == 0 || recorded["signed"] == 0 {
			return fmt.Sprintf("both to be recorded: %v", recorded)
		}
		return ""
	})
	if l := p.vehicle("old-1").Link; l.State != "proved" || l.Listener != "van" {
		t.Errorf("link %+v", l)
	}
	p.until(20*time.Second, func() string {
		drone.fly(true, 0)
		var health struct {
			Listeners []struct {
				Name     string
				Counters map[string]uint64
			}
		}
		p.get("/v1/health", &health)
		for _, l := range health.Listeners {
			if l.Name == "van" && l.Counters["connected"] == 1 && l.Counters["uplink"] > 0 && l.Counters["not_enrolled"] > 0 {
				return ""
			}
		}
		return fmt.Sprintf("the gateway in the health page: %+v", health)
	})

	// It is away: said while its vehicle is followed. It comes back as who it was.
	stop()
	p.until(20*time.Second, func() string {
		var health struct{ Reasons []struct{ Code string } }
		p.get("/v1/health", &health)
		if !strings.Contains(fmt.Sprint(health), "gateway_away") {
			return fmt.Sprintf("the gateway to be missed: %+v", health)
		}
		return ""
	})
	again, udp, _ := runGateway(t, "--server", at[1], "--server-fingerprint", at[2], "--identity", identity)
	if again != fingerprint {
		t.Errorf("the gateway came back as %s, was %s", again, fingerprint)
	}
	if conn, err = net.Dial("udp", udp); err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	drone.conn = conn
	p.followed("old-1", func() { drone.fly(false, 0) })

	// Revoked: once the drone stands still it is no longer believed.
	var g struct{ Rev int }
	p.get("/v1/gateways/van", &g)
	p.ask(http.StatusOK, "DELETE", "/v1/gateways/van", nil, nil, "If-Match", fmt.Sprintf("%q", fmt.Sprint(g.Rev)))
	p.until(40*time.Second, func() string {
		drone.fly(false, 0)
		if !strings.Contains(p.output(), "gateway is gone") || !strings.Contains(p.output(), "does not know this gateway") {
			return "the gateway to be cut"
		}
		return ""
	})
}

// Over TCP an open listener hears what it hears over UDP; a serial device that is
// not there is waited for.
func TestStreamListeners(t *testing.T) {
	p := serve(t, t.TempDir(), `  - {name: router, transport: tcp, addr: "127.0.0.1:0", mode: open}`,
		fmt.Sprintf(`  - {name: radio, transport: serial, device: %q, mode: open}`, filepath.Join(t.TempDir(), "ttyUSB0")))
	conn, err := net.Dial("tcp", p.logged(routerLine)[1])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	rover := newTestVehicle(t, conn, 3, 1, ardupilotmega.MAV_TYPE_GROUND_ROVER)
	p.until(20*time.Second, func() string {
		rover.fly(true, 100)
		for _, tr := range p.tracks() {
			if tr.Source.System == 3 && !tr.Verified && tr.Reports > 0 {
				return ""
			}
		}
		return "a track of the rover"
	})
	p.until(20*time.Second, func() string {
		var health struct{ Reasons []struct{ Code, Text string } }
		p.get("/v1/health", &health)
		if r := health.Reasons; len(r) == 2 && r[0].Code == "link_down" && strings.Contains(r[0].Text, "radio") && r[1].Code == "no_controller" {
			return ""
		}
		return fmt.Sprintf("the device to be missed: %+v", health)
	})
}
