package dialogue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

const (
	mailboxSize = 64 // answers
	maxBoxes    = 16 // conversations with one vehicle at once

	idStatusText = 253
)

// Letter is a message of a vehicle and when it was received, in µs since the Unix
// epoch.
type Letter struct {
	ReceivedUS int64
	Message    message.Message
}

// Mailbox holds what a vehicle says to one conversation.
type Mailbox struct {
	peer    *peer
	letters chan Letter
	match   func(message.Message) bool
}

// Listen opens a mailbox for the messages of a vehicle that match, until Close.
// match is called by the goroutine that receives: it must be quick.
func (e *Exchange) Listen(h vehicles.Handle, match func(message.Message) bool) (*Mailbox, error) {
	p, err := e.peer(h)
	if err != nil {
		return nil, err
	}
	return p.listen(match)
}

func (p *peer) listen(match func(message.Message) bool) (*Mailbox, error) {
	b := &Mailbox{p, make(chan Letter, mailboxSize), match}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.boxes) == maxBoxes {
		return nil, fmt.Errorf("vehicle %s: %w", p.vehicle, ErrTooMany)
	}
	p.boxes = append(p.boxes, b)
	return b, nil
}

// Close ends the conversation.
func (b *Mailbox) Close() {
	b.peer.mu.Lock()
	defer b.peer.mu.Unlock()
	b.peer.boxes = slices.DeleteFunc(b.peer.boxes, func(o *Mailbox) bool { return o == b })
}

// Letters yields what came in, in its order. Gone ends with the vehicle's session.
func (b *Mailbox) Letters() <-chan Letter { return b.letters }

// Gone is closed when the vehicle is not heard any more.
func (b *Mailbox) Gone() <-chan struct{} { return b.peer.done }

const (
	answerTime   = time.Second      // that an answer may take
	retries      = 5                // after the first request
	progressTime = 30 * time.Second // from one sign of progress to the next
)

// next says how a conversation goes on after a letter.
type next struct {
	done   bool
	err    error         // with done
	in     time.Duration // ask again after it (soon: at once)
	soon   bool
	listen time.Duration // only listen for this long: the vehicle is at it
}

// converse sends and waits until take is done with what comes in. request n is
// the n-th, from 0; a request that cannot be sent now is one that got lost.
func (e *Exchange) converse(ctx context.Context, b *Mailbox, requests int, send func(n int) error, take func(Letter) next) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var unsent error
	sent, working := 0, false
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-b.peer.done:
			return ErrGone
		case <-timer.C:
			if working || n == requests {
				e.unanswered.Add(1)
				if sent == 0 {
					return unsent
				}
				return fmt.Errorf("%w: asked %d times", ErrNoAnswer, sent)
			}
			switch err := send(n); {
			case err == nil:
				sent++
			case errors.Is(err, errEnough):
				return nil
			case n == 0 && errors.Is(err, mavlink.ErrNoRoute), hopeless(err):
				return err
			default:
				unsent = err
			}
			n++
			timer.Reset(answerTime)
		case l := <-b.letters:
			switch then := take(l); {
			case then.done:
				return then.err
			case then.soon || then.in > 0:
				working = false
				timer.Reset(then.in)
			case then.listen > 0:
				working = true
				timer.Reset(then.listen)
			}
		}
	}
}

// errEnough ends a conversation instead of a request.
var errEnough = errors.New("nothing more is asked")

// hopeless reports whether the next try would fail like this one.
func hopeless(err error) bool {
	return errors.Is(err, mavlink.ErrForbidden) || errors.Is(err, mavlink.ErrTarget) || errors.Is(err, mavlink.ErrEncode)
}
