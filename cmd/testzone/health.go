package main

import (
	"fmt"
	"sync"
	"time"

	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// health collects why the system is degraded, its people included.
func (s *server) health() []telemetry.Reason {
	return append(append(s.ownHealth(), s.dutyHealth()...), s.ladders.Health()...)
}

// ownHealth is what is wrong with the server. Whatever makes the zone blind or late
// is said (SAFETY 9, 10, 12).
func (s *server) ownHealth() []telemetry.Reason {
	out := append(s.book.Health(), s.traffic.Health()...)
	out = append(out, s.orders.Health()...)
	out = append(out, s.bulk.Health()...)
	out = append(out, s.plans.Health()...)
	out = append(out, s.coverage.Health()...)
	add := func(code, format string, args ...any) {
		out = append(out, telemetry.Reason{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	h := s.journal.Health()
	if h.Cause != nil {
		add("journal_read_only", "The journal accepts nothing since a write failed (%v). Fences and alerts go on, decisions are refused. Check the disk, then restart.", h.Cause)
	}
	for _, f := range s.register.Emergencies() {
		name := fmt.Sprintf("%q (%s)", f.Fence.Name, f.Fence.ID)
		if f.Err != nil {
			add("fence_not_durable", "Emergency fence %s is in force, but the journal refused it (%v): a restart ends it. Write it down, mend the disk, restart, and set it again.", name, f.Err)
		} else if time.Since(time.UnixMicro(f.CreatedUS)) > waitsAfter {
			add("fence_not_durable", "Emergency fence %s is in force, but the journal does not have it yet: a restart ends it. Check the disk.", name)
		}
	}
	s.stateHealth(add)
	s.priorityHealth(add)
	if h.LowSpace {
		add("journal_disk_low", "%d MiB are free on the disk of the journal: decisions are refused, fences and alerts go on. Make room; nothing has to be restarted.", h.FreeBytes>>20)
	}
	if waits := s.waits.since(time.Now(), s.journal.Health()); waits > waitsAfter {
		add("journal_waits", "The disk of the journal has not answered for %v. Fences and alerts go on, decisions end unanswered. Check the disk; nothing has to be restarted when it goes on.", waits.Round(time.Second))
	}
	if behind := s.clockBehind(); behind > 0 {
		add("clock_behind", "This machine's clock is %v behind the newest journal entry: times shown are wrong. Set the clock, then restart.", behind.Round(time.Second))
	}
	recorded := s.recorded()
	if recorded.Stopped != "" {
		add("recording_stopped", "%s", recordingStopped(&recorded))
	}
	s.enrolled.health(add)
	s.linkHealth(add)
	late := s.gatewayHealth(add)
	for _, name := range s.bus.Stalled() {
		add("subscriber_stalled", "The %s is behind: what it does comes late. The machine may be overloaded.", name)
	}
	if given := s.registry.Given(); given > vehicles.MaxHandles/10*9 {
		add("handles_low", "%d of %d handles of this start are used: new vehicles will not be followed when they run out. Restart at a quiet moment.", given, vehicles.MaxHandles)
	}
	st := s.pipeline.Stats()
	drops, limited := uint64(0), uint64(0)
	for _, l := range s.listeners {
		counts := l.Stats()
		drops += counts.KernelDrops
		limited += counts.Refused[mavlink.Rate]
	}
	sep := s.separator.Stats()
	if sep.LookedUS != 0 && time.Since(time.UnixMicro(sep.LookedUS)) > 5*time.Second {
		add("separation_stopped", "Nobody has looked for conflicts between vehicles for %v. The machine may be overloaded.", time.Since(time.UnixMicro(sep.LookedUS)).Round(time.Second))
	}
	for _, loss := range s.watch.rising(time.Now(), []loss{
		{"reports_merged", st.Coalesced, "%d reports were merged because the machine was behind: a short way through a fence may have been missed."},
		{"kernel_drops", drops, "%d datagrams were dropped by the kernel before they were read: raise net.core.rmem_max or reduce the load."},
		{"rate_limited", limited, "%d frames were over the rate limit of their source and not used: if the source is a good one, raise limits.per_source of its listener."},
		{"gateway_loses", late, "%d datagrams were dropped by gateways, or came more than 2 s late: the network between them and the server is too slow."},
		{"conflicts_withheld", uint64(sep.Withheld), "%d conflicts between unverified vehicles are not followed: there are too many."},
		{"reports_orphaned", st.Orphans, "%d reports came from vehicles that are not followed."},
		{"recording_behind", recorded.Lost["behind"], "%d frames were not recorded because the disk was slower than the links. Fences and alerts are not affected. Put the recording on another disk."},
		{"zone_full", s.full.Load(), "%d times a new source was not followed because the zone follows all the unverified tracks it may."},
	}) {
		add(loss.code, loss.text, loss.count)
	}
	return out
}

// waitsAfter is how long an append may wait for the disk.
const waitsAfter = 3 * time.Second

// waitWatch remembers since when appends wait and none is done. Safe for concurrent use.
type waitWatch struct {
	mu   sync.Mutex // guards the fields below
	head uint64
	at   time.Time // since when; zero: none waits
}

func (w *waitWatch) since(now time.Time, h journal.Health) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.Asked == 0 || h.Head != w.head {
		w.head, w.at = h.Head, time.Time{}
	}
	switch {
	case h.Asked == 0:
		return 0
	case w.at.IsZero():
		w.at = now
	}
	return now.Sub(w.at)
}

// lossFresh is how long a loss is shown after it last happened.
const lossFresh = time.Minute

// loss is a counter that should stand still.
type loss struct {
	code  string
	count uint64
	text  string // with one %d
}

// lossWatch remembers when counters last rose. Safe for concurrent use.
type lossWatch struct {
	mu   sync.Mutex // guards the fields below
	last map[string]uint64
	at   map[string]time.Time
}

// rising returns the losses that happened within the last minute.
func (w *lossWatch) rising(now time.Time, losses []loss) []loss {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		w.last, w.at = map[string]uint64{}, map[string]time.Time{}
	}
	var out []loss
	for _, l := range losses {
		if l.count > w.last[l.code] {
			w.last[l.code], w.at[l.code] = l.count, now
		}
		if at, ever := w.at[l.code]; ever && now.Sub(at) < lossFresh {
			out = append(out, l)
		}
	}
	return out
}
