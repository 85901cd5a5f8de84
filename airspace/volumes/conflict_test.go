package volumes

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// place makes a volume at one place during some minutes.
func place(id, of string, from, to int64, change func(*Volume)) Volume {
	v := at(id, circle("31.2,121.5", 500))
	v.Of, v.FromUS, v.ToUS = of, from*minute, to*minute
	if change != nil {
		change(&v)
	}
	return v
}

func shared(capacity int) func(*Volume) {
	return func(v *Volume) { v.Shared, v.Capacity = true, capacity }
}

func TestConflicts(t *testing.T) {
	for _, c := range []struct {
		name   string
		there  []Volume
		wanted Volume
		want   []string // ids, with the reason
	}{
		{"exclusive beside exclusive", []Volume{place("a", "", 0, 30, nil)}, place("w", "", 20, 40, nil), []string{"a exclusive"}},
		{"of one intent", []Volume{place("a", "i1", 0, 30, nil), place("b", "i2", 0, 30, nil)}, place("w", "i1", 20, 40, nil), []string{"b exclusive"}},
		{"the same id: its new form", []Volume{place("w", "", 0, 30, nil)}, place("w", "", 20, 40, nil), nil},
		{"a higher priority", []Volume{place("a", "", 0, 30, nil)}, place("w", "", 0, 30, func(v *Volume) { v.Priority = 1 }), []string{"a exclusive yields"}},
		{"a lower priority", []Volume{place("a", "", 0, 30, func(v *Volume) { v.Priority = 1 })}, place("w", "", 0, 30, nil), []string{"a exclusive"}},
		{"those that stay come first", []Volume{place("a", "", 0, 30, nil), place("b", "", 0, 30, func(v *Volume) { v.Priority = 2 })}, place("w", "", 0, 30, func(v *Volume) { v.Priority = 1 }), []string{"b exclusive", "a exclusive yields"}},
		{"shared beside exclusive", []Volume{place("a", "", 0, 30, nil)}, place("w", "", 0, 30, shared(0)), []string{"a exclusive"}},
		{"shared beside shared", []Volume{place("a", "", 0, 30, shared(0))}, place("w", "", 0, 30, shared(0)), nil},
		{"room for two", []Volume{place("a", "", 0, 30, shared(2))}, place("w", "", 0, 30, shared(2)), nil},
		{"room for one", []Volume{place("a", "", 0, 30, shared(0))}, place("w", "", 0, 30, shared(1)), []string{"a full"}},
		{"two are there", []Volume{place("a", "", 0, 30, shared(2)), place("b", "", 10, 40, shared(2))}, place("w", "", 20, 25, shared(2)), []string{"a full", "b full"}},
		{"one after the other", []Volume{place("a", "", 0, 10, shared(2)), place("b", "", 10, 20, shared(2))}, place("w", "", 0, 20, shared(2)), nil},
		{"two of one booking count once", []Volume{place("a", "k1", 0, 30, shared(2)), place("b", "k1", 0, 30, shared(2))}, place("w", "", 0, 30, shared(2)), nil},
		{"the room of the others counts", []Volume{place("a", "", 0, 30, shared(2)), place("b", "", 0, 30, shared(0))}, place("w", "", 0, 30, shared(0)), []string{"a full"}},
		{"only while they are there", []Volume{place("a", "", 0, 30, shared(2)), place("b", "", 30, 60, shared(0))}, place("w", "", 0, 60, shared(0)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := indexOf(t)
			for _, v := range c.there {
				if err := x.Insert(must(t, v)); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, f := range x.Conflicts([]*Solid{must(t, c.wanted)}) {
				text := f.With.Volume.ID + map[Reason]string{Exclusive: " exclusive", Full: " full"}[f.Reason]
				if f.Yields {
					text += " yields"
				}
				if f.Wanted.Volume.ID != c.wanted.ID || f.Metres < 900 {
					t.Errorf("%s: of %s, %v m", text, f.Wanted.Volume.ID, f.Metres)
				}
				got = append(got, text)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWayOut(t *testing.T) {
	none := -time.Minute
	for _, c := range []struct {
		name           string
		there          []Volume
		wanted         []Volume
		later, earlier time.Duration
	}{
		{"nothing in the way", nil, []Volume{place("w", "", 0, 30, nil)}, 0, 0},
		{"one in the way", []Volume{place("a", "", 10, 30, nil)}, []Volume{place("w", "", 0, 20, nil)}, 30 * time.Minute, 10 * time.Minute},
		{"too small a gap", []Volume{place("a", "", 0, 10, nil), place("b", "", 25, 40, nil)}, []Volume{place("w", "", 5, 25, nil)}, 35 * time.Minute, 25 * time.Minute},
		{"a gap that fits", []Volume{place("a", "", 0, 10, nil), place("b", "", 30, 40, nil)}, []Volume{place("w", "", 5, 25, nil)}, 5 * time.Minute, 25 * time.Minute},
		{"all volumes move together", []Volume{place("a", "", 0, 10, nil), place("b", "", 35, 40, nil)}, []Volume{place("w1", "w", 5, 10, nil), place("w2", "w", 20, 30, nil)}, 5 * time.Minute, 10 * time.Minute},
		{"for ever", []Volume{place("a", "", 10, 30, func(v *Volume) { v.ToUS = Forever })}, []Volume{place("w", "", 0, 20, nil)}, none, 10 * time.Minute},
		{"beyond the limit", []Volume{place("a", "", -10_000, 10_000, nil)}, []Volume{place("w", "", 0, 20, nil)}, none, none},
		{"those that yield are not in the way", []Volume{place("a", "", 10, 30, nil)}, []Volume{place("w", "", 0, 20, func(v *Volume) { v.Priority = 1 })}, 0, 0},
		{"until there is room", []Volume{place("a", "", 0, 10, shared(2)), place("b", "", 5, 20, shared(2)), place("c", "", 15, 60, shared(2))}, []Volume{place("w", "", 0, 10, shared(2))}, 20 * time.Minute, 5 * time.Minute},
		{"until the room of another is free", []Volume{place("a", "", -90, 90, shared(2)), place("b", "", -5, 20, shared(0))}, []Volume{place("w", "", 0, 10, shared(0))}, 20 * time.Minute, 15 * time.Minute},
		{"an open end begins later", []Volume{place("a", "", 10, 30, nil)}, []Volume{place("w", "", 0, 20, func(v *Volume) { v.ToUS = Forever })}, 30 * time.Minute, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := indexOf(t)
			for _, v := range c.there {
				if err := x.Insert(must(t, v)); err != nil {
					t.Fatal(err)
				}
			}
			var wanted []*Solid
			for _, v := range c.wanted {
				wanted = append(wanted, must(t, v))
			}
			w := x.WayOut(wanted, 24*time.Hour)
			if w.LaterFound != (c.later >= 0) || w.LaterFound && w.Later != c.later {
				t.Errorf("later: %v %v, want %v", w.LaterFound, w.Later, c.later)
			}
			if w.EarlierFound != (c.earlier >= 0) || w.EarlierFound && w.Earlier != c.earlier {
				t.Errorf("earlier: %v %v, want %v", w.EarlierFound, w.Earlier, c.earlier)
			}
		})
	}
}

// Run with -race: many ask while others change.
func TestIndexIsSafeForConcurrentUse(t *testing.T) {
	x := indexOf(t, must(t, place("there", "", 0, 30, shared(3))))
	wanted := []*Solid{must(t, place("w", "", 10, 20, shared(3)))}
	var changes, questions sync.WaitGroup
	for i := range 4 {
		id := string(rune('a' + i))
		changes.Go(func() {
			for range 50 {
				s, err := Compile(place(id, "", 0, 30, shared(5)))
				if err == nil {
					err = x.Insert(s)
				}
				if err != nil {
					t.Error(err)
				}
				x.Remove(id)
			}
		})
		questions.Go(func() {
			for range 50 {
				if met := x.Meeting(wanted[0], nil); len(met) < 1 || len(met) > 5 {
					t.Errorf("meets %d", len(met))
				}
				x.Conflicts(wanted)
				x.WayOut(wanted, time.Hour)
				x.RemoveEnded(-1)
			}
		})
	}
	changes.Wait()
	questions.Wait()
	if x.Len() != 1 {
		t.Errorf("%d left", x.Len())
	}
}
