package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/airspace/activity"
	"testzone/airspace/document"
	"testzone/airspace/permit"
	rulepack "testzone/airspace/rules"
	"testzone/airspace/site"
	"testzone/airspace/supervision"
	"testzone/geofence/zonefile"
	"testzone/telemetry"
	"testzone/telemetry/audit"
	"testzone/telemetry/command"
	"testzone/telemetry/command/bulk"
	"testzone/telemetry/command/ladder"
	"testzone/telemetry/command/onboard"
	"testzone/telemetry/journal"
	"testzone/telemetry/recording"
	"testzone/vehicles/planfile"
	"testzone/web/auth"
	"testzone/web/notify"
)

var (
	// errForbidden is returned when the actor lacks the scope of an operation.
	errForbidden = errors.New("your roles do not allow this")
	// errNeedIfMatch is returned when a change does not say which revision it is of.
	errNeedIfMatch = errors.New("send If-Match with the ETag that you read")
	// errBadIfMatch is returned when If-Match is not an entity tag.
	errBadIfMatch = errors.New(`If-Match must be one ETag such as "3"`)
	// errBadCursor is returned when a cursor is not one of this list and this start of the server.
	errBadCursor = errors.New("cursor is not valid for this list: start without it")
	// errNoTrack is returned when no vehicle of that id is followed.
	errNoTrack = errors.New("no such track is followed now")
	// errTooManySessions is returned when all places of live sessions are taken.
	errTooManySessions = errors.New("too many live sessions")
	// errOwnPassword is returned when somebody resets its own password, for which the current one would not be asked.
	errOwnPassword = errors.New("change your own password with PUT /v1/session/password")
	// errSecretShown is returned when a request is repeated whose answer had a secret that is not kept.
	errSecretShown = errors.New("it was made by this request before, and its secret is in the first answer only: if you do not have that, end it and make another under a new Idempotency-Key")
	// errStopping is returned when the server drains.
	errStopping = errors.New("the server is stopping")
)

// Problem is the body of every error, RFC 9457.
type Problem struct {
	Type      string          `json:"type" doc:"Stable URI of the kind of problem"`
	Title     string          `json:"title" doc:"The status in words"`
	Status    int             `json:"status" doc:"HTTP status"`
	Detail    string          `json:"detail" doc:"What went wrong here and what to do"`
	Code      string          `json:"code" doc:"Stable code for programs" example:"stale"`
	RequestID string          `json:"requestId" doc:"Names this request in the server's log"`
	Errors    []FieldError    `json:"errors,omitempty" doc:"Every fault of the request"`
	Faults    []PermitFault   `json:"faults,omitempty" doc:"Of rules: all that speaks against an application"`
	Preview   *BulkOrder      `json:"preview,omitempty" doc:"Of bulk_changed: what the order would do now"`
	Booking   *BookingRefusal `json:"booking,omitempty" doc:"Of site_taken: what speaks against the booking, and what would do"`
	Route     *RouteRefusal   `json:"route,omitempty" doc:"Of no_route: what is in the way, and what would do"`

	header http.Header
	hidden bool // what was asked for is there, for others
	told   bool // it is in the audit, whatever it is
}

// FieldError is one fault of a request.
type FieldError struct {
	Location string `json:"location,omitempty" doc:"Where, e.g. body.geometry.coordinates[0]"`
	Message  string `json:"message" doc:"What is wrong"`
}

func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are headers that belong to the problem, such as Retry-After.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType makes JSON problem+json.
func (p *Problem) ContentType(string) string { return problemJSON }

const problemJSON = "application/problem+json"

func newProblem(ctx context.Context, status int, code, detail string) *Problem {
	return &Problem{
		Type: "urn:testzone:problem:" + code, Title: http.StatusText(status), Status: status,
		Detail: detail, Code: code, RequestID: requestID(ctx),
	}
}

