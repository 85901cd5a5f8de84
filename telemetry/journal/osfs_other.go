//go:build !linux

package journal

import "errors"

func (f osFile) Allocate(size int64) error { return f.grow(size) }

func (f osFile) Datasync() error { return f.Sync() }

func (d dir) Free() (int64, error) { return 0, errors.ErrUnsupported }
