package web

import (
	"encoding/csv"
	"strings"
	"testing"
)

// A change of accounts is in the audit with who did what to whom, and the file
// is of the same search as the page.
func TestAuditOfAccounts(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for _, id := range []string{"harbour", "river"} {
		if r := z.call(adminToken, "POST", "/v1/organisations", `{"id":"`+id+`","kind":"operator","name":"`+id+`"}`); r.StatusCode != 201 {
			t.Fatalf("create %s: %d %s", id, r.StatusCode, r.body)
		}
	}
	r := z.call(adminToken, "POST", "/v1/people", `{"organisation":"river","roles":["observer"],"login":"","name":"","subject":""}`)
	var person Person
	r.json(t, &person)

	for _, test := range []struct {
		query string
		want  []string // type, object
	}{
		{"what=organisation.*", []string{"organisation.create organisation:river", "organisation.create organisation:harbour"}},
		{"what=organisation.create&object=organisation:river", []string{"organisation.create organisation:river"}},
		{"what=person.*&who=bootstrap", []string{"person.create person:" + person.ID}},
		{"what=person.*&who=somebody", nil},
	} {
		t.Run(test.query, func(t *testing.T) {
			var list AuditList
			z.call(adminToken, "GET", "/v1/audit/events?"+test.query, "").json(t, &list)
			var found []string
			for _, e := range list.Items {
				found = append(found, e.What+" "+e.Object)
				if e.Who != "bootstrap" {
					t.Errorf("entry %d is by %q, not by bootstrap", e.Seq, e.Who)
				}
			}
			if strings.Join(found, ", ") != strings.Join(test.want, ", ") {
				t.Errorf("found %q, want %q", found, test.want)
			}
			file := z.call(adminToken, "GET", "/v1/audit/export?format=csv&"+test.query, "")
			rows, err := csv.NewReader(strings.NewReader(string(file.body))).ReadAll()
			if err != nil || file.StatusCode != 200 || len(rows) != 1+len(test.want) {
				t.Errorf("export answers %d, %d rows, %v; want %d entries: %s", file.StatusCode, len(rows), err, len(test.want), file.body)
			}
		})
	}
}
