package audit

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"testzone/telemetry/journal"
)

// Schema is the payload type of the audit's entries in the journal: JSON with a "type".
const Schema = 4

// Checkpoint is the state of the log at one moment.
type Checkpoint struct {
	Group string // zone group
	Size  int64  // entries
	Root  tlog.Hash
	At    time.Time
}

// text is what is signed: the form of a checkpoint of a transparency log, with the
// time as its extension line.
func (c Checkpoint) text() string {
	return fmt.Sprintf("testzone/%s\n%d\n%s\ntime %d\n", c.Group, c.Size, c.Root, c.At.UnixMilli())
}

func parseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 5 || lines[4] != "" {
		return c, ErrCheckpoint
	}
	group, ok1 := strings.CutPrefix(lines[0], "testzone/")
	at, ok2 := strings.CutPrefix(lines[3], "time ")
	if !ok1 || !ok2 {
		return c, ErrCheckpoint
	}
	c.Group = group
	var ms int64
	var errs [3]error
	c.Size, errs[0] = strconv.ParseInt(lines[1], 10, 64)
	c.Root, errs[1] = tlog.ParseHash(lines[2])
	ms, errs[2] = strconv.ParseInt(at, 10, 64)
	c.At = time.UnixMilli(ms)
	if errors.Join(errs[:]...) != nil || c.Size < 1 || c.text() != text {
		return c, ErrCheckpoint
	}
	return c, nil
}

// Key signs checkpoints and says who may check them.
type Key struct {
	signer   note.Signer
	Verifier string // the public key, as testzone verify takes it
}

// LoadKey reads the key in a folder, or makes one at the first start: audit.key,
// readable by its owner alone, and audit.pub beside it.
func LoadKey(dir, group string) (*Key, error) {
	path := filepath.Join(dir, "audit.key")
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(dir, group)
	}
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("audit key %s can be read by others: chmod 600 it, and if they may have read it, move it away so that a new one is made", path)
	}
	public, err := os.ReadFile(filepath.Join(dir, "audit.pub"))
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	return newKey(strings.TrimSpace(string(secret)), strings.TrimSpace(string(public)))
}

func newKey(secret, public string) (*Key, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	return &Key{signer: signer, Verifier: public}, nil
}

func makeKey(dir, group string) (*Key, error) {
	secret, public, err := note.GenerateKey(rand.Reader, "testzone/"+group)
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	// The public half first: a key without it would not start again.
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{{"audit.pub", public, 0o644}, {"audit.key", secret, 0o600}} {
		if err := writeDurably(filepath.Join(dir, f.name), f.text+"\n", f.mode); err != nil {
			return nil, fmt.Errorf("audit key: %w", err)
		}
	}
	return newKey(secret, public)
}

// writeDurably writes a file whole or not at all, over a power loss too: with half
// a key the server would not start again.
func writeDurably(path, text string, mode os.FileMode) error {
	next := path + ".next"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// Sign writes a checkpoint as a signed note.
func (k *Key) Sign(c Checkpoint) (string, error) {
	signed, err := note.Sign(&note.Note{Text: c.text()}, k.signer)
	return string(signed), err
}

// OpenCheckpoint reads a signed checkpoint. Without a key the signature is not
// checked.
func OpenCheckpoint(signed, verifier string) (Checkpoint, error) {
	if verifier == "" {
		text, _, ok := strings.Cut(signed, "\n\n")
		if !ok {
			return Checkpoint{}, ErrCheckpoint
		}
		return parseCheckpoint(text + "\n")
	}
	v, err := note.NewVerifier(verifier)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("key of the audit: %w", err)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return parseCheckpoint(n.Text)
}

// entry is a checkpoint in the journal.
type entry struct {
	Type string `json:"type"` // audit.checkpoint
	Note string `json:"note"`
}

const checkpointType = "audit.checkpoint"

func checkpointEntry(signed string, at time.Time) (journal.Entry, error) {
	body, err := json.Marshal(entry{checkpointType, signed})
	return journal.Entry{ID: journal.NewID(), Kind: journal.Control, Schema: Schema, TimeUS: at.UnixMicro(), Body: body}, err
}

// checkpointOf is the signed checkpoint of an entry; "" when it is none.
func checkpointOf(rec *journal.Record) string {
	var e entry
	if rec.Schema != Schema || rec.Kind != journal.Control || json.Unmarshal(rec.Body, &e) != nil || e.Type != checkpointType {
		return ""
	}
	return e.Note
}
