package gateway

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"testzone/telemetry/mavlink"
)

func TestIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.pem")
	first, made, err := LoadIdentity(path)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	again, made, err := LoadIdentity(path)
	if err != nil || made || again.Fingerprint != first.Fingerprint {
		t.Errorf("made %v, %v, %v", made, again.Fingerprint, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	s := first.Fingerprint.String()
	for _, form := range []string{s, strings.ToUpper(s), s[:2] + ":" + s[2:], s[:32] + " " + s[32:]} {
		if f, err := ParseFingerprint(form); err != nil || f != first.Fingerprint {
			t.Errorf("%q: %v, %v", form, f, err)
		}
	}
	for _, form := range []string{"", s[1:], s + "00", "zz" + s[2:]} {
		if _, err := ParseFingerprint(form); !errors.Is(err, ErrConfig) {
			t.Errorf("%q: %v", form, err)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadIdentity(path); !errors.Is(err, ErrConfig) {
		t.Errorf("others can read it: %v", err)
	}
	if err := os.WriteFile(path, []byte("junk"), 0o600); err != nil || os.Chmod(path, 0o600) != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadIdentity(path); !errors.Is(err, ErrConfig) {
		t.Errorf("junk: %v", err)
	}
}

// attempt is the error of one connection of a gateway.
func attempt(t *testing.T, cfg ClientConfig) error {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := c.shake(ctx)
	if err == nil {
		conn.Close()
	}
	return err
}

// A server is known by its pinned key or by an authority, and by nothing else.
func TestWhichServer(t *testing.T) {
	authority, cert := certified(t)
	r, id := serve(t, func(cfg *ServerConfig) { cfg.Identity = cert }), identity(t)
	r.enrol(t, id, "van", 1)
	to := r.Addr().String()
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	other := identity(t).Fingerprint
	for _, c := range []struct {
		name string
		cfg  ClientConfig
		want error
	}{
		{"pinned", ClientConfig{Pin: &cert.Fingerprint}, nil},
		{"by the authority", ClientConfig{Roots: roots}, nil},
		{"other pin", ClientConfig{Pin: &other}, ErrWrongServer},
		{"other pin, right authority", ClientConfig{Pin: &other, Roots: roots}, ErrWrongServer},
		{"other authority", ClientConfig{Roots: x509.NewCertPool()}, errUnknownAuthority},
	} {
		c.cfg.Server, c.cfg.Identity = to, id
		err := attempt(t, c.cfg)
		var unknown x509.UnknownAuthorityError
		if c.want == errUnknownAuthority && errors.As(err, &unknown) {
			continue
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	// The right certificate for another name.
	cfg := ClientConfig{Server: "localhost:" + to[strings.LastIndex(to, ":")+1:], Identity: id, Roots: roots}
	var name x509.HostnameError
	if err := attempt(t, cfg); !errors.As(err, &name) {
		t.Errorf("other host: %v", err)
	}
}

var errUnknownAuthority = errors.New("unknown authority")

// certified is an identity for 127.0.0.1, and the authority that signed it.
func certified(t *testing.T) (authority *x509.Certificate, id Identity) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter,
	}
	sign := func(c *x509.Certificate) []byte {
		der, err := x509.CreateCertificate(rand.Reader, c, root, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	if authority, err = x509.ParseCertificate(sign(root)); err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	id, err = NewIdentity(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: sign(leaf)}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	if err != nil {
		t.Fatal(err)
	}
	return authority, id
}

func TestNotEnrolled(t *testing.T) {
	r, id, other := serve(t, nil), identity(t), identity(t)
	r.enrol(t, other, "van", 1)
	err := attempt(t, ClientConfig{Server: r.Addr().String(), Identity: id, Pin: &r.id.Fingerprint})
	if !errors.Is(err, ErrNotEnrolled) {
		t.Errorf("%v", err)
	}
	until(t, "the count", func() bool { return r.Counts().NotEnrolled == 1 })
	if len(r.Status()) != 0 {
		t.Errorf("%+v", r.Status())
	}
}

// Without a certificate, or with an older TLS, there is no connection.
func TestTLS(t *testing.T) {
	r, id := serve(t, nil), identity(t)
	r.enrol(t, id, "van", 1)
	for name, change := range map[string]func(*tls.Config){
		"no certificate": func(c *tls.Config) { c.GetClientCertificate = nil },
		"TLS 1.2":        func(c *tls.Config) { c.MinVersion, c.MaxVersion = 0, tls.VersionTLS12 },
		"other protocol": func(c *tls.Config) { c.NextProtos = []string{"h2"} },
	} {
		cfg := clientTLS(id, "", &r.id.Fingerprint, nil)
		change(cfg)
		conn, err := net.Dial("tcp", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c := tls.Client(conn, cfg)
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(hello{version, [8]byte{}, 1}.bytes())
		if n, err := io.ReadFull(c, make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		conn.Close()
	}
	until(t, "the counts", func() bool { return r.Counts().Failed == 3 })
}

// What is no gateway protocol ends the connection, says why, and hurts nobody else.
func TestBrokenPeers(t *testing.T) {
	r, id, good := serve(t, nil), identity(t), identity(t)
	r.enrol(t, id, "broken", 2)
	r.enrol(t, good, "van", 1)
	c, _ := dial(t, r.Addr(), r.id, good)
	s, v := newStation(t, c), &sender{sys: 1, comp: 1}
	beat := (&sender{sys: 2, comp: 1}).beat()
	up := func(seq uint64) []byte { return uplink{seq, rawClock, beat}.append(nil) }
	for i, x := range []struct {
		name string
		in   []byte
		want uint8
	}{
		{"length 0", []byte{0, 0}, byeProtocol},
		{"too long", []byte{0xff, 0xff, 1}, byeProtocol},
		{"type of the server", appendPing(nil, 1), byeProtocol},
		{"type 0", []byte{0, 1, 0}, byeProtocol},
		{"empty datagram", uplink{1, 1, nil}.append(nil), byeProtocol},
		{"sequence 0", up(0), byeProtocol},
		{"sequence again", append(up(5), up(5)...), byeProtocol},
		{"sequence back", append(up(5), up(4)...), byeProtocol},
		{"pong too short", []byte{0, 2, byte(kindPong), 1}, byeProtocol},
		{"status of half a counter", []byte{0, 2, byte(kindStatus), 1}, byeProtocol},
	} {
		conn, m := greeted(t, r, id, byte(i+1))
		write(t, conn, x.in)
		if got := bye(t, m); got != x.want {
			t.Errorf("%s: BYE %d, want %d", x.name, got, x.want)
		}
	}
	// Half a message, and no more.
	conn, _ := greeted(t, r, id, 100)
	write(t, conn, up(1)[:20])
	conn.Close()
	// A type of a later version is skipped.
	conn, m := greeted(t, r, id, 101)
	write(t, conn, append([]byte{0, 3, 99, 1, 2}, up(1)...))
	if got := take(t, r.zone.frames); !bytes.Equal(got, beat) {
		t.Errorf("got %x", got)
	}
	conn.Close()
	bye(t, m)
	// No hello at all, in TLS and outside.
	plain := raw(t, r, id)
	write(t, plain, []byte("GET / HTTP/1.1\r\nHost: testzone\r\n\r\n"))
	bye(t, newMessages(plain))
	tcp, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	write(t, tcp, bytes.Repeat([]byte{0x16, 3, 1, 0xff, 0xff}, 100))
	_ = tcp.SetDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, tcp); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("junk keeps a connection open")
	}
	until(t, "the counts", func() bool { return r.Counts().Failed == 2 })

	want := v.beat()
	s.send(want)
	for got := take(t, r.zone.frames); !bytes.Equal(got, want); got = take(t, r.zone.frames) {
		if !bytes.Equal(got, beat) {
			t.Fatalf("got %x", got)
		}
	}
	if st := r.status("van"); st.Connections != 1 {
		t.Errorf("the good gateway connected %d times", st.Connections)
	}
}

func TestVersion(t *testing.T) {
	r, id := serve(t, nil), identity(t)
	r.enrol(t, id, "van", 1)
	conn := raw(t, r, id)
	write(t, conn, hello{version + 1, [8]byte{1}, 1}.bytes())
	b := make([]byte, welcomeSize)
	if _, err := io.ReadFull(conn, b); err != nil {
		t.Fatal(err)
	}
	if err := parseWelcome(b); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}

// Connections that prove nothing give way; they do not keep gateways out.
func TestCrowd(t *testing.T) {
	r, id := serve(t, func(cfg *ServerConfig) { cfg.Proving, cfg.Handshake = 3, time.Hour }), identity(t)
	r.enrol(t, id, "van", 1)
	var first net.Conn
	for i := range 10 {
		conn, err := net.Dial("tcp", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i == 0 {
			first = conn
		}
	}
	_ = first.SetReadDeadline(time.Now().Add(patience))
	if _, err := first.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the oldest is still open: %v", err)
	}
	c, _ := dial(t, r.Addr(), r.id, id)
	until(t, "the gateway", c.Connected)
	if n := r.Counts().Full; n < 7 {
		t.Errorf("%d gave way, want 7 or more", n)
	}
}

// One that is revoked is cut, its data no longer used, and told so.
func TestRevoked(t *testing.T) {
	r, id := serve(t, nil), identity(t)
	r.enrol(t, id, "van", 1)
	conn, m := greeted(t, r, id, 1)
	v := &sender{sys: 1, comp: 1}
	write(t, conn, uplink{1, rawClock, v.beat()}.append(nil))
	take(t, r.zone.frames)
	r.revoke(id)
	if got := bye(t, m); got != byeRevoked {
		t.Errorf("BYE %d, want %d", got, byeRevoked)
	}
	until(t, "the count", func() bool { return r.Counts().Revoked == 1 })
	err := attempt(t, ClientConfig{Server: r.Addr().String(), Identity: id, Pin: &r.id.Fingerprint})
	if !errors.Is(err, ErrNotEnrolled) {
		t.Errorf("again: %v", err)
	}
	// Enrolled anew with other vehicles, it starts anew.
	r.enrol(t, id, "van", 2)
	conn, _ = greeted(t, r, id, 1)
	two := (&sender{sys: 2, comp: 1}).beat()
	write(t, conn, uplink{2, rawClock, append(v.beat(), two...)}.append(nil))
	if got := take(t, r.zone.frames); !bytes.Equal(got, two) {
		t.Errorf("got %x, want %x", got, two)
	}
}

// A vehicle that is taken from a gateway is refused at once.
func TestVehicleTakenAway(t *testing.T) {
	r, id := serve(t, nil), identity(t)
	keys := r.enrol(t, id, "van", 1)
	conn, _ := greeted(t, r, id, 1)
	v := &sender{sys: 1, comp: 1}
	write(t, conn, uplink{1, rawClock, v.beat()}.append(nil))
	take(t, r.zone.frames)
	if err := keys.Set([]*mavlink.Credential{{Vehicle: "uav-2", SystemID: 2, Vouched: true}}); err != nil {
		t.Fatal(err)
	}
	write(t, conn, uplink{2, rawClock, v.beat()}.append(nil))
	take(t, r.zone.refused)
	if st := r.status("van"); !st.Connected {
		t.Error("the gateway was cut")
	}
}
