package trail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"testzone/telemetry/journal"
)

func entry(kind journal.Kind, schema uint16, atUS int64, body string) journal.Entry {
	return journal.Entry{ID: journal.NewID(), Kind: kind, Schema: schema, TimeUS: atUS, Body: []byte(body)}
}

func TestEventOfEverySchema(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   journal.Kind
		schema uint16
		body   string
		want   Event
	}{
		{"fence", journal.Decision, 1, `{"type":"fence.put","fence":{"id":"fn_1","rev":2},"by":"ada","at_us":5}`,
			Event{Who: "ada", What: "fence.put", Object: "fence:fn_1", Outcome: "done"}},
		{"fence deleted", journal.Decision, 1, `{"type":"fence.deleted","id":"fn_1","rev":3,"by":"ada","at_us":5}`,
			Event{Who: "ada", What: "fence.deleted", Object: "fence:fn_1", Outcome: "done"}},
		{"batch", journal.Decision, 1, `{"type":"fence.batch","changes":[{"fence":{"id":"fn_1"}},{"id":"fn_2","rev":4}],"by":"ada"}`,
			Event{Who: "ada", What: "fence.batch", Object: "fence:fn_1 fence:fn_2", Outcome: "done"}},
		{"alert raised", journal.Fact, 2, `{"type":"alert.raised","alert":{"id":"al_1","type":"fence_breach","vehicle":{"id":"uav-1","operator":"acme"},"fence":{"id":"fn_1"}}}`,
			Event{Org: "acme", What: "alert.raised", Object: "alert:al_1 vehicle:uav-1 fence:fn_1", Why: "fence_breach", Outcome: "done"}},
		{"alert cleared", journal.Fact, 2, `{"type":"alert.cleared","id":"al_1","at_us":7,"cause":"left"}`,
			Event{What: "alert.cleared", Object: "alert:al_1", Why: "left", Outcome: "done"}},
		{"acknowledged", journal.Fact, 2, `{"type":"alert.acknowledged","id":"al_1","ack":{"by":"carl","at_us":9,"note":"called the pilot"}}`,
			Event{Who: "carl", What: "alert.acknowledged", Object: "alert:al_1", Why: "called the pilot", Outcome: "done"}},
		{"blind interval", journal.Fact, 3, `{"type":"supervision_gap","from_us":1000000,"to_us":61000000,"after":"crash"}`,
			Event{What: "supervision_gap", Object: "supervision", Why: "nobody supervised the zone from 1970-01-01T00:00:01Z to 1970-01-01T00:01:01Z", Outcome: "crash"}},
		{"refusal", journal.Fact, 4, `{"type":"call.refused","by":"olga","what":"createFence","object":"/v1/fences","outcome":"forbidden","from":"10.0.0.9","request_id":"ab","at_us":1}`,
			Event{Who: "olga", What: "call.refused", Object: "createFence /v1/fences", From: "10.0.0.9", RequestID: "ab", Outcome: "forbidden"}},
		{"acts left out", journal.Fact, 4, `{"type":"acts.dropped","count":70,"at_us":1}`,
			Event{What: "acts.dropped", Why: "70 acts were not written: too many came at once", Outcome: "done"}},
		{"checkpoint", journal.Control, 4, `{"type":"audit.checkpoint","note":"testzone/z\n1\n"}`,
			Event{What: "audit.checkpoint", Outcome: "done"}},
		{"account", journal.Decision, 10, `{"act":"person.create","changes":[{"person":{"id":"pe_1","org":"acme"}},{"key":{"id":"k_1","person":"pe_1"}}],"by":"ada"}`,
			Event{Who: "ada", Org: "acme", What: "person.create", Object: "person:pe_1 key:k_1", Outcome: "done"}},
		{"organisation", journal.Decision, 10, `{"act":"organisation.create","changes":[{"organisation":{"id":"acme"}}],"by":"ada"}`,
			Event{Who: "ada", Org: "acme", What: "organisation.create", Object: "organisation:acme", Outcome: "done"}},
		{"vehicle's key", journal.Decision, 11, `{"act":"vehicle.key.revoke","changes":[{"vehicle":{"id":"uav-7","org":"acme"},"key":{"id":"vk_1"}}],"reason":"lost","by":"olga","at_us":5}`,
			Event{Who: "olga", Org: "acme", What: "vehicle.key.revoke", Object: "vehicle:uav-7 key:vk_1", Why: "lost", Outcome: "done"}},
		{"zone closed", journal.Decision, 14, `{"act":"zone.state","changes":[{"state":{"state":"closed","reason":"fire","rev":2},"safer":true}],"reason":"fire","by":"carl","at_us":5}`,
			Event{Who: "carl", What: "zone.state", Object: "zone:closed", Why: "fire", Outcome: "done"}},
		{"duty taken", journal.Decision, 14, `{"act":"duty.take","changes":[{"duty":{"id":"dt_1","person":"p_1"}},{"duty":{"id":"dt_2","person":"p_2"}}],"by":"p_2","at_us":5}`,
			Event{Who: "p_2", What: "duty.take", Object: "duty:dt_1 duty:dt_2", Outcome: "done"}},
		{"priority traffic", journal.Decision, 18, `{"type":"priority.ended","changes":[{"priority":{"id":"pt_1","name":"Rescue 1","route":[{"lat_e7":1,"lon_e7":2}]}}],"reason":"passed","by":"carl","at_us":5}`,
			Event{Who: "carl", What: "priority.ended", Object: "priority:pt_1", Why: "passed", Outcome: "done"}},
		{"webhook", journal.Decision, 12, `{"type":"webhook.create","id":"wh_1","host":"ops.example.org","url_sha256":"ab","types":["fence.*"],"by":"ada","at_us":5}`,
			Event{Who: "ada", What: "webhook.create", Object: "webhook:wh_1", Why: "to ops.example.org", Outcome: "done"}},
		{"order", journal.Fact, 13, `{"type":"order.asked","by":"carl","at_us":5,"order":{"id":"or_1","vehicle":"uav-7","operator":"acme","kind":"hold","state":"asked","reason":"helicopter"},"lease":{"vehicle":"uav-7","operator":"acme","holder":"carl","from":"pete"}}`,
			Event{Who: "carl", Org: "acme", What: "order.asked", Object: "vehicle:uav-7 order:or_1", Why: "hold control:carl from:pete helicopter", Outcome: "asked"}},
		{"bulk", journal.Fact, 17, `{"type":"bulk.given","by":"carl","at_us":5,"bulk":{"id":"bo_1","kind":"hold","of":"{\"all\":true}","reason":"storm","orders":12}}`,
			Event{Who: "carl", What: "bulk.given", Object: "bulk:bo_1", Why: `hold to 12 of {"all":true} storm`, Outcome: "done"}},
		{"call", journal.Fact, 13, `{"type":"call.tried","by":"carl","at_us":5,"call":{"vehicle":"uav-7","operator":"acme","order":"or_1","why":"hold is refused","outcome":"not_reached","note":"engaged"}}`,
			Event{Who: "carl", Org: "acme", What: "call.tried", Object: "vehicle:uav-7 order:or_1", Why: "engaged", Outcome: "not_reached"}},
		{"effect", journal.Fact, 13, `{"type":"order.no_effect","at_us":5,"order":{"id":"or_1","vehicle":"uav-7","operator":"acme","kind":"hold","state":"no_effect","why":"it moves"}}`,
			Event{Org: "acme", What: "order.no_effect", Object: "vehicle:uav-7 order:or_1", Why: "hold it moves", Outcome: "no_effect"}},
		{"enforcement", journal.Fact, 15, `{"type":"enforcement.step","at_us":5,"ladder":{"id":"la_1","vehicle":"uav-7","operator":"acme","fence":{"id":"fn_1"},"state":"ordered","why":"hold is ordered","steps":[{"kind":"hold","outcome":"sent","order":"or_1"}]}}`,
			Event{Org: "acme", What: "enforcement.step", Object: "vehicle:uav-7 fence:fn_1 enforcement:la_1 order:or_1", Why: "hold sent hold is ordered", Outcome: "ordered"}},
		{"enforcement decided", journal.Fact, 15, `{"type":"enforcement.decided","by":"carl","at_us":5,"ladder":{"id":"la_1","vehicle":"uav-7","operator":"acme","fence":{"id":"fn_1"},"state":"overridden","steps":[],"decision":{"what":"let_be","reason":"a rescue"}}}`,
			Event{Who: "carl", Org: "acme", What: "enforcement.decided", Object: "vehicle:uav-7 fence:fn_1 enforcement:la_1", Why: "a rescue", Outcome: "overridden"}},
		{"enforcement confirmed", journal.Fact, 15, `{"type":"enforcement.confirmed","by":"carl","at_us":5,"reason":"looked at them"}`,
			Event{Who: "carl", What: "enforcement.confirmed", Object: "enforcement", Why: "looked at them", Outcome: "done"}},
		{"lease", journal.Fact, 13, `{"type":"lease.taken","by":"carl","at_us":5,"lease":{"vehicle":"uav-7","operator":"acme","holder":"carl","from":"pete","reason":"storm"}}`,
			Event{Who: "carl", Org: "acme", What: "lease.taken", Object: "vehicle:uav-7", Why: "held:carl from:pete storm", Outcome: "done"}},
		{"plan", journal.Fact, 16, `{"type":"plan.failed","at_us":5,"plan":{"vehicle":"uav-7","operator":"acme","kind":"fence","state":"failed","why":"item 3: no room","reason":"drill"},"sent":[[5001,5,3,0,0,null,1,2,0,false,true]]}`,
			Event{Org: "acme", What: "plan.failed", Object: "vehicle:uav-7 plan:fence", Why: "item 3: no room", Outcome: "failed"}},
		{"repair", journal.Control, 0xffff, `{"type":"journal_repaired","reason":"an entry is not what was written","lost_from":7,"lost_to":9}`,
			Event{What: "journal_repaired", Object: "journal", Why: "an entry is not what was written", Outcome: "entries 7 to 9 were lost"}},
		{"schema of a newer program", journal.Decision, 77, `{"type":"permit.signed","by":"rita"}`,
			Event{Who: "rita", What: "permit.signed", Outcome: "done"}},
		{"not JSON", journal.Fact, 77, "\x00\x01",
			Event{What: "fact", Why: "the body of schema 77 is not what this program knows", Outcome: "unreadable"}},
		{"text that hides text", journal.Fact, 2, `{"type":"alert.acknowledged","id":"a","ack":{"by":"carl","note":"line\nbreak \u202egnitirw"}}`,
			Event{Who: "carl", What: "alert.acknowledged", Object: "alert:a", Why: "line break  gnitirw", Outcome: "done"}},
	} {
		rec := journal.Record{Seq: 3, Hash: [32]byte{7}, Entry: entry(c.kind, c.schema, 8, c.body)}
		c.want.Seq, c.want.TimeUS, c.want.Hash = 3, 8, [32]byte{7}
		if diff := cmp.Diff(c.want, Of(&rec)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// written is a real journal with n entries; number i is by ada or, if odd, bob, at i seconds.
func written(t *testing.T, n int) *journal.Journal {
	t.Helper()
	j, err := journal.Open(journal.Config{Dir: t.TempDir(), SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	var batch []journal.Entry
	for i := 1; i <= n; i++ {
		who := []string{"ada", "bob"}[i%2]
		body := fmt.Sprintf(`{"type":"fence.put","fence":{"id":"fn_%d"},"by":%q}`, i, who)
		if batch = append(batch, entry(journal.Decision, 1, int64(i)*1e6, body)); len(batch) == 500 || i == n {
			if _, err := j.Append(t.Context(), batch...); err != nil {
				t.Fatal(err)
			}
			batch = nil
		}
	}
	return j
}

// pages follows Next to the end.
func pages(t *testing.T, src Source, q Query, limit int) (seqs []uint64) {
	t.Helper()
	for before := uint64(0); ; {
		p, err := Search(t.Context(), src, q, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Events) > limit {
			t.Fatalf("%d events on a page of %d", len(p.Events), limit)
		}
		for i := range p.Events {
			seqs = append(seqs, p.Events[i].Seq)
		}
		if p.Next == 0 {
			return seqs
		}
		if before != 0 && p.Next >= before {
			t.Fatalf("search before %d goes on before %d", before, p.Next)
		}
		before = p.Next
	}
}

// TestSearchAgainstLoop: every query finds what a loop over all events finds, in
// the other order, over borders of blocks, segments and pages.
func TestSearchAgainstLoop(t *testing.T) {
	const n = 2*block + 37
	j := written(t, n)
	for _, q := range []Query{
		{}, {Who: "bob"}, {Who: "nobody"}, {What: "fence.*"}, {What: "alert.*"}, {What: "fence.put", Object: "fence:fn_1024"},
		{Object: "fence:fn_102"}, {FromUS: 1000e6, ToUS: 1100e6}, {FromUS: 2085e6}, {ToUS: 2e6}, {Text: "FN_77"}, {Who: "ada", Text: "fn_1"},
	} {
		var want []uint64
		err := Each(t.Context(), j, q, func(e *Event) error {
			want = append(want, e.Seq)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(want)
		for _, limit := range []int{1, 50, 500} {
			if limit == 1 && len(want) > 100 {
				continue // the same as with 50, slowly
			}
			if got := pages(t, j, q, limit); !slices.Equal(got, want) {
				t.Errorf("%+v, pages of %d: %d events, want %d", q, limit, len(got), len(want))
			}
		}
	}
	// What the loop itself must find.
	for _, c := range []struct {
		q    Query
		want int
	}{{Query{}, n}, {Query{Who: "bob"}, (n + 1) / 2}, {Query{Object: "fence:fn_102"}, 1}, {Query{FromUS: 1000e6, ToUS: 1100e6}, 100}, {Query{What: "alert.*"}, 0}} {
		if got := pages(t, j, c.q, 500); len(got) != c.want {
			t.Errorf("%+v: %d events, want %d", c.q, len(got), c.want)
		}
	}
}

func TestSearchOfNothing(t *testing.T) {
	if got := pages(t, written(t, 0), Query{}, 10); len(got) != 0 {
		t.Errorf("an empty journal has events %v", got)
	}
}

// long is a journal of n entries that are made when they are read.
type long struct {
	n    uint64
	read uint64
}

func (l *long) Head() (uint64, [32]byte) { return l.n, [32]byte{} }

func (l *long) Follow(ctx context.Context, from uint64, apply func(journal.Record) error) error {
	for seq := from; seq <= l.n; seq++ {
		l.read++
		if err := apply(journal.Record{Seq: seq, Entry: journal.Entry{Kind: journal.Fact, Body: []byte(`{"type":"x"}`)}}); err != nil {
			return fmt.Errorf("entry %d: %w", seq, err)
		}
	}
	return errors.New("a search waits for entries to come")
}

// TestSearchIsBounded: a search that finds nothing stops and says where to go on.
func TestSearchIsBounded(t *testing.T) {
	src := &long{n: 3 * maxScan}
	p, err := Search(t.Context(), src, Query{Who: "nobody"}, 0, 10)
	if err != nil || len(p.Events) != 0 {
		t.Fatal(p.Events, err)
	}
	if src.read < maxScan || src.read > maxScan+block {
		t.Errorf("%d entries were read, the bound is %d", src.read, maxScan)
	}
	if want := src.n + 1 - src.read; p.Next != want {
		t.Errorf("goes on before %d, want %d", p.Next, want)
	}
	if got := pages(t, src, Query{Who: "nobody"}, 10); len(got) != 0 || src.read < src.n {
		t.Errorf("found %v after %d entries", got, src.read)
	}
}

func TestEachStopsWithItsReader(t *testing.T) {
	gone := errors.New("the client has gone")
	seen := 0
	err := Each(t.Context(), written(t, 20), Query{}, func(*Event) error {
		if seen++; seen == 5 {
			return gone
		}
		return nil
	})
	if !errors.Is(err, gone) || seen != 5 {
		t.Errorf("%v after %d events", err, seen)
	}
}

func FuzzOf(f *testing.F) {
	for _, s := range []string{
		`{"type":"fence.batch","changes":[{"fence":{"id":"fn_1"}},{"id":"fn_2"}],"by":"ada"}`,
		`{"type":"alert.raised","alert":{"id":"al_1","vehicle":{"id":"u"},"fence":null}}`,
		`{"type":"supervision_gap","from_us":-9223372036854775808,"to_us":9223372036854775807,"after":"crash"}`,
		`{"by":"\u202e` + strings.Repeat("x", 2*maxText) + `"}`, `[]`, `null`, ``,
	} {
		for _, schema := range []uint16{1, 2, 3, 4, 10, 11, 12, 0xffff, 9} {
			f.Add(schema, []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, schema uint16, b []byte) {
		e := Of(&journal.Record{Seq: 1, Entry: journal.Entry{Kind: journal.Fact, Schema: schema, Body: b}})
		if e.What == "" || e.Outcome == "" {
			t.Errorf("an event without a type or an outcome: %+v", e)
		}
		again := e
		if again.clean(); again != e {
			t.Errorf("what was cleaned is not clean: %+v", e)
		}
		checkFiles(t, &e)
	})
}
