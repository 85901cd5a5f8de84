package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
)

// keyOf is an API key of a person who is added for it.
func (p *program) keyOf(org, kind, login, role string) string {
	p.t.Helper()
	if status, _, _, _ := p.call("GET", "/v1/organisations/"+org, nil); status == http.StatusNotFound {
		p.ask(http.StatusCreated, "POST", "/v1/organisations", map[string]any{"id": org, "kind": kind, "name": org}, nil)
	}
	const password = "a password of the tests"
	p.ask(http.StatusCreated, "POST", "/v1/people", map[string]any{"organisation": org, "roles": []string{role}, "login": login, "name": login, "subject": "", "password": password}, nil)
	q := &program{t: p.t, url: p.url}
	status, header, raw, err := q.call("POST", "/v1/session", map[string]any{"login": login, "password": password})
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("sign in: %d %v %s", status, err, raw)
	}
	q.cookie, _, _ = strings.Cut(header.Get("Set-Cookie"), ";")
	// Who was given a password may do nothing before it has one of its own.
	status, header, raw, err = q.call("PUT", "/v1/session/password", map[string]any{"current": password, "password": passwordOf(login)})
	if err != nil || status != http.StatusNoContent {
		p.t.Fatalf("change the password: %d %v %s", status, err, raw)
	}
	q.cookie, _, _ = strings.Cut(header.Get("Set-Cookie"), ";")
	body := map[string]any{"label": "script", "scopes": []airspace.Scope{airspace.ZoneRead, airspace.PermitApply}}
	if kind == "department" {
		body["scopes"] = []airspace.Scope{airspace.ZoneRead, airspace.PermitReview, airspace.PermitDecide}
	}
	var made struct{ Secret string }
	q.ask(http.StatusCreated, "POST", "/v1/keys", body, &made)
	return made.Secret
}

