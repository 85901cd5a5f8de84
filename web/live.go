package web

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"testzone/airspace"
	"testzone/telemetry"
)

const (
	livePath    = "/v1/live"
	subprotocol = "zl.v1"

	readLimit   = 64 << 10
	writeBuffer = 128 << 10 // of the kernel: more would hide a slow reader, ui.md 5.7
	writeWait   = 5 * time.Second
	// encodedEvents is how many control messages are kept encoded: each is
	// encoded once, whatever the number of sessions.
	encodedEvents = 4096
)

// liveHub is what the live sessions share.
type liveHub struct {
	s        *Server
	upgrader websocket.Upgrader
	stopping chan struct{}

	mu       sync.Mutex // guards the fields below
	stopped  bool
	sessions int
	conns    map[net.Conn]struct{}
	idle     chan struct{} // closed when stopped and no session is left
	encoded  map[uint64]*encodedEvent
	order    []uint64

	healthMu sync.Mutex // guards the fields below: who asks for health never delays an alert
	healthAt time.Time
	health   healthMessage
}

// encodedEvent is a control message that all sessions share.
type encodedEvent struct {
	once  sync.Once
	bytes []byte
}

func newLiveHub(s *Server) *liveHub {
	h := &liveHub{s: s, stopping: make(chan struct{}), idle: make(chan struct{}), conns: map[net.Conn]struct{}{}, encoded: map[uint64]*encodedEvent{}}
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: writeWait,
		Subprotocols:     []string{subprotocol},
		CheckOrigin:      func(*http.Request) bool { return true }, // checked before, with a better answer
		Error: func(w http.ResponseWriter, r *http.Request, status int, reason error) {
			writeProblem(w, newProblem(r.Context(), status, "no_websocket", reason.Error()))
		},
	}
	return h
}

// enter counts a session in.
func (h *liveHub) enter() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.stopped:
		return errStopping
	case h.sessions >= h.s.cfg.MaxSessions:
		return errTooManySessions
	}
	h.sessions++
	return nil
}

// count is how many sessions are open.
func (h *liveHub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions
}

func (h *liveHub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions--
	if h.stopped && h.sessions == 0 {
		close(h.idle)
	}
}

// track remembers the connection of a session while it lives.
func (h *liveHub) track(c net.Conn) (forget func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[c] = struct{}{}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.conns, c)
	}
}

// stop tells every session to say goodbye. One that is stuck in writing to a
// client that does not read is let go soon.
func (h *liveHub) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return
	}
	h.stopped = true
	close(h.stopping)
	for c := range h.conns {
		_ = c.SetWriteDeadline(time.Now().Add(goodbyeWait))
	}
	if h.sessions == 0 {
		close(h.idle)
	}
}

