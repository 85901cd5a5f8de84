package web

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/airspace/document"
	"testzone/telemetry/audit"
	"testzone/telemetry/journal"
)

const (
	documentsPath = permitPath + "/{id}/documents"
	// documentTimeout is how long a document may take to arrive and to be looked into.
	documentTimeout = 2 * time.Minute
)

// EnclosedDocument is a file that was enclosed with an application.
type EnclosedDocument struct {
	SHA256   string  `json:"sha256" doc:"Its name, and the ETag of its content"`
	Type     string  `json:"type" doc:"Media type, which its content has"`
	Bytes    int64   `json:"bytes"`
	Title    string  `json:"title"`
	Item     string  `json:"item" doc:"Of the rule pack, that it was sent for"`
	State    string  `json:"state" enum:"kept,missing,erased" doc:"missing: its file was lost, the applicant sends the same file again; erased: its time was over"`
	SentBy   string  `json:"sent_by" doc:"Person"`
	SentAt   string  `json:"sent_at" format:"date-time"`
	ErasedAt *string `json:"erased_at" format:"date-time"`
}

type documentList struct {
	Kept  string             `json:"kept" enum:"none,optional,required" doc:"none: the zone keeps no documents, an application names their digests; optional: one that is not sent counts by its digest; required: it is complete only with all of them"`
	Items []EnclosedDocument `json:"items"`
}

// DocumentName is which document of which permit.
type DocumentName struct {
	ID     string `path:"id" maxLength:"64"`
	SHA256 string `path:"sha256" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]{64}$" doc:"Of the content, in hexadecimal"`
}

func (n *DocumentName) name() document.Name { return document.Name{Permit: n.ID, SHA256: n.SHA256} }

type sendDocumentInput struct {
	DocumentName
	Item          string `query:"item" required:"true" minLength:"1" maxLength:"60" doc:"Of the rule pack, for which it is sent"`
	Title         string `query:"title" maxLength:"200" doc:"As people see it, e.g. the file's name; stays in the journal: no personal data"`
	Type          string `header:"Content-Type"`
	ContentDigest string `header:"Content-Digest" maxLength:"300" doc:"RFC 9530; sha-256 has to be that of the path"`
	Digest        string `header:"Digest" maxLength:"300" doc:"RFC 3230, likewise"`
}

// Resolve finds what a schema cannot.
func (in *sendDocumentInput) Resolve(huma.Context) (faults []error) {
	for name, value := range map[string]string{"Content-Digest": in.ContentDigest, "Digest": in.Digest} {
		if value != "" && !saysDigest(value, in.SHA256) {
			faults = append(faults, &huma.ErrorDetail{Location: "header." + name, Message: "it says another SHA-256 than the path, or none", Value: value})
		}
	}
	return faults
}

// saysDigest reports whether a header of digests has no SHA-256 but one, and that.
func saysDigest(header, want string) bool {
	said := false
	for one := range strings.SplitSeq(header, ",") {
		algorithm, value, _ := strings.Cut(strings.TrimSpace(one), "=")
		if !strings.EqualFold(algorithm, "sha-256") {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(strings.Trim(value, ":"))
		if err != nil || hex.EncodeToString(sum) != want {
			return false
		}
		said = true
	}
	return said
}

type sendDocumentOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   EnclosedDocument
}

type readDocumentOutput struct {
	Type        string `header:"Content-Type"`
	Length      int64  `header:"Content-Length"`
	Disposition string `header:"Content-Disposition"`
	Policy      string `header:"Content-Security-Policy"`
	ETag        string `header:"ETag"`
	Body        func(huma.Context)
}

// documentPolicy is that of a document that a browser shows all the same.
const documentPolicy = "sandbox; default-src 'none'; frame-ancestors 'none'"

func (s *Server) documentEndpoints(api huma.API) {
	const tag, one = "permits", documentsPath + "/{sha256}"
	file := map[string]*huma.MediaType{}
	for _, name := range document.Types() {
		file[name] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	endpoint(s, api, operation(tag, "listDocuments", http.MethodGet, documentsPath, "Documents of a permit: its applicants', and once it was submitted its departments', controllers' and auditors'", 401, 403, 404), s.listDocuments)
	read := operation(tag, "readDocument", http.MethodGet, one, "What a document says; that somebody read it is in the audit", 401, 403, 404, 409, 410, 503)
	read.Responses = map[string]*huma.Response{"200": {Description: "The file, to be saved and not shown", Content: file}}
	endpoint(s, api, read, s.readDocument)
	send := operation(tag, "sendDocument", http.MethodPut, one, "Send a document of a draft, or when information is requested", 400, 401, 403, 404, 408, 409, 413, 415, 503)
	send.Description = "The body is the file, and its name is its SHA-256: to send it again does nothing, so that a broken connection needs no key. " +
		"The application names the same digest, type and size in the item. Content that is not of its type to the last byte, that runs " +
		"something or unpacks to too much is refused (document_refused). It has two minutes."
	send.RequestBody = &huma.RequestBody{Required: true, Content: file}
	send.SkipValidateBody = true // package document judges it
	send.Responses = map[string]*huma.Response{"201": {Description: "It is kept"}, "200": {Description: "It was kept before"}}
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[EnclosedDocument](), true, "")
	for _, r := range send.Responses {
		r.Content = map[string]*huma.MediaType{"application/json": {Schema: schema}}
	}
	endpoint(s, api, send, s.sendDocument)
	endpoint(s, api, operation(tag, "deleteDocument", http.MethodDelete, one, "Take a document back that was not submitted, and erase it", 401, 403, 404, 409, 503), s.deleteDocument)
}

