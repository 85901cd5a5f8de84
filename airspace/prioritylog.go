package airspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"testzone/telemetry/journal"
)

// PrioritySchema is the payload type of the journal's entries about priority
// traffic: JSON, a priorityEntry.
const PrioritySchema = 18

// errPriorityEntry is returned when an entry about priority traffic cannot be read,
// e.g. because a newer program wrote it.
var errPriorityEntry = errors.New("entry about priority traffic is not readable by this program")

// The acts, for whoever reads the journal.
const (
	actAnnounce       = "priority.announced"
	actChangePriority = "priority.changed"
	actEndPriority    = "priority.ended"
)

// priorityEntry is the journal's form of a decision about priority traffic: the
// record as it is from now on. Members are added, never changed.
type priorityEntry struct {
	Type    string           `json:"type"`
	Changes []priorityChange `json:"changes"`
	Reason  string           `json:"reason,omitempty"`
	By      string           `json:"by"`
	AtUS    int64            `json:"at_us"`
	Request *journal.Request `json:"request,omitempty"`
}

type priorityChange struct {
	Priority *Priority `json:"priority"`
}

// priorities is the part of the register's state that is about priority traffic.
type priorities struct {
	of      map[string]Priority // and what was over for less than a day at the last change
	answers keptAnswers[Priority]
}

func newPriorities() priorities {
	return priorities{map[string]Priority{}, keptAnswers[Priority]{}}
}

// priorityDecision is the decision that priority traffic be what plan says. One that
// is urgent compares with nothing, so that no other decision can make it fail.
func (r *Register) priorityDecision(ctx context.Context, act string, urgent bool, plan func() (Priority, error), id string) (*decision, error) {
	about := journal.Aggregate("priority:" + id)
	d, err := newDecision(ctx, decision{about: []journal.Aggregate{about}, urgent: urgent})
	if err != nil {
		return nil, err
	}
	d.after = r.tellPriorities
	d.plan = func(now time.Time) error {
		if !urgent { // the others looked before they were in force
			if _, ok, err := r.answeredPriority(d.request, now); err != nil {
				return err
			} else if ok {
				return errAnswered
			}
		}
		p, err := plan()
		if err != nil {
			return err
		}
		e := &priorityEntry{Type: act, Changes: []priorityChange{{&p}}, Reason: p.Reason, By: p.UpdatedBy, AtUS: p.UpdatedUS, Request: d.request}
		entry, kept, err := encodedEntry(PrioritySchema, e, e.AtUS, e.Request)
		only := draft{entry: entry, apply: func() error { return r.applyPriority(kept, d) }, touches: []journal.Aggregate{about}}
		if only.entry.Emergency = urgent; urgent {
			only.touches, only.uncompared = nil, only.touches
		}
		d.drafts = []draft{only}
		return err
	}
	return d, nil
}

// applyPriority takes a durable entry, which d led to, into the state. Called with
// r.mu held.
func (r *Register) applyPriority(e *priorityEntry, d *decision) error {
	for i := range e.Changes {
		p := e.Changes[i].Priority
		if p == nil || p.ID == "" {
			return fmt.Errorf("%w: %s", errPriorityEntry, e.Type)
		}
		r.priorities.of[p.ID] = *p
		// A newer one may be on its way; an end is decided on what is in force.
		if h := r.hasty[p.ID]; h != nil && (h.decision == d || p.EndedUS != 0 && h.priority.Rev < p.Rev) {
			delete(r.hasty, p.ID)
		}
		if e.Request != nil {
			r.priorities.answers.note(e.Request, e.AtUS, *p)
		}
	}
	if len(e.Changes) == 0 {
		return fmt.Errorf("%w: %s changes nothing", errPriorityEntry, e.Type)
	}
	at := time.UnixMicro(e.AtUS)
	maps.DeleteFunc(r.priorities.of, func(_ string, p Priority) bool {
		over := p.over(at)
		return over != 0 && e.AtUS-over > keepPriorities.Microseconds()
	})
	return nil
}

// answeredPriority is what a request led to before, be it durable or not. Called with
// r.mu held.
func (r *Register) answeredPriority(q *journal.Request, now time.Time) (p Priority, ok bool, err error) {
	if q == nil {
		return p, false, nil
	}
	for _, h := range r.hasty {
		if o := h.decision.request; o != nil && o.By == q.By && o.Key == q.Key {
			if o.SHA256 != q.SHA256 {
				return p, false, journal.ErrKeyReused
			}
			return h.shown().clone(), true, nil
		}
	}
	p, ok, err = r.priorities.answers.of(q, now)
	return p.clone(), ok, err
}
