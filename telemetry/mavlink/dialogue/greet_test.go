package dialogue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/geofence/geo"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// copter answers like a vehicle of which everything is known.
func copter(rates map[float32]float32) func(m message.Message) []message.Message {
	read := params(map[string]float32{"FS_GCS_ENABLE": 1, "FS_THR_ENABLE": 3, "FS_OPTIONS": 2, "RTL_ALT": 3000, "RALLY_TOTAL": 2, "BATT_CAPACITY": 5200})
	return func(m message.Message) []message.Message {
		c, ok := m.(*ardupilotmega.MessageCommandLong)
		switch {
		case !ok:
			return read(m)
		case c.Command == 511:
			rates[c.Param1] = c.Param2
			return []message.Message{ack(511, Accepted)}
		case c.Param1 == 148:
			return []message.Message{ack(512, Accepted), version}
		case c.Param1 == 242:
			return []message.Message{ack(512, Accepted), &ardupilotmega.MessageHomePosition{Latitude: 309000000, Longitude: 1219300000, Altitude: 4000}}
		}
		return []message.Message{ack(int(c.Command), Unsupported)}
	}
}

// told is what was learned.
type told struct {
	mu       sync.Mutex // guards the fields below
	versions []Version
	homes    []Home
	profiles []LostLink
}

func (o *told) config() Config {
	return Config{
		Identified: func(id vehicles.VehicleID, v Version) { o.mu.Lock(); o.versions = append(o.versions, v); o.mu.Unlock() },
		Home:       func(id vehicles.VehicleID, h Home) { o.mu.Lock(); o.homes = append(o.homes, h); o.mu.Unlock() },
		LostLink: func(id vehicles.VehicleID, l LostLink) {
			o.mu.Lock()
			o.profiles = append(o.profiles, l)
			o.mu.Unlock()
		},
	}
}

func (o *told) asked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.versions)
}

// stream reports telemetry at rates per second for a time.
func (e *Exchange) stream(d time.Duration, position, slow int, bootMS *uint32) {
	for i := range int(d / (10 * time.Millisecond)) {
		time.Sleep(10 * time.Millisecond) // the bubble's clock
		*bootMS += 10
		if i%(100/position) == 0 {
			e.Reports([]vehicles.Report{{Handle: handle, Has: vehicles.HasPosition, BootMS: *bootMS}, {Handle: handle + 1, Has: vehicles.HasPosition, BootMS: 1}})
		}
		if i%(100/slow) == 0 {
			for _, g := range []vehicles.Fields{vehicles.HasBattery, vehicles.HasQuality, vehicles.HasLanded, vehicles.HasHeartbeat} {
				e.Reports([]vehicles.Report{{Handle: handle, Has: g}})
			}
		}
	}
}

func TestGreeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o told
		rates := map[float32]float32{}
		e, _ := newPair(t, o.config(), copter(rates))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- e.Run(ctx) }()
		boot := uint32(60_000)
		e.stream(30*time.Second, 10, 1, &boot)
		if len(o.versions) != 1 || o.versions[0].Flight != "4.5.7" || o.versions[0].ID() == "" {
			t.Errorf("versions %+v", o.versions)
		}
		if len(o.homes) != 1 || o.homes[0].Point != (geo.Point{Lat: 309000000, Lon: 1219300000}) || o.homes[0].AltMM != 4000 {
			t.Errorf("homes %+v", o.homes)
		}
		if len(o.profiles) != 1 || o.profiles[0].Action != goHome || *o.profiles[0].ReturnM != 30 || fmt.Sprint(o.profiles[0].Unanswered) != "[FS_GCS_TIMEOUT]" {
			t.Errorf("profiles %+v", o.profiles)
		}
		// Only what comes too seldom is set: attitude did not come at all.
		if want := map[float32]float32{30: 200_000}; !reflect.DeepEqual(rates, want) {
			t.Errorf("rates %v, want %v", rates, want)
		}
		boot = 500 // it restarted
		clear(rates)
		e.stream(90*time.Second, 2, 1, &boot)
		if len(o.versions) != 2 || len(o.profiles) != 2 {
			t.Errorf("after a restart %d versions, %d profiles", len(o.versions), len(o.profiles))
		}
		if want := map[float32]float32{30: 200_000, 33: 200_000}; !reflect.DeepEqual(rates, want) {
			t.Errorf("rates %v, want %v", rates, want)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A vehicle that restarts while it is asked is asked again, though not at once.
func TestRestartWhileGreeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o told
		e, _ := newPair(t, o.config(), copter(map[float32]float32{}))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		done := make(chan error)
		go func() { done <- e.Run(ctx) }()
		boot := uint32(60_000)
		e.stream(4*time.Second, 10, 1, &boot)
		boot = 500
		e.stream(30*time.Second, 10, 1, &boot)
		if n := o.asked(); n != 1 {
			t.Errorf("asked %d times within half a minute", n)
		}
		<-done
		if len(o.versions) != 2 || len(o.profiles) != 2 {
			t.Errorf("asked %d times", len(o.versions))
		}
	})
}

func TestGreetingOf(t *testing.T) {
	for _, tt := range []struct {
		name      string
		vouched   bool
		cfg       func(*Config)
		src       mavlink.Source
		silent    bool
		intervals bool // were set
		sent      bool // anything
		profiles  int
	}{
		{name: "signed", src: mavlink.Source{Vehicle: "uav-9", Autopilot: 3, MAVType: 2}, intervals: true, sent: true, profiles: 1},
		{name: "vouched", vouched: true, src: mavlink.Source{Vehicle: "uav-9", Autopilot: 3, MAVType: 2}, sent: true, profiles: 1},
		{name: "vouched, rates wanted", vouched: true, cfg: func(c *Config) { c.VouchedRates = true },
			src: mavlink.Source{Vehicle: "uav-9", Autopilot: 3, MAVType: 2}, intervals: true, sent: true, profiles: 1},
		{name: "UNVERIFIED", src: mavlink.Source{Autopilot: 3, MAVType: 2}},
		{name: "silent", silent: true, src: mavlink.Source{Vehicle: "uav-9", Autopilot: 3, MAVType: 2}, intervals: true, sent: true, profiles: 3},
		{name: "of unknown kind", src: mavlink.Source{Vehicle: "uav-9", Autopilot: 0, MAVType: 2}, intervals: true, sent: true, profiles: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var o told
				cfg := o.config()
				if tt.cfg != nil {
					tt.cfg(&cfg)
				}
				e, v := newPair(t, cfg, copter(map[float32]float32{}))
				if tt.silent {
					v.answer = script()
				}
				v.route.Credential.Vouched = tt.vouched
				e.Close(handle)
				e.Open(handle, tt.src)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				_ = e.Run(ctx)
				intervals := false
				for _, m := range v.all() {
					if id, _ := commandOf(m); id == cmdSetMessageInterval {
						intervals = true
					}
				}
				if intervals != tt.intervals || (len(v.all()) > 0) != tt.sent || len(o.profiles) != tt.profiles {
					t.Errorf("intervals set %v, %d messages, %d profiles", intervals, len(v.all()), len(o.profiles))
				}
				for _, p := range o.profiles {
					if tt.silent && (p.Action != unknown || len(p.Unanswered) != 8) {
						t.Errorf("of a silent vehicle it is said %+v", p)
					}
				}
			})
		})
	}
}

// A greeting over a poor link ends, and what it learns is right.
func TestGreetingOverAPoorLink(t *testing.T) {
	known := 0
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			var o told
			e, v := newPair(t, o.config(), copter(map[float32]float32{}))
			v.way = poor(seed)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			_ = e.Run(ctx)
			p := e.peers.get(handle)
			if p.greeting || len(p.boxes) != 0 || len(p.pending) != 0 {
				t.Errorf("seed %d: something is left behind", seed)
			}
			for _, l := range o.profiles {
				if l.Action == goHome {
					known++
				} else if l.Action != unknown {
					t.Errorf("seed %d: %+v", seed, l)
				}
			}
		})
	}
	if known < 20 {
		t.Errorf("%d of 30 profiles were read", known)
	}
}

