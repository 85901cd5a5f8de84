package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestPasswordHash(t *testing.T) {
	h := newHasher()
	stored, err := h.make(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	// RFC 9106 names; the parameters are those of platform.md section 6.
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored %s", stored)
	}
	other, err := h.make(t.Context(), "correct horse battery")
	if err != nil || other == stored {
		t.Errorf("two hashes of one password are the same, or %v", err)
	}
	for _, c := range []struct {
		password, stored string
		want             bool
	}{
		{"correct horse battery", stored, true}, {"correct horse battery", other, true},
		{"Correct horse battery", stored, false}, {"", stored, false}, {"", "", false}, {"x", "$argon2id$x", false},
		{"correct horse battery", strings.Replace(stored, "t=2", "t=1", 1), false},
	} {
		if ok, err := h.verify(t.Context(), c.password, c.stored); ok != c.want || err != nil {
			t.Errorf("%q against %q: %v, %v", c.password, c.stored, ok, err)
		}
	}
}

// TestUnknownUsersCostTheSame counts hashes instead of seconds.
func TestUnknownUsersCostTheSame(t *testing.T) {
	h := newHasher()
	good, err := h.make(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	hashes, real := 0, h.hash
	h.hash = func(password, salt []byte) []byte {
		hashes++
		return real(password, salt)
	}
	for _, stored := range []string{"", good, "damaged"} {
		hashes = 0
		if _, err := h.verify(t.Context(), "wrong", stored); err != nil || hashes != 1 {
			t.Errorf("a wrong password for %q took %d hashes, %v", stored, hashes, err)
		}
	}
}

func TestHashesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher()
		release := make(chan struct{})
		running := make(chan struct{}, 100)
		h.hash = func(_, salt []byte) []byte {
			running <- struct{}{}
			<-release
			return salt
		}
		results := make(chan error, 100)
		start := func(ctx context.Context) {
			go func() {
				_, err := h.do(ctx, "x", nil)
				results <- err
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range hashesAtOnce + hashesQueued - 1 {
			start(t.Context())
		}
		start(ctx)
		if len(running) != hashesAtOnce {
			t.Errorf("%d hashes run at once", len(running))
		}
		start(t.Context())
		var limited *LimitedError
		if err := <-results; !errors.As(err, &limited) || !limited.Busy {
			t.Errorf("one too many: %v", err)
		}
		cancel()
		synctest.Wait()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("who hung up: %v", err)
		}
		close(release)
		for range hashesAtOnce + hashesQueued - 1 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestCheckPassword(t *testing.T) {
	for _, c := range []struct {
		password string
		ok       bool
	}{
		{"correct horse", true}, {"十二个字的密码也可以用的啊", true}, {"elevenchars", false}, {"", false}, {"aaaaaaaaaaaa", false},
		{"ada.lovelace12", false}, {"my name is ada.lovelace", true}, {strings.Repeat("ab", 64), true}, {strings.Repeat("ab", 65), false},
	} {
		if err := CheckPassword(c.password, Profile{Login: "Ada.Lovelace"}); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrPersonal) {
			t.Errorf("%q: %v", c.password, err)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add(phc(make([]byte, argonSalt), make([]byte, argonKey)))
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		if salt, sum, ok := parsePHC(s); ok && phc(salt, sum) != s {
			t.Errorf("%q is read as %q", s, phc(salt, sum))
		}
	})
}
