package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"testzone/telemetry"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

func TestLiveSnapshotAndDelta(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	a, b := z.open(1, vehicles.UAV), z.open(2, vehicles.USV)
	z.report(a, 30.9, 121.92, 100)
	eventually(t, "first vehicle in the picture", func() bool { return z.pipeline.Fanout().Current().Total == 1 })

	c := z.live()
	c.send(`{"t":"hello","enc":["packed"],"lang":"en"}`)
	c.send(wholeZone)
	c.until("the snapshot", func() bool { return len(c.frames) > 0 })
	first := c.frames[0]
	if first.Type != live.Snapshot || first.Flags != live.FlagLast || first.Cells != 1 || first.Count != 1 {
		t.Errorf("first frame: %+v", first)
	}
	r := c.fleet[uint32(a.Handle)]
	if r.Lat != 309000000 || r.Lon != 1219200000 || r.Alt != 400 || r.Speed != 500 || r.Heading != 27135 || r.Status&live.StatusUnverified == 0 || r.Status&15 != uint8(vehicles.Moving) {
		t.Errorf("record: %+v", r)
	}
	if c.dict[uint32(a.Handle)] != string(a.ID) {
		t.Errorf("dictionary: %v", c.dict)
	}
	var meta snapMetaMessage
	if err := json.Unmarshal(c.last["snapmeta"], &meta); err != nil || meta.Hz != 10 || len(meta.Cells) != live.CellCount || meta.Total != 1 {
		t.Errorf("snapmeta: %v: %s", err, c.last["snapmeta"])
	}
	if string(c.last["health"]) != `{"t":"health","status":"ok","reasons":[]}` {
		t.Errorf("health: %s", c.last["health"])
	}

	z.report(b, 30.93, 121.95, 0)
	c.until("the second vehicle", func() bool { return len(c.fleet) == 2 })
	z.report(a, 30.9001, 121.92, 101)
	c.until("the movement", func() bool { return c.fleet[uint32(a.Handle)].Lat == 309001000 })
	for _, f := range c.frames[1:] {
		if f.Type == live.Snapshot {
			t.Errorf("a snapshot without need: %+v", f)
		}
	}
	z.pipeline.Forget(b.Handle)
	c.until("the removal", func() bool { return len(c.fleet) == 1 })
}

func TestLiveSubscriptionCutsTheView(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	near, far, nowhere := z.open(1, vehicles.UAV), z.open(2, vehicles.UAV), z.open(3, vehicles.UAV)
	z.report(near, 30.851, 121.901, 10)
	z.report(far, 30.949, 121.959, 10)
	z.pipeline.Reports([]vehicles.Report{{Handle: nowhere.Handle, Has: vehicles.HasHeartbeat, ReceivedUS: time.Now().UnixMicro()}})
	eventually(t, "all in the picture", func() bool { return z.pipeline.Fanout().Current().Total == 3 })
	c := z.live()
	c.hello()
	c.send(`{"t":"sub","bbox":[121.900,30.850,121.905,30.855],"maxHz":10,"zoom":15}`)
	c.until("snapmeta", func() bool { return c.last["snapmeta"] != nil })
	before := len(c.frames)
	c.until("the small view", func() bool { return len(c.frames) > before && len(c.fleet) == 2 })
	if _, ok := c.fleet[uint32(far.Handle)]; ok {
		t.Error("a vehicle outside of the view was sent")
	}
	if r, ok := c.fleet[uint32(nowhere.Handle)]; !ok || r.Lat != live.UnknownCoord || r.Age != live.AgeNever {
		t.Errorf("a vehicle without position: %v %+v", ok, r)
	}
	c.send(`{"t":"follow","ids":[%q,"not-yet-there"]}`, far.ID)
	c.until("the followed vehicle", func() bool { _, ok := c.fleet[uint32(far.Handle)]; return ok })
}

