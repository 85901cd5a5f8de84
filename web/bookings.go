package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/airspace/site"
)

const bookingsPath = "/v1/bookings"

// Booking is a span of time at a site.
type Booking struct {
	ID        string  `json:"id" doc:"Empty after a dry run"`
	Site      string  `json:"site_id"`
	SiteName  string  `json:"site_name"`
	Org       string  `json:"organisation_id" doc:"Whose it is; empty: the zone's authority"`
	Person    string  `json:"person" doc:"Who booked it"`
	Purpose   string  `json:"purpose"`
	Series    string  `json:"series" doc:"Of those that recur"`
	From      string  `json:"from" format:"date-time"`
	To        string  `json:"to" format:"date-time"`
	Units     int     `json:"units" doc:"Of the site's capacity"`
	Exclusive bool    `json:"exclusive" doc:"It has the site for itself"`
	Priority  int     `json:"priority" doc:"0 to 3"`
	State     string  `json:"state" enum:"requested,confirmed,in_use,refused,cancelled,no_show,displaced" doc:"requested: waits for the site's owner, and keeps its slot meanwhile"`
	Over      bool    `json:"over" doc:"Its time is past, or it was ended"`
	Reason    string  `json:"reason"`
	DecidedBy string  `json:"decided_by" doc:"Actor id: of the approval or the end"`
	CameAt    *string `json:"came_at" format:"date-time"`
	Rev       uint64  `json:"rev" minimum:"1" doc:"Revision; the ETag"`
	CreatedAt string  `json:"created_at" format:"date-time"`
	UpdatedAt string  `json:"updated_at" format:"date-time"`
	UpdatedBy string  `json:"updated_by" doc:"Actor id"`
}

// BookingAnswer is what a change of a booking led to.
type BookingAnswer struct {
	Booking
	Also []Booking `json:"also" doc:"The others of a series, and those that were displaced"`
}

