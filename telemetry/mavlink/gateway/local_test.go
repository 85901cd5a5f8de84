package gateway

import (
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

// TestAnswersAreKeptApart: telemetry does not push out what an exchange waits for, of
// old vehicles and new ones; telemetry is no answer.
func TestAnswersAreKeptApart(t *testing.T) {
	for _, c := range []struct {
		msg  message.Message
		want bool
	}{
		{&ardupilotmega.MessageMissionItem{}, true}, // of vehicles that know no MISSION_ITEM_INT
		{&ardupilotmega.MessageMissionItemInt{}, true},
		{&ardupilotmega.MessageMissionRequest{}, true},
		{&ardupilotmega.MessageMissionAck{}, true},
		{&ardupilotmega.MessageCommandAck{}, true},
		{&ardupilotmega.MessageParamValue{}, true},
		{&ardupilotmega.MessageParamError{}, true},
		{&ardupilotmega.MessageHeartbeat{}, false},
		{&ardupilotmega.MessageGlobalPositionInt{}, false},
		{&ardupilotmega.MessageFenceStatus{}, false},
	} {
		if got := isAnswer(c.msg.GetID()); got != c.want {
			t.Errorf("%T: %v", c.msg, got)
		}
	}
}
