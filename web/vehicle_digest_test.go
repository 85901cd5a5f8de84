package web

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"testzone/telemetry/journal"
)

// A telephone number, and a key that was made of a pass phrase, can be guessed: the
// journal, which forgets nothing, has no digest to compare a guess with.
func TestDigestsOfVehicleRequests(t *testing.T) {
	o := newOwners(t)
	post := func(path, body, key string) (guess string) {
		t.Helper()
		o.want(o.as(o.anna, "POST", path, body, keyHeader, key), "201")
		o.want(o.as(o.anna, "POST", path, body, keyHeader, key), "201") // it is still known
		return digestOf(httptest.NewRequest("POST", path, nil), []byte(body))
	}
	contact := `,"contact":{"name":"Grace Hopper","phone":"+86 21 5555 0100"}}`
	guesses := []string{
		post("/v1/vehicles", strings.TrimSuffix(vehicleBody("boat-1", 9), "}")+contact, "boat-request"),
		post("/v1/vehicles/boat-1/keys", `{"secret":"00112233445566778899aabbccddeeff0123456789abcdef0f1e2d3c4b5a6978"}`, "key-request"),
	}
	noted := 0
	err := o.journal.Replay(1, func(rec journal.Record) error {
		if bytes.Contains(rec.Body, []byte(`boat-request"`)) || bytes.Contains(rec.Body, []byte(`key-request"`)) {
			noted++
		}
		for _, g := range guesses {
			if bytes.Contains(rec.Body, []byte(g)) {
				t.Errorf("journal entry %d has the digest of a request with a secret: %s", rec.Seq, rec.Body)
			}
		}
		return nil
	})
	if err != nil || noted != 2 {
		t.Errorf("%d entries of the requests, %v", noted, err)
	}
}