// sentinels is the table from what the zone's packages return to problems.
// What is not in it is a 500 whose detail goes to the log only.
func sentinels() []sentinel {
	return []sentinel{
		{auth.ErrNoCredential, http.StatusUnauthorized, "unauthenticated"},
		{auth.ErrBadToken, http.StatusUnauthorized, "bad_token"},
		{auth.ErrBadPassword, http.StatusUnauthorized, "bad_password"},
		{auth.ErrNoProvider, http.StatusNotFound, "no_provider"},
		{auth.ErrProvider, http.StatusServiceUnavailable, "provider_unavailable"},
		{auth.ErrBadIdentity, http.StatusUnauthorized, "bad_identity"},
		{auth.ErrNotLinked, http.StatusForbidden, "not_linked"},
		{errOwnPassword, http.StatusForbidden, "own_password"},
		{auth.ErrNoSession, http.StatusForbidden, "no_session"},
		{auth.ErrLoginTaken, http.StatusConflict, "login_taken"},
		{auth.ErrPersonal, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrAccount, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrVehicle, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrGateway, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrSystemID, http.StatusConflict, "system_id_taken"},
		{airspace.ErrConfigured, http.StatusConflict, "configured"},
		{airspace.ErrMoving, http.StatusConflict, "vehicle_moves"},
		{airspace.ErrWithdrawn, http.StatusConflict, "withdrawn"},
		{airspace.ErrTooManyKeys, http.StatusConflict, "too_many_keys"},
		{airspace.ErrKeyState, http.StatusConflict, "key_state"},
		{airspace.ErrNoMAVLink, http.StatusConflict, "no_mavlink"},
		{airspace.ErrFingerprint, http.StatusConflict, "fingerprint_taken"},
		{airspace.ErrGatewayState, http.StatusConflict, "gateway_revoked"},
		{auth.ErrVehicleKey, http.StatusUnprocessableEntity, "invalid"},
		{auth.ErrKeyInUse, http.StatusConflict, "key_in_use"},
		{airspace.ErrExists, http.StatusConflict, "exists"},
		{airspace.ErrOwnRights, http.StatusForbidden, "own_rights"},
		{airspace.ErrNoPerson, http.StatusForbidden, "no_person"},
		{airspace.ErrSamePerson, http.StatusForbidden, "same_person"},
		{airspace.ErrTwoPersons, http.StatusConflict, "two_persons"},
		{airspace.ErrZoneState, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrNeedRev, http.StatusPreconditionRequired, "if_match_required"},
		{airspace.ErrPriority, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrPriorityOver, http.StatusConflict, "priority_over"},
		{permit.ErrApplication, http.StatusUnprocessableEntity, "invalid"},
		{permit.ErrVerdict, http.StatusUnprocessableEntity, "invalid"},
		{permit.ErrState, http.StatusConflict, "permit_state"},
		{permit.ErrRevision, http.StatusConflict, "permit_changed"},
		{permit.ErrNotAsked, http.StatusForbidden, "not_asked"},
		{permit.ErrFourEyes, http.StatusForbidden, "four_eyes"},
		{document.ErrRefused, http.StatusUnprocessableEntity, "document_refused"},
		{document.ErrDigest, http.StatusUnprocessableEntity, "digest_mismatch"},
		{document.ErrEmpty, http.StatusUnprocessableEntity, "invalid"},
		{document.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
		{document.ErrBusy, http.StatusServiceUnavailable, "documents_busy"},
		{document.ErrNoSpace, http.StatusServiceUnavailable, "documents_disk_full"},
		{document.ErrMissing, http.StatusServiceUnavailable, "document_missing"},
		{document.ErrDamaged, http.StatusServiceUnavailable, "document_damaged"},
		{airspace.ErrDocument, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrDocumentQuota, http.StatusConflict, "document_quota"},
		{airspace.ErrDocumentErased, http.StatusGone, "document_erased"},
		{airspace.ErrNoDocuments, http.StatusConflict, "documents_elsewhere"},
		{supervision.ErrIncident, http.StatusUnprocessableEntity, "invalid"},
		{supervision.ErrState, http.StatusConflict, "supervision_state"},
		{airspace.ErrStandDown, http.StatusConflict, "stand_down"},
		{activity.ErrState, http.StatusConflict, "activity_state"},
		{activity.ErrReport, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrManyActivities, http.StatusConflict, "many_activities"},
		{airspace.ErrManyDrafts, http.StatusConflict, "many_drafts"},
		{rulepack.ErrNoPack, http.StatusConflict, "no_rule_pack"},
		{airspace.ErrNoKind, http.StatusConflict, "no_rule_pack"},
		{airspace.ErrManyPriorities, http.StatusConflict, "many_priorities"},
		{site.ErrSite, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrSiteBooked, http.StatusConflict, "site_booked"},
		{airspace.ErrSiteGone, http.StatusConflict, "site_gone"},
		{airspace.ErrBooking, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrBookingOver, http.StatusConflict, "booking_over"},
		{airspace.ErrRehearsesOnly, http.StatusForbidden, "rehearses_only"},
		{airspace.ErrRestriction, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrRestrictionOver, http.StatusConflict, "restriction_over"},
		{airspace.ErrNotTold, http.StatusConflict, "not_told"},
		{airspace.ErrTaken, http.StatusConflict, "site_taken"},
		{airspace.ErrDuty, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrBriefing, http.StatusConflict, "briefing"},
		{airspace.ErrNotOffered, http.StatusConflict, "not_offered"},
		{airspace.ErrLastAdministrator, http.StatusConflict, "last_administrator"},
		{airspace.ErrProposalClosed, http.StatusConflict, "proposal_closed"},
		{airspace.ErrDisabled, http.StatusConflict, "disabled"},
		{command.ErrCannot, http.StatusConflict, "order_impossible"},
		{command.ErrWay, http.StatusConflict, "fence_in_the_way"},
		{command.ErrUnverified, http.StatusConflict, "vehicle_unverified"},
		{command.ErrUnreachable, http.StatusConflict, "vehicle_unreachable"},
		{command.ErrLeased, http.StatusConflict, "leased"},
		{command.ErrSafer, http.StatusConflict, "safer_order"},
		{command.ErrMoved, http.StatusConflict, "order_moved"},
		{command.ErrNotYours, http.StatusConflict, "others_order"},
		{command.ErrSwitchedOff, http.StatusConflict, "switched_off"},
		{command.ErrSituation, http.StatusConflict, "situation_changed"},
		{command.ErrTooMany, http.StatusTooManyRequests, "too_many_orders"},
		{bulk.ErrSelection, http.StatusUnprocessableEntity, "invalid"},
		{bulk.ErrKind, http.StatusUnprocessableEntity, "invalid"},
		{bulk.ErrChanged, http.StatusConflict, "bulk_changed"},
		{bulk.ErrNone, http.StatusNotFound, "not_found"},
		{command.ErrOutcome, http.StatusUnprocessableEntity, "invalid"},
		{onboard.ErrBusy, http.StatusConflict, "plan_busy"},
		{onboard.ErrMoves, http.StatusConflict, "vehicle_moves"},
		{command.ErrNoOrder, http.StatusNotFound, "not_found"},
		{command.ErrNotDurable, http.StatusServiceUnavailable, "journal_unavailable"},
		{command.ErrStopping, http.StatusServiceUnavailable, "stopping"},
		{ladder.ErrNoLadder, http.StatusConflict, "nothing_enforced"},
		{ladder.ErrNothingWaits, http.StatusConflict, "nothing_waits"},
		{ladder.ErrNotDurable, http.StatusServiceUnavailable, "journal_unavailable"},
		{ladder.ErrStopping, http.StatusServiceUnavailable, "stopping"},
		{errForbidden, http.StatusForbidden, "forbidden"},
		{airspace.ErrForbidden, http.StatusForbidden, "forbidden"},
		{airspace.ErrNotFound, http.StatusNotFound, "not_found"},
		{audit.ErrRange, http.StatusNotFound, "no_such_entries"},
		{telemetry.ErrNoAlert, http.StatusNotFound, "not_found"},
		{telemetry.ErrNoTraffic, http.StatusNotFound, "not_found"},
		{errNoTrack, http.StatusNotFound, "not_found"},
		{airspace.ErrDefinition, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrNoVersion, http.StatusNotFound, "no_such_version"},
		{zonefile.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
		{zonefile.ErrMalformed, http.StatusUnprocessableEntity, "unreadable_file"},
		{planfile.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
		{planfile.ErrMalformed, http.StatusUnprocessableEntity, "unreadable_file"},
		{planfile.ErrCannotCarry, http.StatusConflict, "format_cannot_carry"},
		{zonefile.ErrFormat, http.StatusUnprocessableEntity, "invalid"},
		{airspace.ErrNotManual, http.StatusConflict, "not_manual"},
		{airspace.ErrStale, http.StatusPreconditionFailed, "stale"},
		{errNeedIfMatch, http.StatusPreconditionRequired, "if_match_required"},
		{errBadIfMatch, http.StatusBadRequest, "bad_if_match"},
		{errBadCursor, http.StatusUnprocessableEntity, "bad_cursor"},
		{errTooManySessions, http.StatusServiceUnavailable, "too_many_sessions"},
		{errSecretShown, http.StatusConflict, "secret_shown"},
		{errStopping, http.StatusServiceUnavailable, "stopping"},
		{notify.ErrNotFound, http.StatusNotFound, "not_found"},
		{notify.ErrStale, http.StatusPreconditionFailed, "stale"},
		{notify.ErrURL, http.StatusUnprocessableEntity, "bad_webhook_url"},
		{notify.ErrTooMany, http.StatusConflict, "too_many_webhooks"},
		{notify.ErrDeleted, http.StatusConflict, "deleted_since"},
		{notify.ErrStore, http.StatusServiceUnavailable, "store_unavailable"},
		{errNotRecording, http.StatusServiceUnavailable, "not_recording"},
		{errManyExports, http.StatusServiceUnavailable, "too_many_exports"},
		{recording.ErrNoListener, http.StatusNotFound, "not_recorded"},
		{errTrimmed, http.StatusGone, "trimmed"},
		{journal.ErrConflict, http.StatusConflict, "conflict"},
		{journal.ErrKeyReused, http.StatusUnprocessableEntity, "key_reused"},
		{errBadKey, http.StatusUnprocessableEntity, "bad_key"},
		{journal.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
		{journal.ErrUnknown, http.StatusServiceUnavailable, "outcome_unknown"}, // whatever the cause
		{journal.ErrReadOnly, http.StatusServiceUnavailable, "journal_unavailable"},
		{journal.ErrNoSpace, http.StatusServiceUnavailable, "journal_disk_full"},
		{journal.ErrClosed, http.StatusServiceUnavailable, "journal_unavailable"},
		{telemetry.ErrNotDurable, http.StatusServiceUnavailable, "journal_unavailable"},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, "timeout"},
		{context.Canceled, http.StatusServiceUnavailable, "cancelled"},
	}
}

type sentinel struct {
	err    error
	status int
	code   string
}

// problemOf turns an error into what the caller may know of it.
func (s *Server) problemOf(ctx context.Context, err error) *Problem {
	var ready *Problem
	if errors.As(err, &ready) {
		ready.RequestID = requestID(ctx)
		return ready
	}
	var limited *auth.LimitedError
	if errors.As(err, &limited) {
		p := newProblem(ctx, http.StatusTooManyRequests, "too_many_attempts", limited.Error())
		p.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(limited.RetryAfter.Seconds())))}}
		return p
	}
	var tooMany *rateError
	if errors.As(err, &tooMany) {
		p := newProblem(ctx, http.StatusTooManyRequests, "rate_limited", tooMany.Error())
		p.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(tooMany.wait.Seconds())))}}
		return p
	}
	var batch *airspace.BatchError
	if errors.As(err, &batch) {
		p := newProblem(ctx, http.StatusUnprocessableEntity, "invalid", "Nothing was changed; see errors.")
		faults, stale := batchFaults(batch)
		if stale {
			p = newProblem(ctx, http.StatusConflict, "stale", "Nothing was changed: fences are newer than you read them; see errors.")
		}
		p.Errors = faults
		return p
	}
	var against *permit.RulesError
	if errors.As(err, &against) {
		return rulesProblem(ctx, against)
	}
	for _, known := range sentinels() {
		if !errors.Is(err, known.err) {
			continue
		}
		p := newProblem(ctx, known.status, known.code, detailOf(err))
		switch known.status {
		case http.StatusUnauthorized:
			p.header = http.Header{"Www-Authenticate": {`Bearer realm="testzone"`}}
		case http.StatusServiceUnavailable:
			p.header = http.Header{"Retry-After": {"5"}}
			// The cause names files and disks: for the log.
			p.Detail = known.err.Error()
			s.log.WarnContext(ctx, "request not served", "request_id", p.RequestID, "error", err)
		}
		return p
	}
	p := newProblem(ctx, http.StatusInternalServerError, "internal", "The server failed. Tell its operator the requestId.")
	s.log.ErrorContext(ctx, "request failed", "request_id", p.RequestID, "error", err)
	return p
}

