package journal

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkAppend is one durable entry of 400 bytes, on the file system of the
// temporary folder. Inside the timer: everything but the making of the id.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 256} {
		b.Run("writers="+strconv.Itoa(writers), func(b *testing.B) {
			j := mustOpen(b, Config{Dir: b.TempDir(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
			body := make([]byte, 400)
			b.ReportAllocs()
			b.ResetTimer()
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := j.Append(context.Background(), Entry{ID: NewID(), Kind: Fact, Body: body}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkBareSync is what one write and fdatasync of such an entry costs
// without a journal: the comparison for one writer.
func BenchmarkBareSync(b *testing.B) {
	folder, err := openDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	f, err := folder.Create("bare")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Allocate(64 << 20); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, frameSize(404))
	at := int64(0)
	for b.Loop() {
		if _, err := f.WriteAt(buf, at%(63<<20)); err != nil {
			b.Fatal(err)
		}
		if err := f.Datasync(); err != nil {
			b.Fatal(err)
		}
		at += int64(len(buf))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkOpen is the start from a full segment of entries of 400 bytes, with
// a replay: what a restart takes per entry.
func BenchmarkOpen(b *testing.B) {
	const entries = 100_000
	cfg := Config{Dir: b.TempDir(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	j := mustOpen(b, cfg)
	body := make([]byte, 400)
	for range entries / 1000 {
		batch := make([]Entry, 1000)
		for i := range batch {
			batch[i] = Entry{ID: NewID(), Kind: Fact, Body: body}
		}
		mustAppend(b, j, batch...)
	}
	mustClose(b, j)
	b.ReportAllocs()
	for b.Loop() {
		j := mustOpen(b, cfg)
		n := 0
		if err := j.Replay(1, func(Record) error { n++; return nil }); err != nil || n != entries {
			b.Fatal(n, err)
		}
		mustClose(b, j)
	}
	b.ReportMetric(float64(b.N)*entries/b.Elapsed().Seconds(), "entries/s")
}
