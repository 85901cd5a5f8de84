package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/telemetry/journal"
	"testzone/web/notify"
)

// Webhook is a receiver that events are sent to.
type Webhook struct {
	ID        string   `json:"id" doc:"Testzone-Webhook of each delivery"`
	URL       string   `json:"url"`
	Types     []string `json:"types" doc:"Types of events; empty: all"`
	State     string   `json:"state" enum:"active,given_up" doc:"given_up: it failed for a day, or answered 410; nothing is lost, resume it when it is well"`
	SentUpTo  uint64   `json:"sent_up_to" doc:"Journal sequence up to which nothing is left to send"`
	Attempts  int      `json:"attempts" doc:"That failed, of the event that is being sent"`
	FailedAt  *string  `json:"failed_at" format:"date-time" doc:"When the first of them did"`
	LastError string   `json:"last_error" doc:"Of the last of them"`
	CreatedAt string   `json:"created_at" format:"date-time"`
	CreatedBy string   `json:"created_by" doc:"Actor id"`
	Rev       uint64   `json:"rev" minimum:"1" doc:"Revision; the ETag"`
}

// NewWebhook is a webhook with its secret.
type NewWebhook struct {
	Webhook
	Secret string `json:"secret" doc:"Shown only now. Testzone-Signature is t=<unix seconds>,v1=<hex HMAC-SHA-256 under it of t, a dot and the body>"`
}

// WebhookList lists the webhooks.
type WebhookList struct {
	Items []Webhook `json:"items"`
}

// WebhookInput is what a caller may say about a webhook.
type WebhookInput struct {
	URL   string   `json:"url" minLength:"1" maxLength:"500" doc:"https, of the public internet"`
	Types []string `json:"types,omitempty" maxItems:"20" doc:"E.g. alert.raised, a kind of notification such as permit.clock_missed (GET /v1/notifications/settings lists them), or a family such as fence.*; empty: all"`
}

// Resolve finds what a schema cannot.
func (in *WebhookInput) Resolve(huma.Context) []error {
	if message := eventFilter(in.Types).fault(); message != "" {
		return []error{&huma.ErrorDetail{Location: "body.types", Message: message}}
	}
	return nil
}

type createWebhookInput struct {
	Trial
	Body WebhookInput
}

type newWebhookOutput struct {
	Status   int
	ETag     string `header:"ETag" doc:"Revision for If-Match"`
	Location string `header:"Location" doc:"Of the new webhook"`
	Body     NewWebhook
}

type webhookListOutput struct{ Body WebhookList }

type oneWebhookInput struct {
	ID string `path:"id" maxLength:"64"`
}

type changeWebhookInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" doc:"ETag of the revision that you read; needed" example:"\"1\""`
}

type webhookOutput struct {
	ETag string `header:"ETag" doc:"Revision for If-Match"`
	Body Webhook
}

// EncodeEvent writes the event of a record as webhooks get it; not ok: it is
// not of these types, or not for everybody.
func EncodeEvent(rec *journal.Record, types []string) (body []byte, ok bool) {
	e, visible := eventOf(rec, false)
	if !visible || !eventFilter(types).wants(e.Type) {
		return nil, false
	}
	return encodeJSON(&e), true
}

func (s *Server) webhookEndpoints(api huma.API) {
	op := func(id, method, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"webhooks"}, Summary: summary, Errors: append(errors, 401, 403, 503)}
	}
	endpoint(s, api, op("listWebhooks", http.MethodGet, "/v1/webhooks", "Webhooks"), s.listWebhooks)
	create := op("createWebhook", http.MethodPost, "/v1/webhooks", "Have the events from now on sent to an address, signed, in order and at least once", 400, 409, 413, 415)
	create.DefaultStatus = http.StatusCreated
	endpoint(s, api, create, s.createWebhook)
	endpoint(s, api, op("getWebhook", http.MethodGet, "/v1/webhooks/{id}", "One webhook", 404), s.getWebhook)
	endpoint(s, api, op("deleteWebhook", http.MethodDelete, "/v1/webhooks/{id}", "Send nothing more", 400, 404, 412, 428), s.deleteWebhook)
	endpoint(s, api, op("resumeWebhook", http.MethodPost, "/v1/webhooks/{id}/resume",
		"Send again to a webhook that was given up, from where it stopped", 400, 404, 412, 413, 415, 428), s.resumeWebhook)
}

func webhookOf(h *notify.Hook) Webhook {
	return Webhook{
		ID: h.ID, URL: h.URL, Types: append([]string{}, h.Types...), State: string(h.State), SentUpTo: h.Acked, Attempts: h.Attempts,
		FailedAt: optionalTime(h.FailedUS), LastError: h.LastError, CreatedAt: timeOf(h.CreatedUS), CreatedBy: h.CreatedBy, Rev: h.Rev,
	}
}

func (s *Server) listWebhooks(context.Context, *struct{}) (*webhookListOutput, error) {
	out := WebhookList{Items: []Webhook{}}
	for _, h := range s.cfg.Notifier.Hooks() {
		out.Items = append(out.Items, webhookOf(&h))
	}
	return &webhookListOutput{Body: out}, nil
}

func (s *Server) createWebhook(ctx context.Context, in *createWebhookInput) (*newWebhookOutput, error) {
	actor := actorOf(ctx).ID
	if in.DryRun {
		if err := s.cfg.Notifier.Check(in.Body.URL); err != nil {
			return nil, err
		}
		would := notify.Hook{URL: in.Body.URL, Types: in.Body.Types, State: notify.Active, CreatedUS: s.cfg.Clock().UnixMicro(), CreatedBy: actor, Rev: 1}
		return &newWebhookOutput{Status: http.StatusOK, Body: NewWebhook{Webhook: webhookOf(&would)}}, nil
	}
	h, secret, err := s.cfg.Notifier.Create(ctx, actor, in.Body.URL, in.Body.Types)
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "webhook created", "webhook", h.ID, "actor", actor, "request_id", requestID(ctx))
	return &newWebhookOutput{
		Status: http.StatusCreated, ETag: etag(h.Rev), Location: "/v1/webhooks/" + h.ID, Body: NewWebhook{Webhook: webhookOf(&h), Secret: secret},
	}, nil
}

func (s *Server) getWebhook(_ context.Context, in *oneWebhookInput) (*webhookOutput, error) {
	h, err := s.cfg.Notifier.Hook(in.ID)
	if err != nil {
		return nil, err
	}
	return &webhookOutput{ETag: etag(h.Rev), Body: webhookOf(&h)}, nil
}

func (s *Server) deleteWebhook(ctx context.Context, in *changeWebhookInput) (*struct{}, error) {
	rev, err := revision(in.IfMatch)
	if err == nil {
		err = s.cfg.Notifier.Delete(ctx, actorOf(ctx).ID, in.ID, rev)
	}
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "webhook deleted", "webhook", in.ID, "actor", actorOf(ctx).ID, "request_id", requestID(ctx))
	return nil, nil
}

func (s *Server) resumeWebhook(ctx context.Context, in *changeWebhookInput) (*webhookOutput, error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	h, err := s.cfg.Notifier.Resume(ctx, actorOf(ctx).ID, in.ID, rev)
	if err != nil {
		return nil, err
	}
	return &webhookOutput{ETag: etag(h.Rev), Body: webhookOf(&h)}, nil
}

// noJournal has no entries, now and ever.
type noJournal struct{}

func (noJournal) Append(context.Context, ...journal.Entry) ([]uint64, error) {
	return nil, journal.ErrClosed
}

func (noJournal) Head() (seq uint64, hash [32]byte) { return 0, hash }

func (noJournal) Follow(ctx context.Context, _ uint64, _ func(journal.Record) error) error {
	<-ctx.Done()
	return ctx.Err()
}
