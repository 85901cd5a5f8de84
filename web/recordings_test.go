package web

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"testzone/telemetry/mavlink"
	"testzone/telemetry/recording"
)

const recordedListener = "signed"

// recordedAt is when the first frame of newRecording was received.
var recordedAt = time.Date(2026, 11, 25, 20, 30, 0, 0, time.UTC)

// signedHeartbeat has a right checksum, and 13 bytes that stand for a signature.
func signedHeartbeat(system, seq uint8) []byte {
	b := []byte{0xfd, 9, 1, 0, seq, system, 1, 0, 0, 0, 0, 0, 0, 0, 2, 3, 81, 4, 3}
	b = binary.LittleEndian.AppendUint16(b, mavlinkCRC(append(slices.Clone(b[1:]), 50))) // CRC_EXTRA of HEARTBEAT
	return append(b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, seq)
}

// mavlinkCRC is CRC-16/MCRF4XX.
func mavlinkCRC(b []byte) uint16 {
	crc := uint16(0xffff)
	for _, x := range b {
		crc ^= uint16(x)
		for range 8 {
			crc = crc>>1 ^ 0x8408*(crc&1)
		}
	}
	return crc
}

// newRecording is one that has ended: of one listener a frame a minute for two
// hours, of systems 1 and 2 by turns, and one that was refused.
func newRecording(t *testing.T, cfg recording.Config) *recording.Recorder {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	cfg.MinFree, cfg.Strip = -1, mavlink.StripSignature
	cfg.Reason = func(why uint8) string { return mavlink.Reason(why).String() }
	cfg.Clock = func() time.Time { return recordedAt.Add(3 * time.Hour) }
	r, err := recording.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := r.Link(recordedListener)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 120 {
		l.Record(recordedAt.Add(time.Duration(i)*time.Minute).UnixMicro(), signedHeartbeat(uint8(1+i%2), uint8(i)))
	}
	l.Quarantine(recordedAt.UnixMicro(), signedHeartbeat(9, 9), uint8(mavlink.BadSignature))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return r
}

// entries are those of newRecording that want takes, as a .tlog.
func entries(stripped bool, want func(i int) bool) []byte {
	var out []byte
	for i := range 120 {
		if !want(i) {
			continue
		}
		out = binary.BigEndian.AppendUint64(out, uint64(recordedAt.Add(time.Duration(i)*time.Minute).UnixMicro()))
		frame := signedHeartbeat(uint8(1+i%2), uint8(i))
		if stripped { // without flag and signature, the checksum made anew
			frame[2] = 0
			frame = binary.LittleEndian.AppendUint16(frame[:19], mavlinkCRC(append(slices.Clone(frame[1:19]), 50)))
		}
		out = append(out, frame...)
	}
	return out
}

// TestRecordings: the list, newest first, page by page, and what is asked for only.
func TestRecordings(t *testing.T) {
	z := newTestZone(t, zoneOptions{recording: newRecording(t, recording.Config{})})
	at := func(d time.Duration) string { return url.QueryEscape(recordedAt.Add(d).Format(time.RFC3339)) }
	for _, c := range []struct {
		query string
		want  string
	}{
		{"", "signed/20261125T220000Z-000 signed/20261125T210000Z-000 signed/20261125T203000Z-000"},
		{"&listener=signed&to=" + at(30*time.Minute), "signed/20261125T203000Z-000"},
		{"&from=" + at(90*time.Minute), "signed/20261125T220000Z-000"},
		{"&from=" + at(89*time.Minute) + "&to=" + at(90*time.Minute), "signed/20261125T210000Z-000"},
		{"&listener=other", ""},
		{"&quarantine=true", "signed/quarantine/20261125T203000Z-000"},
	} {
		var found []string
		for cursor := ""; ; {
			var page RecordingList
			z.call(adminToken, "GET", "/v1/recordings?limit=1"+c.query+cursor, "").json(t, &page)
			for _, g := range page.Items {
				found = append(found, g.ID)
			}
			if page.Next == nil {
				break
			}
			cursor = "&cursor=" + *page.Next
		}
		if got := strings.Join(found, " "); got != c.want {
			t.Errorf("%s: %s", c.query, got)
		}
	}

	var list RecordingList
	z.call(adminToken, "GET", "/v1/recordings?to="+at(30*time.Minute), "").json(t, &list)
	g := list.Items[0]
	if g.From != "2026-11-25T20:30:00.000Z" || g.To != "2026-11-25T20:59:00.000Z" || g.Frames != 30 || g.Bytes != 30*(8+34) || !g.Sealed || len(g.SHA256) != 64 ||
		!slices.Equal(g.Systems, []RecordedSystem{{1, 15}, {2, 15}}) || len(g.Gaps)+len(g.Reasons) != 0 {
		t.Errorf("segment %+v", g)
	}
	z.call(adminToken, "GET", "/v1/recordings?quarantine=true", "").json(t, &list)
	if g := list.Items[0]; !g.Quarantine || !slices.Equal(g.Reasons, []RecordedRefusal{{"bad_signature", 1}}) {
		t.Errorf("quarantine %+v", g)
	}
}