// wait returns when no session is left.
func (h *liveHub) wait(ctx context.Context) error {
	select {
	case <-h.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// encode is the control message of an event; nil when the channel does not
// carry it. Whoever comes first encodes, outside of the lock.
func (h *liveHub) encode(e *telemetry.Event, sees telemetry.View, org string) []byte {
	shown, ok := sees.Event(e.Body)
	switch alert, is := shown.(*telemetry.Alert); {
	case !ok:
		return nil
	case is && shown != e.Body: // masked: not what the others get
		return encodeJSON(alertMessage{T: "alert", CSeq: e.Seq, JSeq: alert.JournalSeq, Alert: alertOf(alert)})
	}
	if !sees.Whole() { // who sees everything gets the same
		if m := h.s.notice(e.Seq, e.Body, sees); m != nil {
			return encodeJSON(m)
		}
	}
	if c, is := e.Body.(*telemetry.FenceChange); is && c.ID != "" {
		if ahead := h.s.cfg.Register.Ahead(org); ahead != 0 { // nor is this
			return encodeJSON(h.fenceMessage(e.Seq, c, ahead))
		}
	}
	h.mu.Lock()
	enc, ok := h.encoded[e.Seq]
	if !ok {
		if len(h.order) >= encodedEvents {
			delete(h.encoded, h.order[0])
			h.order = h.order[1:]
		}
		enc = &encodedEvent{}
		h.order = append(h.order, e.Seq)
		h.encoded[e.Seq] = enc
	}
	h.mu.Unlock()
	enc.once.Do(func() {
		switch body := e.Body.(type) {
		case *telemetry.Alert:
			enc.bytes = encodeJSON(alertMessage{T: "alert", CSeq: e.Seq, JSeq: body.JournalSeq, Alert: alertOf(body)})
		case *telemetry.Transition:
			enc.bytes = encodeJSON(transitionOf(e.Seq, body))
		case *telemetry.Jump:
			enc.bytes = encodeJSON(jumpOf(e.Seq, body))
		case *telemetry.FenceChange:
			if body.ID == "" { // more than is told one by one: the client reads everything again
				enc.bytes = encodeJSON(resetMessage{T: "reset"})
				break
			}
			enc.bytes = encodeJSON(h.fenceMessage(e.Seq, body, 0))
		default:
			if m := h.s.notice(e.Seq, body, sees); m != nil {
				enc.bytes = encodeJSON(m)
			}
		}
	})
	return enc.bytes
}

// fenceMessage shows the fence as it is now, which may be newer than the event:
// the client keeps the highest revision.
func (h *liveHub) fenceMessage(seq uint64, c *telemetry.FenceChange, ahead time.Duration) fenceMessage {
	r, err := h.s.cfg.Register.Fence(c.ID)
	if err != nil || r.Deleted || c.Deleted {
		rev := c.Rev
		if err == nil {
			rev = max(rev, r.Fence.Rev)
		}
		return fenceMessage{T: "fence", CSeq: seq, Op: "delete", Fence: fenceGone{ID: c.ID, Rev: rev}}
	}
	return fenceMessage{T: "fence", CSeq: seq, Op: "put", Fence: h.s.fenceOf(&r, ahead)}
}

// healthNow is the state of the system, asked at most once a second for all.
func (h *liveHub) healthNow(now time.Time) healthMessage {
	h.healthMu.Lock()
	defer h.healthMu.Unlock()
	if h.healthAt.IsZero() || now.Sub(h.healthAt) >= time.Second {
		h.healthAt = now
		h.health.T = "health"
		h.health.Status, h.health.Reasons = h.s.health()
	}
	return h.health
}

// encodeJSON writes a message of ours.
func encodeJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("live message does not encode: " + err.Error()) // only a defect of ours
	}
	return b
}

// serveLive upgrades a request to a live session. Everything is checked before
// the upgrade, so that a refusal is a problem with a status.
func (s *Server) serveLive(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if !s.sameOrigin(r) {
		s.refuse(w, r, liveOperation, airspace.Actor{}, newProblem(ctx, http.StatusForbidden, "cross_origin", "This page's origin may not use the live channel."))
		return
	}
	actor, err := s.authorise(r, rules()[liveOperation])
	if err != nil {
		s.refuse(w, r, liveOperation, actor, s.problemOf(ctx, err))
		return
	}
	if !websocket.IsWebSocketUpgrade(r) {
		writeProblem(w, newProblem(ctx, http.StatusBadRequest, "no_websocket", "This path is a websocket."))
		return
	}
	if !slices.Contains(websocket.Subprotocols(r), subprotocol) {
		writeProblem(w, newProblem(ctx, http.StatusBadRequest, "subprotocol_required", "Ask for the subprotocol zl.v1."))
		return
	}
	if err := s.live.enter(); err != nil {
		writeProblem(w, s.problemOf(ctx, err))
		return
	}
	defer s.live.leave()
	conn, err := s.live.upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.log.DebugContext(ctx, "websocket upgrade failed", "request_id", requestID(ctx), "error", err)
		return // the upgrader has answered
	}
	defer conn.Close()
	defer s.live.track(conn.NetConn())()
	setWriteBuffer(conn.NetConn())
	l := newLiveSession(s, conn, r, s.viewOfActor(actor))
	l.org = actor.Org
	l.run()
}

// sameOrigin compares the whole origin. Programs that are no browsers send
// none; they need a bearer token or the cookie like everybody.
func (s *Server) sameOrigin(r *http.Request) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	if len(values) > 1 {
		return false
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return values[0] == scheme+r.Host || slices.Contains(s.cfg.AllowedOrigins, values[0])
}

// setWriteBuffer bounds what the kernel holds for a reader that is slow.
func setWriteBuffer(c net.Conn) {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = t.NetConn()
	}
	if t, ok := c.(interface{ SetWriteBuffer(int) error }); ok {
		_ = t.SetWriteBuffer(writeBuffer) // the kernel's default works too
	}
}
