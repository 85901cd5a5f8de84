package web

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"testzone/telemetry"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

// TestLiveResume cuts the connection again and again while fences change: the
// control channel has neither loss nor repetition.
func TestLiveResume(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	const changes = 60
	var all []uint64
	events, _ := z.bus.Subscribe(telemetry.SubscribeConfig{Name: "test", Limit: 10_000})
	defer events.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range changes {
			z.bus.Publish(time.Now().UnixMicro(), &telemetry.FenceChange{ID: fmt.Sprint("f", i), Rev: 1, Deleted: true})
			runtime.Gosched()
		}
	}()
	var got []uint64
	resume := ""
	for part := 0; ; part++ {
		c := z.live()
		c.send(`{"t":"hello",%s"enc":["packed"],"lang":"en"}`, resume)
		c.until("welcome", func() bool { return c.epoch != 0 })
		if part == 0 {
			c.cseq = c.head
			for n := uint64(1); n <= c.head; n++ {
				got = append(got, n) // before our time
			}
		} else if len(got) > 0 {
			c.cseq = got[len(got)-1]
		}
		c.until("a few messages", func() bool { return len(c.control) >= 7 || uint64(len(got)+len(c.control)) >= changes })
		for _, m := range c.control {
			got = append(got, m.CSeq)
		}
		if c.resets != 0 {
			t.Fatalf("reset in part %d", part)
		}
		c.conn.Close()
		resume = fmt.Sprintf(`"resume":{"epoch":%d,"seq":1,"alertSeq":%d},`, c.epoch, c.cseq)
		if len(got) >= changes {
			break
		}
	}
	<-done
	eventually(t, "all events", func() bool {
		more, err := events.Take()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range more {
			all = append(all, e.Seq)
		}
		return len(all) >= changes
	})
	if fmt.Sprint(got) != fmt.Sprint(all) {
		t.Errorf("got %v\nwant %v", got, all)
	}
}

func TestLiveResumeOutsideTheRing(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.bus.Publish(1, &telemetry.FenceChange{ID: "old", Deleted: true})
	z.bus.Publish(time.Now().UnixMicro(), &telemetry.FenceChange{ID: "new", Deleted: true}) // the ring forgets the old one
	head := uint64(2)
	for _, from := range []string{
		`{"epoch":4000000007,"seq":1,"alertSeq":0}`,  // before the ring
		`{"epoch":4000000007,"seq":1,"alertSeq":99}`, // never was
		`{"epoch":1,"seq":1,"alertSeq":1}`,           // another start of the server
	} {
		c := z.live()
		c.send(`{"t":"hello","resume":%s,"enc":["packed"],"lang":"en"}`, from)
		c.until("the dictionary", func() bool { return c.last["health"] != nil })
		if c.resets != 1 || c.head != head {
			t.Errorf("resume %s: %d resets, head %d", from, c.resets, c.head)
		}
		z.bus.Publish(time.Now().UnixMicro(), &telemetry.FenceChange{ID: "newer", Deleted: true})
		head++
	}
}

// TestLiveSlowClient stops acknowledging: two frames come, then none; after an
// acknowledgement one coalesced snapshot; without any, 4008 and where to resume.
func TestLiveSlowClient(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	v := z.open(1, vehicles.UAV)
	z.report(v, 30.9, 121.92, 10)
	eventually(t, "the vehicle in the picture", func() bool { return z.pipeline.Fanout().Current().Total == 1 })
	c := z.live()
	c.ack = false
	c.hello()
	move := func(n int) {
		for i := range n {
			z.report(v, 30.9+float64(i+1)*1e-5, 121.92, 10)
			after := z.pipeline.Fanout().Current()
			<-after.Changed()
		}
	}
	move(8)
	c.send(`{"t":"ping","clientTimeUs":7}`)
	c.until("pong", func() bool { return c.last["pong"] != nil })
	if len(c.frames) != maxInFlight {
		t.Fatalf("%d frames without an acknowledgement", len(c.frames))
	}
	c.send(`{"t":"ack","seq":%d,"renderMs":900,"queued":1}`, c.frames[1].Seq)
	c.until("the coalesced snapshot", func() bool { return len(c.frames) > maxInFlight })
	f := c.frames[maxInFlight]
	if f.Type != live.Snapshot || f.Flags&live.FlagCoalesced == 0 || f.Flags&live.FlagLast == 0 {
		t.Errorf("frame after a pause: %+v", f)
	}
	z.clock.advance(ackTimeout)
	if code := c.ended(); code != closeSlow {
		t.Errorf("closed with %d", code)
	}
	var bye byeMessage
	if err := json.Unmarshal(c.last["bye"], &bye); err != nil || bye.Reason != "too_slow" || bye.Resume.Epoch != c.epoch {
		t.Errorf("bye: %v: %s", err, c.last["bye"])
	}
}

func TestLiveHeartbeat(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	c := z.live()
	c.hello()
	c.until("two heartbeats", func() bool {
		n := 0
		for _, f := range c.frames {
			if f.Type == live.Heartbeat {
				n++
			}
		}
		return n >= 2
	})
	if len(c.frames) > 4 {
		t.Errorf("%d frames of an empty zone", len(c.frames))
	}
}

func TestLiveLowRate(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	v := z.open(1, vehicles.UAV)
	z.report(v, 30.9, 121.92, 10)
	c := z.live()
	c.send(`{"t":"hello","enc":["packed"],"lang":"en"}`)
	c.send(`{"t":"sub","bbox":[121.90,30.85,121.96,30.95],"maxHz":2,"zoom":12}`)
	c.until("three frames", func() bool { return len(c.frames) >= 3 })
	for i := 1; i < 3; i++ {
		if d := c.frames[i].Seq - c.frames[i-1].Seq; d < 5 {
			t.Errorf("frames are %d ticks apart at 2 Hz", d)
		}
		if c.frames[i].Flags&live.FlagReduced != 0 {
			t.Error("what was asked for counts as reduced")
		}
	}
}

// TestLiveGoodbyeToStuckClient: a client that reads nothing does not hold the
// stop of the server.
func TestLiveGoodbyeToStuckClient(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	var ring strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&ring, "[%.5f,30.9],", 121.91+float64(i)*1e-5)
	}
	ring.WriteString("[121.92,30.95],[121.91,30.9]")
	var f Fence
	z.call(adminToken, "POST", "/v1/fences", fenceBody("large", `{"type":"Polygon","coordinates":[[`+ring.String()+`]]}`, "")).json(t, &f)
	d := websocket.Dialer{Subprotocols: []string{subprotocol}, NetDial: func(network, addr string) (net.Conn, error) {
		c, err := net.Dial(network, addr)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(4096)
		}
		return c, err
	}}
	conn, _, err := d.Dial("ws"+strings.TrimPrefix(z.url, "http")+livePath, http.Header{"Authorization": {"Bearer " + adminToken}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &liveClient{t: t, conn: conn, dict: map[uint32]string{}, fleet: map[uint32]live.Record{}, last: map[string]json.RawMessage{}}
	c.hello()
	for range 200 { // about 8 MB
		z.bus.Publish(time.Now().UnixMicro(), &telemetry.FenceChange{ID: f.ID, Rev: f.Rev})
	}
	// The writer is stuck once its ticks pass without a frame.
	for range 3 {
		<-z.pipeline.Fanout().Current().Changed()
	}
	began := time.Now()
	if err := z.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(began); took > 3*goodbyeWait {
		t.Errorf("stopped in %v", took)
	}
}
