package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// ReviewStatistics are applications in numbers: for who supervises all of the zone.
type ReviewStatistics struct {
	States      map[string]int    `json:"states" doc:"Of what was submitted"`
	Departments []DepartmentQueue `json:"departments" doc:"Those that are asked, or missed a clock"`
	NoPack      int               `json:"no_pack" doc:"Permits whose rule pack the server does not have: they are in no queue"`
}

// DepartmentQueue is what waits for one department.
type DepartmentQueue struct {
	Department string   `json:"department"`
	Waiting    int      `json:"waiting"`
	Overdue    int      `json:"overdue" doc:"Of those: the deadline is missed"`
	Missed     int      `json:"missed" doc:"Clocks of its steps that were missed in all"`
	MedianH    *float64 `json:"median_age_h" doc:"Of what waits; null: nothing does"`
	OldestH    *float64 `json:"oldest_age_h"`
}

func (s *Server) reviewStatisticsEndpoints(api huma.API) {
	endpoint(s, api, operation("supervision", "getReviewStatistics", http.MethodGet, reviewsPath+"/statistics", "The applications that you may see by state and department, their ages and missed clocks", 401, 403), s.getReviewStatistics)
}

func (s *Server) getReviewStatistics(ctx context.Context, _ *struct{}) (*struct{ Body ReviewStatistics }, error) {
	q := s.cfg.Register.QueueStatistics(actorOf(ctx))
	out := &struct{ Body ReviewStatistics }{ReviewStatistics{States: map[string]int{}, Departments: []DepartmentQueue{}, NoPack: q.NoPack}}
	for state, n := range q.States {
		out.Body.States[string(state)] = n
	}
	hours := func(us int64) *float64 {
		h := tenths(float64(us) / 3600e6)
		return &h
	}
	for _, d := range q.Departments {
		one := DepartmentQueue{Department: d.Department, Waiting: d.Waiting, Overdue: d.Overdue, Missed: d.Missed}
		if n := len(d.AgesUS); n > 0 {
			one.MedianH, one.OldestH = hours(d.AgesUS[n/2]), hours(d.AgesUS[n-1])
		}
		out.Body.Departments = append(out.Body.Departments, one)
	}
	return out, nil
}