// TestExportRecording: what was received in a time and of some systems, byte for
// byte, or without signatures; and how many frames it is.
func TestExportRecording(t *testing.T) {
	z := newTestZone(t, zoneOptions{audited: true, recording: newRecording(t, recording.Config{})})
	at := func(minutes int) string {
		return url.QueryEscape(recordedAt.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339))
	}
	all := func(int) bool { return true }
	for _, c := range []struct {
		query    string
		stripped bool
		want     func(i int) bool
		frames   string
	}{
		{"&form=evidence", false, all, "120"},
		{"", true, all, "120"},
		{"&form=shareable&system_id=2", true, func(i int) bool { return i%2 == 1 }, "60"},
		{"&form=evidence&system_id=1&system_id=2&system_id=200", false, all, "120"},
		{"&form=evidence&from=" + at(25) + "&to=" + at(95), false, func(i int) bool { return i >= 25 && i < 95 }, "70"},
		{"&from=" + at(120), true, func(int) bool { return false }, "0"},
	} {
		r := z.call(adminToken, "GET", "/v1/recordings/export?listener="+recordedListener+c.query, "")
		if r.StatusCode != 200 || !bytes.Equal(r.body, entries(c.stripped, c.want)) {
			t.Errorf("%s: %d, %d bytes, want %d", c.query, r.StatusCode, len(r.body), len(entries(c.stripped, c.want)))
		}
		if r.Trailer.Get(trailerFrames) != c.frames || r.Trailer.Get(trailerLeft) != "0" || r.Trailer.Get(trailerDamaged) != "0" {
			t.Errorf("%s: trailers %v", c.query, r.Trailer)
		}
	}
	r := z.call(adminToken, "GET", "/v1/recordings/export?listener=signed&quarantine=true&form=evidence", "")
	if !bytes.Equal(r.body[8:], signedHeartbeat(9, 9)) {
		t.Errorf("quarantine %x", r.body)
	}

	eventually(t, "seven exports in the audit", func() bool {
		var list AuditList
		z.call(adminToken, "GET", "/v1/audit/events?what=call.done&q=exportRecording", "").json(t, &list)
		return len(list.Items) == 7 && strings.Contains(list.Items[0].Object, "form=evidence&listener=signed&quarantine=true")
	})
}

// TestExportRecordingRefused: what cannot be had is said with a code.
func TestExportRecordingRefused(t *testing.T) {
	off := newTestZone(t, zoneOptions{})
	z := newTestZone(t, zoneOptions{recording: newRecording(t, recording.Config{})})
	for _, c := range []struct {
		zone   *testZone
		query  string
		status int
		code   string
	}{
		{off, "", 503, "not_recording"},
		{off, "/export?listener=signed", 503, "not_recording"},
		{z, "/export?listener=other", 404, "not_recorded"},
		{z, "/export?listener=..%2Fsigned", 404, "not_recorded"},
		{z, "/export", 422, "invalid"},
		{z, "/export?listener=signed&form=raw", 422, "invalid"},
		{z, "/export?listener=signed&system_id=x", 422, "invalid"},
		{z, "?cursor=made-up", 422, "bad_cursor"},
	} {
		r := c.zone.call(adminToken, "GET", "/v1/recordings"+c.query, "")
		if p := r.problem(t); p.Status != c.status || p.Code != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.query, p.Status, p.Code, c.status, c.code)
		}
	}
	for range maxExports {
		z.server.exports.begin()
	}
	r := z.call(adminToken, "GET", "/v1/recordings/export?listener=signed", "")
	if p := r.problem(t); p.Status != 503 || p.Code != "too_many_exports" || r.Header.Get("Retry-After") == "" {
		t.Errorf("with two running: %d %s", p.Status, p.Code)
	}
	z.server.exports.end()
	if r := z.call(adminToken, "GET", "/v1/recordings/export?listener=signed", ""); r.StatusCode != 200 {
		t.Errorf("when one ended: %d", r.StatusCode)
	}
	if n := len(z.server.exports.running); n != maxExports-1 {
		t.Errorf("%d are taken to run, the export that ended among them", n)
	}
}

