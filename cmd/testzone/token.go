package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// newToken makes a token of 256 random bits.
func newToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return "tz_" + hex.EncodeToString(b[:])
}

// minTokenLength is the shortest bootstrap token that is taken.
const minTokenLength = 20

// bootstrap is the first administrator's token. Only its SHA-256 is kept.
type bootstrap struct {
	hash  [32]byte
	fresh string // the token itself, when it was generated now
	path  string // where the hash is kept
}

// bootstrapToken is the token of TESTZONE_BOOTSTRAP_TOKEN, the one that an
// earlier start generated, or a fresh one. A fresh one is shown to people first
// and kept then: a start that fails in between makes another.
func bootstrapToken(dataDir string) (bootstrap, error) {
	if given, err := givenToken(); given != "" || err != nil {
		return bootstrap{hash: sha256.Sum256([]byte(given))}, err
	}
	b := bootstrap{path: filepath.Join(dataDir, "bootstrap.sha256")}
	kept, err := os.ReadFile(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		b.fresh = newToken()
		b.hash = sha256.Sum256([]byte(b.fresh))
		return b, nil
	}
	if err != nil {
		return b, fmt.Errorf("read bootstrap token: %w", err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(kept)))
	if err != nil || len(raw) != len(b.hash) {
		return b, fmt.Errorf("%s is damaged: delete it, and the next start makes a new token", b.path)
	}
	b.hash = [32]byte(raw)
	return b, nil
}

// givenToken is the token of the environment, empty if there is none.
func givenToken() (string, error) {
	given := os.Getenv("TESTZONE_BOOTSTRAP_TOKEN")
	if given != "" && len(given) < minTokenLength {
		return "", fmt.Errorf("TESTZONE_BOOTSTRAP_TOKEN is shorter than %d characters: it opens the whole zone", minTokenLength)
	}
	return given, nil
}

// keep makes a fresh token's hash durable; without a fresh token it does nothing.
func (b *bootstrap) keep() error {
	if b.fresh == "" {
		return nil
	}
	if err := b.write(); err != nil {
		return fmt.Errorf("keep bootstrap token: %w", err)
	}
	return nil
}

func (b *bootstrap) write() error {
	f, err := os.CreateTemp(filepath.Dir(b.path), ".bootstrap-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.WriteString(hex.EncodeToString(b.hash[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), b.path)
}
