package main

import (
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
	return t.orAll(flags, "List breaches that are enforced, newest first", "also those that are over")
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
			var l web.BreachEnforcement
			shown, err := flags.send(cmd, http.MethodPost, vehiclesAPI+"/"+url.PathEscape(args[0])+"/enforcement/decision", &in, &l)
			if shown || err != nil {
				return err
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
			if shown, err := flags.send(cmd, http.MethodPost, enforcementAPI+"/confirm", &in, nil); shown || err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "confirmed: automatic orders leave")
			return nil
		},
	}
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why")
	return cmd
}
