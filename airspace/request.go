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
}

// answers are those of the last day, oldest first in order.
type answers struct {
	byName map[requestName]*answer
	order  []*answer
	size   int // records in all of them
	limit  int // of size
}

// note takes one change that was made for a request into its answer.
func (a *answers) note(r *journal.Request, atUS int64, f *FenceRecord) {
	name := requestName{r.By, r.Key}
	known := a.byName[name]
	if known == nil || known.atUS != atUS {
		known = &answer{name: name, sha256: r.SHA256, atUS: atUS}
		a.byName[name] = known
		a.order = append(a.order, known)
	}
	known.records = append(known.records, *f)
	a.size++
	for oldest := a.order[0]; oldest != known && (a.size > a.limit || atUS-oldest.atUS > journal.RequestWindowUS); oldest = a.order[0] {
		if a.byName[oldest.name] == oldest {
			delete(a.byName, oldest.name)
		}
		a.order, a.size = a.order[1:], a.size-len(oldest.records)
	}
}

// answered is what a request led to before; nil if it is a new one, or none.
// Called with r.mu held.
func (r *Register) answered(q *journal.Request, now time.Time) ([]FenceRecord, error) {
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
	return known.records, nil
}

// answeredBefore is what the request of ctx led to before.
func (r *Register) answeredBefore(ctx context.Context) ([]FenceRecord, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.answered(journal.RequestOf(ctx), r.cfg.Clock())
}

func first(records []FenceRecord) FenceRecord {
	if len(records) == 0 {
		return FenceRecord{}
	}
	return records[0]
}
