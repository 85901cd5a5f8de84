package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"testzone/telemetry/journal"
)

// The headers of a delivery.
const (
	SignatureHeader = "Testzone-Signature" // t=<unix seconds>,v1=<hex HMAC-SHA-256 of "<t>.<body>">
	EventHeader     = "Testzone-Event"     // journal sequence: the same event, if it comes twice
	HookHeader      = "Testzone-Webhook"   // id of the hook
)

// errGivenUp ends the sending to a hook.
var errGivenUp = errors.New("given up")

// Sign is the value of SignatureHeader.
func Sign(secret string, unix int64, body []byte) string {
	t := strconv.FormatInt(unix, 10)
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(t + "."))
	m.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(m.Sum(nil))
}

// Run sends until ctx ends.
func (n *Notifier) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var senders sync.WaitGroup
	running := map[string]context.CancelFunc{}
	save := time.NewTicker(n.cfg.Save)
	defer save.Stop()
	ended := make(chan string)
	n.signal() // those that were read
	for {
		select {
		case <-n.wake:
			n.reconcile(ctx, running, &senders, ended)
		case id := <-ended:
			running[id]()
			delete(running, id)
			n.signal() // it may have been resumed meanwhile
		case <-save.C:
			n.saveIfDirty()
		case <-ctx.Done():
			cancel()
			go func() { senders.Wait(); close(ended) }()
			for range ended { // each sender tells of its end
			}
			n.saveIfDirty()
			n.client.CloseIdleConnections()
			return ctx.Err()
		}
	}
}

func (n *Notifier) saveIfDirty() {
	n.mu.Lock()
	dirty := n.dirty
	n.mu.Unlock()
	if !dirty {
		return
	}
	if err := n.save(); err != nil {
		n.cfg.Logger.Warn("webhook places not saved; events may be sent again after a restart", "err", err)
	}
}

// reconcile starts a sender for each active hook without one, and ends those
// whose hook is gone.
func (n *Notifier) reconcile(ctx context.Context, running map[string]context.CancelFunc, senders *sync.WaitGroup, ended chan<- string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, stop := range running {
		if n.hooks[id] == nil {
			stop()
		}
	}
	for id, h := range n.hooks {
		if running[id] != nil || h.State != Active {
			continue
		}
		own, stop := context.WithCancel(ctx)
		running[id] = stop
		from, url, secret, types := h.Acked+1, h.URL, h.Secret, h.Types
		senders.Go(func() {
			err := n.cfg.Source.Follow(own, from, func(rec journal.Record) error {
				body, ok := n.cfg.Encode(&rec, types)
				if ok {
					if err := n.deliver(own, id, url, secret, rec.Seq, body); err != nil {
						return err
					}
				}
				n.done(id, rec.Seq)
				return nil
			})
			if err != nil && own.Err() == nil && !errors.Is(err, errGivenUp) && !errors.Is(err, journal.ErrClosed) {
				n.giveUp(id, err)
			}
			ended <- id
		})
	}
}

// done moves the place of a hook.
func (n *Notifier) done(id string, seq uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h := n.hooks[id]; h != nil {
		next := *h
		next.Acked, next.Attempts, next.FailedUS, next.LastError = seq, 0, 0, ""
		n.hooks[id], n.dirty = &next, true
	}
}

func (n *Notifier) giveUp(id string, why error) {
	n.mu.Lock()
	if h := n.hooks[id]; h != nil {
		next := *h
		next.Rev++
		next.State, next.LastError = GivenUp, why.Error()
		n.hooks[id], n.dirty = &next, true
	}
	n.mu.Unlock()
	n.cfg.Logger.Warn("webhook given up; resume it when its receiver is well", "webhook", id, "err", why)
}

// failed notes a failure, and says how long to wait; not again: enough.
func (n *Notifier) failed(id string, why error) (wait time.Duration, again bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hooks[id]
	if h == nil {
		return 0, false
	}
	now := n.cfg.Clock().UnixMicro()
	next := *h
	if next.Attempts++; next.Attempts == 1 {
		next.FailedUS = now
	}
	next.LastError = why.Error()
	n.hooks[id], n.dirty = &next, true
	wait = n.cfg.Longest
	if shift := next.Attempts - 1; shift < 30 && n.cfg.First<<shift < n.cfg.Longest {
		wait = n.cfg.First << shift
	}
	return wait, now-next.FailedUS < n.cfg.GiveUp.Microseconds()
}

// deliver sends one event until it is taken.
func (n *Notifier) deliver(ctx context.Context, id, url, secret string, seq uint64, body []byte) error {
	for {
		err := n.post(ctx, id, url, secret, seq, body)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait, again := n.failed(id, err)
		if errors.Is(err, errGone) || !again {
			n.giveUp(id, err)
			return errGivenUp
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// errGone is returned when a receiver says that it does not want events any more.
var errGone = errors.New("the receiver answered 410 Gone")

func (n *Notifier) post(ctx context.Context, id, url, secret string, seq uint64, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrURL, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "testzone")
	req.Header.Set(HookHeader, id)
	req.Header.Set(EventHeader, strconv.FormatUint(seq, 10))
	req.Header.Set(SignatureHeader, Sign(secret, n.cfg.Clock().Unix(), body))
	res, err := n.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection serves again
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	case res.StatusCode == http.StatusGone:
		return errGone
	}
	return fmt.Errorf("the receiver answered %d", res.StatusCode)
}
