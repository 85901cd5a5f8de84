package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"

	"testzone/telemetry/mavlink"
	"testzone/web"
)

// flight sends n frames of a drone, and returns them. No more are on their way than
// the smallest receive buffer holds.
func flight(p *program, system uint8, n int) (sent [][]byte) {
	p.t.Helper()
	drone := newTestVehicle(p.t, p.dial(), system, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
	for i := range n {
		b := drone.encode(drone.heartbeat())
		if i > 0 {
			b = drone.encode(at(30.9+float64(i)*1e-6, 121.93, 50, uint32(i)*100))
		}
		if _, err := drone.conn.Write(b); err != nil {
			p.t.Fatal(err)
		}
		if sent = append(sent, b); len(sent)%100 == 0 {
			p.until(10*time.Second, func() string {
				if got := p.reports()[int(system)]; got != len(sent) {
					return fmt.Sprintf("%d reports of system %d, have %d", len(sent), system, got)
				}
				return ""
			})
		}
	}
	return sent
}

// reports are how many each system id sent that were used.
func (p *program) reports() map[int]int {
	p.t.Helper()
	out := map[int]int{}
	for _, tr := range p.tracks() {
		out[tr.Source.System] = tr.Reports
	}
	return out
}

// recordings are the files that the API tells of.
func (p *program) recordings(query string) []web.Recording {
	p.t.Helper()
	var list web.RecordingList
	p.get("/v1/recordings?limit=500"+query, &list)
	return list.Items
}

// recorded waits until so many frames are in the files.
func (p *program) recorded(want uint64) {
	p.t.Helper()
	p.until(10*time.Second, func() string {
		have := uint64(0)
		for _, g := range p.recordings("") {
			have += g.Frames
		}
		if have < want {
			return fmt.Sprintf("%d recorded frames, have %d", want, have)
		}
		return ""
	})
}

// tlogFrames are the frames of a .tlog by system id.
func tlogFrames(t *testing.T, path string) map[uint8][][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[uint8][][]byte{}
	for e, err := range mavlink.ReadTlog(f) {
		if err != nil {
			t.Fatal(err)
		}
		out[e.Frame[5]] = append(out[e.Frame[5]], bytes.Clone(e.Frame))
	}
	return out
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// TestRecordingSurvivesAKill: what was in the files when the server was killed is
// there byte for byte, with what came after the restart, and played into another
// server gives the same tracks.
func TestRecordingSurvivesAKill(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data)
	first, second := flight(p, 7, 300), flight(p, 8, 200)
	p.recorded(500)
	if _, err := p.dial().Write(first[0][:len(first[0])-1]); err != nil { // no frame: not kept
		t.Fatal(err)
	}
	p.kill()
	open, err := filepath.Glob(filepath.Join(data, "recording", "open", "*.tlog"))
	if err != nil || len(open) == 0 {
		t.Fatal(open, err)
	}
	torn, err := os.OpenFile(open[len(open)-1], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	half := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMicro()))
	if _, err := torn.Write(append(half, first[1][:9]...)); err != nil { // the kill came in the middle of a write
		t.Fatal(err)
	}
	if err := torn.Close(); err != nil {
		t.Fatal(err)
	}

	p = serve(t, data)
	p.until(10*time.Second, func() string {
		for _, g := range p.recordings("") {
			if g.CutBytes == 17 && g.Sealed && len(g.SHA256) == 64 {
				return ""
			}
		}
		return "the file that was open, mended and sealed"
	})
	third := flight(p, 9, 100)
	p.recorded(600)

	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_SERVER=" + p.url, "TESTZONE_TOKEN=" + testToken}}
	file := filepath.Join(t.TempDir(), "all.tlog")
	if code, _, stderr := c.run("", "recordings", "export", "open", "--evidence", "-o", file); code != 0 || !strings.Contains(stderr, "600 frames\n") {
		t.Fatalf("export: %d %s", code, stderr)
	}
	if got := tlogFrames(t, file); len(got) != 3 || !same(got[7], first) || !same(got[8], second) || !same(got[9], third) {
		t.Errorf("%d of 300, %d of 200, %d of 100 frames, or not what was sent", len(got[7]), len(got[8]), len(got[9]))
	}
	p.terminate()

	again := serve(t, t.TempDir())
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetArgs([]string{"sim", "--tlog", file, "--speed", "0", "--target", again.mavlink})
	cmd.SetOut(&out)
	if err := cmd.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), "sent 600 frames") {
		t.Fatalf("play: %v %s", err, out.String())
	}
	again.until(10*time.Second, func() string {
		if got := again.reports(); !maps.Equal(got, map[int]int{7: 300, 8: 200, 9: 100}) {
			return fmt.Sprint("the tracks of the recording, with all reports: ", got)
		}
		return ""
	})
}

