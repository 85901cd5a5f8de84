//go:build !linux

package recording

import "errors"

func (d dir) Free() (free, total int64, err error) { return 0, 0, errors.ErrUnsupported }
