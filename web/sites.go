package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/airspace/site"
	"testzone/geofence/zonefile"
)

const sitesPath = "/v1/sites"

// Site is a place, or a resource of one, that is booked.
type Site struct {
	ID        string             `json:"id" doc:"Empty after a dry run"`
	Name      string             `json:"name"`
	Kind      string             `json:"kind" enum:"test_base,pad,aerodrome,road,waterway,berth,test_track,hangar,frequency"`
	RoadClass string             `json:"road_class" doc:"Of a road: highway, expressway, urban, urban_expressway or specific_area"`
	Owner     string             `json:"owner" doc:"Organisation; empty: the zone's authority"`
	Contact   string             `json:"contact"`
	District  string             `json:"district" doc:"As rule packs name it"`
	Sandbox   bool               `json:"sandbox" doc:"Rule packs may relax numbers here, and say which"`
	Geometry  Geometry           `json:"geometry"`
	RadiusM   *float64           `json:"radius_m,omitempty" doc:"Of the circle around a Point"`
	WidthM    *float64           `json:"width_m,omitempty" doc:"Of the corridor along a LineString"`
	Floor     *zonefile.Height   `json:"floor" doc:"Null: none"`
	Ceiling   *zonefile.Height   `json:"ceiling" doc:"Null: none"`
	Open      *zonefile.Schedule `json:"open" doc:"Null: always"`
	Space     bool               `json:"space" doc:"Bookings take the area and the heights: one that is for one party alone keeps others off the sites in the same place"`
	Capacity  int                `json:"capacity" doc:"Units that may be booked at once"`
	Min       int64              `json:"min_s" doc:"Shortest booking"`
	Max       int64              `json:"max_s" doc:"Longest booking"`
	Buffer    int64              `json:"buffer_s" doc:"Between two bookings that cannot share it"`
	NoShow    int64              `json:"no_show_s" doc:"A booking to which nobody came is released that long after its begin; 0: never"`
	Ahead     int64              `json:"ahead_s" doc:"How far ahead it can be booked"`
	Approval  bool               `json:"approval" doc:"Its owner approves each booking"`
	Deleted   bool               `json:"deleted"`

	BookedDay  float64 `json:"booked_day" doc:"Share of the open time of the next 24 hours that is booked, 0 to 1"`
	BookedWeek float64 `json:"booked_week" doc:"The same of the next 7 days"`

	Rev       uint64 `json:"rev" minimum:"1" doc:"Revision; the ETag"`
	CreatedAt string `json:"created_at" format:"date-time"`
	UpdatedAt string `json:"updated_at" format:"date-time"`
	UpdatedBy string `json:"updated_by" doc:"Actor id"`
}

// SiteInput is what a caller may say about a site.
type SiteInput struct {
	Name      string             `json:"name" minLength:"1" maxLength:"120"`
	Kind      string             `json:"kind" enum:"test_base,pad,aerodrome,road,waterway,berth,test_track,hangar,frequency"`
	RoadClass string             `json:"road_class,omitempty" enum:"highway,expressway,urban,urban_expressway,specific_area" doc:"Needed by a road, and only there"`
	Owner     string             `json:"owner,omitempty" maxLength:"40" doc:"Organisation; empty: the zone's authority"`
	Contact   string             `json:"contact,omitempty" maxLength:"200" doc:"Of an office: everybody reads it"`
	District  string             `json:"district,omitempty" maxLength:"200"`
	Sandbox   bool               `json:"sandbox,omitempty"`
	Geometry  Geometry           `json:"geometry"`
	RadiusM   *float64           `json:"radius_m,omitempty" minimum:"1" maximum:"200000" doc:"Needed with a Point, and only there"`
	WidthM    *float64           `json:"width_m,omitempty" minimum:"2" maximum:"10000" doc:"Needed with a LineString, and only there"`
	Floor     *zonefile.Height   `json:"floor,omitempty" accept:"null"`
	Ceiling   *zonefile.Height   `json:"ceiling,omitempty" accept:"null"`
	Open      *zonefile.Schedule `json:"open,omitempty" accept:"null" doc:"Null: always"`
	Space     *bool              `json:"space,omitempty" doc:"Default true, but of a hangar and a frequency false"`
	Capacity  int                `json:"capacity,omitempty" minimum:"1" maximum:"1000" default:"1"`
	Min       int64              `json:"min_s,omitempty" minimum:"0" maximum:"2678400"`
	Max       int64              `json:"max_s,omitempty" minimum:"60" maximum:"2678400" default:"86400"`
	Buffer    int64              `json:"buffer_s,omitempty" minimum:"0" maximum:"86400"`
	NoShow    int64              `json:"no_show_s,omitempty" minimum:"0" maximum:"86400"`
	Ahead     int64              `json:"ahead_s,omitempty" minimum:"3600" maximum:"63244800" default:"7776000"`
	Approval  bool               `json:"approval,omitempty"`

	site site.Site // what Resolve made of it
}

