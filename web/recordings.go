package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/time/rate"

	"testzone/airspace"
	"testzone/telemetry/audit"
	"testzone/telemetry/recording"
)

var (
	// errNotRecording is returned when nothing is recorded here.
	errNotRecording = errors.New("nothing is recorded here: recording.off is set in the configuration")
	// errManyExports is returned when enough exports run: their disk is that of the recording.
	errManyExports = errors.New("as many exports run as may at once; try again when one is done")
)

// Limits of exports: the disk that they read is written at the same time.
const (
	recordingTimeout = 15 * time.Minute
	maxExports       = 2        // at once
	exportRate       = 32 << 20 // bytes/s of all exports together
)

// Recording is one file of what a link received.
type Recording struct {
	ID         string            `json:"id" doc:"Listener, folder and name of the file, e.g. open/20261125T200000Z-000"`
	Listener   string            `json:"listener"`
	Quarantine bool              `json:"quarantine" doc:"Of frames that were refused"`
	From       string            `json:"from" format:"date-time" doc:"When the oldest frame was received"`
	To         string            `json:"to" format:"date-time" doc:"When the newest one was"`
	Frames     uint64            `json:"frames"`
	Bytes      int64             `json:"bytes" doc:"Size of the file"`
	Systems    []RecordedSystem  `json:"systems" doc:"Frames by MAVLink system id"`
	Reasons    []RecordedRefusal `json:"reasons" doc:"Of the quarantine: frames by the reason of their refusal"`
	Gaps       []RecordingGap    `json:"gaps" doc:"What was received and is missing: at most 50 one by one"`
	CutBytes   int64             `json:"cut_bytes" doc:"Behind the last whole frame, after a crash"`
	Sealed     bool              `json:"sealed" doc:"Whether the file is finished"`
	SHA256     string            `json:"sha256,omitempty" doc:"Of the finished file, hexadecimal"`
}

// RecordedSystem is how many frames a system id sent.
type RecordedSystem struct {
	SystemID uint8  `json:"system_id"`
	Frames   uint64 `json:"frames"`
}

// RecordedRefusal is how many frames were refused for one reason.
type RecordedRefusal struct {
	Reason string `json:"reason" doc:"E.g. crc, bad_signature, replay; not_known: a crash took it"`
	Frames uint64 `json:"frames"`
}

// RecordingGap is what is missing.
type RecordingGap struct {
	From   string `json:"from" format:"date-time"`
	To     string `json:"to" format:"date-time"`
	Frames uint64 `json:"frames"`
	Bytes  uint64 `json:"bytes"`
	Why    string `json:"why" doc:"behind (the disk was slower than the link), disk (it failed), no_space, limited (more refused frames in a second than are kept), cut (frames that do not say where they end)"`
}

// RecordingList is one page of recordings.
type RecordingList struct {
	Items []Recording `json:"items"`
	Next  *string     `json:"next" doc:"cursor of the next page; null at the end"`
}

func (s *Server) recordingEndpoints(api huma.API) {
	endpoint(s, api, huma.Operation{
		OperationID: "listRecordings", Method: http.MethodGet, Path: "/v1/recordings", Tags: []string{"recordings"},
		Summary: "Files of what links received, newest first", Errors: []int{401, 403, 422, 503},
	}, s.listRecordings)
	endpoint(s, api, exportRecordingOperation(), s.exportRecording)
}

type recordingListInput struct {
	Listener   string    `query:"listener" maxLength:"40"`
	From       time.Time `query:"from" doc:"With frames not before this time"`
	To         time.Time `query:"to" doc:"With frames before this time"`
	Quarantine bool      `query:"quarantine" doc:"Those of refused frames instead"`
	Page
}

type recordingListOutput struct{ Body RecordingList }

func (s *Server) listRecordings(ctx context.Context, in *recordingListInput) (*recordingListOutput, error) {
	if s.cfg.Recording == nil {
		return nil, errNotRecording
	}
	fromUS, toUS := span(in.From, in.To)
	segments := slices.DeleteFunc(s.cfg.Recording.Segments(), func(g recording.Segment) bool {
		return in.Listener != "" && g.Listener != in.Listener || g.Quarantine != in.Quarantine || g.FromUS >= toUS || g.ToUS < fromUS
	})
	slices.Reverse(segments)
	list := listOf(ctx, fmt.Sprintf("recordings %q %d %d %t", in.Listener, fromUS, toUS, in.Quarantine))
	page, next, err := paginate(s.cursors, list, in.Page, segments, recordingKey, func(g *recording.Segment, last string) bool { return recordingKey(g) < last })
	if err != nil {
		return nil, err
	}
	out := RecordingList{Items: make([]Recording, len(page)), Next: next}
	for i := range page {
		out.Items[i] = recordingOf(&page[i])
	}
	return &recordingListOutput{out}, nil
}

