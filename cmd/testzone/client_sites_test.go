package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"testzone/web"
)

// A script books a site, is told what would do where it is taken, cancels, and closes a
// place for a time.
func TestClientSites(t *testing.T) {
	p := serve(t, t.TempDir(), "")
	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_TOKEN=" + testToken}}
	var at web.Site
	p.ask(http.StatusCreated, "POST", "/v1/sites", map[string]any{
		"name": "Pad 1", "kind": "pad", "radius_m": 30, "geometry": map[string]any{"type": "Point", "coordinates": []float64{121.93, 30.9}},
	}, &at)
	does := func(want string, args ...string) string {
		t.Helper()
		code, stdout, stderr := c.run("", append(args, "--server", p.url)...)
		if code != 0 || !strings.Contains(stdout, want) {
			t.Fatalf("%v: %d %s %s", args, code, stdout, stderr)
		}
		return stdout
	}
	from := time.Now().Add(3 * time.Hour).UTC().Format(time.RFC3339)
	does("nothing was booked", "bookings", "make", at.ID, from, "90m", "--dry-run")
	id, _, _ := strings.Cut(does("revision 1: confirmed", "bookings", "make", at.ID, from, "90m", "--purpose", "brake test"), ",")
	if code, _, stderr := c.run("", "bookings", "make", at.ID, from, "30m", "--server", p.url); code == 0 || !strings.Contains(stderr, "1 units are missing") {
		t.Errorf("where it is taken: %d %s", code, stderr)
	}
	does(id, "bookings", "list")
	does(at.ID, "sites", "list")
	does("Z ", "sites", "free", at.ID, "--from", from, "--length", "30m")
	does("revision 2", "bookings", "cancel", id, "--rev", "1", "--reason", "rain")
	does("0 vehicles would be in it", "restrictions", "publish", "Fire", "--at", "30.90,121.93", "--dry-run")
	id, _, _ = strings.Cut(does("told 0 organisations", "restrictions", "publish", "Fire", "--kind", "urgent", "--at", "30.90,121.93", "--for", "2h"), ",")
	does("0 of 0", "restrictions", "list")
	does(fmt.Sprint(id, ", revision 2"), "restrictions", "end", id, "--rev", "1")
}
