package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
	"testzone/web/auth"
)

// flown is a track second by second, as the zone looks at it.
type flown struct {
	s     sighting
	track vehicles.Track
	now   time.Time
}

func newFlown(class vehicles.Class) *flown {
	return &flown{now: time.Now(), track: vehicles.Track{Handle: 1, Class: class, Seen: vehicles.HasPosition}}
}

// look lets seconds pass, each with the reports that are named: b heartbeat, p position.
func (f *flown) look(seconds int, reports string) {
	for range seconds {
		f.now = f.now.Add(time.Second)
		if strings.Contains(reports, "b") {
			f.track.HeartbeatUS += 1_000_000
		}
		if strings.Contains(reports, "p") {
			f.track.FixUS += 1_000_000
		}
		f.s.take(&f.track, f.now)
	}
}

func (f *flown) landed() bool { return f.s.fresh(f.now) && f.s.stopped }

// TestWhatHasStopped: a key retires on fresh evidence only (SAFETY 1).
func TestWhatHasStopped(t *testing.T) {
	for name, c := range map[string]struct {
		class vehicles.Class
		do    func(*flown)
		want  bool
	}{
		"a drone that is disarmed":        {vehicles.UAV, func(f *flown) { f.look(1, "bp") }, true},
		"an armed one that hovers":        {vehicles.UAV, func(f *flown) { f.track.Armed = true; f.look(60, "bp") }, false},
		"an armed one on the ground":      {vehicles.UAV, func(f *flown) { f.track.Armed, f.track.Landed = true, vehicles.OnGround; f.look(12, "bp") }, true},
		"an armed one just on the ground": {vehicles.UAV, func(f *flown) { f.track.Armed, f.track.Landed = true, vehicles.OnGround; f.look(9, "bp") }, false},
		"on the ground and sliding": {vehicles.UAV, func(f *flown) {
			f.track.Armed, f.track.Landed, f.track.Velocity.N = true, vehicles.OnGround, 100
			f.look(60, "bp")
		}, false},
		"disarmed before it fell silent":         {vehicles.UAV, func(f *flown) { f.look(3, "bp"); f.look(5, "") }, false},
		"a boat at rest":                         {vehicles.USV, func(f *flown) { f.track.Armed = true; f.look(200, "bp") }, true},
		"a car at a red light":                   {vehicles.ICV, func(f *flown) { f.track.Armed = true; f.look(120, "bp") }, false},
		"a disarmed car at rest":                 {vehicles.ICV, func(f *flown) { f.look(12, "bp") }, true},
		"a boat at rest for 9 s":                 {vehicles.USV, func(f *flown) { f.track.Armed = true; f.look(9, "bp") }, false},
		"a boat whose position is old":           {vehicles.USV, func(f *flown) { f.track.Armed = true; f.look(2, "bp"); f.look(60, "b") }, false},
		"a disarmed boat that drifts":            {vehicles.USV, func(f *flown) { f.track.Velocity.E = 80; f.look(60, "bp") }, false},
		"a disarmed car without a position":      {vehicles.ICV, func(f *flown) { f.track.Seen = 0; f.look(12, "b") }, true},
		"an armed car without a position":        {vehicles.ICV, func(f *flown) { f.track.Seen, f.track.Armed = 0, true; f.look(60, "b") }, false},
		"a car that moves again":                 {vehicles.ICV, func(f *flown) { f.look(20, "bp"); f.track.Velocity.N = 300; f.look(1, "bp") }, false},
		"the server's clock goes back":           {vehicles.UAV, func(f *flown) { f.look(3, "bp"); f.track.HeartbeatUS -= 3_600_000_000; f.look(3, "bp"); f.look(5, "") }, false},
		"heard although the clock has gone back": {vehicles.UAV, func(f *flown) { f.look(3, "bp"); f.track.HeartbeatUS -= 3_600_000_000; f.look(3, "bp") }, true},
		"a former track lingers": {vehicles.UAV, func(f *flown) {
			old := f.track
			old.HeartbeatUS = 1
			f.track.Handle, f.track.Armed = 2, true
			f.look(1, "bp")
			f.s.take(&old, f.now)
		}, false},
	} {
		f := newFlown(c.class)
		c.do(f)
		if got := f.landed(); got != c.want {
			t.Errorf("%s has stopped: %v, want %v", name, got, c.want)
		}
	}
}

