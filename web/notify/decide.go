package notify

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"

	"testzone/telemetry/journal"
)

// Schema is the payload type of the journal's entries about hooks: JSON, a
// decision. Members are added, never changed.
const Schema = 12

// The types of decisions.
const (
	created = "webhook.create"
	resumed = "webhook.resume"
	deleted = "webhook.delete"
)

// decision is the journal's form. The path of an address may be all that a
// receiver asks for, as a password: only its host and a digest stand there.
type decision struct {
	Type      string           `json:"type"`
	ID        string           `json:"id"`
	Rev       uint64           `json:"rev,omitempty"` // of the hook from now on; 0: an older program did not say
	Host      string           `json:"host"`
	URLSHA256 string           `json:"url_sha256"`
	Types     []string         `json:"types"`
	By        string           `json:"by"`
	AtUS      int64            `json:"at_us"`
	Request   *journal.Request `json:"request,omitempty"`
}

// decide makes a decision durable. Called with the turn.
func (n *Notifier) decide(ctx context.Context, id journal.ID, kind, by string, atUS int64, h *Hook) error {
	d := decision{Type: kind, ID: h.ID, Rev: h.Rev, Types: slices.Clone(h.Types), By: by, AtUS: atUS, Request: journal.RequestOf(ctx)}
	if u, err := url.Parse(h.URL); err == nil {
		d.Host = u.Host
	}
	sum := sha256.Sum256([]byte(h.URL))
	d.URLSHA256 = hex.EncodeToString(sum[:])
	body, err := json.Marshal(&d)
	if err != nil {
		return fmt.Errorf("encode decision: %w", err)
	}
	entry := journal.Entry{
		ID: id, Kind: journal.Decision, Schema: Schema, TimeUS: atUS, Body: body,
		Expect: []journal.Expect{{Agg: journal.Aggregate("webhook:" + h.ID), Any: true}},
	}
	// An entry that is on its way is followed to its end, whoever hangs up.
	if _, err := n.cfg.Source.Append(context.WithoutCancel(ctx), entry); err != nil {
		return fmt.Errorf("write decision to the journal: %w", err)
	}
	return nil
}

// Replay takes one durable record into the state: a hook whose making a crash
// interrupted is one if the journal has it, one whose deletion the journal has is
// none, and one that was resumed is sent to unless the file knows of something later.
// Records of other schemas are not the notifier's.
func (n *Notifier) Replay(rec journal.Record) error {
	if rec.Schema != Schema {
		return nil
	}
	var d decision
	if err := json.Unmarshal(rec.Body, &d); err != nil {
		return fmt.Errorf("journal entry %d: webhook decision is not readable by this program: %w", rec.Seq, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch d.Type {
	case created:
		n.confirm(d.ID)
	case resumed:
		if h := n.hooks[d.ID]; h != nil && h.Rev < d.Rev {
			h.resume()
			h.Rev, n.dirty = d.Rev, true
		}
	case deleted:
		if n.gone[d.ID] = true; n.hooks[d.ID] != nil {
			delete(n.hooks, d.ID)
			n.dirty = true
		}
	}
	return nil
}

// confirm makes a doubtful hook one that is sent to. Called with n.mu held.
func (n *Notifier) confirm(id string) {
	if h := n.doubtful[id]; h != nil {
		delete(n.doubtful, id)
		n.hooks[id], n.dirty = h, true
	}
}

// take waits for the turn to decide, or until ctx ends.
func (n *Notifier) take(ctx context.Context) error {
	select {
	case n.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the decision before: %w", ctx.Err())
	}
}

func (n *Notifier) give() { <-n.turn }

// Create makes a hook that is sent what happens from now on. The secret is
// given here and nowhere else, but to a repetition of the same request within
// a day.
func (n *Notifier) Create(ctx context.Context, by, url string, types []string) (Hook, string, error) {
	if err := n.take(ctx); err != nil {
		return Hook{}, "", err
	}
	defer n.give()
	now := n.cfg.Clock().UnixMicro()
	request := journal.RequestOf(ctx)
	if h, err := n.answered(request, now); err != nil || h != nil {
		if err != nil {
			return Hook{}, "", err
		}
		return h.Hook, h.Secret, nil
	}
	if err := n.Check(url); err != nil {
		return Hook{}, "", err
	}
	entry := journal.NewID()
	if request != nil { // a repetition after a crash makes the same hook
		entry = request.EntryID(now, 0)
	}
	h := &stored{
		Hook: Hook{
			ID: "wh_" + hex.EncodeToString(entry[8:]), Rev: 1, URL: url, Types: slices.Clone(types), CreatedUS: now, CreatedBy: by,
			State: Active,
		},
		Secret: "whsec_" + base64.RawURLEncoding.EncodeToString(random(32)), Request: request,
	}
	n.mu.Lock()
	gone := n.gone[h.ID]
	n.mu.Unlock()
	if gone {
		return Hook{}, "", ErrDeleted
	}
	// First the file, since the secret is there only; the journal says whether it counts.
	h.Acked, _ = n.cfg.Source.Head()
	n.mu.Lock()
	n.doubtful[h.ID] = h
	n.mu.Unlock()
	if err := n.save(); err != nil {
		n.mu.Lock()
		delete(n.doubtful, h.ID)
		n.mu.Unlock()
		return Hook{}, "", err
	}
	if err := n.decide(ctx, entry, created, by, now, &h.Hook); err != nil {
		return Hook{}, "", err // it stays doubtful: the entry may have arrived
	}
	n.mu.Lock()
	n.confirm(h.ID)
	n.mu.Unlock()
	n.signal()
	return h.Hook, h.Secret, nil
}

// Delete takes a hook away, if rev is its revision. What is being sent may
// still arrive.
func (n *Notifier) Delete(ctx context.Context, by, id string, rev uint64) error {
	_, err := n.change(ctx, deleted, by, id, rev, func(*stored) bool { return false })
	return err
}

// Resume sends to a hook again that was given up, from where it stopped.
func (n *Notifier) Resume(ctx context.Context, by, id string, rev uint64) (Hook, error) {
	return n.change(ctx, resumed, by, id, rev, func(h *stored) bool { h.resume(); return true })
}

func (h *stored) resume() { h.State, h.Attempts, h.FailedUS, h.LastError = Active, 0, 0, "" }

// change decides about a hook; edit says whether it stays. The journal comes
// first: if the file cannot be written then, Run tries again, and a start follows
// the journal.
func (n *Notifier) change(ctx context.Context, kind, by, id string, rev uint64, edit func(*stored) (stays bool)) (Hook, error) {
	if err := n.take(ctx); err != nil {
		return Hook{}, err
	}
	defer n.give()
	old, err := n.Hook(id)
	if err != nil {
		return Hook{}, err
	}
	if old.Rev != rev {
		return Hook{}, fmt.Errorf("%s has revision %d: %w", id, old.Rev, ErrStale)
	}
	old.Rev++
	if err := n.decide(ctx, journal.NewID(), kind, by, n.cfg.Clock().UnixMicro(), &old); err != nil {
		return Hook{}, err
	}
	n.mu.Lock()
	next := *n.hooks[id] // its place may have moved meanwhile
	if next.Rev++; edit(&next) {
		n.hooks[id] = &next
	} else {
		delete(n.hooks, id)
		n.gone[id] = true
	}
	n.mu.Unlock()
	if err := n.save(); err != nil {
		n.cfg.Logger.Warn("webhooks not saved after a decision; tried again", "webhook", id, "err", err)
	}
	n.signal()
	return next.Hook, nil
}
