package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestScenariosInBrowser plays six nights of a controller in Chromium, and a shift with
// sectors: each has a zone of its own, whose vehicles sign and obey, or do not. The page is
// used as people use it; the script says what goes wrong outside (stagehand), and what
// vehicles received is judged here.
func TestScenariosInBrowser(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, "web", "ui", "dist", "index.html")); err != nil {
		t.Fatal("the page is not built: run `make ui` first, or the tests by `make test`")
	}
	for _, s := range []struct {
		name  string
		cfg   fieldConfig
		waits bool // for who flies home and lands, most of the time: beside the other one
		after func(*field)
	}{
		{name: "link-lost", cfg: fieldConfig{vehicles: 1}, after: func(f *field) {
			for _, command := range f.relay.orders(1, time.Time{}) {
				if command == landCommand {
					f.t.Error("over people it was sent LAND")
				}
			}
		}},
		{name: "ten-drones", cfg: fieldConfig{vehicles: 17}, after: func(f *field) {
			for _, v := range f.names {
				if sent := f.relay.orders(fieldSystem(v), time.Time{}); (len(sent) > 0) != (v[:3] == "uav") {
					f.t.Errorf("%s was sent %v", v, sent)
				}
			}
		}},
		{name: "two-controllers", cfg: fieldConfig{vehicles: 1}},
		{name: "killed", cfg: fieldConfig{vehicles: 3, script: "uav-1 lie ack"}, after: func(f *field) {
			if sent := f.relay.orders(3, time.Time{}); len(sent) != 1 {
				f.t.Errorf("uav-3 holds by one order, and was sent %v", sent)
			}
		}},
		{name: "helicopter", cfg: fieldConfig{vehicles: 3}, waits: true},
		{name: "evacuation", cfg: fieldConfig{vehicles: 7, script: "uav-5 refuse all"}, waits: true},
		{name: "sectors", cfg: fieldConfig{vehicles: 3, sectors: `
			{id: west, name: West, area: [[121.90, 30.88], [121.93, 30.88], [121.93, 30.92], [121.90, 30.92]]},
			{id: east, name: East, area: [[121.93, 30.88], [121.96, 30.88], [121.96, 30.92], [121.93, 30.92]]},
			{id: far, name: Far, area: [[121.95, 30.88], [121.96, 30.88], [121.96, 30.89], [121.95, 30.89]]}`}},
	} {
		t.Run(s.name, func(t *testing.T) {
			if s.waits {
				t.Parallel()
			}
			f := newField(t, s.cfg)
			hand := f.stagehand()
			t.Log(node(t, 5*time.Minute, []string{
				"TZ_URL=" + f.p.url, "TZ_TOKEN=" + f.p.token, "TZ_STAGE=" + hand, "TZ_PASSWORD=" + passwordOf(""),
			}, "--test", filepath.Join("test", "scenario", s.name+".test.mjs")))
			if s.after != nil {
				s.after(f)
			}
		})
	}
}

// stagehand is an HTTP server by which the script of a browser has vehicles misbehave
// (POST /does), ends that (POST /end), kills the server (POST /kill), starts it again
// (POST /serve), and asks what was sent to a vehicle (GET /sent).
func (f *field) stagehand() (url string) {
	var mu sync.Mutex // guards what is under way, and the server of now
	var ends []func()
	mux := http.NewServeMux()
	locked := func(pattern string, do func(w http.ResponseWriter, r *http.Request)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			do(w, r)
		})
	}
	locked("POST /does", func(w http.ResponseWriter, r *http.Request) {
		ends = append(ends, f.does(r.FormValue("vehicle"), r.FormValue("line")))
	})
	locked("POST /end", func(http.ResponseWriter, *http.Request) {
		for _, end := range ends {
			end()
		}
		ends = nil
	})
	locked("POST /kill", func(http.ResponseWriter, *http.Request) { f.p.kill() })
	locked("POST /serve", func(http.ResponseWriter, *http.Request) { f.serve("") })
	locked("GET /sent", func(w http.ResponseWriter, r *http.Request) {
		since, _ := strconv.ParseInt(r.FormValue("since_ms"), 10, 64)
		_ = json.NewEncoder(w).Encode(f.relay.orders(fieldSystem(r.FormValue("vehicle")), time.UnixMilli(since)))
	})
	server := httptest.NewServer(mux)
	f.t.Cleanup(server.Close)
	return server.URL
}