// detailOf is what a caller may read of an error. That something is there, for
// others, is not told: those marks stand at the end.
func detailOf(err error) string {
	text := err.Error()
	for _, mark := range []error{errHidden, airspace.ErrOthers} {
		text = strings.TrimSuffix(text, ": "+mark.Error())
	}
	return text
}

// problemTransformer turns the framework's own errors into ours. It never
// echoes what was sent: the framework repeats a whole malformed body.
func problemTransformer(ctx huma.Context, _ string, v any) (any, error) {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := newProblem(ctx.Context(), model.Status, statusCode(model.Status), model.Detail)
	told := map[string]bool{}
	for _, e := range model.Errors {
		if _, again := e.Value.(formFault); again && told[e.Location] {
			continue // the schema's words are enough
		}
		told[e.Location] = true
		message := e.Message
		if model.Status == http.StatusBadRequest {
			message = strings.SplitN(message, "\n", 2)[0]
		}
		p.Errors = append(p.Errors, FieldError{Location: e.Location, Message: message})
	}
	if model.Status == http.StatusUnprocessableEntity {
		p.Detail = "The request has faults; see errors."
	}
	if model.Status >= http.StatusInternalServerError {
		p.Errors, p.Detail = nil, "The server failed. Tell its operator the requestId."
	}
	return p, nil
}

// statusCode is the code of errors that are known by their status alone.
func statusCode(status int) string {
	codes := map[int]string{
		http.StatusBadRequest:            "malformed",
		http.StatusNotFound:              "no_such_path",
		http.StatusMethodNotAllowed:      "method_not_allowed",
		http.StatusNotAcceptable:         "not_acceptable",
		http.StatusRequestTimeout:        "timeout",
		http.StatusRequestEntityTooLarge: "too_large",
		http.StatusUnsupportedMediaType:  "unsupported_media_type",
		http.StatusUnprocessableEntity:   "invalid",
		http.StatusInternalServerError:   "internal",
	}
	if code, ok := codes[status]; ok {
		return code
	}
	return fmt.Sprintf("http_%d", status)
}

// writeProblem answers outside of the framework.
func writeProblem(w http.ResponseWriter, p *Problem) {
	for k, values := range p.header {
		w.Header()[k] = values
	}
	w.Header().Set("Content-Type", problemJSON)
	w.Header().Del("Content-Length")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has gone if it fails
}
