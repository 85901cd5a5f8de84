package web

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/telemetry/audit/trail"
	"testzone/telemetry/journal"
)

// AuditEvent is one entry of the journal, for who looks for who did what.
type AuditEvent struct {
	Seq       uint64 `json:"seq"`
	At        string `json:"at" format:"date-time"`
	Who       string `json:"who" doc:"Actor id; empty: the system, or nobody was signed in"`
	Org       string `json:"org" doc:"Organisation that it is about"`
	What      string `json:"what" doc:"E.g. fence.put, alert.acknowledged, session.opened, call.refused, supervision_gap, audit.checkpoint"`
	Object    string `json:"object" doc:"What it was done to, e.g. fence:fn_1; several with spaces between; of a call its operation and path"`
	Why       string `json:"why" doc:"Note, cause or reason"`
	From      string `json:"from" doc:"Address of the call"`
	RequestID string `json:"request_id"`
	Outcome   string `json:"outcome" doc:"done, or the code of the problem"`
	Hash      string `json:"hash" doc:"Chain hash, hexadecimal"`
}

// AuditList is one page of the audit.
type AuditList struct {
	Items []AuditEvent `json:"items" doc:"May be few or none although there are more: one answer looks through 100,000 entries"`
	Next  *string      `json:"next" doc:"cursor of the next page; null at the beginning of the journal"`
}

// AuditFilter says which entries are looked for.
type AuditFilter struct {
	From   time.Time `query:"from" doc:"Not before this time"`
	To     time.Time `query:"to" doc:"Before this time"`
	Who    string    `query:"who" maxLength:"120" doc:"Actor id"`
	What   string    `query:"what" maxLength:"60" doc:"A type, or a family such as fence.*"`
	Object string    `query:"object" maxLength:"300" doc:"E.g. fence:fn_1, vehicle:uav-1"`
	Text   string    `query:"q" maxLength:"200" doc:"Anywhere in the event"`
}

func (f *AuditFilter) query() trail.Query {
	q := trail.Query{Who: f.Who, What: f.What, Object: f.Object, Text: f.Text}
	if !f.From.IsZero() {
		q.FromUS = f.From.UnixMicro()
	}
	if !f.To.IsZero() {
		q.ToUS = f.To.UnixMicro()
	}
	return q
}

func auditEventOf(e *trail.Event) AuditEvent {
	return AuditEvent{
		Seq: e.Seq, At: timeOf(e.TimeUS), Who: e.Who, Org: e.Org, What: e.What, Object: e.Object, Why: e.Why,
		From: e.From, RequestID: e.RequestID, Outcome: e.Outcome, Hash: hex.EncodeToString(e.Hash[:]),
	}
}

type auditListInput struct {
	AuditFilter
	Page
}

type auditListOutput struct{ Body AuditList }

func (s *Server) searchAudit(ctx context.Context, in *auditListInput) (*auditListOutput, error) {
	if s.cfg.Events == nil {
		return nil, journal.ErrClosed
	}
	q := in.query()
	list := listOf(ctx, fmt.Sprintf("audit %+v", q))
	before := uint64(0)
	if in.Cursor != "" {
		last, err := s.cursors.decode(list, in.Cursor)
		if err != nil {
			return nil, err
		}
		if before, err = strconv.ParseUint(last, 10, 64); err != nil {
			return nil, errBadCursor
		}
	}
	page, err := trail.Search(ctx, s.cfg.Events, q, before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := AuditList{Items: []AuditEvent{}}
	for i := range page.Events {
		out.Items = append(out.Items, auditEventOf(&page.Events[i]))
	}
	if page.Next != 0 {
		next := s.cursors.encode(list, strconv.FormatUint(page.Next, 10))
		out.Next = &next
	}
	return &auditListOutput{out}, nil
}

const csvType = "text/csv; charset=utf-8"

func exportAuditOperation() huma.Operation {
	return huma.Operation{
		OperationID: "exportAudit", Method: http.MethodGet, Path: "/v1/audit/export", Tags: []string{"audit"},
		Summary: "All events that are looked for as a file, oldest first",
		Description: "Streamed; it has a minute. A file that does not end as it should was cut off: " +
			"the connection breaks, and the JSON array is not closed. Then ask for shorter times.",
		Responses: map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}},
			"text/csv":         {Schema: &huma.Schema{Type: huma.TypeString}},
		}}},
		Errors: []int{401, 403, 422, 503},
	}
}

type auditFileInput struct {
	Format string `query:"format" enum:"csv,json" default:"csv"`
	AuditFilter
}

type auditFileOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        func(huma.Context)
}

func (s *Server) exportAudit(ctx context.Context, in *auditFileInput) (*auditFileOutput, error) {
	if s.cfg.Events == nil {
		return nil, journal.ErrClosed
	}
	out := &auditFileOutput{Type: csvType, Disposition: `attachment; filename="audit.` + in.Format + `"`}
	format := trail.CSV
	if in.Format == "json" {
		out.Type, format = "application/json", trail.JSON
	}
	q := in.query()
	out.Body = func(to huma.Context) {
		w := format(to.BodyWriter())
		err := trail.Each(ctx, s.cfg.Events, q, w.Write)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			s.log.WarnContext(ctx, "export of the audit was cut off", "request_id", requestID(ctx), "error", err)
			panic(http.ErrAbortHandler) // the status has gone: a broken connection is the only way to say it
		}
	}
	return out, nil
}
