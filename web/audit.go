package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/mod/sumdb/tlog"

	"testzone/airspace"
	"testzone/telemetry/audit"
	"testzone/telemetry/journal"
)

// AuditCheckpoint is the newest signed state of the journal.
type AuditCheckpoint struct {
	Checkpoint string `json:"checkpoint" doc:"A signed note: zone, entries, root, time. Empty before the first"`
	Key        string `json:"key" doc:"Public key to check it with; compare it with a copy that you keep"`
	Size       int64  `json:"size" doc:"Entries that the journal has now"`
}

// AuditProof is a proof of the Merkle tree over the journal, as in RFC 6962.
type AuditProof struct {
	Size   int64    `json:"size" doc:"Entries of the tree that it is about"`
	Root   string   `json:"root" doc:"Its root, base64"`
	Leaf   string   `json:"leaf,omitempty" doc:"Of an inclusion: the hash of the leaf, base64"`
	Old    string   `json:"old_root,omitempty" doc:"Of a consistency: the root of the older tree, base64"`
	Hashes []string `json:"hashes" doc:"Base64"`
}

// AuditEvent is one entry of the journal, for who looks for who did what.
type AuditEvent struct {
	Seq       uint64 `json:"seq"`
	At        string `json:"at" format:"date-time"`
	Type      string `json:"type" doc:"E.g. fence.put, alert.acknowledged, session.opened, call.refused, supervision_gap, audit.checkpoint"`
	By        string `json:"by" doc:"Actor id; empty: the system, or nobody signed in"`
	What      string `json:"what" doc:"Operation of a call"`
	Object    string `json:"object" doc:"What it is about: an id, or the path of a call"`
	Why       string `json:"why" doc:"Note, cause or reason"`
	From      string `json:"from" doc:"Address of the call"`
	Outcome   string `json:"outcome" doc:"done, or the code of the problem"`
	RequestID string `json:"request_id"`
	Hash      string `json:"hash" doc:"Chain hash, hexadecimal"`
}

// AuditList is one page of the audit.
type AuditList struct {
	Items []AuditEvent `json:"items"`
	Next  *uint64      `json:"next" doc:"after of the next page; null at the end of the journal"`
}

