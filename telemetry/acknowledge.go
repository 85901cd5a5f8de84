package telemetry

import (
	"context"
	"fmt"

	"testzone/telemetry/journal"
)

// Acknowledge records that a person has seen an alert of their view. It returns
// when that is durable; a second acknowledgement returns the first. When it took so
// long that the alert began again, that is not acknowledged, and the alert says so.
func (b *Book) Acknowledge(ctx context.Context, view View, id, by, note string) (Alert, error) {
	b.mu.Lock()
	a, ok := b.byID[id]
	if ok {
		_, ok = view.Alert(a)
	}
	if !ok {
		b.mu.Unlock()
		return Alert{}, fmt.Errorf("acknowledge %s: %w", id, ErrNoAlert)
	}
	if a.Ack != nil {
		defer b.mu.Unlock()
		a, _ = view.Alert(a)
		return *a, nil
	}
	now := b.cfg.Clock().UnixMicro()
	ack := &Acknowledgement{By: by, AtUS: now, Note: note}
	done := make(chan error, 1)
	b.writer.add(fact{Type: factAcknowledged, ID: id, Ack: ack, AtUS: now, Request: journal.RequestOf(ctx)}, now, done)
	b.mu.Unlock()

	select {
	case err := <-done:
		if err != nil {
			return Alert{}, fmt.Errorf("acknowledge %s: %w: %w", id, ErrNotDurable, err)
		}
	case <-ctx.Done():
		return Alert{}, fmt.Errorf("acknowledge %s: %w: %w", id, journal.ErrUnknown, ctx.Err())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	current, ok := b.byID[id]
	if !ok {
		return Alert{}, fmt.Errorf("acknowledge %s: %w", id, ErrNoAlert)
	}
	current, _ = view.Alert(current)
	return *current, nil
}

// durable is called by the writer, in the order of the journal.
func (b *Book) durable(f *fact, seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := f.ID
	if f.Alert != nil {
		id = f.Alert.ID
	}
	a, ok := b.byID[id]
	if !ok {
		return
	}
	next := *a
	next.JournalSeq = seq
	// It may have begun again while its acknowledgement was on the way to the disk.
	if f.Type != factAcknowledged || a.Ack != nil || !f.Ack.covers(a.BegunUS) {
		b.store(&next)
		return
	}
	next.acknowledge(f.Ack)
	b.store(&next)
	b.cfg.Bus.Publish(f.Ack.AtUS, &next)
	b.mark(next.Vehicle)
}
