package notice

import (
	"fmt"
	"slices"
	"testing"
)

func may(scopes ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(scopes, s) }
}

func ids(list []Notice) (out []uint64) {
	for _, n := range list {
		out = append(out, n.ID)
	}
	return out
}

// TestListAgainstABruteSearch: pages, rights and read marks, over every viewer.
func TestListAgainstABruteSearch(t *testing.T) {
	b := NewBook()
	orgs := []string{"", "acme", "harbour"}
	var all []Notice
	for seq := range uint64(120) {
		var list []Notice
		for i := range seq % 3 {
			n := Notice{Kind: PermitSigned, AtUS: int64(seq), To: []Audience{{orgs[(seq+i)%3], "apply"}}}
			if seq%5 == 0 {
				n.To = append(n.To, Audience{orgs[(seq+1)%3], "control"}, Audience{orgs[seq%3], "control"})
			}
			list = append(list, n)
		}
		all = append(all, b.Add(seq+1, list)...)
	}
	b.Read("anna", all[50].ID)
	for _, v := range []Viewer{{"anna", "acme", may("apply")}, {"bob", "harbour", may("control", "apply")}, {"carl", "", may("control")}, {"dora", "acme", may()}} {
		var want, unread []uint64
		for _, n := range slices.Backward(all) {
			if !n.For(v) {
				continue
			}
			want = append(want, n.ID)
			if n.ID > b.ReadUpTo(v.Person) {
				unread = append(unread, n.ID)
			}
		}
		var got []uint64
		for before := uint64(0); ; {
			page := b.List(v, Query{Before: before, Limit: 7})
			got = append(got, ids(page)...)
			if len(page) < 7 {
				break
			}
			before = page[6].ID
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", v.Person, got, want)
		}
		if got := ids(b.List(v, Query{Unread: true, Limit: 1000})); !slices.Equal(got, unread) || b.Unread(v, 1000) != len(unread) {
			t.Errorf("%s unread: %v, want %v; %d", v.Person, got, unread, b.Unread(v, 1000))
		}
	}
	again, err := LoadState(mustSave(t, b))
	if err != nil || fmt.Sprint(again.After(0, 1000)) != fmt.Sprint(b.After(0, 1000)) || again.ReadUpTo("anna") != all[50].ID {
		t.Errorf("after a snapshot: %v, %d notices", err, len(again.all))
	}
	if got := b.After(all[9].ID, 2); len(got) != 2 || got[0].ID != all[10].ID {
		t.Errorf("after the tenth: %v", ids(got))
	}
}

func mustSave(t *testing.T, b *Book) []byte {
	t.Helper()
	raw, err := b.SaveState()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestOldOnesGo: by age, from every list.
func TestOldOnesGo(t *testing.T) {
	b := NewBook()
	to := []Audience{{"acme", "apply"}, {"acme", "control"}, {"", "control"}}
	b.Add(1, []Notice{{AtUS: 0, To: to}, {AtUS: 0, To: to[2:]}})
	b.Add(2, []Notice{{AtUS: Keep.Microseconds(), To: to}})
	b.Add(3, []Notice{{AtUS: Keep.Microseconds() + 1, To: to}})
	v := Viewer{"anna", "acme", may("apply", "control")}
	if got := ids(b.List(v, Query{Limit: 10})); !slices.Equal(got, []uint64{IDOf(3, 0), IDOf(2, 0)}) {
		t.Errorf("kept: %v", got)
	}
	if len(b.of["acme"]) != 2 || len(b.of[""]) != 2 {
		t.Errorf("lists of %d and %d", len(b.of["acme"]), len(b.of[""]))
	}
}

// TestReadNeverGoesBack, and keys are kept until their moment.
func TestReadNeverGoesBack(t *testing.T) {
	b := NewBook()
	b.Read("anna", 9)
	b.Read("anna", 4)
	if b.ReadUpTo("anna") != 9 {
		t.Errorf("read up to %d", b.ReadUpTo("anna"))
	}
	b.Say("first", 0, 100)
	for i := range 2000 {
		b.Say(fmt.Sprint(i), 200, 300)
	}
	if b.Said("first") || !b.Said("7") {
		t.Error("a key that is over is kept, or one that is not is gone")
	}
}
