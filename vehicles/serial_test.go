package vehicles

import "testing"

// TestBySerial: only who is registered with a serial number is found by it, while
// it is followed; and traffic that is named like a vehicle does not become it.
func TestBySerial(t *testing.T) {
	r, err := NewRegistry(1, []Registration{{ID: "icao-780abc", Class: UAV, SerialNumber: "1581f4xf"}, {ID: "plain", Class: UAV}})
	if err != nil {
		t.Fatal(err)
	}
	if h := r.BySerial("1581F4XF"); h != 0 {
		t.Errorf("found %d before it is followed", h)
	}
	air, err := r.OpenTraffic(Identity{ID: "icao-780abc", Class: Aircraft})
	if err != nil {
		t.Fatal(err)
	}
	own, err := r.OpenVerified("icao-780abc", Source{})
	if err != nil || own.Handle == air.Handle || own.Class != UAV {
		t.Fatalf("opened %+v, %v", own, err)
	}
	r.Retire(air.Handle)
	for serial, want := range map[string]Handle{"1581F4XF": own.Handle, "": 0, "other": 0} {
		if h := r.BySerial(serial); h != want {
			t.Errorf("%q is %d, want %d", serial, h, want)
		}
	}
	if reg, ok := r.Registration("plain"); !ok || reg.ID != "plain" {
		t.Errorf("registration %+v, %v", reg, ok)
	}
	if _, ok := r.Registration("none"); ok {
		t.Error("what is not registered has a registration")
	}
}
