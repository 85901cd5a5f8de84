package site

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"testzone/geofence"
)

const minute = int64(time.Minute / time.Microsecond)

func pad(capacity int) *Site {
	return &Site{ID: "st_1", Name: "Pad", Kind: Pad, Capacity: capacity, MinUS: 10 * minute, MaxUS: 240 * minute, BufferUS: 5 * minute, AheadUS: 30 * 24 * 60 * minute}
}

// daily is open from 08:00 to 18:00 of each day since the epoch.
func daily(_ *geofence.Schedule, at int64) (bool, int64) {
	day, h := at/(1440*minute), at%(1440*minute)
	switch {
	case h < 480*minute:
		return false, day*1440*minute + 480*minute
	case h < 1080*minute:
		return true, day*1440*minute + 1080*minute
	}
	return false, (day+1)*1440*minute + 480*minute
}

func always(*geofence.Schedule, int64) (bool, int64) { return true, 0 }

func at(id string, from, to int64, units int) Booking {
	return Booking{ID: id, Site: "st_1", FromUS: from * minute, ToUS: to * minute, Units: units, State: Confirmed}
}

func TestJudge(t *testing.T) {
	exclusive := at("x", 600, 660, 1)
	exclusive.Exclusive = true
	first := at("b", 600, 660, 1)
	first.Priority = 2
	for _, c := range []struct {
		name     string
		capacity int
		there    []Booking
		want     Booking
		faults   string
	}{
		{"free", 1, nil, at("b", 600, 660, 1), ""},
		{"in the past", 1, nil, at("b", 480, 500, 1), "past 20m"},
		{"too short", 1, nil, at("b", 600, 605, 1), "too_short 5m"},
		{"too long", 1, nil, at("b", 600, 900, 1), "too_long 60m"},
		{"not open yet", 1, nil, at("b", 1060, 1100, 1), "closed 20m"},
		{"taken", 1, []Booking{at("a", 630, 700, 1)}, at("b", 600, 660, 1), "full a 35m"},
		{"within the buffer after", 1, []Booking{at("a", 663, 700, 1)}, at("b", 600, 660, 1), "full a 2m"},
		{"within the buffer before", 1, []Booking{at("a", 550, 597, 1)}, at("b", 600, 660, 1), "full a 2m"},
		{"right after the buffer", 1, []Booking{at("a", 550, 595, 1), at("c", 665, 700, 1)}, at("b", 600, 660, 1), ""},
		{"room for two", 2, []Booking{at("a", 600, 660, 1)}, at("b", 600, 660, 1), ""},
		{"two one after the other take one unit", 2, []Booking{at("a", 600, 620, 1), at("c", 630, 660, 1)}, at("b", 600, 660, 1), ""},
		{"three at once", 2, []Booking{at("a", 600, 640, 1), at("c", 630, 660, 1)}, at("b", 600, 660, 1), "full a 45m, full c 35m"},
		{"more than there is", 2, nil, at("b", 600, 660, 3), "too_many 1"},
		{"for itself", 3, []Booking{at("a", 600, 660, 1)}, exclusive, "taken a 60m"},
		{"beside one for itself", 3, []Booking{exclusive}, at("b", 600, 660, 1), "taken x 60m"},
		{"moved over itself", 1, []Booking{at("b", 610, 660, 1)}, at("b", 600, 660, 1), ""},
		{"displaces", 1, []Booking{at("a", 630, 700, 1)}, first, "full a 35m yields"},
		{"displaces no more than it has to", 2, []Booking{at("a", 600, 660, 1), at("c", 620, 660, 1)}, first, "full c 45m yields"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Diary
			for _, b := range c.there {
				d.Put(nil, b)
			}
			got := ""
			for _, f := range d.Judge(pad(c.capacity), &c.want, daily, 500*minute) {
				if got != "" {
					got += ", "
				}
				got += string(f.Rule)
				if f.With != "" {
					got += " " + f.With
				}
				if f.ByUS != 0 {
					got += fmt.Sprintf(" %dm", f.ByUS/minute)
				} else {
					got += fmt.Sprintf(" %d", f.Units)
				}
				if f.Yields {
					got += " yields"
				}
			}
			if got != c.faults {
				t.Errorf("got %q, want %q", got, c.faults)
			}
		})
	}
}

