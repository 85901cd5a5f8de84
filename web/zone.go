package web

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/geofence/geo"
	"testzone/telemetry/live"
)

// Zone describes the zone to the page.
type Zone struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	TZ       string            `json:"tz" doc:"IANA time zone in which the zone's people read clocks" example:"Asia/Shanghai"`
	Datum    string            `json:"datum" enum:"amsl" doc:"What live altitudes are measured from"`
	BBox     [4]float64        `json:"bbox" doc:"West, south, east, north in degrees"`
	Epoch    uint32            `json:"epoch" format:"int64" doc:"Differs between starts of the server; handles and live sequences live in one epoch"`
	Demo     bool              `json:"demo" doc:"The zone is synthetic"`
	Grid     Grid              `json:"grid"`
	Features FeatureCollection `json:"features"`
}

// Grid is how the live channel cuts the zone into cells.
type Grid struct {
	Cols int `json:"cols"`
	Rows int `json:"rows"`
}

// FeatureCollection is the zone's map: GeoJSON, passed through.
type FeatureCollection json.RawMessage

// MarshalJSON passes the map through.
func (f FeatureCollection) MarshalJSON() ([]byte, error) { return json.RawMessage(f).MarshalJSON() }

// Schema describes the map for the API's documentation.
func (FeatureCollection) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type:        huma.TypeObject,
		Description: "GeoJSON FeatureCollection; properties.kind is boundary, road, channel, pad or aerodrome; properties.name the name",
		Required:    []string{"type", "features"},
		Properties: map[string]*huma.Schema{
			"type":     {Type: huma.TypeString, Enum: []any{"FeatureCollection"}},
			"features": {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}},
		},
		AdditionalProperties: true,
	}
}

type zoneOutput struct {
	Body Zone
}

// Health says whether the system does what it promises.
type Health struct {
	Status    string         `json:"status" enum:"ok,degraded"`
	Reasons   []HealthReason `json:"reasons" doc:"Why it is degraded"`
	Version   string         `json:"version"`
	UptimeS   int64          `json:"uptime_s"`
	Journal   JournalHealth  `json:"journal"`
	Listeners []Listener     `json:"listeners,omitempty" doc:"Receivers of telemetry; only for who is signed in"`
}

// HealthReason is one thing that is not as it should be.
type HealthReason struct {
	Code string `json:"code" doc:"Stable code for programs"`
	Text string `json:"text" doc:"What is wrong and what to do"`
}

// JournalHealth is the state of the journal.
type JournalHealth struct {
	State string `json:"state"`
	Head  uint64 `json:"head" doc:"Newest sequence"`
}

// Listener is one receiver of telemetry.
type Listener struct {
	Name          string            `json:"name"`
	Addr          string            `json:"addr"`
	Signed        bool              `json:"signed" doc:"It takes signed frames alone: vehicles can be registered there"`
	ReceiveBuffer int               `json:"receive_buffer_bytes"`
	Counters      map[string]uint64 `json:"counters"`
}

type healthOutput struct {
	Body Health
}

func (s *Server) zoneEndpoints(api huma.API) {
	endpoint(s, api, huma.Operation{
		OperationID: "getZone", Method: http.MethodGet, Path: "/v1/zone", Tags: []string{"zone"},
		Summary: "The zone and its map", Errors: []int{401, 403},
	}, s.getZone)
	endpoint(s, api, huma.Operation{
		OperationID: "getHealth", Method: http.MethodGet, Path: "/v1/health", Tags: []string{"zone"},
		Summary: "Whether the system does what it promises", Errors: []int{500},
	}, s.getHealth)
}

func (s *Server) getZone(context.Context, *struct{}) (*zoneOutput, error) {
	z := s.cfg.Register.Zone()
	return &zoneOutput{Body: Zone{
		ID: z.ID, Name: z.Name, TZ: z.TZ, Datum: geo.AMSL.String(),
		BBox:  [4]float64{degrees(z.South.Lon), degrees(z.South.Lat), degrees(z.North.Lon), degrees(z.North.Lat)},
		Epoch: s.cfg.Registry.Epoch(), Demo: s.cfg.Demo,
		Grid: Grid{Cols: live.GridCols, Rows: live.GridRows}, Features: FeatureCollection(s.cfg.Features),
	}}, nil
}

func (s *Server) getHealth(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	status, reasons := s.health()
	out := Health{
		Status: status, Reasons: reasons, Version: s.cfg.Version,
		UptimeS: int64(s.cfg.Clock().Sub(s.started).Seconds()),
		Journal: JournalHealth(s.cfg.Journal()),
	}
	if _, err := s.cfg.Auth.FromRequest(requestOf(ctx)); err == nil {
		for _, l := range s.cfg.Listeners() {
			counters := l.Counters
			if counters == nil {
				counters = map[string]uint64{}
			}
			out.Listeners = append(out.Listeners, Listener{Name: l.Name, Addr: l.Addr, Signed: l.Signed, ReceiveBuffer: l.ReceiveBuffer, Counters: counters})
		}
	}
	return &healthOutput{Body: out}, nil
}

// health is the status and why.
func (s *Server) health() (status string, reasons []HealthReason) {
	status, reasons = "ok", []HealthReason{}
	for _, r := range s.cfg.Health() {
		status = "degraded"
		reasons = append(reasons, HealthReason{Code: r.Code, Text: r.Text})
	}
	return status, reasons
}
