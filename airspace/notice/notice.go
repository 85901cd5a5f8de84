// Package notice keeps the notifications of a zone: what happened that somebody
// should know of, whom it is for, and how far each person has read.
//
// A Notice is derived from one entry of the journal and from nothing else, so that a
// replay builds the same list. Its id is made of the entry's sequence: it is the same
// after a restart, it grows, and what was told once is not told again. What comes with
// time alone (an insurance that ends, an acknowledgement that is missed) is an entry
// of its own, under a key that happens once.
//
// A notice names objects by their ids and has no personal data. It is for an
// organisation or for the zone, and there for those who have a right: who loses the
// right no longer sees it. Times are microseconds since the Unix epoch. A Book belongs
// to whoever locks it; its answers are copies whose maps and lists are not to be changed.
package notice

import (
	"slices"
	"sort"
	"time"
)

// Notice is one thing that happened.
type Notice struct {
	ID   uint64 `json:"id"`
	Kind Kind   `json:"kind"`
	AtUS int64  `json:"at_us"`
	// Object is what it is about, as "permit:pm_1".
	Object string `json:"object"`
	Name   string `json:"name,omitempty"` // of the object, as its people call it
	// DueUS is the moment that it is about: a deadline, an end; 0: none.
	DueUS int64      `json:"due_us,omitempty"`
	What  string     `json:"what,omitempty"` // which clock, insurance, organisation
	To    []Audience `json:"to"`
}

// Audience is those of an organisation who have a right; an empty organisation is the
// whole zone.
type Audience struct {
	Org   string `json:"org,omitempty"`
	Scope string `json:"scope"`
}

// Viewer is who reads.
type Viewer struct {
	Person string
	Org    string
	May    func(scope string) bool
}

// For reports whether a notice is for somebody.
func (n *Notice) For(v Viewer) bool {
	return slices.ContainsFunc(n.To, func(a Audience) bool {
		return (a.Org == "" || a.Org == v.Org) && v.May(a.Scope)
	})
}

const (
	// perEntry is how many notices one entry makes at most; ids leave room for them.
	perEntry = 64
	// Keep is how long a notice can be read.
	Keep = 180 * 24 * time.Hour
	// Max bounds the notices that are kept: the oldest go first.
	Max = 50_000
)

// IDOf is the id of the n-th notice of an entry.
func IDOf(seq uint64, n int) uint64 { return seq*perEntry + uint64(n) }

// Book is all notices of a zone, and who has read what.
type Book struct {
	all  []*Notice            // by id
	of   map[string][]*Notice // by organisation of an audience, by id; "" is the zone
	read map[string]uint64    // by person: the newest that it has read
	said map[string]int64     // keys of what came with time, and until when they are kept
}

// NewBook is an empty book.
func NewBook() *Book {
	return &Book{of: map[string][]*Notice{}, read: map[string]uint64{}, said: map[string]int64{}}
}

// Add takes the notices of one entry in and answers them with their ids. Those
// beyond what an entry can have are left out.
func (b *Book) Add(seq uint64, list []Notice) []Notice {
	if len(list) > perEntry {
		list = list[:perEntry]
	}
	for i := range list {
		n := list[i]
		n.ID = IDOf(seq, i)
		list[i].ID = n.ID
		b.put(&n)
	}
	if len(list) > 0 {
		b.forget(list[0].AtUS)
	}
	return list
}

func (b *Book) put(n *Notice) {
	b.all = append(b.all, n)
	seen := map[string]bool{}
	for _, a := range n.To {
		if !seen[a.Org] {
			b.of[a.Org], seen[a.Org] = append(b.of[a.Org], n), true
		}
	}
}

