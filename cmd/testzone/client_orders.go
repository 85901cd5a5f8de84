package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"testzone/web"
)

func ordersCommand() *cobra.Command {
	var flags clientFlags
	return group("orders", "Orders to vehicles", &flags, ordersList(&flags), ordersSend(&flags))
}

func ordersList(flags *clientFlags) *cobra.Command {
	t := tabled("/v1/orders", "ID\tVEHICLE\tKIND\tSTATE\tASKED\tBY\tWHY", func(o *web.Order) []any {
		return []any{o.ID, o.VehicleID, o.Kind, o.State, o.AskedAt, o.By, o.Why}
	})
	return t.orAll(flags, "List those of which something may still become, newest first", "also those that are done with")
}

func ordersSend(flags *clientFlags) *cobra.Command {
	var in web.OrderInput
	var dry bool
	cmd := &cobra.Command{
		Use: "send VEHICLE KIND", Short: "Order a vehicle to hold, stop, return, land, or resume (with --ends)", Args: exactArgs("VEHICLE", "KIND"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Kind = args[1]
			var o web.Order
			shown, err := flags.send(cmd, http.MethodPost, tried(vehiclesAPI+"/"+url.PathEscape(args[0])+"/orders", dry), &in, &o)
			if shown || err != nil {
				return err
			}
			if dry {
				fmt.Fprintf(cmd.OutOrStdout(), "nothing was sent; %s could be ordered now\n", printable(o.Kind))
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is %s; look what becomes of it with: testzone orders list --all\n", printable(o.ID), printable(o.State))
			return nil
		},
	}
	cmd.Flags().StringVar(&in.Reason, "reason", "", "a `text` for the record")
	cmd.Flags().StringVar(&in.Ends, "ends", "", "of resume: the `order` that it ends")
	cmd.Flags().BoolVar(&in.TakeOver, "take-over", false, "take the control of the vehicle from who has it")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check it; send nothing")
	return cmd
}
