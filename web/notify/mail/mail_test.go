package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// post is a real SMTP server in this process.
type post struct {
	t        *testing.T
	addr     string
	server   *smtp.Server
	arrived  chan received
	rejected chan string // a recipient or letter that was refused

	mu   sync.Mutex            // guards the fields below
	rcpt func(to string) error // what RCPT answers
	data func(n int) error     // what the n-th DATA answers
	n    int
	user string
	tls  bool // the last session was encrypted
}

type received struct {
	from, to string
	head     netmail.Header
	body     string
}

func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, secured := c.TLSConnectionState()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tls = secured
	return &visit{p: p}, nil
}

type visit struct {
	p        *post
	from, to string
}

func (v *visit) AuthMechanisms() []string { return []string{sasl.Plain} }

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		v.p.mu.Lock()
		defer v.p.mu.Unlock()
		if v.p.user = user; password != "secret of the zone" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (v *visit) Mail(from string, _ *smtp.MailOptions) error { v.from = from; return nil }

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.p.mu.Lock()
	defer v.p.mu.Unlock()
	if v.to = to; v.p.rcpt != nil {
		if err := v.p.rcpt(to); err != nil {
			v.p.rejected <- to
			return err
		}
	}
	return nil
}

func (v *visit) Data(r io.Reader) error {
	m, err := netmail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	v.p.mu.Lock()
	v.p.n++
	n, answer := v.p.n, v.p.data
	v.p.mu.Unlock()
	if answer != nil {
		if err := answer(n); err != nil {
			v.p.rejected <- v.to
			return err
		}
	}
	v.p.arrived <- received{v.from, v.to, m.Header, string(body)}
	return nil
}

func (v *visit) Reset()        {}
func (v *visit) Logout() error { return nil }

// newPost serves at addr, a free port of loopback when it is empty.
func newPost(t *testing.T, addr string, secured *tls.Config, change func(*post)) *post {
	t.Helper()
	p := &post{t: t, arrived: make(chan received, 100), rejected: make(chan string, 100)}
	if change != nil {
		change(p)
	}
	p.server = smtp.NewServer(p)
	p.server.Domain, p.server.TLSConfig, p.server.ErrorLog = "localhost", secured, slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p.addr = ln.Addr().String()
	done := make(chan struct{})
	go func() { defer close(done); _ = p.server.Serve(ln) }()
	t.Cleanup(func() { _ = p.server.Close(); <-done })
	return p
}

func (p *post) next() received {
	p.t.Helper()
	select {
	case m := <-p.arrived:
		return m
	case <-time.After(20 * time.Second):
		p.t.Fatal("no letter came")
		return received{}
	}
}

// list is where letters come from: one notice each, to a person.
type list struct {
	mu     sync.Mutex // guards the fields below
	people []string
}

func (l *list) add(people ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.people = append(l.people, people...)
}

func (l *list) next(place uint64, limit int) (out []Letter, next uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for next = place; next < uint64(len(l.people)) && len(out) < limit; next++ {
		out = append(out, Letter{next + 1, l.people[next]})
	}
	return out, next
}

func write(l Letter) (Message, bool) {
	return Message{To: l.Person + "@example.org", Subject: fmt.Sprintf("许可 approved %d\r\nBcc: all@example.org", l.Notice), Body: "“Regatta” 已获批准\r\n.\r\nQUIT\r\n"}, l.Person != "erased"
}

func config(t *testing.T, p *post, l *list) Config {
	return Config{
		Addr: p.addr, From: "zone@example.org", TLS: None, Path: filepath.Join(t.TempDir(), "mail.json"), Next: l.next, Write: write,
		First: time.Millisecond, Longest: 4 * time.Millisecond, Timeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler),
		Clock: telling(time.Now),
	}
}

// looked is told whenever a mailer reads the clock, which it does to find what is due.
var looked = make(chan struct{}, 1)

func telling(clock func() time.Time) func() time.Time {
	return func() time.Time {
		select {
		case looked <- struct{}{}:
		default:
		}
		return clock()
	}
}

// runs is a mailer at work until stop, which returns when it is idle or ended.
func runs(t *testing.T, cfg Config) (m *Mailer, stop func()) {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Error("the mailer does not end")
			}
		})
	}
	t.Cleanup(stop)
	return m, stop
}

