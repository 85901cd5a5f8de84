package web

import (
	"context"
	"encoding/csv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/telemetry"
	"testzone/telemetry/coverage"
	"testzone/vehicles"
)

// Coverage is for whom the fences are enforced now, and for how long they were and
// were not.
type Coverage struct {
	Armed       int               `json:"armed" doc:"Vehicles with an authenticated source that are armed now"`
	NotEnforced int               `json:"not_enforced" doc:"Those of them for which the fences are not enforced"`
	Unverified  int               `json:"unverified" doc:"Armed too, with an unauthenticated source: never enforced, and no minutes are counted"`
	Vehicles    []CoveredVehicle  `json:"vehicles" doc:"Of which something is heard now: not enforced first, then by id; at most 1000"`
	Since       string            `json:"since" format:"date-time" doc:"Of the sums: the first hour"`
	Until       string            `json:"until" format:"date-time"`
	Total       CoveredMinutes    `json:"total"`
	Sums        []CoverageSum     `json:"sums" doc:"By vehicle and operator, most time without enforcement first; at most 1000"`
	Operators   []CoverageSum     `json:"operators" doc:"The same by operator"`
	Blind       []SupervisionLost `json:"blind" doc:"Intervals in which the server supervised nobody, oldest first"`
}

// CoveredVehicle is how it stands with a vehicle now. It changes after three seconds
// in a row that found otherwise, as the alert not_enforced does.
type CoveredVehicle struct {
	Vehicle  AlertVehicle `json:"vehicle"`
	Operator string       `json:"operator"`
	Armed    bool         `json:"armed"`
	Enforced bool         `json:"enforced" doc:"Of a disarmed one: whether they would be if it started"`
	Reasons  []string     `json:"reasons" doc:"Why not: unverified, stale, link_lost, quality_unknown, estimator_bad, altitude_unknown, out_of_order, gnss_interference"`
	Since    string       `json:"since" format:"date-time"`
	Fences   *FenceCounts `json:"fences" doc:"Fences in force; null: it is not followed any more"`
}

// FenceCounts are the fences in force of one vehicle.
type FenceCounts struct {
	Apply    int `json:"apply" doc:"That apply to the vehicle; GET /v1/tracks/{id} names them"`
	Enforced int `json:"enforced" doc:"Of these, those that can be judged and acted on this moment"`
}

// CoveredMinutes is time of armed vehicles with an authenticated source.
type CoveredMinutes struct {
	Enforced    float64            `json:"enforced_min"`
	NotEnforced float64            `json:"not_enforced_min"`
	Reasons     map[string]float64 `json:"reasons_min" doc:"Minutes that were not enforced by reason; several hold at once. supervision_lost: nobody looked, the server was down or stuck"`
}

// CoverageSum is the time of a vehicle, or of an operator.
type CoverageSum struct {
	VehicleID string `json:"vehicle_id" doc:"Empty: of all"`
	Operator  string `json:"operator" doc:"Whose it was then"`
	CoveredMinutes
}

// SupervisionLost is an interval in which the server supervised nobody.
type SupervisionLost struct {
	From  string `json:"from" format:"date-time"`
	To    string `json:"to" format:"date-time"`
	After string `json:"after" enum:"stop,crash,unknown" doc:"How it began"`
	Armed int    `json:"armed" doc:"Vehicles that were armed when it began, of all operators"`
}

// CoverageGrid is where time without enforcement was lately.
type CoverageGrid struct {
	BBox  []float64      `json:"bbox" minItems:"4" maxItems:"4" doc:"[west, south, east, north] of the grid"`
	Cols  int            `json:"cols"`
	Rows  int            `json:"rows"`
	Since string         `json:"since" format:"date-time"`
	Cells []CoverageCell `json:"cells" doc:"Those where there was any"`
}

// CoverageCell is one cell of the grid.
type CoverageCell struct {
	Col     int     `json:"col" doc:"0 is the westernmost"`
	Row     int     `json:"row" doc:"0 is the southernmost"`
	Minutes float64 `json:"minutes"`
}