// TestLiveDictionaryUnderChurn opens and closes vehicles while it watches; the
// client fails at a record whose handle it does not know.
func TestLiveDictionaryUnderChurn(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	c := z.live()
	c.hello()
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		var open []*vehicles.Identity
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			id, err := z.registry.OpenUnverified(vehicles.Source{Listener: "open", SystemID: uint8(i)}, vehicles.UAV, "")
			if err != nil {
				t.Error(err)
				return
			}
			z.report(id, 30.9, 121.92, 10)
			if open = append(open, id); len(open) > 20 {
				z.pipeline.Forget(open[0].Handle)
				open = open[1:]
			}
		}
	}()
	c.until("30 frames", func() bool { return len(c.frames) >= 30 })
	close(stop)
	<-done
	eventually(t, "the churn to settle", func() bool { return z.pipeline.Fanout().Current().Total <= 21 })
	z.report(z.open(200, vehicles.UAV), 30.9, 121.92, 10)
	last := z.open(201, vehicles.UAV)
	z.report(last, 30.9, 121.92, 10)
	c.until("the last vehicle", func() bool { _, ok := c.fleet[uint32(last.Handle)]; return ok })
	if len(c.dict) < 100 {
		t.Errorf("only %d vehicles came by", len(c.dict))
	}
	if len(c.fleet) > 23 {
		t.Errorf("%d vehicles are left in the client's picture", len(c.fleet))
	}
}

// TestLiveAlertEndToEnd: a position inside a fence becomes a transition and an
// alert on the websocket; the acknowledgement comes back on it.
func TestLiveAlertEndToEnd(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	c := z.live()
	c.hello()
	var f Fence
	z.call(adminToken, "POST", "/v1/fences", fenceBody("river", square, "")).json(t, &f)
	c.until("the fence", func() bool { return len(c.control) > 0 })
	if m := c.control[0]; m.T != "fence" || m.Op != "put" || !strings.Contains(string(m.Fence), f.ID) {
		t.Errorf("fence message: %+v", m)
	}
	v := z.open(1, vehicles.UAV)
	z.report(v, 30.8999, 121.925, 50)
	z.report(v, 30.9001, 121.925, 50)
	find := func(match func(controlMessage) bool) func() bool {
		return func() bool {
			for _, m := range c.control {
				if match(m) {
					return true
				}
			}
			return false
		}
	}
	var alert Alert
	c.until("the transition", find(func(m controlMessage) bool {
		return m.T == "transition" && m.Kind == "entered" && m.Vehicle.ID == string(v.ID)
	}))
	c.until("the alert", find(func(m controlMessage) bool { alert = m.Alert; return m.T == "alert" && m.Alert.State == "raised" }))
	if alert.Level != 3 || alert.Type != "fence_breach" || alert.Fence == nil || alert.Fence.ID != f.ID || alert.Fence.Rev != 1 ||
		alert.Evidence == nil || alert.Evidence.After == nil || alert.Evidence.After.Lat != 30.9001 || alert.Evidence.Before == nil || alert.Evidence.Before.Lat != 30.8999 {
		t.Errorf("alert: %+v", alert)
	}
	c.until("the alert's level on the record", func() bool { return c.fleet[uint32(v.Handle)].Status>>live.StatusAlertShift&3 == 3 })

	var listed AlertList
	z.call(observerToken, "GET", "/v1/alerts", "").json(t, &listed)
	if len(listed.Items) != 1 || listed.Items[0].ID != alert.ID {
		t.Errorf("listed: %+v", listed)
	}
	var acked Alert
	z.call(adminToken, "POST", "/v1/alerts/"+alert.ID+"/acknowledge", `{"note":"called the pilot"}`).json(t, &acked)
	if acked.State != "acknowledged" || acked.Acknowledged == nil || acked.Acknowledged.By != "bootstrap" || acked.Acknowledged.Note != "called the pilot" || !acked.Open {
		t.Errorf("acknowledged: %+v", acked)
	}
	var again Alert
	z.call(adminToken, "POST", "/v1/alerts/"+alert.ID+"/acknowledge", "").json(t, &again)
	if again.Acknowledged == nil || again.Acknowledged.At != acked.Acknowledged.At || again.Acknowledged.Note != "called the pilot" {
		t.Errorf("acknowledged twice: %+v", again)
	}
	c.until("the acknowledgement", find(func(m controlMessage) bool { return m.T == "alert" && m.Alert.State == "acknowledged" }))
	c.until("no level on the record", func() bool { return c.fleet[uint32(v.Handle)].Status>>live.StatusAlertShift&3 == 0 })

	var track Track
	z.call(observerToken, "GET", "/v1/tracks/"+string(v.ID), "").json(t, &track)
	if len(track.Breaches) != 1 || track.Breaches[0].FenceID != f.ID || track.Position == nil || track.Position.Lat != 30.9001 ||
		track.Enforcement.Enforced || track.Mode.Name != "mode 4" || track.Heights.AMSL == nil || *track.Heights.AMSL != 50 {
		t.Errorf("track: %+v", track)
	}
	if r := z.call(adminToken, "DELETE", "/v1/fences/"+f.ID, "", "If-Match", `"1"`); r.StatusCode != 204 {
		t.Fatalf("delete: %s", r.body)
	}
	c.until("the end of the fence", find(func(m controlMessage) bool { return m.T == "fence" && m.Op == "delete" }))
	c.until("the alert to clear", find(func(m controlMessage) bool { return m.T == "alert" && m.Alert.State == "cleared" && !m.Alert.Open }))
}

