package main

import (
	"sync/atomic"

	"testzone/telemetry/mavlink"
)

// refusals remembers of each system id of one signed listener when a frame was
// refused last for what it proved, and why. It hands on to next, if that is set.
type refusals struct {
	next     mavlink.Recorder   // set before the listener runs
	bySystem [256]atomic.Uint64 // µs since the Unix epoch << 8 | reason
}

// Record hands on.
func (r *refusals) Record(receivedUS int64, frame []byte) {
	if r.next != nil {
		r.next.Record(receivedUS, frame)
	}
}

// Quarantine notes a refusal that says something of the sender's identity.
func (r *refusals) Quarantine(receivedUS int64, frame []byte, why mavlink.Reason) {
	switch why {
	case mavlink.NotEnrolled, mavlink.Unsigned, mavlink.BadSignature, mavlink.Replay, mavlink.Future, mavlink.WrongComponent, mavlink.NotVehicle, mavlink.Muted:
		if system, ok := systemOf(frame); ok {
			r.bySystem[system].Store(uint64(receivedUS)<<8 | uint64(why))
		}
	}
	if r.next != nil {
		r.next.Quarantine(receivedUS, frame, why)
	}
}

// systemOf reads the system id of a frame of version 2 or 1.
func systemOf(frame []byte) (id uint8, ok bool) {
	at := 3
	if len(frame) > 0 && frame[0] == 0xFD {
		at = 5
	}
	if len(frame) <= at {
		return 0, false
	}
	return frame[at], true
}

// last is the newest refusal of a system id; 0: none since the start.
func (r *refusals) last(system uint8) (atUS int64, why string) {
	v := r.bySystem[system].Load()
	if v == 0 {
		return 0, ""
	}
	return int64(v >> 8), mavlink.Reason(v & 0xFF).String()
}