// settled waits until nothing is left to send.
func settled(t *testing.T, m *Mailer, sent uint64) {
	t.Helper()
	for end := time.After(20 * time.Second); ; {
		m.Wake()
		n, waits := m.Figures()
		if n == sent && waits == 0 {
			return
		}
		select {
		case <-looked:
		case <-end:
			t.Fatalf("%d sent, %d wait", n, waits)
		}
	}
}

// TestLetters arrive as they were written, once, one recipient each; a restart sends
// none again, and what came while it was down.
func TestLetters(t *testing.T) {
	p, l := newPost(t, "", nil, nil), &list{}
	cfg := config(t, p, l)
	l.add("before")
	cfg.Begin = 1
	m, stop := runs(t, cfg)
	l.add("anna", "erased", "bob")
	settled(t, m, 2)
	first, second := p.next(), p.next()
	if first.to != "anna@example.org" || second.to != "bob@example.org" || first.from != "zone@example.org" {
		t.Errorf("%+v, %+v", first, second)
	}
	if got := first.head.Get("Bcc"); got != "" || first.head.Get("Message-Id") != "<2.anna@example.org>" || first.head.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("headers: %v", first.head)
	}
	if strings.Contains(first.body, "\n.\n") || !strings.Contains(first.body, "QUIT") {
		t.Errorf("body: %q", first.body)
	}
	stop()
	raw, err := os.ReadFile(cfg.Path)
	if err != nil || strings.Contains(string(raw), "example.org") {
		t.Errorf("the file has an address: %s, %v", raw, err)
	}
	l.add("carl")
	m, stop = runs(t, cfg)
	settled(t, m, 1)
	stop()
	if got := p.next(); got.to != "carl@example.org" || len(p.arrived) != 0 {
		t.Errorf("after a restart: %+v and %d more", got, len(p.arrived))
	}
}

// TestRefused: 4xx is tried again, 5xx is given up and shown, and neither keeps others
// from their letters. The address is not in what is kept.
func TestRefused(t *testing.T) {
	tries := 0
	p, l := newPost(t, "", nil, func(p *post) {
		p.rcpt = func(to string) error {
			switch {
			case strings.HasPrefix(to, "gone"):
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no mailbox " + to}
			case strings.HasPrefix(to, "grey"):
				if tries++; tries < 4 {
					return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"}
				}
			}
			return nil
		}
	}), &list{}
	l.add("gone", "grey", "anna")
	cfg := config(t, p, l)
	m, stop := runs(t, cfg)
	settled(t, m, 2)
	if a, b := p.next(), p.next(); a.to+b.to != "anna@example.orggrey@example.org" && a.to+b.to != "grey@example.organna@example.org" {
		t.Errorf("%s %s", a.to, b.to)
	}
	if f, ok := m.Failed("gone"); !ok || !strings.Contains(f.Error, "550") || strings.Contains(f.Error, "example.org") || f.AtUS == 0 {
		t.Errorf("given up: %+v %v", f, ok)
	}
	if _, ok := m.Failed("grey"); ok || tries != 4 {
		t.Errorf("after %d tries it counts as failed", tries)
	}
	stop()
	if m, _ = runs(t, cfg); true {
		if _, ok := m.Failed("gone"); !ok {
			t.Error("a restart forgets what was given up")
		}
	}
}

// TestServerDown: letters wait for the server, one attempt at a time, over a restart of
// ours; none is lost or sent twice when it is back.
func TestServerDown(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	l := &list{}
	l.add("anna", "bob", "carl")
	cfg := config(t, &post{addr: addr}, l)
	tried := make(chan struct{}, 1000)
	cfg.Logger = slog.New(counting{slog.DiscardHandler, tried})
	_, stop := runs(t, cfg)
	<-tried
	<-tried
	stop()
	p := newPost(t, addr, nil, nil)
	m, stop := runs(t, cfg)
	settled(t, m, 3)
	stop()
	got := map[string]int{}
	for range 3 {
		got[p.next().to]++
	}
	if len(got) != 3 || len(p.arrived) != 0 {
		t.Errorf("arrived: %v and %d more", got, len(p.arrived))
	}
}

// counting tells of each record.
type counting struct {
	slog.Handler
	told chan struct{}
}

func (c counting) Enabled(context.Context, slog.Level) bool { return true }
func (c counting) Handle(context.Context, slog.Record) error {
	select {
	case c.told <- struct{}{}:
	default:
	}
	return nil
}

