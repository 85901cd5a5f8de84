package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"testzone/telemetry/live"
)

// The whole program is tested as people run it: the built binary, real sockets
// on free ports, a temporary data folder.

var executable string

func TestMain(m *testing.M) {
	if raw := os.Getenv(generatorEnv); raw != "" {
		if err := runGenerator(raw); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	dir, err := os.MkdirTemp("", "testzone-program-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	executable = filepath.Join(dir, "testzone")
	if out, err := exec.Command("go", "build", "-o", executable, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

const testToken = "tz_a-token-of-the-program-tests"

// program is one running testzone.
type program struct {
	t       *testing.T
	cmd     *exec.Cmd
	url     string
	token   string // or
	cookie  string // of a session
	mavlink string
	signed  string // address of the signed listener
	done    chan struct{}

	mu  sync.Mutex // guards log
	log bytes.Buffer
}

// serve starts `testzone serve` with one open listener over dataDir.
func serve(t *testing.T, dataDir string, extra ...string) *program {
	t.Helper()
	return serveAt(t, "127.0.0.1:0", dataDir, "", extra...)
}

// serveAt has it where pages look for it that were opened before a restart, and with the
// sectors of the zone.
func serveAt(t *testing.T, addr, dataDir, sectors string, extra ...string) *program {
	t.Helper()
	config := filepath.Join(t.TempDir(), "testzone.yaml")
	text := fmt.Sprintf(`
zone: {id: test, name: Test, tz: Asia/Shanghai, bbox: [121.90, 30.88, 121.96, 30.92], sectors: [%s]}
http: {addr: %q, limits: {per_address: 100000, per_principal: 100000}}
data_dir: %q
log: {level: info}
mavlink:
  - {name: open, addr: "127.0.0.1:0", mode: open, limits: {per_source: 20000, burst_per_source: 40000}}
`, sectors, addr, dataDir) + strings.Join(extra, "\n")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, "serve", "--config", config)
}

// start runs the binary until it says where it is.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(executable, args...), token: testToken, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "TESTZONE_BOOTSTRAP_TOKEN="+testToken)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() { p.read(stderr, nil) })
	readers.Go(func() { p.read(stdout, ready) })
	go func() {
		readers.Wait()
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	select {
	case <-ready:
	case <-p.done:
		t.Fatalf("testzone %s ended at once:\n%s", args[0], p.output())
	case <-time.After(30 * time.Second):
		t.Fatalf("testzone %s did not start:\n%s", args[0], p.output())
	}
	p.until(5*time.Second, func() string { // the log is another pipe
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.mavlink == "" {
			return "the listener's address in the log"
		}
		return ""
	})
	return p
}

var (
	urlLine     = regexp.MustCompile(`is at (https?://\S+)`)
	tokenLine   = regexp.MustCompile(`with this token: (\S+)`)
	mavlinkLine = regexp.MustCompile(`listening for mavlink.* listener=open addr=(\S+)`)
	signedLine  = regexp.MustCompile(`listening for mavlink.* listener=signed addr=(\S+)`)
	sendLine    = regexp.MustCompile(`Yours may send MAVLink to (\S+),`)
)

func (p *program) read(r io.Reader, ready chan<- struct{}) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		p.mu.Lock()
		fmt.Fprintln(&p.log, line)
		if m := mavlinkLine.FindStringSubmatch(line); m != nil {
			p.mavlink = m[1]
		}
		if m := signedLine.FindStringSubmatch(line); m != nil {
			p.signed = m[1]
		}
		if m := sendLine.FindStringSubmatch(line); m != nil {
			p.mavlink = m[1]
		}
		if m := tokenLine.FindStringSubmatch(line); m != nil {
			p.token = m[1]
		}
		isURL := false
		if m := urlLine.FindStringSubmatch(line); m != nil {
			p.url, isURL = m[1], true
		}
		p.mu.Unlock()
		demo := strings.Contains(line, "Simulated vehicles")
		if ready != nil && (demo || isURL && !strings.Contains(line, "demo")) {
			close(ready)
			ready = nil
		}
	}
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// kill ends the program as a power switch would.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// terminate ends the program as an operator would and returns how long it took.
func (p *program) terminate() time.Duration {
	p.t.Helper()
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Fatalf("still running 20 s after SIGTERM:\n%s", p.output())
	}
	return time.Since(begin)
}

// call does one API call and returns status, headers and body.
func (p *program) call(method, path string, body any, headers ...string) (int, http.Header, []byte, error) {
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, nil, err
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, p.url+path, r)
	if err != nil {
		return 0, nil, nil, err
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	} else {
		req.Header.Set("Cookie", p.cookie)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, raw, err
}

// get reads a JSON document and fails the test when it is not there.
func (p *program) get(path string, into any) {
	p.t.Helper()
	status, _, raw, err := p.call("GET", path, nil)
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("GET %s: %d %v\n%s", path, status, err, raw)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		p.t.Fatalf("GET %s: %v\n%s", path, err, raw)
	}
}

