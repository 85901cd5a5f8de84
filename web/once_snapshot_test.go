package web

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"testzone/telemetry/journal"
)

// TestRequestsStateIsThatOfAReplay: what was saved anywhere, and the entries behind
// it, make what all entries make; a day that is over is forgotten in both.
func TestRequestsStateIsThatOfAReplay(t *testing.T) {
	var records []journal.Record
	for i := range 60 {
		body, err := json.Marshal(map[string]any{"request": journal.Request{By: "ada", Key: fmt.Sprint("key-", i%50), SHA256: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, journal.Record{Seq: uint64(i + 1), Entry: journal.Entry{TimeUS: int64(i) * journal.RequestWindowUS / 30, Body: body}})
	}
	replayed := func(q *Requests, records []journal.Record) *Requests {
		for _, rec := range records {
			if err := q.Replay(rec); err != nil {
				t.Fatal(err)
			}
		}
		return q
	}
	all := replayed(NewRequests(), records)
	if n := len(all.order); n == 0 || n == len(records) {
		t.Fatalf("%d requests are known", n)
	}
	for cut := range records {
		state, err := replayed(NewRequests(), records[:cut]).SaveState()
		if err != nil {
			t.Fatal(err)
		}
		q := NewRequests()
		install, err := q.LoadState(state)
		if err != nil {
			t.Fatal(err)
		}
		install()
		if replayed(q, records[cut:]); !reflect.DeepEqual(q, all) {
			t.Errorf("saved at %d: %v, want %v", cut, q, all)
		}
	}
	for f := range reflect.TypeFor[Requests]().Fields() {
		if !strings.Contains(" byName order mu busy ", " "+f.Name+" ") {
			t.Errorf("field %s of Requests: is it state that Replay builds? Then SaveState must write and LoadState read it, and this test must name it", f.Name)
		}
	}
}
