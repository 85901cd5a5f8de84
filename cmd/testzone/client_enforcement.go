package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"testzone/web"
)

const enforcementAPI = "/v1/enforcement"

func enforcementCommand() *cobra.Command {
	var flags clientFlags
	return group("enforcement", "What is done about breaches of fences", &flags, enforcementList(&flags), enforcementDecide(&flags), enforcementConfirm(&flags))
}

func enforcementList(flags *clientFlags) *cobra.Command {
	t := tabled(enforcementAPI, "VEHICLE\tFENCE\tASKS\tSTATE\tSTEPS\tCALL\tWHY", func(l *web.BreachEnforcement) []any {
		steps := ""
		for _, s := range l.Steps {
			steps += s.Kind + ":" + s.Outcome + " "
		}
		return []any{l.VehicleID, l.Fence.FenceName, l.Fence.Response, l.State, steps, l.Call, l.Why}
	})
	var all bool
	cmd := &cobra.Command{Use: "list", Short: "List breaches that are enforced, newest first", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		query := url.Values{"limit": {"500"}}
		if all {
			query.Set("state", "all")
		}
		return t.run(flags, query, cmd)
	}}
	cmd.Flags().BoolVar(&all, "all", false, "also those that are over")
	return cmd
}

func enforcementDecide(flags *clientFlags) *cobra.Command {
	var in web.LadderInput
	cmd := &cobra.Command{
		Use: "decide VEHICLE continue|let_be", Short: "Have the enforcement of a breach go on, or let it be", Args: exactArgs("VEHICLE", "DECISION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if in.Reason == "" {
				return usage("say why: --reason TEXT (it stays in the journal: no personal data)")
			}
			in.Decision = args[1]
			raw, err := postEnforcement(flags, cmd, vehiclesAPI+"/"+url.PathEscape(args[0])+"/enforcement/decision", &in)
			if err != nil || flags.json {
				return err
			}
			var l web.BreachEnforcement
			if err := json.Unmarshal(raw, &l); err != nil {
				return fmt.Errorf("the server's answer cannot be read: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", printable(l.VehicleID), printable(in.Decision))
			return nil
		},
	}
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why")
	return cmd
}

func enforcementConfirm(flags *clientFlags) *cobra.Command {
	var in web.LadderConfirmation
	cmd := &cobra.Command{
		Use: "confirm", Short: "After a restart: what vehicles report is right, automatic orders may leave", Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if in.Reason == "" {
				return usage("say why: --reason TEXT (it stays in the journal: no personal data)")
			}
			if _, err := postEnforcement(flags, cmd, enforcementAPI+"/confirm", &in); err != nil || flags.json {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "confirmed: automatic orders leave")
			return nil
		},
	}
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why")
	return cmd
}

// postEnforcement sends what was decided; with --json it prints the answer.
func postEnforcement(flags *clientFlags, cmd *cobra.Command, path string, in any) (raw []byte, err error) {
	c, err := flags.open()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	_, raw, err = c.do(cmd.Context(), http.MethodPost, path, body, "Idempotency-Key", newToken())
	if err == nil && flags.json && len(raw) > 0 {
		err = printRaw(cmd.OutOrStdout(), raw)
	}
	return raw, err
}