func TestRestarted(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []uint32
		want int
	}{
		{"runs", []uint32{1000, 2000, 3000}, 0},
		{"late datagram", []uint32{1000, 2000, 1500, 2500}, 0},
		{"restart", []uint32{60_000, 500, 700, 900}, 1},
		{"twice", []uint32{60_000, 500, 30_000, 400}, 2},
		{"after 49 days", []uint32{0xffff_ff00, 100, 200}, 0},
	} {
		p, n := &peer{}, 0
		for _, b := range tt.in {
			if p.restarted(b) {
				n++
			}
		}
		if n != tt.want {
			t.Errorf("%s: %d restarts, want %d", tt.name, n, tt.want)
		}
	}
}

func TestStreams(t *testing.T) {
	for _, tt := range []struct {
		r    vehicles.Report
		want uint32 // message id; 99: none
	}{
		{vehicles.Report{Has: vehicles.HasPosition, BootMS: 5}, 33},
		{vehicles.Report{BootMS: 5}, 33}, // 0, 0: no origin yet
		{vehicles.Report{Has: vehicles.HasAttitude, BootMS: 5}, 30},
		{vehicles.Report{Has: vehicles.HasBattery}, 1},
		{vehicles.Report{Has: vehicles.HasQuality}, 24},
		{vehicles.Report{Has: vehicles.HasLanded}, 245},
		{vehicles.Report{Has: vehicles.HasHeartbeat}, 99},
		{vehicles.Report{}, 99},
	} {
		got := uint32(99)
		for k := range streams {
			if streams[k].in(&tt.r) {
				got = streams[k].id
			}
		}
		if got != tt.want {
			t.Errorf("%+v is of message %d, want %d", tt.r, got, tt.want)
		}
	}
}

