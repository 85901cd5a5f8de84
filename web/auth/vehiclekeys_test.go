package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func signingKey(seed byte) (k SigningKey) {
	for i := range k {
		k[i] = byte(i)*7 + seed
	}
	return k
}

func openVehicles(t *testing.T, dir string) *VehicleSecrets {
	t.Helper()
	s, err := OpenVehicleSecrets(filepath.Join(dir, "secrets"), filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// must is for steps that a test takes for granted.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// TestVehicleSecrets: keys and contacts live through a restart, files tell nothing,
// and what is erased is gone.
func TestVehicleSecrets(t *testing.T) {
	dir := t.TempDir()
	s := openVehicles(t, dir)
	key, contact := signingKey(1), Contact{Name: "Ada Lovelace", Phone: "+86 21 5555 0100", Email: "ada@example.org", Languages: []string{"zh", "en"}}
	must(t, s.SetKey("uav-1", "vk_1", key), s.SetContact("uav-1", &contact), s.SetKey("uav-2", "vk_2", signingKey(2)))

	s = openVehicles(t, dir)
	if got, ok := s.Key("uav-1", "vk_1"); !ok || got != key {
		t.Errorf("the key after a restart: %x, %v", got[:], ok)
	}
	if d := cmp.Diff(&contact, s.Contact("uav-1")); d != "" {
		t.Errorf("the contact after a restart (-want +got):\n%s", d)
	}
	if _, ok := s.Key("uav-2", "vk_1"); ok {
		t.Error("a key is another vehicle's too")
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, key[:4]) || bytes.Contains(raw, []byte("Lovelace")) {
			t.Errorf("%s tells a secret", path)
		}
		return err
	})
	if err != nil || files != 3 { // two vehicles and the key file
		t.Errorf("%d files, %v", files, err)
	}
	must(t, s.RemoveKey("uav-1", "vk_1"), s.RemoveKey("uav-1", "vk_1"), s.Erase("uav-2"), s.Erase("uav-2"))
	s = openVehicles(t, dir)
	if _, ok := s.Key("uav-1", "vk_1"); ok || s.Contact("uav-1") == nil {
		t.Error("a removed key is there, or took the contact with it")
	}
	if _, ok := s.Key("uav-2", "vk_2"); ok {
		t.Error("an erased vehicle has a key")
	}
	if text := fmt.Sprintf("%v %+v %#v %s", key, struct{ K SigningKey }{key}, key, key); strings.Contains(text, "8") {
		t.Errorf("a key is printed: %s", text)
	}
}

func TestVehicleKeysThatAreNone(t *testing.T) {
	s := openVehicles(t, t.TempDir())
	must(t, s.SetKey("uav-1", "vk_1", signingKey(1)))
	half := signingKey(3)
	copy(half[:17], make([]byte, 17))
	for _, c := range []struct {
		name string
		key  SigningKey
		want error
	}{
		{"zeros", SigningKey{}, ErrVehicleKey},
		{"one byte again and again", SigningKey(bytes.Repeat([]byte{7}, 32)), ErrVehicleKey},
		{"half of it zeros", half, ErrVehicleKey},
		{"of another vehicle", signingKey(1), ErrKeyInUse},
		{"a good one", signingKey(9), nil},
	} {
		if err := s.SetKey("uav-2", "vk_9", c.key); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, ok := s.Key("uav-2", "vk_9"); !ok {
		t.Error("the good one is not there")
	}
}

// TestVehicleSweep: what no decision speaks of is gone, the rest stays.
func TestVehicleSweep(t *testing.T) {
	dir := t.TempDir()
	s := openVehicles(t, dir)
	must(t, s.SetKey("uav-1", "vk_1", signingKey(1)), s.SetKey("uav-1", "vk_orphan", signingKey(2)), s.SetContact("uav-1", &Contact{Name: "Ada"}),
		s.SetContact("uav-never", &Contact{Name: "Eve"}))
	must(t, s.Sweep(func(id string) bool { return id == "uav-1" }, func(_, k string) bool { return k == "vk_1" }))
	s = openVehicles(t, dir)
	_, kept := s.Key("uav-1", "vk_1")
	_, orphan := s.Key("uav-1", "vk_orphan")
	if !kept || orphan || s.Contact("uav-1") == nil || s.Contact("uav-never") != nil {
		t.Errorf("kept %v, orphan %v, contacts %v and %v", kept, orphan, s.Contact("uav-1"), s.Contact("uav-never"))
	}
}

// TestVehicleFilesAreBound: a file does not open under another vehicle's name, nor
// as a person's, nor without the key that sealed it, and no new key is made
// beside files that need the old one.
func TestVehicleFilesAreBound(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(dir string) error
	}{
		{"another vehicle's", func(dir string) error {
			return os.Rename(filepath.Join(dir, "secrets/vehicles/uav-1.sealed"), filepath.Join(dir, "secrets/vehicles/uav-2.sealed"))
		}},
		{"a person's", func(dir string) error {
			return os.Rename(filepath.Join(dir, "secrets/p_1.sealed"), filepath.Join(dir, "secrets/vehicles/p_1.sealed"))
		}},
		{"no key file", func(dir string) error { return os.Remove(filepath.Join(dir, "key")) }},
		{"cut off", func(dir string) error { return os.Truncate(filepath.Join(dir, "secrets/vehicles/uav-1.sealed"), 5) }},
	} {
		dir := t.TempDir()
		people, err := OpenSecrets(filepath.Join(dir, "secrets"), filepath.Join(dir, "key"))
		must(t, err)
		s := openVehicles(t, dir)
		must(t, people.SetProfile("p_1", Profile{Login: "ada"}), s.SetKey("uav-1", "vk_1", signingKey(1)), c.damage(dir))
		if _, err := OpenVehicleSecrets(filepath.Join(dir, "secrets"), filepath.Join(dir, "key")); !errors.Is(err, ErrSecrets) {
			t.Errorf("%s opens: %v", c.name, err)
		}
	}
	// Only vehicles are known: people's part makes no new key either.
	dir := t.TempDir()
	must(t, openVehicles(t, dir).SetKey("uav-1", "vk_1", signingKey(1)), os.Remove(filepath.Join(dir, "key")))
	if _, err := OpenSecrets(filepath.Join(dir, "secrets"), filepath.Join(dir, "key")); !errors.Is(err, ErrSecrets) {
		t.Errorf("people's part opens without the key: %v", err)
	}
}
