package telemetry

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// randomFacts are alert facts as the journal has them.
func randomFacts(t *testing.T, n int) (records []journal.Record) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 5))
	for seq := range uint64(n) {
		at := int64(seq) * 1_000_000
		n := rng.IntN(1 + int(seq)/3) // an alert keeps its condition
		id := fmt.Sprint("al_", n)
		f := fact{ID: id, AtUS: at, Type: []string{factRaised, factRepeated, factCleared, factConfirmed, factAcknowledged, factFolded}[rng.IntN(6)]}
		switch f.Type {
		case factRaised, factRepeated:
			f.Alert = &Alert{
				ID: id, Type: []AlertType{FenceBreach, OverSpeed}[n%2], Level: uint8(rng.IntN(4)), RaisedUS: at, LastUS: at, Count: 1 + rng.IntN(3),
				Vehicle: AlertVehicle{ID: vehicles.VehicleID(fmt.Sprint("uav-", n%5)), Name: "x", Class: "uav", Verified: rng.IntN(2) == 0},
			}
			if n%3 == 0 {
				f.Alert.Fence = &AlertFence{ID: "fn_1", Name: "river", Kind: "keep_out", Rev: seq}
			}
		case factCleared:
			f.Cause, f.Raw = "left", rng.IntN(5)
		case factAcknowledged, factFolded:
			f.Ack = &Acknowledgement{By: "ada", AtUS: at, Note: "seen"}
		}
		body, err := json.Marshal(&f)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, journal.Record{Seq: seq + 1, Entry: journal.Entry{Schema: FactSchema, TimeUS: at, Body: body}})
	}
	return records
}

func replayed(t *testing.T, b *Book, records []journal.Record) *Book {
	t.Helper()
	for _, rec := range records {
		if err := b.Replay(rec); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func onlyReplays() *Book { return NewBook(BookConfig{Bus: NewBus(nil)}) }

// TestBookStateIsThatOfAReplay: a state that was saved anywhere in a history and the
// facts behind it make what all facts make.
func TestBookStateIsThatOfAReplay(t *testing.T) {
	records := randomFacts(t, 400)
	of := func(b *Book) map[string]any {
		return map[string]any{"id": b.byID, "key": fmt.Sprint(keysOf(b)), "vehicle": b.byVehicle, "order": b.order}
	}
	all := replayed(t, onlyReplays(), records)
	if len(all.order) < 50 || len(all.byVehicle) == 0 {
		t.Fatalf("%d alerts, open ones of %d vehicles", len(all.order), len(all.byVehicle))
	}
	for cut := 0; cut <= len(records); cut += 20 {
		state, err := replayed(t, onlyReplays(), records[:cut]).SaveState()
		if err != nil {
			t.Fatal(err)
		}
		b := onlyReplays()
		install, err := b.LoadState(state)
		if err != nil {
			t.Fatal(err)
		}
		install()
		if diff := cmp.Diff(of(all), of(replayed(t, b, records[cut:]))); diff != "" {
			t.Fatalf("saved at fact %d (-replayed +loaded):\n%s", cut, diff)
		}
	}
	if _, err := onlyReplays().LoadState([]byte(`{"alerts":[{"seq":1}]}`)); err == nil {
		t.Error("an alert without an id is loaded")
	}
}

// keysOf is the newest alert of each condition.
func keysOf(b *Book) map[alertKey]string {
	out := map[alertKey]string{}
	for key, a := range b.byKey {
		out[key] = fmt.Sprint(a.ID, " ", a.JournalSeq)
	}
	return out
}

// TestEveryBookFieldIsSavedOrNoState: whoever adds state that Replay builds adds it
// to SaveState, LoadState and this list.
func TestEveryBookFieldIsSavedOrNoState(t *testing.T) {
	const saved, noState = "byID byKey byVehicle order", "cfg sub writer mu flood signs counted"
	known := strings.Fields(saved + " " + noState)
	for f := range reflect.TypeFor[Book]().Fields() {
		found := false
		for _, name := range known {
			found = found || name == f.Name
		}
		if !found {
			t.Errorf("field %s of Book: is it state that Replay builds? Then SaveState must write and LoadState read it, and this list must name it", f.Name)
		}
	}
	for f := range reflect.TypeFor[Alert]().Fields() {
		if f.Tag.Get("json") == "-" && f.Name != "JournalSeq" {
			t.Errorf("field %s of Alert is not in its JSON: SaveState must write it by itself", f.Name)
		}
	}
}