// recordingKey is in the order of Segments: the file's name begins with its time.
func recordingKey(g *recording.Segment) string {
	return g.Name[strings.LastIndexByte(g.Name, '/')+1:] + g.Name
}

// span is a time range in µs; a missing end is open.
func span(from, to time.Time) (fromUS, toUS int64) {
	toUS = 1 << 62
	if !from.IsZero() {
		fromUS = from.UnixMicro()
	}
	if !to.IsZero() {
		toUS = to.UnixMicro()
	}
	return fromUS, toUS
}

func recordingOf(g *recording.Segment) Recording {
	out := Recording{
		ID: g.Name, Listener: g.Listener, Quarantine: g.Quarantine, From: timeOf(g.FromUS), To: timeOf(g.ToUS),
		Frames: g.Frames, Bytes: g.Bytes, CutBytes: g.Cut, Sealed: g.Sealed, SHA256: g.SHA256,
		Systems: []RecordedSystem{}, Reasons: []RecordedRefusal{}, Gaps: []RecordingGap{},
	}
	for id, n := range g.Systems {
		out.Systems = append(out.Systems, RecordedSystem{id, n})
	}
	slices.SortFunc(out.Systems, func(a, b RecordedSystem) int { return cmp.Compare(a.SystemID, b.SystemID) })
	for why, n := range g.Reasons {
		out.Reasons = append(out.Reasons, RecordedRefusal{why, n})
	}
	slices.SortFunc(out.Reasons, func(a, b RecordedRefusal) int { return cmp.Compare(a.Reason, b.Reason) })
	for _, h := range g.Gaps {
		out.Gaps = append(out.Gaps, RecordingGap{From: timeOf(h.FromUS), To: timeOf(h.ToUS), Frames: h.Frames, Bytes: h.Bytes, Why: h.Why})
	}
	return out
}

const tlogType = "application/octet-stream"

// Trailers of an export, which follow the file: only then it is known.
const (
	trailerFrames  = "Testzone-Frames"
	trailerLeft    = "Testzone-Left-Out"
	trailerDamaged = "Testzone-Damaged-Bytes"
)

func exportRecordingOperation() huma.Operation {
	return huma.Operation{
		OperationID: "exportRecording", Method: http.MethodGet, Path: "/v1/recordings/export", Tags: []string{"recordings"},
		Summary: "What one listener received in a time, as one .tlog",
		Description: "8 bytes of big-endian microseconds since 1970 and the raw MAVLink frame, repeated, in the order of arrival. " +
			"Streamed; it has 15 minutes. Operators get the frames of their own vehicles, from when they were registered with their system ids " +
			"(those of the configuration: since the server's start). A file that is whole is followed by the trailer Testzone-Frames, by Testzone-Left-Out (frames whose " +
			"signature could not be removed) and Testzone-Damaged-Bytes (of files that are no longer what was written); without them " +
			"it was cut off. That somebody exported is in the audit.",
		Responses: map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
			tlogType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}},
		Errors: []int{401, 403, 404, 422, 503},
	}
}

type exportRecordingInput struct {
	Listener   string    `query:"listener" required:"true" minLength:"1" maxLength:"40"`
	From       time.Time `query:"from" doc:"Frames received not before this time"`
	To         time.Time `query:"to" doc:"Frames received before this time"`
	SystemID   []int     `query:"system_id,explode" maxItems:"255" doc:"Only of these MAVLink system ids; repeated for several"`
	Quarantine bool      `query:"quarantine" doc:"Frames that were refused, instead of those that were accepted"`
	Form       string    `query:"form" enum:"shareable,evidence" default:"shareable" doc:"evidence: byte for byte what was received; shareable: without signatures, from which weak keys can be guessed"`
}

type exportRecordingOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Trailer     string `header:"Trailer"`
	Body        func(huma.Context)
}

