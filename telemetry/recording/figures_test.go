package recording

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

var figures = flag.Bool("figures", false, "measure and print the figures")

// TestRecordingFigures gives one link 100,000 frames of 50 bytes a second, in
// millisecond batches, on the real disk. Inside the timer of recording/ns_per_frame
// are the calls of Record alone. recording/lost is what was given and is not in the
// files afterwards.
func TestRecordingFigures(t *testing.T) {
	const perMS = 100
	length := 300 * time.Millisecond
	if *figures {
		length = 5 * time.Second
	}
	r, err := New(Config{Dir: t.TempDir(), MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	l := link(t, r, "open")
	all := frames(t, 1, 256, true)
	given, inside := 0, time.Duration(0)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); ; {
		now := <-tick.C
		due := int(time.Since(begin).Milliseconds()) * perMS // a late tick makes a larger batch
		us := now.UnixMicro()
		start := time.Now()
		for ; given < due; given++ {
			l.Record(us, all[given%len(all)])
		}
		inside += time.Since(start)
		if time.Since(begin) >= length {
			break
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	st := r.Stats()
	lost := uint64(given) - st.Frames
	if lost != st.Lost["behind"]+st.Lost["disk"]+st.Lost["no_space"] {
		t.Errorf("%d given, %d written, told: %v", given, st.Frames, st.Lost)
	}
	for _, s := range r.Segments() {
		if !s.Sealed {
			t.Errorf("%s is not sealed", s.Name)
		}
	}
	if *figures {
		fmt.Printf("recording/ns_per_frame %.0f ns\n", float64(inside.Nanoseconds())/float64(given))
		fmt.Printf("recording/lost %d frames\n", lost)
		fmt.Fprintf(os.Stderr, "%d frames, %d MiB in %v; goal 0 lost\n", given, st.Bytes>>20, length)
	}
}
