package main

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// wire is a link to one vehicle that keeps what was sent last.
type wire struct {
	to   *mavlink.Credential
	last []byte
}

func (w *wire) Route(h vehicles.Handle) (mavlink.Route, bool) {
	return mavlink.Route{Handle: h, SystemID: 1, Autopilot: 1, Credential: w.to}, true
}

func (w *wire) Write(_ netip.AddrPort, frame []byte) error {
	w.last = append(w.last[:0], frame...)
	return nil
}

// A vehicle whose clock is ahead must not, over a restart, make the zone sign in the
// future to all others: their own ground stations would be taken for replays.
func TestStampsOfOneVehicleStayItsOwn(t *testing.T) {
	e, path := bareEnrolment(t), t.TempDir()+"/stamps"
	before, err := mavlink.OpenStampFile(path, time.Now().Add(50*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	before.Known("vk_ahead") // under a file that was lost its stamps begin at that time
	if err = before.Save(true); err != nil {
		t.Fatal(err)
	}
	if e.stamps, err = mavlink.OpenStampFile(path, time.Now()); err != nil || time.Until(e.stamps.Newest()) < 40*time.Minute {
		t.Fatal(err, e.stamps.Newest())
	}
	s := &server{cfg: serverConfig{log: slog.New(slog.DiscardHandler)}, newestUS: time.Now().Add(-time.Minute).UnixMicro(), enrolled: e}
	talk, err := s.newTalk()
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{to: &mavlink.Credential{Vehicle: "uav-1", SystemID: 1, Key: mavlink.Key{1}, Stamps: &mavlink.Stamps{}}}
	talk.sender.Attach(w)
	talk.sender.Open(1)
	if err := talk.sender.Send(1, &ardupilotmega.MessageHeartbeat{Type: 6}); err != nil {
		t.Fatal(err)
	}
	if at := stampOf(w.last).Time(); time.Until(at) > time.Minute {
		t.Errorf("the zone signs %v in the future", time.Until(at))
	}
}
