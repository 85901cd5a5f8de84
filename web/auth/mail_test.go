package auth

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMail: an address is that of one mailbox, is kept sealed, and is erased with the
// rest of a person.
func TestMail(t *testing.T) {
	dir := t.TempDir()
	open := func() *Secrets {
		s, err := OpenSecrets(filepath.Join(dir, "secrets"), filepath.Join(dir, "key"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	for _, bad := range []string{
		"anna", "Anna <anna@example.org>", "anna@example.org\r\nBcc: all@example.org", "anna@example.org,bob@example.org", "<anna@example.org>",
		"\"a b\"@example.org", "anna@example.org (x)", strings.Repeat("a", 250) + "@example.org",
	} {
		if err := s.SetMail("p_1", Mail{Address: bad}); !errors.Is(err, ErrPersonal) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := s.SetMail("p_1", Mail{Address: "anna@example.org", Language: "zh", Kinds: []string{"permit.approved"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetMail("p_2", Mail{Kinds: []string{"permit.approved"}}); err != nil {
		t.Fatal(err)
	}
	s = open()
	if got := s.Mailed("permit.approved"); !slices.Equal(got, []string{"p_1"}) || len(s.Mailed("permit.refused")) != 0 {
		t.Errorf("mailed: %v", got)
	}
	if got := s.Mail("p_1"); got.Address != "anna@example.org" || got.Language != "zh" {
		t.Errorf("after a restart: %+v", got)
	}
	if err := s.Erase("p_1"); err != nil {
		t.Fatal(err)
	}
	if got := open().Mail("p_1"); got.Address != "" {
		t.Errorf("erased: %+v", got)
	}
}
