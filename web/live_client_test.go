package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"testzone/telemetry/live"
)

// liveClient is a real websocket client that keeps the picture as the page does.
type liveClient struct {
	t    *testing.T
	conn *websocket.Conn

	ack     bool // acknowledge every frame
	epoch   uint32
	head    uint64 // of welcome
	cseq    uint64
	dict    map[uint32]string
	fleet   map[uint32]live.Record
	frames  []live.Header
	control []controlMessage
	last    map[string]json.RawMessage // newest message of each other type
	resets  int
	texts   []string // all text messages, as they came
}

type controlMessage struct {
	T       string          `json:"t"`
	CSeq    uint64          `json:"cseq"`
	Op      string          `json:"op"`
	Kind    string          `json:"kind"`
	Alert   Alert           `json:"alert"`
	Fence   json.RawMessage `json:"fence"`
	Vehicle struct {
		ID string `json:"id"`
	} `json:"vehicle"`
}

func (z *testZone) dial(header ...string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{}
	protocols := []string{subprotocol}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Sec-WebSocket-Protocol" {
			protocols = nil
			if header[i+1] != "" {
				protocols = strings.Split(header[i+1], ",")
			}
			continue
		}
		h.Add(header[i], header[i+1])
	}
	d := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: 5 * time.Second}
	return d.Dial("ws"+strings.TrimPrefix(z.url, "http")+livePath, h)
}

// live connects with the given headers, by default as the administrator.
func (z *testZone) live(header ...string) *liveClient {
	z.t.Helper()
	if len(header) == 0 {
		header = []string{"Authorization", "Bearer " + adminToken}
	}
	conn, _, err := z.dial(header...)
	if err != nil {
		z.t.Fatalf("dial: %v", err)
	}
	z.t.Cleanup(func() { conn.Close() })
	return &liveClient{
		t: z.t, conn: conn, ack: true, dict: map[uint32]string{}, fleet: map[uint32]live.Record{}, last: map[string]json.RawMessage{},
	}
}

func (c *liveClient) send(format string, args ...any) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// next takes one message in. The error is the one that ended the connection.
func (c *liveClient) next() error {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	kind, b, err := c.conn.ReadMessage()
	if err != nil {
		return err
	}
	if kind == websocket.TextMessage {
		c.texts = append(c.texts, string(b))
		c.text(b)
	} else {
		c.frame(b)
	}
	return nil
}

func (c *liveClient) text(b []byte) {
	c.t.Helper()
	var head struct {
		T    string `json:"t"`
		CSeq uint64 `json:"cseq"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		c.t.Fatalf("text message: %v", err)
	}
	switch head.T {
	case "welcome":
		var m welcomeMessage
		_ = json.Unmarshal(b, &m)
		c.epoch, c.head = m.Epoch, m.CSeq
	case "dict":
		var m dictMessage
		if err := json.Unmarshal(b, &m); err != nil || m.V == nil || m.Grid.Cols != 16 || m.Datum != "amsl" {
			c.t.Errorf("dict: %v: %s", err, b)
		}
		for _, e := range m.V {
			c.dict[e.H] = e.ID
		}
	case "alert", "transition", "fence", "orders", "zone", "duty", "compliance":
		var m controlMessage
		if err := json.Unmarshal(b, &m); err != nil {
			c.t.Errorf("control message: %v: %s", err, b)
		}
		if m.CSeq <= c.cseq {
			c.t.Errorf("control message %d came after %d", m.CSeq, c.cseq)
		}
		c.cseq = m.CSeq
		c.control = append(c.control, m)
	case "reset":
		c.resets++
	default:
		c.last[head.T] = append(json.RawMessage(nil), b...)
	}
}

func (c *liveClient) frame(b []byte) {
	c.t.Helper()
	f, err := live.Decode(b)
	if err != nil {
		c.t.Fatalf("frame: %v", err)
	}
	if f.Epoch != c.epoch {
		c.t.Errorf("frame of epoch %d in %d", f.Epoch, c.epoch)
	}
	if n := len(c.frames); n > 0 && f.Seq < c.frames[n-1].Seq {
		c.t.Errorf("frame %d came after %d", f.Seq, c.frames[n-1].Seq)
	}
	c.frames = append(c.frames, f.Header)
	seen := map[uint32]bool{}
	for _, g := range f.Groups {
		for _, r := range g.Records {
			if _, known := c.dict[r.Handle]; !known {
				c.t.Errorf("handle %d has a record before its dictionary entry", r.Handle)
			}
			c.fleet[r.Handle] = r
			seen[r.Handle] = true
		}
	}
	switch {
	case f.Type == live.Snapshot && f.Flags&live.FlagLast != 0:
		for h := range c.fleet {
			if !seen[h] {
				delete(c.fleet, h)
			}
		}
	case f.Type == live.Remove:
		for _, h := range f.Removed {
			delete(c.fleet, h)
		}
	}
	if c.ack {
		c.send(`{"t":"ack","seq":%d,"renderMs":3.5,"queued":0}`, f.Seq)
	}
}

// until reads until done says so.
func (c *liveClient) until(what string, done func() bool) {
	c.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			c.t.Fatalf("timed out: %s", what)
		}
		if err := c.next(); err != nil {
			c.t.Fatalf("%s: %v", what, err)
		}
	}
}

// ended reads to the end and returns the close code.
func (c *liveClient) ended() int {
	c.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		if time.Now().After(deadline) {
			c.t.Fatal("the connection does not end")
		}
		if err := c.next(); err != nil {
			var closed *websocket.CloseError
			if errors.As(err, &closed) {
				return closed.Code
			}
			c.t.Fatalf("ended without a close code: %v", err)
		}
	}
}

func (c *liveClient) hello() {
	c.t.Helper()
	c.send(`{"t":"hello","enc":["packed"],"lang":"en"}`)
	c.until("welcome", func() bool { return c.epoch != 0 })
}

const wholeZone = `{"t":"sub","bbox":[121.90,30.85,121.96,30.95],"maxHz":10,"zoom":12}`
