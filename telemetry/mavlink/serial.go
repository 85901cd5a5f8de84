package mavlink

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
)

const defaultBaud = 57_600 // of telemetry radios

// OpenSerial makes Streams whose Run opens a serial device, and again after 1 to
// 30 s whenever it vanishes. The device need not be there yet.
func OpenSerial(cfg StreamConfig, sink Sink) (*Streams, error) {
	if cfg.Device == "" {
		return nil, fmt.Errorf("%w: no device", ErrConfig)
	}
	if cfg.Baud <= 0 {
		cfg.Baud = defaultBaud
	}
	s, err := newStreams(cfg, sink)
	if err != nil {
		return nil, err
	}
	s.dial = func(context.Context) (bytestream, netip.AddrPort, error) {
		port, err := OpenPort(cfg.Device, cfg.Baud)
		if err != nil {
			return nil, netip.AddrPort{}, err
		}
		return port, NamedAddr(filepath.Base(cfg.Device)), nil
	}
	return s, nil
}

// NamedAddr stands for a device, or anything else that has a name, where the
// address of a source is asked for: no address at all, in the zone of that name,
// as in [::%ttyUSB0]:0.
func NamedAddr(name string) netip.AddrPort {
	return netip.AddrPortFrom(netip.IPv6Unspecified().WithZone(name), 0)
}
