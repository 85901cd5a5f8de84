package main

import (
	"context"
	"fmt"
	"net/netip"

	"testzone/telemetry/mavlink"
)

// The transports of a MAVLink listener.
const (
	transportUDP    = "udp"
	transportTCP    = "tcp"        // vehicles and routers connect here
	transportClient = "tcp_client" // to somebody else's server
	transportSerial = "serial"
)

func (m *mavlinkConfig) checkTransport(i int) error {
	serial := m.Transport == transportSerial
	switch m.Transport {
	case "", transportUDP, transportTCP, transportClient, transportSerial:
	default:
		return fmt.Errorf("mavlink[%d].transport %q: use udp, tcp, tcp_client or serial", i, m.Transport)
	}
	switch {
	case serial && m.Device == "":
		return fmt.Errorf("mavlink[%d].device is empty: name the serial device, such as /dev/ttyUSB0", i)
	case serial && m.Addr != "":
		return fmt.Errorf("mavlink[%d].addr %q: a serial device has none; leave it out", i, m.Addr)
	case !serial && (m.Device != "" || m.Baud != 0):
		return fmt.Errorf("mavlink[%d].device: only with transport: serial", i)
	case m.Baud < 0:
		return fmt.Errorf("mavlink[%d].baud %d: give a speed such as 57600", i, m.Baud)
	case m.Transport == transportClient && m.Addr == "":
		return fmt.Errorf("mavlink[%d].addr is empty: name the server to connect to, as host:port", i)
	}
	return nil
}

// receiver is a MAVLink listener of any transport.
type receiver interface {
	mavlink.Link
	Addr() netip.AddrPort
	ReceiveBuffer() int
	Stats() mavlink.Stats
	Run(context.Context) error
	Close() error
}

// streams are links whose receive buffer is the system's business.
type streams struct{ *mavlink.Streams }

func (streams) ReceiveBuffer() int { return 0 }

// openReceiver binds or prepares what a listener hears over.
func openReceiver(m *mavlinkConfig, cfg mavlink.Config, to mavlink.Sink) (receiver, error) {
	open := mavlink.ListenTCP
	switch m.Transport {
	case transportTCP:
	case transportClient:
		open = mavlink.DialTCP
	case transportSerial:
		open = mavlink.OpenSerial
	default:
		l, err := mavlink.Listen(cfg, to)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
	s, err := open(mavlink.StreamConfig{Config: cfg, Device: m.Device, Baud: m.Baud}, to)
	if err != nil {
		return nil, err
	}
	return streams{s}, nil
}

// linkFigures are the counters of byte streams, under the names of metrics; none
// for other transports.
func linkFigures(l receiver) map[string]uint64 {
	out := map[string]uint64{}
	if s, ok := l.(streams); ok {
		st := s.Links()
		for name, v := range st.Counters() {
			out[name] = v
		}
	}
	return out
}

// linkHealth says which devices and servers are not there.
func (s *server) linkHealth(add func(code, format string, args ...any)) {
	for i, l := range s.listeners {
		m := &s.cfg.MAVLink[i]
		if l, ok := l.(streams); !ok || m.Transport == transportTCP || l.Links().Up > 0 {
			continue
		}
		where := m.Device
		if m.Transport == transportClient {
			where = m.Addr
		}
		add("link_down", "Listener %s: %s is not there: nothing is heard over it. Check the cable or the server; it is tried again every 30 s at the latest.", m.Name, where)
	}
}
