package airspace

import (
	"context"
	"errors"
)

// errRehearsal is returned when a decision reaches the journal under a
// rehearsal: a defect of this program.
var errRehearsal = errors.New("a rehearsal must not be written")

type rehearsalKey struct{}

// Rehearsal makes decisions about accounts under ctx be checked in full and
// answered as they would be, and nothing happens; what would be created has no
// id. Nothing at all is written to the journal under it: a decision about fences
// fails, for which there are CheckBatch and others.
func Rehearsal(ctx context.Context) context.Context {
	return context.WithValue(ctx, rehearsalKey{}, true)
}

// IsRehearsal reports whether nothing may happen under ctx.
func IsRehearsal(ctx context.Context) bool { return ctx.Value(rehearsalKey{}) != nil }

// newAccountID is the id of a new record; none when it is not going to be.
func newAccountID(ctx context.Context, prefix string) string {
	if IsRehearsal(ctx) {
		return ""
	}
	return newID(prefix)
}
