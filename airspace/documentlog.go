package airspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"testzone/airspace/permit"
	"testzone/telemetry/journal"
)

// DocumentSchema is the payload type of the journal's entries about documents of
// permits: JSON, a documentEntry. Their content is not in the journal.
const DocumentSchema = 25

// errDocumentEntry is returned when an entry about documents cannot be read, e.g.
// because a newer program wrote it.
var errDocumentEntry = errors.New("entry about a document is not readable by this program")

// The acts, for whoever reads the journal.
const (
	actAttach        = "document.attached"
	actDetach        = "document.detached"
	actEraseDocument = "document.erased"
)

// documentEntry is the journal's form of a decision about documents of one permit:
// each as it is from now on. Members are added, never changed.
type documentEntry struct {
	Type    string           `json:"type"`
	Changes []documentChange `json:"changes"`
	By      string           `json:"by"` // empty: the clock
	AtUS    int64            `json:"at_us"`
	Request *journal.Request `json:"request,omitempty"`
}

type documentChange struct {
	Document *Document `json:"document"`
	Gone     bool      `json:"gone,omitempty"` // it was taken back before anybody had to look at it
}

// documents is the part of the register's state that is about them.
type documents struct {
	of   map[string]map[string]Document // by permit and digest
	used map[string]int64               // bytes of those that are not erased, by organisation: made of of
}

func newDocuments() documents {
	return documents{map[string]map[string]Document{}, map[string]int64{}}
}

// put takes a document as it is from now on; gone: it is not.
func (d *documents) put(doc Document, gone bool) {
	if old, ok := d.of[doc.Permit][doc.SHA256]; ok && old.ErasedUS == 0 {
		d.used[old.Org] -= old.Bytes
	}
	if gone {
		if delete(d.of[doc.Permit], doc.SHA256); len(d.of[doc.Permit]) == 0 {
			delete(d.of, doc.Permit)
		}
		return
	}
	if d.of[doc.Permit] == nil {
		d.of[doc.Permit] = map[string]Document{}
	}
	d.of[doc.Permit][doc.SHA256] = doc
	if doc.ErasedUS == 0 {
		d.used[doc.Org] += doc.Bytes
	}
}

// decideDocuments decides about documents of a permit: plan looks at the state, which
// is locked for reading. It waits for decisions about the permit, since what an
// application needs depends on both.
func (r *Register) decideDocuments(ctx context.Context, by, id, act string, plan func(now time.Time) ([]documentChange, error)) error {
	about := journal.Aggregate(permit.Of(id))
	d, err := newDecision(ctx, decision{about: []journal.Aggregate{about}})
	if err != nil {
		return err
	}
	d.plan = func(now time.Time) error {
		changes, err := plan(now)
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			return errAnswered
		}
		e := &documentEntry{Type: act, Changes: changes, By: by, AtUS: now.UnixMicro(), Request: d.request}
		entry, kept, err := encodedEntry(DocumentSchema, e, e.AtUS, e.Request)
		d.drafts = []draft{{entry: entry, touches: []journal.Aggregate{about}, apply: func() error { return r.applyDocuments(kept) }}}
		d.size = len(entry.Body)
		return err
	}
	if err := r.decide(ctx, d); err != nil && !errors.Is(err, errAnswered) {
		return err
	}
	return nil
}

// applyDocuments takes a durable entry into the state. Called with r.mu held.
func (r *Register) applyDocuments(e *documentEntry) error {
	if len(e.Changes) == 0 {
		return fmt.Errorf("%w: %s changes nothing", errDocumentEntry, e.Type)
	}
	for _, c := range e.Changes {
		if c.Document == nil || c.Document.Permit == "" || c.Document.SHA256 == "" {
			return fmt.Errorf("%w: %s", errDocumentEntry, e.Type)
		}
		r.documents.put(*c.Document, c.Gone)
	}
	return nil
}

// save is the documents' part of a snapshot.
func (d *documents) save() (out []Document) {
	for _, of := range d.of {
		out = append(out, sorted(of)...)
	}
	return out
}

func (d *documents) load(list []Document) {
	for _, doc := range list {
		d.put(doc, false)
	}
}
