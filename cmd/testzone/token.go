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

// bootstrapToken is the SHA-256 of the first administrator's token: from
// TESTZONE_BOOTSTRAP_TOKEN, or of the one that was generated at the first start
// and is kept, hashed, in the data folder. fresh is the token itself when it
// has just been generated.
func bootstrapToken(dataDir string) (hash [32]byte, fresh string, err error) {
	if given := os.Getenv("TESTZONE_BOOTSTRAP_TOKEN"); given != "" {
		if len(given) < 20 {
			return hash, "", errors.New("TESTZONE_BOOTSTRAP_TOKEN is shorter than 20 characters: it opens the whole zone")
		}
		return sha256.Sum256([]byte(given)), "", nil
	}
	path := filepath.Join(dataDir, "bootstrap.sha256")
	kept, err := os.ReadFile(path)
	if err == nil {
		raw, err := hex.DecodeString(strings.TrimSpace(string(kept)))
		if err != nil || len(raw) != len(hash) {
			return hash, "", fmt.Errorf("%s is damaged: delete it, and the next start makes a new token", path)
		}
		return [32]byte(raw), "", nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return hash, "", fmt.Errorf("read bootstrap token: %w", err)
	}
	fresh = newToken()
	hash = sha256.Sum256([]byte(fresh))
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return hash, "", fmt.Errorf("make data folder: %w", err)
	}
	if err := os.WriteFile(path, []byte(hex.EncodeToString(hash[:])+"\n"), 0o600); err != nil {
		return hash, "", fmt.Errorf("keep bootstrap token: %w", err)
	}
	return hash, fresh, nil
}
