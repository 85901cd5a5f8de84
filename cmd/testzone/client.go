package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"testzone/web"
)

// The exit codes of the client commands. Scripts may rely on them.
const (
	exitFailed      = 1 // anything else
	exitUsage       = 2 // the command line is wrong
	exitDenied      = 3 // not signed in, or not allowed
	exitNotFound    = 4
	exitConflict    = 5 // somebody else changed it meanwhile
	exitInvalid     = 6 // what was sent has faults
	exitUnavailable = 7 // no answer, or the server cannot serve now: worth a retry
)

// exitError is an error with the exit code that the program ends with.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exitCode is what the program ends with.
func exitCode(err error) int {
	var e *exitError
	if errors.As(err, &e) {
		return e.code
	}
	return exitFailed
}

// client speaks the public API.
type client struct {
	server string // without a slash at the end
	token  string
	http   *http.Client
}

// clientFlags are those of every client command.
type clientFlags struct {
	server, tokenFile string
	json              bool
}

func (f *clientFlags) register(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.server, "server", "", "`address` of the server (default TESTZONE_SERVER, that of testzone login, or http://127.0.0.1:8080)")
	flags.StringVar(&f.tokenFile, "token-file", "", "`file` with the token (default TESTZONE_TOKEN, or that of testzone login)")
	flags.BoolVar(&f.json, "json", false, "print JSON as the server sends it")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%w; see --help", err) })
}

// open finds server and token.
func (f *clientFlags) open() (*client, error) {
	kept, err := readLogin()
	if err != nil {
		return nil, err
	}
	server, err := f.address(kept)
	if err != nil {
		return nil, err
	}
	token := os.Getenv("TESTZONE_TOKEN")
	switch {
	case f.tokenFile != "":
		raw, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return nil, usage("read the token: %w", err)
		}
		token = strings.TrimSpace(string(raw))
	case token == "" && kept.Server == server:
		token = kept.Token
	}
	if token == "" {
		return nil, &exitError{exitDenied, fmt.Errorf("there is no token for %s: use testzone login, TESTZONE_TOKEN or --token-file", server)}
	}
	return newClient(server, token), nil
}

// address is the server to ask.
func (f *clientFlags) address(kept login) (string, error) {
	for _, s := range []string{f.server, os.Getenv("TESTZONE_SERVER"), kept.Server, "http://127.0.0.1:8080"} {
		if s != "" {
			return checkServer(s)
		}
	}
	return "", nil // not reached: the last one is not empty
}

// checkServer refuses to send a token where others read it.
func checkServer(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return "", usage("%q is not the address of a server such as https://zone.example.org", s)
	}
	if u.Scheme == "http" && u.Hostname() != "localhost" {
		if a, err := netip.ParseAddr(u.Hostname()); err != nil || !a.IsLoopback() {
			return "", usage("%s: the token would cross the network in clear: use https", s)
		}
	}
	return u.Scheme + "://" + u.Host, nil
}

func newClient(server, token string) *client {
	return &client{server: server, token: token, http: &http.Client{
		Timeout:       90 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token goes to nobody else
	}}
}

// attempts of a call that the server did not answer. Every call may be
// repeated: reading is harmless, changes have an If-Match or an Idempotency-Key.
const attempts = 3

// do makes one call and returns the body of a good answer. header is pairs of
// names and values.
func (c *client) do(ctx context.Context, method, path string, body []byte, header ...string) (http.Header, []byte, error) {
	for i := 1; ; i++ {
		res, raw, err := c.once(ctx, method, path, body, header)
		var refused *net.OpError
		if err != nil && i < attempts && ctx.Err() == nil && !(errors.As(err, &refused) && refused.Op == "dial") {
			continue
		}
		if err != nil {
			return nil, nil, &exitError{exitUnavailable, fmt.Errorf("no answer from %s: %w", c.server, err)}
		}
		if res.StatusCode >= 200 && res.StatusCode < 300 {
			return res.Header, raw, nil
		}
		return nil, nil, problemError(res, raw)
	}
}

func (c *client) once(ctx context.Context, method, path string, body []byte, header []string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 256<<20))
	return res, raw, err
}

// problemError is an answer that is not a good one, in words.
func problemError(res *http.Response, raw []byte) error {
	var p web.Problem
	if err := json.Unmarshal(raw, &p); err != nil || p.Code == "" {
		return &exitError{exitFailed, fmt.Errorf("%s answered %s, which is not how testzone answers: is this the right server?", res.Request.URL.Host, res.Status)}
	}
	var text strings.Builder
	text.WriteString(printable(p.Detail))
	text.WriteString(faultLines(p.Faults))
	for _, f := range p.Errors {
		if len(p.Faults) == 0 { // else they say the same
			fmt.Fprintf(&text, "\n  %s: %s", printable(f.Location), printable(f.Message))
		}
	}
	if after := res.Header.Get("Retry-After"); after != "" {
		fmt.Fprintf(&text, "\n  try again in %s s", printable(after))
	}
	fmt.Fprintf(&text, " (%s, request %s)", printable(p.Code), printable(p.RequestID))
	code := exitFailed
	switch s := res.StatusCode; {
	case s == 401 || s == 403:
		code = exitDenied
	case s == 404 || s == 410:
		code = exitNotFound
	case s == 409 || s == 412 || s == 428:
		code = exitConflict
	case s == 429 || s == 408 || s >= 500:
		code = exitUnavailable
	case s >= 400:
		code = exitInvalid
	}
	return &exitError{code, errors.New(text.String())}
}

// all reads every page of a list.
func (c *client) all(ctx context.Context, path string, query url.Values) ([]json.RawMessage, error) {
	items := []json.RawMessage{}
	for {
		at := path
		if len(query) > 0 {
			at += "?" + query.Encode()
		}
		_, raw, err := c.do(ctx, http.MethodGet, at, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  *string           `json:"next"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, fmt.Errorf("the server's list cannot be read: %w", err)
		}
		items = append(items, page.Items...)
		if page.Next == nil {
			return items, nil
		}
		query.Set("cursor", *page.Next)
	}
}

// login is what testzone login keeps.
type login struct {
	Server string `json:"server"`
	Token  string `json:"token"`
}

func loginFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("where to keep the token: %w; use TESTZONE_TOKEN or --token-file instead", err)
	}
	return filepath.Join(dir, "testzone", "login.json"), nil
}

// readLogin is the kept login; none is no error.
func readLogin() (kept login, err error) {
	path, err := loginFile()
	if err != nil {
		return login{}, nil // a service without a home directory has no login
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return login{}, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &kept)
	}
	if err != nil {
		return login{}, fmt.Errorf("the kept login %s: %w; use testzone login again", path, err)
	}
	return kept, nil
}

func (l login) keep() (path string, err error) {
	if path, err = loginFile(); err != nil {
		return "", err
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep the login: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".login-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("keep the login: %w", err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return "", fmt.Errorf("keep the login: %w", err)
	}
	return path, nil
}
