package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"testzone/web"
	"testzone/web/notify"
)

// TestWebhookOfTheProgram: what is decided arrives at a receiver, signed; a
// receiver on loopback is possible only with the switch that is named unsafe.
func TestWebhookOfTheProgram(t *testing.T) {
	type delivery struct {
		signature string
		body      []byte
	}
	got := make(chan delivery, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- delivery{r.Header.Get(notify.SignatureHeader), body}
	}))
	defer receiver.Close()
	hook := map[string]any{"url": receiver.URL, "types": []string{"fence.*"}}
	fence := map[string]any{"name": "river", "kind": "keep_out", "geometry": map[string]any{"type": "Point", "coordinates": []float64{121.93, 30.9}}, "radius_m": 50}

	p := serve(t, t.TempDir())
	if status, _, raw, err := p.call("POST", "/v1/webhooks", hook); err != nil || status != http.StatusUnprocessableEntity {
		t.Errorf("without the switch: %d %v %s", status, err, raw)
	}
	data := t.TempDir()
	p = serve(t, data, "webhooks: {unsafe_allow_internal: true}")
	status, _, raw, err := p.call("POST", "/v1/webhooks", hook)
	var made web.NewWebhook
	if err != nil || status != http.StatusCreated || json.Unmarshal(raw, &made) != nil {
		t.Fatalf("%d %v %s", status, err, raw)
	}
	take := func(kind string) {
		t.Helper()
		select {
		case d := <-got:
			var e web.Event
			if err := json.Unmarshal(d.body, &e); err != nil || e.Type != kind {
				t.Errorf("got %s, want %s", d.body, kind)
			}
			var unix int64
			if parts := strings.Split(strings.TrimPrefix(d.signature, "t="), ","); len(parts) == 2 {
				_ = json.Unmarshal([]byte(parts[0]), &unix)
			}
			if d.signature != notify.Sign(made.Secret, unix, d.body) {
				t.Errorf("signature %q", d.signature)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no %s arrived:\n%s", kind, p.output())
		}
	}
	if status, _, raw, err := p.call("POST", "/v1/fences", fence); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %v %s", status, err, raw)
	}
	take("fence.put")
	p.terminate()
	p = serve(t, data, "webhooks: {unsafe_allow_internal: true}")
	if status, _, raw, err := p.call("POST", "/v1/fences/emergency", map[string]any{"center": []float64{121.93, 30.9}, "radius_m": 50}); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %v %s", status, err, raw)
	}
	take("fence.put")
}