// The nearest free slots fit, and none nearer does that begins at the end of another.
func TestFree(t *testing.T) {
	var d Diary
	d.Put(nil, at("a", 590, 700, 1))
	want := at("b", 600, 660, 1)
	got := d.Free(pad(1), &want, daily, 500*minute, 3, func(*Booking) bool { return true })
	if len(got) != 3 || got[0] != (Span{525 * minute, 585 * minute}) || got[1] != (Span{705 * minute, 765 * minute}) {
		t.Errorf("got %v", got)
	}
	if got := d.Free(pad(1), &want, daily, 500*minute, 1, func(b *Booking) bool { return b.FromUS > 700*minute }); got[0].FromUS != 705*minute {
		t.Errorf("a slot that does not fit elsewhere was offered: %v", got)
	}
}

// Whatever is accepted, there are never more units taken than the site has, at any
// instant, nor anybody beside one who has it alone: against a naive count by minutes.
func TestNeverMoreThanTheCapacity(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		s := pad(1 + rng.IntN(4))
		s.BufferUS = int64(rng.IntN(8)) * minute
		var d Diary
		all := map[string]Booking{}
		for i := range 120 {
			from := int64(rng.IntN(1200))
			b := at(fmt.Sprint("b", i), from, from+10+int64(rng.IntN(120)), 1+rng.IntN(s.Capacity))
			b.Exclusive, b.Priority = rng.IntN(6) == 0, rng.IntN(3)
			ok, displaced := Weigh(d.Judge(s, &b, always, 0))
			if !ok {
				continue
			}
			for _, id := range displaced {
				was := all[id]
				gone := was
				gone.State = Displaced
				d.Put(&was, gone)
				delete(all, id)
			}
			d.Put(nil, b)
			all[b.ID] = b
		}
		for m := range int64(1400) {
			units, alone, n := 0, false, 0
			for _, b := range all {
				if b.FromUS <= m*minute && m*minute < b.ToUS+s.BufferUS {
					n++
					units += b.units(s)
					alone = alone || b.Exclusive
				}
			}
			if units > s.Capacity || alone && n > 1 {
				t.Fatalf("round %d, minute %d: %d units of %d, %d bookings", round, m, units, s.Capacity, n)
			}
		}
		if d.Len() != len(all) {
			t.Fatalf("the diary holds %d, it should %d", d.Len(), len(all))
		}
	}
}

func TestTakenAndShare(t *testing.T) {
	var d Diary
	s := pad(2)
	d.Put(nil, at("a", 600, 660, 1))
	d.Put(nil, at("b", 630, 690, 1))
	want := []Busy{{600 * minute, 630 * minute, 1}, {630 * minute, 660 * minute, 2}, {660 * minute, 690 * minute, 1}}
	if got := d.Taken(s, 0, 1440*minute); !reflect.DeepEqual(got, want) {
		t.Errorf("taken %v", got)
	}
	if got := d.Share(s, daily, 0, 1440*minute); got != 0.1 { // 120 of 600 minutes times 2 units
		t.Errorf("share %v", got)
	}
}

// Every week at the same time of day, over a change of the clock too.
func TestWeekly(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 10, 20, 9, 30, 0, 0, berlin)
	got := Weekly(from.UnixMicro(), 2, berlin)
	if second := time.UnixMicro(got[1]).In(berlin); second.Hour() != 9 || second.Sub(from) != 7*24*time.Hour+time.Hour {
		t.Errorf("second %v", second)
	}
}

func TestCheck(t *testing.T) {
	for name, change := range map[string]func(*Site){
		"name":     func(s *Site) { s.Name = "" },
		"kind":     func(s *Site) { s.Kind = "moon" },
		"road":     func(s *Site) { s.Kind = Road },
		"class":    func(s *Site) { s.RoadClass = "highway" },
		"capacity": func(s *Site) { s.Capacity = 0 },
		"longest":  func(s *Site) { s.MaxUS = 0 },
		"shortest": func(s *Site) { s.MinUS = s.MaxUS + 1 },
		"buffer":   func(s *Site) { s.BufferUS = -1 },
		"no show":  func(s *Site) { s.NoShowUS = 1 << 60 },
		"ahead":    func(s *Site) { s.AheadUS = 0 },
	} {
		s := pad(1)
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		if change(s); s.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
