package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cli runs the binary as a script does.
type cli struct {
	t    *testing.T
	home string
	env  []string
}

func (c *cli) run(stdin string, args ...string) (code int, stdout, stderr string) {
	c.t.Helper()
	cmd := exec.Command(executable, args...)
	cmd.Env = append([]string{"HOME=" + c.home, "XDG_CONFIG_HOME=" + c.home, "PATH=" + os.Getenv("PATH")}, c.env...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

const cliFence = `{"name":"pad","kind":"keep_out","geometry":{"type":"Point","coordinates":[121.93,30.9]},"radius_m":50}`

func TestClientCommands(t *testing.T) {
	p := serve(t, t.TempDir(), "vehicles: [{id: uav-1, name: One, class: uav, operator: acme}]")
	c := &cli{t: t, home: t.TempDir()}
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, wrong := file("token", testToken+"\n"), file("token", "tz_not-the-right-token-at-all\n")
	if code, _, stderr := c.run("", "fences", "list", "--server", p.url); code != exitDenied || !strings.Contains(stderr, "testzone login") {
		t.Errorf("without a token: %d %s", code, stderr)
	}
	if code, stdout, stderr := c.run(testToken+"\n", "login", "--server", p.url); code != 0 || !strings.Contains(stdout, "as bootstrap (administrator") || strings.Contains(stdout+stderr, testToken) {
		t.Fatalf("login: %d %s %s", code, stdout, stderr)
	}
	if info, err := os.Stat(filepath.Join(c.home, "testzone", "login.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the kept token: %v %v", info, err)
	}
	code, stdout, stderr := c.run(cliFence, "fences", "create", "-", "--key", "of-the-script")
	id := strings.TrimSpace(stdout)
	if code != 0 || !strings.HasPrefix(id, "fn_") {
		t.Fatalf("create: %d %q %s", code, stdout, stderr)
	}
	kml, geo := filepath.Join(t.TempDir(), "out.kml"), filepath.Join(t.TempDir(), "out.geojson")
	for _, s := range []struct {
		name, stdin string
		args        []string
		code        int
		has         string // in standard output, of a failure in standard error
	}{
		{"create again under the same key", cliFence, []string{"fences", "create", "-", "--key", "of-the-script"}, 0, id},
		{"create dry", cliFence, []string{"fences", "create", "-", "--dry-run"}, 0, "nothing was changed; the fence would be about 0 vehicles"},
		{"create badly", `{"name":"x"}`, []string{"fences", "create", "-"}, exitInvalid, "body"},
		{"create from nowhere", "", []string{"fences", "create", "/no/such/file"}, exitUsage, "/no/such/file"},
		{"list", "", []string{"fences", "list"}, 0, id + "  pad   keep_out"},
		{"list as JSON", "", []string{"fences", "list", "--json"}, 0, `"id": "` + id + `"`},
		{"get", "", []string{"fences", "get", id}, 0, `"radius_m": 50`},
		{"get none", "", []string{"fences", "get", "fn_none"}, exitNotFound, "not_found"},
		{"export", "", []string{"fences", "export", "-o", geo}, 0, ""},
		{"export kml", "", []string{"fences", "export", "-o", kml}, 0, ""},
		{"export what", "", []string{"fences", "export"}, exitUsage, "--format"},
		{"import dry", "", []string{"fences", "import", geo}, 0, "0 pad: read"},
		{"import", "", []string{"fences", "import", kml, "--apply"}, 0, "set fn_"},
		{"delete stale", "", []string{"fences", "delete", id, "--rev", "7"}, exitConflict, "revision 1 now"},
		{"delete", "", []string{"fences", "delete", id}, 0, ""},
		{"delete again", "", []string{"fences", "delete", id}, exitNotFound, "not_found"},
		{"vehicles", "", []string{"vehicles", "list"}, 0, "uav-1  One   uav    acme"},
		{"tracks", "", []string{"tracks", "list", "--class", "uav"}, 0, "ID"},
		{"tracks of no class", "", []string{"tracks", "list", "--class", "ship"}, exitInvalid, "class"},
		{"alerts", "", []string{"alerts", "list", "--all", "--json"}, 0, `"items": []`},
		{"ack none", "", []string{"alerts", "ack", "al_none"}, exitNotFound, "not_found"},
		{"ack what", "", []string{"alerts", "ack"}, exitUsage, "ALERT"},
		{"unknown flag", "", []string{"fences", "list", "--jsn"}, exitUsage, "--jsn"},
		{"unknown command", "", []string{"fences", "lst"}, exitUsage, "lst"},
		{"token of a file", "", []string{"fences", "list", "--server", p.url, "--token-file", good}, 0, "ID"},
		{"wrong token", "", []string{"fences", "list", "--server", p.url, "--token-file", wrong}, exitDenied, "bad_token"},
		{"in clear over the network", "", []string{"fences", "list", "--server", "http://zone.example.org", "--token-file", good}, exitUsage, "use https"},
		{"no server", "", []string{"fences", "list", "--server", "nonsense"}, exitUsage, "nonsense"},
	} {
		code, stdout, stderr := c.run(s.stdin, s.args...)
		shown := stdout
		if s.code != 0 {
			shown = stderr
		}
		if code != s.code || !strings.Contains(shown, s.has) {
			t.Errorf("%s: exit %d, want %d\n%s%s", s.name, code, s.code, stdout, stderr)
		}
	}
	// The kept token goes to its own server only.
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), testToken) {
			t.Error("another server got the kept token")
		}
	}))
	defer other.Close()
	if code, _, stderr := c.run("", "fences", "list", "--server", other.URL); code != exitDenied {
		t.Errorf("another server: %d %s", code, stderr)
	}
	p.kill()
	if code, _, stderr := c.run("", "vehicles", "list"); code != exitUnavailable || !strings.Contains(stderr, "no answer") {
		t.Errorf("after the stop: %d %s", code, stderr)
	}
}

// TestClientAsksAgain: a connection that breaks before the answer is no failure,
// and what is asked again has the same key.
func TestClientAsksAgain(t *testing.T) {
	var keys []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if keys = append(keys, r.Header.Get("Idempotency-Key")); len(keys) < 2 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]string{"id": "fn_1\x1b[2J"})
	}))
	defer s.Close()
	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_TOKEN=" + testToken, "TESTZONE_SERVER=" + s.URL}}
	code, stdout, stderr := c.run(cliFence, "fences", "create", "-")
	if code != 0 || len(keys) != 2 || len(keys[0]) < 8 || keys[0] != keys[1] {
		t.Errorf("exit %d, keys %q\n%s%s", code, keys, stdout, stderr)
	}
	if stdout != "fn_1?[2J\n" {
		t.Errorf("a server steers the terminal: %q", stdout)
	}
	// A server that is no testzone, and one that is not there.
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	if code, _, stderr := c.run("", "vehicles", "list", "--server", plain.URL); code != exitFailed || !strings.Contains(stderr, "right server") {
		t.Errorf("no testzone: %d %s", code, stderr)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if code, _, stderr := c.run("", "vehicles", "list", "--server", "http://"+l.Addr().String()); code != exitUnavailable {
		t.Errorf("nobody there: %d %s", code, stderr)
	}
}
