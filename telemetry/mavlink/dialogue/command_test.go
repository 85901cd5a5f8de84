package dialogue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
)

type ardupilotmegaCmd = common.MAV_CMD

const returnHome = 20 // MAV_CMD_NAV_RETURN_TO_LAUNCH

func says(severity ardupilotmega.MAV_SEVERITY, s string) *ardupilotmega.MessageStatustext {
	return &ardupilotmega.MessageStatustext{Severity: severity, Text: s}
}

func TestCommand(t *testing.T) {
	ok, no := []Result{Accepted}, []Result(nil)
	foreign := ack(returnHome, Accepted)
	foreign.TargetSystem = 255
	camera := ack(returnHome, Accepted)
	camera.TargetComponent = 100
	bare := ack(returnHome, Accepted)
	bare.TargetSystem, bare.TargetComponent = 0, 0
	answering := func(list ...message.Message) func(message.Message) []message.Message {
		return func(message.Message) []message.Message { return list }
	}
	located := Command{ID: 192, Located: true, Frame: 3, Params: [7]float64{-1, 0, 0, math.NaN(), 31.230416, 121.473701, 40}}
	for _, tt := range []struct {
		name     string
		cmd      Command
		answer   func(message.Message) []message.Message
		vouched  bool
		fail     []error
		want     error
		result   Result // with ErrRefused
		said     string
		requests int
		took     time.Duration
	}{
		{name: "accepted", answer: script(ok), requests: 1, took: 20 * time.Millisecond},
		{name: "silent", answer: script(), want: ErrNoAnswer, requests: 6, took: 6 * time.Second},
		{name: "second request answered", answer: script(no, ok), requests: 2, took: 1020 * time.Millisecond},
		{name: "sixth request answered", answer: script(no, no, no, no, no, ok), requests: 6, took: 5020 * time.Millisecond},
		{name: "answered twice", answer: script([]Result{Accepted, Accepted}), requests: 1, took: 20 * time.Millisecond},
		{name: "rejected for now", answer: script([]Result{TemporarilyRejected}, []Result{TemporarilyRejected}, ok), requests: 3, took: 4060 * time.Millisecond},
		{name: "rejected for good", answer: script([]Result{TemporarilyRejected}), want: ErrRefused, result: TemporarilyRejected, requests: 6, took: 11120 * time.Millisecond},
		{name: "denied", answer: script([]Result{Denied}), want: ErrRefused, result: Denied, requests: 1, took: 1020 * time.Millisecond},
		{name: "failed", answer: script([]Result{Failed}), want: ErrRefused, result: Failed, requests: 1, took: 1020 * time.Millisecond},
		{name: "cancelled", answer: script([]Result{Cancelled}), want: ErrRefused, result: Cancelled, requests: 1, took: 1020 * time.Millisecond},
		{name: "not in control", answer: script([]Result{NotInControl}), want: ErrRefused, result: NotInControl, requests: 1, took: 1020 * time.Millisecond},
		{name: "denied with a reason", answer: answering(says(4, "PreArm: GPS 1: Bad fix"), says(6, "hello"), ack(returnHome, Denied)),
			want: ErrRefused, result: Denied, said: "PreArm: GPS 1: Bad fix", requests: 1, took: 20 * time.Millisecond},
		{name: "denied, the reason behind", answer: answering(ack(returnHome, Denied), says(2, "Mode change failed")),
			want: ErrRefused, result: Denied, said: "Mode change failed", requests: 1, took: 20 * time.Millisecond},
		{name: "only as long", cmd: located, answer: script([]Result{LongOnly}, ok), requests: 2, took: 40 * time.Millisecond},
		{name: "only as int", answer: script([]Result{IntOnly}, ok), requests: 2, took: 40 * time.Millisecond},
		{name: "neither form", answer: script([]Result{IntOnly}, []Result{LongOnly}), want: ErrRefused, result: LongOnly, requests: 2, took: 1040 * time.Millisecond},
		{name: "other frame", cmd: located, answer: script([]Result{UnsupportedFrame}, ok), requests: 2, took: 40 * time.Millisecond},
		{name: "no frame", cmd: located, answer: script([]Result{UnsupportedFrame}), want: ErrRefused, result: UnsupportedFrame, requests: 2, took: 1040 * time.Millisecond},
		{name: "other command acknowledged", answer: answering(ack(21, Accepted)), want: ErrNoAnswer, requests: 6, took: 6 * time.Second},
		{name: "answer to another station", answer: answering(foreign), want: ErrNoAnswer, requests: 6, took: 6 * time.Second},
		{name: "answer to another component", answer: answering(camera), want: ErrNoAnswer, requests: 6, took: 6 * time.Second},
		{name: "answer to nobody", answer: answering(bare), requests: 1, took: 20 * time.Millisecond},
		{name: "answer to nobody, behind a gateway", answer: answering(bare), vouched: true, want: ErrNoAnswer, requests: 6, took: 6 * time.Second},
		{name: "link busy for a while", answer: script(ok), fail: []error{mavlink.ErrBusy, mavlink.ErrSendRate, mavlink.ErrNoRoute}, want: nil, requests: 1, took: 3020 * time.Millisecond},
		{name: "link busy for long", answer: script(ok), fail: []error{mavlink.ErrBusy, mavlink.ErrBusy, mavlink.ErrBusy, mavlink.ErrBusy, mavlink.ErrBusy, mavlink.ErrBusy}, want: mavlink.ErrBusy, took: 6 * time.Second},
		{name: "not reachable", answer: script(ok), fail: []error{mavlink.ErrNoRoute}, want: mavlink.ErrNoRoute},
		{name: "forbidden, which no second try changes", answer: script(ok), fail: []error{mavlink.ErrForbidden}, want: mavlink.ErrForbidden},
		{name: "forbidden after a while", answer: script(no), fail: []error{nil, mavlink.ErrTarget}, want: mavlink.ErrTarget, requests: 1, took: time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, v := newPair(t, Config{}, tt.answer)
				v.route.Credential.Vouched, v.fail = tt.vouched, tt.fail
				if tt.cmd.ID == 0 {
					tt.cmd.ID = returnHome
				}
				begin := time.Now()
				got, err := e.Command(t.Context(), handle, tt.cmd)
				if !errors.Is(err, tt.want) {
					t.Fatalf("got %v, want %v", err, tt.want)
				}
				if took := time.Since(begin); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if n := len(v.all()); n != tt.requests || err == nil && got.Requests != n {
					t.Errorf("%d requests, %d counted, want %d", n, got.Requests, tt.requests)
				}
				var r *Refusal
				if errors.As(err, &r) && (r.Result != tt.result || r.Said != tt.said || r.Vehicle != "uav-9") {
					t.Errorf("refusal %+v", r)
				}
				if err == nil && got.RoundTrip != 20*time.Millisecond {
					t.Errorf("round trip %v", got.RoundTrip)
				}
				if len(e.peers.get(handle).boxes) != 0 || len(e.peers.get(handle).pending) != 0 {
					t.Error("something is left behind")
				}
			})
		})
	}
}

