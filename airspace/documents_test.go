package airspace_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/airspace/document"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
)

// files stands for the store of documents.
type files map[document.Name]bool

func (f files) Has(n document.Name) bool    { return f[n] }
func (f files) Erase(n document.Name) error { delete(f, n); return nil }
func (f files) put(d *airspace.Document)    { f[document.Name{Permit: d.Permit, SHA256: d.SHA256}] = true }
func digest(letter string) string           { return strings.Repeat(letter, 64) }
func pdf(p, letter, item string) airspace.Document {
	return airspace.Document{Permit: p, SHA256: digest(letter), Type: document.PDF, Bytes: 10, Title: letter, Item: item}
}

// documentRig is a permitRig whose zone keeps documents.
type documentRig struct {
	*permitRig
	files files
	cfg   airspace.Config
}

func newDocumentRig(t *testing.T) *documentRig {
	t.Helper()
	r := &documentRig{permitRig: newPermitRig(t), files: files{}}
	r.cfg = airspace.Config{Zone: airspace.Zone{ID: "north"}, Journal: r.journal, Clock: func() time.Time { return r.now }, Documents: r.files}
	r.Register = r.replayed()
	return r
}

// replayed is what the journal makes.
func (r *documentRig) replayed() *airspace.Register {
	r.t.Helper()
	x, err := airspace.NewRegister(r.cfg)
	if err == nil {
		err = r.journal.Replay(1, x.Replay)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return x
}

// items are those of a flight that want a document.
func (r *documentRig) items() (out []string) {
	for _, id := range r.pack.Kinds["uav.flight"].Items {
		if len(r.pack.Items[id].Document.Types) > 0 {
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		r.t.Fatal("a flight wants no document")
	}
	return out
}

func (r *documentRig) attach(d airspace.Document) {
	r.t.Helper()
	if _, err := r.AttachDocument(r.t.Context(), r.anton, d); err != nil {
		r.t.Fatal(err)
	}
	r.files.put(&d)
}

func (r *documentRig) draft() permit.Permit {
	r.t.Helper()
	p, _, err := r.DraftPermit(r.t.Context(), r.anton, r.flight(0))
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// TestDocumentComplete: an application is complete with the very documents that it
// names, which are there; and approved with them only.
func TestDocumentComplete(t *testing.T) {
	r := newDocumentRig(t)
	p, item := r.draft(), r.items()[0]
	wants := func(what, code string) {
		t.Helper()
		_, err := r.SubmitPermit(t.Context(), r.anton, p.ID)
		if got := faultsOf(err); !strings.HasPrefix(got, code+" items/") {
			t.Errorf("%s: %s", what, got)
		}
	}
	wants("nothing was sent", "missing")
	other := r.draft()
	r.attach(pdf(other.ID, "a", item))
	wants("it was sent for another application", "missing")
	larger := pdf(p.ID, "a", item)
	larger.Bytes = 11
	r.attach(larger)
	wants("its size is not the one that is named", "invalid")
	if err := r.DetachDocument(t.Context(), r.anton, p.ID, digest("a")); err != nil {
		t.Fatal(err)
	}
	wants("it was taken back", "missing")
	r.attach(pdf(p.ID, "a", item))
	delete(r.files, document.Name{Permit: p.ID, SHA256: digest("a")})
	wants("its file was lost", "document_missing")
	if faults, err := r.PermitFaults(r.anton, p.ID); err != nil || len(faults) == 0 || faults[0].Code != "document_missing" {
		t.Errorf("its faults: %v, %v", faults, err)
	}
	r.attach(pdf(p.ID, "a", item)) // again
	p, err := r.SubmitPermit(t.Context(), r.anton, p.ID)
	if err != nil {
		t.Fatal(faultsOf(err))
	}
	delete(r.files, document.Name{Permit: p.ID, SHA256: digest("a")})
	if _, err := r.approve(p); !strings.HasPrefix(faultsOf(err), "document_missing") {
		t.Errorf("approved without: %v", err)
	}
	if _, again, err := r.MayAttach(r.anton, pdf(p.ID, "a", item)); err != nil || !again {
		t.Errorf("sent again: %v, %v", again, err)
	}
	r.attach(pdf(p.ID, "a", item))
	if p, err = r.approve(p); err != nil {
		t.Fatal(err)
	}
	loaded, err := airspace.NewRegister(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	replayed := r.replayed()
	state, err := replayed.SaveState()
	if err != nil {
		t.Fatal(err)
	}
	install, err := loaded.LoadState(state)
	if err != nil {
		t.Fatal(err)
	}
	install()
	want, err := r.Documents(r.anton, p.ID)
	if err != nil || len(want) != 1 {
		t.Fatal(want, err)
	}
	for name, x := range map[string]*airspace.Register{"a replay": replayed, "a snapshot": loaded} {
		if got, err := x.Documents(r.anton, p.ID); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s makes %+v of %+v: %v", name, got, want, err)
		}
	}
}

// TestDocumentRights: the applicant's organisation sends for its drafts; who has to do
// with the permit reads when it was submitted; for others there is nothing.
func TestDocumentRights(t *testing.T) {
	r := newDocumentRig(t)
	p, item := r.draft(), r.items()[0]
	r.attach(pdf(p.ID, "a", item))
	forester, auditor := r.actor(r.person("forestry", airspace.Reviewer)), r.actor(r.person("zone", airspace.Auditor))
	watcher := r.actor(r.person("acme", airspace.Observer))
	reads := func(when string, want map[string]bool) {
		t.Helper()
		for name, who := range map[string]airspace.Actor{"anton": r.anton, "anton2": r.anton2, "olaf": r.olaf, "rita": r.rita, "carl": r.carl, "forester": forester, "auditor": auditor, "watcher": watcher} {
			_, err := r.DocumentOf(who, p.ID, digest("a"))
			_, listed := r.Documents(who, p.ID)
			if (err == nil) != want[name] || (listed == nil) != want[name] || err != nil && !errors.Is(err, airspace.ErrNotFound) {
				t.Errorf("%s, %s: %v, %v", when, name, err, listed)
			}
		}
	}
	reads("a draft", map[string]bool{"anton": true, "anton2": true})
	for _, c := range []struct {
		name string
		who  airspace.Actor
		d    airspace.Document
		want error
	}{
		{"another organisation", r.olaf, pdf(p.ID, "b", item), airspace.ErrNotFound},
		{"a department", r.rita, pdf(p.ID, "b", item), airspace.ErrNotFound},
		{"an item that there is not", r.anton, pdf(p.ID, "b", "nonsense"), airspace.ErrDocument},
		{"an item without documents", r.anton, pdf(p.ID, "b", "window"), airspace.ErrDocument},
		{"a type that the item does not take", r.anton, airspace.Document{Permit: p.ID, SHA256: digest("b"), Type: document.ZIP, Bytes: 10, Item: item}, airspace.ErrDocument},
		{"more than the item takes", r.anton, airspace.Document{Permit: p.ID, SHA256: digest("b"), Type: document.PDF, Bytes: 1 << 40, Item: item}, airspace.ErrDocumentQuota},
		{"the same as another type", r.anton, airspace.Document{Permit: p.ID, SHA256: digest("a"), Type: document.PNG, Bytes: 10, Item: item}, airspace.ErrDocument},
	} {
		if _, err := r.AttachDocument(t.Context(), c.who, c.d); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := r.SubmitPermit(t.Context(), r.anton, p.ID); err != nil {
		t.Fatal(err)
	}
	reads("submitted", map[string]bool{"anton": true, "anton2": true, "rita": true, "carl": true, "auditor": true})
	if _, err := r.AttachDocument(t.Context(), r.anton, pdf(p.ID, "b", item)); !errors.Is(err, permit.ErrState) {
		t.Errorf("sent after the submission: %v", err)
	}
	if err := r.DetachDocument(t.Context(), r.anton, p.ID, digest("a")); !errors.Is(err, permit.ErrState) {
		t.Errorf("taken back after the submission: %v", err)
	}
	if err := r.DetachDocument(t.Context(), r.olaf, p.ID, digest("a")); !errors.Is(err, airspace.ErrNotFound) {
		t.Errorf("taken back by another: %v", err)
	}
}

// TestDocumentReplaced: a document that is replaced after the submission opens again
// the review of who looked at it, and the one that was looked at stays.
func TestDocumentReplaced(t *testing.T) {
	r := newDocumentRig(t)
	p, item := r.draft(), r.items()[0]
	r.attach(pdf(p.ID, "a", item))
	p, err := r.SubmitPermit(t.Context(), r.anton, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	p, err = r.ReviewPermit(t.Context(), r.rita, p.ID, "not readable", permit.Review{Verdict: permit.Return, DocHash: p.DocHash})
	if err != nil || p.State != rules.InformationRequested {
		t.Fatal(p.State, err)
	}
	r.now = r.now.Add(time.Minute)
	r.attach(pdf(p.ID, "b", item))
	r.attach(pdf(p.ID, "c", item))
	if err := r.DetachDocument(t.Context(), r.anton, p.ID, digest("c")); err != nil {
		t.Errorf("one that nobody looked at: %v", err)
	}
	if err := r.DetachDocument(t.Context(), r.anton, p.ID, digest("a")); !errors.Is(err, permit.ErrState) {
		t.Errorf("one that was looked at: %v", err)
	}
	app := r.flight(0)
	app.FromUS, app.ToUS, app.Volumes, app.Insurance, app.People = p.Application.FromUS, p.Application.ToUS, p.Application.Volumes, p.Application.Insurance, p.Application.People
	for id, it := range app.Items {
		for i := range it.Documents {
			it.Documents[i].SHA256 = digest("b")
		}
		app.Items[id] = it
	}
	before := p.DocHash
	if p, err = r.EditPermit(t.Context(), r.anton, p.ID, p.Rev, app); err == nil {
		p, err = r.SubmitPermit(t.Context(), r.anton, p.ID)
	}
	if err != nil {
		t.Fatal(faultsOf(err))
	}
	if p.DocHash == before || !p.Decisions[0].Void || p.State != rules.UnderReview {
		t.Errorf("after the replacement it is %s, its decisions %+v", p.State, p.Decisions)
	}
	if _, err := r.ReviewPermit(t.Context(), r.rita, p.ID, "fine", permit.Review{Verdict: permit.Approve, DocHash: before}); !errors.Is(err, permit.ErrRevision) {
		t.Errorf("a signature for what was there before: %v", err)
	}
}

// TestDocumentQuota: neither a permit nor an organisation takes more than its share,
// and what is taken back is free again.
func TestDocumentQuota(t *testing.T) {
	r := newDocumentRig(t)
	r.cfg.DocumentQuota = airspace.DocumentQuota{Permit: 15, Organisation: 25}
	r.Register = r.replayed()
	first, second, item := r.draft(), r.draft(), r.items()[0]
	over := func(d airspace.Document) {
		t.Helper()
		if _, err := r.AttachDocument(t.Context(), r.anton, d); !errors.Is(err, airspace.ErrDocumentQuota) {
			t.Errorf("%s of %s: %v", d.Title, d.Permit, err)
		}
	}
	r.attach(pdf(first.ID, "a", item))
	over(pdf(first.ID, "b", item))
	r.attach(pdf(first.ID, "a", item)) // the same again takes nothing
	r.attach(pdf(second.ID, "a", item))
	third := r.draft()
	over(pdf(third.ID, "a", item))
	if err := r.DetachDocument(t.Context(), r.anton, first.ID, digest("a")); err != nil {
		t.Fatal(err)
	}
	r.attach(pdf(third.ID, "a", item))
	r.Register = r.replayed() // counts the same
	over(pdf(first.ID, "a", item))
}

// TestDocumentRetention: documents are erased when the pack says, those of a draft
// that was withdrawn at once; their records stay.
func TestDocumentRetention(t *testing.T) {
	r := newDocumentRig(t)
	item := r.items()[0]
	keep, draft := r.draft(), r.draft()
	r.attach(pdf(keep.ID, "a", item))
	r.attach(pdf(draft.ID, "a", item))
	if _, err := r.SubmitPermit(t.Context(), r.anton, keep.ID); err != nil {
		t.Fatal(err)
	}
	erases := func(when string, want int) {
		t.Helper()
		if n, err := r.EraseDocuments(t.Context()); n != want || err != nil {
			t.Errorf("%s: erased %d, %v", when, n, err)
		}
	}
	erases("nothing ended", 0)
	for _, id := range []string{keep.ID, draft.ID} {
		if _, err := r.WithdrawPermit(t.Context(), r.anton, id, "other plans"); err != nil {
			t.Fatal(err)
		}
	}
	erases("both withdrawn", 1)
	if d, err := r.DocumentOf(r.anton, draft.ID, digest("a")); err != nil || d.ErasedUS == 0 || r.files.Has(document.Name{Permit: draft.ID, SHA256: digest("a")}) {
		t.Errorf("of the draft: %+v, %v", d, err)
	}
	end := r.pack.Retention["audit"].After(r.now.In(r.pack.Location()))
	r.now = end.Add(-time.Second)
	erases("before its time", 0)
	r.now = end
	erases("at its time", 1)
	if len(r.files) != 0 || r.DocumentThere(document.Name{Permit: keep.ID, SHA256: digest("a")}) {
		t.Errorf("left: %v", r.files)
	}
	left := pdf(keep.ID, "a", item)
	r.files.put(&left) // the disk failed at the erasure
	erases("again", 0)
	if len(r.files) != 0 {
		t.Error("what is recorded as erased is still there")
	}
	if _, err := r.AttachDocument(t.Context(), r.anton, left); !errors.Is(err, permit.ErrState) {
		t.Errorf("sent again after its time: %v", err)
	}
}
