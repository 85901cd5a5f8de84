package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/telemetry/watchdog"
	"testzone/web/admin"
)

// defaultAdmin is where metrics, probes and profiles are unless configured.
const defaultAdmin = "127.0.0.1:8081"

// adminConfig is the listener of machines that ask; adminOff: none.
type adminConfig struct {
	Addr string `yaml:"addr"` // default 127.0.0.1:8081, or a free port if that is taken
}

const adminOff = "off"

type watchdogConfig struct {
	File string   `yaml:"file"` // heartbeat file; default heartbeat in data_dir
	UDP  []string `yaml:"udp"`  // addresses that get the heartbeat, ip:port
}

func (a *adminConfig) check() error {
	if a.Addr == "" || a.Addr == adminOff {
		return nil
	}
	loopback, err := isLoopback(a.Addr)
	switch {
	case err != nil:
		return fmt.Errorf("admin.addr %q: %w", a.Addr, err)
	case !loopback:
		return fmt.Errorf("admin.addr %q is not loopback: nobody signs in there. Listen on 127.0.0.1 and let the collector of this machine fetch it", a.Addr)
	}
	return nil
}

// listenAdmin binds the administrative listener. Only an address that somebody
// chose must be free: the zone does not stay unsupervised for a port of metrics.
func (c *serverConfig) listenAdmin() (net.Listener, error) {
	switch c.Admin.Addr {
	case adminOff:
		return nil, nil
	case "":
		ln, err := net.Listen("tcp", defaultAdmin)
		if err != nil {
			ln, err = net.Listen("tcp", "127.0.0.1:0")
		}
		return ln, err
	}
	ln, err := net.Listen("tcp", c.Admin.Addr)
	if err != nil {
		return nil, fmt.Errorf("admin listener: %w (another program may have the port: choose one with admin.addr, or %q)", err, adminOff)
	}
	return ln, nil
}

// aliveAfter is how old the newest picture of the zone may be.
const aliveAfter = 5 * time.Second

// alive says why the zone is not supervised: a shard does not judge, the picture
// does not move, or alerts are not raised.
func (s *server) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, aliveAfter)
	defer cancel()
	if err := s.pipeline.Alive(ctx); err != nil {
		return err
	}
	if age := time.Since(time.UnixMicro(s.pipeline.Fanout().Current().TimeUS)); age > aliveAfter {
		return fmt.Errorf("the live picture has not moved for %v", age.Round(time.Second))
	}
	if late := s.bus.Stalled(); len(late) > 0 {
		return fmt.Errorf("behind: %s", strings.Join(late, ", "))
	}
	return nil
}

// notReady is what keeps the server from all of its work.
func (s *server) notReady() []admin.Reason {
	out := []admin.Reason{}
	for _, r := range s.ownHealth() {
		out = append(out, admin.Reason{Code: r.Code, Text: r.Text})
	}
	return out
}

func (s *server) newAdmin() (err error) {
	if s.adminListener, err = s.cfg.listenAdmin(); err != nil || s.adminListener == nil {
		return err
	}
	s.admin = admin.New(admin.Config{Alive: s.alive, Ready: s.notReady, Figures: s.figures})
	seconds := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
	s.alertLatency = s.admin.Histogram("testzone_alert_latency_seconds",
		"From the receipt of the sample that breaches to the alert on the bus.", seconds)
	s.durations.register(s.admin)
	return nil
}

// sayAdmin tells where metrics and probes are: the port may be a free one.
func (s *server) sayAdmin(w io.Writer) {
	if s.adminListener != nil {
		fmt.Fprintf(w, "Metrics and probes are at http://%s/metrics, /livez, /readyz\n", s.adminListener.Addr())
	}
}

// observeAlerts measures how long alerts take, beside everybody else.
func (s *server) observeAlerts(ctx context.Context) error {
	sub, _ := s.bus.Subscribe(telemetry.SubscribeConfig{Name: "metrics"})
	defer func() { sub.Close() }()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sub.Ready():
		}
		events, err := sub.Take()
		if err != nil { // too slow: figures may have gaps
			sub.Close()
			sub, _ = s.bus.Subscribe(telemetry.SubscribeConfig{Name: "metrics"})
		}
		for i := range events {
			a, ok := events[i].Body.(*telemetry.Alert)
			if ok && a.Evidence != nil && a.Type == telemetry.FenceBreach && a.LastUS == a.RaisedUS && a.Ack == nil {
				s.alertLatency.Observe(float64(max(events[i].TimeUS-a.Evidence.ReceivedUS, 0)) / 1e6)
			}
		}
	}
}

// heartbeatFile is where the watchdog's file stands.
func (c *serverConfig) heartbeatFile() string {
	if c.Watchdog.File != "" {
		return c.Watchdog.File
	}
	return filepath.Join(c.DataDir, "heartbeat")
}

func (s *server) newHeart() (err error) {
	s.blind, err = s.blindInterval()
	if err != nil {
		return err
	}
	s.heart, err = watchdog.New(watchdog.Config{
		Zone: s.cfg.Zone.ID, File: s.cfg.heartbeatFile(), UDP: s.cfg.Watchdog.UDP, Logger: s.cfg.log,
		Alive: s.alive, Degraded: func() bool { return len(s.ownHealth()) > 0 },
	})
	return err
}

// blindInterval finds until when the zone was supervised before this start: by the
// last heartbeat or the newest journal entry, whichever is later.
func (s *server) blindInterval() (*watchdog.Gap, error) {
	last, err := watchdog.ReadFile(s.cfg.heartbeatFile())
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, watchdog.ErrNoBeat) {
		return nil, fmt.Errorf("heartbeat of the former run: %w", err)
	}
	return watchdog.GapSince(last, err == nil, s.newestUS), nil
}

// tellBlind journals the blind interval once the zone is supervised again.
func (s *server) tellBlind(ctx context.Context) error {
	if s.blind == nil {
		return nil
	}
	s.blind.ToUS = time.Now().UnixMicro()
	s.coverage.NoteGap(s.blind)
	entry := journal.Entry{ID: journal.NewID(), Kind: journal.Fact, Schema: watchdog.Schema, TimeUS: s.blind.ToUS, Body: s.blind.Encode()}
	if _, err := s.journal.Append(ctx, entry); err != nil {
		return fmt.Errorf("journal the blind interval: %w", err)
	}
	s.cfg.log.Warn("nobody supervised the zone", "from", s.blind.From().Format(time.RFC3339), "seconds", s.blind.Duration().Seconds(), "after", s.blind.After)
	return nil
}
