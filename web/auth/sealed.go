package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	secretSuffix = ".sealed"
	keyBytes     = 32
)

// sealedFolder keeps one JSON document per name, sealed with AES-256-GCM under
// the key file, written whole and synced before a call returns. Several folders
// share a key file; kind tells their documents apart. Writes of one name are the
// caller's to put in order.
type sealedFolder struct {
	dir   string // empty: nothing is kept
	kind  string // of the documents; empty: people, who were the first
	aead  cipher.AEAD
	blind []byte // key of Secrets.Blind
}

// openSealed opens dir, which is made if it is missing, and reads every document
// into take. The key is made when there is none and nothing is sealed under root,
// in which dir is.
func openSealed(root, dir, kind, keyFile string, take func(name string, plain []byte) error) (*sealedFolder, error) {
	f := &sealedFolder{dir: dir, kind: kind}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	used, err := anySealed(root)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	key, err := storeKey(keyFile, !used)
	if err != nil {
		return nil, err
	}
	own := hmac.New(sha256.New, key) // a key of its own for each use
	own.Write([]byte("testzone blind"))
	f.blind = own.Sum(nil)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	if f.aead, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+secretSuffix))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	for _, path := range files {
		if err := f.load(path, take); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// StoreKey is the key of a store of its own beside the secrets under root, made of the
// key file, which is made as that of the secrets is. used: the store has something
// already, which a new key could not open.
func StoreKey(root, keyFile, use string, used bool) ([]byte, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	sealed, err := anySealed(root)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	key, err := storeKey(keyFile, !sealed && !used)
	if err != nil {
		return nil, err
	}
	own := hmac.New(sha256.New, key) // a key of its own for each use
	own.Write([]byte("testzone " + use))
	return own.Sum(nil), nil
}

func anySealed(root string) (found bool, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, secretSuffix) {
			found = true
			return filepath.SkipAll
		}
		return err
	})
	return found, err
}

// storeKey reads the key file, or makes one.
func storeKey(path string, mayMake bool) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && mayMake:
		key := make([]byte, keyBytes)
		_, _ = rand.Read(key) // crypto/rand.Read never fails
		if err := replaceFile(path, key); err != nil {
			return nil, fmt.Errorf("%w: make key file: %w", ErrSecrets, err)
		}
		return key, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: the key file %s is missing: bring it back from the backup; without it names, passwords, API keys and vehicle keys are lost", ErrSecrets, path)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%w: others may read the key file %s: chmod 600 it", ErrSecrets, path)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	if len(key) != keyBytes {
		return nil, fmt.Errorf("%w: the key file %s is damaged: bring it back from the backup", ErrSecrets, path)
	}
	return key, nil
}

func (f *sealedFolder) path(name string) string { return filepath.Join(f.dir, name+secretSuffix) }

func (f *sealedFolder) load(path string, take func(name string, plain []byte) error) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	name := strings.TrimSuffix(filepath.Base(path), secretSuffix)
	plain, err := f.open(name, raw)
	if err == nil {
		err = take(name, plain)
	}
	if err != nil {
		return fmt.Errorf("%w: %s does not open with the key file: one of the two is of another store or damaged: bring both back from the backup", ErrSecrets, path)
	}
	return nil
}

// bound is what is authenticated with a document: one that was renamed does not open.
func (f *sealedFolder) bound(name string) []byte {
	if f.kind == "" {
		return []byte(name)
	}
	return []byte(f.kind + "/" + name)
}

func (f *sealedFolder) open(name string, raw []byte) ([]byte, error) {
	n := f.aead.NonceSize()
	if len(raw) < n {
		return nil, errors.New("too short")
	}
	return f.aead.Open(nil, raw[:n], raw[n:], f.bound(name))
}

func (f *sealedFolder) seal(name string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, f.aead.NonceSize())
	_, _ = rand.Read(nonce) // crypto/rand.Read never fails
	return f.aead.Seal(nonce, nonce, plain, f.bound(name)), nil
}

// write makes a document durable, all of it or nothing.
func (f *sealedFolder) write(name string, v any) error {
	if f.dir == "" {
		return nil
	}
	raw, err := f.seal(name, v)
	if err == nil {
		err = replaceFile(f.path(name), raw)
	}
	if err != nil {
		return fmt.Errorf("write the secrets of %s: %w", name, err)
	}
	return nil
}

// remove erases a document. A second time does nothing.
func (f *sealedFolder) remove(name string) error {
	if f.dir == "" {
		return nil
	}
	err := os.Remove(f.path(name))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = syncDir(f.dir)
	}
	if err != nil {
		return fmt.Errorf("erase the secrets of %s: %w", name, err)
	}
	return nil
}

// replaceFile writes a file so that after a power loss the old or the new
// content is there. Mode 0600.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
