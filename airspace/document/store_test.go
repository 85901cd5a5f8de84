package document

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var testKey = bytes.Repeat([]byte{7}, keyBytes)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(Config{Dir: dir, Key: testKey, Free: func(string) (int64, error) { return 1 << 40, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func nameOf(permit string, content []byte) Name {
	sum := sha256.Sum256(content)
	return Name{permit, hex.EncodeToString(sum[:])}
}

func keep(t *testing.T, s *Store, permit string, content []byte) Name {
	t.Helper()
	n := nameOf(permit, content)
	in, err := s.Receive(t.Context(), n, "acme", 1<<20, bytes.NewReader(content))
	if err == nil {
		err = errors.Join(in.Keep(), in.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func read(s *Store, n Name) ([]byte, error) {
	c, err := s.Read(n)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return io.ReadAll(c.Reader())
}

// TestStoreKeeps: what was kept is read after a start too, whatever its size, and
// stands nowhere in plain text.
func TestStoreKeeps(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	want := map[Name][]byte{}
	for _, size := range []int{1, chunk - 1, chunk, chunk + 1, 3*chunk - 1, 3 * chunk, 3*chunk + 17} {
		content := bytes.Repeat([]byte("secret "), size/7+1)[:size]
		want[keep(t, s, "pm_1", content)] = content
	}
	s = openStore(t, dir)
	for n, content := range want {
		got, err := read(s, n)
		if err != nil || !bytes.Equal(got, content) || !s.Has(n) {
			t.Errorf("%d bytes: read %d, %v", len(content), len(got), err)
		}
		c, err := s.Read(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, off := range []int64{0, 1, c.Size() / 2, c.Size() - 1} { // in any order
			b := make([]byte, 3)
			k, _ := c.ReadAt(b, off)
			if !bytes.Equal(b[:k], content[off:min(off+3, c.Size())]) {
				t.Errorf("%d bytes at %d: %q", len(content), off, b[:k])
			}
		}
		_ = c.Close()
		raw, err := os.ReadFile(s.path(n))
		if err != nil || bytes.Contains(raw, []byte("secret")) {
			t.Errorf("on disk: %v", err)
		}
		if info, _ := os.Stat(s.path(n)); info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
	}
}

// TestStoreRefuses: what arrives other than announced leaves nothing behind.
func TestStoreRefuses(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	broken := io.MultiReader(strings.NewReader("half"), failing{})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for what, c := range map[string]struct {
		ctx  context.Context
		name Name
		r    io.Reader
		want error
	}{
		"another content":         {t.Context(), nameOf("pm_1", []byte("a")), strings.NewReader("b"), ErrDigest},
		"nothing":                 {t.Context(), nameOf("pm_1", nil), strings.NewReader(""), ErrEmpty},
		"more than it may":        {t.Context(), nameOf("pm_1", make([]byte, 101)), bytes.NewReader(make([]byte, 101)), ErrTooLarge},
		"endless":                 {t.Context(), nameOf("pm_1", nil), rand.Reader, ErrTooLarge},
		"a broken connection":     {t.Context(), nameOf("pm_1", nil), broken, io.ErrClosedPipe},
		"a caller who has gone":   {gone, nameOf("pm_1", []byte("a")), strings.NewReader("a"), context.Canceled},
		"a permit that is a path": {t.Context(), Name{"../../etc", strings.Repeat("a", 64)}, strings.NewReader("a"), ErrDigest},
		"a digest that is a path": {t.Context(), Name{"pm_1", "../../" + strings.Repeat("a", 58)}, strings.NewReader("a"), ErrDigest},
	} {
		if _, err := s.Receive(c.ctx, c.name, "acme", 100, c.r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if in, err := s.Receive(t.Context(), nameOf("pm_1", make([]byte, 100)), "acme", 100, bytes.NewReader(make([]byte, 100))); err != nil {
		t.Errorf("exactly as much as it may: %v", err)
	} else if err := in.Close(); err != nil { // not kept
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) > 0 || err != nil || s.total != 0 || len(s.arriving) != 0 {
		t.Errorf("left behind: %v, %v, %d places", left, err, s.total)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestStoreDamage: a file that is not what was written never reads as if it were.
func TestStoreDamage(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), chunk/8) // two chunks
	for what, spoil := range map[string]func(s *Store, n Name, raw []byte) []byte{
		"a bit of the content": func(_ *Store, _ Name, raw []byte) []byte { raw[len(raw)-1] ^= 1; return raw },
		"a bit of the head":    func(_ *Store, _ Name, raw []byte) []byte { raw[20] ^= 1; return raw },
		"cut at a chunk":       func(_ *Store, _ Name, raw []byte) []byte { return raw[:headBytes+chunk+tagBytes] },
		"cut in the head":      func(_ *Store, _ Name, raw []byte) []byte { return raw[:headBytes-1] },
		"cut behind the head":  func(_ *Store, _ Name, raw []byte) []byte { return raw[:headBytes+tagBytes] },
		"chunks exchanged": func(_ *Store, _ Name, raw []byte) []byte {
			out := append([]byte{}, raw[:headBytes]...)
			out = append(out, raw[headBytes+chunk+tagBytes:]...)
			return append(out, raw[headBytes:headBytes+chunk+tagBytes]...)
		},
		"of another permit": func(s *Store, n Name, _ []byte) []byte {
			raw, _ := os.ReadFile(s.path(Name{"pm_2", n.SHA256}))
			return raw
		},
	} {
		s := openStore(t, t.TempDir())
		n := keep(t, s, "pm_1", content)
		keep(t, s, "pm_2", content)
		raw, err := os.ReadFile(s.path(n))
		if err == nil {
			err = os.WriteFile(s.path(n), spoil(s, n, raw), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := read(s, n); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: read %d bytes, %v", what, len(got), err)
		}
	}
	dir := t.TempDir()
	n := keep(t, openStore(t, dir), "pm_1", content)
	other, err := Open(Config{Dir: dir, Key: bytes.Repeat([]byte{8}, keyBytes)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Read(n); !errors.Is(err, ErrDamaged) {
		t.Errorf("under another key: %v", err)
	}
}

// TestStoreErase: what was erased is gone, and a copy of its content opens no more
// even for who has the key of the store and the erased file.
func TestStoreErase(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	content := bytes.Repeat([]byte("x"), 100)
	n := keep(t, s, "pm_1", content)
	path := s.path(n)
	if err := os.Link(path, filepath.Join(dir, "copy")); err != nil { // the same bytes of the disk
		t.Fatal(err)
	}
	if err := errors.Join(s.Erase(n), s.Erase(n)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(n); !errors.Is(err, ErrMissing) || s.Has(n) {
		t.Errorf("erased: %v", err)
	}
	if err := os.Rename(filepath.Join(dir, "copy"), path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(n); !errors.Is(err, ErrDamaged) {
		t.Errorf("undeleted: %v", err)
	}
}

// TestStoreCrash: a document that had not arrived, and one that no decision names, are
// gone after a start; one that was taken away says so.
func TestStoreCrash(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	named, orphan, taken := keep(t, s, "pm_1", []byte("named")), keep(t, s, "pm_2", []byte("orphan")), keep(t, s, "pm_1", []byte("taken"))
	if _, err := s.Receive(t.Context(), nameOf("pm_1", []byte("half")), "acme", 100, strings.NewReader("half")); err != nil {
		t.Fatal(err) // and the program ends
	}
	if err := os.Remove(s.path(taken)); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	n, err := s.Sweep(func(n Name) bool { return n == named || n == taken })
	if n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, newPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if !s.Has(named) || s.Has(orphan) || s.Has(taken) {
		t.Errorf("named %v, orphan %v, taken %v", s.Has(named), s.Has(orphan), s.Has(taken))
	}
	if _, err := s.Read(taken); !errors.Is(err, ErrMissing) {
		t.Errorf("taken away: %v", err)
	}
}

// TestStoreForeign: under a journal that knows nothing of them, documents stay.
func TestStoreForeign(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	var all []Name
	for i := range maxUnnamed + 1 {
		all = append(all, keep(t, s, "pm_1", fmt.Append(nil, i)))
	}
	n, err := s.Sweep(func(Name) bool { return false })
	if n != 0 || !errors.Is(err, ErrManyUnnamed) {
		t.Errorf("swept %d, %v", n, err)
	}
	for _, n := range all {
		if _, err := read(s, n); err != nil {
			t.Fatalf("lost: %v", err)
		}
	}
	if have, err := Any(dir); !have || err != nil {
		t.Errorf("any: %v, %v", have, err)
	}
	if have, err := Any(t.TempDir()); have || err != nil {
		t.Errorf("any of an empty folder: %v, %v", have, err)
	}
}

// TestStoreGuards: the disk stays free for what else is written, no organisation takes
// all places, and one document is sent by one caller at a time.
func TestStoreGuards(t *testing.T) {
	free := int64(1<<30 + 99)
	s, err := Open(Config{Dir: t.TempDir(), Key: testKey, Free: func(string) (int64, error) { return free, nil }})
	if err != nil {
		t.Fatal(err)
	}
	send := func(org string, i int) (*Incoming, error) {
		content := fmt.Appendf(nil, "%s %d", org, i)
		return s.Receive(t.Context(), nameOf("pm_1", content), org, 100, bytes.NewReader(content))
	}
	if _, err := send("acme", 0); !errors.Is(err, ErrNoSpace) {
		t.Errorf("a full disk: %v", err)
	}
	free++
	var all []*Incoming
	for i := range maxArrivingOrg {
		in, err := send("acme", i)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, in)
	}
	if _, err := send("acme", 99); !errors.Is(err, ErrBusy) {
		t.Errorf("one more of the organisation: %v", err)
	}
	other, err := send("harbour", 1)
	if err != nil {
		t.Errorf("one of another organisation: %v", err)
	}
	for _, in := range append(all, other) {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
	n := nameOf("pm_1", []byte("held"))
	release, err := s.Hold(n)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Hold(n); !errors.Is(err, ErrBusy) {
		t.Errorf("held twice: %v", err)
	}
	release()
	if _, err := s.Hold(n); err != nil {
		t.Errorf("held after the release: %v", err)
	}
}
