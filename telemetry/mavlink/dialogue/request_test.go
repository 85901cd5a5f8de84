package dialogue

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

var version = &ardupilotmega.MessageAutopilotVersion{
	Capabilities: paramCast, FlightSwVersion: 4<<24 | 5<<16 | 7<<8 | 255, VendorId: 0x1209, ProductId: 0x5740,
	Uid: 0x0102030405060708, Uid2: [18]uint8{1, 2, 3, 17: 0xff},
}

func TestMessage(t *testing.T) {
	for _, tt := range []struct {
		name     string
		answer   func(n int) []message.Message
		want     error
		requests int
		took     time.Duration
	}{
		{"acknowledged and sent", func(int) []message.Message { return []message.Message{ack(512, Accepted), version} }, nil, 1, 20 * time.Millisecond},
		{"sent before", func(int) []message.Message { return []message.Message{version, ack(512, Accepted)} }, nil, 1, 20 * time.Millisecond},
		{"not acknowledged", func(int) []message.Message { return []message.Message{version} }, nil, 1, 20 * time.Millisecond},
		{"not sent", func(int) []message.Message { return []message.Message{ack(512, Accepted)} }, ErrNoAnswer, 1, 1020 * time.Millisecond},
		{"another one sent", func(int) []message.Message {
			return []message.Message{ack(512, Accepted), &ardupilotmega.MessageHomePosition{}}
		}, ErrNoAnswer, 1, 1020 * time.Millisecond},
		{"denied", func(int) []message.Message { return []message.Message{ack(512, Denied)} }, ErrRefused, 1, 1020 * time.Millisecond},
		{"silent", func(int) []message.Message { return nil }, ErrNoAnswer, 6, 6 * time.Second},
		{"at last", func(n int) []message.Message {
			if n < 5 {
				return nil
			}
			return []message.Message{version}
		}, nil, 6, 5020 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := -1
				e, v := newPair(t, Config{}, func(message.Message) []message.Message { n++; return tt.answer(n) })
				begin := time.Now()
				m, err := e.Message(t.Context(), handle, 148)
				if !errors.Is(err, tt.want) || err == nil && m != version {
					t.Errorf("%v, %v", m, err)
				}
				if time.Since(begin) != tt.took || len(v.all()) != tt.requests {
					t.Errorf("took %v, %d requests", time.Since(begin), len(v.all()))
				}
				if c := v.all()[0].(*ardupilotmega.MessageCommandLong); c.Command != 512 || c.Param1 != 148 {
					t.Errorf("%+v", c)
				}
				synctest.Wait()
				if p := e.peers.get(handle); len(p.boxes) != 0 || len(p.pending) != 0 || len(p.requests) != 0 {
					t.Error("something is left behind")
				}
			})
		})
	}
}

