package web

import "testing"

// The journal takes nothing: an emergency fence is in force all the same and says
// so; an ordinary one is refused.
func TestEmergencyWithoutJournal(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	if err := z.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if r := z.call(adminToken, "POST", "/v1/fences", fenceBody("river", square, "")); r.StatusCode != 503 {
		t.Errorf("an ordinary fence: %d %s", r.StatusCode, r.body)
	}
	var f Fence
	r := z.call(adminToken, "POST", emergencyPath, `{"center":[121.92,30.9],"radius_m":50}`)
	if r.json(t, &f); r.StatusCode != 201 || !f.Provisional {
		t.Fatalf("an emergency fence: %d %s", r.StatusCode, r.body)
	}
	var list FenceList
	if z.call(adminToken, "GET", "/v1/fences", "").json(t, &list); len(list.Items) != 1 || !list.Items[0].Provisional {
		t.Errorf("the list has %+v", list.Items)
	}
	if r := z.call(adminToken, "DELETE", "/v1/fences/"+f.ID, "", "If-Match", r.Header.Get("ETag")); r.StatusCode != 204 {
		t.Errorf("taking it back: %d %s", r.StatusCode, r.body)
	}
}
