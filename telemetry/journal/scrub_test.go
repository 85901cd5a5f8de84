package journal

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// While the server runs, every byte that rots is found within a day and stops the
// writing; what does not rot is left alone.
func TestScrub(t *testing.T) {
	files, want := threeSegments(t)
	names := []string{}
	for name := range files {
		if strings.HasSuffix(name, segmentSuffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	tests := []struct {
		name, file string
		offset     int
		place      int64 // that is named
	}{
		{name: "nothing"},
		{"an entry of a full segment", names[0], headerSize + 50, headerSize},
		{"its header", names[0], 33, 0},
		{"its footer", names[0], len(files[names[0]]) - 100, int64(len(files[names[0]]) - footerSize)},
		{"an entry of the last one", names[2], headerSize + 60, headerSize},
		{"header of the last one", names[2], 3, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := folderOf(files)
				cfg := quiet(disk)
				cfg.Clock = nil
				begun := time.Now()
				j := mustOpen(t, cfg)
				defer j.Close()
				if tt.file != "" {
					f, err := disk.Open(tt.file)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := f.WriteAt([]byte{files[tt.file][tt.offset] ^ 0x10}, int64(tt.offset)); err != nil {
						t.Fatal(err)
					}
				}
				<-time.After(23 * time.Hour)
				synctest.Wait()
				if h := j.Health(); h.State != OK || !h.Scrubbed.IsZero() {
					t.Fatalf("before its time: %+v", h)
				}
				<-time.After(2 * time.Hour)
				synctest.Wait()
				h := j.Health()
				if tt.file == "" {
					if h.State != OK || h.Scrubbed.Sub(begun) < 24*time.Hour || h.Head != uint64(len(want)) {
						t.Fatalf("%+v", h)
					}
					mustAppend(t, j, entryOf(9999, 10))
					return
				}
				var damage *DamageError
				if h.State != ReadOnly || !errors.As(h.Cause, &damage) || damage.File != tt.file || damage.Offset != tt.place {
					t.Fatalf("%+v", h)
				}
				if _, err := j.Append(t.Context(), entryOf(9999, 10)); !errors.Is(err, ErrReadOnly) {
					t.Fatalf("append: %v", err)
				}
			})
		})
	}
}

// The scrub keeps its rate: a segment of 2 MiB at 1 MiB/s takes two seconds.
func TestScrubRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := quiet(newCrashFS())
		cfg.SegmentBytes, cfg.ScrubRate, cfg.ScrubEvery = 4<<20, 1<<20, -1
		j := mustOpen(t, cfg)
		for n := range uint64(4) {
			mustAppend(t, j, entryOf(n, 600<<10))
		}
		begin := time.Now()
		if err := j.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
		mustClose(t, j)
	})
}
