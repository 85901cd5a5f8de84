package web

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"testzone/airspace"
	"testzone/telemetry/command"
)

// maxBriefed is how many things of a kind a briefing names; it counts them all.
const maxBriefed = 100

// The kinds of things in a briefing.
const (
	briefState       = "zone_state"
	briefAlert       = "alert"
	briefFence       = "provisional_fence"
	briefNotEnforced = "not_enforced"
	briefCompliance  = "compliance"
	briefOrder       = "order"
	briefLease       = "lease"
	briefCall        = "call"
	briefProposal    = "proposal"
	briefMore        = "more"
)

// briefing lists what the next controller has to know (SAFETY 14): the state of the
// zone and who does not comply with it, alerts that are open, fences that a restart
// would end, vehicles for which fences are not enforced, orders of which something
// may still become, who controls which vehicle, whom somebody has to call, and what
// waits for a second person.
// Alerts are those of the sectors that are handed over, and the critical ones of others.
func (s *Server) briefing(ctx context.Context, sectors []string) ([]airspace.BriefingItem, error) {
	state := s.cfg.Register.State()
	text := "the zone is " + strings.ReplaceAll(string(state.State), "_", " ")
	if state.Reason != "" {
		text += ": " + state.Reason
	}
	if state.Provisional {
		text += " (not in the journal yet: a restart would end it)"
	}
	out := []airspace.BriefingItem{{Kind: briefState, Text: text}}

	out = append(out, atMost(s.briefAlerts(ctx, sectors), "alerts")...)

	var fences []airspace.BriefingItem
	for _, f := range s.cfg.Register.Emergencies() {
		fences = append(fences, airspace.BriefingItem{Kind: briefFence, ID: f.Fence.ID, Text: f.Fence.Name + " is in force and not in the journal: a restart would end it"})
	}
	out = append(out, atMost(fences, "provisional fences")...)

	blind, err := s.briefUnenforced(ctx)
	if err != nil {
		return nil, err
	}
	out = append(out, atMost(blind, "vehicles for which fences are not enforced")...)

	against, err := s.briefCompliance(ctx)
	if err != nil {
		return nil, err
	}
	out = append(out, atMost(against, "vehicles that do not comply")...)

	orders, leases := s.briefOrders(ctx)
	out = append(out, atMost(orders, "orders")...)
	out = append(out, atMost(leases, "vehicles under somebody's control")...)

	out = append(out, atMost(s.briefCalls(ctx), "calls to make")...)

	var proposals []airspace.BriefingItem
	for _, p := range s.cfg.Register.Proposals() {
		if p.State == airspace.ProposalOpen {
			proposals = append(proposals, airspace.BriefingItem{Kind: briefProposal, ID: p.ID, Text: fmt.Sprintf("%s of %s waits for a second person", p.Act, p.Subject)})
		}
	}
	return append(out, atMost(proposals, "proposals")...), nil
}

// atMost says how many more there are.
func atMost(items []airspace.BriefingItem, what string) []airspace.BriefingItem {
	if len(items) <= maxBriefed {
		return items
	}
	return append(items[:maxBriefed:maxBriefed], airspace.BriefingItem{Kind: briefMore, Text: fmt.Sprintf("and %d more %s", len(items)-maxBriefed, what)})
}

func (s *Server) briefUnenforced(ctx context.Context) (out []airspace.BriefingItem, err error) {
	tracks, err := s.cfg.Pipeline.Tracks(ctx, s.viewOf(ctx))
	if err != nil {
		return nil, err
	}
	j := s.judge()
	for i := range tracks {
		t := &tracks[i]
		if e := j.enforcement(t); !e.Enforced && !t.Traffic {
			out = append(out, airspace.BriefingItem{Kind: briefNotEnforced, ID: string(t.Vehicle.ID),
				Text: cmp.Or(t.Vehicle.Name, string(t.Vehicle.ID)) + ": " + strings.Join(e.Reasons, ", ")})
		}
	}
	return out, nil
}

func (s *Server) briefOrders(ctx context.Context) (orders, leases []airspace.BriefingItem) {
	view := s.viewOf(ctx)
	for _, o := range s.cfg.Orders.Orders(func(o *command.Order) bool { return view.Owns(o.Operator) && !o.State.Final() }) {
		orders = append(orders, airspace.BriefingItem{Kind: briefOrder, ID: o.ID,
			Text: fmt.Sprintf("%s to %s by %s, %s since %s", o.Kind, o.Vehicle, o.Person, o.State, timeOf(o.AskedUS))})
	}
	for _, l := range s.cfg.Orders.Leases(func(l *command.Lease) bool { return view.Owns(l.Operator) }) {
		leases = append(leases, airspace.BriefingItem{Kind: briefLease, ID: string(l.Vehicle),
			Text: fmt.Sprintf("%s has the control of %s since %s", l.Holder, l.Vehicle, timeOf(l.SinceUS))})
	}
	return orders, leases
}

// briefCalls names vehicles and no contacts: a briefing stays, personal data does not.
func (s *Server) briefCalls(ctx context.Context) (out []airspace.BriefingItem) {
	view := s.viewOf(ctx)
	for _, c := range s.cfg.Orders.OpenCalls() {
		if !view.Owns(c.Operator) {
			continue
		}
		text := fmt.Sprintf("somebody has to call the contact of %s since %s: %s", c.Vehicle, timeOf(c.SinceUS), c.Why)
		if c.Tries > 0 {
			text += fmt.Sprintf("; not reached in %d tries, by %s last", c.Tries, c.By)
		}
		out = append(out, airspace.BriefingItem{Kind: briefCall, ID: string(c.Vehicle), Text: text})
	}
	return out
}

func (s *Server) briefCompliance(ctx context.Context) (out []airspace.BriefingItem, err error) {
	if s.cfg.Warden == nil {
		return nil, nil
	}
	_, all, err := s.cfg.Warden.Board(ctx, s.viewOf(ctx))
	for i := range all {
		if c := &all[i]; !c.Complies {
			out = append(out, airspace.BriefingItem{Kind: briefCompliance, ID: string(c.Vehicle.ID),
				Text: cmp.Or(c.Vehicle.Name, string(c.Vehicle.ID)) + ": " + c.Why + " since " + timeOf(c.SinceUS)})
		}
	}
	return out, err
}