// TestEnded: who was never heard, or not for an hour, keeps no key alive; who may be
// in the air since before the start does.
func TestEnded(t *testing.T) {
	start := time.Now()
	stamps := func(spoke bool) *mavlink.Stamps {
		f, err := mavlink.OpenStampFile(t.TempDir()+"/stamps", start)
		if err != nil {
			t.Fatal(err)
		}
		if spoke { // the file was lost: a key from before may have spoken
			return f.Known("k")
		}
		return f.Made("k")
	}
	for name, c := range map[string]struct {
		spoke, gateway bool
		behind         bool          // a gateway answered for it at the start
		heard          time.Duration // after the start; 0: not
		after          time.Duration
		moves, ended   bool
	}{
		"never heard, at once":                   {after: 10 * time.Second},
		"never heard":                            {after: 2 * time.Minute, ended: true},
		"in the air since before":                {spoke: true, after: 30 * time.Second, moves: true},
		"in the air since before, for minutes":   {spoke: true, after: 10 * time.Minute},
		"in the air since before, for an hour":   {spoke: true, after: 61 * time.Minute, ended: true},
		"behind a gateway, at once":              {gateway: true, behind: true, after: 10 * time.Second, moves: true},
		"behind a gateway, not heard":            {gateway: true, behind: true, after: 10 * time.Minute},
		"behind a gateway, not heard an hour":    {gateway: true, behind: true, after: 61 * time.Minute, ended: true},
		"behind a new gateway, not heard":        {gateway: true, after: 10 * time.Second},
		"by a gateway too, at once":              {behind: true, after: 10 * time.Second, moves: true},
		"by a gateway too, not heard":            {behind: true, after: 10 * time.Minute},
		"heard and silent for half an hour":      {spoke: true, heard: time.Hour, after: 90 * time.Minute, moves: true},
		"heard and silent for more than an hour": {spoke: true, heard: time.Hour, after: 121 * time.Minute, ended: true},
	} {
		e := &enrolment{
			started: start, seen: map[string]*sighting{}, refused: map[string]*refusals{"signed": {}}, behind: map[string]bool{"uav-1": c.behind},
			keys: map[string]*keySighting{"k": {vehicle: "uav-1", stamps: stamps(c.spoke)}}, addresses: map[string]vehicles.MAVLink{"uav-1": {Listener: "signed"}},
		}
		if c.gateway {
			e.keys, e.addresses["uav-1"] = nil, vehicles.MAVLink{Listener: "gw-1"}
		}
		if c.heard != 0 {
			e.seen["uav-1"] = &sighting{heard: start.Add(c.heard)}
		}
		now := start.Add(c.after)
		if _, ended := e.ended("uav-1", now); ended != c.ended {
			t.Errorf("%s: ended %v, want %v", name, ended, c.ended)
		}
		if moves := e.movesAt("uav-1", now); moves != c.moves {
			t.Errorf("%s: may move %v, want %v", name, moves, c.moves)
		}
	}
}

// TestChangedKey: a key that retires is not waited for once the vehicle is heard
// under one that stays: whoever has the old one cannot keep it alive by flying.
func TestChangedKey(t *testing.T) {
	for name, c := range map[string]struct {
		retiring bool // the key that is heard
		seconds  int  // for which it is heard
		silent   time.Duration
		want     bool
	}{
		"under the new key":           {seconds: 12, want: true},
		"under the new key, just now": {seconds: 5},
		"no longer under the new key": {seconds: 12, silent: 5 * time.Second},
		"under the old key":           {retiring: true, seconds: 60},
	} {
		stamps, err := mavlink.OpenStampFile(t.TempDir()+"/stamps", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		k := &keySighting{vehicle: "uav-1", stamps: stamps.Made("k"), retiring: c.retiring, first: now, last: now.Add(time.Duration(c.seconds) * time.Second)}
		now = k.last.Add(c.silent)
		e := &enrolment{keys: map[string]*keySighting{"k": k}, seen: map[string]*sighting{"uav-1": {beatUS: 1, heard: now}}}
		if _, got := e.ended("uav-1", now); got != c.want {
			t.Errorf("%s: ended %v", name, got)
		}
	}
}

// bareEnrolment is an enrolment of a zone with the signed listener "signed".
func bareEnrolment(t *testing.T) *enrolment {
	t.Helper()
	secrets, err := auth.OpenVehicleSecrets("", "")
	if err != nil {
		t.Fatal(err)
	}
	registry, err := vehicles.NewRegistry(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	stamps, err := mavlink.OpenStampFile(t.TempDir()+"/stamps", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return &enrolment{
		secrets: secrets, registry: registry, stamps: stamps, refused: map[string]*refusals{"signed": {}},
		rings: map[string]*mavlink.Keyring{}, addresses: map[string]vehicles.MAVLink{}, keys: map[string]*keySighting{},
	}
}

func keyedVehicle(listener string, keys ...string) airspace.Vehicle {
	v := airspace.Vehicle{ID: "uav-1", Class: "uav", State: airspace.Registered, MAVLink: vehicles.MAVLink{Listener: listener, SystemID: 7}}
	for _, k := range keys {
		v.Keys = append(v.Keys, airspace.VehicleKey{ID: k, State: airspace.KeyRetiring})
	}
	return v
}

// When the secret store comes back from the backup, what was signed before it was
// lost must not be played again.
func TestStampsOutliveALostSecret(t *testing.T) {
	e := bareEnrolment(t)
	e.stamps.Made("vk_1")
	e.update([]airspace.Vehicle{keyedVehicle("signed", "vk_1")}, nil, map[string][]*mavlink.Credential{})
	if len(e.faults) != 1 {
		t.Errorf("faults %v, want the key whose secret is gone", e.faults)
	}
	if got := e.keyIDs(); !slices.Equal(got, []string{"vk_1"}) {
		t.Errorf("stamps are kept of the keys %v, want vk_1", got)
	}
}

// A vehicle behind a gateway may have keys, for the day when it signs. They are of
// no use there, and must not keep the gateway's other vehicles out.
func TestKeysOfAVehicleBehindAGateway(t *testing.T) {
	e := bareEnrolment(t)
	v := keyedVehicle("gw-1", "vk_1", "vk_2", "vk_3", "vk_4")
	for i := range v.Keys {
		key := auth.SigningKey{}
		for j := range key {
			key[j] = byte(i*32 + j)
		}
		if err := e.secrets.SetKey(v.ID, v.Keys[i].ID, key); err != nil {
			t.Fatal(err)
		}
	}
	sets := map[string][]*mavlink.Credential{"gw-1": {
		{Vehicle: "uav-1", SystemID: 7, Vouched: true}, {Vehicle: "uav-2", SystemID: 8, Vouched: true},
	}}
	rings := e.update([]airspace.Vehicle{v}, nil, sets)
	if err := rings["gw-1"].Set(sets["gw-1"]); err != nil {
		t.Errorf("who may speak through the gateway: %v", err)
	}
}
