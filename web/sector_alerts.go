package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"testzone/airspace"
	"testzone/telemetry"
)

// concerns reports whether an alert began in one of these sectors; none: the whole zone.
// One of which nobody knows where it began concerns everybody.
func concerns(a *telemetry.Alert, sectors []string) bool {
	return len(sectors) == 0 || len(a.Sectors) == 0 ||
		slices.ContainsFunc(a.Sectors, func(id string) bool { return slices.Contains(sectors, id) })
}

// sectorsOfDuty are those that a duty is about; none: the whole zone, or no such duty.
func (s *Server) sectorsOfDuty(id string) []string {
	for _, d := range s.cfg.Register.OnDuty() {
		if d.ID == id {
			return d.Sectors
		}
	}
	return nil
}

// briefAlerts lists the open alerts of the sectors that are handed over, the most severe
// first, and behind them the critical ones of other sectors: those are told to everybody.
func (s *Server) briefAlerts(ctx context.Context, sectors []string) []airspace.BriefingItem {
	var own, others []airspace.BriefingItem
	open := s.cfg.Book.Alerts(s.viewOf(ctx), false)
	slices.SortStableFunc(open, func(a, b telemetry.Alert) int { return cmp.Compare(b.Level, a.Level) })
	for i := range open {
		a := &open[i]
		text := fmt.Sprintf("level %d %s of %s, %s since %s", a.Level, a.Type, cmp.Or(a.Vehicle.Name, string(a.Vehicle.ID)), a.State(), timeOf(a.RaisedUS))
		if a.Fence != nil {
			text += ", fence " + a.Fence.Name
		}
		if len(a.Sectors) > 0 {
			text += ", sector " + strings.Join(a.Sectors, " and ")
		}
		item := airspace.BriefingItem{Kind: briefAlert, ID: a.ID, Text: text}
		switch {
		case concerns(a, sectors):
			own = append(own, item)
		case a.Level >= telemetry.Critical:
			item.Text += " (not handed over)"
			others = append(others, item)
		}
	}
	return append(own, others...)
}
