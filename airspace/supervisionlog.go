package airspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"testzone/airspace/permit"
	"testzone/airspace/supervision"
	"testzone/telemetry/journal"
)

// SupervisionSchema is the payload type of the journal's entries about supervision:
// JSON, a supervisionEntry. A permit that stands down changes in an entry of its own,
// in the same append.
const SupervisionSchema = 26

// errSupervisionEntry is returned when an entry about supervision cannot be read, e.g.
// because a newer program wrote it.
var errSupervisionEntry = errors.New("entry about supervision is not readable by this program")

// supervisionRecord is what an act of supervision is about: one of its members.
type supervisionRecord struct {
	Incident *supervision.Incident `json:"incident,omitempty"`
	Monthly  *supervision.Monthly  `json:"monthly,omitempty"`
}

// supervisionEntry is the journal's form of an act of supervision: the record as it is
// from now on. Members are added, never changed.
type supervisionEntry struct {
	Type string `json:"type"` // the newest act of its history
	supervisionRecord
	Reason  string           `json:"reason,omitempty"`
	By      string           `json:"by"`
	AtUS    int64            `json:"at_us"`
	Request *journal.Request `json:"request,omitempty"`
}

// supervised is the part of the register's state that is about supervision.
type supervised struct {
	book    *supervision.Book
	answers keptAnswers[supervisionRecord]
}

func newSupervised() supervised {
	return supervised{supervision.NewBook(), keptAnswers[supervisionRecord]{}}
}

// decideSupervision decides about a record: plan looks at the state, which is locked for
// reading, and says what it shall be, and the permit that changes with it (nil: none).
// A request that was decided before gets its first answer.
func (r *Register) decideSupervision(ctx context.Context, by string, about, with journal.Aggregate, plan func(now time.Time) (supervisionRecord, *permit.Permit, error)) (supervisionRecord, error) {
	if IsRehearsal(ctx) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		out, _, err := plan(r.cfg.Clock())
		return out, err
	}
	touches := []journal.Aggregate{about}
	if with != "" {
		touches = append(touches, with)
	}
	d, err := newDecision(ctx, decision{about: touches})
	if err != nil {
		return supervisionRecord{}, err
	}
	var out supervisionRecord // the decider's: whoever leaves before it is done does not touch it
	var halted *permit.Permit
	d.after = func() {
		if halted != nil && r.cfg.PermitChanged != nil {
			r.cfg.PermitChanged(*halted)
		}
	}
	d.plan = func(now time.Time) error {
		before, ok, err := r.supervised.answers.of(d.request, now)
		if err != nil {
			return err
		}
		if ok {
			out = before
			return errAnswered
		}
		if out, halted, err = plan(now); err != nil {
			return err
		}
		d.drafts, d.size = nil, 0
		e := &supervisionEntry{supervisionRecord: out, By: by, AtUS: now.UnixMicro(), Request: d.request}
		if h := e.history(); len(h) > 0 {
			e.Type, e.Reason = h[len(h)-1].Act, h[len(h)-1].Reason
		}
		entry, kept, err := encodedEntry(SupervisionSchema, e, e.AtUS, e.Request)
		if err != nil {
			return err
		}
		first := draft{entry: entry, touches: touches, apply: func() error { return r.applySupervision(kept) }}
		if halted != nil { // of one append each aggregate is compared once: its entry is the one that touches the permit
			first.touches = touches[:1]
		}
		d.drafts, d.size = append(d.drafts, first), len(entry.Body)
		if halted == nil {
			return nil
		}
		last := halted.History[len(halted.History)-1]
		p := &permitEntry{Type: last.Act, Permit: halted, Reason: last.Reason, By: by, AtUS: e.AtUS}
		entry, stopped, err := encodedEntry(PermitSchema, p, p.AtUS, nil)
		d.drafts = append(d.drafts, draft{entry: entry, touches: touches[1:], grants: true, apply: func() error { return r.applyPermit(stopped) }})
		d.size += len(entry.Body)
		return err
	}
	if err := r.decide(ctx, d); err != nil && !errors.Is(err, errAnswered) {
		return supervisionRecord{}, err
	}
	return out, nil
}

func (e *supervisionRecord) history() []supervision.Event {
	switch {
	case e.Incident != nil:
		return e.Incident.History
	case e.Monthly != nil:
		return e.Monthly.History
	}
	return nil
}

// applySupervision takes a durable entry into the state. Called with r.mu held.
func (r *Register) applySupervision(e *supervisionEntry) error {
	switch {
	case e.Incident != nil && e.Incident.ID != "":
		r.supervised.book.Put(*e.Incident)
	case e.Monthly != nil && e.Monthly.Org != "":
		r.supervised.book.PutMonth(*e.Monthly)
	default:
		return fmt.Errorf("%w: %s", errSupervisionEntry, e.Type)
	}
	if e.Request != nil {
		r.supervised.answers.note(e.Request, e.AtUS, e.supervisionRecord)
	}
	return nil
}

// supervisedState is the supervision's part of a snapshot.
type supervisedState struct {
	Book    json.RawMessage                `json:"book"`
	Answers []keptState[supervisionRecord] `json:"answers"`
}

func (s *supervised) save() (out supervisedState, err error) {
	out.Book, err = s.book.SaveState()
	out.Answers = s.answers.save()
	return out, err
}

func (s *supervised) load(from *supervisedState) (err error) {
	if s.book, err = supervision.LoadState(from.Book); err == nil {
		s.answers.load(from.Answers)
	}
	return err
}
