package journal

import (
	"flag"
	"fmt"
	"testing"
)

var figures = flag.Bool("figures", false, "measure and print the figures of make bench-platform")

// figure is one line of make bench-platform.
func figure(name string, value any, unit string) {
	if *figures {
		fmt.Println(name, value, unit)
	}
}

// times is the full number with -figures, and the short form without.
func times(short, full int) int {
	if *figures {
		return full
	}
	return short
}

func TestFiguresKill9(t *testing.T) {
	missing, duplicate := killRounds(t, times(len(allPoints), 200))
	figure("journal/kill9_missing", missing, "entries")
	figure("journal/kill9_duplicate", duplicate, "entries")
	if missing+duplicate > 0 {
		t.Errorf("%d acknowledged entries are missing, %d are there twice", missing, duplicate)
	}
}
