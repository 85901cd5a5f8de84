package airspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"testzone/airspace/document"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
)

// maxDocuments bounds the documents of one permit.
const maxDocuments = 100

var (
	// ErrDocument is returned when a document is not one that the permit takes; it says what it would take.
	ErrDocument = errors.New("not a document that this application takes")
	// ErrDocumentQuota is returned when a permit or an organisation has as many documents as are kept.
	ErrDocumentQuota = errors.New("no more documents are kept for you: delete some of your drafts, or enclose smaller ones")
	// ErrDocumentErased is returned when a document was erased because its time is over.
	ErrDocumentErased = errors.New("the document was erased when its time was over: its record says when")
	// ErrNoDocuments is returned when documents are kept in another system.
	ErrNoDocuments = errors.New("this zone keeps documents in another system: name their digests in the application")
)

// Document is the record of a file that was enclosed with an application. Its JSON is
// the journal's form: members are added, never changed.
type Document struct {
	Permit   string `json:"permit"`
	Org      string `json:"org"`
	SHA256   string `json:"sha256"`
	Type     string `json:"type"` // media type, which its content has
	Bytes    int64  `json:"bytes"`
	Title    string `json:"title"`
	Item     string `json:"item"` // of the pack, that it was sent for
	By       string `json:"by"`   // person
	AtUS     int64  `json:"at_us"`
	ErasedUS int64  `json:"erased_us,omitempty"` // 0: it was not
}

// DocumentQuota is how many bytes of documents are kept.
type DocumentQuota struct {
	Permit       int64 // default 200 MB
	Organisation int64 // default 2 GB
}

// DocumentStore has the files of documents.
type DocumentStore interface {
	Has(document.Name) bool
	Erase(document.Name) error
}

func (d *Document) name() document.Name { return document.Name{Permit: d.Permit, SHA256: d.SHA256} }

// seesDocuments reports whether somebody may read the documents of a permit: who
// applies for its organisation, and once it was submitted its departments, controllers
// and auditors. Called with r.mu held.
func (r *Register) seesDocuments(who Actor, p *permit.Permit) bool {
	switch {
	case who.Org != "" && who.Org == p.Org:
		return who.May(PermitApply)
	case p.SubmittedUS == 0:
		return false
	case who.May(ZoneControl), who.May(AuditRead):
		return true
	case !who.May(PermitReview) && !who.May(PermitDecide):
		return false
	}
	dept := r.signerOf(who).Department
	return dept != "" && slices.Contains(r.departmentsOf(p), dept)
}

// departmentsOf are all departments that have to do with a permit.
func (r *Register) departmentsOf(p *permit.Permit) (out []string) {
	for i := range p.Decisions {
		out = append(out, p.Decisions[i].Department)
	}
	pack, err := r.packOf(p, 0)
	if err != nil {
		return out
	}
	k, err := pack.Kind(p.Application.Kind)
	if err != nil {
		return out
	}
	facts := p.Facts(pack)
	out = append(out, pack.Signers(k, facts)...)
	out = append(out, k.SignOff.Advise...)
	for _, s := range k.StepsOf(facts) {
		out = append(out, s.By...)
	}
	return out
}

// seenDocuments is a permit whose documents somebody may read; else there is none.
// Called with r.mu held.
func (r *Register) seenDocuments(who Actor, id string) (permit.Permit, error) {
	p, err := r.seenPermit(who, id)
	if err == nil && !r.seesDocuments(who, &p) {
		return permit.Permit{}, fmt.Errorf("documents of permit %s: %w: %w", id, ErrNotFound, ErrOthers)
	}
	return p, err
}

// DocumentsKept reports whether the zone keeps documents, and whether an application
// is complete only with all of them.
func (r *Register) DocumentsKept() (kept, all bool) {
	kept = r.cfg.Documents != nil
	return kept, kept && !r.cfg.DocumentsOptional
}

