package web

import (
	"encoding/json"
	"testing"

	"testzone/telemetry"
)

// TestAlertsOfTwoVehiclesAndOfWhatIsToCome holds what an alert says besides.
func TestAlertsOfTwoVehiclesAndOfWhatIsToCome(t *testing.T) {
	a := alertOf(&telemetry.Alert{
		ID: "al_1", Level: 3, Other: &telemetry.AlertVehicle{ID: "b", Handle: 7, Name: "B", Class: "uav", Verified: true},
		Predicted:  &telemetry.Predicted{InS: 4.5, Lat: 309_000_001, Lon: 1_219_300_000},
		Separation: &telemetry.Closest{InS: 1, AtS: 2, HorizontalM: 3, VerticalM: 4},
	})
	got, err := json.Marshal([]any{a.Other, a.Predicted, a.Separation})
	want := `[{"id":"b","handle":7,"name":"B","class":"uav","verified":true},{"in_s":4.5,"position":{"lat":30.9000001,"lon":121.93}},` +
		`{"in_s":1,"at_s":2,"horizontal_m":3,"vertical_m":4}]`
	if err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	a = alertOf(&telemetry.Alert{
		Mismatch: &telemetry.Mismatch{What: "uid2", Expected: "a", Seen: "b"}, Under: "al_9",
		Area: &telemetry.Area{Lat: 309_000_000, Lon: 1_219_300_000, RadiusM: 5000, Count: 3, Vehicles: []telemetry.InterferedWith{
			{AlertVehicle: telemetry.AlertVehicle{ID: "v", Name: "V", Class: "uav"}, Signs: []string{"jamming"}}}},
	})
	got, err = json.Marshal([]any{a.Mismatch, a.Under, a.Area})
	want = `[{"what":"uid2","expected":"a","seen":"b"},"al_9",{"position":{"lat":30.9,"lon":121.93},"radius_m":5000,"count":3,` +
		`"vehicles":[{"id":"v","handle":0,"name":"V","class":"uav","verified":false,"signs":["jamming"]}]}]`
	if err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	plain, _ := json.Marshal(alertOf(&telemetry.Alert{}))
	for _, key := range []string{"other", "predicted", "separation", "mismatch", "area", "under"} {
		var members map[string]any
		if _ = json.Unmarshal(plain, &members); members[key] != nil {
			t.Errorf("an ordinary alert has %s", key)
		}
	}
}
