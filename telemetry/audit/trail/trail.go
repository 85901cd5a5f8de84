// Package trail reads the journal as an audit trail: who did what, to what, why,
// from where, and how it ended.
//
// Of turns a record of any schema into one Event, Search pages through them from
// the newest back, Each walks forward for an export, and CSV and JSON write one.
// Nothing is kept: every answer comes from the journal's own files, which are
// verified as they are read, so that the trail cannot say anything else than what
// is signed. A search reads at most maxScan entries and then says where to go on.
//
// Bodies are read by their JSON members, not by the types of the packages that
// wrote them, so that the trail shows entries of schemas that it does not know
// too, with their type and their author. Times are microseconds since 1970, by the
// clock of who proposed the entry; the order is that of the journal.
//
// It does not promise that a field is right because it is shown: what a person
// wrote as a reason is shown as written.
package trail

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"testzone/telemetry/journal"
)

const (
	block   = 1024    // entries that are read at once on the way back
	maxScan = 100_000 // entries that one search reads
)

// Event is one entry of the journal as an auditor reads it.
type Event struct {
	Seq       uint64
	TimeUS    int64
	Who       string // actor; empty: the system, or nobody was signed in
	Org       string // whose vehicle or account it is about
	What      string // e.g. fence.put, alert.acknowledged, call.refused
	Object    string // what it was done to, e.g. fence:fn_1
	Why       string
	From      string // address
	RequestID string
	Outcome   string   // e.g. done, forbidden, cleared
	Hash      [32]byte // chain hash: what a proof is about
}

// Query says which events are wanted; the zero value wants all.
type Query struct {
	FromUS, ToUS int64 // from <= time < to; 0: open
	Who          string
	What         string // one type, or a family such as fence.*
	Object       string
	Text         string // anywhere in the event, without regard to case
}

// Matches reports whether an event is wanted.
func (q *Query) Matches(e *Event) bool {
	if q.FromUS != 0 && e.TimeUS < q.FromUS || q.ToUS != 0 && e.TimeUS >= q.ToUS ||
		q.Who != "" && e.Who != q.Who || q.Object != "" && !has(e.Object, q.Object) {
		return false
	}
	if family, ok := strings.CutSuffix(q.What, "*"); ok && !strings.HasPrefix(e.What, family) || !ok && q.What != "" && e.What != q.What {
		return false
	}
	if q.Text == "" {
		return true
	}
	want := strings.ToLower(q.Text)
	for _, field := range []string{e.Who, e.Org, e.What, e.Object, e.Why, e.From, e.RequestID, e.Outcome} {
		if strings.Contains(strings.ToLower(field), want) {
			return true
		}
	}
	return false
}

// has reports whether a list of objects names one.
func has(objects, one string) bool {
	for o := range strings.SplitSeq(objects, " ") {
		if o == one {
			return true
		}
	}
	return false
}

// Source is the journal, as far as the trail needs it.
type Source interface {
	Head() (seq uint64, hash [32]byte)
	Follow(ctx context.Context, from uint64, apply func(journal.Record) error) error
}

// Page is a part of the trail, newest first.
type Page struct {
	Events []Event
	Next   uint64 // Search before this sequence goes on; 0: this was the end
}

// errEnough ends a Follow.
var errEnough = errors.New("enough was read")

// Search finds at most limit events of entries before a sequence (0: all there
// are), newest first. A page may have fewer, even none, and still a Next: so many
// entries were read without a match.
func Search(ctx context.Context, src Source, q Query, before uint64, limit int) (Page, error) {
	head, _ := src.Head()
	if before == 0 || before > head {
		before = head + 1
	}
	var page Page
	for scanned := uint64(0); before > 1; {
		if scanned >= maxScan {
			page.Next = before
			return page, nil
		}
		from := max(before, block+1) - block
		events, err := read(ctx, src, from, before)
		if err != nil {
			return Page{}, fmt.Errorf("search audit events: %w", err)
		}
		for i := len(events) - 1; i >= 0; i-- {
			if !q.Matches(&events[i]) {
				continue
			}
			page.Events = append(page.Events, events[i])
			if len(page.Events) == limit {
				if at := events[i].Seq; at > 1 {
					page.Next = at
				}
				return page, nil
			}
		}
		scanned += before - from
		before = from
	}
	return page, nil
}

// read is the events of the entries from..end-1, which are all durable.
func read(ctx context.Context, src Source, from, end uint64) ([]Event, error) {
	events := make([]Event, 0, end-from)
	err := walk(ctx, src, from, end, func(e *Event) error {
		events = append(events, *e)
		return nil
	})
	return events, err
}

func walk(ctx context.Context, src Source, from, end uint64, apply func(*Event) error) error {
	if from >= end {
		return nil
	}
	err := src.Follow(ctx, from, func(rec journal.Record) error {
		e := Of(&rec)
		if err := apply(&e); err != nil {
			return err
		}
		if rec.Seq+1 >= end {
			return errEnough // before Follow waits for an entry to come
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// Each yields the wanted events in the order of the journal, up to the head at the call.
func Each(ctx context.Context, src Source, q Query, apply func(*Event) error) error {
	head, _ := src.Head()
	err := walk(ctx, src, 1, head+1, func(e *Event) error {
		if !q.Matches(e) {
			return nil
		}
		return apply(e)
	})
	if err != nil {
		return fmt.Errorf("read audit events: %w", err)
	}
	return nil
}
