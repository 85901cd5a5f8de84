package audit

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"testzone/telemetry/journal"
)

var figures = flag.Bool("figures", false, "print the figures of make bench-platform; without it a short form runs")

// TestAuditFigures says what an entry, a proof and a million entries cost. Every
// proof that is timed is checked as well.
func TestAuditFigures(t *testing.T) {
	entries, proofs := int64(20_000), int64(200)
	if *figures {
		entries, proofs = 1_000_000, 10_000
	}
	var log Log
	before := heap()
	begin := time.Now()
	for seq := int64(1); seq <= entries; seq++ {
		rec := journal.Record{Seq: uint64(seq)}
		binary.LittleEndian.PutUint64(rec.Hash[:], uint64(seq))
		if err := log.Add(&rec); err != nil {
			t.Fatal(err)
		}
	}
	appended := time.Since(begin)
	memory := heap() - before
	root, err := log.Root(entries)
	if err != nil {
		t.Fatal(err)
	}
	var proved time.Duration
	for i := range proofs {
		seq := i*(entries/proofs) + 1
		begin := time.Now()
		p, err := log.Inclusion(seq, entries)
		proved += time.Since(begin)
		if err != nil {
			t.Fatal(err)
		}
		var hash [32]byte
		binary.LittleEndian.PutUint64(hash[:], uint64(seq))
		if err := tlog.CheckRecord(p, entries, root, seq-1, tlog.RecordHash(hash[:])); err != nil {
			t.Fatalf("entry %d: %v", seq, err)
		}
	}
	if !*figures {
		return
	}
	fmt.Printf("audit/append_us %.2f us\n", float64(appended.Microseconds())/float64(entries))
	fmt.Printf("audit/proof_us %.2f us\n", float64(proved.Microseconds())/float64(proofs))
	fmt.Printf("audit/memory_mib_per_1m %.0f MiB\n", float64(memory)/float64(entries)*1e6/(1<<20))
	fmt.Fprintf(os.Stderr, "# audit: %d entries, %d inclusion proofs, each checked; no goals\n", entries, proofs)
	runtime.KeepAlive(&log)
}

// heap is the bytes that live after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
