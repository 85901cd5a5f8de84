package dialogue

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

func armRequest(confirmation uint8, of float32) *ardupilotmega.MessageCommandLong {
	m := &ardupilotmega.MessageCommandLong{TargetSystem: 250, TargetComponent: 190, Confirmation: confirmation, Param1: of}
	m.Command += ardupilotmegaCmd(3001)
	return m
}

// TestArmAuthorization goes through requests; each says what the vehicle is told.
func TestArmAuthorization(t *testing.T) {
	const noController = "no controller on duty"
	type step struct {
		verdict ArmVerdict
		ask     *ardupilotmega.MessageCommandLong
		wait    time.Duration
		want    string // result, and text
		news    int    // that were told so far
	}
	to := func(system uint8) *ardupilotmega.MessageCommandLong {
		m := armRequest(0, 9)
		m.TargetSystem = system
		return m
	}
	for name, steps := range map[string][]step{
		"granted, for 30 s": {{ArmVerdict{Granted: true}, armRequest(0, 9), 0, "0 30 0", 1}},
		"without its id":    {{ArmVerdict{Granted: true}, armRequest(0, 0), 0, "0 30 0", 1}},
		"denied": {
			{ArmVerdict{Reason: noController}, armRequest(0, 9), 0, "Arming denied: no controller on duty 2 0 1", 1},
			{ArmVerdict{Granted: true}, armRequest(1, 9), 0, "Arming denied: no controller on duty 2 0 1", 1}, // the same request
			{ArmVerdict{Granted: true}, armRequest(0, 9), 0, "0 30 0", 2},
		},
		"denied, and repeated much later": {
			{ArmVerdict{Reason: noController}, armRequest(0, 9), 0, "Arming denied: no controller on duty 2 0 1", 1},
			{ArmVerdict{Granted: true}, armRequest(1, 9), 20 * time.Second, "0 30 0", 2},
		},
		"granted, and closed before it is repeated": {
			{ArmVerdict{Granted: true}, armRequest(0, 9), 0, "0 30 0", 1},
			{ArmVerdict{Reason: "zone is closed"}, armRequest(1, 9), 0, "Arming denied: zone is closed 2 0 1", 2},
		},
		"asked again and again": {
			{ArmVerdict{Granted: true}, armRequest(0, 9), 0, "0 30 0", 1}, {ArmVerdict{Granted: true}, armRequest(0, 9), 0, "0 30 0", 1},
		},
		"for another vehicle": {{ArmVerdict{Granted: true}, armRequest(0, 10), 0, "Arming denied: ask in your own name 2 0 1", 0}},
		"of somebody else":    {{ArmVerdict{Granted: true}, to(255), 0, "", 0}},
		"a long reason": {{ArmVerdict{Reason: strings.Repeat("x", 60)}, armRequest(0, 9), 0,
			"Arming denied: " + strings.Repeat("x", 35) + " 2 0 1", 1}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var verdict ArmVerdict
			news := 0
			e, v := newPair(t, Config{
				MayArm:      func(context.Context, vehicles.Handle, vehicles.VehicleID) ArmVerdict { return verdict },
				ArmAnswered: func(vehicles.VehicleID, ArmVerdict) { news++ },
			}, func(message.Message) []message.Message { return nil })
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- e.Run(ctx) }()
			synctest.Wait()
			for i, s := range steps {
				time.Sleep(s.wait)
				verdict = s.verdict
				before := len(v.all())
				e.Note(handle, time.Now().UnixMicro(), s.ask)
				synctest.Wait()
				if got := armAnswer(t, v.all()[before:]); got != s.want || news != s.news {
					t.Errorf("%s, step %d: told %q, %d news; want %q, %d", name, i, got, news, s.want, s.news)
				}
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// armAnswer is the text and the acknowledgement of what was sent, leaving out what
// is asked of every vehicle.
func armAnswer(t *testing.T, sent []message.Message) string {
	t.Helper()
	out := ""
	for _, m := range sent {
		switch m := m.(type) {
		case *ardupilotmega.MessageStatustext:
			out += m.Text + " "
		case *ardupilotmega.MessageCommandAck:
			if m.Command != 3001 || m.TargetSystem != 9 || m.TargetComponent != 1 {
				t.Errorf("acknowledged %+v", m)
			}
			out += strings.Join([]string{strconv.Itoa(int(m.Result)), strconv.Itoa(int(m.Progress)), strconv.Itoa(int(m.ResultParam2))}, " ")
		}
	}
	return out
}

// TestArmAuthorizationTooSlow: when it is not known in a second the vehicle is told
// to ask again.
func TestArmAuthorizationTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, v := newPair(t, Config{MayArm: func(ctx context.Context, _ vehicles.Handle, _ vehicles.VehicleID) ArmVerdict {
			<-ctx.Done()
			return ArmVerdict{Granted: true}
		}}, func(message.Message) []message.Message { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		synctest.Wait()
		before := len(v.all())
		e.Note(handle, time.Now().UnixMicro(), armRequest(0, 9))
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if got := armAnswer(t, v.all()[before:]); got != "Arming denied: server busy, ask again 2 0 3" {
			t.Errorf("told %q", got)
		}
		cancel()
		<-done
	})
}
