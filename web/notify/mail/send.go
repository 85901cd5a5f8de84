package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"strconv"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// Check refuses what cannot be, or must not be: a password in the clear.
func (c *Config) Check() error {
	host, port, err := net.SplitHostPort(c.Addr)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || host == "" || bad != nil {
		return fmt.Errorf("%w: address %q: give host:port, such as mail.example.org:587", ErrConfig, c.Addr)
	}
	if a, err := netmail.ParseAddress(c.From); err != nil || a.Address != c.From {
		return fmt.Errorf("%w: sender %q: give a mail address such as zone@example.org", ErrConfig, c.From)
	}
	switch cmp.Or(c.TLS, StartTLS) {
	case StartTLS, TLS:
	case None:
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			return fmt.Errorf("%w: %s is not this machine: mails leave it encrypted only, use starttls or tls", ErrConfig, host)
		}
		if c.Username != "" {
			return fmt.Errorf("%w: a password is not sent in the clear: use starttls or tls, or no username", ErrConfig)
		}
	default:
		return fmt.Errorf("%w: tls %q: use starttls, tls or none", ErrConfig, c.TLS)
	}
	if (c.Username == "") != (c.Password == "") {
		return fmt.Errorf("%w: give both a username and a password, or neither", ErrConfig)
	}
	return nil
}

// send hands one letter to the server. The connection ends with ctx, so that a server
// that is stuck does not keep a stop from its end.
func (m *Mailer) send(ctx context.Context, l Letter, msg Message) error {
	letter, err := m.compose(l, msg)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timeout)
	defer cancel()
	client, err := m.client(ctx)
	if err == nil {
		err = client.DialAndSendWithContext(ctx, letter)
	}
	var answer *gomail.SendError
	switch {
	case err == nil:
		return nil
	case letter.IsDelivered(): // taken; only the farewell failed
		return nil
	case !errors.As(err, &answer):
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	// The answer may repeat the address, which belongs into no file and no log.
	said := fmt.Errorf("the mail server answered %d %s", answer.ErrorCode(), answer.EnhancedStatusCode())
	switch answer.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		if answer.ErrorCode() >= 500 {
			return fmt.Errorf("%w: %w", errRefused, said)
		}
		return said
	}
	return fmt.Errorf("%w: %w", errUnreachable, said)
}

func (m *Mailer) client(ctx context.Context) (*gomail.Client, error) {
	host, port, _ := net.SplitHostPort(m.cfg.Addr)
	n, _ := strconv.Atoi(port)
	secured := &tls.Config{ServerName: host, RootCAs: m.cfg.RootCAs, MinVersion: tls.VersionTLS12}
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		if m.cfg.TLS == TLS {
			return tls.Client(conn, secured), nil
		}
		return conn, nil
	}
	policy := gomail.NoTLS
	if m.cfg.TLS == StartTLS {
		policy = gomail.TLSMandatory
	}
	options := []gomail.Option{
		gomail.WithPort(n), gomail.WithTimeout(m.cfg.Timeout), gomail.WithTLSConfig(secured), gomail.WithDialContextFunc(dial), gomail.WithTLSPolicy(policy), gomail.WithoutNoop(),
	}
	if m.cfg.Username != "" {
		// Over TLS alone: check refuses a password without.
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthPlainNoEnc), gomail.WithUsername(m.cfg.Username), gomail.WithPassword(m.cfg.Password))
	}
	return gomail.NewClient(host, options...)
}

// compose writes the headers. The Message-ID is the same whenever the letter is sent, so
// that a receiver knows one that comes twice.
func (m *Mailer) compose(l Letter, msg Message) (*gomail.Msg, error) {
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	_, domain, _ := strings.Cut(m.cfg.From, "@")
	if err := errors.Join(out.From(m.cfg.From), out.To(msg.To)); err != nil {
		return nil, err
	}
	out.Subject(oneLine(msg.Subject))
	out.SetMessageIDWithValue(fmt.Sprintf("%d.%s@%s", l.Notice, oneLine(l.Person), domain))
	out.SetDateWithValue(m.cfg.Clock())
	out.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence answers it
	out.SetBodyString(gomail.TypeTextPlain, msg.Body)
	return out, nil
}

// oneLine keeps a header from becoming two.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
