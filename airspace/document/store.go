package document

import (
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Config of a Store. Dir and Key are needed.
type Config struct {
	Dir string
	Key []byte // 32 bytes, of this store only
	// MinFreeBytes is how much of the disk stays free of documents, for the journal
	// and recordings; default 1 GiB.
	MinFreeBytes int64
	// Free is how much of the disk is free; default what the file system says.
	Free func(dir string) (int64, error)
}

const (
	suffix    = ".doc"
	newPrefix = ".new-"
	// At once so many arrive, and of one organisation: each has two chunks in memory.
	maxArriving    = 16
	maxArrivingOrg = 4
	// A crash leaves those that were arriving, or of which a permit was rid: so many
	// without a decision are something else.
	maxUnnamed = 200
)

// Store is a folder of documents.
type Store struct {
	cfg  Config
	aead cipher.AEAD

	mu       sync.Mutex // guards the fields below
	have     map[Name]bool
	held     map[Name]bool // arriving or being erased
	arriving map[string]int
	total    int
}

// Open opens the folder, which is made if it is missing. What did not arrive whole
// before a crash is removed.
func Open(cfg Config) (*Store, error) {
	if cfg.MinFreeBytes == 0 {
		cfg.MinFreeBytes = 1 << 30
	}
	if cfg.Free == nil {
		cfg.Free = freeBytes
	}
	aead, err := newGCM(cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("open documents: %w", err)
	}
	s := &Store{cfg: cfg, aead: aead, have: map[Name]bool{}, held: map[Name]bool{}, arriving: map[string]int{}}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open documents: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(cfg.Dir, newPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("open documents: %w", err)
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("open documents: %w", err)
		}
	}
	folders, err := filepath.Glob(filepath.Join(cfg.Dir, "*"))
	if err != nil {
		return nil, fmt.Errorf("open documents: %w", err)
	}
	for _, dir := range folders {
		_ = os.Remove(dir) // of a permit whose documents were erased; one that has some is not removed
	}
	files, err := filepath.Glob(filepath.Join(cfg.Dir, "*", "*"+suffix))
	if err != nil {
		return nil, fmt.Errorf("open documents: %w", err)
	}
	for _, path := range files {
		if n := (Name{filepath.Base(filepath.Dir(path)), strings.TrimSuffix(filepath.Base(path), suffix)}); n.valid() {
			s.have[n] = true
		}
	}
	return s, nil
}

// Any reports whether a folder has documents; one that is missing has none.
func Any(dir string) (bool, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"+suffix))
	if err != nil {
		return false, fmt.Errorf("look for documents: %w", err)
	}
	return len(files) > 0, nil
}

func (s *Store) path(n Name) string { return filepath.Join(s.cfg.Dir, n.Permit, n.SHA256+suffix) }

// Has reports whether the store has a document. That it opens, only reading tells.
func (s *Store) Has(n Name) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.have[n]
}

func (s *Store) note(n Name, have bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.have, n); have {
		s.have[n] = true
	}
}

// Hold keeps others from sending or erasing a document until release is called: a
// decision about it and its file belong together.
func (s *Store) Hold(n Name) (release func(), err error) {
	if !n.valid() {
		return nil, ErrMissing
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[n] {
		return nil, ErrBusy
	}
	s.held[n] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.held, n)
	}, nil
}

// arrive takes a place for a document of an organisation.
func (s *Store) arrive(org string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= maxArriving || s.arriving[org] >= maxArrivingOrg {
		return nil, ErrBusy
	}
	s.total++
	s.arriving[org]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.total--
		if s.arriving[org]--; s.arriving[org] == 0 {
			delete(s.arriving, org)
		}
	}, nil
}

// Incoming is a document that arrived and is not kept yet.
type Incoming struct {
	*Content
	store *Store
	name  Name
	temp  string
	leave func()
}

// Receive takes a document of at most limit bytes from an organisation's applicant,
// whose digest is announced by its name. The caller holds the name, and closes what
// is returned.
func (s *Store) Receive(ctx context.Context, n Name, org string, limit int64, r io.Reader) (*Incoming, error) {
	if !n.valid() {
		return nil, ErrDigest
	}
	leave, err := s.arrive(org)
	if err != nil {
		return nil, err
	}
	in, err := s.receive(ctx, n, limit, r)
	if err != nil {
		leave()
		return nil, err
	}
	in.leave = leave
	return in, nil
}