// BookingInput books a site.
type BookingInput struct {
	Site      string    `json:"site_id" minLength:"1" maxLength:"64"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Units     int       `json:"units,omitempty" minimum:"1" maximum:"1000" default:"1"`
	Exclusive bool      `json:"exclusive,omitempty" doc:"Have the site for itself"`
	Purpose   string    `json:"purpose,omitempty" maxLength:"500" doc:"The site's owner and the zone read it; stays in the journal: no personal data"`
	Weeks     int       `json:"weeks,omitempty" minimum:"1" maximum:"53" default:"1" doc:"So many times, every week at the same time of the zone's day; all or none"`
	Org       string    `json:"organisation_id,omitempty" maxLength:"40" doc:"For whom; only who controls the zone names another than its own"`
	Priority  int       `json:"priority,omitempty" minimum:"0" maximum:"3" doc:"Above 0: only who controls the zone"`
	Displace  bool      `json:"displace,omitempty" doc:"End the bookings of lower priority that are in its way; a dry run names them"`
}

// Resolve finds what a schema cannot.
func (in *BookingInput) Resolve(huma.Context) []error {
	out := textFault("body.purpose", in.Purpose)
	if !in.To.After(in.From) {
		out = append(out, &huma.ErrorDetail{Location: "body.to", Message: "it ends before it begins"})
	}
	return out
}

func (in *BookingInput) request() airspace.BookingRequest {
	return airspace.BookingRequest{
		Site: in.Site, Org: in.Org, Purpose: in.Purpose, FromUS: in.From.UnixMicro(), ToUS: in.To.UnixMicro(), Units: in.Units, Exclusive: in.Exclusive,
		Priority: in.Priority, Weeks: in.Weeks, Displace: in.Displace,
	}
}

// BookingRefusal is why a site cannot be booked so, and what would do.
type BookingRefusal struct {
	Conflicts []BookingConflict `json:"conflicts"`
	Free      []Slot            `json:"free" doc:"The nearest slots of the same length that would do"`
}

// BookingConflict is one thing that speaks against a booking.
type BookingConflict struct {
	Rule    string  `json:"rule" enum:"past,too_far,too_short,too_long,too_many,closed,taken,full,space,series"`
	Text    string  `json:"text"`
	Of      string  `json:"of" format:"date-time" doc:"Begin of the booking, or of which one of a series"`
	At      *string `json:"at" format:"date-time" doc:"Where it begins"`
	Minutes float64 `json:"minutes" doc:"How long they overlap, buffer included, or how much too early, long, short"`
	Metres  float64 `json:"metres" doc:"Of space: how deep the areas share"`
	Units   int     `json:"units" doc:"How many are missing"`
	Booking string  `json:"booking_id" doc:"The other one, if the caller may know it"`
	Site    string  `json:"site_id" doc:"Of the other one"`
	Yields  bool    `json:"yields" doc:"The other one has the lower priority: displace ends it"`
}

// refusedBooking is the problem of a booking that does not fit.
func (s *Server) refusedBooking(ctx context.Context, q airspace.BookingRequest, err error) error {
	var conflict *airspace.ConflictError
	if !errors.As(err, &conflict) {
		return err
	}
	out := &BookingRefusal{Conflicts: []BookingConflict{}, Free: slotsOf(s.cfg.Register.Free(q, 3))}
	p := newProblem(ctx, http.StatusConflict, "site_taken", conflict.Error())
	for i := range conflict.Faults {
		f := &conflict.Faults[i]
		c := BookingConflict{
			Rule: string(f.Rule), Text: f.Text(), Of: timeOf(f.FromUS), At: optionalTime(f.AtUS), Minutes: tenths(float64(f.ByUS) / 60e6), Metres: tenths(f.Metres),
			Units: f.Units, Site: f.Site, Yields: f.Yields,
		}
		if f.Mine {
			c.Booking = f.With
		}
		out.Conflicts = append(out.Conflicts, c)
		if i < maxFaults {
			p.Errors = append(p.Errors, FieldError{Location: "body.from", Message: c.Text})
		}
	}
	p.Booking = out
	return p
}

func (s *Server) bookingOf(b *airspace.Booking) Booking {
	at, _ := s.cfg.Register.Site(b.Site) // a booking has one
	return Booking{
		ID: b.ID, Site: b.Site, SiteName: at.Name, Org: b.Org, Person: b.Person, Purpose: b.Purpose, Series: b.Series, From: timeOf(b.FromUS), To: timeOf(b.ToUS),
		Units: b.Units, Exclusive: b.Exclusive, Priority: b.Priority, State: string(b.State), Over: b.Over(s.cfg.Clock().UnixMicro()), Reason: b.Reason,
		DecidedBy: b.DecidedBy, CameAt: optionalTime(b.CameUS), Rev: b.Rev, CreatedAt: timeOf(b.CreatedUS), UpdatedAt: timeOf(b.UpdatedUS), UpdatedBy: b.UpdatedBy,
	}
}

// BookingList is one page of bookings.
type BookingList struct {
	Items []Booking `json:"items"`
	Next  *string   `json:"next" doc:"Cursor of the next page; null at the end"`
}

type listBookingsInput struct {
	Page
	Site   string    `query:"site_id" maxLength:"64"`
	Org    string    `query:"organisation_id" maxLength:"40"`
	Series string    `query:"series" maxLength:"64"`
	From   time.Time `query:"from" doc:"Those that are not over by then"`
	To     time.Time `query:"to" doc:"Those that begin before; needed with from"`
	All    bool      `query:"all" doc:"And those that were cancelled, refused, displaced or not used"`
}

type bookingListOutput struct{ Body BookingList }

type createBookingInput struct {
	Trial
	Body BookingInput
}

type changeBookingInput struct {
	MatchInput
	Trial
	Body struct {
		From      *time.Time `json:"from,omitempty"`
		To        *time.Time `json:"to,omitempty"`
		Units     int        `json:"units,omitempty" minimum:"1" maximum:"1000"`
		Exclusive *bool      `json:"exclusive,omitempty"`
	}
}

type cancelBookingInput struct {
	MatchInput
	Trial
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"500"`
		Series bool   `json:"series,omitempty" doc:"And those of its series that come later"`
	}
}

type decideBookingInput struct {
	MatchInput
	Trial
	Body struct {
		Approve bool   `json:"approve"`
		Reason  string `json:"reason,omitempty" maxLength:"500" doc:"Needed to refuse"`
	}
}

type arriveInput struct {
	MatchInput
	Trial
}

func (s *Server) bookingEndpoints(api huma.API) {
	const tag, one = "bookings", bookingsPath + "/{id}"
	changes := []int{400, 401, 403, 404, 409, 412, 413, 415, 428, 503}
	list := operation(tag, "listBookings", http.MethodGet, bookingsPath, "Bookings by their begin", 401, 403)
	list.Description = "Those of the caller's organisation and of the sites that it owns; the zone's people and departments see all. Of others only when a site is taken: see its availability."
	endpoint(s, api, list, s.listBookings)
	endpoint(s, api, operation(tag, "getBooking", http.MethodGet, one, "One booking", 401, 403, 404), s.getBooking)
	create := creation(tag, "createBooking", bookingsPath, "Book a site", 400, 401, 403, 404, 409, 413, 415, 503)
	create.Description = "Check and acceptance are one. A refusal says which bookings are in the way, by how much, and the nearest slots that would do."
	endpoint(s, api, create, s.createBooking)
	endpoint(s, api, operation(tag, "changeBooking", http.MethodPatch, one, "Move a booking, or take more or less; it is checked as a new one", changes...), s.changeBooking)
	endpoint(s, api, operation(tag, "cancelBooking", http.MethodPost, one+"/cancel", "Cancel a booking, or the rest of a series", changes...), s.cancelBooking)
	endpoint(s, api, operation(tag, "decideBooking", http.MethodPost, one+"/decision", "Approve or refuse a booking of one's own site; another person than who booked", changes...), s.decideBooking)
	endpoint(s, api, operation(tag, "arriveAtBooking", http.MethodPost, one+"/arrival", "Say that a booking is used, so that it is not released", changes...), s.arriveAtBooking)
}

