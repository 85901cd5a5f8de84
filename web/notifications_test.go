package web

import (
	"strings"
	"testing"
	"time"

	"testzone/airspace/notice"
	"testzone/telemetry/journal"
)

// notifications is a page of what somebody was told.
func (z *testZone) notifications(who account, query string) (out NotificationList) {
	z.t.Helper()
	r := z.as(who, "GET", notificationsPath+query, "")
	z.want(r, "200")
	r.json(z.t, &out)
	return out
}

// TestNotifications: an application and what becomes of it is told to each side, live
// and in the list; read marks are one's own; nobody else sees any of it.
func TestNotifications(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for id, kind := range map[string]string{"zone": "authority", "acme": "operator", "harbour": "operator", "authority": "department"} {
		z.organisation(id, kind)
	}
	opr, other, rita := z.account("opr", "acme", "test_operator"), z.account("other", "harbour", "applicant"), z.account("rita", "authority", "department_reviewer")
	live := z.live("Cookie", opr.cookie)
	live.hello()
	strange := z.live("Cookie", other.cookie)
	strange.hello()
	z.want(z.as(opr, "POST", "/v1/vehicles", strings.Replace(vehicleBody("uav-7", 7), `"usv"`, `"uav"`, 1)), "201")
	var p Permit
	z.as(opr, "POST", permitPath, application(t, z.clock.now().Add(5*24*time.Hour).Truncate(time.Second), nil)).json(t, &p)
	z.as(opr, "POST", permitPath+"/"+p.ID+"/submit", `{}`).json(t, &p)
	if got := z.notifications(rita, ""); len(got.Items) != 1 || got.Unread != 1 || got.Items[0].Kind != "permit.submitted" || got.Items[0].Object != (NotificationObject{"permit", p.ID, "Blood samples to the island"}) {
		t.Fatalf("the department was told %+v", got)
	}
	z.want(z.as(rita, "POST", permitPath+"/"+p.ID+"/reviews", `{"verdict":"return","reason":"which island?","doc_hash":"`+p.DocHash+`"}`), "200")
	live.await("notifications", `"cseq":`)
	z.as(opr, "POST", permitPath+"/"+p.ID+"/submit", `{}`).json(t, &p)
	z.want(z.as(rita, "POST", permitPath+"/"+p.ID+"/reviews", `{"verdict":"approve","reference":"ATC 2026-17","doc_hash":"`+p.DocHash+`"}`), "200")
	all := z.notifications(opr, "")
	if len(all.Items) != 2 || all.Items[0].Kind != "permit.approved" || all.Items[1].Kind != "permit.information_requested" || all.ReadTo != "" {
		t.Fatalf("the applicant was told %+v", all)
	}
	if text := all.Items[0].Text; !strings.Contains(text.En, "Blood samples") || !strings.Contains(text.Zh, "批准") {
		t.Errorf("in words: %+v", text)
	}
	first := z.notifications(opr, "?limit=1")
	if first.Next == nil {
		t.Fatal("no second page")
	}
	if second := z.notifications(opr, "?limit=1&cursor="+*first.Next); len(second.Items) != 1 || second.Items[0].ID != all.Items[1].ID || second.Next != nil {
		t.Errorf("the second page: %+v", second)
	}
	z.want(z.as(rita, "GET", notificationsPath+"?limit=1&cursor="+*first.Next, ""), "422 bad_cursor")
	z.want(z.as(opr, "POST", notificationsPath+"/read", `{"up_to":"`+all.Items[1].ID+`"}`), "204")
	if got := z.notifications(opr, "?unread=true"); len(got.Items) != 1 || got.Unread != 1 || got.ReadTo != all.Items[1].ID || got.Items[0].Read {
		t.Errorf("after reading one: %+v", got)
	}
	z.want(z.as(opr, "POST", notificationsPath+"/read", `{"up_to":"7"}`), "422 invalid")
	if got := z.notifications(opr, "?kind=permit.information_requested,permit.refused"); len(got.Items) != 1 || got.Items[0].ID != all.Items[1].ID || got.Unread != 1 {
		t.Errorf("of two kinds: %+v", got)
	}
	if got := z.notifications(opr, "?kind=permit.information_requested&unread=true"); len(got.Items) != 0 {
		t.Errorf("unread of a kind that was read: %+v", got)
	}
	z.want(z.as(opr, "GET", notificationsPath+"?kind=permit.unheard_of", ""), "422 invalid")
	var kinds NotificationKinds
	z.as(opr, "GET", notificationsPath+"/kinds", "").json(t, &kinds)
	if len(kinds.Items) != len(notice.Kinds()) || kinds.Items[0].Name.En == "" || kinds.Items[0].Name.Zh == "" {
		t.Errorf("the kinds: %+v", kinds)
	}
	if got := z.notifications(other, ""); len(got.Items) != 0 || got.Unread != 0 {
		t.Errorf("another operator was told %+v", got)
	}
	if strange.found("notifications", "") {
		t.Errorf("another operator's page is told: %q", strange.texts)
	}
}