func (s *Store) receive(ctx context.Context, n Name, limit int64, r io.Reader) (_ *Incoming, err error) {
	if free, err := s.cfg.Free(s.cfg.Dir); err == nil && free < s.cfg.MinFreeBytes+limit { // else it is not known
		return nil, ErrNoSpace
	}
	file, err := os.CreateTemp(s.cfg.Dir, newPrefix+"*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("receive document: %w", err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	head, content, err := newHead(s.aead, n)
	if err == nil {
		_, err = file.Write(head)
	}
	if err != nil {
		return nil, fmt.Errorf("receive document: %w", err)
	}
	sum := sha256.New()
	size, err := seal(file, content, io.TeeReader(&stopping{ctx, r}, sum), limit)
	if err != nil {
		return nil, fmt.Errorf("receive document: %w", err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != n.SHA256 {
		return nil, ErrDigest
	}
	p := &plain{file: file, content: content, size: size, at: -1, raw: make([]byte, chunk+tagBytes)}
	return &Incoming{Content: &Content{plain: p, file: file}, store: s, name: n, temp: file.Name()}, nil
}

// stopping is a reader that ends with its context.
type stopping struct {
	ctx context.Context
	r   io.Reader
}

func (s *stopping) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

// Keep makes the document durable under its name.
func (in *Incoming) Keep() error {
	s, path := in.store, in.store.path(in.name)
	dir := filepath.Dir(path)
	err := in.file.Sync()
	if err == nil {
		if err = os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(in.temp, path)
	}
	if err = errors.Join(err, syncDir(dir), syncDir(s.cfg.Dir)); err != nil {
		return fmt.Errorf("keep document: %w", err)
	}
	s.note(in.name, true)
	return nil
}

// Close lets go of the document; one that was not kept is gone.
func (in *Incoming) Close() error {
	in.leave()
	err := in.Content.Close()
	if gone := os.Remove(in.temp); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// Content is what a document says. It belongs to one goroutine.
type Content struct {
	*plain
	file *os.File
}

// Size is how many bytes it has.
func (c *Content) Size() int64 { return c.size }

// Reader reads it from the begin.
func (c *Content) Reader() io.Reader { return io.NewSectionReader(c.plain, 0, c.size) }

// Close lets go of the file.
func (c *Content) Close() error { return c.file.Close() }

// Read opens a document. ErrMissing and ErrDamaged say that it is lost here.
func (s *Store) Read(n Name) (_ *Content, err error) {
	if !n.valid() {
		return nil, ErrMissing
	}
	file, err := os.Open(s.path(n))
	if errors.Is(err, fs.ErrNotExist) {
		s.note(n, false)
		return nil, ErrMissing
	}
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	head := make([]byte, headBytes)
	if _, err := file.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	content, err := openHead(s.aead, n, head)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	p, err := newPlain(file, content, info.Size())
	if err != nil {
		return nil, err
	}
	return &Content{plain: p, file: file}, nil
}

// Erase takes a document away for good: its key first, then its file. A second time
// does nothing.
func (s *Store) Erase(n Name) error {
	if !n.valid() {
		return nil
	}
	file, err := os.OpenFile(s.path(n), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		s.note(n, false)
		return nil
	}
	if err == nil {
		_, err = file.WriteAt(make([]byte, headBytes), 0)
		err = errors.Join(err, file.Sync(), file.Close())
	}
	if err == nil {
		err = os.Remove(s.path(n))
	}
	if err == nil {
		err = syncDir(filepath.Dir(s.path(n)))
	}
	if err != nil {
		return fmt.Errorf("erase document %s: %w", n, err)
	}
	s.note(n, false)
	return nil
}

// Sweep erases the documents that nothing names: those whose decision a crash took,
// and those whose erasure it did. It is for the start, before anything arrives. More
// than a crash can leave are kept, with ErrManyUnnamed: a journal that is missing or
// another's must not cost all documents.
func (s *Store) Sweep(named func(Name) bool) (swept int, err error) {
	s.mu.Lock()
	var lost []Name
	for n := range s.have {
		if !named(n) {
			lost = append(lost, n)
		}
	}
	s.mu.Unlock()
	if len(lost) > maxUnnamed {
		return 0, fmt.Errorf("%w: %d of them", ErrManyUnnamed, len(lost))
	}
	for _, n := range lost {
		err = errors.Join(err, s.Erase(n))
	}
	return len(lost), err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