func (s *Server) listBookings(ctx context.Context, in *listBookingsInput) (*bookingListOutput, error) {
	q := airspace.BookingQuery{Site: in.Site, Org: in.Org, Series: in.Series, All: in.All}
	if !in.To.IsZero() {
		q.FromUS, q.ToUS = in.From.UnixMicro(), in.To.UnixMicro()
	}
	all := s.cfg.Register.Bookings(actorOf(ctx), s.viewOf(ctx).Whole(), q)
	name := listOf(ctx, "bookings "+in.Site+" "+in.Org+" "+in.Series+" "+in.From.String()+" "+in.To.String())
	key := func(b *airspace.Booking) string { return timeOf(b.FromUS) + " " + b.ID }
	items, next, err := paginate(s.cursors, name, in.Page, all, key, func(b *airspace.Booking, last string) bool { return key(b) > last })
	if err != nil {
		return nil, err
	}
	out := &bookingListOutput{Body: BookingList{Items: []Booking{}, Next: next}}
	for i := range items {
		out.Body.Items = append(out.Body.Items, s.bookingOf(&items[i]))
	}
	return out, nil
}

func (s *Server) getBooking(ctx context.Context, in *idInput) (*oneOutput[Booking], error) {
	b, err := s.cfg.Register.Booking(actorOf(ctx), s.viewOf(ctx).Whole(), in.ID)
	if err != nil {
		return nil, err
	}
	return &oneOutput[Booking]{ETag: etag(b.Rev), Body: s.bookingOf(&b)}, nil
}

func (s *Server) createBooking(ctx context.Context, in *createBookingInput) (*madeOutput[BookingAnswer], error) {
	q := in.Body.request()
	list, err := s.cfg.Register.Book(in.under(ctx), actorOf(ctx), q)
	if err != nil {
		return nil, s.refusedBooking(ctx, q, err)
	}
	body := s.bookingAnswer(list)
	if in.DryRun {
		return wouldMake(body), nil
	}
	return made(bookingsPath+"/"+body.ID, body.Rev, body), nil
}

func (s *Server) bookingAnswer(list []airspace.Booking) BookingAnswer {
	out := BookingAnswer{Booking: s.bookingOf(&list[0]), Also: []Booking{}}
	for i := range list[1:] {
		out.Also = append(out.Also, s.bookingOf(&list[i+1]))
	}
	return out
}

// changedBooking answers a change.
func (s *Server) changedBooking(list ...airspace.Booking) *oneOutput[BookingAnswer] {
	return &oneOutput[BookingAnswer]{ETag: etag(list[0].Rev), Body: s.bookingAnswer(list)}
}

func (s *Server) changeBooking(ctx context.Context, in *changeBookingInput) (*oneOutput[BookingAnswer], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	var q airspace.BookingRequest
	b, err := s.cfg.Register.MoveBooking(in.under(ctx), actorOf(ctx), in.ID, rev, func(b *site.Booking) {
		if in.Body.From != nil {
			length := b.ToUS - b.FromUS
			b.FromUS = in.Body.From.UnixMicro()
			b.ToUS = b.FromUS + length
		}
		if in.Body.To != nil {
			b.ToUS = in.Body.To.UnixMicro()
		}
		if in.Body.Units != 0 {
			b.Units = in.Body.Units
		}
		if in.Body.Exclusive != nil {
			b.Exclusive = *in.Body.Exclusive
		}
		q = airspace.BookingRequest{Site: b.Site, FromUS: b.FromUS, ToUS: b.ToUS, Units: b.Units, Exclusive: b.Exclusive}
	})
	if err != nil {
		return nil, s.refusedBooking(ctx, q, err)
	}
	return s.changedBooking(b), nil
}

func (s *Server) cancelBooking(ctx context.Context, in *cancelBookingInput) (*oneOutput[BookingAnswer], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	list, err := s.cfg.Register.CancelBooking(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.Reason, in.Body.Series)
	if err != nil {
		return nil, err
	}
	return s.changedBooking(list...), nil
}

func (s *Server) decideBooking(ctx context.Context, in *decideBookingInput) (*oneOutput[BookingAnswer], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	b, err := s.cfg.Register.ApproveBooking(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.Approve, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return s.changedBooking(b), nil
}

func (s *Server) arriveAtBooking(ctx context.Context, in *arriveInput) (*oneOutput[BookingAnswer], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	b, err := s.cfg.Register.Arrive(in.under(ctx), actorOf(ctx), in.ID, rev)
	if err != nil {
		return nil, err
	}
	return s.changedBooking(b), nil
}
