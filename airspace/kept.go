package airspace

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"testzone/telemetry/journal"
)

// keptAnswers are what requests with keys led to, for when they come again. Guarded
// by the register's mu.
type keptAnswers[T any] map[requestName]kept[T]

type kept[T any] struct {
	SHA256 string `json:"sha256"` // of the request
	AtUS   int64  `json:"at_us"`
	What   T      `json:"what"` // it led to
}

// maxKept bounds the answers that are kept of a kind: people decide, not traffic.
const maxKept = 10_000

func (k keptAnswers[T]) note(q *journal.Request, atUS int64, what T) {
	if len(k) >= maxKept {
		maps.DeleteFunc(k, func(_ requestName, old kept[T]) bool { return atUS-old.AtUS > journal.RequestWindowUS })
	}
	if len(k) >= maxKept {
		return // its entry's id, made of the request, still keeps it from happening twice
	}
	k[requestName{q.By, q.Key}] = kept[T]{q.SHA256, atUS, what}
}

// of is what a request led to before; ok is false when it is a new one.
func (k keptAnswers[T]) of(q *journal.Request, now time.Time) (what T, ok bool, err error) {
	if q == nil {
		return what, false, nil
	}
	known, ok := k[requestName{q.By, q.Key}]
	switch {
	case !ok, now.UnixMicro()-known.AtUS > journal.RequestWindowUS:
		return what, false, nil
	case known.SHA256 != q.SHA256:
		return what, false, journal.ErrKeyReused
	}
	return known.What, true, nil
}

// keptState is one of them in a snapshot.
type keptState[T any] struct {
	By  string `json:"by"`
	Key string `json:"key"`
	kept[T]
}

func (k keptAnswers[T]) save() (out []keptState[T]) {
	for name, a := range k {
		out = append(out, keptState[T]{name.by, name.key, a})
	}
	slices.SortFunc(out, func(a, b keptState[T]) int { return cmp.Or(cmp.Compare(a.By, b.By), cmp.Compare(a.Key, b.Key)) })
	return out
}

func (k keptAnswers[T]) load(saved []keptState[T]) {
	for _, a := range saved {
		k[requestName{a.By, a.Key}] = a.kept
	}
}
