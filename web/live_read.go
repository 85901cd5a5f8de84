package web

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

// read hands the client's messages to the writer.
func (l *liveSession) read() {
	l.conn.SetReadLimit(readLimit)
	alive := func() { _ = l.conn.SetReadDeadline(time.Now().Add(readWait)) }
	alive()
	l.conn.SetPongHandler(func(string) error { alive(); return nil })
	messages := rate.NewLimiter(messagesPerSecond, messagesPerSecond)
	acks := rate.NewLimiter(acksPerSecond, 2*acksPerSecond)
	var buf bytes.Buffer
	for {
		kind, r, err := l.conn.NextReader()
		if err == nil {
			buf.Reset()
			_, err = io.Copy(&buf, r)
		}
		if err != nil {
			l.hand(err)
			return
		}
		alive()
		var m any
		if kind == websocket.TextMessage {
			m, err = parseMessage(buf.Bytes())
		} else {
			err = fmt.Errorf("%w: binary", errProtocol)
		}
		if err != nil {
			l.hand(&closing{closeProtocol, err.Error()})
			l.discard()
			return
		}
		limit := messages
		switch m.(type) {
		case *ackMessage, *alertAckMessage:
			limit = acks
		}
		if !limit.Allow() {
			l.hand(&closing{closeRate, "too many messages"})
			l.discard()
			return
		}
		l.hand(m)
	}
}

func (l *liveSession) hand(m any) {
	select {
	case l.in <- m:
	case <-l.done:
	}
}

// discard reads on until the connection ends: closing a socket with unread
// bytes would take the close code away from the client.
func (l *liveSession) discard() {
	for {
		if _, _, err := l.conn.NextReader(); err != nil {
			return
		}
	}
}
