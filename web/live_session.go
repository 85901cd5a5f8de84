package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"testzone/telemetry"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

// Close codes of zl.v1.
const (
	closeProtocol = 4400
	closeExpired  = 4401
	closeNoRight  = 4403
	closeVersion  = 4409
	closeSlow     = 4008
	closeRate     = 4429
)

const (
	helloWait     = 5 * time.Second
	readWait      = 40 * time.Second // a pong or a message must come within this
	pingEvery     = 15 * time.Second
	recheckEvery  = 5 * time.Second // log-out and role changes reach open sockets and event streams, within 30 s as platform.md section 6 asks
	heartbeatWait = time.Second
	goodbyeWait   = time.Second
	dictChunk     = 1000 // entries in one message
	controlQueue  = 1000 // control messages that may wait; more is too slow
	resumeQueue   = 40_000
	// A person's page sends few messages. Acknowledgements come with every
	// frame and every alert, so they are bounded apart.
	messagesPerSecond = 20
	acksPerSecond     = 500
)

// closing is why a session ends.
type closing struct {
	code   int
	reason string
}

func (c *closing) Error() string { return fmt.Sprintf("close %d: %s", c.code, c.reason) }

// liveSession is one websocket. Everything in it belongs to its writer, the
// goroutine of run; the reader only hands over messages.
type liveSession struct {
	s    *Server
	conn *websocket.Conn
	r    *http.Request
	in   chan any      // parsed messages, or the error that ended the reading
	done chan struct{} // closed when the writer has ended

	sub    *telemetry.Subscription
	pace   pace
	sees   telemetry.View // what its person may see
	org    string         // of its person
	view   live.CellSet
	wanted []string // ids that are followed
	follow []uint32 // the handles that they have now

	known    uint32 // handles up to this one are in the client's dictionary
	lastTick uint64 // tick that the client's picture holds
	fresh    bool   // the client needs the whole picture
	hold     bool   // until the next tick: the client's sub is probably on its way
	resumed  bool   // what was missed has not been written yet
	cseq     uint64 // newest control event that was written
	health   healthMessage

	rechecked, pinged time.Time
	buf               []byte
}

func newLiveSession(s *Server, conn *websocket.Conn, r *http.Request, sees telemetry.View) *liveSession {
	return &liveSession{
		s: s, conn: conn, r: r, sees: sees, in: make(chan any, 16), done: make(chan struct{}), view: live.AllCells(),
	}
}

// run is the session's life. It returns after its reader has ended.
func (l *liveSession) run() {
	read := make(chan struct{})
	go func() {
		defer close(read)
		l.read()
	}()
	err := l.write()
	close(l.done)
	if l.sub != nil {
		l.sub.Close()
	}
	var end *closing
	if errors.As(err, &end) {
		l.s.log.Debug("live session closed", "code", end.code, "reason", end.reason, "request_id", requestID(l.r.Context()))
		l.goodbye(end)
	}
	// The peer answers the close; whoever does not is cut off.
	cut := time.AfterFunc(goodbyeWait, func() { _ = l.conn.Close() })
	if end == nil {
		_ = l.conn.Close()
	}
	<-read
	cut.Stop()
	_ = l.conn.Close()
}

// goodbye tells the client why, and from where to go on.
func (l *liveSession) goodbye(end *closing) {
	deadline := time.Now().Add(goodbyeWait)
	_ = l.conn.SetWriteDeadline(deadline)
	if end.code == closeSlow || end.code == websocket.CloseServiceRestart {
		bye := byeMessage{T: "bye", Reason: end.reason, Resume: resumeFrom{
			Epoch: l.s.cfg.Registry.Epoch(), Seq: l.lastTick, AlertSeq: l.cseq,
		}}
		if l.conn.WriteMessage(websocket.TextMessage, encodeJSON(bye)) != nil {
			return
		}
	}
	_ = l.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(end.code, end.reason), deadline)
}

// write is the session's one writer.
func (l *liveSession) write() error {
	if err := l.awaitHello(); err != nil {
		return err
	}
	fan := l.s.cfg.Pipeline.Fanout()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		// Alerts first: they never wait for positions.
		if err := l.sendControl(); err != nil {
			return err
		}
		p := fan.Current()
		if err := l.sendPicture(p); err != nil {
			return err
		}
		select {
		case m := <-l.in:
			if err := l.take(m); err != nil {
				return err
			}
		case <-l.sub.Ready():
		case <-p.Changed():
		case <-second.C:
			if err := l.keepHouse(); err != nil {
				return err
			}
		case <-l.s.live.stopping:
			return &closing{websocket.CloseServiceRestart, "restart"}
		}
	}
}

func (l *liveSession) awaitHello() error {
	timeout := time.NewTimer(helloWait)
	defer timeout.Stop()
	select {
	case m := <-l.in:
		switch m := m.(type) {
		case *helloMessage:
			return l.begin(m)
		case error:
			return m
		}
		return &closing{closeProtocol, "the first message must be hello"}
	case <-timeout.C:
		return &closing{closeProtocol, "no hello"}
	case <-l.s.live.stopping:
		return &closing{websocket.CloseServiceRestart, "restart"}
	}
}