// coverageTime says of which hours sums are wanted.
type coverageTime struct {
	Since time.Time `query:"since" doc:"Hours that begin at this time or later; default 24 hours ago. 31 days are kept"`
	Until time.Time `query:"until" doc:"Hours that begin before this time; default now"`
}

// between is the time in microseconds; since is at the full hour.
func (t *coverageTime) between(now time.Time) (fromUS, toUS int64) {
	if t.Until.IsZero() {
		t.Until = now
	}
	if t.Since.IsZero() {
		t.Since = t.Until.Add(-24 * time.Hour)
	}
	return t.Since.Truncate(time.Hour).UnixMicro(), t.Until.UnixMicro()
}

type coverageGridInput struct {
	Hours int `query:"hours" minimum:"1" maximum:"168" default:"24" doc:"How far back, in hours; the hour in which that is counts as a whole"`
}

func (s *Server) coverageEndpoints(api huma.API) {
	const tag, path = "coverage", "/v1/coverage"
	endpoint(s, api, operation(tag, "getCoverage", http.MethodGet, path, "For whom the fences are enforced, and for how long they were not", 401, 403, 422, 503), s.getCoverage)
	endpoint(s, api, operation(tag, "getCoverageGrid", http.MethodGet, path+"/grid", "Where the fences were not enforced lately", 401, 403, 422), s.getCoverageGrid)
	file := operation(tag, "exportCoverage", http.MethodGet, path+"/export", "The sums as a CSV file: a row for each vehicle, operator and reason", 401, 403, 422)
	file.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
		"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}},
	}}}
	endpoint(s, api, file, s.exportCoverage)
}

func (s *Server) getCoverage(ctx context.Context, in *coverageTime) (*struct{ Body Coverage }, error) {
	view := s.viewOf(ctx)
	tracks, err := s.cfg.Pipeline.Tracks(ctx, view)
	if err != nil {
		return nil, err
	}
	fromUS, toUS := in.between(s.cfg.Clock())
	count := s.cfg.Coverage.Count(view)
	out := Coverage{
		Armed: count.Armed, NotEnforced: count.NotEnforced, Unverified: count.Unverified,
		Vehicles: s.coveredNow(view, tracks), Since: timeOf(fromUS), Until: timeOf(toUS), Blind: []SupervisionLost{},
	}
	sums := s.cfg.Coverage.Between(view, fromUS, toUS)
	out.Sums, out.Operators, out.Total = coverageSums(sums)
	for _, g := range s.cfg.Coverage.Gaps(fromUS, toUS) {
		out.Blind = append(out.Blind, SupervisionLost{From: timeOf(g.FromUS), To: timeOf(g.ToUS), After: g.After, Armed: g.Armed})
	}
	return &struct{ Body Coverage }{out}, nil
}

// coveredNow lists vehicles: those that are armed and not enforced first.
func (s *Server) coveredNow(view telemetry.View, tracks []telemetry.TrackView) []CoveredVehicle {
	j, byHandle := s.judge(), map[vehicles.Handle]*telemetry.TrackView{}
	for i := range tracks {
		byHandle[tracks[i].Handle] = &tracks[i]
	}
	all := s.cfg.Coverage.Now(view)
	slices.SortStableFunc(all, func(a, b coverage.Vehicle) int { return urgency(&b) - urgency(&a) })
	out := []CoveredVehicle{}
	for i := range all[:min(len(all), maxPreview)] {
		v := &all[i]
		c := CoveredVehicle{
			Vehicle: vehicleOf(v.Vehicle.Handle, v.Vehicle), Operator: v.Vehicle.Operator, Armed: v.Armed, Enforced: v.Enforced,
			Reasons: append([]string{}, v.Reasons...), Since: timeOf(v.SinceUS),
		}
		if t := byHandle[v.Vehicle.Handle]; t != nil {
			f := j.byFence(t, j.enforcement(t).Reasons)
			c.Fences = &FenceCounts{Apply: f.Apply, Enforced: f.Enforced}
		}
		out = append(out, c)
	}
	return out
}

// urgency orders vehicles: a drone in the air that nobody can stop before one that rests.
func urgency(v *coverage.Vehicle) (n int) {
	if v.Armed {
		n += 2
	}
	if !v.Enforced {
		n++
	}
	return n
}