// applicationFile is an application for a flight that lacks nothing.
func applicationFile(t *testing.T, from time.Time, vehicle string) (path string, a map[string]any) {
	t.Helper()
	begin, end := from.Format(time.RFC3339), from.Add(8*time.Hour).Format(time.RFC3339)
	a = map[string]any{
		"kind": "uav.flight", "subtype": "first", "title": "Blood samples to the island", "scenario": "delivery", "from": begin, "to": end,
		"vehicles": []string{vehicle}, "people": []any{map[string]any{"ref": "crew-1", "role": "remote_pilot", "licence": "CAAC-1"}},
		"insurance": []any{map[string]any{"kind": "liability", "insurer": "PICC", "number": "1", "from": from.Add(-time.Hour).Format(time.RFC3339), "to": end, "per_vehicle_cny": 1_000_000}},
		"volumes": []any{map[string]any{"geometry": map[string]any{"type": "Point", "coordinates": []float64{121.93, 30.9}}, "radius_m": 200,
			"floor": map[string]any{"m": 0, "datum": "amsl"}, "ceiling": map[string]any{"m": 100, "datum": "amsl"}}},
		"facts": map[string]any{"uav.mtow_kg": 6, "uav.distributed_or_swarm": false, "uav.over_crowd": false, "uav.dangerous_or_drop": false, "uav.beyond_line_of_sight": false,
			"airspace.controlled": false, "road.public": false, "carries.people": false, "data.biometric": false, "data.important": false},
		"disclosure": map[string]any{}, "items": map[string]any{},
	}
	for _, name := range []string{"what", "where", "when", "who", "contact", "known_limits"} {
		a["disclosure"].(map[string]any)[name] = "stated"
	}
	for _, id := range []string{"party", "aircraft", "mission", "sites", "comms", "window", "volume", "c2_link", "cns", "emergency"} {
		a["items"].(map[string]any)[id] = map[string]any{"text": "as stated"}
	}
	a["items"].(map[string]any)["emergency"] = map[string]any{"documents": []any{map[string]any{"sha256": strings.Repeat("a", 64), "type": "application/pdf", "bytes": 1000}}}
	path = filepath.Join(t.TempDir(), "application.json")
	writeJSON(t, path, a)
	return path, a
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestClientPermits: an applicant and a department, each with a script, bring an
// application to its approval and a flight under it to its confirmation; before its
// time it is not activated.
func TestClientPermits(t *testing.T) {
	p := serve(t, t.TempDir(), signedListener)
	p.enrol("uav-7", "uav", 7)
	opr, rita := p.keyOf("acme", "operator", "opr", "test_operator"), p.keyOf("authority", "department", "rita", "department_reviewer")
	home := t.TempDir()
	does := func(token string, code int, want string, args ...string) string {
		t.Helper()
		c := &cli{t: t, home: home, env: []string{"TESTZONE_TOKEN=" + token}}
		got, stdout, stderr := c.run("", append(append([]string{"permits"}, args...), "--server", p.url)...)
		if got != code || !strings.Contains(stdout+stderr, want) {
			t.Fatalf("%v: exit code %d, want %d and %q: %s %s", args, got, code, want, stdout, stderr)
		}
		return stdout
	}
	from := time.Now().Add(5 * 24 * time.Hour).UTC().Truncate(time.Second)
	file, a := applicationFile(t, from, "uav-7")
	items := a["items"].(map[string]any)
	comms := items["comms"]
	delete(items, "comms")
	writeJSON(t, file, a)
	does(opr, exitInvalid, "items/comms", "check", file)
	does(opr, exitInvalid, `"faults"`, "check", file, "--json")
	items["comms"] = comms
	writeJSON(t, file, a)
	does(opr, 0, "nothing of ", "check", file)
	does(opr, 0, `"application"`, "check", file, "--json")
	does(opr, exitUsage, "read the file", "check", file+".lost")
	does(rita, exitDenied, "forbidden", "draft", file)
	id, _, _ := strings.Cut(does(opr, 0, "draft", "draft", file), ",")
	does(opr, 0, "under_review, asked: authority", "submit", id)
	does(rita, 0, id, "list", "--queue")
	_, document, _ := strings.Cut(does(rita, 0, "asked now: authority", "show", id), "document ")
	document, _, _ = strings.Cut(document, "\n")
	does(rita, exitUsage, "--document", "review", id, "approve")
	does(opr, exitDenied, "forbidden", "review", id, "approve", "--document", document)
	does(rita, 0, "approved", "review", id, "approve", "--document", document, "--reference", "ATC 2026-17")

	begin := from.Add(time.Hour).Format(time.RFC3339)
	plan := []string{"activities", "plan", id, begin, "1h", "--title", "morning run", "--vehicles", "uav-7", "--people", "crew-1"}
	does(opr, exitInvalid, "would pass: ", append(plan[:3:3], append([]string{from.Add(-time.Hour).Format(time.RFC3339)}, plan[4:]...)...)...)
	does(opr, 0, "nothing was filed", append(plan, "--dry-run")...)
	flight, _, _ := strings.Cut(does(opr, 0, "planned; report by ", plan...), ",")
	does(rita, 0, flight, "activities", "list", "--permit", id, "--state", "planned")
	does(opr, exitInvalid, "uav-7 was not checked", "activities", "report", flight)
	does(opr, exitConflict, "stale", "activities", "report", flight, "--checked", "uav-7", "--rev", "7")
	does(opr, 0, "reported", "activities", "report", flight, "--checked", "uav-7", "--rev", "1")
	does(opr, exitDenied, "forbidden", "activities", "confirm", flight)
	does(rita, 0, "confirmed", "activities", "confirm", flight)
	why := ""
	for _, want := range []string{"its time has not begun", "permit " + id + " is approved", "no controller", "uav-7: not connected"} {
		c := &cli{t: t, home: home, env: []string{"TESTZONE_TOKEN=" + opr}}
		code, _, stderr := c.run("", "permits", "activities", "activate", flight, "--server", p.url)
		if why = stderr; code != exitInvalid || !strings.Contains(why, want) {
			t.Errorf("activated: %d, without %q: %s", code, want, why)
		}
	}
	does(opr, exitUsage, "--begun", "activities", "close", flight)
	does(opr, exitConflict, "activity_state", "activities", "close", flight, "--begun", begin, "--ended", begin)
	does(opr, 0, "cancelled", "activities", "cancel", flight, "--reason", "fog")
	does(opr, 0, "withdrawn", "withdraw", id, "--reason", "no more")
}