// TestTooOld: a letter that could not be sent for long enough is given up and shown.
func TestTooOld(t *testing.T) {
	p, l := newPost(t, "", nil, func(p *post) {
		p.data = func(n int) error { return &smtp.SMTPError{Code: 451, Message: "later"} }
	}), &list{}
	l.add("anna")
	cfg := config(t, p, l)
	var mu sync.Mutex
	at := time.Unix(1_800_000_000, 0)
	cfg.Clock = telling(func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Hour) // each look is an hour later
		return at
	})
	cfg.GiveUp = 48 * time.Hour
	m, _ := runs(t, cfg)
	for n := range 10 { // of two days
		select {
		case <-p.rejected:
		case <-time.After(20 * time.Second):
			t.Fatalf("given up after %d attempts", n)
		}
	}
	settled(t, m, 0)
	if f, ok := m.Failed("anna"); !ok || !strings.Contains(f.Error, "451") {
		t.Errorf("given up: %+v %v", f, ok)
	}
}

// TestStalledServer: one that takes the connection and says nothing keeps neither a stop
// nor Wake waiting.
func TestStalledServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	l := &list{}
	l.add("anna")
	cfg := config(t, &post{addr: ln.Addr().String()}, l)
	cfg.Timeout = time.Hour
	m, stop := runs(t, cfg)
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 1000 {
		m.Wake()
	}
	stop()
	if sent, waits := m.Figures(); sent != 0 || waits != 1 {
		t.Errorf("%d sent, %d wait", sent, waits)
	}
}

// TestEncrypted: STARTTLS and TLS with a password; no letter without, nor to a server
// whose certificate is somebody else's.
func TestEncrypted(t *testing.T) {
	pair, roots := certificate(t)
	secured := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	for _, c := range []struct {
		name   string
		policy Policy
		server *tls.Config
		roots  *x509.CertPool
		pass   string
		sent   bool
	}{
		{"starttls", StartTLS, secured, roots, "secret of the zone", true},
		{"a wrong password", StartTLS, secured, roots, "wrong", false},
		{"a server without", StartTLS, nil, roots, "secret of the zone", false},
		{"somebody else's certificate", StartTLS, secured, x509.NewCertPool(), "secret of the zone", false},
	} {
		p, l := newPost(t, "", c.server, nil), &list{}
		l.add("anna")
		cfg := config(t, p, l)
		cfg.TLS, cfg.RootCAs, cfg.Username, cfg.Password = c.policy, c.roots, "zone", c.pass
		tried := make(chan struct{}, 1000)
		cfg.Logger = slog.New(counting{slog.DiscardHandler, tried})
		m, stop := runs(t, cfg)
		if c.sent {
			settled(t, m, 1)
			p.next()
			p.mu.Lock()
			if !p.tls || p.user != "zone" {
				t.Errorf("%s: encrypted %v, user %q", c.name, p.tls, p.user)
			}
			p.mu.Unlock()
		} else {
			<-tried
			<-tried
			if sent, waits := m.Figures(); sent != 0 || waits != 1 || len(p.arrived) != 0 {
				t.Errorf("%s: %d sent, %d wait", c.name, sent, waits)
			}
		}
		stop()
	}
}

// certificate is one for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// TestConfig: what would send in the clear or nowhere is refused with the reason.
func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(*Config)
	}{
		{"in the clear to another machine", "encrypted only", func(c *Config) { c.Addr = "192.0.2.1:25" }},
		{"a password in the clear", "in the clear", func(c *Config) { c.Username, c.Password = "a", "b" }},
		{"no port", "host:port", func(c *Config) { c.Addr = "mail.example.org" }},
		{"no sender", "sender", func(c *Config) { c.From = "Zone <zone@example.org>\r\n" }},
		{"half a login", "both", func(c *Config) { c.TLS, c.Username = StartTLS, "a" }},
		{"another policy", "starttls, tls or none", func(c *Config) { c.TLS = "ssl" }},
	} {
		cfg := config(t, &post{addr: "127.0.0.1:25"}, &list{})
		c.change(&cfg)
		if _, err := New(cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	cfg := config(t, &post{addr: "127.0.0.1:25"}, &list{})
	if err := os.WriteFile(cfg.Path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg); !errors.Is(err, ErrStore) {
		t.Errorf("a damaged file: %v", err)
	}
}
