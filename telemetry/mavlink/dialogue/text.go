package dialogue

import (
	"context"
	"strings"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
)

const (
	maxLines  = 8
	chunkSize = 50 // bytes of text in a STATUSTEXT
)

// text joins the STATUSTEXT messages of a vehicle.
type text struct {
	lines []string
	id    uint16   // of the text that comes in chunks; 0: none
	part  []string // its chunks so far
}

// add takes a message. A text of several chunks counts once it is whole: a chunk
// that is not full is its last.
func (t *text) add(m *ardupilotmega.MessageStatustext) {
	if m.Id == 0 {
		t.line(m.Text)
		return
	}
	if m.Id != t.id {
		t.id, t.part = m.Id, nil
	}
	if int(m.ChunkSeq) != len(t.part) || len(t.part) == maxLines {
		return // one was lost, or it came twice
	}
	t.part = append(t.part, m.Text)
	if len(m.Text) < chunkSize {
		t.line(strings.Join(t.part, ""))
		t.id, t.part = 0, nil
	}
}

func (t *text) line(s string) {
	if s = strings.TrimSpace(strings.ToValidUTF8(s, "?")); s != "" && len(t.lines) < maxLines {
		t.lines = append(t.lines, s)
	}
}

func (t *text) String() string { return strings.Join(t.lines, "; ") }

// said is the reason that a vehicle gave for a refusal, before it or soon after.
func (t *text) said(ctx context.Context, b *Mailbox) string {
	timer := time.NewTimer(textTime)
	defer timer.Stop()
	for t.String() == "" {
		select {
		case <-ctx.Done():
			return ""
		case <-b.peer.done:
			return ""
		case <-timer.C:
			return ""
		case l := <-b.letters:
			if m, ok := l.Message.(*ardupilotmega.MessageStatustext); ok {
				t.add(m)
			}
		}
	}
	return t.String()
}
