package main

import (
	"sync/atomic"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// sink joins one MAVLink listener to the registry and the pipeline. All its
// calls come from the listener's goroutine, or goroutines.
type sink struct {
	registry *vehicles.Registry
	pipeline *telemetry.Pipeline
	operator string
	check    *telemetry.IdentityCheck
	enrolled *enrolment     // of a signed listener, whose vehicles have proved who they are; nil on an open one
	talk     *talk          // likewise
	full     *atomic.Uint64 // sources that could not be followed
}

// Open follows a new source. What an open listener hears is UNVERIFIED, whoever
// it claims to be.
func (s *sink) Open(src mavlink.Source) (vehicles.Handle, bool) {
	if s.enrolled != nil {
		h, ok := s.enrolled.open(src)
		if ok {
			s.talk.open(h, src)
		}
		return h, ok
	}
	id, err := s.registry.OpenUnverified(vehicles.Source{
		Listener: src.Listener, Address: src.Addr.String(),
		SystemID: src.SystemID, ComponentID: src.ComponentID, MAVType: src.MAVType, Autopilot: src.Autopilot,
	}, src.Class, s.operator)
	if err != nil {
		s.full.Add(1) // health says so; the listener counts it as refused
		return 0, false
	}
	return id.Handle, true
}

// Reports hands a batch to the shards.
func (s *sink) Reports(batch []vehicles.Report) {
	s.pipeline.Reports(batch)
	if s.talk != nil {
		s.talk.exchange.Reports(batch)
	}
}

// Note takes cold messages: the answers of vehicles that proved who they are.
func (s *sink) Note(h vehicles.Handle, receivedUS int64, msg message.Message) {
	if m, ok := msg.(*ardupilotmega.MessageAutopilotVersion); ok {
		s.check.Autopilot(h, m.Uid, m.Uid2)
	}
	if s.talk != nil {
		s.talk.homes.note(s.registry.Identity(h), msg)
		s.talk.exchange.Note(h, receivedUS, msg)
	}
}

// Close ends the following of a source that was silent for long.
func (s *sink) Close(h vehicles.Handle) {
	if s.enrolled != nil {
		s.talk.close(h)
		s.enrolled.close(h)
		return
	}
	s.pipeline.Forget(h)
}
