package geo

import (
	"errors"
	"slices"
	"testing"
)

func TestParseRing(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     Ring
		bad      bool
	}{
		{"three vertices", "31.230,121.490 31.230,121.500\n31.235,121.500", Ring{{312_300_000, 1_214_900_000}, {312_300_000, 1_215_000_000}, {312_350_000, 1_215_000_000}}, false},
		{"rounded once", "0.00000004,0.00000006", Ring{{0, 1}}, false},
		{"limits", "-90,-180 90,180", Ring{{-MaxLat, -MaxLon}, {MaxLat, MaxLon}}, false},
		{"empty", "  ", nil, false},
		{"latitude 91", "91,0", nil, true},
		{"longitude 180.1", "0,180.1", nil, true},
		{"not a number", "NaN,0", nil, true},
		{"infinite", "0,Inf", nil, true},
		{"one coordinate", "31", nil, true},
		{"three coordinates", "31,121,5", nil, true},
		{"words", "here,there", nil, true},
	} {
		got, err := ParseRing(tc.in)
		if errors.Is(err, ErrCoordinate) != tc.bad || !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, %v", tc.name, got, err)
		}
	}
}

func FuzzParseRing(f *testing.F) {
	f.Add("31.230,121.490 31.230,121.500 31.235,121.500")
	f.Add("91,0 NaN,1e400")
	f.Add("-0.00000005,-180 , 1,2")
	f.Fuzz(func(t *testing.T, in string) {
		r, err := ParseRing(in)
		if err != nil {
			return
		}
		for _, p := range r {
			if !p.Valid() {
				t.Fatalf("%q gives %v", in, p)
			}
		}
		again, err := ParseRing(r.String())
		if err != nil || !slices.Equal(r, again) {
			t.Fatalf("%q: %v becomes %v (%v)", in, r, again, err)
		}
	})
}

func TestHeights(t *testing.T) {
	var h Heights
	h.Set(AMSL, -5)
	h.Set(Takeoff, 0)
	h.Set(NoDatum, 7)
	for _, tc := range []struct {
		d     Datum
		mm    int32
		known bool
	}{{AMSL, -5, true}, {Takeoff, 0, true}, {AGL, 0, false}, {NoDatum, 0, false}, {datumCount, 0, false}} {
		if mm, known := h.In(tc.d); mm != tc.mm || known != tc.known {
			t.Errorf("%v: %d %v", tc.d, mm, known)
		}
	}
	for d := AMSL; d < datumCount; d++ {
		if got, ok := ParseDatum(d.String()); !ok || got != d {
			t.Errorf("%v is not read back", d)
		}
	}
	if _, ok := ParseDatum("none"); ok {
		t.Error("none is read as a datum")
	}
}