// forget drops what is too old or too much. Of an organisation's list the same are
// the first.
func (b *Book) forget(nowUS int64) {
	for len(b.all) > 0 && (len(b.all) > Max || nowUS-b.all[0].AtUS > Keep.Microseconds()) {
		old := b.all[0]
		b.all[0] = nil
		b.all = b.all[1:]
		for _, a := range old.To {
			if list := b.of[a.Org]; len(list) > 0 && list[0] == old {
				if list[0] = nil; len(list) == 1 {
					delete(b.of, a.Org)
				} else {
					b.of[a.Org] = list[1:]
				}
			}
		}
	}
}

// Query says which notices are asked for.
type Query struct {
	Before uint64 // only older ones; 0: all
	Unread bool
	Kinds  []Kind // only these; none: all
	Limit  int
}

// List are the notices for somebody, the newest first.
func (b *Book) List(v Viewer, q Query) (out []Notice) {
	from := uint64(0)
	if q.Unread {
		from = b.read[v.Person]
	}
	b.each(v, q.Before, func(n *Notice) bool {
		if n.ID <= from || len(out) == q.Limit {
			return false
		}
		if len(q.Kinds) == 0 || slices.Contains(q.Kinds, n.Kind) {
			out = append(out, *n)
		}
		return true
	})
	return out
}

// Unread counts what somebody has not read, up to a limit.
func (b *Book) Unread(v Viewer, limit int) (n int) {
	from := b.read[v.Person]
	b.each(v, 0, func(x *Notice) bool {
		if x.ID <= from || n == limit {
			return false
		}
		n++
		return true
	})
	return n
}

// each visits the notices for somebody, the newest first, until visit is false.
func (b *Book) each(v Viewer, before uint64, visit func(*Notice) bool) {
	lists := [][]*Notice{b.of[""]}
	if v.Org != "" {
		lists = append(lists, b.of[v.Org])
	}
	for i, list := range lists {
		if before != 0 {
			lists[i] = list[:sort.Search(len(list), func(k int) bool { return list[k].ID >= before })]
		}
	}
	last := uint64(0)
	for {
		newest := -1
		for i, list := range lists {
			if len(list) > 0 && (newest < 0 || list[len(list)-1].ID > lists[newest][len(lists[newest])-1].ID) {
				newest = i
			}
		}
		if newest < 0 {
			return
		}
		list := lists[newest]
		n := list[len(list)-1]
		lists[newest] = list[:len(list)-1]
		if n.ID == last || !n.For(v) { // of both lists, or not for this one
			continue
		}
		if last = n.ID; !visit(n) {
			return
		}
	}
}

// After are notices in order, from behind an id on: for those who send them.
func (b *Book) After(id uint64, limit int) (out []Notice) {
	i := sort.Search(len(b.all), func(k int) bool { return b.all[k].ID > id })
	for ; i < len(b.all) && len(out) < limit; i++ {
		out = append(out, *b.all[i])
	}
	return out
}

// Get is one notice.
func (b *Book) Get(id uint64) (Notice, bool) {
	if i := sort.Search(len(b.all), func(k int) bool { return b.all[k].ID >= id }); i < len(b.all) && b.all[i].ID == id {
		return *b.all[i], true
	}
	return Notice{}, false
}

// Newest is the id of the newest notice; 0: there is none.
func (b *Book) Newest() uint64 {
	if len(b.all) == 0 {
		return 0
	}
	return b.all[len(b.all)-1].ID
}

// ReadUpTo is how far somebody has read.
func (b *Book) ReadUpTo(person string) uint64 { return b.read[person] }

// Read notes how far somebody has read; it never goes back.
func (b *Book) Read(person string, id uint64) { b.read[person] = max(b.read[person], id) }

// Forget drops what is known of a person.
func (b *Book) Forget(person string) { delete(b.read, person) }

// Said reports whether what comes with time was told under a key.
func (b *Book) Said(key string) bool {
	_, said := b.said[key]
	return said
}

// Say notes a key until a moment. What is past goes.
func (b *Book) Say(key string, nowUS, untilUS int64) {
	if len(b.said)%1024 == 1023 {
		for k, until := range b.said {
			if until < nowUS {
				delete(b.said, k)
			}
		}
	}
	b.said[key] = untilUS
}
