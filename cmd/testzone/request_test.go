package main

import (
	"net/http"
	"testing"
)

// TestRequestIsAnsweredOnceOverARestart: whoever lost the answer of a call to a
// power cut asks again with the same key, and gets what was decided.
func TestRequestIsAnsweredOnceOverARestart(t *testing.T) {
	data := t.TempDir()
	body := map[string]any{"name": "river", "kind": "keep_out", "geometry": map[string]any{"type": "Point", "coordinates": []float64{121.93, 30.9}}, "radius_m": 50}
	p := serve(t, data)
	status, _, first, err := p.call("POST", "/v1/fences", body, "Idempotency-Key", "before-the-cut")
	if err != nil || status != http.StatusCreated {
		t.Fatalf("%d %v %s", status, err, first)
	}
	p.kill()
	p = serve(t, data)
	status, header, again, err := p.call("POST", "/v1/fences", body, "Idempotency-Key", "before-the-cut")
	if err != nil || status != http.StatusCreated || string(again) != string(first) || header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %v\n%s\nfirst\n%s", status, err, again, first)
	}
	body["name"] = "lake"
	if status, _, raw, err := p.call("POST", "/v1/fences", body, "Idempotency-Key", "before-the-cut"); err != nil || status != http.StatusUnprocessableEntity {
		t.Errorf("another body: %d %v %s", status, err, raw)
	}
	var list struct{ Items []any }
	if p.get("/v1/fences", &list); len(list.Items) != 1 {
		t.Errorf("%d fences, want 1", len(list.Items))
	}
}
