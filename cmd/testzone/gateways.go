package main

import (
	"fmt"
	"os"
	"path/filepath"

	"testzone/telemetry/mavlink"
	"testzone/telemetry/mavlink/gateway"
	"testzone/web"
	"testzone/web/admin"
)

// gatewaysConfig is where enrolled gateways connect.
type gatewaysConfig struct {
	Addr string `yaml:"addr"` // default: off; customary port 14552
	Cert string `yaml:"cert"` // with key, for gateways that verify the server by an authority
	Key  string `yaml:"key"`  // default: a key of its own, gateway.pem in data_dir, that they pin
}

func (c *gatewaysConfig) check() error {
	if c.Addr == "" {
		if c.Cert != "" || c.Key != "" {
			return fmt.Errorf("gateways.addr is empty: give host:port, such as 0.0.0.0:14552")
		}
		return nil
	}
	if _, err := isLoopback(c.Addr); err != nil {
		return fmt.Errorf("gateways.addr %q: %w", c.Addr, err)
	}
	if (c.Cert == "") != (c.Key == "") {
		return fmt.Errorf("gateways: give both cert and key, or neither")
	}
	if c.Cert != "" {
		if _, err := c.identity(""); err != nil {
			return fmt.Errorf("gateways.cert: %w", err)
		}
	}
	return nil
}

// identity is the server's key and certificate for gateways.
func (c *gatewaysConfig) identity(dataDir string) (gateway.Identity, error) {
	if c.Cert == "" {
		id, _, err := gateway.LoadIdentity(filepath.Join(dataDir, "gateway.pem"))
		return id, err
	}
	cert, err := os.ReadFile(c.Cert)
	if err != nil {
		return gateway.Identity{}, err
	}
	key, err := os.ReadFile(c.Key)
	if err != nil {
		return gateway.Identity{}, err
	}
	return gateway.NewIdentity(cert, key)
}

// newGateways binds the address of gateways, if there is one.
func (s *server) newGateways() error {
	c := &s.cfg.Gateways
	if c.Addr == "" {
		return nil
	}
	id, err := c.identity(s.cfg.DataDir)
	if err != nil {
		return fmt.Errorf("gateways: %w", err)
	}
	s.gateways, err = gateway.Listen(gateway.ServerConfig{
		Addr: c.Addr, Identity: id, Enrolled: s.enrolled.byFingerprint, Recorder: s.recordGateway,
		Sink:    &sink{registry: s.registry, pipeline: s.pipeline, enrolled: s.enrolled, check: s.check, talk: s.talk, full: &s.full},
		MAVLink: mavlink.Config{Suspect: s.enrolled.suspect, Traffic: s.traffic}, Logger: s.cfg.log,
	})
	if err == nil {
		s.talk.sender.Attach(s.gateways)
	}
	return err
}

// byFingerprint is the enrolled gateway that has a key.
func (e *enrolment) byFingerprint(f gateway.Fingerprint) (gateway.Gateway, bool) {
	g, keys, err := e.gateway(f.String())
	return gateway.Gateway{ID: g.ID, Keys: keys}, err == nil
}

// recordGateway keeps the frames that came through a gateway.
func (s *server) recordGateway(id string) mavlink.Recorder {
	r, err := s.recordLink(id)
	if err != nil { // not with the ids that can be enrolled
		s.cfg.log.Error("frames of a gateway are not recorded", "gateway", id, "err", err)
		return nil
	}
	return r
}

func (s *server) gatewayStatus() []gateway.Status {
	if s.gateways == nil {
		return nil
	}
	return s.gateways.Status()
}

// gatewayFigures are the metrics of gateways and of the frames that came through them.
func (s *server) gatewayFigures() (out []admin.Figure) {
	if s.gateways == nil {
		return nil
	}
	c := s.gateways.Counts()
	for name, v := range map[string]uint64{"full": c.Full, "failed": c.Failed, "not_enrolled": c.NotEnrolled, "replaced": c.Replaced, "revoked": c.Revoked} {
		out = append(out, admin.Figure{Name: "testzone_gateway_connections_" + name + "_total", Help: "Connections of gateways that ended so.", Value: float64(v), Counter: true})
	}
	for _, st := range s.gatewayStatus() {
		add := func(name, help string, v float64, counter bool) {
			out = append(out, admin.Figure{Name: "testzone_gateway_" + name, Help: help, Value: v, Counter: counter, Label: "gateway", Of: st.ID})
		}
		add("connected", "1 while the gateway is connected.", boolFigure(st.Connected), false)
		add("round_trip_seconds", "Shortest round trip of the last pings.", st.Trip.Seconds(), false)
		add("lag_seconds", "Age of the last datagram when it arrived.", st.Lag.Seconds(), false)
		add("sessions", "Vehicles that are followed through the gateway now.", float64(st.MAVLink.Sessions), false)
		for name, v := range st.Counters() {
			add(name+"_total", "See PROTOCOL.md of the gateway.", float64(v), true)
		}
		for name, v := range st.MAVLink.Counters() {
			if name != "sessions" {
				add("mavlink_"+name+"_total", "Of the frames that came through the gateway.", float64(v), true)
			}
		}
	}
	return out
}

// gatewayInfo shows gateways beside the listeners.
func (s *server) gatewayInfo() (out []web.ListenerInfo) {
	for _, st := range s.gatewayStatus() {
		counters := map[string]uint64{"connected": uint64(boolFigure(st.Connected)), "lag_ms": uint64(st.Lag.Milliseconds()), "round_trip_ms": uint64(st.Trip.Milliseconds())}
		for name, v := range st.MAVLink.Counters() {
			counters[name] = v
		}
		for name, v := range st.Counters() {
			counters[name] = v
		}
		info := web.ListenerInfo{Name: st.ID, Counters: counters}
		if st.Connected {
			info.Addr = st.Remote.String()
		}
		out = append(out, info)
	}
	return out
}

// gatewayHealth says when vehicles are not heard because their gateway is away,
// and returns how many datagrams were lost or came late.
func (s *server) gatewayHealth(add func(code, format string, args ...any)) (late uint64) {
	for _, st := range s.gatewayStatus() {
		if !st.Connected && st.MAVLink.Sessions > 0 {
			add("gateway_away", "Gateway %s is not connected: its %d vehicles are neither heard nor reached. Check its network and the ground station beside it.", st.ID, st.MAVLink.Sessions)
		}
		late += st.LostInside + st.Stale
	}
	return late
}
