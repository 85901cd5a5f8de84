package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"testzone/web"
)

// terminationsCommand looks and withdraws. To propose and to confirm the end of a flight
// is for persons in their own sessions on the page: a token may be a program's.
func terminationsCommand() *cobra.Command {
	var flags clientFlags
	return group("terminations", "Flights that two controllers end; they propose and confirm on the page, never by a token", &flags,
		terminationsList(&flags), terminationsWithdraw(&flags))
}

func terminationsAPI(vehicle string) string {
	return vehiclesAPI + "/" + url.PathEscape(vehicle) + "/terminations"
}

func terminationsList(flags *clientFlags) *cobra.Command {
	return &cobra.Command{
		Use: "list VEHICLE", Short: "Say what would come of ending a flight now, and what was proposed, newest first", Args: exactArgs("VEHICLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var list web.Terminations
			if shown, err := flags.send(cmd, http.MethodGet, terminationsAPI(args[0]), nil, &list); shown || err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			switch p := list.Now; {
			case p == nil:
				fmt.Fprintln(out, printable("now: "+list.Why))
			case p.FallS == nil:
				fmt.Fprintln(out, printable(fmt.Sprintf("now: height unknown, %.1f m/s; below: unknown; over %v", p.SpeedMS, p.Over)))
			default:
				fmt.Fprintln(out, printable(fmt.Sprintf("now: %.0f m (%s), falls %.1f s, comes down about %.0f m to %.0f deg; below: unknown; over %v",
					*p.HeightM, p.Datum, *p.FallS, *p.ReachM, p.Course, p.Over)))
			}
			for i := range list.Items {
				x := &list.Items[i]
				line := fmt.Sprintf("%s %s, proposed by %s at %s: %s", x.ID, x.State, x.ProposedBy, x.ProposedAt, x.Reason)
				if x.ConfirmedBy != nil {
					line += "; confirmed by " + *x.ConfirmedBy
				}
				if x.Order != nil {
					line += "; order " + x.Order.State
				}
				fmt.Fprintln(out, printable(line))
			}
			return nil
		},
	}
}

func terminationsWithdraw(flags *clientFlags) *cobra.Command {
	return &cobra.Command{
		Use: "withdraw VEHICLE TERMINATION", Short: "Withdraw a proposal before it is confirmed", Args: exactArgs("VEHICLE", "TERMINATION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if shown, err := flags.send(cmd, http.MethodDelete, terminationsAPI(args[0])+"/"+url.PathEscape(args[1]), nil, nil); shown || err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is withdrawn\n", printable(args[1]))
			return nil
		},
	}
}