func (s *Server) documentForm(d *airspace.Document) EnclosedDocument {
	out := EnclosedDocument{SHA256: d.SHA256, Type: d.Type, Bytes: d.Bytes, Title: d.Title, Item: d.Item, State: "kept", SentBy: d.By, SentAt: timeOf(d.AtUS)}
	switch {
	case d.ErasedUS != 0:
		at := timeOf(d.ErasedUS)
		out.State, out.ErasedAt = "erased", &at
	case s.cfg.Documents == nil || !s.cfg.Documents.Has(document.Name{Permit: d.Permit, SHA256: d.SHA256}):
		out.State = "missing"
	}
	return out
}

func (s *Server) listDocuments(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (*struct{ Body documentList }, error) {
	all, err := s.cfg.Register.Documents(actorOf(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body documentList }{documentList{Kept: "none", Items: []EnclosedDocument{}}}
	if kept, required := s.cfg.Register.DocumentsKept(); required {
		out.Body.Kept = "required"
	} else if kept {
		out.Body.Kept = "optional"
	}
	for i := range all {
		out.Body.Items = append(out.Body.Items, s.documentForm(&all[i]))
	}
	return out, nil
}

func (s *Server) readDocument(ctx context.Context, in *DocumentName) (*readDocumentOutput, error) {
	d, err := s.cfg.Register.DocumentOf(actorOf(ctx), in.ID, in.SHA256)
	switch {
	case err != nil:
		return nil, err
	case d.ErasedUS != 0:
		return nil, airspace.ErrDocumentErased
	case s.cfg.Documents == nil:
		return nil, airspace.ErrNoDocuments
	}
	content, err := s.cfg.Documents.Read(in.name())
	if err != nil {
		return nil, err
	}
	// All of it is opened before the answer begins: a damaged one is a problem, not half a file.
	if _, err := io.Copy(io.Discard, content.Reader()); err != nil {
		return nil, errors.Join(err, content.Close())
	}
	r := requestOf(ctx)
	s.tellCall(r, audit.Act{Type: audit.CallDone, By: actorOf(ctx).ID, What: "readDocument"})
	return &readDocumentOutput{
		Type: d.Type, Length: content.Size(), Policy: documentPolicy, ETag: `"` + d.SHA256 + `"`,
		Disposition: mime.FormatMediaType("attachment", map[string]string{"filename": document.FileName(d.Title, d.Type)}),
		Body: func(to huma.Context) {
			_, err := io.Copy(to.BodyWriter(), content.Reader())
			if err = errors.Join(err, content.Close()); err != nil {
				panic(http.ErrAbortHandler) // the status has gone: a broken connection is the only way to say it
			}
		},
	}, nil
}

func (s *Server) sendDocument(ctx context.Context, in *sendDocumentInput) (*sendDocumentOutput, error) {
	kind, _, err := mime.ParseMediaType(in.Type)
	if err != nil || !slices.Contains(document.Types(), kind) {
		return nil, newProblem(ctx, http.StatusUnsupportedMediaType, "unsupported_media_type", "Send Content-Type: "+strings.Join(document.Types(), " or ")+".")
	}
	d := airspace.Document{Permit: in.ID, SHA256: in.SHA256, Type: kind, Item: in.Item, Title: document.Title(in.Title)}
	limit, again, err := s.cfg.Register.MayAttach(actorOf(ctx), d)
	if err != nil {
		return nil, err
	}
	if s.cfg.Documents == nil {
		return nil, airspace.ErrNoDocuments
	}
	release, err := s.cfg.Documents.Hold(in.name())
	if err != nil {
		return nil, err
	}
	defer release()
	if !again || !s.cfg.Documents.Has(in.name()) {
		if d.Bytes, err = s.receiveDocument(ctx, in.name(), kind, limit); err != nil {
			return nil, err
		}
	}
	made, err := s.cfg.Register.AttachDocument(ctx, actorOf(ctx), d)
	if err != nil {
		// Of an unknown outcome the next start knows: it sweeps what nothing names.
		if !errors.Is(err, journal.ErrUnknown) && !s.cfg.Register.DocumentThere(in.name()) {
			err = errors.Join(err, s.cfg.Documents.Erase(in.name()))
		}
		return nil, err
	}
	out := &sendDocumentOutput{Status: http.StatusCreated, ETag: `"` + made.SHA256 + `"`, Body: s.documentForm(&made)}
	if again {
		out.Status = http.StatusOK
	}
	return out, nil
}

// receiveDocument keeps the body of a request if it is what it says.
func (s *Server) receiveDocument(ctx context.Context, n document.Name, kind string, limit int64) (size int64, err error) {
	r := requestOf(ctx)
	if r.ContentLength > limit {
		return 0, fmt.Errorf("%w: %d bytes at most here", document.ErrTooLarge, limit)
	}
	in, err := s.cfg.Documents.Receive(ctx, n, actorOf(ctx).Org, limit, r.Body)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, newProblem(ctx, http.StatusRequestTimeout, "timeout", "The body did not arrive in time.")
	case err != nil:
		return 0, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if err := document.Inspect(ctx, kind, in, in.Size()); err != nil {
		return 0, err
	}
	return in.Size(), in.Keep()
}

func (s *Server) deleteDocument(ctx context.Context, in *DocumentName) (*struct{}, error) {
	if s.cfg.Documents == nil {
		return nil, airspace.ErrNoDocuments
	}
	if _, err := s.cfg.Register.DocumentOf(actorOf(ctx), in.ID, in.SHA256); err != nil {
		return nil, err
	}
	release, err := s.cfg.Documents.Hold(in.name())
	if err != nil {
		return nil, err
	}
	defer release()
	if err := s.cfg.Register.DetachDocument(ctx, actorOf(ctx), in.ID, in.SHA256); err != nil {
		return nil, err
	}
	return nil, s.cfg.Documents.Erase(in.name())
}
