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
		return port, deviceAddr(cfg.Device), nil
	}
	return s, nil
}

// deviceAddr stands for a device where an address is asked for: no address at
// all, in the zone that is named after the device: [::%ttyUSB0]:0.
func deviceAddr(device string) netip.AddrPort {
	return netip.AddrPortFrom(netip.IPv6Unspecified().WithZone(filepath.Base(device)), 0)
}