// Resolve finds what a schema cannot.
func (in *SiteInput) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	at := prefix.String()
	var out []error
	for _, text := range []struct{ name, text string }{{"name", in.Name}, {"contact", in.Contact}, {"district", in.District}} {
		out = append(out, textFault(at+"."+text.name, text.text)...)
	}
	area := FenceInput{
		Name: "site", Kind: "keep_out", Geometry: in.Geometry, RadiusM: in.RadiusM, WidthM: in.WidthM, Floor: in.Floor, Ceiling: in.Ceiling, Schedule: in.Open,
	}
	form, rest := area.resolve(at)
	for _, f := range form {
		out = append(out, &huma.ErrorDetail{Location: f.Location, Message: f.Message, Value: formFault{}})
	}
	for _, f := range rest {
		out = append(out, &huma.ErrorDetail{Location: f.Location, Message: f.Message})
	}
	second := time.Second.Microseconds()
	in.site = site.Site{
		Name: in.Name, Kind: site.Kind(in.Kind), RoadClass: in.RoadClass, Owner: in.Owner, Contact: in.Contact, District: in.District, Sandbox: in.Sandbox,
		Shape: area.fence.Shape, Floor: area.fence.Floor, Ceiling: area.fence.Ceiling, Open: area.fence.Schedule,
		Space: in.Kind != string(site.Hangar) && in.Kind != string(site.Frequency), Capacity: in.Capacity,
		MinUS: in.Min * second, MaxUS: in.Max * second, BufferUS: in.Buffer * second, NoShowUS: in.NoShow * second, AheadUS: in.Ahead * second, Approval: in.Approval,
	}
	if in.Space != nil {
		in.site.Space = *in.Space
	}
	return out
}

func (s *Server) siteOf(at *airspace.Site) Site {
	f := at.Area()
	p := zonefile.PropertiesOf(&f)
	out := Site{
		ID: at.ID, Name: at.Name, Kind: string(at.Kind), RoadClass: at.RoadClass, Owner: at.Owner, Contact: at.Contact, District: at.District, Sandbox: at.Sandbox,
		Geometry: geometryOf(&at.Shape), RadiusM: p.RadiusM, WidthM: p.WidthM, Floor: p.Floor, Ceiling: p.Ceiling, Open: p.Schedule,
		Space: at.Space, Capacity: at.Capacity, Min: at.MinUS / 1e6, Max: at.MaxUS / 1e6, Buffer: at.BufferUS / 1e6, NoShow: at.NoShowUS / 1e6,
		Ahead: at.AheadUS / 1e6, Approval: at.Approval, Deleted: at.Deleted,
		Rev: at.Rev, CreatedAt: timeOf(at.CreatedUS), UpdatedAt: timeOf(at.UpdatedUS), UpdatedBy: at.UpdatedBy,
	}
	now := s.cfg.Clock()
	out.BookedDay = s.booked(at.ID, now, 24*time.Hour)
	out.BookedWeek = s.booked(at.ID, now, 7*24*time.Hour)
	return out
}

