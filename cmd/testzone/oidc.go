package main

import (
	"fmt"
	"os"
	"strings"

	"testzone/web/auth"
)

// oidcConfig names an identity provider, OpenID Connect Core 1.0. All URLs are
// given here: none is taken from what the provider says.
type oidcConfig struct {
	Name         string   `yaml:"name"` // on the button of the sign-in page; default the issuer's host
	Issuer       string   `yaml:"issuer"`
	ClientID     string   `yaml:"client_id"`
	SecretFile   string   `yaml:"client_secret_file"` // readable by nobody else; none for a public client
	AuthURL      string   `yaml:"auth_url"`
	TokenURL     string   `yaml:"token_url"`
	JWKSURL      string   `yaml:"jwks_url"`
	RedirectURL  string   `yaml:"redirect_url"`  // https://<this server>/v1/oidc/callback
	Algorithms   []string `yaml:"algorithms"`    // default RS256, ES256, EdDSA
	AllowPrivate bool     `yaml:"allow_private"` // the provider is inside our own network
}

// provider is nil when none is configured.
func (c *oidcConfig) provider() (*auth.OIDCConfig, error) {
	if c.Issuer == "" {
		return nil, nil
	}
	out := &auth.OIDCConfig{
		Name: c.Name, Issuer: c.Issuer, ClientID: c.ClientID, AuthURL: c.AuthURL, TokenURL: c.TokenURL, JWKSURL: c.JWKSURL,
		RedirectURL: c.RedirectURL, Algorithms: c.Algorithms, AllowPrivate: c.AllowPrivate,
	}
	if c.SecretFile != "" {
		info, err := os.Stat(c.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("http.oidc.client_secret_file: %w", err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			return nil, fmt.Errorf("http.oidc.client_secret_file: others may read %s: chmod 600 it", c.SecretFile)
		}
		raw, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("http.oidc.client_secret_file: %w", err)
		}
		out.ClientSecret = strings.TrimSpace(string(raw))
	}
	if err := out.Check(); err != nil {
		return nil, fmt.Errorf("http.oidc: %w", err)
	}
	return out, nil
}