// TestRecordingsCommand: who may look into the recording lists and exports it.
func TestRecordingsCommand(t *testing.T) {
	p := serve(t, t.TempDir())
	first := flight(p, 7, 20)
	flight(p, 8, 10)
	p.recorded(30)
	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_SERVER=" + p.url, "TESTZONE_TOKEN=" + testToken}}
	file := filepath.Join(t.TempDir(), "out.tlog")
	for _, s := range []struct {
		name string
		args []string
		code int
		has  string // in what it says
	}{
		{"list", []string{"list"}, 0, "open/"},
		{"list of another listener", []string{"list", "--listener", "other"}, 0, "MISSING"},
		{"list as JSON", []string{"list", "--json", "--from", "2026-01-01T00:00:00+08:00"}, 0, `"listener": "open"`},
		{"list badly", []string{"list", "--from", "yesterday"}, exitUsage, "--from"},
		{"export to a file", []string{"export", "open", "--system", "7", "-o", file}, 0, "20 frames"},
		{"export of two", []string{"export", "open", "--system", "7", "--system", "8", "--evidence"}, 0, "30 frames"},
		{"export of none", []string{"export", "open", "--to", "2026-01-01T00:00:00Z"}, 0, "0 frames"},
		{"export of no listener", []string{"export", "other"}, exitNotFound, "not_recorded"},
		{"export what", []string{"export"}, exitUsage, "LISTENER"},
		{"export of no system", []string{"export", "open", "--system", "0"}, exitUsage, "1 to 255"},
		{"export nowhere", []string{"export", "open", "-o", filepath.Join(file, "x")}, exitUsage, "out.tlog"},
	} {
		code, stdout, stderr := c.run("", append([]string{"recordings"}, s.args...)...)
		if code != s.code || !strings.Contains(stdout+stderr, s.has) {
			t.Errorf("%s: exit %d, want %d\n%s%s", s.name, code, s.code, stdout, stderr)
		}
	}
	if got := tlogFrames(t, file); len(got) != 1 || !same(got[7], first) {
		t.Errorf("%d frames in the file", len(got[7]))
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".export-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// An export that ends early is no file, although the server said 200.
func TestExportIsWholeOrNotThere(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"broken": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		},
		"without its end": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half") },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			dir := t.TempDir()
			c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_SERVER=" + server.URL, "TESTZONE_TOKEN=x"}}
			if code, _, stderr := c.run("", "recordings", "export", "open", "-o", filepath.Join(dir, "out.tlog")); code != exitUnavailable || !strings.Contains(stderr, "cut off") {
				t.Errorf("exit %d %s", code, stderr)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

// What the flags say is what is asked for.
func TestExportAsks(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Testzone-Frames, Testzone-Left-Out, Testzone-Damaged-Bytes")
		_, _ = io.WriteString(w, r.URL.RequestURI())
		w.Header().Set("Testzone-Frames", "5")
		w.Header().Set("Testzone-Left-Out", "1")
		w.Header().Set("Testzone-Damaged-Bytes", "9")
	}))
	defer server.Close()
	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_SERVER=" + server.URL, "TESTZONE_TOKEN=x"}}
	code, stdout, stderr := c.run("", "recordings", "export", "open", "--evidence", "--quarantine", "--from", "2026-11-25T20:00:00Z", "--system", "7,8")
	want := "/v1/recordings/export?form=evidence&from=2026-11-25T20%3A00%3A00Z&listener=open&quarantine=true&system_id=7&system_id=8"
	if code != 0 || stdout != want || !strings.Contains(stderr, "5 frames; 1 frames left out") || !strings.Contains(stderr, "9 bytes of the recording are damaged") {
		t.Errorf("exit %d\n%s\n%s", code, stdout, stderr)
	}
}

// A recording whose disk fails is told, and keeps nobody from being followed.
func TestRecordingThatFailsIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no-folder")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, t.TempDir(), fmt.Sprintf("recording: {dir: %q}", file))
	flight(p, 7, 100) // waits until they were used
	p.until(10*time.Second, func() string {
		var h web.Health
		p.get("/v1/health", &h)
		for _, r := range h.Reasons {
			if r.Code == "recording_stopped" && strings.Contains(r.Text, "no-folder") && h.Status == "degraded" {
				return ""
			}
		}
		return fmt.Sprintf("recording_stopped in the health, have %+v", h)
	})
	if got := p.recordings(""); len(got) != 0 {
		t.Errorf("recorded nevertheless: %+v", got)
	}

	off := serve(t, t.TempDir(), "recording: {off: true}")
	var h web.Health
	off.get("/v1/health", &h)
	if slices.ContainsFunc(h.Reasons, func(r web.HealthReason) bool { return strings.HasPrefix(r.Code, "recording") }) {
		t.Errorf("without a recording: %+v", h)
	}
	if status, _, raw, err := off.call("GET", "/v1/recordings", nil); err != nil || status != http.StatusServiceUnavailable || !strings.Contains(string(raw), "recording.off") {
		t.Errorf("what is off: %d %v %s", status, err, raw)
	}
}