func (s *Server) booked(id string, now time.Time, span time.Duration) float64 {
	share, err := s.cfg.Register.Utilisation(id, now.UnixMicro(), now.Add(span).UnixMicro())
	if err != nil {
		return 0 // of a dry run: it has no id
	}
	return share
}

// SiteList is one page of sites.
type SiteList struct {
	Items []Site  `json:"items"`
	Next  *string `json:"next" doc:"Cursor of the next page; null at the end"`
}

type listSitesInput struct {
	Page
	Kind    string `query:"kind" maxLength:"20"`
	Owner   string `query:"owner" maxLength:"40" doc:"Organisation"`
	Deleted bool   `query:"deleted" doc:"And the tombstones"`
}

type siteListOutput struct{ Body SiteList }

type createSiteInput struct {
	Trial
	Body SiteInput
}

type replaceSiteInput struct {
	MatchInput
	Trial
	Body SiteInput
}

func (s *Server) siteEndpoints(api huma.API) {
	const tag, one = "sites", sitesPath + "/{id}"
	endpoint(s, api, operation(tag, "listSites", http.MethodGet, sitesPath, "Sites that can be booked, by id", 401, 403), s.listSites)
	endpoint(s, api, operation(tag, "getSite", http.MethodGet, one, "One site, or its tombstone", 401, 403, 404), s.getSite)
	endpoint(s, api, creation(tag, "createSite", sitesPath, "Add a site", 400, 401, 403, 409, 413, 415, 503), s.createSite)
	replace := operation(tag, "replaceSite", http.MethodPut, one, "Give a site a new definition", 400, 401, 403, 404, 409, 412, 413, 415, 428, 503)
	replace.Description = "Its owner may; only the zone's authority moves it, gives it to another owner or makes it a sandbox. While it is booked it is not moved and loses no capacity."
	endpoint(s, api, replace, s.replaceSite)
	endpoint(s, api, operation(tag, "deleteSite", http.MethodDelete, one, "Take a site away that nobody has booked", 400, 401, 403, 404, 409, 412, 428, 503), s.deleteSite)
	endpoint(s, api, operation(tag, "siteAvailability", http.MethodGet, one+"/availability", "When a site is open, how much of it is taken, and the nearest free slots", 401, 403, 404), s.siteAvailability)
}

func (s *Server) listSites(ctx context.Context, in *listSitesInput) (*siteListOutput, error) {
	all := slices.DeleteFunc(s.cfg.Register.Sites(in.Deleted), func(at airspace.Site) bool {
		return in.Kind != "" && string(at.Kind) != in.Kind || in.Owner != "" && at.Owner != in.Owner
	})
	items, next, err := paginate(s.cursors, listOf(ctx, "sites "+in.Kind+" "+in.Owner), in.Page, all,
		func(at *airspace.Site) string { return at.ID }, func(at *airspace.Site, last string) bool { return at.ID > last })
	if err != nil {
		return nil, err
	}
	out := &siteListOutput{Body: SiteList{Items: []Site{}, Next: next}}
	for i := range items {
		out.Body.Items = append(out.Body.Items, s.siteOf(&items[i]))
	}
	return out, nil
}

func (s *Server) getSite(_ context.Context, in *idInput) (*oneOutput[Site], error) {
	at, err := s.cfg.Register.Site(in.ID)
	return s.oneSite(&at, err)
}

func (s *Server) oneSite(at *airspace.Site, err error) (*oneOutput[Site], error) {
	if err != nil {
		return nil, err
	}
	return &oneOutput[Site]{ETag: etag(at.Rev), Body: s.siteOf(at)}, nil
}