// AuditSearch is what is looked for. Exported, since the framework does not see
// through an unexported embedded struct.
type AuditSearch struct {
	After  uint64    `query:"after" doc:"Only entries with a higher sequence"`
	From   time.Time `query:"from" doc:"Not before this time"`
	To     time.Time `query:"to" doc:"Before this time"`
	By     string    `query:"by" maxLength:"120" doc:"Actor id"`
	Type   string    `query:"type" maxLength:"60" doc:"A type, or a family such as fence.*"`
	Object string    `query:"object" maxLength:"300"`
	Text   string    `query:"q" maxLength:"200" doc:"Anywhere in the entry"`
	Limit  int       `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// maxExported bounds the entries of one export.
const maxExported = 100_000

func (s *Server) auditEndpoints(api huma.API) {
	op := func(id, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"audit"}, Summary: summary, Errors: append(errors, 401, 403, 503)}
	}
	endpoint(s, api, op("auditCheckpoint", "/v1/audit/checkpoint", "The newest signed checkpoint of the journal"), s.auditCheckpoint)
	endpoint(s, api, op("auditInclusion", "/v1/audit/proof/inclusion", "Prove that an entry is in the journal", 404, 422), s.auditInclusion)
	endpoint(s, api, op("auditConsistency", "/v1/audit/proof/consistency", "Prove that the journal continues an earlier one", 404, 422), s.auditConsistency)
	endpoint(s, api, op("searchAudit", "/v1/audit/events", "Who did what, oldest first", 422), s.searchAudit)
	export := op("exportAudit", "/v1/audit/export", "The same as a file, at most 100,000 entries", 422)
	export.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
		"text/csv":         {Schema: &huma.Schema{Type: huma.TypeString}},
		"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/AuditList"}},
	}}}
	endpoint(s, api, export, s.exportAudit)
}

// tellRefusal writes down that a call was refused for who made it, or for how often.
func (s *Server) tellRefusal(r *http.Request, operation string, who airspace.Actor, p *Problem) {
	if s.cfg.Acts == nil || p.Status != http.StatusUnauthorized && p.Status != http.StatusForbidden && p.Status != http.StatusTooManyRequests {
		return
	}
	s.cfg.Acts.Record(audit.Act{
		Type: audit.CallRefused, By: who.ID, What: operation, Object: r.URL.Path, Outcome: p.Code,
		From: peerOf(r), RequestID: requestID(r.Context()),
	})
}

type checkpointOutput struct{ Body AuditCheckpoint }

func (s *Server) auditCheckpoint(context.Context, *struct{}) (*checkpointOutput, error) {
	k := s.cfg.Audit
	if k == nil {
		return nil, journal.ErrClosed
	}
	return &checkpointOutput{AuditCheckpoint{Checkpoint: k.Checkpoint(), Key: k.Key(), Size: k.Log.Size()}}, nil
}

type proofOutput struct{ Body AuditProof }

func (s *Server) auditInclusion(ctx context.Context, in *struct {
	Seq  int64 `query:"seq" minimum:"1" required:"true" doc:"The entry"`
	Size int64 `query:"size" minimum:"1" required:"true" doc:"Entries of the tree, e.g. of a checkpoint"`
}) (*proofOutput, error) {
	if s.cfg.Audit == nil || s.cfg.Events == nil {
		return nil, journal.ErrClosed
	}
	p, err := s.cfg.Audit.Log.Inclusion(in.Seq, in.Size)
	if err != nil {
		return nil, err
	}
	root, err := s.cfg.Audit.Log.Root(in.Size)
	if err != nil {
		return nil, err
	}
	out := AuditProof{Size: in.Size, Root: root.String(), Hashes: hashesOf(p)}
	err = s.readJournal(ctx, uint64(in.Seq), func(rec *journal.Record) bool {
		out.Leaf = tlog.RecordHash(rec.Hash[:]).String()
		return false
	})
	return &proofOutput{out}, err
}

func (s *Server) auditConsistency(_ context.Context, in *struct {
	Old int64 `query:"old" minimum:"1" required:"true"`
	New int64 `query:"new" minimum:"1" required:"true"`
}) (*proofOutput, error) {
	if s.cfg.Audit == nil {
		return nil, journal.ErrClosed
	}
	p, err := s.cfg.Audit.Log.Consistency(in.Old, in.New)
	if err != nil {
		return nil, err
	}
	root, err := s.cfg.Audit.Log.Root(in.New)
	if err != nil {
		return nil, err
	}
	old, err := s.cfg.Audit.Log.Root(in.Old)
	if err != nil {
		return nil, err
	}
	return &proofOutput{AuditProof{Size: in.New, Root: root.String(), Old: old.String(), Hashes: hashesOf(p)}}, nil
}

func hashesOf[P ~[]tlog.Hash](p P) []string {
	out := make([]string, len(p))
	for i, h := range p {
		out[i] = h.String()
	}
	return out
}

var errEnough = errors.New("enough was read")

// readJournal yields the records from a sequence to the present head, until each
// says false.
func (s *Server) readJournal(ctx context.Context, from uint64, each func(*journal.Record) bool) error {
	head, _ := s.cfg.Events.Head()
	if from > head {
		return nil
	}
	err := s.cfg.Events.Follow(ctx, from, func(rec journal.Record) error {
		if !each(&rec) || rec.Seq >= head {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// auditChange is one change of an entry: of a fence or of an account.
type auditChange struct {
	changedRef
	Organisation *fenceRef `json:"organisation"`
	Person       *fenceRef `json:"person"`
	Key          *fenceRef `json:"key"`
	Proposal     *fenceRef `json:"proposal"`
}

func (c auditChange) subject() string {
	for _, account := range []*fenceRef{c.Organisation, c.Person, c.Key, c.Proposal} {
		if account != nil {
			return account.ID
		}
	}
	return c.result().ID
}

// auditOf is the uniform view of an entry.
func auditOf(rec *journal.Record) AuditEvent {
	var body struct {
		Type    string                     `json:"type"`
		By      string                     `json:"by"`
		ID      string                     `json:"id"`
		Fence   *fenceRef                  `json:"fence"`
		Alert   *struct{ ID string }       `json:"alert"`
		Ack     *struct{ By, Note string } `json:"ack"`
		Cause   string                     `json:"cause"`
		Changes []auditChange              `json:"changes"`
		After   string                     `json:"after"`
		Decided string                     `json:"act"` // of accounts, in place of a type
		audit.Act
	}
	out := AuditEvent{Seq: rec.Seq, At: timeOf(rec.TimeUS), Type: "entry", Outcome: "done", Hash: hexOf(rec.Hash)}
	if json.Unmarshal(rec.Body, &body) != nil || body.Type == "" && body.Decided == "" {
		return out
	}
	out.Type, out.By, out.What, out.From, out.RequestID = cmp.Or(body.Type, body.Decided), body.By, body.What, body.From, body.RequestID
	out.Object, out.Why = body.ID, body.Cause
	if body.Outcome != "" {
		out.Outcome = body.Outcome
	}
	switch {
	case body.Object != "":
		out.Object = body.Object
	case body.Fence != nil:
		out.Object = body.Fence.ID
	case body.Alert != nil:
		out.Object = body.Alert.ID
	case len(body.Changes) > 0:
		ids := make([]string, 0, len(body.Changes))
		for _, c := range body.Changes[:min(len(body.Changes), 20)] {
			ids = append(ids, c.subject())
		}
		out.Object = strings.Join(ids, " ")
	}
	if body.Ack != nil {
		out.By, out.Why = body.Ack.By, body.Ack.Note
	}
	if body.After != "" {
		out.Why = body.After
	}
	if body.Count > 0 {
		out.Why = strconv.Itoa(body.Count) + " acts"
	}
	return out
}

func hexOf(h [32]byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 64)
	for _, b := range h {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

// wants reports whether an entry is among those that are looked for.
func (q *AuditSearch) wants(rec *journal.Record, e *AuditEvent) bool {
	at := time.UnixMicro(rec.TimeUS)
	switch {
	case !q.From.IsZero() && at.Before(q.From), !q.To.IsZero() && !at.Before(q.To):
		return false
	case q.By != "" && e.By != q.By:
		return false
	case q.Type != "" && !(eventFilter{q.Type}).wants(e.Type):
		return false
	case q.Object != "" && !slices.Contains(strings.Fields(e.Object), q.Object):
		return false
	}
	return q.Text == "" || bytes.Contains(bytes.ToLower(rec.Body), []byte(strings.ToLower(q.Text)))
}

func (s *Server) findAudit(ctx context.Context, q *AuditSearch, limit int) (AuditList, error) {
	out := AuditList{Items: []AuditEvent{}}
	if s.cfg.Events == nil {
		return out, journal.ErrClosed
	}
	err := s.readJournal(ctx, q.After+1, func(rec *journal.Record) bool {
		e := auditOf(rec)
		if !q.wants(rec, &e) {
			return true
		}
		if len(out.Items) == limit {
			last := out.Items[limit-1].Seq
			out.Next = &last
			return false
		}
		out.Items = append(out.Items, e)
		return true
	})
	return out, err
}

type auditListOutput struct{ Body AuditList }

func (s *Server) searchAudit(ctx context.Context, in *AuditSearch) (*auditListOutput, error) {
	list, err := s.findAudit(ctx, in, in.Limit)
	return &auditListOutput{list}, err
}

type auditFileOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *Server) exportAudit(ctx context.Context, in *struct {
	Format string `query:"format" enum:"csv,json" default:"csv"`
	AuditSearch
}) (*auditFileOutput, error) {
	list, err := s.findAudit(ctx, &in.AuditSearch, maxExported)
	if err != nil {
		return nil, err
	}
	out := &auditFileOutput{ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="audit.csv"`}
	if in.Format == "json" {
		out.ContentType, out.Disposition = "application/json", `attachment; filename="audit.json"`
		out.Body = encodeJSON(list)
		return out, nil
	}
	out.Body, err = auditCSV(list.Items)
	return out, err
}

func auditCSV(items []AuditEvent) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"seq", "at", "type", "by", "what", "object", "why", "from", "outcome", "request_id", "hash"}) // a Buffer does not fail
	for i := range items {
		e := &items[i]
		row := []string{strconv.FormatUint(e.Seq, 10), e.At, e.Type, e.By, e.What, e.Object, e.Why, e.From, e.Outcome, e.RequestID, e.Hash}
		for k := range row {
			row[k] = harmless(row[k])
		}
		_ = w.Write(row)
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// harmless keeps a spreadsheet from reading a text as a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
