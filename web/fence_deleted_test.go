package web

import (
	"net/http"
	"testing"
)

// TestDeletedFences holds that what was taken away can be found again, with who
// did it and the revision from which it comes back, and never among the others.
func TestDeletedFences(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	kept := z.fenceNow(fenceBody("kept", square, ""))
	list := func(query string) (l FenceList) {
		t.Helper()
		r := z.call(observerToken, "GET", "/v1/fences?"+query, "")
		if r.StatusCode != http.StatusOK {
			t.Fatalf("list %s answers %d: %s", query, r.StatusCode, r.body)
		}
		r.json(t, &l)
		return l
	}
	if l := list("deleted=true"); l.Items == nil || len(l.Items) != 0 {
		t.Errorf("deleted before any deletion: %v", l.Items)
	}
	gone := map[string]string{}
	for _, name := range []string{"one", "two"} {
		f := z.fenceNow(fenceBody(name, square, ""))
		if r := z.call(adminToken, "DELETE", "/v1/fences/"+f.ID, "", "If-Match", `"1"`); r.StatusCode != http.StatusNoContent {
			t.Fatalf("delete: %s", r.body)
		}
		gone[f.ID] = name
	}
	first := list("deleted=true&limit=1")
	if len(first.Items) != 1 || first.Next == nil {
		t.Fatalf("first page of two: %+v", first)
	}
	if r := z.call(observerToken, "GET", "/v1/fences?cursor="+*first.Next, ""); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a cursor of the deleted serves the others: %d", r.StatusCode)
	}
	second := list("deleted=true&limit=1&cursor=" + *first.Next)
	if len(second.Items) != 1 || second.Next != nil || second.Items[0].ID == first.Items[0].ID {
		t.Fatalf("second page of two: %+v", second)
	}
	for _, f := range append(first.Items, second.Items...) {
		if f.Name != gone[f.ID] || f.Rev != 2 || f.UpdatedBy != "bootstrap" || f.InForce {
			t.Errorf("deleted fence: %+v", f)
		}
	}
	if l := list(""); len(l.Items) != 1 || l.Items[0].ID != kept.ID {
		t.Errorf("the others: %+v", l.Items)
	}
	back := first.Items[0]
	if r := z.call(adminToken, "POST", "/v1/fences/"+back.ID+"/restore", `{"rev":1}`, "If-Match", etag(back.Rev)); r.StatusCode != http.StatusOK {
		t.Fatalf("restore from the list: %s", r.body)
	}
	if l := list("deleted=true"); len(l.Items) != 1 || l.Items[0].ID == back.ID {
		t.Errorf("deleted after the restore: %+v", l.Items)
	}
}