// Several messages are asked for one after the other, because their commands
// could not be told apart.
func TestMessagesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := newPair(t, Config{}, func(m message.Message) []message.Message {
			out := []message.Message{ack(512, Accepted)}
			if m.(*ardupilotmega.MessageCommandLong).Param1 == 148 {
				return append(out, version)
			}
			return append(out, &ardupilotmega.MessageHomePosition{Latitude: 1})
		})
		done := make(chan error)
		for _, id := range []uint32{148, 242, 148, 242} {
			go func() {
				m, err := e.Message(t.Context(), handle, id)
				if err == nil && m.GetID() != id {
					err = errors.New("another message")
				}
				done <- err
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestInterval(t *testing.T) {
	for every, want := range map[time.Duration]float32{200 * time.Millisecond: 200_000, 0: 0, -time.Second: -1} {
		synctest.Test(t, func(t *testing.T) {
			e, v := newPair(t, Config{}, script([]Result{Accepted}))
			if err := e.Interval(t.Context(), handle, 33, every); err != nil {
				t.Fatal(err)
			}
			if c := v.all()[0].(*ardupilotmega.MessageCommandLong); c.Command != 511 || c.Param1 != 33 || c.Param2 != want {
				t.Errorf("%v: %+v", every, c)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	old := *version
	old.Uid2 = [18]uint8{}
	none := ardupilotmega.MessageAutopilotVersion{}
	whole := Version{
		UID: version.Uid, UID2: version.Uid2, Capabilities: paramCast, Flight: "4.5.7", Vendor: 0x1209, Product: 0x5740, AtUS: 5,
	}
	without := whole
	without.UID2 = [18]byte{}
	for _, tt := range []struct {
		m    *ardupilotmega.MessageAutopilotVersion
		want Version
		id   string
	}{
		{version, whole, "0102030000000000000000000000000000ff"},
		{&old, without, "0102030405060708"},
		{&none, Version{AtUS: 5}, ""},
	} {
		if got := versionOf(Letter{5, tt.m}); got != tt.want || got.ID() != tt.id {
			t.Errorf("got %+v, %s, want %+v, %s", got, got.ID(), tt.want, tt.id)
		}
	}
	synctest.Test(t, func(t *testing.T) { // one that knows only the older command
		e, v := newPair(t, Config{}, func(m message.Message) []message.Message {
			if id, _ := commandOf(m); id == cmdRequestCapabilities {
				return []message.Message{version, ack(id, Accepted)}
			}
			return []message.Message{ack(512, Unsupported)}
		})
		got, err := e.version(t.Context(), e.peers.get(handle))
		if err != nil || got.Flight != "4.5.7" || len(v.all()) != 2 || e.peers.get(handle).capabilities != paramCast {
			t.Errorf("%+v, %v, %d requests", got, err, len(v.all()))
		}
	})
}

func TestParamValue(t *testing.T) {
	const u8, i8, u16, i16, u32, i32, u64, f32 = 1, 2, 3, 4, 5, 6, 7, 9
	nan := float32(math.NaN())
	for _, tt := range []struct {
		typ      ardupilotmega.MAV_PARAM_TYPE
		value    float32
		bytewise bool
		want     float64
		ok       bool
	}{
		{f32, 1.5, false, 1.5, true}, {f32, 1.5, true, 1.5, true}, {f32, nan, false, 0, false}, {f32, nan, true, 0, false},
		{i8, -3, false, -3, true}, {i32, 1500, false, 1500, true}, {u64, 7, false, 7, true},
		{u8, math.Float32frombits(200), true, 200, true}, {i8, math.Float32frombits(0xfd), true, -3, true},
		{u16, math.Float32frombits(65000), true, 65000, true}, {i16, math.Float32frombits(0xfffe), true, -2, true},
		{u32, math.Float32frombits(4e9), true, 4e9, true}, {i32, math.Float32frombits(0xffffffff), true, -1, true},
		{u64, 7, true, 0, false}, {77, 7, true, 0, false},
	} {
		got, ok := paramValue(&ardupilotmega.MessageParamValue{ParamType: tt.typ, ParamValue: tt.value}, tt.bytewise)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("type %d, bytewise %v: %v, %v, want %v, %v", tt.typ, tt.bytewise, got, ok, tt.want, tt.ok)
		}
	}
	for _, tt := range []struct {
		autopilot    uint8
		capabilities uint64
		want         bool
	}{{3, 0, false}, {12, 0, true}, {12, paramCast, false}, {3, paramBytewise, true}} {
		if got := (&peer{autopilot: tt.autopilot, capabilities: tt.capabilities}).bytewise(); got != tt.want {
			t.Errorf("autopilot %d, capabilities %d: %v", tt.autopilot, tt.capabilities, got)
		}
	}
}

// params answers requests for parameters.
func params(have map[string]float32) func(m message.Message) []message.Message {
	return func(m message.Message) []message.Message {
		r, ok := m.(*ardupilotmega.MessageParamRequestRead)
		v, known := have[""]
		if ok {
			v, known = have[r.ParamId]
		}
		if !known {
			return nil
		}
		return []message.Message{&ardupilotmega.MessageParamValue{ParamId: r.ParamId, ParamValue: v, ParamType: ardupilotmega.MAV_PARAM_TYPE_REAL32}}
	}
}

func TestParam(t *testing.T) {
	for _, tt := range []struct {
		name     string
		ask      string
		lose     int
		want     float64
		err      error
		requests int
		took     time.Duration
	}{
		{"there", "RTL_ALT", 0, 3000, nil, 1, 20 * time.Millisecond},
		{"lost at first", "RTL_ALT", 3, 3000, nil, 4, 3020 * time.Millisecond},
		{"not there", "NO_SUCH", 0, 0, ErrNoAnswer, 6, 6 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer, n := params(map[string]float32{"RTL_ALT": 3000}), 0
				e, v := newPair(t, Config{}, func(m message.Message) []message.Message {
					if n++; n <= tt.lose {
						return nil
					}
					return answer(m)
				})
				begin := time.Now()
				got, err := e.Param(t.Context(), handle, tt.ask)
				if got != tt.want || !errors.Is(err, tt.err) || len(v.all()) != tt.requests || time.Since(begin) != tt.took {
					t.Errorf("%v, %v, %d requests, took %v", got, err, len(v.all()), time.Since(begin))
				}
				if r := v.all()[0].(*ardupilotmega.MessageParamRequestRead); r.ParamId != tt.ask || r.ParamIndex != -1 || r.TargetSystem != 9 || r.TargetComponent != 1 {
					t.Errorf("%+v", r)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // what was answered is not asked again
		e, v := newPair(t, Config{}, params(map[string]float32{"A": 1, "B": 2}))
		got, err := e.params(t.Context(), e.peers.get(handle), []string{"A", "C", "B"})
		if err != nil || len(got) != 2 || got["A"] != 1 || got["B"] != 2 || len(v.all()) != 3+5 {
			t.Errorf("%v, %v, %d requests", got, err, len(v.all()))
		}
	})
	synctest.Test(t, func(t *testing.T) { // one of two names is enough
		e, v := newPair(t, Config{}, params(map[string]float32{"RTL_ALT": 1}))
		begin := time.Now()
		got, err := e.params(t.Context(), e.peers.get(handle), []string{"RTL_ALT", "RTL_ALT_M"})
		if err != nil || len(got) != 1 || len(v.all()) != 2 || time.Since(begin) != time.Second {
			t.Errorf("%v, %v, %d requests, took %v", got, err, len(v.all()), time.Since(begin))
		}
	})
	synctest.Test(t, func(t *testing.T) { // a vehicle that says so is not asked again
		e, v := newPair(t, Config{}, func(m message.Message) []message.Message {
			return []message.Message{&ardupilotmega.MessageParamError{ParamId: "NO_SUCH"}}
		})
		if _, err := e.Param(t.Context(), handle, "NO_SUCH"); !errors.Is(err, ErrNoAnswer) || len(v.all()) != 1 {
			t.Errorf("%v after %d requests", err, len(v.all()))
		}
	})
}

// Of eight samples the quickest counts; those that are lost are left out.
func TestTimeSync(t *testing.T) {
	const ahead = 3 * time.Hour
	for _, tt := range []struct {
		name    string
		ways    []time.Duration // there, of each sample; 0 is lost
		want    time.Duration
		samples int
		err     error
	}{
		{"even", []time.Duration{20, 20, 20, 20, 20, 20, 20, 20}, ahead, 8, nil},
		{"one quick", []time.Duration{400, 300, 500, 10, 400, 400, 400, 400}, ahead, 8, nil},
		{"some lost", []time.Duration{0, 0, 300, 0, 10, 0, 0, 0}, ahead, 2, nil},
		{"all lost", make([]time.Duration, 8), 0, 0, ErrNoAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				e, v := newPair(t, Config{}, nil)
				v.way = func() []time.Duration { return []time.Duration{0} }
				v.answer = func(m message.Message) []message.Message {
					d := tt.ways[n] * time.Millisecond
					n++
					if d == 0 {
						return nil
					}
					ts := m.(*ardupilotmega.MessageTimesync)
					// The way there takes d, the way back 10 ms.
					time.AfterFunc(d, func() {
						a := &ardupilotmega.MessageTimesync{Tc1: time.Now().Add(ahead).UnixNano(), Ts1: ts.Ts1, TargetSystem: 250, TargetComponent: 190}
						time.AfterFunc(10*time.Millisecond, func() { v.say(a); v.say(a) })
					})
					return nil
				}
				got, err := e.TimeSync(t.Context(), handle)
				if !errors.Is(err, tt.err) || got.Samples != tt.samples {
					t.Fatalf("%+v, %v", got, err)
				}
				if off := got.Ahead - tt.want; err == nil && (off < -got.RoundTrip/2 || off > got.RoundTrip/2 || got.RoundTrip > 30*time.Millisecond) {
					t.Errorf("%+v is off by %v", got, off)
				}
			})
		})
	}
}

func TestAnswersTimeSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, v := newPair(t, Config{}, script())
		go e.Run(t.Context())
		e.Note(handle, 1_700_000_000_000_000, &ardupilotmega.MessageTimesync{Ts1: 77})
		e.Note(handle+1, 5, &ardupilotmega.MessageTimesync{Ts1: 78}) // proved nothing
		synctest.Wait()
		want := ardupilotmega.MessageTimesync{Tc1: 1_700_000_000_000_000_000, Ts1: 77, TargetSystem: 9, TargetComponent: 1}
		if got := v.all(); len(got) != 1 || *got[0].(*ardupilotmega.MessageTimesync) != want {
			t.Errorf("%+v", got)
		}
	})
}
