package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

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

func (s *Server) auditEndpoints(api huma.API) {
	op := func(id, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"audit"}, Summary: summary, Errors: append(errors, 401, 403, 503)}
	}
	endpoint(s, api, op("auditCheckpoint", "/v1/audit/checkpoint", "The newest signed checkpoint of the journal"), s.auditCheckpoint)
	endpoint(s, api, op("auditInclusion", "/v1/audit/proof/inclusion", "Prove that an entry is in the journal", 404, 422), s.auditInclusion)
	endpoint(s, api, op("auditConsistency", "/v1/audit/proof/consistency", "Prove that the journal continues an earlier one", 404, 422), s.auditConsistency)
	endpoint(s, api, op("searchAudit", "/v1/audit/events", "Who did what, newest first", 422), s.searchAudit)
	endpoint(s, api, exportAuditOperation(), s.exportAudit)
}

// tellRefusal writes down that a call was refused for who made it, or for how
// often; that includes what is answered as if it were not there.
// Package auth tells of sign-ins itself; a page asks for its session to learn that
// it has none.
func (s *Server) tellRefusal(r *http.Request, operation string, who airspace.Actor, p *Problem) {
	refused := p.hidden || p.told || p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden || p.Status == http.StatusTooManyRequests
	known := operation == "signIn" || operation == "getSession" && p.Status == http.StatusUnauthorized
	if refused && !known {
		s.tellCall(r, audit.Act{Type: audit.CallRefused, By: who.ID, What: operation, Outcome: p.Code})
	}
}

// tellDone writes down from where something was decided. What was decided is an
// entry of its own.
func (s *Server) tellDone(r *http.Request, operation string, who airspace.Actor) {
	dry := isTrial(r) || operation == "previewFence" || operation == "askPermitNeed"
	session := operation == "signIn" || operation == "signOut" || operation == "changePassword" // auth tells of them
	if r.Method != http.MethodGet && !dry && !session {
		s.tellCall(r, audit.Act{Type: audit.CallDone, By: who.ID, What: operation})
	}
}

func (s *Server) tellCall(r *http.Request, a audit.Act) {
	if s.cfg.Acts == nil {
		return
	}
	object := cmp.Or(a.Object, r.URL.Path)
	a.Object, a.From, a.RequestID = strings.ToValidUTF8(object[:min(len(object), maxActPath)], ""), peerOf(r), requestID(r.Context())
	s.cfg.Acts.Record(a)
}

// maxActPath bounds what a caller can make the journal keep.
const maxActPath = 200

// refuse answers a call that was refused, and writes it down.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, operation string, who airspace.Actor, p *Problem) {
	s.tellRefusal(r, operation, who, p)
	writeProblem(w, p)
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
