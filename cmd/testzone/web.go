package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"

	"testzone/telemetry/audit"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
	"testzone/web"
	"testzone/web/auth"
	"testzone/web/notify"
	"testzone/web/ui"
)

// newWeb wires the HTTP side.
func (s *server) newWeb() (*web.Server, error) {
	features, err := s.cfg.mapFeatures()
	if err != nil {
		return nil, err
	}
	bootstrap := auth.Bootstrap("")
	bootstrap.SHA256 = hex.EncodeToString(s.cfg.tokenHash[:])
	secrets, err := auth.OpenSecrets(filepath.Join(s.cfg.DataDir, "secrets"), s.cfg.secretsKey())
	if err != nil {
		return nil, err
	}
	provider, err := s.cfg.HTTP.OIDC.provider()
	if err != nil {
		return nil, err
	}
	s.auth, err = auth.New(auth.Config{
		Tokens: []auth.Token{bootstrap}, Accounts: s.register, Secrets: secrets, Proxies: s.cfg.HTTP.proxies(),
		OIDC: provider, Logger: s.cfg.log, Events: s.logSignIn,
	})
	if err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	if s.mailer, err = s.newMailer(); err != nil {
		return nil, err
	}
	var mailer web.Mailer // a nil of its own type would be one
	if s.mailer != nil {
		mailer = s.mailer
	}
	return web.New(web.Config{
		Register: s.register, Pipeline: s.pipeline, Registry: s.registry, Book: s.book, Bus: s.bus, Auth: s.auth, Traffic: s.traffic, Warden: s.warden, Priority: s.priority,
		Demo: s.cfg.demo, Features: features, UI: ui.Dist(),
		Health: s.health, Listeners: s.listenerInfo, Journal: s.journalInfo, ModeName: modeName, InForce: s.engine.InForce, InForceAt: s.engine.InForceAt,
		Answered: s.durations.answered, Audit: s.keeper, Acts: s.acts, Events: s.journal, Notifier: s.notifier, Mailer: mailer, Requests: s.requests, Orders: s.orders, Bulk: s.bulk, PermitEnd: s.previewEnd, Plans: s.plans, Coverage: s.coverage, Enforcement: s.ladders, PerAddress: perSecond(s.cfg.HTTP.Limits.PerAddress, 2), PerPrincipal: perSecond(s.cfg.HTTP.Limits.PerPrincipal, 3),
		Recording: s.recorder, VehicleSecrets: s.enrolled.secrets, Proof: s.enrolled.proof,
		AllowedOrigins: s.cfg.HTTP.Origins, Version: version, Logger: s.cfg.log,
	})
}

// newNotifier reads the webhooks, which stand beside the journal.
func (s *server) newNotifier() (*notify.Notifier, error) {
	return notify.New(notify.Config{
		Path: filepath.Join(s.cfg.DataDir, "webhooks.json"), Source: s.journal, Encode: web.EncodeEvent,
		UnsafeAllowInternal: s.cfg.Webhooks.UnsafeAllowInternal, Logger: s.cfg.log,
	})
}

// perSecond is a configured rate with burst times as many at once.
func perSecond(n, burst int) web.Rate { return web.Rate{PerSecond: float64(n), Burst: n * burst} }

// logSignIn writes what happens at the door.
func (s *server) logSignIn(e auth.Event) {
	level := slog.LevelInfo
	switch e.Kind {
	case auth.Refused:
		level = slog.LevelWarn
	case auth.Limited: // an attacker decides how many
		level = slog.LevelDebug
	}
	s.cfg.log.Log(context.Background(), level, "sign-in", "event", e.Kind, "actor", e.Actor.ID, "address", e.Address)
	act := audit.Act{By: e.Actor.ID, From: e.Address, Outcome: string(e.Kind)}
	switch e.Kind {
	case auth.SignedIn:
		act.Type = audit.SessionOpened
	case auth.SignedOut:
		act.Type = audit.SessionClosed
	case auth.PasswordChanged:
		act.Type = audit.PasswordChanged
	default:
		act.Type = audit.SessionRefused
	}
	s.acts.Record(act)
}

// secretsKey is the file with the key of the secret store.
func (c *config) secretsKey() string {
	return cmp.Or(c.SecretsKey, filepath.Join(c.DataDir, "secrets.key"))
}

// proxies are the trusted proxies. The configuration was checked.
func (h *httpConfig) proxies() []netip.Prefix {
	out := make([]netip.Prefix, 0, len(h.Proxies))
	for _, p := range h.Proxies {
		if prefix, err := netip.ParsePrefix(p); err == nil {
			out = append(out, prefix)
		}
	}
	return out
}

// listenHTTP binds the HTTP address, with TLS when it is configured.
func (c *serverConfig) listenHTTP() (net.Listener, error) {
	ln, err := net.Listen("tcp", c.HTTP.Addr)
	if err != nil {
		return nil, fmt.Errorf("http server: %w (another program may have the port: choose one with --http 127.0.0.1:PORT)", err)
	}
	if c.HTTP.TLS.Cert == "" {
		return ln, nil
	}
	pair, err := tls.LoadX509KeyPair(c.HTTP.TLS.Cert, c.HTTP.TLS.Key)
	if err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("http.tls: %w", err)
	}
	return tls.NewListener(ln, &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}, // the live channel upgrades a connection of HTTP/1.1
	}), nil
}

func modeName(v *vehicles.Identity, mode uint32) string {
	return mavlink.ModeName(v.Source.MAVType, v.Source.Autopilot, mode)
}

func (s *server) journalInfo() web.JournalInfo {
	head, _ := s.journal.Head()
	return web.JournalInfo{State: string(s.journal.Health().State), Head: head}
}

func (s *server) listenerInfo() []web.ListenerInfo {
	signed := s.cfg.signedListeners()
	out := make([]web.ListenerInfo, 0, len(s.listeners))
	for i, l := range s.listeners {
		st := l.Stats()
		counters := map[string]uint64{
			"datagrams": st.Datagrams, "bytes": st.Bytes, "garbage": st.Garbage, "truncated": st.Truncated, "kernel_drop": st.KernelDrops,
			"frames": st.Frames, "decoded": st.Decoded, "hot": st.Hot, "cold": st.Cold, "ignored": st.Ignored, "sighted": st.Sighted,
			"no_position": st.NoPosition, "lost": st.Lost, "sessions": st.Sessions,
		}
		for name, v := range linkFigures(l) {
			counters[name] = v
		}
		for r := range mavlink.ReasonCount {
			counters["refused_"+r.String()] = st.Refused[r]
		}
		out = append(out, web.ListenerInfo{Name: s.names[i], Addr: l.Addr().String(), Signed: slices.Contains(signed, s.names[i]), ReceiveBuffer: l.ReceiveBuffer(), Counters: counters})
	}
	return append(out, s.gatewayInfo()...)
}
