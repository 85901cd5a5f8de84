package auth

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"testzone/airspace"
)

func openTest(t *testing.T, dir string) *Secrets {
	t.Helper()
	s, err := OpenSecrets(filepath.Join(dir, "secrets"), filepath.Join(dir, "secrets.key"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSecretsLiveThroughARestart(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	ada := Profile{Login: "Ada@example.org", Name: "Ada 阿达", Subject: "sub-1"}
	if err := s.SetProfile("p_1", ada); err != nil {
		t.Fatal(err)
	}
	if err := s.setPassword("p_1", "$argon2id$of-ada", true); err != nil {
		t.Fatal(err)
	}
	if err := s.know("p_1", "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetProfile("p_2", Profile{Login: "bob"}); err != nil {
		t.Fatal(err)
	}
	want, _ := s.person("p_1")
	s = openTest(t, dir)
	got, ok := s.byLogin("ADA@EXAMPLE.ORG")
	if d := cmp.Diff(want, got, cmp.AllowUnexported(sealed{}, keySecret{})); !ok || d != "" {
		t.Errorf("after a restart:\n%s", d)
	}
	if p, ok := s.bySubject("sub-1"); !ok || p != "p_1" {
		t.Errorf("subject is of %q", p)
	}
	if _, ok := s.bySubject(""); ok {
		t.Error("an empty subject is somebody")
	}
	// Nothing can be read without the key, and by nobody else.
	files, _ := filepath.Glob(filepath.Join(dir, "secrets", "*"))
	if len(files) != 2 {
		t.Errorf("files: %v", files)
	}
	for _, f := range append(files, filepath.Join(dir, "secrets.key")) {
		raw, err := os.ReadFile(f)
		if err != nil || bytes.Contains(bytes.ToLower(raw), []byte("ada")) || bytes.Contains(raw, []byte("argon2")) {
			t.Errorf("%s tells who, or %v", f, err)
		}
		if info, _ := os.Stat(f); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
}

func TestErase(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	for _, id := range []string{"p_1", "p_2"} {
		if err := s.SetProfile(id, Profile{Login: "of-" + id, Subject: "sub-" + id}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := s.Erase("p_1"); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		_, login := s.byLogin("of-p_1")
		_, subject := s.bySubject("sub-p_1")
		if login || subject || s.Profile("p_1") != (Profile{}) || s.Profile("p_2").Login != "of-p_2" {
			t.Errorf("after the erasure: %v %v %+v", login, subject, s.Profile("p_2"))
		}
		s = openTest(t, dir)
	}
	if got := s.People(); !slices.Equal(got, []string{"p_2"}) {
		t.Errorf("people: %v", got)
	}
	// The login is free for another person.
	if err := s.SetProfile("p_3", Profile{Login: "of-p_1"}); err != nil {
		t.Error(err)
	}
}

func TestSecretsThatDoNotOpen(t *testing.T) {
	damage := map[string]func(dir string) error{
		"without the key": func(dir string) error { return os.Remove(filepath.Join(dir, "secrets.key")) },
		"another key": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "secrets.key"), make([]byte, keyBytes), 0o600)
		},
		"short key":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "secrets.key"), nil, 0o600) },
		"readable key": func(dir string) error { return os.Chmod(filepath.Join(dir, "secrets.key"), 0o640) },
		"file cut":     func(dir string) error { return os.Truncate(filepath.Join(dir, "secrets", "p_1.sealed"), 40) },
		"file empty":   func(dir string) error { return os.Truncate(filepath.Join(dir, "secrets", "p_1.sealed"), 0) },
		"file of other": func(dir string) error {
			return os.Rename(filepath.Join(dir, "secrets", "p_1.sealed"), filepath.Join(dir, "secrets", "p_2.sealed"))
		},
		"bit flipped": func(dir string) error {
			path := filepath.Join(dir, "secrets", "p_1.sealed")
			raw, err := os.ReadFile(path)
			if err == nil {
				raw[20] ^= 1
				err = os.WriteFile(path, raw, 0o600)
			}
			return err
		},
	}
	for name, harm := range damage {
		dir := t.TempDir()
		if err := openTest(t, dir).SetProfile("p_1", Profile{Login: "ada"}); err != nil {
			t.Fatal(err)
		}
		if err := harm(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSecrets(filepath.Join(dir, "secrets"), filepath.Join(dir, "secrets.key")); !errors.Is(err, ErrSecrets) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProfiles(t *testing.T) {
	s := openTest(t, t.TempDir())
	if err := s.SetProfile("p_1", Profile{Login: "ada", Subject: "s"}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		p    Profile
		want error
	}{
		"login in capitals": {Profile{Login: "ADA"}, ErrLoginTaken},
		"subject":           {Profile{Subject: "s"}, ErrLoginTaken},
		"space":             {Profile{Login: "a da"}, ErrPersonal},
		"cyrillic a":        {Profile{Login: "аda"}, ErrPersonal},
		"turned around":     {Profile{Name: "Ada\u202eevil"}, ErrPersonal},
		"control":           {Profile{Name: "Ada\n"}, ErrPersonal},
		"long":              {Profile{Login: strings.Repeat("a", 65)}, ErrPersonal},
		"not utf-8":         {Profile{Name: "\xff"}, ErrPersonal},
		"nothing":           {Profile{}, nil},
		"another":           {Profile{Login: "ada2", Name: "Ada 阿达"}, nil},
	} {
		free := s.Free(c.p)
		if set := s.SetProfile("p_2", c.p); !errors.Is(set, c.want) || !errors.Is(free, c.want) {
			t.Errorf("%s: %v, before: %v, want %v", name, set, free, c.want)
		}
	}
	if err := s.SetProfile("p_1", Profile{Login: "Ada", Subject: "s"}); err != nil {
		t.Errorf("one's own: %v", err)
	}
	// What one gives up is free.
	if err := s.SetProfile("p_1", Profile{Login: "new"}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetProfile("p_2", Profile{Login: "ada", Subject: "s"}); err != nil {
		t.Errorf("given up: %v", err)
	}
}

// TestErasedAtTheStart: a crash between the decision and the erasing.
func TestErasedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	for _, id := range []string{"p_1", "p_2", "p_3"} {
		if err := s.SetProfile(id, Profile{Login: "of-" + id}); err != nil {
			t.Fatal(err)
		}
	}
	people := fakePeople{"p_1": {ID: "p_1", Erased: true}, "p_2": {ID: "p_2"}} // p_3 is of a journal that is not here
	if _, err := New(Config{Accounts: people, Secrets: s}); err != nil {
		t.Fatal(err)
	}
	got := openTest(t, dir).People()
	slices.Sort(got)
	if !slices.Equal(got, []string{"p_2", "p_3"}) {
		t.Errorf("left: %v", got)
	}
}

// fakePeople is a register of people only: what the real one would say of these.
type fakePeople map[string]airspace.Person

func (f fakePeople) Person(id string) (airspace.Person, error) {
	p, ok := f[id]
	if !ok {
		return p, airspace.ErrNotFound
	}
	return p, nil
}

func (f fakePeople) PersonActor(id string) (airspace.Actor, uint64, error) {
	return airspace.Actor{}, 0, airspace.ErrNotFound
}

func (f fakePeople) KeyActor(string) (airspace.Actor, airspace.APIKey, error) {
	return airspace.Actor{}, airspace.APIKey{}, airspace.ErrNotFound
}

func (f fakePeople) HasAdministrator() bool { return false }

func (f fakePeople) Ahead(string) time.Duration { return 0 }

func TestLastUseIsWrittenNowAndThen(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	a, err := New(Config{Secrets: s})
	if err != nil {
		t.Fatal(err)
	}
	const id = "k_0123456789abcdef"
	token, err := a.NewKeySecret(airspace.APIKey{ID: id, Person: "p_1"}, "robot")
	if err != nil {
		t.Fatal(err)
	}
	if keyID(token) != id || !s.matches(id, token) || s.matches(id, token+"x") || s.matches("k_none", token) {
		t.Error("the key does not match itself alone")
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Run(ctx) }()
		stored := func() int64 { return openTest(t, dir).people["p_1"].Keys[id].UsedUS }
		use := func() int64 {
			s.used(id, "192.0.2.1", time.Now())
			if use := a.KeyUse(id); use.UsedUS != time.Now().UnixMicro() || use.From != "192.0.2.1" || use.Label != "robot" {
				t.Errorf("use: %+v", use)
			}
			return time.Now().UnixMicro()
		}
		first := use()
		if stored() != 0 {
			t.Error("a use is written at once")
		}
		<-time.After(flushEvery + time.Second) // in the bubble's time
		synctest.Wait()
		if stored() != first {
			t.Error("a use is not written after five minutes")
		}
		last := use()
		stop()
		if err := <-ended; err != nil || stored() != last {
			t.Errorf("a use is not written at the stop: %v", err)
		}
	})
	s.used(id, "192.0.2.1", time.UnixMicro(7))
	if err := errors.Join(s.Erase("p_1"), s.Flush()); err != nil || len(openTest(t, dir).People()) != 0 {
		t.Errorf("a use brings an erased person back, or %v", err)
	}
}

// TestStuckDisk: who signs in does not wait for somebody else's write.
func TestStuckDisk(t *testing.T) {
	s := openTest(t, t.TempDir())
	if err := s.SetProfile("p_1", Profile{Login: "ada"}); err != nil {
		t.Fatal(err)
	}
	s.writing.Lock() // as while a write hangs
	defer s.writing.Unlock()
	if _, ok := s.byLogin("ada"); !ok || s.Profile("p_1").Login != "ada" {
		t.Error("the store does not answer")
	}
	s.used("k_none", "192.0.2.1", time.Now())
}

// FuzzUnseal: bytes from a disk never panic and never open.
func FuzzUnseal(f *testing.F) {
	s, err := OpenSecrets(f.TempDir(), filepath.Join(f.TempDir(), "key"))
	if err != nil {
		f.Fatal(err)
	}
	good, err := s.folder.seal("p_1", &sealed{Person: "p_1", Login: "ada"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := s.folder.open("p_1", raw)
		if (err == nil) != bytes.Equal(raw, good) {
			t.Errorf("opened %s, %v", v, err)
		}
	})
}