// begin answers the hello: where the control channel stands, what was missed,
// the grid, the state of the system. The picture follows.
func (l *liveSession) begin(m *helloMessage) error {
	if len(m.Enc) > 0 && !slices.Contains(m.Enc, "packed") {
		return &closing{closeVersion, "only enc packed is spoken"}
	}
	now := l.s.cfg.Clock()
	l.rechecked, l.pinged = now, now
	l.fresh, l.hold = true, true
	l.lastTick = l.s.cfg.Pipeline.Fanout().Current().Seq
	reset := l.subscribe(m.Resume)
	epoch := l.s.cfg.Registry.Epoch()
	err := l.text(welcomeMessage{T: "welcome", Epoch: epoch, CSeq: l.sub.Head(), ServerTimeUS: now.UnixMicro()})
	if err == nil && reset {
		err = l.text(resetMessage{T: "reset"})
	}
	if err == nil {
		err = l.sendDict(l.s.cfg.Pipeline.Fanout().Current(), 0)
	}
	if err == nil {
		l.health = l.s.live.healthNow(now)
		err = l.text(l.health)
	}
	if err == nil {
		err = l.text(coverageOf(0, l.s.cfg.Coverage.Count(l.sees)))
	}
	return err
}

// subscribe joins the bus where the client left it, if the bus still knows. It
// reports whether the client asked for that in vain.
func (l *liveSession) subscribe(from *resumeFrom) (reset bool) {
	cfg := telemetry.SubscribeConfig{Name: "live_session"}
	if from != nil && from.Epoch == l.s.cfg.Registry.Epoch() {
		cfg.Resume, cfg.After = true, from.AlertSeq
		// What was missed is no sign of slowness: all that the bus remembers fits.
		cfg.Limit = resumeQueue
		sub, resumed := l.s.cfg.Bus.Subscribe(cfg)
		if l.sub = sub; resumed {
			l.cseq, l.resumed = from.AlertSeq, true
			return false
		}
		sub.Close()
	}
	l.sub, _ = l.s.cfg.Bus.Subscribe(telemetry.SubscribeConfig{Name: "live_session"})
	l.cseq = l.sub.Head()
	return from != nil
}

// take acts on one message of the client.
func (l *liveSession) take(m any) error {
	now := l.s.cfg.Clock()
	switch m := m.(type) {
	case *subMessage:
		return l.takeSub(m)
	case *followMessage:
		l.wanted = m.IDs
		l.resolveFollowed()
		l.fresh = true
	case *ackMessage:
		if !l.pace.ack(m.Seq, now) {
			return &closing{closeProtocol, "ack of a frame that was not sent"}
		}
	case *alertAckMessage:
		if m.AlertSeq > l.cseq {
			return &closing{closeProtocol, "alertAck of a message that was not sent"}
		}
	case *pingMessage:
		return l.text(pongMessage{T: "pong", ClientTimeUS: m.ClientTimeUS, ServerTimeUS: now.UnixMicro()})
	case *helloMessage:
		return &closing{closeProtocol, "hello comes once"}
	case error:
		return m
	}
	return nil
}

func (l *liveSession) takeSub(m *subMessage) error {
	fan := l.s.cfg.Pipeline.Fanout()
	l.view = fan.Grid().Within(m.box())
	l.pace.grant(m.MaxHz)
	l.fresh, l.hold = true, false
	meta := snapMetaMessage{T: "snapmeta", Total: fan.Current().Total, Hz: l.pace.hz(), Cells: []uint32{}}
	for c := range uint32(live.CellCount) {
		if l.view.Has(c) {
			meta.Cells = append(meta.Cells, c)
		}
	}
	return l.text(meta)
}

// resolveFollowed finds the handles of the followed ids: a vehicle may appear
// later, or come back under another handle.
func (l *liveSession) resolveFollowed() {
	l.follow = l.follow[:0]
	for _, id := range l.wanted {
		if h, ok := l.sees.Lookup(l.s.cfg.Registry, vehicles.VehicleID(id)); ok && !slices.Contains(l.follow, uint32(h)) {
			l.follow = append(l.follow, uint32(h))
		}
	}
}

// keepHouse is done once a second.
func (l *liveSession) keepHouse() error {
	now := l.s.cfg.Clock()
	if now.Sub(l.rechecked) >= recheckEvery {
		l.rechecked = now
		switch actor, err := l.s.authorise(l.r, rules()[liveOperation]); {
		case errors.Is(err, errForbidden):
			return &closing{closeNoRight, "no right"}
		case err != nil:
			return &closing{closeExpired, "session ended"}
		case l.s.viewOfActor(actor) != l.sees: // a key's owner went to another organisation
			return &closing{closeExpired, "sees something else now"}
		}
	}
	if l.pace.tooSlow(now) {
		return &closing{closeSlow, "too_slow"}
	}
	if now.Sub(l.pinged) >= pingEvery {
		l.pinged = now
		if err := l.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)); err != nil {
			return err
		}
	}
	l.resolveFollowed()
	if h := l.s.live.healthNow(now); h.Status != l.health.Status || !slices.Equal(h.Reasons, l.health.Reasons) {
		l.health = h
		return l.text(h)
	}
	return nil
}
