//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package journal

import (
	"errors"
	"fmt"
	"os"
)

// flock refuses: without a lock two servers could write into one journal.
func flock(f *os.File) error {
	return fmt.Errorf("lock %s: %w on this operating system", f.Name(), errors.ErrUnsupported)
}
