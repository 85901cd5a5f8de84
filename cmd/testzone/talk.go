package main

import (
	"context"
	"log/slog"
	"time"

	"testzone/airspace"
	"testzone/telemetry/command/onboard"
	"testzone/telemetry/mavlink"
	"testzone/telemetry/mavlink/dialogue"
	"testzone/vehicles"
	"testzone/web/admin"
)

// talk is what goes out to vehicles that proved who they are: the zone's
// heartbeat, and conversations.
type talk struct {
	sender   *mavlink.Sender
	exchange *dialogue.Exchange
	register *airspace.Register
	homes    *homes
	plans    *onboard.Plans
	log      *slog.Logger
}

// noteTime is how long the journal may take for what was read from a vehicle.
const noteTime = 10 * time.Second

func (s *server) newTalk() (*talk, error) {
	t := &talk{register: s.register, homes: s.homes, plans: s.plans, log: s.cfg.log}
	var err error
	// The clock was at the newest entry of the journal. The newest signature is one
	// vehicle's word, which may be an hour ahead: it counts for that vehicle alone.
	notBefore := time.UnixMicro(s.newestUS)
	if t.sender, err = mavlink.NewSender(mavlink.SenderConfig{LinkID: s.cfg.Link.SigningID, NotBefore: notBefore}); err != nil {
		return nil, err
	}
	t.exchange, err = dialogue.New(dialogue.Config{
		Sender: t.sender, Identified: t.identified, LostLink: t.lostLink, Home: s.homes.set, Logger: s.cfg.log,
		MayArm: s.mayArm, ArmAnswered: s.armAnswered,
		Restarted: s.plans.Restarted, PlanIDs: t.planIDs,
	})
	return t, err
}

// open and close are called with every session of a vehicle.
func (t *talk) open(h vehicles.Handle, src mavlink.Source) {
	t.sender.Open(h)
	t.exchange.Open(h, src)
}

func (t *talk) close(h vehicles.Handle) {
	t.exchange.Close(h)
	t.sender.Close(h)
}

// identified writes down what an autopilot says that it is; the sink compares it
// with what was registered.
func (t *talk) identified(id vehicles.VehicleID, v dialogue.Version) {
	t.log.Info("vehicle identified", "vehicle", id, "autopilot", v.ID(), "flight_software", v.Flight, "capabilities", v.Capabilities)
}

// lostLink notes what a vehicle does without its link, if that is news. What it
// did not answer changes nothing of what was stated.
func (t *talk) lostLink(id vehicles.VehicleID, l dialogue.LostLink) {
	t.plans.Heard(id) // the last of what it is asked
	known := l.Known()
	if len(l.Unanswered) > 0 {
		t.log.Info("vehicle did not tell all about its lost link", "vehicle", id, "action", known.Action, "unanswered", l.Unanswered)
	}
	if known.Action == vehicles.LostLinkUnknown {
		return
	}
	v, err := t.register.Vehicle(airspace.Everybody, string(id))
	if err != nil {
		return // it was withdrawn meanwhile
	}
	known.EnduranceS = v.LostLink.EnduranceS
	if sameLostLink(known, v.LostLink) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), noteTime)
	defer cancel()
	if _, err := t.register.NoteLostLink(ctx, string(id), known); err != nil {
		t.log.Warn("what a vehicle does without its link was not noted", "vehicle", id, "err", err)
	}
}

// sameLostLink compares without the time.
func sameLostLink(a, b vehicles.LostLink) bool {
	return a.Action == b.Action && a.Rally == b.Rally && a.Basis == b.Basis && (a.ReturnM == nil) == (b.ReturnM == nil) &&
		(a.ReturnM == nil || *a.ReturnM == *b.ReturnM)
}

func (t *talk) figures() (out []admin.Figure) {
	for name, v := range t.sender.Counters() {
		out = append(out, admin.Figure{Name: "testzone_mavlink_out_" + name + "_total", Help: "Frames to vehicles: what became of them.", Value: float64(v), Counter: true})
	}
	for name, v := range t.exchange.Counters() {
		out = append(out, admin.Figure{Name: "testzone_mavlink_dialogue_" + name + "_total", Help: "Conversations with vehicles: what went wrong.", Value: float64(v), Counter: true})
	}
	return out
}
