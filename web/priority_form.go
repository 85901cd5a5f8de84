package web

import (
	"math"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence/geo"
	"testzone/geofence/zonefile"
)

// PriorityInput announces priority traffic.
type PriorityInput struct {
	Name string `json:"name" minLength:"1" maxLength:"80"`
	Kind string `json:"kind" enum:"helicopter,aircraft,ambulance,fire_engine,police,ship,other"`
	PriorityPlace
	PriorityVolume
}

// PriorityPlace is where priority traffic is: a track that is seen, or what people
// place by hand.
type PriorityPlace struct {
	Track    string     `json:"track,omitempty" maxLength:"128" doc:"Id of the traffic that it follows, see /v1/traffic; else route"`
	Route    []Position `json:"route,omitempty" maxItems:"100" doc:"It is at the first point at the time at, and goes on along the others; with one point along course_deg"`
	At       *time.Time `json:"at,omitempty" doc:"Of the first point, before that it stands there; default now"`
	Course   *float64   `json:"course_deg,omitempty" minimum:"0" maximum:"360" doc:"Of a route of one point"`
	Speed    *float64   `json:"speed_mps,omitempty" minimum:"0" maximum:"150"`
	ArriveAt *time.Time `json:"arrive_at,omitempty" doc:"At the last point of the route, instead of speed_mps"`
}

// PriorityVolume is what is kept clear.
type PriorityVolume struct {
	Radius    *float64         `json:"radius_m,omitempty" minimum:"20" maximum:"10000" doc:"Default 500"`
	Floor     *zonefile.Height `json:"floor,omitempty" accept:"null" doc:"Null: none"`
	Ceiling   *zonefile.Height `json:"ceiling,omitempty" accept:"null"`
	Classes   []string         `json:"classes,omitempty" enum:"uav,icv,usv" maxItems:"3" uniqueItems:"true" doc:"Whom it is about; empty: everybody"`
	LookAhead *float64         `json:"look_ahead_s,omitempty" minimum:"10" maximum:"600" doc:"Default 180"`
	ClearBy   *time.Time       `json:"clear_by,omitempty" doc:"By when nobody is to be in its way; default in 3 minutes"`
	ClearIn   *float64         `json:"clear_in_s,omitempty" minimum:"0" maximum:"86400" doc:"Instead of clear_by, by the server's clock"`
	Until     *time.Time       `json:"until,omitempty" doc:"When it ends by itself; default 30 minutes after clear_by"`
}

// PriorityChange is what shall be otherwise; what is left out stays. Where it is
// changes as a whole: with a track or a route.
type PriorityChange struct {
	Name string `json:"name,omitempty" maxLength:"80"`
	PriorityPlace
	PriorityVolume
	NoFloor   bool `json:"no_floor,omitempty" doc:"Take the lower limit away"`
	NoCeiling bool `json:"no_ceiling,omitempty" doc:"Take the upper limit away"`
}

type announcePriorityInput struct {
	Trial
	Body PriorityInput
}

type changePriorityInput struct {
	MatchInput
	Trial
	Body PriorityChange
}

