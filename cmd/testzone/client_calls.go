package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"testzone/web"
)

func callsCommand() *cobra.Command {
	var flags clientFlags
	return group("calls", "Whom somebody has to call, because an order came to nothing", &flags, callsList(&flags), callsNote(&flags))
}

func callsList(flags *clientFlags) *cobra.Command {
	t := tabled("/v1/calls", "VEHICLE\tSINCE\tCALL\tTRIES\tORDER\tWHY", func(c *web.OpenCall) []any {
		whom := "-"
		if c.Contact != nil {
			whom = c.Contact.Name + " " + c.Contact.Phone
		}
		return []any{c.VehicleID, c.Since, whom, c.Tries, c.Order, c.Why}
	})
	return &cobra.Command{Use: "list", Short: "List those that still have to be made, oldest first", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return t.run(flags, url.Values{}, cmd)
	}}
}

func callsNote(flags *clientFlags) *cobra.Command {
	var in web.CallInput
	cmd := &cobra.Command{
		Use: "note VEHICLE OUTCOME", Short: "Note what came of a call: reached, not_reached or not_needed", Args: exactArgs("VEHICLE", "OUTCOME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Outcome = args[1]
			var call web.Call
			shown, err := flags.send(cmd, http.MethodPost, vehiclesAPI+"/"+url.PathEscape(args[0])+"/call", &in, &call)
			if shown || err != nil {
				return err
			}
			line := fmt.Sprintf("%s: %s", call.VehicleID, call.Outcome)
			if call.Open {
				line += ", somebody has to call again"
			}
			fmt.Fprintln(cmd.OutOrStdout(), printable(line))
			return nil
		},
	}
	cmd.Flags().StringVar(&in.Note, "note", "", "a `text` for the record (no personal data)")
	return cmd
}
