package web

import (
	"cmp"
	"net/http"
	"slices"
)

// problemCode is one code of a Problem, for the docs page.
type problemCode struct {
	Code    string
	Status  int
	Meaning string
}

// ownCodes are those of problems that come from no sentinel.
func ownCodes() []problemCode {
	return []problemCode{
		{"malformed", http.StatusBadRequest, "the body or the request line cannot be read; nothing was tried"},
		{"no_websocket", http.StatusBadRequest, "this path is the live channel: connect with a websocket"},
		{"subprotocol_required", http.StatusBadRequest, "ask for the subprotocol zl.v1"},
		{"token_in_url", http.StatusUnauthorized, "a token stands in the address, where others read it: replace it by a new one"},
		{"cross_origin", http.StatusForbidden, "the request comes from a page of another site"},
		{"no_such_path", http.StatusNotFound, "there is nothing at this path"},
		{"method_not_allowed", http.StatusMethodNotAllowed, "this path does not know this method; see Allow"},
		{"not_acceptable", http.StatusNotAcceptable, "the answer has no form that Accept asks for"},
		{"timeout", http.StatusRequestTimeout, "the body did not arrive in time"},
		{"stale", http.StatusConflict, "of a batch: fences are newer than you read them"},
		{"plan_refused", http.StatusConflict, "the vehicle, its home, its way back or a leg would be in breach, or the plan makes no sense; errors names each with its item"},
		{"plan_unknown", http.StatusConflict, "the vehicle carries nothing of this, or what it carries is not known: have it read back"},
		{"vehicle_unreachable", http.StatusConflict, "the vehicle is not heard over an authenticated link; what needs its answer waits until it is"},
		{"too_large", http.StatusRequestEntityTooLarge, "the body is larger than this operation takes"},
		{"unsupported_media_type", http.StatusUnsupportedMediaType, "send the Content-Type that the detail names"},
		{"no_route", http.StatusConflict, "there is no route as it was asked; route says what is in the way, and what would do"},
		{"no_planner", http.StatusServiceUnavailable, "this server plans no routes"},
		{"route_timeout", http.StatusServiceUnavailable, "no route was found in time; ask for less, or again after Retry-After"},
		{"invalid", http.StatusUnprocessableEntity, "the request has faults; errors names each with its place"},
		{"rules", http.StatusUnprocessableEntity, "rules speak against the application; faults names each with its rule, by how much, and what would pass"},
		{"too_many_attempts", http.StatusTooManyRequests, "too many failed sign-ins from this address; wait Retry-After seconds"},
		{"rate_limited", http.StatusTooManyRequests, "too many requests of this address or actor; wait Retry-After seconds"},
		{"internal", http.StatusInternalServerError, "the server failed; its operator finds the requestId in the log"},
	}
}

// problemCodes are all codes that a caller can meet, by code.
func problemCodes() []problemCode {
	out := ownCodes()
	for _, s := range sentinels() {
		out = append(out, problemCode{s.code, s.status, s.err.Error()})
	}
	slices.SortStableFunc(out, func(a, b problemCode) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Status, b.Status))
	})
	return slices.CompactFunc(out, func(a, b problemCode) bool { return a.Code == b.Code && a.Status == b.Status })
}