// Documents are those of a permit, by item and title.
func (r *Register) Documents(who Actor, id string) ([]Document, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if _, err := r.seenDocuments(who, id); err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(r.documents.of[id]), func(a, b Document) int {
		return strings.Compare(a.Item+"\x00"+a.Title+"\x00"+a.SHA256, b.Item+"\x00"+b.Title+"\x00"+b.SHA256)
	}), nil
}

// DocumentOf is one document of a permit.
func (r *Register) DocumentOf(who Actor, id, digest string) (Document, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if _, err := r.seenDocuments(who, id); err != nil {
		return Document{}, err
	}
	d, ok := r.documents.of[id][digest]
	if !ok {
		return Document{}, fmt.Errorf("document %s of permit %s: %w", digest, id, ErrNotFound)
	}
	return d, nil
}

// DocumentThere reports whether a document is recorded and not erased, whoever asks.
func (r *Register) DocumentThere(n document.Name) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	d, ok := r.documents.of[n.Permit][n.SHA256]
	return ok && d.ErasedUS == 0
}

// MayAttach says, before a document is received, whether it may be attached as far as
// is known by then, and how large it may be. again: it is there already and only its
// file is wanted.
func (r *Register) MayAttach(who Actor, d Document) (limit int64, again bool, err error) {
	now := r.cfg.Clock()
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mayAttach(who, &d, now)
}

func (r *Register) mayAttach(who Actor, d *Document, now time.Time) (limit int64, again bool, err error) {
	p, err := r.seenDocuments(who, d.Permit)
	if err == nil {
		err = holder(who, &p)
	}
	if err != nil {
		return 0, false, err
	}
	if r.cfg.Documents == nil {
		return 0, false, ErrNoDocuments
	}
	if have, ok := r.documents.of[p.ID][d.SHA256]; ok && !p.Ended() && have.ErasedUS == 0 {
		if have.Type != d.Type {
			return 0, false, fmt.Errorf("%w: it is here already, as %s", ErrDocument, have.Type)
		}
		return have.Bytes, true, nil // the same content: its file may have been lost
	}
	if p.State != rules.Draft && p.State != rules.InformationRequested {
		return 0, false, fmt.Errorf("%w: documents are sent for a draft, or when information is requested; this one is %s", permit.ErrState, p.State)
	}
	pack, err := r.packOf(&p, now.UnixMicro())
	if err != nil {
		return 0, false, err
	}
	rule, err := documentRule(&p, pack, d.Item)
	if err != nil {
		return 0, false, err
	}
	if !slices.Contains(rule.Types, d.Type) {
		return 0, false, fmt.Errorf("%w: item %s takes %s", ErrDocument, d.Item, strings.Join(rule.Types, ", "))
	}
	return r.documentRoom(&p, int64(rule.MaxBytes))
}

