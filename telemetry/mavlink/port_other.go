//go:build !linux || ppc64 || ppc64le

package mavlink

import (
	"errors"
	"fmt"
	"os"
)

// OpenPort opens a serial device; so far only Linux can, and not on ppc64.
func OpenPort(device string, _ int) (*os.File, error) {
	return nil, fmt.Errorf("open %s: serial devices: %w", device, errors.ErrUnsupported)
}
