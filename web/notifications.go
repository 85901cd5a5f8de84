package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/airspace/notice"
	"testzone/telemetry"
	"testzone/web/auth"
	"testzone/web/notify/mail"
)

const notificationsPath = "/v1/notifications"

// Notification is something that happened and that the caller should know of.
type Notification struct {
	ID     string             `json:"id" doc:"Grows; the same after a restart"`
	Kind   string             `json:"kind" doc:"One of the kinds of the settings"`
	At     string             `json:"at" format:"date-time"`
	Object NotificationObject `json:"object"`
	Due    *string            `json:"due" format:"date-time" doc:"The moment that it is about: a deadline, a begin, an end"`
	Text   Words              `json:"text" doc:"In a sentence"`
	Read   bool               `json:"read"`
}

// NotificationObject is what a notification is about.
type NotificationObject struct {
	Type string `json:"type" enum:"permit,restriction,booking,rules"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Words is a text in both languages.
type Words struct {
	En string `json:"en"`
	Zh string `json:"zh"`
}

// NotificationList is notifications, the newest first.
type NotificationList struct {
	Items  []Notification `json:"items"`
	Unread int            `json:"unread" doc:"Of all that the caller sees; counted up to 100"`
	ReadTo string         `json:"read_up_to" doc:"Id of the newest one that was read; empty: none"`
	Next   *string        `json:"next" doc:"Cursor of the next page; null at the end"`
}

type notificationListInput struct {
	Page
	Unread bool     `query:"unread" doc:"Only those that the caller has not read"`
	Kind   []string `query:"kind" maxItems:"100" maxLength:"60" doc:"Only of these kinds, by commas"`
}

// Resolve finds what a schema cannot.
func (in *notificationListInput) Resolve(huma.Context) (out []error) {
	for _, k := range in.Kind {
		if !slices.Contains(notice.Kinds(), notice.Kind(k)) {
			out = append(out, &huma.ErrorDetail{Location: "query.kind", Message: "no such kind: " + notificationsPath + "/kinds lists all", Value: k})
		}
	}
	return out
}

type readNotificationsInput struct {
	Body ReadInput
}

// ReadInput says how far the caller has read.
type ReadInput struct {
	UpTo string `json:"up_to" minLength:"1" maxLength:"30" doc:"Id of the newest one that was read; older ones count as read too"`
}

// Resolve finds what a schema cannot.
func (in *ReadInput) Resolve(huma.Context) []error {
	if _, ok := parseNoticeID(in.UpTo); !ok {
		return []error{&huma.ErrorDetail{Location: "body.up_to", Message: "it is the id of a notification, such as nt_640"}}
	}
	return nil
}

// NotificationSettings are how a person is told.
type NotificationSettings struct {
	Address  string   `json:"address" maxLength:"254" doc:"Mail address; empty: no mail. Personal data: erased with the person"`
	Language string   `json:"language" enum:"en,zh" doc:"Of the mails"`
	Kinds    []string `json:"kinds" maxItems:"100" uniqueItems:"true" doc:"That are sent by mail"`
}

// Resolve finds what a schema cannot.
func (in *NotificationSettings) Resolve(huma.Context) (out []error) {
	for i, k := range in.Kinds {
		if !slices.Contains(notice.Kinds(), notice.Kind(k)) {
			out = append(out, &huma.ErrorDetail{Location: fmt.Sprintf("body.kinds[%d]", i), Message: "no such kind: read the settings, they list all"})
		}
	}
	return out
}

// NotificationChoice is the settings with what can be chosen.
type NotificationChoice struct {
	NotificationSettings
	Mail   bool               `json:"mail" doc:"The zone sends mail"`
	All    []NotificationKind `json:"all" doc:"The kinds"`
	Failed *MailFailure       `json:"failed" doc:"The last mail to the caller that was given up; null: none"`
}

// NotificationKind is a kind with its name.
type NotificationKind struct {
	Kind string `json:"kind"`
	Name Words  `json:"name"`
}

// MailFailure is a mail that could not be sent.
type MailFailure struct {
	At    string `json:"at" format:"date-time"`
	Error string `json:"error" doc:"What the mail server answered"`
}

// Mailer is who sends mails; *mail.Mailer is one.
type Mailer interface {
	Failed(person string) (mail.Failure, bool)
}

func (s *Server) notificationEndpoints(api huma.API) {
	const tag = "notifications"
	list := operation(tag, "listNotifications", http.MethodGet, notificationsPath, "What happened that the caller should know of, the newest first", 401)
	list.Description = "For one's organisation and rights. The live channel says with a message notifications that there are new ones; webhooks and /v1/events have the same under the names of the kinds."
	endpoint(s, api, list, s.listNotifications)
	endpoint(s, api, operation(tag, "listNotificationKinds", http.MethodGet, notificationsPath+"/kinds", "The kinds of notifications, and how they are called", 401), s.listNotificationKinds)
	endpoint(s, api, operation(tag, "listMissedClocks", http.MethodGet, "/v1/missed-clocks", "Deadlines of permits that were missed while nobody has decided", 401, 403), s.listMissedClocks)
	endpoint(s, api, operation(tag, "readNotifications", http.MethodPost, notificationsPath+"/read", "Say how far one has read", 400, 401, 413, 415, 503), s.readNotifications)
	endpoint(s, api, operation(tag, "getNotificationSettings", http.MethodGet, notificationsPath+"/settings", "What one is sent by mail", 401, 403), s.getNotificationSettings)
	endpoint(s, api, operation(tag, "setNotificationSettings", http.MethodPut, notificationsPath+"/settings", "Choose what one is sent by mail", 400, 401, 403, 413, 415, 503), s.setNotificationSettings)
}

func noticeID(id uint64) string { return "nt_" + strconv.FormatUint(id, 10) }

func parseNoticeID(text string) (uint64, bool) {
	digits, ok := strings.CutPrefix(text, "nt_")
	id, err := strconv.ParseUint(digits, 10, 63)
	return id, ok && err == nil
}

func (s *Server) notificationOf(n *notice.Notice, readUpTo uint64) Notification {
	kind, id, _ := strings.Cut(n.Object, ":")
	text := s.noticeWords(n)
	return Notification{
		ID: noticeID(n.ID), Kind: string(n.Kind), At: timeOf(n.AtUS), Object: NotificationObject{kind, id, n.Name}, Due: optionalTime(n.DueUS),
		Text: text, Read: n.ID <= readUpTo,
	}
}

func (s *Server) listNotifications(ctx context.Context, in *notificationListInput) (*struct{ Body NotificationList }, error) {
	list, limit := listOf(ctx, fmt.Sprint("notifications ", in.Unread, in.Kind)), in.Limit
	if limit <= 0 || limit > maxPage {
		limit = defaultPage
	}
	q := notice.Query{Unread: in.Unread, Limit: limit + 1}
	for _, k := range in.Kind {
		q.Kinds = append(q.Kinds, notice.Kind(k))
	}
	if in.Cursor != "" {
		last, err := s.cursors.decode(list, in.Cursor)
		if err != nil {
			return nil, err
		}
		q.Before, _ = parseNoticeID(last)
	}
	found, unread, readUpTo := s.cfg.Register.Notices(actorOf(ctx), q)
	out := NotificationList{Items: []Notification{}, Unread: unread}
	if readUpTo != 0 {
		out.ReadTo = noticeID(readUpTo)
	}
	for i := range found {
		if i == limit {
			next := s.cursors.encode(list, noticeID(found[i-1].ID))
			out.Next = &next
			break
		}
		out.Items = append(out.Items, s.notificationOf(&found[i], readUpTo))
	}
	return &struct{ Body NotificationList }{out}, nil
}

// NotificationKinds is all kinds.
type NotificationKinds struct {
	Items []NotificationKind `json:"items" doc:"In the order in which people choose among them"`
}

func notificationKinds() (out []NotificationKind) {
	forms := noticeTexts()
	for _, k := range notice.Kinds() {
		out = append(out, NotificationKind{string(k), forms[k].name})
	}
	return out
}

func (s *Server) listNotificationKinds(context.Context, *struct{}) (*struct{ Body NotificationKinds }, error) {
	return &struct{ Body NotificationKinds }{NotificationKinds{notificationKinds()}}, nil
}

func (s *Server) readNotifications(ctx context.Context, in *readNotificationsInput) (*struct{}, error) {
	id, _ := parseNoticeID(in.Body.UpTo)
	return nil, s.cfg.Register.ReadNotices(ctx, actorOf(ctx), id)
}

// reader is the person whose settings these are. A key has none: it may have fewer
// rights than its owner, to whom mails are addressed.
func reader(ctx context.Context) (string, error) {
	who := actorOf(ctx)
	if who.Person == "" || who.Key != "" {
		return "", fmt.Errorf("settings of notifications: sign in as a person: %w", airspace.ErrNoPerson)
	}
	return who.Person, nil
}

func (s *Server) getNotificationSettings(ctx context.Context, _ *struct{}) (*struct{ Body NotificationChoice }, error) {
	person, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	m := s.cfg.Auth.Secrets().Mail(person)
	out := NotificationChoice{NotificationSettings: NotificationSettings{m.Address, m.Language, append([]string{}, m.Kinds...)}, Mail: s.cfg.Mailer != nil}
	if out.Language == "" {
		out.Language = "en"
	}
	out.All = notificationKinds()
	if s.cfg.Mailer != nil {
		if f, ok := s.cfg.Mailer.Failed(person); ok {
			out.Failed = &MailFailure{timeOf(f.AtUS), f.Error}
		}
	}
	return &struct{ Body NotificationChoice }{out}, nil
}

func (s *Server) setNotificationSettings(ctx context.Context, in *struct{ Body NotificationSettings }) (*struct{ Body NotificationChoice }, error) {
	person, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Auth.Secrets().SetMail(person, auth.Mail{Address: in.Body.Address, Language: in.Body.Language, Kinds: in.Body.Kinds}); err != nil {
		return nil, err
	}
	return s.getNotificationSettings(ctx, nil)
}

// NotificationChange is what the bus is told of new notices.
func NotificationChange(list []notice.Notice) *telemetry.NotificationChange {
	c := &telemetry.NotificationChange{Orgs: map[string]bool{}}
	for i := range list {
		for _, a := range list[i].To {
			c.Orgs[a.Org] = true
		}
	}
	return c
}

type notificationsMessage struct {
	T    string `json:"t"`
	CSeq uint64 `json:"cseq"`
}
