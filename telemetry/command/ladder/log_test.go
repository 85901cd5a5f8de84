package ladder

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"testzone/telemetry/journal"
)

// TestEveryFieldIsSavedOrNoState: whoever adds state adds it to SaveState, LoadState
// and this list; else it would be gone after a start from a snapshot.
func TestEveryFieldIsSavedOrNoState(t *testing.T) {
	names := map[string]bool{}
	for name := range strings.FieldsSeq("all order cfg sub queue work turns mu life stopped startUS confirmed of areas pace looks") {
		names[name] = true
	}
	typ := reflect.TypeFor[Enforcer]()
	for i := range typ.NumField() {
		if name := typ.Field(i).Name; !names[name] {
			t.Errorf("field %s: is it state that Replay builds? Then SaveState must write and LoadState read it", name)
		}
		delete(names, typ.Field(i).Name)
	}
	for name := range names {
		t.Errorf("there is no field %s", name)
	}
}

// Ladders that are over are forgotten when there are too many; those that are open stay.
func TestOldLaddersAreForgotten(t *testing.T) {
	e, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	const more = keepLadders/10 + 5
	for i := range keepLadders + more {
		l := Ladder{ID: newLadderID(), Vehicle: "v", State: Ended}
		if i == 0 {
			l.State, l.ID = Frozen, "la_open"
		}
		body, _ := json.Marshal(entry{Type: "enforcement.x", Ladder: &l})
		if err := e.Replay(journal.Record{Entry: journal.Entry{Schema: Schema, Body: body}}); err != nil {
			t.Fatal(err)
		}
	}
	all := e.Ladders(func(*Ladder) bool { return true })
	if n := len(all); n > keepLadders+keepLadders/10 || n < keepLadders || all[n-1].ID != "la_open" {
		t.Errorf("%d are kept, the oldest is %s", n, all[n-1].ID)
	}
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte(`{"type":"enforcement.step","at_us":5,"ladder":{"id":"la_1","vehicle":"v","state":"ordered","steps":[{"kind":"hold","outcome":"sent","order":"or_1"}],"override":{"since_us":4},"decision":{"what":"let_be"}}}`))
	f.Add([]byte(`{"type":"enforcement.confirmed","by":"ann"}`))
	f.Add([]byte(`{"ladder":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		if e.Replay(journal.Record{Seq: 1, Entry: journal.Entry{Schema: Schema, Body: body}}) != nil {
			return
		}
		saved, err := e.SaveState()
		if err != nil {
			t.Fatal(err)
		}
		next, _ := New(Config{})
		install, err := next.LoadState(saved)
		if err != nil {
			t.Fatalf("%v: %s", err, saved)
		}
		install()
		if again, err := next.SaveState(); err != nil || string(again) != string(saved) {
			t.Fatalf("%v\n%s\n%s", err, saved, again)
		}
	})
}
