package airspace

import (
	"context"
	"fmt"
	"time"

	"testzone/telemetry/journal"
)

// errAnsweredBefore is returned when the journal has the entry of a request
// whose answer is no longer kept.
var errAnsweredBefore = fmt.Errorf("decided before, but the answer is no longer kept: %w", journal.ErrKeyReused)

type requestName struct{ by, key string }

// answer is what a request with a key led to.
type answer struct {
	name    requestName
	sha256  string
	atUS    int64
	records []FenceRecord // in the order of the changes
	changes []accountChange
}

// answers are those of the last day, oldest first in order.
type answers struct {
	byName map[requestName]*answer
	order  []*answer
	size   int // records and changes in all of them
	limit  int // of size
}

// noteFence takes one change of a fence that was made for a request into its answer.
func (a *answers) noteFence(r *journal.Request, atUS int64, f *FenceRecord) {
	known := a.of(r, atUS)
	known.records = append(known.records, *f)
	a.grown(known, 1)
}

// noteAccounts takes what was decided about accounts for a request into its answer.
func (a *answers) noteAccounts(r *journal.Request, atUS int64, changes []accountChange) {
	known := a.of(r, atUS)
	known.changes = append(known.changes, changes...)
	a.grown(known, len(changes))
}

// of is the answer that a request is getting.
func (a *answers) of(r *journal.Request, atUS int64) *answer {
	name := requestName{r.By, r.Key}
	known := a.byName[name]
	if known == nil || known.atUS != atUS {
		known = &answer{name: name, sha256: r.SHA256, atUS: atUS}
		a.byName[name] = known
		a.order = append(a.order, known)
	}
	return known
}

// grown forgets the oldest answers when there are too many, never the newest.
func (a *answers) grown(newest *answer, by int) {
	a.size += by
	for oldest := a.order[0]; oldest != newest && (a.size > a.limit || newest.atUS-oldest.atUS > journal.RequestWindowUS); oldest = a.order[0] {
		if a.byName[oldest.name] == oldest {
			delete(a.byName, oldest.name)
		}
		a.order, a.size = a.order[1:], a.size-len(oldest.records)-len(oldest.changes)
	}
}

// answered is what a request led to before; nil if it is a new one, or none.
// Called with r.mu held.
func (r *Register) answered(q *journal.Request, now time.Time) (*answer, error) {
	if q == nil {
		return nil, nil
	}
	known := r.answers.byName[requestName{q.By, q.Key}]
	switch {
	case known == nil, now.UnixMicro()-known.atUS > journal.RequestWindowUS:
		return nil, nil
	case known.sha256 != q.SHA256:
		return nil, journal.ErrKeyReused
	}
	return known, nil
}

// Decided reports whether the request of ctx led to a decision before. Who keeps
// something beside the journal then completes it, rather than refuse what is
// there because of the request itself.
func (r *Register) Decided(ctx context.Context) bool {
	known, err := r.answerOf(ctx)
	return known != nil && err == nil
}

// answerOf is what the request of ctx led to before; nil if it is a new one.
func (r *Register) answerOf(ctx context.Context) (*answer, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.answered(journal.RequestOf(ctx), r.cfg.Clock())
}

// fence is the fence of an answer about one.
func (a *answer) fence() FenceRecord {
	if a == nil {
		return FenceRecord{}
	}
	return first(a.records)
}

func first(records []FenceRecord) FenceRecord {
	if len(records) == 0 {
		return FenceRecord{}
	}
	return records[0]
}
