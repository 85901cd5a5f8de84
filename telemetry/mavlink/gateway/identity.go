package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Fingerprint is the SHA-256 of the public key (SubjectPublicKeyInfo) of one end.
type Fingerprint [sha256.Size]byte

// String is the fingerprint as 64 hex digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// ParseFingerprint reads 64 hex digits, with colons or spaces between them or not.
func ParseFingerprint(s string) (Fingerprint, error) {
	raw, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(s))
	if err != nil || len(raw) != sha256.Size {
		return Fingerprint{}, fmt.Errorf("%w: fingerprint %q is not 64 hex digits", ErrConfig, s)
	}
	return Fingerprint(raw), nil
}

// FingerprintOf is the fingerprint of the key of a certificate.
func FingerprintOf(cert *x509.Certificate) Fingerprint {
	return sha256.Sum256(cert.RawSubjectPublicKeyInfo)
}

// Identity is the key of one end with a certificate that it signed itself.
type Identity struct {
	Certificate tls.Certificate
	Fingerprint Fingerprint
}

// LoadIdentity reads an identity file, and makes it when there is none.
func LoadIdentity(path string) (id Identity, made bool, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if raw, err = makeIdentity(); err == nil {
			err = writeSecret(path, raw)
		}
		made = true
	}
	if err != nil {
		return id, false, fmt.Errorf("identity of the gateway: %w", err)
	}
	st, err := os.Stat(path)
	if err != nil {
		return id, false, fmt.Errorf("identity of the gateway: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return id, false, fmt.Errorf("%w: others can read %s: chmod 600 it", ErrConfig, path)
	}
	if id, err = NewIdentity(raw, raw); err != nil {
		return id, false, fmt.Errorf("%s: %w", path, err)
	}
	return id, made, nil
}

// NewIdentity reads a certificate and its key, both in PEM.
func NewIdentity(certPEM, keyPEM []byte) (Identity, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return Identity{Certificate: pair, Fingerprint: FingerprintOf(pair.Leaf)}, nil
}

func makeIdentity() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "testzone gateway"},
		// The key is enrolled and revoked, not the certificate: it does not end
		// (RFC 5280, 4.1.2.5).
		NotBefore:   time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:    time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), nil
}

// writeSecret writes a file that only its owner reads, whole or not at all.
func writeSecret(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".identity-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// serverTLS is the server's side: any certificate is taken, who it is of is
// decided by its key.
func serverTLS(id Identity) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{id.Certificate}, ClientAuth: tls.RequireAnyClientCert,
		MinVersion: tls.VersionTLS13, NextProtos: []string{alpn}, SessionTicketsDisabled: true,
	}
}

// clientTLS is the gateway's side.
func clientTLS(id Identity, host string, pin *Fingerprint, roots *x509.CertPool) *tls.Config {
	cfg := &tls.Config{
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &id.Certificate, nil },
		MinVersion:           tls.VersionTLS13, NextProtos: []string{alpn}, ServerName: host, RootCAs: roots,
	}
	if pin != nil {
		// The pinned key stands for name, issuer and dates.
		cfg.InsecureSkipVerify = true
		cfg.VerifyConnection = func(st tls.ConnectionState) error {
			if got := FingerprintOf(st.PeerCertificates[0]); got != *pin {
				return fmt.Errorf("%w: it is %s", ErrWrongServer, got)
			}
			return nil
		}
	}
	return cfg
}
