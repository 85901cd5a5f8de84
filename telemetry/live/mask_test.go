package live

import (
	"slices"
	"testing"
)

func TestMask(t *testing.T) {
	records := []Record{
		{Handle: 1, Lon: 5, Lat: 6, Status: 3 | 2<<StatusAlertShift | StatusUnverified, Battery: 40, Age: 7},
		{Handle: 2, Lon: 8, Lat: 9, Status: 6 | 3<<StatusAlertShift, Battery: 50, Speed: 11},
	}
	frame := AppendHeader(nil, Header{Type: Snapshot, Count: 3, Cells: 2})
	frame = AppendGroup(frame, 4, 2)
	frame = AppendRecord(frame, &records[0])
	frame = AppendRecord(frame, &records[1])
	frame = AppendGroup(frame, CellFollowed, 1)
	frame = AppendRecord(frame, &records[1])
	whole := slices.Clone(frame)
	if n := testing.AllocsPerRun(10, func() { Mask(frame, func(h uint32) bool { return h == 1 }) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	f, err := Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	other := records[1]
	other.Status, other.Battery = 0, UnknownBattery
	if got := f.Groups[0].Records; got[0] != records[0] || got[1] != other {
		t.Errorf("got %+v", got)
	}
	if got := f.Groups[1].Records[0]; got != other {
		t.Errorf("followed: %+v", got)
	}
	Mask(whole[:len(whole)-5], func(uint32) bool { return false }) // cut: no panic
	Mask(whole[:10], func(uint32) bool { return false })
}
