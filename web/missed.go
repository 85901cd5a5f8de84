package web

import (
	"cmp"
	"context"
	"slices"

	"testzone/airspace"
)

// MissedClock is a deadline of a permit that was missed while nobody has decided.
type MissedClock struct {
	PermitID string   `json:"permit_id"`
	Title    string   `json:"title" doc:"Of the permit"`
	Clock    string   `json:"clock" doc:"Id in the rule pack"`
	Name     Words    `json:"name" doc:"What was due"`
	DueAt    string   `json:"due_at" format:"date-time"`
	From     string   `json:"from" format:"date-time" doc:"Planned start"`
	Asked    []string `json:"asked" doc:"Organisations that have not decided"`
	Urgent   bool     `json:"urgent" doc:"It was due on the day of the planned start: call somebody"`
}

// MissedClockList is the missed deadlines, the longest overdue first.
type MissedClockList struct {
	Items []MissedClock `json:"items"`
}

func (s *Server) listMissedClocks(context.Context, *struct{}) (*struct{ Body MissedClockList }, error) {
	out := MissedClockList{Items: []MissedClock{}}
	missed := s.cfg.Register.MissedClocks()
	slices.SortStableFunc(missed, func(a, b airspace.Escalation) int { return cmp.Compare(a.Clock.DueUS, b.Clock.DueUS) })
	for _, e := range missed {
		out.Items = append(out.Items, MissedClock{
			PermitID: e.Permit.ID, Title: e.Permit.Application.Title, Clock: e.Clock.ID, Name: s.clockWords(e.Clock.ID), DueAt: timeOf(e.Clock.DueUS),
			From: timeOf(e.Permit.Application.FromUS), Asked: append([]string{}, e.Asked...), Urgent: e.Urgent,
		})
	}
	return &struct{ Body MissedClockList }{out}, nil
}
