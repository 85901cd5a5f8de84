package journal

import "io"

// FS is the folder of a journal. The tests put one in its place that loses power.
type FS interface {
	Open(name string) (File, error)   // for reading and writing; fs.ErrNotExist when missing
	Create(name string) (File, error) // empties it when it exists
	Rename(old, new string) error
	Remove(name string) error
	List() ([]string, error)
	SyncDir() error                 // makes created, renamed and removed names durable
	Lock() (io.Closer, error)       // ErrLocked when another process has it
	Free() (bytes int64, err error) // space left on the file system
}

// File is one file of an FS.
type File interface {
	io.ReaderAt
	io.WriterAt
	Allocate(size int64) error // makes the file at least size bytes long, zeros behind what it had
	Truncate(size int64) error
	Datasync() error // data, and what is needed to read it
	Sync() error     // data and metadata
	Size() (int64, error)
	Close() error
}