// TestExportRecordingCutOff: a disk that fails in the middle breaks the connection:
// nobody takes half a file for the whole.
func TestExportRecordingCutOff(t *testing.T) {
	dir := t.TempDir()
	z := newTestZone(t, zoneOptions{recording: newRecording(t, recording.Config{Dir: dir})})
	last := filepath.Join(dir, recordedListener, "20261125T220000Z-000.tlog")
	if err := os.Remove(last); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(last, 0o700); err != nil { // cannot be opened as a file
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", z.url+"/v1/recordings/export?listener=signed", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	if err == nil {
		t.Errorf("half a file ended as a whole one; trailers %v", res.Trailer)
	}
	eventually(t, "the place of the export is free", func() bool { return len(z.server.exports.running) == 0 })
}

// TestExportsArePaced: all together take no more of the disk than their rate, and one
// whose reader has gone ends.
func TestExportsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := rate.NewLimiter(1000, 1000)
		ctx, leave := context.WithCancel(t.Context())
		var a, b bytes.Buffer
		text := []byte(strings.Repeat("0123456789", 350))
		begin := time.Now()
		for _, w := range []*bytes.Buffer{&a, &b} {
			if n, err := (pacedWriter{ctx, w, limit}).Write(text); n != len(text) || err != nil {
				t.Errorf("%d %v", n, err)
			}
		}
		if took := time.Since(begin).Round(time.Millisecond); took != 6*time.Second { // the first 1,000 at once
			t.Errorf("7,000 bytes at 1,000 bytes/s took %v", took)
		}
		if a.String() != string(text) || b.String() != string(text) {
			t.Error("not what was written")
		}
		leave()
		if n, err := (pacedWriter{ctx, &a, limit}).Write(text); n != 0 || err == nil {
			t.Errorf("after the reader left: %d %v", n, fmt.Sprint(err))
		}
	})
}

// TestOperatorsExportTheirOwn: an operator gets the frames of its vehicles from when
// they were registered, and nothing of what others sent, under the same system id before
// or under another.
func TestOperatorsExportTheirOwn(t *testing.T) {
	z := newTestZone(t, zoneOptions{recording: newRecording(t, recording.Config{})})
	z.clock.advance(time.Until(recordedAt.Add(-time.Hour)))
	for _, org := range []string{"acme", "river", "empty"} {
		z.organisation(org, "operator")
	}
	z.organisation("zone", "authority")
	of := map[string]account{}
	for _, org := range []string{"acme", "river", "empty"} {
		of[org] = z.account(org+"-1", org, "test_operator")
	}
	of["controller"] = z.account("ctl", "zone", "controller")
	register := func(id, org string, system int) {
		t.Helper()
		body := strings.Replace(vehicleBody(id, system), `"operator":"acme"`, `"operator":"`+org+`"`, 1)
		if r := z.as(of[org], "POST", "/v1/vehicles", body); r.StatusCode != 201 {
			t.Fatalf("register %s: %d %s", id, r.StatusCode, r.body)
		}
	}
	register("boat-1", "acme", 1)
	z.clock.advance(2 * time.Hour) // an hour into the recording
	register("boat-2", "river", 2)

	system1 := func(i int) bool { return i%2 == 0 }
	system2 := func(i int) bool { return i%2 == 1 && i > 60 }
	none := func(int) bool { return false }
	for _, c := range []struct {
		who, query string
		status     int
		want       func(i int) bool
	}{
		{"acme", "", 200, system1},
		{"acme", "&system_id=1&system_id=2", 200, system1},
		{"acme", "&system_id=2", 200, none},
		{"river", "", 200, system2},
		{"river", "&to=" + url.QueryEscape(recordedAt.Add(time.Hour).Format(time.RFC3339)), 200, none},
		{"empty", "", 404, none},
		{"acme", "&quarantine=true", 403, none},
		{"controller", "", 200, func(int) bool { return true }},
	} {
		r := z.as(of[c.who], "GET", "/v1/recordings/export?form=evidence&listener=signed"+c.query, "")
		if r.StatusCode != c.status || r.StatusCode == 200 && !bytes.Equal(r.body, entries(false, c.want)) {
			t.Errorf("%s %s: %d, %d bytes, want %d", c.who, c.query, r.StatusCode, len(r.body), len(entries(false, c.want)))
		}
	}
	if r := z.as(of["acme"], "GET", "/v1/recordings/export?listener=open", ""); r.StatusCode != 404 {
		t.Errorf("a listener without vehicles of its own: %d", r.StatusCode)
	}
}