type endPriorityInput struct {
	MatchInput
	Trial
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"500" doc:"Stays in the journal: no personal data"`
	}
}

// Resolve finds what a schema cannot.
func (in *PriorityInput) Resolve(huma.Context) []error {
	out := textFault("body.name", in.Name)
	if (in.Track == "") == (len(in.Route) == 0) {
		out = append(out, &huma.ErrorDetail{Location: "body.route", Message: "say where it is: a track or a route, and not both"})
	}
	return append(out, append(in.PriorityPlace.faults(), in.PriorityVolume.faults()...)...)
}

// Resolve finds what a schema cannot.
func (in *PriorityChange) Resolve(huma.Context) []error {
	out := textFault("body.name", in.Name)
	if in.Track != "" && len(in.Route) > 0 {
		out = append(out, &huma.ErrorDetail{Location: "body.route", Message: "a track or a route, and not both"})
	}
	return append(out, append(in.PriorityPlace.faults(), in.PriorityVolume.faults()...)...)
}

func (in *PriorityPlace) faults() (out []error) {
	fault := func(at, message string) {
		out = append(out, &huma.ErrorDetail{Location: "body." + at, Message: message})
	}
	moves := in.At != nil || in.Course != nil || in.Speed != nil || in.ArriveAt != nil
	switch {
	case len(in.Route) == 0 && moves:
		fault("route", "only a route has a time, a course and a speed: a track says them itself")
	case len(in.Route) == 1 && in.Speed != nil && *in.Speed > 0 && in.Course == nil:
		fault("course_deg", "one point that moves needs a course")
	case len(in.Route) > 1 && in.Course != nil:
		fault("course_deg", "a route of several points has its own course")
	case len(in.Route) > 1 && (in.Speed == nil) == (in.ArriveAt == nil):
		fault("speed_mps", "a route of several points needs speed_mps or arrive_at")
	case len(in.Route) == 1 && in.ArriveAt != nil:
		fault("arrive_at", "a route of several points arrives")
	}
	return out
}

func (in *PriorityVolume) faults() []error {
	if in.ClearBy != nil && in.ClearIn != nil {
		return []error{&huma.ErrorDetail{Location: "body.clear_in_s", Message: "clear_by or clear_in_s, and not both"}}
	}
	return nil
}

// priority is what the input announces.
func (in *PriorityInput) priority(now time.Time) airspace.Priority {
	p := airspace.Priority{Name: in.Name, Kind: in.Kind, RadiusM: 500, LookAheadS: defaultLookAheadS, ClearByUS: now.Add(defaultClearIn).UnixMicro()}
	in.PriorityPlace.put(&p, now)
	in.PriorityVolume.put(&p, now)
	if in.Until == nil {
		p.UntilUS = p.ClearByUS + airspace.PriorityAfter.Microseconds()
	}
	return p
}

// change makes p be what the input asks.
func (in *PriorityChange) change(p *airspace.Priority, now time.Time) {
	if in.Name != "" {
		p.Name = in.Name
	}
	in.PriorityPlace.put(p, now)
	in.PriorityVolume.put(p, now)
	if in.NoFloor {
		p.Floor = nil
	}
	if in.NoCeiling {
		p.Ceiling = nil
	}
	if after := p.ClearByUS + airspace.PriorityAfter.Microseconds(); in.Until == nil {
		p.UntilUS = max(p.UntilUS, after)
	}
}

func (in *PriorityPlace) put(p *airspace.Priority, now time.Time) {
	switch {
	case in.Track != "":
		p.Track, p.Route, p.AtUS, p.CourseDeg, p.SpeedMPS = in.Track, nil, 0, 0, 0
	case len(in.Route) > 0:
		p.Track, p.Route, p.AtUS, p.CourseDeg, p.SpeedMPS = "", nil, now.UnixMicro(), 0, 0
		for _, at := range in.Route {
			p.Route = append(p.Route, airspace.PriorityPoint{Lat: degE7(at.Lat), Lon: degE7(at.Lon)})
		}
		if in.At != nil {
			p.AtUS = in.At.UnixMicro()
		}
		if in.Course != nil {
			p.CourseDeg = *in.Course
		}
		if in.Speed != nil {
			p.SpeedMPS = *in.Speed
		}
		if in.ArriveAt != nil {
			p.SpeedMPS = speedTo(p, in.ArriveAt.UnixMicro())
		}
	}
}

// speedTo is how fast a route is made so as to arrive at a time; NaN, which is no
// speed, if that has passed.
func speedTo(p *airspace.Priority, arriveUS int64) float64 {
	length := 0.0
	for i := 1; i < len(p.Route); i++ {
		a, b := p.Route[i-1], p.Route[i]
		length += geo.Distance(geo.Point{Lat: a.Lat, Lon: a.Lon}, geo.Point{Lat: b.Lat, Lon: b.Lon})
	}
	if arriveUS <= p.AtUS {
		return math.NaN()
	}
	return length / (float64(arriveUS-p.AtUS) / 1e6)
}

func (in *PriorityVolume) put(p *airspace.Priority, now time.Time) {
	if in.Radius != nil {
		p.RadiusM = *in.Radius
	}
	if in.Floor != nil {
		p.Floor = &airspace.PriorityLimit{MM: int32(math.Round(in.Floor.M * 1000)), Datum: in.Floor.Datum}
	}
	if in.Ceiling != nil {
		p.Ceiling = &airspace.PriorityLimit{MM: int32(math.Round(in.Ceiling.M * 1000)), Datum: in.Ceiling.Datum}
	}
	if in.Classes != nil {
		p.Classes = in.Classes
	}
	if in.LookAhead != nil {
		p.LookAheadS = *in.LookAhead
	}
	switch {
	case in.ClearBy != nil:
		p.ClearByUS = in.ClearBy.UnixMicro()
	case in.ClearIn != nil:
		p.ClearByUS = now.UnixMicro() + int64(*in.ClearIn*1e6)
	}
	if in.Until != nil {
		p.UntilUS = in.Until.UnixMicro()
	}
}
