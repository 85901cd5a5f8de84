package web

import (
	"encoding/json"
	"strings"

	"testzone/airspace"
	"testzone/airspace/notice"
	"testzone/airspace/permit"
	"testzone/telemetry"
	"testzone/telemetry/journal"
)

// noticeBody is what the entries of permits and of notices that came with time say.
type noticeBody struct {
	Permit *permit.Permit `json:"permit"`
	Notice *notice.Notice `json:"notice"`
}

// ofNotice takes an act on a permit, or what came with time, in; false when it is not
// for everybody who sees its object: a draft is its applicant's.
func (e *Event) ofNotice(rec *journal.Record) (visible bool) {
	if rec.Schema != airspace.PermitSchema && rec.Schema != airspace.NoticeSchema {
		return false
	}
	var body noticeBody
	if json.Unmarshal(rec.Body, &body) != nil {
		return false
	}
	switch p, n := body.Permit, body.Notice; {
	case p != nil && len(p.History) > 0:
		name, told := permit.Told(p, len(p.History)-1)
		if !told || p.SubmittedUS == 0 {
			return false
		}
		e.Type, e.PermitID, e.audience = name, p.ID, map[string]bool{p.Org: true}
		return true
	case n != nil:
		e.audience = map[string]bool{}
		for _, a := range n.To {
			e.audience[a.Org] = true
		}
		switch of, id, _ := strings.Cut(n.Object, ":"); of {
		case "permit":
			e.PermitID = id
		case "restriction":
			e.RestrictID = id
		case "rules":
			e.RulePack = id
		}
		return true
	}
	return false
}

// showsNotice reports whether a view sees the event of a permit or of what came with
// time. Who in a department acted is the department's.
func (e *Event) showsNotice(sees telemetry.View) bool {
	e.By = ""
	for org := range e.audience {
		if org != "" && sees.Owns(org) {
			return true
		}
	}
	return false
}