// TestNotificationSettings: a mail address is checked, is the person's alone and goes
// with the person.
func TestNotificationSettings(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("acme", "operator")
	anna := z.account("anna", "acme", "applicant")
	const path = notificationsPath + "/settings"
	var got NotificationChoice
	z.as(anna, "GET", path, "").json(t, &got)
	if got.Address != "" || got.Mail || len(got.All) != len(notice.Kinds()) || got.Failed != nil {
		t.Errorf("at first: %+v", got)
	}
	for body, status := range map[string]string{
		`{"address":"anna@example.org\r\nBcc: all@example.org","language":"en","kinds":[]}`: "422 invalid",
		`{"address":"Anna <anna@example.org>","language":"en","kinds":[]}`:                  "422 invalid",
		`{"address":"anna@example.org","language":"fr","kinds":[]}`:                         "422 invalid",
		`{"address":"anna@example.org","language":"en","kinds":["permit.unheard_of"]}`:      "422 invalid",
		`{"address":"anna@example.org","language":"zh","kinds":["permit.approved"]}`:        "200",
	} {
		z.want(z.as(anna, "PUT", path, body), status)
	}
	got = NotificationChoice{}
	z.as(anna, "GET", path, "").json(t, &got)
	if got.Address != "anna@example.org" || got.Language != "zh" || len(got.Kinds) != 1 {
		t.Errorf("chosen: %+v", got)
	}
	if err := z.journal.Replay(1, func(rec journal.Record) error {
		if strings.Contains(string(rec.Body), "example.org") {
			t.Errorf("entry %d has the address: %s", rec.Seq, rec.Body)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestEveryKindHasItsTexts in both languages, with what it needs filled in; a mail's
// subject is one line.
func TestEveryKindHasItsTexts(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	forms := noticeTexts()
	for _, k := range notice.Kinds() {
		n := notice.Notice{Kind: k, Name: "Regatta", What: "somebody", DueUS: 1_800_000_000_000_000}
		words := z.server.noticeWords(&n)
		if f := forms[k]; f.name.En == "" || f.name.Zh == "" || !strings.Contains(words.En, "Regatta") || !strings.Contains(words.Zh, "Regatta") || strings.ContainsAny(words.En+words.Zh, "{}") {
			t.Errorf("%s: %+v %+v", k, f, words)
		}
		if subject, body := z.server.Letter(&n, "zh", "https://zone.example.org"); strings.ContainsAny(subject, "\r\n") || !strings.Contains(body, "https://zone.example.org") {
			t.Errorf("%s: %q %q", k, subject, body)
		}
		delete(forms, k)
	}
	if len(forms) != 0 {
		t.Errorf("texts of kinds that nobody can choose: %v", forms)
	}
}

// TestPermitEvents: webhooks and followers get what became of a permit by the name of
// its kind; a draft is its applicant's, and so is everything for another operator.
func TestPermitEvents(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for id, kind := range map[string]string{"acme": "operator", "harbour": "operator", "authority": "department"} {
		z.organisation(id, kind)
	}
	opr, other, rita := z.account("opr", "acme", "test_operator"), z.account("other", "harbour", "applicant"), z.account("rita", "authority", "department_reviewer")
	z.want(z.as(opr, "POST", "/v1/vehicles", strings.Replace(vehicleBody("uav-7", 7), `"usv"`, `"uav"`, 1)), "201")
	var p Permit
	z.as(opr, "POST", permitPath, application(t, z.clock.now().Add(5*24*time.Hour).Truncate(time.Second), nil)).json(t, &p)
	z.as(opr, "POST", permitPath+"/"+p.ID+"/submit", `{}`).json(t, &p)
	z.want(z.as(rita, "POST", permitPath+"/"+p.ID+"/reviews", `{"verdict":"approve","reference":"ATC 2026-17","doc_hash":"`+p.DocHash+`"}`), "200")
	seen := func(who account) (out []string) {
		actor, _, err := z.register.PersonActor(who.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := z.journal.Replay(1, func(rec journal.Record) error {
			e, visible := eventOf(&rec, false)
			if visible && z.server.shows(&e, z.server.viewOfActor(actor)) && e.PermitID == p.ID {
				out = append(out, e.Type)
				if who.ID == opr.ID && e.By != "" {
					t.Errorf("the applicant sees who of the department acted: %+v", e)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, c := range []struct {
		who  account
		want string
	}{{opr, "permit.submitted permit.approved"}, {rita, "permit.submitted permit.approved"}, {other, ""}} {
		if got := strings.Join(seen(c.who), " "); got != c.want {
			t.Errorf("%s sees %q, want %q", c.who.ID, got, c.want)
		}
	}
	hooked := 0
	if err := z.journal.Replay(1, func(rec journal.Record) error {
		if _, ok := EncodeEvent(&rec, []string{"permit.approved"}); ok {
			hooked++
		}
		return nil
	}); err != nil || hooked != 1 {
		t.Errorf("a webhook of permit.approved gets %d, %v", hooked, err)
	}
}