func (s *Server) createSite(ctx context.Context, in *createSiteInput) (*madeOutput[Site], error) {
	at, err := s.cfg.Register.CreateSite(in.under(ctx), actorOf(ctx), in.Body.site)
	switch {
	case err != nil:
		return nil, err
	case in.DryRun:
		return wouldMake(s.siteOf(&at)), nil
	}
	return made(sitesPath+"/"+at.ID, at.Rev, s.siteOf(&at)), nil
}

func (s *Server) replaceSite(ctx context.Context, in *replaceSiteInput) (*oneOutput[Site], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	in.Body.site.ID = in.ID
	at, err := s.cfg.Register.ReplaceSite(in.under(ctx), actorOf(ctx), rev, in.Body.site)
	return s.oneSite(&at, err)
}

func (s *Server) deleteSite(ctx context.Context, in *MatchInput) (*struct{}, error) {
	rev, err := revision(in.IfMatch)
	if err == nil {
		_, err = s.cfg.Register.DeleteSite(ctx, actorOf(ctx), in.ID, rev)
	}
	return nil, err
}

// Availability is when a site can be booked. Whose the bookings are is not told.
type Availability struct {
	Open  []Slot  `json:"open"`
	Taken []Taken `json:"taken"`
	Free  []Slot  `json:"free" doc:"The nearest slots of length_s to from; empty if that was not asked for, or if there is none within two weeks"`
	Share float64 `json:"booked" doc:"Share of the open time that is booked, 0 to 1"`
}

// Slot is a span of time.
type Slot struct {
	From string `json:"from" format:"date-time"`
	To   string `json:"to" format:"date-time"`
}

// Taken is a span in which units of a site are taken.
type Taken struct {
	Slot
	Units int `json:"units"`
}

func slotsOf(spans []site.Span) []Slot {
	out := make([]Slot, 0, len(spans))
	for _, s := range spans {
		out = append(out, Slot{timeOf(s.FromUS), timeOf(s.ToUS)})
	}
	return out
}

type availabilityInput struct {
	ID        string    `path:"id" maxLength:"64"`
	From      time.Time `query:"from" doc:"Default now"`
	To        time.Time `query:"to" doc:"Default a week after from; at most 62 days"`
	Length    int64     `query:"length_s" minimum:"0" maximum:"2678400" doc:"Of a booking that is looked for"`
	Units     int       `query:"units" minimum:"0" maximum:"1000"`
	Exclusive bool      `query:"exclusive"`
}

// maxCalendar is the longest window of a calendar.
const maxCalendar = 62 * 24 * time.Hour

type availabilityOutput struct{ Body Availability }

func (s *Server) siteAvailability(_ context.Context, in *availabilityInput) (*availabilityOutput, error) {
	at, err := s.cfg.Register.Site(in.ID)
	if err != nil {
		return nil, err
	}
	if in.From.IsZero() {
		in.From = s.cfg.Clock()
	}
	if in.To.Before(in.From) || in.To.Sub(in.From) > maxCalendar {
		in.To = in.From.Add(7 * 24 * time.Hour)
	}
	from, to := in.From.UnixMicro(), in.To.UnixMicro()
	taken, err := s.cfg.Register.Taken(in.ID, from, to)
	if err != nil {
		return nil, err
	}
	out := &availabilityOutput{Body: Availability{Open: slotsOf(s.cfg.Register.OpenSpans(&at, from, to)), Taken: []Taken{}, Free: []Slot{}}}
	for _, t := range taken {
		out.Body.Taken = append(out.Body.Taken, Taken{Slot{timeOf(t.FromUS), timeOf(t.ToUS)}, t.Units})
	}
	if in.Length > 0 {
		q := airspace.BookingRequest{Site: in.ID, FromUS: from, ToUS: from + in.Length*1e6, Units: in.Units, Exclusive: in.Exclusive}
		out.Body.Free = slotsOf(s.cfg.Register.Free(q, 10))
	}
	out.Body.Share, err = s.cfg.Register.Utilisation(in.ID, from, to)
	return out, err
}
