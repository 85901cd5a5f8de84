package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
)

// fenceState is what a client may expect of one fence: one of these revisions.
// More than one only while an answer is outstanding.
type fenceState struct {
	revs    []uint64
	deleted bool // the last revision may be a deletion
}

// editor creates, replaces and deletes fences of its own, and remembers what
// was acknowledged.
type editor struct {
	name   string
	rng    *rand.Rand
	fences map[string]*fenceState
	acked  int
}

func square(lon, lat, size float64) map[string]any {
	return map[string]any{"type": "Polygon", "coordinates": [][][2]float64{
		{{lon, lat}, {lon + size, lat}, {lon + size, lat + size}, {lon, lat + size}, {lon, lat}},
	}}
}

func (e *editor) body() map[string]any {
	return map[string]any{
		"name": e.name, "kind": "keep_out", "response": "warn",
		"geometry": square(121.905+e.rng.Float64()*0.01, 30.885+e.rng.Float64()*0.01, 0.001),
		"floor":    nil, "ceiling": map[string]any{"m": 120, "datum": "takeoff"},
		"applies": map[string]any{"classes": []string{"uav"}},
	}
}

// run edits until the server is gone.
func (e *editor) run(p *program) error {
	for {
		if len(e.fences) < 3 || e.rng.IntN(3) == 0 {
			status, _, raw, err := p.call("POST", "/v1/fences", e.body())
			if err != nil {
				return nil // killed: the fence may exist under an id that nobody was told
			}
			var f struct {
				ID  string `json:"id"`
				Rev uint64 `json:"rev"`
			}
			if status != http.StatusCreated || json.Unmarshal(raw, &f) != nil {
				return fmt.Errorf("create fence: %d %s", status, raw)
			}
			e.fences[f.ID] = &fenceState{revs: []uint64{f.Rev}}
			e.acked++
			continue
		}
		for id, state := range e.fences { // map order: any
			if gone, err := e.change(p, id, state); gone || err != nil {
				return err
			}
			break
		}
	}
}

func (e *editor) change(p *program, id string, state *fenceState) (gone bool, err error) {
	rev := state.revs[0]
	etag := fmt.Sprintf("%q", fmt.Sprint(rev))
	method, want, body := "PUT", http.StatusOK, any(e.body())
	remove := e.rng.IntN(4) == 0
	if remove {
		method, want, body = "DELETE", http.StatusNoContent, nil
	}
	state.revs, state.deleted = []uint64{rev, rev + 1}, remove // until it is answered, either
	status, _, raw, err := p.call(method, "/v1/fences/"+id, body, "If-Match", etag)
	if err != nil {
		return true, nil
	}
	if status != want {
		return false, fmt.Errorf("%s fence %s rev %d: %d %s", method, id, rev, status, raw)
	}
	e.acked++
	if remove {
		delete(e.fences, id)
		return false, nil
	}
	state.revs = []uint64{rev + 1}
	return false, nil
}

// verify compares what the restarted server has with what was acknowledged.
func (e *editor) verify(have map[string]uint64) (missing []string) {
	for id, state := range e.fences {
		rev, exists := have[id]
		switch {
		case exists && rev == state.revs[0], exists && len(state.revs) == 2 && rev == state.revs[1]:
			state.revs, state.deleted = []uint64{rev}, false
		case !exists && state.deleted:
			delete(e.fences, id)
		default:
			missing = append(missing, fmt.Sprintf("%s: acknowledged rev %v, found %v rev %d", id, state.revs, exists, rev))
		}
	}
	return missing
}

// breacher flies a drone in and out of one fence and acknowledges its alerts.
type breacher struct {
	boot  uint32
	acked map[string]bool
}

func (b *breacher) run(t *testing.T, p *program) {
	drone := newTestVehicle(t, p.dial(), 9, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
	pending := map[string]bool{} // asked, not answered
	for {
		drone.send(drone.heartbeat())
		for _, lat := range []float64{30.9000, 30.9012, 30.9024} { // before, inside, behind
			b.boot += 1000
			drone.send(at(lat, 121.9405, 50, b.boot))
		}
		var open struct{ Items []struct{ ID string } }
		_, _, raw, err := p.call("GET", "/v1/alerts?state=open&limit=500", nil)
		if err != nil || json.Unmarshal(raw, &open) != nil {
			return
		}
		for _, a := range open.Items {
			if b.acked[a.ID] || pending[a.ID] {
				continue
			}
			pending[a.ID] = true
			status, _, _, err := p.call("POST", "/v1/alerts/"+a.ID+"/acknowledge", map[string]any{})
			if err != nil {
				return
			}
			if status == http.StatusOK {
				b.acked[a.ID] = true
			}
		}
	}
}

// TestKillNine: 50 times the server is killed in the middle of fence edits and
// breaches; nothing that it acknowledged is missing afterwards.
func TestKillNine(t *testing.T) {
	const rounds = 50
	data := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	editors := []*editor{}
	for i := range 3 {
		editors = append(editors, &editor{name: fmt.Sprintf("editor %d", i), rng: rand.New(rand.NewPCG(3, uint64(i))), fences: map[string]*fenceState{}})
	}
	drone := &breacher{acked: map[string]bool{}}

	p := serve(t, data)
	status, _, raw, err := p.call("POST", "/v1/fences", map[string]any{
		"name": "river", "kind": "keep_out", "response": "warn", "geometry": square(121.940, 30.901, 0.001),
		"floor": nil, "ceiling": nil, "applies": map[string]any{"classes": []string{}},
	})
	if err != nil || status != http.StatusCreated {
		t.Fatalf("create fence: %d %v %s", status, err, raw)
	}
	for round := range rounds {
		var wg sync.WaitGroup
		errs := make(chan error, len(editors))
		for _, e := range editors {
			wg.Go(func() { errs <- e.run(p) })
		}
		wg.Go(func() { drone.run(t, p) })
		killAt := time.After(time.Duration(30+rng.IntN(250)) * time.Millisecond)
		select {
		case <-killAt:
		case <-p.done:
			t.Fatalf("round %d: the server ended by itself:\n%s", round, p.output())
		}
		p.kill()
		wg.Wait()
		for range editors {
			if err := <-errs; err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		p = serve(t, data)
		verifyAfterKill(t, p, round, editors, drone)
	}
	total := 0
	for _, e := range editors {
		total += e.acked
	}
	if total < 5*rounds || len(drone.acked) < rounds/2 {
		t.Errorf("only %d fence changes and %d alerts were acknowledged in %d rounds: the test does not press", total, len(drone.acked), rounds)
	}
	t.Logf("%d kills: %d fence changes and %d alert acknowledgements, none missing", rounds, total, len(drone.acked))
}

func verifyAfterKill(t *testing.T, p *program, round int, editors []*editor, drone *breacher) {
	t.Helper()
	have := map[string]uint64{}
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				ID  string
				Rev uint64
			}
			Next *string
		}
		p.get("/v1/fences?limit=500"+cursor, &page)
		for _, f := range page.Items {
			have[f.ID] = f.Rev
		}
		if page.Next == nil {
			break
		}
		cursor = "&cursor=" + *page.Next
	}
	for _, e := range editors {
		for _, m := range e.verify(have) {
			t.Errorf("round %d: %s", round, m)
		}
	}
	for id := range drone.acked {
		var a struct{ Acknowledged *struct{ By string } }
		p.get("/v1/alerts/"+id, &a)
		if a.Acknowledged == nil {
			t.Errorf("round %d: alert %s was acknowledged and is not", round, id)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}
