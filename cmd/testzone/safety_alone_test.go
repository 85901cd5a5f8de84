package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"testzone/telemetry/journal"
	"testzone/telemetry/watchdog"
	"testzone/web"
)

// safetyAlone are attempts that stop the server, set the state of the whole zone or jam it.
// Each makes a field of its own.
var safetyAlone = []attempt{
	{5, "an order to many needs a look at whom it moves, and the count typed", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 6})
		order := body{"kind": "return", "of": body{"classes": []string{"uav"}}, "reason": "fog"}
		give := func(want int, with body) (raw []byte) {
			maps.Copy(with, order)
			status, _, raw, err := f.ada.call("POST", "/v1/orders", with)
			if err != nil || status != want {
				f.t.Fatalf("%v: %d, want %d: %v %s", with, status, want, err, raw)
			}
			return raw
		}
		var preview web.BulkOrder
		f.ada.ask(http.StatusOK, "POST", "/v1/orders?dry_run=true", order, &preview)
		if preview.Orders != 3 {
			f.t.Fatalf("three copters would return: %+v", preview)
		}
		give(http.StatusConflict, body{})
		give(http.StatusConflict, body{"digest": preview.Digest, "expect": 2})
		give(http.StatusConflict, body{"digest": "of nothing", "expect": 3})
		for _, sys := range []uint8{1, 3, 5} {
			if sent := f.relay.orders(sys, time.Time{}); len(sent) > 0 {
				f.t.Errorf("nobody looked, and vehicle %d was sent %v", sys, sent)
			}
		}
		give(http.StatusCreated, body{"digest": preview.Digest, "expect": 3})
		var home []time.Time
		f.until(func() string {
			f.relay.mu.Lock()
			defer f.relay.mu.Unlock()
			home = nil
			for _, sys := range []uint8{1, 3, 5} {
				if i := slices.IndexFunc(f.relay.sent, func(s sentOrder) bool { return s.system == sys && s.command == 20 }); i >= 0 {
					home = append(home, f.relay.sent[i].at)
				}
			}
			if len(home) < 3 {
				return fmt.Sprintf("three to be sent home, %d are", len(home))
			}
			return ""
		})
		slices.SortFunc(home, time.Time.Compare)
		for i := range home[1:] {
			if apart := home[i+1].Sub(home[i]); apart < time.Second {
				f.t.Errorf("two were sent home %v apart, not one after the other", apart)
			}
		}
	}},
	{8, "kill -9 with an order under way: nothing is sent again, nobody loses a hand", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 3, script: "uav-1 progress 25s"})
		hold, _ := f.orderedBy(f.ada, http.StatusCreated, "uav-3", body{"kind": "hold"})
		f.becomes("uav-3", hold.ID, "in_effect")
		under, _ := f.orderedBy(f.ada, http.StatusCreated, "uav-1", body{"kind": "hold"})
		f.settles("uav-1", under.ID, func(o orderJSON) bool { return o.State == "sent" && o.Durable }, "sent and durable")
		f.p.kill()
		since := time.Now()
		f.serve("")
		f.follows("uav-1")
		f.heardAgain("uav-1", 40)
		// It does late what it was told, which is noted.
		f.becomes("uav-1", under.ID, "in_effect")
		for _, sys := range []uint8{1, 2, 3} {
			if sent := f.relay.orders(sys, since); len(sent) > 0 {
				f.t.Errorf("after the start vehicle %d was sent %v", sys, sent)
			}
		}
		f.follows("uav-3")
		_, why := f.orderedBy(f.bob, http.StatusConflict, "uav-3", body{"kind": "land"})
		says(f.t, why, "take it over")
		if t := f.track("uav-3"); t.Phase != "holding" || t.Mode.Name != "brake" {
			f.t.Errorf("what was held is %+v", t)
		}
		resume, _ := f.orderedBy(f.ada, http.StatusCreated, "uav-3", body{"kind": "resume", "ends": hold.ID})
		f.becomes("uav-3", resume.ID, "in_effect")
	}},
	{10, "a clock that is behind the journal is said, and keeps nobody from HOLD", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1})
		f.p.terminate()
		j, err := journal.Open(journal.Config{Dir: filepath.Join(f.data, "journal"), Group: "test"})
		if err != nil {
			f.t.Fatal(err)
		}
		ahead := time.Now().Add(time.Hour).UnixMicro()
		gap := watchdog.Gap{FromUS: ahead - 1e6, ToUS: ahead, After: watchdog.AfterStop}
		_, err = j.Append(context.Background(), journal.Entry{ID: journal.NewID(), Kind: journal.Fact, Schema: watchdog.Schema, TimeUS: ahead, Body: gap.Encode()})
		if err != nil {
			f.t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			f.t.Fatal(err)
		}
		f.serve("")
		if codes := f.health(); !slices.Contains(codes, "clock_behind") {
			f.t.Errorf("health says %v", codes)
		}
		f.follows("uav-1")
		f.heardAgain("uav-1", 5)
		o, _ := f.orderedBy(f.ada, http.StatusCreated, "uav-1", body{"kind": "hold"})
		f.becomes("uav-1", o.ID, "in_effect")
		since := time.Now()
		f.confirmed()
		f.over("uav-1", "land")
		f.ladder("uav-1", "held back", func(l web.BreachEnforcement) bool { return l.State == "held_back" })
		f.heardAgain("uav-1", 40)
		if sent := f.relay.orders(1, since); len(sent) > 0 {
			f.t.Errorf("with a clock that is wrong it was sent %v", sent)
		}
	}},
	{11, "a height that nobody knows is no way out of a fence", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1})
		const v = "uav-1"
		p := f.track(v)
		if _, known := p.Heights["agl_m"]; known || len(p.Heights) == 0 {
			f.t.Fatalf("heights by datum, none above ground: %+v", p.Heights)
		}
		f.ada.ask(http.StatusCreated, "POST", "/v1/fences", body{ // it flies far above, if that was known
			"name": "meadow", "kind": "keep_out", "geometry": square(p.Position.Lon-0.005, p.Position.Lat-0.005, 0.01),
			"floor": nil, "ceiling": body{"m": 1, "datum": "agl"}, "applies": body{"classes": []string{"uav"}},
		}, nil)
		a := f.raised("fence_breach", v)
		if !slices.Contains(a.Evidence.Flags, "altitude_unknown") || !slices.Contains(a.Evidence.Grounds.Lacks, "altitude_unknown") {
			f.t.Errorf("the alert does not say that the height is unknown: %+v", a.Evidence)
		}
	}},
	{12, "that nobody supervised the zone is recorded, and that it is told by who does not beat", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1})
		beats := filepath.Join(f.data, "heartbeat")
		f.until(func() string {
			if b, err := watchdog.ReadFile(beats); err != nil || b.State != watchdog.OK {
				return fmt.Sprint("a heartbeat: ", err)
			}
			return ""
		})
		f.p.kill()
		last, err := watchdog.ReadFile(beats)
		if err != nil || last.State != watchdog.OK {
			f.t.Fatalf("a killed server leaves %+v, %v", last, err)
		}
		f.serve("")
		f.follows("uav-1")
		f.p.terminate()
		j, err := journal.Open(journal.Config{Dir: filepath.Join(f.data, "journal"), Group: "test"})
		if err != nil {
			f.t.Fatal(err)
		}
		defer j.Close()
		var gaps []watchdog.Gap
		err = j.Replay(1, func(r journal.Record) error {
			if r.Schema != watchdog.Schema {
				return nil
			}
			gaps = append(gaps, watchdog.Gap{})
			return json.Unmarshal(r.Body, &gaps[len(gaps)-1])
		})
		if err != nil || len(gaps) != 1 || gaps[0].After != watchdog.AfterCrash || gaps[0].FromUS < last.At.UnixMicro()-1e6 {
			f.t.Errorf("the blind interval: %+v, %v; the last beat was %v", gaps, err, last.At)
		}
	}},
	{13, "five jammed vehicles are one alarm, and are not told to return", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 6, script: "uav-1 fix lost 1ms"})
		f.keepIn("uav", 0.02)
		jammed := []string{"uav-1", "icv-2", "uav-3", "usv-4", "uav-5"}
		onset := time.Now()
		for _, v := range jammed {
			f.does(v, "jam")
		}
		area := f.raised("gnss_interference", "")
		fmt.Fprintf(os.Stderr, "safety: the area alarm came %.1f s after the onset\n", area.RaisedAt.Sub(onset).Seconds())
		f.until(func() string {
			if a := f.alert(area.ID); a.Area == nil || a.Area.Count != len(jammed) {
				return fmt.Sprintf("the five in the area: %+v", a.Area)
			}
			return ""
		})
		if all := f.alerts("gnss_interference", ""); len(all) != 1 {
			f.t.Errorf("%d area alarms: %+v", len(all), all)
		}
		for _, typ := range []string{"position_jump", "fence_breach"} {
			for _, a := range f.alerts(typ, "") {
				if a.Under != area.ID || a.ConfirmedAt != nil {
					f.t.Errorf("%s of %s stands for itself: %+v", typ, a.Vehicle.ID, a)
				}
			}
		}
		for _, v := range jammed {
			var why string
			f.until(func() string { // the last receiver notices after three seconds
				status, _, raw, err := f.ada.call("POST", "/v1/vehicles/"+v+"/orders?dry_run=true", body{"kind": "return"})
				if why = string(raw); err != nil || status != http.StatusConflict {
					return "RETURN to be refused to " + v + ": " + why
				}
				return ""
			})
			says(f.t, why, "no position", "call its contact")
			f.orderedBy(f.ada, http.StatusConflict, v, body{"kind": "return"})
			if sent := f.relay.orders(fieldSystem(v), onset); len(sent) > 0 {
				f.t.Errorf("%s was sent %v", v, sent)
			}
		}
		o, _ := f.orderedBy(f.ada, http.StatusCreated, "icv-6", body{"kind": "return"}) // it is well
		f.becomes("icv-6", o.ID, "in_effect")
	}},
	{14, "nobody on duty, nobody arms; who starts all the same is on the board", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 4, askToArm: true})
		for _, v := range f.names {
			f.heardAgain(v, 30) // it has asked again and again
			if t := f.track(v); t.Armed || t.Phase != "parked" {
				f.t.Errorf("nobody is on duty, and %s is %+v", v, t)
			}
		}
		if codes := f.health(); !slices.Contains(codes, "no_controller") {
			f.t.Errorf("health says %v", codes)
		}
		f.does("uav-1", "arm never")
		f.ada.ask(http.StatusOK, "PUT", "/v1/zone/state", body{"state": "clear", "reason": "thunderstorm"}, nil)
		f.ada.ask(http.StatusCreated, "POST", "/v1/duty", body{}, nil)
		for _, v := range f.names {
			f.heardAgain(v, 20)
			if t := f.track(v); t.Armed {
				f.t.Errorf("the zone is being cleared, and %s is armed", v)
			}
		}
		f.does("uav-3", "arm anyway")
		var board web.ComplianceBoard
		f.until(func() string {
			f.ada.get("/v1/zone/compliance", &board)
			if board.Against != 1 || board.Items[0].Vehicle.ID != "uav-3" || board.Items[0].Why != "started" || board.Items[0].Contact == nil {
				return fmt.Sprintf("who started on the board: %+v", board)
			}
			return ""
		})
		f.raised("start_not_allowed", "uav-3")
	}},
	{14, "a duty that was signed on to before a restart lets nobody start", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1, askToArm: true})
		f.ada.ask(http.StatusCreated, "POST", "/v1/duty", body{}, nil)
		f.p.kill()
		f.does("uav-1", "arm never 1ms") // whatever it was granted before
		f.serve("")
		f.follows("uav-1")
		if codes := f.health(); !slices.Contains(codes, "no_controller") {
			f.t.Errorf("health says %v", codes)
		}
	}},
}

// health lists the reasons that the server gives.
func (f *field) health() (codes []string) {
	f.t.Helper()
	var h struct{ Reasons []struct{ Code string } }
	f.p.get("/v1/health", &h)
	for _, r := range h.Reasons {
		codes = append(codes, strings.TrimSpace(r.Code))
	}
	return codes
}
