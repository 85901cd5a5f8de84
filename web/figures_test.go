package web

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var figures = flag.Bool("figures", false, "measure and print the figures of make bench-platform that are of the API")

// TestPlatformFigures measures how much longer a durable change of a fence over
// HTTP takes than the sync of a disk alone: one change and one bare write with
// fdatasync by turns, in the same folder, of the size of the entry. Inside the
// timer of the change is all that a client waits for, from the connection that is
// open already to the body of the answer. Without -figures only a few are
// measured and nothing is judged.
func TestPlatformFigures(t *testing.T) {
	rounds := 50
	if *figures {
		rounds = 5000
	}
	z := newTestZone(t, zoneOptions{})
	bare := newBareSync(t)
	body := fenceBody("river", square, "")
	var f Fence
	created := z.call(adminToken, "POST", "/v1/fences", body)
	created.json(t, &f)
	// Not the client of net/http: its two goroutines per connection are no cost of the server.
	conn, err := net.Dial("tcp", strings.TrimPrefix(z.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	change := func(rev int) time.Duration {
		request := fmt.Sprintf("PUT /v1/fences/%s HTTP/1.1\r\nHost: zone\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nIf-Match: \"%d\"\r\nContent-Length: %d\r\n\r\n%s",
			f.ID, adminToken, rev, len(body), body)
		begin := time.Now()
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, res.Body)
		took := time.Since(begin)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("change %d answers %d, %v", rev, res.StatusCode, err)
		}
		return took
	}
	changes, syncs := make([]time.Duration, rounds), make([]time.Duration, rounds)
	head := z.head()
	for i := range rounds {
		changes[i] = change(i + 1)
		syncs[i] = bare.once(t)
	}
	if got := z.head() - head; got != uint64(rounds) {
		t.Fatalf("%d entries for %d changes", got, rounds)
	}
	slices.Sort(changes)
	slices.Sort(syncs)
	p := func(d []time.Duration, q float64) float64 {
		return float64(d[int(q*float64(len(d)-1))].Nanoseconds()) / 1e6
	}
	fmt.Printf("api/decision_p99_over_fdatasync %.2f ratio\n", p(changes, 0.99)/p(syncs, 0.99))
	fmt.Printf("api/decision_p99 %.3f ms\n", p(changes, 0.99))
	fmt.Printf("api/decision_median %.3f ms\n", p(changes, 0.5))
	fmt.Printf("api/fdatasync_p99 %.3f ms\n", p(syncs, 0.99))
	fmt.Printf("api/fdatasync_median %.3f ms\n", p(syncs, 0.5))
	fmt.Fprintf(os.Stderr, "%d changes of one fence by one client and %d bare syncs by turns; goal of the ratio <= 2\n", rounds, rounds)
}

// bareSync writes as the journal does, into space that is allocated already,
// and nothing else.
type bareSync struct {
	file *os.File
	at   int64
	buf  []byte
}

func newBareSync(t *testing.T) *bareSync {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "bare"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if _, err := file.Write(make([]byte, 8<<20)); err != nil {
		t.Fatal(err)
	}
	if err := file.Sync(); err != nil {
		t.Fatal(err)
	}
	return &bareSync{file: file, buf: bytes.Repeat([]byte("x"), 700)}
}

func (b *bareSync) once(t *testing.T) time.Duration {
	t.Helper()
	begin := time.Now()
	if _, err := b.file.WriteAt(b.buf, b.at); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fdatasync(int(b.file.Fd())); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	b.at += int64(len(b.buf))
	return took
}
