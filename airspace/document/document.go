// Package document keeps the files that applicants enclose with their applications,
// and answers whether a file is what it says it is.
//
// A Store has one file per permit and digest. Each is sealed with a key of its own
// (AES-256-GCM in chunks), which stands at its head under the key of the store and is
// overwritten when the document is erased: what a disk or a backup of content still
// has then opens no more. The plain text is never on disk: a document is sealed while
// it arrives, and looked into through the seal. It is there after Keep has returned,
// whole and synced, or not at all. What the zone decided about it stands in the
// journal; a file that no decision names is removed by Sweep.
//
// Inspect reads a PDF, an image, a ZIP archive or an office document with bounded
// memory and refuses what is not of the declared type from its first to its last
// byte, what runs something when it is opened, and what unpacks to more than it may.
// It is no virus scanner: a document that passes may still attack a reader that has a
// defect.
//
// A Store is safe for concurrent use.
package document

import (
	"errors"
	"regexp"
)

var (
	// ErrMissing is returned when the store does not have a document.
	ErrMissing = errors.New("the document's file is not there: upload the same file again, or bring the store back from the backup")
	// ErrDamaged is returned when a document's file is not what was written under this key.
	ErrDamaged = errors.New("the document's file is damaged or of another store: upload the same file again, or bring it back from the backup")
	// ErrDigest is returned when what arrived has another digest than was announced.
	ErrDigest = errors.New("what arrived has another SHA-256 than was announced: send the file again")
	// ErrTooLarge is returned when more arrives than the document may have.
	ErrTooLarge = errors.New("the document is larger than it may be")
	// ErrEmpty is returned when nothing arrives.
	ErrEmpty = errors.New("the document is empty")
	// ErrBusy is returned when too many documents arrive at once, or this one arrives or is erased already.
	ErrBusy = errors.New("too many documents arrive at once, or this one does already: try again in a moment")
	// ErrNoSpace is returned when the disk has not room enough for a document and what else the server writes.
	ErrNoSpace = errors.New("the server's disk has no room for documents: tell its operator")
	// ErrManyUnnamed is returned when so many documents are named by no decision that the journal must be another one.
	ErrManyUnnamed = errors.New("documents that no decision names are kept: compare the journal with its backup, it may not be the one that belongs to them")
	// ErrRefused is returned when a document is not what it says or does more than show something; a *RefusedError says what.
	ErrRefused = errors.New("the document is refused")
)

// RefusedError is an ErrRefused with its reason.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return ErrRefused.Error() + ": " + e.Why }

// Is makes errors.Is(err, ErrRefused) true.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// Name is which document of which permit.
type Name struct {
	Permit string
	SHA256 string // hexadecimal, lower case
}

var (
	permitForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// valid reports whether the name can be one: it becomes a path.
func (n Name) valid() bool {
	return permitForm.MatchString(n.Permit) && digestForm.MatchString(n.SHA256)
}

func (n Name) String() string { return n.Permit + "/" + n.SHA256 }
