package airspace

import (
	"context"
	"errors"
	"fmt"
)

// turn lets one decision run at a time. Who waits for it may leave when its
// context ends, and a decision whose caller has left keeps it until it ends.
type turn struct {
	slot chan struct{}   // holds one token while somebody decides
	late <-chan struct{} // of who has the turn: closed when the decision that was left behind has ended
}

func newTurn() turn { return turn{slot: make(chan struct{}, 1)} }

// take waits for the turn, or until ctx ends.
func (t *turn) take(ctx context.Context) error {
	select {
	case t.slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the decision before: %w", ctx.Err())
	}
}

// give lets the next decide, now or when the late decision has ended.
func (t *turn) give() {
	late := t.late
	if t.late = nil; late == nil {
		<-t.slot
		return
	}
	go func() {
		<-late
		<-t.slot
	}()
}

// carry follows a decision that was handed to the journal to its end: a caller
// that hangs up must not leave an entry in the journal that the state does not
// have. When the time of ctx is up first, because the disk hangs, the caller is
// told so, and the next decision waits until the outcome of this one is known.
// Called with the turn.
func (r *Register) carry(ctx context.Context, decision func() error) error {
	done := make(chan error, 1)
	go func() { done <- decision() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return <-done // nobody waits for the answer
	}
	late := make(chan struct{})
	r.decide.late = late
	go func() {
		defer close(late)
		if <-done == nil && r.cfg.FenceChanged != nil {
			r.cfg.FenceChanged(FenceRecord{UpdatedUS: r.cfg.Clock().UnixMicro()}) // everything is to be read again
		}
	}()
	return fmt.Errorf("the outcome of the decision is not known yet, read before trying again: %w", ctx.Err())
}
