package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"testzone/telemetry/mavlink"
	"testzone/telemetry/recording"
	"testzone/web/admin"
)

// recordingConfig says how long what the links received is kept.
type recordingConfig struct {
	Dir    string `yaml:"dir"`     // default: recording in data_dir. On another disk it cannot slow the journal
	Days   int    `yaml:"days"`    // default 30
	MaxGiB int    `yaml:"max_gib"` // default 20; a twentieth more for what was refused
	Off    bool   `yaml:"off"`     // nothing is kept
}

// maxRecordingGiB keeps sizes in bytes within 63 bits.
const maxRecordingGiB = 1 << 20

func (c *recordingConfig) check() error {
	switch {
	case c.Days < 0 || c.Days > 3650:
		return fmt.Errorf("recording.days %d: give 1 to 3650, or leave it out for 30; to keep nothing set recording.off", c.Days)
	case c.MaxGiB < 0 || c.MaxGiB > maxRecordingGiB:
		return fmt.Errorf("recording.max_gib %d: give 1 to %d, or leave it out for 20; to keep nothing set recording.off", c.MaxGiB, maxRecordingGiB)
	}
	return nil
}

// newRecorder opens the recording. Trouble of its disk is told by health; only a
// second server on the same folder is an error.
func (s *server) newRecorder() (err error) {
	c := s.cfg.Recording
	if c.Off {
		return nil
	}
	if c.Dir == "" {
		c.Dir = filepath.Join(s.cfg.DataDir, "recording")
	}
	s.recorder, err = recording.New(recording.Config{
		Dir: c.Dir, MaxAge: time.Duration(c.Days) * 24 * time.Hour,
		MaxBytes: int64(c.MaxGiB) << 30, QuarantineBytes: int64(c.MaxGiB) << 30 / 20,
		Strip: mavlink.StripSignature, Reason: func(why uint8) string { return mavlink.Reason(why).String() },
		Logger: s.cfg.log,
	})
	return err
}

// recordLink is what keeps the frames of a listener; nil: nobody does.
func (s *server) recordLink(listener string) (mavlink.Recorder, error) {
	if s.recorder == nil {
		return nil, nil
	}
	l, err := s.recorder.Link(listener)
	if err != nil {
		return nil, err
	}
	return linkRecorder{l}, nil
}

// startRecording begins to write. It ends by itself never, and after what it records.
func (s *server) startRecording(failed func(), ctx context.Context) stage {
	if s.recorder == nil {
		return stage{}
	}
	return startStage(failed, ctx, s.recorder.Run)
}

// linkRecorder joins a listener to its recording.
type linkRecorder struct{ *recording.Link }

func (l linkRecorder) Quarantine(receivedUS int64, frame []byte, why mavlink.Reason) {
	l.Link.Quarantine(receivedUS, frame, uint8(why))
}

// recorded is the state of the recording; the zero value when it is off.
func (s *server) recorded() recording.Stats {
	if s.recorder == nil {
		return recording.Stats{}
	}
	return s.recorder.Stats()
}

// recordingStopped says why nothing is recorded, and what to do.
func recordingStopped(st *recording.Stats) string {
	if st.Stopped == "no_space" {
		return fmt.Sprintf("Nothing is recorded: only %d MiB are free on its disk, and the rest is left to the journal. Fences and alerts go on. Make room, or lower recording.max_gib; nothing has to be restarted.", st.FreeBytes>>20)
	}
	err := st.Err
	if err == nil {
		err = errors.New("its disk failed")
	}
	return fmt.Sprintf("Nothing is recorded (%v). Fences and alerts go on. Check the disk of the recording; it is tried again every 10 s.", err)
}

func (s *server) recordingFigures() (out []admin.Figure) {
	if s.recorder == nil {
		return nil
	}
	st := s.recorded()
	gauge := func(name, help string, v float64) {
		out = append(out, admin.Figure{Name: "testzone_recording_" + name, Help: help, Value: v})
	}
	out = append(out,
		admin.Figure{Name: "testzone_recording_frames_total", Help: "Frames written to the recording.", Value: float64(st.Frames), Counter: true},
		admin.Figure{Name: "testzone_recording_bytes_total", Help: "Bytes written to the recording.", Value: float64(st.Bytes), Counter: true})
	for why, n := range st.Lost {
		out = append(out, admin.Figure{Name: "testzone_recording_lost_total", Help: "Frames that were not recorded, by reason.", Value: float64(n), Counter: true, Label: "reason", Of: why})
	}
	gauge("ok", "1 while frames are recorded.", boolFigure(st.Stopped == ""))
	gauge("segments", "Files of the recording.", float64(st.Segments))
	gauge("kept_bytes", "Bytes of all files of the recording.", float64(st.KeptBytes))
	gauge("free_bytes", "Space left on the file system of the recording; -1: not known.", float64(st.FreeBytes))
	return out
}