// What goes out: confirmation counts requests in the long form, a position goes
// to the centimetre, and the twin form and frame say the same.
func TestCommandOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, v := newPair(t, Config{}, script(nil, nil, []Result{IntOnly}, []Result{UnsupportedFrame}, []Result{Accepted}))
		c := Command{ID: 192, Located: false, Frame: 3, Params: [7]float64{1, 2, 3, 4, 5, 6, 7}}
		if _, err := e.Command(t.Context(), handle, c); !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
		for i, m := range v.all() {
			switch m := m.(type) {
			case *ardupilotmega.MessageCommandLong:
				if int(m.Confirmation) != i || m.TargetSystem != 9 || m.TargetComponent != 1 || m.Param5 != 5 || i > 2 {
					t.Errorf("request %d: %+v", i, m)
				}
			case *ardupilotmega.MessageCommandInt:
				if m.X != 5 || m.Y != 6 || m.Z != 7 || m.Param4 != 4 || i != 3 {
					t.Errorf("request %d: %+v", i, m)
				}
			}
		}
		time.Sleep(debtTime) // the bubble's clock: no answer to the first two comes any more
		v.answer = script([]Result{UnsupportedFrame}, []Result{Accepted})
		c = Command{ID: 192, Located: true, Frame: 3, Component: 154, Params: [7]float64{-1, 0, 0, math.NaN(), 31.2304161, 121.4737011, 40}}
		if _, err := e.Command(t.Context(), handle, c); err != nil {
			t.Fatal(err)
		}
		last := v.all()[5].(*ardupilotmega.MessageCommandInt)
		if last.X != 312304161 || last.Y != 1214737011 || last.Frame != 6 || last.TargetComponent != 154 || !math.IsNaN(float64(last.Param4)) {
			t.Errorf("%+v", last)
		}
		v.answer = script([]Result{Accepted})
		c.Params[4], c.Params[5] = math.NaN(), math.NaN()
		if _, err := e.Command(t.Context(), handle, c); err != nil {
			t.Fatal(err)
		}
		if last := v.all()[6].(*ardupilotmega.MessageCommandInt); last.X != math.MaxInt32 || last.Y != math.MaxInt32 {
			t.Errorf("no position: %+v", last)
		}
	})
}

