package command

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/vehicles"
)

// callsTold is what was told of calls so far, in short: "+order why" and "-cause".
func (w *world) callsTold() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, c := range w.called {
		if c.Began {
			out = append(out, "+"+c.Why)
		} else {
			out = append(out, "-"+c.Cause)
		}
	}
	return strings.Join(out, " ")
}

func denied(context.Context, int, Command) error { return &Refusal{Text: "denied"} }

// TestACallIsNeededWhenAnOrderComesToNothing: of the newest order, of a vehicle that
// is not at rest, and until one of three things ends it.
func TestACallIsNeededWhenAnOrderComesToNothing(t *testing.T) {
	const refused = "+hold by ann is refused: denied"
	for _, c := range []struct {
		name string
		then func(w *world)
		want string
	}{
		{"nothing else", func(*world) {}, refused},
		{"a newer order is in effect", func(w *world) {
			w.set(func() { w.answer, w.obeys = nil, true })
			w.mustAsk(Land, ann)
			after(5 * time.Second)
		}, refused + " -in_effect"},
		{"a newer order fails too", func(w *world) {
			w.mustAsk(Land, ann)
			after(5 * time.Second)
		}, refused + " +land by ann is refused: denied"},
		{"it lands", func(w *world) {
			w.set(func() { w.armed, w.velocity = false, vehicles.Velocity{} })
			after(time.Second)
		}, refused + " -at_rest"},
		{"the contact is reached", func(w *world) {
			if _, err := w.d.Called(w.t.Context(), w.id, bob, Reached, "he lands"); err != nil {
				w.t.Fatal(err)
			}
			after(20 * time.Second) // the same order does not ask for a call once more
		}, refused + " -called"},
		{"nobody answers the telephone", func(w *world) {
			for range 2 {
				if _, err := w.d.Called(w.t.Context(), w.id, bob, NotReached, ""); err != nil {
					w.t.Fatal(err)
				}
			}
			if c := w.d.OpenCalls(); len(c) != 1 || c[0].Tries != 2 || c[0].By != "bob" || c[0].Outcome != NotReached {
				w.t.Errorf("after two tries: %+v", c)
			}
		}, refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.answer, w.obeys = denied, false
				w.mustAsk(Hold, ann)
				after(time.Second)
				c.then(w)
				if got := w.callsTold(); got != c.want {
					t.Errorf("told %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestNobodyIsCalledAboutWhatStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.id.Class, w.id.Source.MAVType = vehicles.ICV, 10
		w.answer, w.obeys, w.velocity = denied, false, vehicles.Velocity{}
		w.mustAsk(Hold, ann)
		after(2 * time.Second)
		if got := w.callsTold(); got != "" {
			t.Errorf("of a car that stands: %s", got)
		}
		w.set(func() { w.velocity.N = 800 }) // it stood at a junction
		after(2 * time.Second)
		w.set(func() { w.velocity.N = 0 })
		after(9 * time.Second)
		if got := w.callsTold(); !strings.HasPrefix(got, "+hold") || strings.Contains(got, " -") {
			t.Errorf("when it goes on, and stands for a moment: %s", got)
		}
		after(3 * time.Second)
		if got := w.callsTold(); !strings.HasSuffix(got, " -at_rest") {
			t.Errorf("when it stands: %s", got)
		}
	})
}

// TestNobodyIsCalledForResume: what was to go on stays where it was stopped.
func TestNobodyIsCalledForResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hold := w.mustAsk(Hold, ann)
		after(2 * time.Second)
		w.set(func() { w.answer = denied })
		if _, err := w.ask(Request{Kind: Resume, By: ann, Ends: hold.ID}); err != nil {
			t.Fatal(err)
		}
		after(2 * time.Second)
		if got := w.callsTold(); got != "" {
			t.Errorf("told %q", got)
		}
	})
}

// TestACallOutlivesTheRestart, by the journal and by a snapshot: the alert is told of
// once more, and it ends as before.
func TestACallOutlivesTheRestart(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.answer, w.obeys = denied, false
			w.mustAsk(Hold, ann)
			after(time.Second)
			w.d.NeedCall(w.id, "it cannot return")
			after(time.Second)
			n := len(w.log.records())
			w.set(func() { w.called = nil })
			stop := w.start()
			if snapshot {
				stop()
				w.set(func() { w.called = nil })
				w.restored(n)
				w.d.attendOpen()
			}
			after(time.Second)
			const again = "+it cannot return" // perhaps twice: Run may begin after the state was installed
			if got := w.callsTold(); got != again && got != again+" "+again {
				t.Errorf("after the restart: %q", got)
			}
			w.set(func() { w.armed, w.velocity = false, vehicles.Velocity{} })
			after(time.Second)
			if got := w.d.OpenCalls(); len(got) != 0 || !strings.HasSuffix(w.callsTold(), " -at_rest") {
				t.Errorf("when it has landed: %+v, told %q", got, w.callsTold())
			}
		})
	}
}