// until polls cond, which says what it still waits for, until it is content.
func (p *program) until(limit time.Duration, cond func() string) {
	p.t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(limit)
	for {
		waits := cond()
		if waits == "" {
			return
		}
		select {
		case <-ticker.C:
		case <-p.done:
			p.t.Fatalf("the program ended while the test waited for %s:\n%s", waits, p.output())
		case <-deadline:
			p.t.Fatalf("after %v still waiting for %s", limit, waits)
		}
	}
}

// send writes datagrams to the open listener from one socket.
func (p *program) dial() net.Conn {
	p.t.Helper()
	conn, err := net.Dial("udp", p.mavlink)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// liveClient is a websocket client that keeps what it hears.
type liveClient struct {
	conn      *websocket.Conn
	onControl func(map[string]any) // may be nil; called by the reading goroutine

	mu       sync.Mutex // guards the fields below
	records  map[uint32]live.Record
	names    map[uint32]string
	controls []map[string]any
	err      error
}

func (p *program) live() *liveClient { return p.liveWith(nil) }

func (p *program) liveWith(onControl func(map[string]any)) *liveClient {
	p.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"zl.v1"}, HandshakeTimeout: 5 * time.Second}
	conn, res, err := dialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/v1/live", http.Header{"Authorization": {"Bearer " + p.token}})
	if err != nil {
		p.t.Fatalf("live: %v %v", err, res)
	}
	c := &liveClient{conn: conn, onControl: onControl, records: map[uint32]live.Record{}, names: map[uint32]string{}}
	p.t.Cleanup(func() { _ = conn.Close() })
	for _, m := range []any{
		map[string]any{"t": "hello", "enc": []string{"packed"}, "lang": "en"},
		map[string]any{"t": "sub", "bbox": []float64{-180, -90, 180, 90}, "maxHz": 10, "zoom": 12},
	} {
		if err := conn.WriteJSON(m); err != nil {
			p.t.Fatal(err)
		}
	}
	go c.read()
	return c
}

func (c *liveClient) read() {
	for {
		kind, raw, err := c.conn.ReadMessage()
		if err != nil {
			c.mu.Lock()
			c.err = err
			c.mu.Unlock()
			return
		}
		if kind == websocket.TextMessage {
			c.readText(raw)
			continue
		}
		f, err := live.Decode(raw)
		if err != nil {
			panic(err) // the server sent what its own codec refuses
		}
		c.mu.Lock()
		for _, g := range f.Groups {
			for _, r := range g.Records {
				c.records[r.Handle] = r
			}
		}
		c.mu.Unlock()
		_ = c.conn.WriteJSON(map[string]any{"t": "ack", "seq": f.Seq, "renderMs": 1, "queued": 0})
	}
}

func (c *liveClient) readText(raw []byte) {
	var m map[string]any
	if json.Unmarshal(raw, &m) != nil {
		panic("live channel: not JSON: " + string(raw))
	}
	if c.onControl != nil {
		c.onControl(m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.controls = append(c.controls, m)
	if m["t"] != "dict" {
		return
	}
	for _, v := range m["v"].([]any) {
		entry := v.(map[string]any)
		c.names[uint32(entry["h"].(float64))] = entry["name"].(string)
	}
}

// find returns the record of a vehicle by the name in the dictionary.
func (c *liveClient) find(name string) (live.Record, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for h, n := range c.names {
		if r, ok := c.records[h]; ok && n == name {
			return r, true
		}
	}
	return live.Record{}, false
}

// heard counts control messages that fit.
func (c *liveClient) heard(fits func(map[string]any) bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, m := range c.controls {
		if fits(m) {
			n++
		}
	}
	return n
}

// node runs a script of web/ui with its packages.
func node(t *testing.T, limit time.Duration, env []string, args ...string) string {
	t.Helper()
	ui, err := filepath.Abs(filepath.Join(root, "web", "ui"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(ui, "node_modules")); errors.Is(err, os.ErrNotExist) {
		t.Fatal("web/ui/node_modules is missing: run `make ui` first, or the tests by `make test`")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = ui
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
