package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"

	"testzone/web"
)

// asker is a vehicle on the ground that asks whether it may arm.
type asker struct {
	*testVehicle
	ear   *answering
	boot  uint32
	armed bool
}

// live sends what a vehicle sends all the time, and the answers that it owes.
func (a *asker) live() {
	if a.boot++; a.boot%10 != 1 {
		return // ten of these are a fifth of a second
	}
	a.send(&ardupilotmega.MessageGpsRawInt{FixType: ardupilotmega.GPS_FIX_TYPE_3D_FIX, SatellitesVisible: 14, Eph: 80, Epv: 120, HAcc: 900, VAcc: 1400})
	a.fly(a.armed, 0)
	for len(a.ear.answers) > 0 {
		a.send(<-a.ear.answers)
	}
}

// told asks until the vehicle is answered what is wanted.
func (p *program) told(a *asker, want string) {
	p.t.Helper()
	last := "nothing"
	p.until(60*time.Second, func() string {
		a.live()
		if a.boot%10 == 1 {
			a.send(&ardupilotmega.MessageCommandLong{
				TargetSystem: 250, TargetComponent: 190, Command: common.MAV_CMD(3001), Param1: 9,
			})
		}
		for len(a.ear.told) > 0 {
			last = <-a.ear.told
		}
		if strings.Contains(last, want) {
			return ""
		}
		return fmt.Sprintf("the answer %q, last %q", want, last)
	})
}

// A vehicle asks whether it may arm. Nobody is on duty; somebody is; the zone
// takes no starts; it arms all the same, and controllers are told whom to call. A
// restart forgets none of it.
func TestArmAuthorization(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data, signedListener)
	_, secret := p.enrol("uav-9", "uav", 9)
	drone := func(p *program) *asker {
		conn := p.dialSigned()
		return &asker{testVehicle: newTestVehicle(t, conn, 9, 1, ardupilotmega.MAV_TYPE_QUADROTOR).signWith(secret), ear: listenFor(t, conn, secret)}
	}
	a := drone(p)
	p.told(a, "Arming denied: no controller on duty")
	health := func(p *program) (codes string) {
		var h struct{ Reasons []struct{ Code string } }
		p.get("/v1/health", &h)
		for _, r := range h.Reasons {
			codes += r.Code + " "
		}
		return codes
	}
	if codes := health(p); !strings.Contains(codes, "no_controller") {
		t.Errorf("health says %s", codes)
	}
	p.ask(http.StatusCreated, "POST", "/v1/duty", map[string]any{}, nil)
	p.told(a, "granted 30 s")
	p.ask(http.StatusOK, "PUT", "/v1/zone/state", map[string]any{"state": "no_new_starts", "reason": "thunderstorm"}, nil)
	p.told(a, "Arming denied: zone: no new starts")

	a.armed = true
	var board web.ComplianceBoard
	p.until(60*time.Second, func() string {
		a.live()
		p.get("/v1/zone/compliance", &board)
		if board.Against == 1 && board.Items[0].Why == "started" && board.Items[0].Contact != nil && board.Items[0].Contact.Phone == "+86 21 5555 0100" {
			return ""
		}
		return fmt.Sprintf("the board: %+v", board)
	})
	p.until(60*time.Second, func() string {
		a.live()
		var alerts struct{ Items []struct{ Type string } }
		p.get("/v1/alerts", &alerts)
		for _, alert := range alerts.Items {
			if alert.Type == "start_not_allowed" {
				return ""
			}
		}
		return "the alert of a start"
	})
	if why := a.ear.wrong.Load(); why != nil {
		t.Errorf("a frame that the vehicle cannot take: %s", *why)
	}
	p.terminate()

	p = serve(t, data, signedListener)
	var state web.ZoneState
	p.get("/v1/zone/state", &state)
	if state.State != "no_new_starts" || state.Reason != "thunderstorm" || state.Rev != 2 {
		t.Errorf("after the restart %+v", state)
	}
	p.ask(http.StatusOK, "PUT", "/v1/zone/state", map[string]any{"state": "open", "reason": "it is over"}, nil, "If-Match", `"2"`)
	a = drone(p)
	p.told(a, "Arming denied: no controller on duty") // who signed on before has not said that it is there
	p.ask(http.StatusCreated, "POST", "/v1/duty", map[string]any{}, nil)
	p.told(a, "granted 30 s")
}
