package notify

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

const (
	maxURL      = 500
	dialTimeout = 5 * time.Second
	sendTimeout = 10 * time.Second
)

// checkURL refuses what can be seen to be wrong; where a name leads is seen
// when connecting.
func checkURL(raw string, unsafe bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > maxURL || u.Host == "" || u.Hostname() == "":
		return fmt.Errorf("%w: give one such as https://ops.example.org/events, of at most %d characters", ErrURL, maxURL)
	case u.Scheme != "https" && (!unsafe || u.Scheme != "http"):
		return fmt.Errorf("%w: it must begin with https://", ErrURL)
	case u.User != nil || u.Fragment != "":
		return fmt.Errorf("%w: it must not have a user name, a password or a fragment; requests are signed instead", ErrURL)
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !unsafe && internal(addr) {
		return fmt.Errorf("%w: %s: %w", ErrURL, addr, ErrInternal)
	}
	return nil
}

// newClient connects to no address of the inner network, follows no redirect
// and uses no proxy, which would connect for us.
func newClient(unsafe bool) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if !unsafe {
		dialer.Control = refuseInternal
	}
	return &http.Client{
		Timeout: sendTimeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// refuseInternal sees the address that is connected to, after every name was
// resolved: a name that changes its address meanwhile gains nothing.
func refuseInternal(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, ErrInternal)
	}
	if internal(ap.Addr()) {
		return fmt.Errorf("%s: %w", ap.Addr(), ErrInternal)
	}
	return nil
}

// internal reports whether an address is not one of the public internet. Cloud
// metadata services are at link-local addresses (169.254.169.254, fd00:ec2::254).
func internal(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsUnspecified() || a.IsLoopback() || a.IsPrivate() || a.IsMulticast() ||
		a.IsLinkLocalUnicast() || a.IsInterfaceLocalMulticast() || !a.IsGlobalUnicast() {
		return true
	}
	for _, p := range reserved() {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// reserved are the networks of the IANA special-purpose registries (RFC 6890)
// that netip does not name, and those that carry an IPv4 address within.
func reserved() []netip.Prefix {
	var out []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}
