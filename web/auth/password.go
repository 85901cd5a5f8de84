package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Argon2id parameters, OWASP's minimum: 22 ms and 19 MiB for each hash.
const (
	argonMemoryKiB = 19 * 1024
	argonTime      = 2
	argonThreads   = 1
	argonSalt      = 16 // bytes
	argonKey       = 32 // bytes
)

const (
	// hashesAtOnce bounds memory and time that sign-ins take from the zone.
	hashesAtOnce = 2
	hashesQueued = 32
	// MinPassword and MaxPassword bound a password in characters. Length is all
	// that is asked, as NIST SP 800-63B section 3.1.1 advises.
	MinPassword = 12
	MaxPassword = 128
)

// hasher bounds how many passwords are hashed at the same time.
type hasher struct {
	waiting chan struct{} // those that hash and those that wait
	running chan struct{}
	hash    func(password, salt []byte) []byte
}

func newHasher() *hasher {
	return &hasher{
		waiting: make(chan struct{}, hashesAtOnce+hashesQueued), running: make(chan struct{}, hashesAtOnce),
		hash: func(password, salt []byte) []byte {
			return argon2.IDKey(password, salt, argonTime, argonMemoryKiB, argonThreads, argonKey)
		},
	}
}

// do hashes when it is its turn; when too many wait it says so at once.
func (h *hasher) do(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, &LimitedError{RetryAfter: time.Second, Busy: true}
	}
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return h.hash([]byte(password), salt), nil
}

// make hashes a new password into PHC form.
func (h *hasher) make(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // crypto/rand.Read never fails
	sum, err := h.do(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return phc(salt, sum), nil
}

func phc(salt, sum []byte) string {
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemoryKiB, argonTime, argonThreads, enc(salt), enc(sum))
}

// verify compares a password with a stored hash. Without a usable hash it does
// the same work and says no, so that the time does not tell who exists.
func (h *hasher) verify(ctx context.Context, password, stored string) (bool, error) {
	salt, want, ok := parsePHC(stored)
	if !ok {
		salt, want = make([]byte, argonSalt), make([]byte, argonKey)
	}
	sum, err := h.do(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, want) == 1 && ok, nil
}

// parsePHC reads a hash that was made with the parameters of now; with other
// ones the password has to be set again.
func parsePHC(s string) (salt, sum []byte, ok bool) {
	head := fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, argonMemoryKiB, argonTime, argonThreads)
	rest, ok := strings.CutPrefix(s, head)
	if !ok {
		return nil, nil, false
	}
	first, second, ok := strings.Cut(rest, "$")
	if !ok {
		return nil, nil, false
	}
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(first)
	sum, err2 := base64.RawStdEncoding.Strict().DecodeString(second)
	return salt, sum, err1 == nil && err2 == nil && len(salt) == argonSalt && len(sum) == argonKey && phc(salt, sum) == s
}

// CheckPassword refuses what is too easily guessed.
func CheckPassword(password string, p Profile) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < MinPassword || n > MaxPassword:
		return fmt.Errorf("password %w: it has %d to %d characters", ErrPersonal, MinPassword, MaxPassword)
	case strings.Count(password, password[:1]) == len(password):
		return fmt.Errorf("password %w: it is one character many times", ErrPersonal)
	case p.Login != "" && strings.Contains(strings.ToLower(password), strings.ToLower(p.Login)) && n < len(p.Login)+MinPassword/2:
		return fmt.Errorf("password %w: it is the login name with little more", ErrPersonal)
	}
	return nil
}