func TestLiveHealthChange(t *testing.T) {
	reasons := make(chan []telemetry.Reason, 1)
	var now []telemetry.Reason
	z := newTestZone(t, zoneOptions{health: func() []telemetry.Reason {
		select {
		case now = <-reasons:
		default:
		}
		return now
	}})
	c := z.live()
	c.hello()
	c.until("health", func() bool { return strings.Contains(string(c.last["health"]), `"ok"`) })
	reasons <- []telemetry.Reason{{Code: "journal_stalled", Text: "Look at the disk."}}
	c.until("degraded", func() bool { return strings.Contains(string(c.last["health"]), `"degraded"`) })
	if !strings.Contains(string(c.last["health"]), `"code":"journal_stalled","text":"Look at the disk."`) {
		t.Errorf("health: %s", c.last["health"])
	}
}

// TestLiveSessionEnds: an open socket notices a sign-out within 30 s.
func TestLiveSessionEnds(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	cookie := z.signIn(adminToken)
	conn, _, err := z.dial("Cookie", cookie, "Origin", z.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &liveClient{t: t, conn: conn, ack: true, dict: map[uint32]string{}, fleet: map[uint32]live.Record{}, last: map[string]json.RawMessage{}}
	c.hello()
	if r := z.call("", "DELETE", "/v1/session", "", "Cookie", cookie); r.StatusCode != 204 {
		t.Fatalf("sign out: %d", r.StatusCode)
	}
	z.clock.advance(recheckEvery)
	if code := c.ended(); code != closeExpired {
		t.Errorf("closed with %d", code)
	}
}

func TestLiveGoodbye(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	clients := []*liveClient{z.live(), z.live(), z.live()}
	for _, c := range clients[1:] { // the first never says hello
		c.hello()
	}
	began := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- z.stop() }()
	for _, c := range clients {
		if code := c.ended(); code != websocket.CloseServiceRestart {
			t.Errorf("closed with %d", code)
		}
		var bye byeMessage
		if err := json.Unmarshal(c.last["bye"], &bye); err != nil || bye.Reason != "restart" {
			t.Errorf("bye: %v: %s", err, c.last["bye"])
		}
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(began); took > drainTimeout {
		t.Errorf("drained in %v", took)
	}
}

func TestLiveTooManySessions(t *testing.T) {
	z := newTestZone(t, zoneOptions{sessions: 1})
	c := z.live()
	c.hello()
	_, res, err := z.dial("Authorization", "Bearer "+adminToken)
	if err == nil || res == nil || res.StatusCode != 503 {
		t.Fatalf("second session: %v %v", err, res)
	}
	c.conn.Close()
	eventually(t, "room", func() bool {
		conn, _, err := z.dial("Authorization", "Bearer "+adminToken)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// TestLive200Sessions: all get the same alert and the whole fleet.
func TestLive200Sessions(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.call(adminToken, "POST", "/v1/fences", fenceBody("river", square, ""))
	var fleet []*vehicles.Identity
	for i := range 100 {
		fleet = append(fleet, z.open(uint8(i), vehicles.UAV))
		z.report(fleet[i], 30.87, 121.91+float64(i)*1e-4, 10)
	}
	const sessions = 200
	clients := make([]*liveClient, sessions)
	for i := range clients {
		clients[i] = z.live()
		clients[i].send(`{"t":"hello","enc":["packed"],"lang":"en"}`)
		clients[i].send(wholeZone)
	}
	done := make(chan string, sessions)
	for _, c := range clients {
		go func() {
			for len(c.fleet) < len(fleet) || len(c.control) < 2 {
				if err := c.next(); err != nil {
					done <- err.Error()
					return
				}
			}
			done <- ""
		}()
	}
	z.report(fleet[0], 30.905, 121.925, 10)
	for range sessions {
		if failure := <-done; failure != "" {
			t.Error(failure)
		}
	}
}