func minutesOf(s *coverage.Sum) CoveredMinutes {
	out := CoveredMinutes{Enforced: minutes(s.EnforcedMS), NotEnforced: minutes(s.NotEnforcedMS), Reasons: map[string]float64{}}
	for why, ms := range s.WhyMS {
		out.Reasons[why] = minutes(ms)
	}
	return out
}

// minutes keeps three digits: a tenth of a second.
func minutes(ms int64) float64 { return float64(ms/60) / 1000 }

func coverageSums(all []coverage.Minutes) (sums, operators []CoverageSum, total CoveredMinutes) {
	var whole coverage.Sum
	of := map[string]*coverage.Sum{}
	slices.SortStableFunc(all, func(a, b coverage.Minutes) int { return int(max(min(b.NotEnforcedMS-a.NotEnforcedMS, 1), -1)) })
	sums, operators = []CoverageSum{}, []CoverageSum{}
	for i := range all {
		m := &all[i]
		whole.Add(&m.Sum)
		if of[m.Operator] == nil {
			of[m.Operator] = &coverage.Sum{}
		}
		of[m.Operator].Add(&m.Sum)
		if len(sums) < maxPreview {
			sums = append(sums, CoverageSum{string(m.Vehicle), m.Operator, minutesOf(&m.Sum)})
		}
	}
	for _, operator := range slices.Sorted(maps.Keys(of)) {
		operators = append(operators, CoverageSum{"", operator, minutesOf(of[operator])})
	}
	return sums, operators, minutesOf(&whole)
}

func (s *Server) getCoverageGrid(ctx context.Context, in *coverageGridInput) (*struct{ Body CoverageGrid }, error) {
	box := s.cfg.Pipeline.Fanout().Grid().Box
	from := s.cfg.Clock().Add(-time.Duration(in.Hours) * time.Hour)
	out := CoverageGrid{
		BBox: []float64{degrees(box.West), degrees(box.South), degrees(box.East), degrees(box.North)},
		Cols: coverage.Cols, Rows: coverage.Rows, Since: timeOf(from.Truncate(time.Hour).UnixMicro()), Cells: []CoverageCell{},
	}
	places := s.cfg.Coverage.Places(s.viewOf(ctx), from.UnixMicro())
	for _, cell := range slices.Sorted(maps.Keys(places)) {
		out.Cells = append(out.Cells, CoverageCell{Col: cell % coverage.Cols, Row: cell / coverage.Cols, Minutes: minutes(places[cell])})
	}
	return &struct{ Body CoverageGrid }{out}, nil
}

type coverageFileOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        func(huma.Context)
}

func (s *Server) exportCoverage(ctx context.Context, in *coverageTime) (*coverageFileOutput, error) {
	fromUS, toUS := in.between(s.cfg.Clock())
	sums := s.cfg.Coverage.Between(s.viewOf(ctx), fromUS, toUS)
	out := &coverageFileOutput{Type: csvType, Disposition: `attachment; filename="coverage.csv"`}
	out.Body = func(to huma.Context) {
		w := csv.NewWriter(to.BodyWriter())
		put := func(cells ...string) { _ = w.Write(cells) } // Flush says what went wrong
		put("since", "until", "vehicle_id", "operator", "state", "reason", "minutes")
		number := func(ms int64) string { return strconv.FormatFloat(minutes(ms), 'f', 3, 64) }
		for i := range sums {
			m := &sums[i]
			row := func(state, reason string, ms int64) {
				put(timeOf(fromUS), timeOf(toUS), string(m.Vehicle), m.Operator, state, reason, number(ms))
			}
			row("enforced", "", m.EnforcedMS)
			row("not_enforced", "", m.NotEnforcedMS)
			for _, why := range slices.Sorted(maps.Keys(m.WhyMS)) {
				row("not_enforced", why, m.WhyMS[why])
			}
		}
		if w.Flush(); w.Error() != nil {
			panic(http.ErrAbortHandler) // the status has gone: a broken connection is the only way to say it
		}
	}
	return out, nil
}
