package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"testzone/web"
)

const permitsAPI = "/v1/permits"

func permitsCommand() *cobra.Command {
	var flags clientFlags
	return group("permits", "Test permits, and the activities under them", &flags, permitsList(&flags), permitsShow(&flags), permitsCheck(&flags), permitsDraft(&flags),
		permitsAct(&flags, "submit", "Hand an application in"), permitsAct(&flags, "withdraw", "Take an application back"), permitsReview(&flags), activitiesCommand(&flags))
}

func permitsList(flags *clientFlags) *cobra.Command {
	var state, kind string
	var queue bool
	t := tabled(permitsAPI, "ID\tTITLE\tKIND\tHOLDER\tSTATE\tSTEP\tASKED\tFROM\tTO\tREV", func(p *web.Permit) []any {
		a := &p.Application
		return []any{p.ID, a.Title, a.Kind, p.Holder, p.State, dash(p.Step), dash(strings.Join(p.Asked, ",")), a.From.Format(minutes), a.To.Format(minutes), p.Rev}
	})
	cmd := &cobra.Command{Use: "list", Short: "List permits and applications that you may see", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		q := queryOf("state", state, "kind", kind)
		if queue {
			q.Set("queue", "true")
		}
		return t.run(flags, q, cmd)
	}}
	cmd.Flags().StringVar(&state, "state", "", "only those in this state, such as under_review")
	cmd.Flags().StringVar(&kind, "kind", "", "only those of this kind, such as uav.flight")
	cmd.Flags().BoolVar(&queue, "queue", false, "only those in which your department is asked now")
	return cmd
}

// minutes is how times stand in a table.
const minutes = "2006-01-02T15:04Z07:00"

// queryOf is a query of pairs of names and values, without the empty ones.
func queryOf(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

func permitsShow(flags *clientFlags) *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: "Show one permit: who has to say something, its clocks and its history", Args: exactArgs("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := flags.open()
		if err != nil {
			return err
		}
		_, raw, err := c.do(cmd.Context(), http.MethodGet, permitsAPI+"/"+url.PathEscape(args[0]), nil)
		if err != nil {
			return err
		}
		if flags.json {
			return printRaw(cmd.OutOrStdout(), raw)
		}
		var p web.Permit
		if err := json.Unmarshal(raw, &p); err != nil {
			return fmt.Errorf("the server's answer cannot be read: %w", err)
		}
		line := func(format string, a ...any) {
			fmt.Fprintln(cmd.OutOrStdout(), printable(fmt.Sprintf(format, a...)))
		}
		line("%s, revision %d: %s, %s of %s", p.ID, p.Rev, p.State, p.Application.Kind, p.Holder)
		line("%s, from %s to %s, under %s (%s)", p.Application.Title, p.Application.From.Format(minutes), p.Application.To.Format(minutes), p.Pack, p.PackStatus)
		line("vehicles: %s", dash(strings.Join(p.Application.Vehicles, ", ")))
		line("asked now: %s; document %s", dash(strings.Join(p.Asked, ", ")), p.DocHash)
		if p.Waits != "" {
			line("waits: %s", p.Waits)
		}
		for i := range p.Decisions {
			d := &p.Decisions[i]
			line("decision: %s in %s: %s %s", d.Department, d.Step, d.Verdict, d.Reason)
		}
		for _, c := range p.Clocks {
			line("clock: %s by %s: %s", c.ID, c.DueAt, c.State)
		}
		for _, e := range p.History {
			line("%s  %s  %s %s", e.At, e.Act, e.State, e.Reason)
		}
		return nil
	}}
}

// readJSON reads a document that is sent as it is.
func readJSON(path string) (json.RawMessage, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("read the file: %w", err)
	}
	if !json.Valid(raw) {
		return nil, usage("%s is no JSON document", path)
	}
	return raw, nil
}

func permitsCheck(flags *clientFlags) *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: "Say all that speaks against an application, which is a file in the API's form; change nothing", Args: exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readJSON(args[0])
			if err != nil {
				return err
			}
			var p web.Permit
			shown, err := flags.send(cmd, http.MethodPost, permitsAPI+"?dry_run=true", raw, &p)
			switch {
			case err != nil:
				return err
			case len(p.Faults) > 0:
				return &exitError{exitInvalid, fmt.Errorf("%d rules of %s speak against it:%s", len(p.Faults), printable(p.Pack), faultLines(p.Faults))}
			case shown:
				return nil
			}
			fmt.Fprintln(cmd.OutOrStdout(), printable("nothing of "+p.Pack+" speaks against it"))
			return nil
		},
	}
}

// faultLines are what speaks against something, a line for each.
func faultLines(faults []web.PermitFault) string {
	var text strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&text, "\n  %s: %s", printable(f.Item), printable(f.Message))
		if f.Passes != "" {
			fmt.Fprintf(&text, "; would pass: %s", printable(f.Passes))
		}
	}
	return text.String()
}

func permitsDraft(flags *clientFlags) *cobra.Command {
	return &cobra.Command{
		Use: "draft FILE", Short: "Begin an application from a file in the API's form", Args: exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readJSON(args[0])
			if err != nil {
				return err
			}
			return post(flags, cmd, permitsAPI, raw, permitLine, "Idempotency-Key", newToken())
		},
	}
}

func permitLine(p *web.Permit) string {
	return fmt.Sprintf("%s, revision %d: %s, asked: %s", p.ID, p.Rev, p.State, dash(strings.Join(p.Asked, ", ")))
}

func permitsAct(flags *clientFlags, act, short string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{Use: act + " ID", Short: short, Args: exactArgs("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		return post(flags, cmd, permitsAPI+"/"+url.PathEscape(args[0])+"/"+act, reasonBody(reason), permitLine, "Idempotency-Key", newToken())
	}}
	cmd.Flags().StringVar(&reason, "reason", "", "why (it stays in the journal: no personal data)")
	return cmd
}

func reasonBody(reason string) map[string]any {
	if reason == "" {
		return map[string]any{}
	}
	return map[string]any{"reason": reason}
}

func permitsReview(flags *clientFlags) *cobra.Command {
	var reason, document, reference string
	cmd := &cobra.Command{
		Use: "review ID VERDICT", Short: "Say what your department says: pass, approve, advise_for, advise_against, return or reject", Args: exactArgs("ID", "VERDICT"),
		Example: "  testzone permits review pm_1 approve --document 5f3a… --reference \"ATC 2026-17\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if document == "" {
				return usage("say which document you looked at: --document HASH (see show)")
			}
			in := reasonBody(reason)
			in["verdict"], in["doc_hash"] = args[1], document
			if reference != "" {
				in["reference"] = reference
			}
			return post(flags, cmd, permitsAPI+"/"+url.PathEscape(args[0])+"/reviews", in, permitLine, "Idempotency-Key", newToken())
		},
	}
	f := cmd.Flags()
	f.StringVar(&document, "document", "", "`hash` of the application that you looked at")
	f.StringVar(&reference, "reference", "", "of the authority's own decision")
	f.StringVar(&reason, "reason", "", "why; needed to return, reject or advise against (no personal data)")
	return cmd
}
