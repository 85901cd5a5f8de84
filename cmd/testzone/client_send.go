package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// send makes a call with a body (nil: none) and reads the answer into out (nil: it has
// none to read). With --json the answer is printed as it is: then shown is true, and
// nothing is left to say. A POST carries a key, so that a lost answer makes nothing twice.
func (flags *clientFlags) send(cmd *cobra.Command, method, path string, in, out any, header ...string) (shown bool, err error) {
	c, err := flags.open()
	if err != nil {
		return false, err
	}
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return false, err
		}
	}
	if method == http.MethodPost {
		header = append(header, "Idempotency-Key", newToken())
	}
	_, raw, err := c.do(cmd.Context(), method, path, body, header...)
	if err != nil {
		return false, err
	}
	if out != nil && (len(raw) > 0 || !flags.json) {
		if err := json.Unmarshal(raw, out); err != nil {
			return false, fmt.Errorf("the server's answer cannot be read: %w", err)
		}
	}
	if flags.json && len(raw) > 0 {
		return true, printRaw(cmd.OutOrStdout(), raw)
	}
	return flags.json, nil
}

// tried is a path whose call checks everything and changes nothing, if dry.
func tried(path string, dry bool) string {
	if dry {
		path += "?dry_run=true"
	}
	return path
}

// orAll is a list of what is open, which says with --all also what is not.
func (t table) orAll(flags *clientFlags, short, all string) *cobra.Command {
	var every bool
	cmd := &cobra.Command{Use: "list", Short: short, Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		query := url.Values{"limit": {"500"}}
		if every {
			query.Set("state", "all")
		}
		return t.run(flags, query, cmd)
	}}
	cmd.Flags().BoolVar(&every, "all", false, all)
	return cmd
}