func TestReportsDoNotAllocate(t *testing.T) {
	e, _ := newPair(t, Config{}, script())
	batch := []vehicles.Report{{Handle: handle, BootMS: 5, Has: vehicles.HasPosition}, {Handle: 99}}
	e.peers.get(handle).rates.on.Store(true)
	if n := testing.AllocsPerRun(100, func() { batch[0].BootMS++; e.Reports(batch) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestProfile(t *testing.T) {
	for _, tt := range []struct {
		name               string
		mavType, autopilot uint8
		params             parameters
		action, manual     vehicles.LostLinkAction
		mission, rally     string
		returnM, delayS    float64 // 0: not known
	}{
		{"copter", 2, 3, parameters{"FS_GCS_ENABLE": 1, "FS_THR_ENABLE": 3, "FS_OPTIONS": 0, "RTL_ALT": 1500, "RALLY_TOTAL": 0, "FS_GCS_TIMEOUT": 5}, goHome, land, "no", "no", 15, 5},
		{"copter, new names", 13, 3, parameters{"FS_GCS_ENABLE": 5, "FS_THR_ENABLE": 0, "FS_OPTIONS": 18, "RTL_ALT_M": 40, "RALLY_TOTAL": 3}, land, goOn, "yes", "yes", 40, 0},
		{"copter, brake", 2, 3, parameters{"FS_GCS_ENABLE": 7, "FS_THR_ENABLE": 7}, hold, hold, "", "", 0, 0},
		{"copter, as high as it is", 2, 3, parameters{"FS_GCS_ENABLE": 3, "RTL_ALT": 0}, goHome, unknown, "", "", 0, 0},
		{"copter, off", 2, 3, parameters{"FS_GCS_ENABLE": 0}, goOn, unknown, "", "", 0, 0},
		{"copter, a number of tomorrow", 2, 3, parameters{"FS_GCS_ENABLE": 42, "FS_THR_ENABLE": 1.5}, unknown, unknown, "", "", 0, 0},
		{"copter, silent", 2, 3, nil, unknown, unknown, "", "", 0, 0},
		{"plane", 1, 3, parameters{"FS_GCS_ENABL": 1, "FS_LONG_ACTN": 1, "ALT_HOLD_RTL": 10000, "FS_LONG_TIMEOUT": 20}, goHome, goHome, "", "", 100, 20},
		{"plane, new names", 1, 3, parameters{"FS_GCS_ENABL": 1, "FS_LONG_ACTN": 2, "RTL_ALTITUDE": 80}, land, land, "", "", 80, 0},
		{"plane, off", 20, 3, parameters{"FS_GCS_ENABL": 0, "FS_LONG_ACTN": 1, "RTL_ALTITUDE": -1}, goOn, goHome, "", "", 0, 0},
		{"plane, half known", 1, 3, parameters{"FS_LONG_ACTN": 1}, unknown, goHome, "", "", 0, 0},
		{"rover", 10, 3, parameters{"FS_ACTION": 2, "FS_GCS_ENABLE": 1, "FS_THR_ENABLE": 1, "FS_TIMEOUT": 1.5}, hold, hold, "no", "", 0, 1.5},
		{"boat", 11, 3, parameters{"FS_ACTION": 1, "FS_GCS_ENABLE": 2, "FS_THR_ENABLE": 0}, goHome, goOn, "yes", "", 0, 0},
		{"boat, off", 11, 3, parameters{"FS_ACTION": 1, "FS_GCS_ENABLE": 0}, goOn, unknown, "", "", 0, 0},
		{"PX4", 2, 12, parameters{"NAV_DLL_ACT": 2, "NAV_RCL_ACT": 1, "RTL_RETURN_ALT": 60, "COM_DL_LOSS_T": 10}, goHome, hold, "", "", 60, 10},
		{"PX4, off", 2, 12, parameters{"NAV_DLL_ACT": 0, "NAV_RCL_ACT": 6}, goOn, end, "", "", 0, 0},
		{"other", 2, 0, parameters{"FS_GCS_ENABLE": 1}, unknown, unknown, "", "", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := profileOf(firmwareOf(tt.mavType, tt.autopilot), tt.params)
			yes := func(b *bool) string {
				switch {
				case b == nil:
					return ""
				case *b:
					return "yes"
				}
				return "no"
			}
			number := func(p *float64) float64 {
				if p == nil {
					return 0
				}
				return *p
			}
			if l.Action != tt.action || l.Manual != tt.manual || yes(l.ContinuesMission) != tt.mission || yes(l.Rally) != tt.rally {
				t.Errorf("action %s, manual %s, mission %q, rally %q", l.Action, l.Manual, yes(l.ContinuesMission), yes(l.Rally))
			}
			if number(l.ReturnM) != tt.returnM || number(l.DelayS) != tt.delayS {
				t.Errorf("return %v m, delay %v s", number(l.ReturnM), number(l.DelayS))
			}
		})
	}
}

// Note takes whatever comes without a panic and without waiting.
func TestNoteOfAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o told
		e, _ := newPair(t, o.config(), script())
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		go e.Run(ctx)
		rng := rand.New(rand.NewPCG(1, 1))
		for range 2000 {
			m := ardupilotmega.Dialect.Messages[rng.IntN(len(ardupilotmega.Dialect.Messages))]
			e.Note(handle, rng.Int64(), reflect.New(reflect.TypeOf(m).Elem()).Interface().(message.Message))
			time.Sleep(time.Millisecond) // the bubble's clock
		}
		if _, err := e.Command(ctx, handle, Command{ID: 20}); !errors.Is(err, ErrNoAnswer) {
			t.Error(err)
		}
	})
}