func (s *Server) exportRecording(ctx context.Context, in *exportRecordingInput) (*exportRecordingOutput, error) {
	if s.cfg.Recording == nil {
		return nil, errNotRecording
	}
	if !s.cfg.Recording.Knows(in.Listener) {
		return nil, recording.ErrNoListener
	}
	q, form := in.query()
	if err := s.ownFrames(ctx, &q); err != nil {
		return nil, err
	}
	if !s.exports.begin() {
		return nil, errManyExports
	}
	r := requestOf(ctx)
	s.tellCall(r, audit.Act{Type: audit.CallDone, By: actorOf(ctx).ID, What: "exportRecording", Object: r.URL.Path + "?" + in.asked()})
	return &exportRecordingOutput{
		Type: tlogType, Disposition: `attachment; filename="` + in.Listener + `.tlog"`,
		Trailer: strings.Join([]string{trailerFrames, trailerLeft, trailerDamaged}, ", "),
		Body: func(to huma.Context) {
			defer s.exports.end()
			done, err := s.cfg.Recording.Export(ctx, s.exports.paced(ctx, to.BodyWriter()), q, form)
			if err != nil {
				s.log.WarnContext(ctx, "export of a recording was cut off", "request_id", requestID(ctx), "error", err)
				panic(http.ErrAbortHandler) // the status has gone: a broken connection is the only way to say it
			}
			to.SetHeader(trailerFrames, strconv.FormatUint(done.Frames, 10))
			to.SetHeader(trailerLeft, strconv.FormatUint(done.Left, 10))
			to.SetHeader(trailerDamaged, strconv.FormatInt(done.Damaged, 10))
		},
	}, nil
}

// asked is what the audit says of an export.
func (in *exportRecordingInput) asked() string {
	q := url.Values{"form": {in.Form}, "listener": {in.Listener}, "quarantine": {strconv.FormatBool(in.Quarantine)}}
	for name, at := range map[string]time.Time{"from": in.From, "to": in.To} {
		if !at.IsZero() {
			q.Set(name, timeOf(at.UnixMicro()))
		}
	}
	for _, id := range in.SystemID {
		q.Add("system_id", strconv.Itoa(id))
	}
	return q.Encode()
}

func (in *exportRecordingInput) query() (recording.Query, recording.Form) {
	q := recording.Query{Listener: in.Listener, Quarantine: in.Quarantine}
	q.FromUS, q.ToUS = span(in.From, in.To)
	if len(in.SystemID) > 0 {
		q.Systems = func(id uint8) bool { return slices.Contains(in.SystemID, int(id)) }
	}
	if in.Form == "evidence" {
		return q, recording.Evidence
	}
	return q, recording.Shareable
}

// ownFrames leaves of a query what the caller may see: the zone's people everything, an
// operator what its own vehicles sent, since they have their system ids. Who sent
// what was refused is not known: it is for the zone's people.
func (s *Server) ownFrames(ctx context.Context, q *recording.Query) error {
	if who := actorOf(ctx); who.May(airspace.AuditRead) || who.May(airspace.ZoneControl) {
		return nil // people of the zone or of a department: who may be one is airspace's to say
	}
	if q.Quarantine {
		return errForbidden
	}
	q.Own = s.cfg.Register.Tenures(s.viewOf(ctx).Owns, q.Listener)
	if len(q.Own) == 0 {
		return recording.ErrNoListener
	}
	return nil
}

// recordingExports bounds what exports take of the disk.
type recordingExports struct {
	running chan struct{}
	bytes   *rate.Limiter
}

func newRecordingExports() recordingExports {
	return recordingExports{running: make(chan struct{}, maxExports), bytes: rate.NewLimiter(exportRate, exportRate)}
}

// begin takes a place; false: there is none.
func (x *recordingExports) begin() bool {
	select {
	case x.running <- struct{}{}:
		return true
	default:
		return false
	}
}

func (x *recordingExports) end() { <-x.running }

func (x *recordingExports) paced(ctx context.Context, w io.Writer) io.Writer {
	return pacedWriter{ctx, w, x.bytes}
}

// pacedWriter writes no faster than its rate.
type pacedWriter struct {
	ctx  context.Context
	w    io.Writer
	rate *rate.Limiter
}

func (p pacedWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		piece := b[:min(len(b), p.rate.Burst())]
		if err = p.rate.WaitN(p.ctx, len(piece)); err != nil {
			return n, err
		}
		var written int
		written, err = p.w.Write(piece)
		n, b = n+written, b[len(piece):]
	}
	return n, err
}
