package main

import (
	"time"

	"testzone/telemetry/journal"
	"testzone/telemetry/mavlink"
	"testzone/web/admin"
)

// figures are the counters and gauges of the moment, read at each scrape.
func (s *server) figures() []admin.Figure {
	out := append(s.listenerFigures(), s.recordingFigures()...)
	out = append(out, s.gatewayFigures()...)
	gauge := func(name, help string, v float64) { out = append(out, admin.Figure{Name: name, Help: help, Value: v}) }
	count := func(name, help string, v uint64) {
		out = append(out, admin.Figure{Name: name, Help: help, Value: float64(v), Counter: true})
	}
	out = append(out, s.talk.figures()...)
	out = append(out, s.coverageFigures()...)
	p := s.pipeline.Stats()
	count("testzone_reports_merged_total", "Reports merged because a shard was behind.", p.Coalesced)
	count("testzone_reports_orphaned_total", "Reports of vehicles that are not followed.", p.Orphans)
	gauge("testzone_reports_waiting", "Reports that wait for their shard.", float64(p.Waiting))
	count("testzone_transitions_quiet_total", "Transitions of loud unverified vehicles that live sessions were spared.", p.Quiet)
	count("testzone_sources_refused_total", "New sources not followed because the zone follows all the unverified tracks it may.", s.full.Load())

	tr := s.traffic.Stats()
	gauge("testzone_traffic_tracks", "Aircraft and ships that are followed.", float64(tr.Tracks))
	gauge("testzone_traffic_unverified_tracks", "Those that only unverified vehicles report.", float64(tr.Unverified))
	count("testzone_sightings_total", "Reports of others.", tr.Sightings)
	count("testzone_sightings_stale_total", "Reports of others that were too old.", tr.Stale+tr.Outdated)
	count("testzone_traffic_refused_total", "Sightings that would have begun a track over a limit.", tr.Refused)

	picture := s.pipeline.Fanout().Current()
	gauge("testzone_tracks", "Vehicles that are followed.", float64(picture.Total))
	gauge("testzone_picture_age_seconds", "Age of the newest live picture.", time.Since(time.UnixMicro(picture.TimeUS)).Seconds())
	gauge("testzone_fences_in_force", "Fences that are in force.", float64(len(s.engine.Fences())))
	gauge("testzone_handles_given", "Handles given out in this epoch.", float64(s.registry.Given()))
	gauge("testzone_live_sessions", "Open websockets of the live channel.", float64(s.web.Sessions()))
	count("testzone_bus_events_total", "Events that were published.", s.bus.Head())
	gauge("testzone_alert_facts_unwritten", "Alert facts that the journal does not have yet.", float64(s.book.Unwritten()))
	for _, name := range s.bus.Stalled() {
		out = append(out, admin.Figure{Name: "testzone_subscriber_stalled", Help: "1 while a reserved subscriber is behind.", Value: 1, Label: "subscriber", Of: name})
	}

	h := s.journal.Health()
	gauge("testzone_journal_ok", "1 while the journal accepts entries.", boolFigure(h.State == journal.OK))
	count("testzone_journal_entries_total", "Newest durable entry.", h.Head)
	gauge("testzone_journal_sync_seconds", "Duration of the last data sync of a batch.", h.LastSync.Seconds())
	gauge("testzone_journal_waiting", "Appends that are not answered yet.", float64(h.Asked))
	gauge("testzone_journal_segments", "Segment files.", float64(h.Segments))
	gauge("testzone_journal_free_bytes", "Space left on the file system of the journal; -1: not known.", float64(h.FreeBytes))

	sep := s.separator.Stats()
	if sep.LookedUS != 0 {
		gauge("testzone_separation_age_seconds", "Time since the last search for conflicts between vehicles.", time.Since(time.UnixMicro(sep.LookedUS)).Seconds())
	}
	for _, r := range s.health() {
		out = append(out, admin.Figure{Name: "testzone_degraded", Help: "1 for each reason why the system is degraded.", Value: 1, Label: "reason", Of: r.Code})
	}
	return out
}

func (s *server) listenerFigures() (out []admin.Figure) {
	for i, l := range s.listeners {
		st := l.Stats()
		count := func(name, help string, v uint64) {
			out = append(out, admin.Figure{Name: "testzone_mavlink_" + name, Help: help, Value: float64(v), Counter: true, Label: "listener", Of: s.names[i]})
		}
		count("datagrams_total", "Datagrams read.", st.Datagrams)
		count("kernel_drops_total", "Datagrams that the kernel dropped because the buffer was full.", st.KernelDrops)
		count("frames_total", "Frames found, whatever became of them.", st.Frames)
		count("frames_decoded_total", "Frames that passed every check.", st.Decoded)
		count("frames_lost_total", "Gaps in sequence numbers.", st.Lost)
		out = append(out,
			admin.Figure{Name: "testzone_mavlink_sessions", Help: "Sources that are followed now.", Value: float64(st.Sessions), Label: "listener", Of: s.names[i]},
			admin.Figure{Name: "testzone_mavlink_receive_buffer_bytes", Help: "Receive buffer that the kernel granted.", Value: float64(l.ReceiveBuffer()), Label: "listener", Of: s.names[i]})
		for name, v := range linkFigures(l) {
			if name == "links_up" {
				out = append(out, admin.Figure{Name: "testzone_mavlink_links_up", Help: "Connections that are open, or 1 while the device is.", Value: float64(v), Label: "listener", Of: s.names[i]})
				continue
			}
			count(name+"_total", "Of the connections or the device of this listener.", v)
		}
		for r := range mavlink.ReasonCount {
			count("frames_refused_"+r.String()+"_total", "Frames refused for this reason.", st.Refused[r])
		}
	}
	return out
}

func boolFigure(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
