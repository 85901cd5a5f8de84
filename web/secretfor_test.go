package web

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"testzone/airspace"
	"testzone/telemetry/journal"
)

// The secret part of a decision is taken back when it is known not to have been
// made, and only then: after a restart the journal may speak of it.
func TestSecretOfAnUnknownOutcomeStays(t *testing.T) {
	s := newTestZone(t, zoneOptions{}).server
	for _, c := range []struct {
		err    error
		undone bool
	}{
		{nil, false},
		{fmt.Errorf("write: %w", journal.ErrNoSpace), true},
		{airspace.ErrForbidden, true},
		{fmt.Errorf("wait for the decision before: %w", context.DeadlineExceeded), true},
		{fmt.Errorf("decide: %w: %w", journal.ErrUnknown, context.DeadlineExceeded), false},
		{fmt.Errorf("append: %w: %w", journal.ErrUnknown, journal.ErrReadOnly), false},
	} {
		undone := false
		_, err := s.withSecret(t.Context(), secretFor{
			check:  func() (v airspace.Vehicle, err error) { return v, nil },
			keep:   func() error { return nil },
			decide: func() (v airspace.Vehicle, err error) { return v, c.err },
			undo:   func() error { undone = true; return nil },
		})
		if !errors.Is(err, c.err) || undone != c.undone {
			t.Errorf("%v: answered %v, taken back: %v", c.err, err, undone)
		}
	}
}