// A command that takes long is not sent again, and may take 30 s between signs of progress.
func TestCommandInProgress(t *testing.T) {
	for _, ends := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var v *vehicle
			e, v := newPair(t, Config{}, func(m message.Message) []message.Message {
				for i, d := range []time.Duration{0, 25 * time.Second, 50 * time.Second} {
					time.AfterFunc(d, func() {
						a := ack(returnHome, InProgress)
						a.Progress = uint8(10 * i)
						v.say(a)
					})
				}
				if ends {
					time.AfterFunc(75*time.Second, func() { v.say(ack(returnHome, Accepted)) })
				}
				return nil
			})
			var seen []uint8
			begin := time.Now()
			_, err := e.Command(t.Context(), handle, Command{ID: returnHome, Progress: func(p uint8) { seen = append(seen, p) }})
			if ends != (err == nil) || !ends && !errors.Is(err, ErrNoAnswer) {
				t.Errorf("ends %v: %v", ends, err)
			}
			if took := time.Since(begin).Round(time.Second); ends && took != 75*time.Second || !ends && took != 80*time.Second {
				t.Errorf("ends %v: took %v", ends, took)
			}
			if fmt.Sprint(seen) != "[0 10 20]" || len(v.all()) != 1 {
				t.Errorf("progress %v, %d requests", seen, len(v.all()))
			}
		})
	}
}

// On a link that is slower than the time for an answer, the late acknowledgement of
// one order is not taken for that of the next.
func TestLateAcknowledgements(t *testing.T) {
	hold, land := Command{ID: 176, Params: [7]float64{1, 17}}, Command{ID: 176, Params: [7]float64{1, 9}}
	for _, tt := range []struct {
		name string
		next Command
		wait time.Duration
		want error
		took time.Duration
	}{
		{"another order", land, 0, ErrRefused, 1200*time.Millisecond + textTime},
		{"another order, much later", land, time.Minute, ErrRefused, 1200*time.Millisecond + textTime},
		{"the same again", hold, 0, nil, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, v := newPair(t, Config{}, func(m message.Message) []message.Message {
					if m.(*ardupilotmega.MessageCommandLong).Param2 == 17 {
						return []message.Message{ack(176, Accepted)}
					}
					return []message.Message{ack(176, Denied)}
				})
				v.way = func() []time.Duration { return []time.Duration{600 * time.Millisecond} }
				if got, err := e.Command(t.Context(), handle, hold); err != nil || got.Requests != 2 {
					t.Fatalf("%+v, %v", got, err)
				}
				time.Sleep(tt.wait) // the bubble's clock
				begin := time.Now()
				if _, err := e.Command(t.Context(), handle, tt.next); !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if took := time.Since(begin); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

// Where the missing acknowledgements were lost, the next order is believed a
// little later, and went out at once.
func TestLostAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, v := newPair(t, Config{}, script(nil, []Result{Accepted}))
		if _, err := e.Command(t.Context(), handle, Command{ID: 176}); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		got, err := e.Command(t.Context(), handle, Command{ID: 176, Params: [7]float64{1}})
		if err != nil || got.Requests != 2 || v.at[2] != begin || time.Since(begin) != 1020*time.Millisecond {
			t.Errorf("%+v, %v, took %v", got, err, time.Since(begin))
		}
	})
}

// Whatever a poor link loses, doubles, delays and reorders, a conversation ends
// in time, and nothing is taken for accepted that did not reach the vehicle.
func TestCommandsOverAPoorLink(t *testing.T) {
	accepted := 0
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			e, v := newPair(t, Config{}, script([]Result{Accepted}))
			v.way = poor(seed)
			begin := time.Now()
			_, err := e.Command(t.Context(), handle, Command{ID: returnHome})
			switch {
			case err == nil:
				accepted++
				v.mu.Lock()
				defer v.mu.Unlock()
				if len(v.got) == 0 {
					t.Errorf("seed %d: accepted what never arrived", seed)
				}
			case !errors.Is(err, ErrNoAnswer):
				t.Errorf("seed %d: %v", seed, err)
			}
			if time.Since(begin) > 6*time.Second {
				t.Errorf("seed %d: took %v", seed, time.Since(begin))
			}
		})
	}
	if accepted < 250 || accepted == 300 {
		t.Errorf("%d of 300 accepted: the link is not poor, or six requests do not help", accepted)
	}
}

func TestConversationsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, v := newPair(t, Config{}, script())
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if _, err := e.Command(ctx, handle, Command{ID: 1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled: %v", err)
		}
		errs := make(chan error)
		go func() { _, err := e.Command(t.Context(), handle, Command{ID: 2}); errs <- err }()
		go func() { _, err := e.Message(t.Context(), handle, 148); errs <- err }()
		go func() { _, err := e.Param(t.Context(), handle, "X"); errs <- err }()
		go func() { _, err := e.TimeSync(t.Context(), handle); errs <- err }()
		synctest.Wait()
		if _, err := e.Command(t.Context(), handle, Command{ID: 2}); !errors.Is(err, ErrPending) {
			t.Errorf("the same command: %v", err)
		}
		e.Open(handle, mavlink.Source{Vehicle: "uav-9"}) // over a second link
		e.Close(handle)
		synctest.Wait()
		select {
		case err := <-errs:
			t.Errorf("ended with one of two links: %v", err)
		default:
		}
		e.Close(handle)
		for range 4 {
			if err := <-errs; !errors.Is(err, ErrGone) {
				t.Errorf("session over: %v", err)
			}
		}
		if _, err := e.Command(t.Context(), handle, Command{ID: 3}); !errors.Is(err, mavlink.ErrNoRoute) {
			t.Errorf("afterwards: %v", err)
		}
		e.Open(handle, mavlink.Source{SystemID: 9}) // proved nothing
		if _, err := e.Command(t.Context(), handle, Command{ID: 3}); !errors.Is(err, mavlink.ErrNoRoute) {
			t.Errorf("UNVERIFIED: %v", err)
		}
		e.Close(handle)
		_ = v
	})
}

// Text and the answers to others do not keep an acknowledgement out.
func TestMailboxIsReserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := newPair(t, Config{}, script())
		box, err := e.Listen(handle, (&order{Command: Command{ID: returnHome}}).concerns)
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			e.Note(handle, 1, says(4, "flood"))
			e.Note(handle, 1, ack(21, Accepted))
			e.Note(handle, 1, &ardupilotmega.MessageParamValue{ParamId: "X"})
			e.Note(handle, 1, &ardupilotmega.MessageHomePosition{})
		}
		for range 16 {
			e.Note(handle, 1, ack(returnHome, Accepted))
		}
		n, acks := len(box.Letters()), 0
		for range n {
			if l := <-box.Letters(); l.Message.GetID() == 77 {
				acks++
			}
		}
		if n != mailboxSize || acks != 16 {
			t.Errorf("%d letters, %d acknowledgements", n, acks)
		}
		for name, v := range e.Counters() {
			if name == "mailbox_full" && v != 1000-48 {
				t.Errorf("%s %d", name, v)
			}
		}
		box.Close()
		for range maxBoxes {
			if _, err := e.Listen(handle, box.match); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := e.Listen(handle, box.match); !errors.Is(err, ErrTooMany) {
			t.Errorf("one more: %v", err)
		}
	})
}

func TestTextInChunks(t *testing.T) {
	full := strings.Repeat("x", 50)
	chunk := func(id uint16, seq uint8, s string) *ardupilotmega.MessageStatustext {
		return &ardupilotmega.MessageStatustext{Id: id, ChunkSeq: seq, Text: s}
	}
	for _, tt := range []struct {
		name string
		in   []*ardupilotmega.MessageStatustext
		want string
	}{
		{"whole", []*ardupilotmega.MessageStatustext{says(2, " a "), says(2, "b")}, "a; b"},
		{"two chunks", []*ardupilotmega.MessageStatustext{chunk(3, 0, full), chunk(3, 1, "end")}, full + "end"},
		{"one twice", []*ardupilotmega.MessageStatustext{chunk(3, 0, full), chunk(3, 0, full), chunk(3, 1, "end")}, full + "end"},
		{"one lost", []*ardupilotmega.MessageStatustext{chunk(3, 0, full), chunk(3, 2, "end"), chunk(4, 0, "next")}, "next"},
		{"no text", []*ardupilotmega.MessageStatustext{says(2, "  ")}, ""},
		{"not UTF-8", []*ardupilotmega.MessageStatustext{says(2, "a\xff")}, "a?"},
	} {
		var got text
		for _, m := range tt.in {
			got.add(m)
		}
		if got.String() != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got.String(), tt.want)
		}
	}
}