// documentRule is what a document for an item has to be.
func documentRule(p *permit.Permit, pack *rules.Pack, item string) (rules.Document, error) {
	k, err := pack.Kind(p.Application.Kind)
	if err != nil {
		return rules.Document{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	_, all := k.ItemsOf(p.Application.Subtype, p.Application.Crew)
	rule := pack.Items[item].Document
	if !slices.Contains(all, item) || len(rule.Types) == 0 {
		var takes []string
		for _, id := range all {
			if len(pack.Items[id].Document.Types) > 0 {
				takes = append(takes, id)
			}
		}
		return rule, fmt.Errorf("%w: item %q takes no document; these do: %s", ErrDocument, item, strings.Join(takes, ", "))
	}
	return rule, nil
}

// documentRoom is how large another document may be.
func (r *Register) documentRoom(p *permit.Permit, limit int64) (int64, bool, error) {
	quota := r.cfg.DocumentQuota
	if quota.Permit == 0 {
		quota.Permit = 200e6
	}
	if quota.Organisation == 0 {
		quota.Organisation = 2e9
	}
	used := int64(0)
	for _, d := range r.documents.of[p.ID] {
		used += d.Bytes
	}
	if left := min(quota.Permit-used, quota.Organisation-r.documents.used[p.Org]); left < limit {
		limit = left
	}
	if limit <= 0 || len(r.documents.of[p.ID]) >= maxDocuments {
		return 0, false, ErrDocumentQuota
	}
	return limit, false, nil
}

// AttachDocument records a document whose file is kept. One that is there already
// stays as it is.
func (r *Register) AttachDocument(ctx context.Context, who Actor, d Document) (out Document, err error) {
	var made Document // the decider's: whoever leaves before it is done does not touch it
	err = r.decideDocuments(ctx, who.ID, d.Permit, actAttach, func(now time.Time) ([]documentChange, error) {
		limit, again, err := r.mayAttach(who, &d, now)
		if err != nil {
			return nil, err
		}
		if again {
			made = r.documents.of[d.Permit][d.SHA256]
			return nil, nil
		}
		if d.Bytes > limit {
			return nil, ErrDocumentQuota
		}
		made = d
		made.Org, made.By, made.AtUS, made.ErasedUS = who.Org, who.Person, now.UnixMicro(), 0
		return []documentChange{{Document: &made}}, nil
	})
	if err != nil {
		return Document{}, err
	}
	return made, nil
}

// DetachDocument takes a document back: of a draft, or when information is requested
// one that was not submitted. The caller erases its file.
func (r *Register) DetachDocument(ctx context.Context, who Actor, id, digest string) error {
	return r.decideDocuments(ctx, who.ID, id, actDetach, func(time.Time) ([]documentChange, error) {
		p, err := r.seenDocuments(who, id)
		if err == nil {
			err = holder(who, &p)
		}
		if err != nil {
			return nil, err
		}
		d, ok := r.documents.of[id][digest]
		switch {
		case !ok:
			return nil, fmt.Errorf("document %s of permit %s: %w", digest, id, ErrNotFound)
		case p.State != rules.Draft && p.State != rules.InformationRequested:
			return nil, fmt.Errorf("%w: documents are taken back from a draft, or when information is requested; this one is %s", permit.ErrState, p.State)
		case d.AtUS <= lastSubmitted(&p):
			return nil, fmt.Errorf("%w: it was handed in, and departments may have looked at it: name another in the application", permit.ErrState)
		}
		return []documentChange{{Document: &d, Gone: true}}, nil
	})
}

// lastSubmitted is when a permit was handed in the last time; 0: it never was.
func lastSubmitted(p *permit.Permit) (at int64) {
	for i := range p.History {
		if p.History[i].Act == "permit.submitted" {
			at = p.History[i].AtUS
		}
	}
	return at
}

// documentFaults are the documents that an application names and the zone does not
// have. Called with r.mu held.
func (r *Register) documentFaults(p *permit.Permit) (out []permit.Fault) {
	if r.cfg.Documents == nil {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(p.Application.Items)) {
		for _, named := range p.Application.Items[id].Documents {
			f := permit.Fault{Code: "missing", Rule: "/items/" + id + "/document", Item: "items/" + id}
			d, ok := r.documents.of[p.ID][named.SHA256]
			switch {
			case !ok && r.cfg.DocumentsOptional:
				continue
			case !ok || d.ErasedUS != 0:
				f.Message = fmt.Sprintf("the document %s was not sent", named.SHA256)
				f.Passes = "the file itself, by PUT /v1/permits/" + p.ID + "/documents/" + named.SHA256
			case d.Type != named.Type || d.Bytes != int64(named.Bytes):
				f.Code, f.Message = "invalid", fmt.Sprintf("the document %s that was sent is not what is named", named.SHA256)
				f.Passes = fmt.Sprintf("%d bytes of type %s", d.Bytes, d.Type)
			case !r.cfg.Documents.Has(d.name()):
				f.Code, f.Message = "document_missing", fmt.Sprintf("the file of the document %s was lost on the server", named.SHA256)
				f.Passes = "the same file, sent again by the applicant"
			default:
				continue
			}
			out = append(out, f)
		}
	}
	return out
}
