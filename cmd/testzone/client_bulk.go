package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"testzone/web"
)

const bulkAPI = "/v1/bulk-orders"

func bulkCommand() *cobra.Command {
	var flags clientFlags
	return group("bulk-orders", "Orders to many vehicles, as a preview showed them", &flags, bulkList(&flags), bulkShow(&flags), bulkPreview(&flags), bulkGive(&flags), bulkCancel(&flags))
}

func bulkList(flags *clientFlags) *cobra.Command {
	t := tabled(bulkAPI, "ID\tKIND\tOF\tORDERS\tGIVEN\tENDED\tBY\tWHY", func(b *web.BulkOrder) []any {
		return []any{b.ID, b.Kind, b.Of, b.Orders, orDash(b.GivenAt), orDash(b.EndedAt), b.By, b.Why}
	})
	return &cobra.Command{Use: "list", Short: "List them, newest first", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return t.run(flags, url.Values{"limit": {"500"}}, cmd)
	}}
}

func orDash(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func bulkShow(flags *clientFlags) *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: "Say what became of one, vehicle by vehicle", Args: exactArgs("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		return sayBulk(flags, cmd, http.MethodGet, bulkAPI+"/"+url.PathEscape(args[0]), nil)
	}}
}

func bulkCancel(flags *clientFlags) *cobra.Command {
	return &cobra.Command{Use: "cancel ID", Short: "Keep what has not left yet from leaving", Args: exactArgs("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		return sayBulk(flags, cmd, http.MethodDelete, bulkAPI+"/"+url.PathEscape(args[0]), nil)
	}}
}

// meant adds the flags that say which vehicles are meant.
func meant(cmd *cobra.Command, in *web.BulkInput) {
	f := cmd.Flags()
	f.BoolVar(&in.Of.All, "all", false, "every vehicle")
	f.BoolVar(&in.Of.Against, "against", false, "those that do not comply with the state of the zone")
	f.StringSliceVar(&in.Of.Classes, "class", nil, "of these classes: uav, icv, usv")
	f.StringSliceVar(&in.Of.Operators, "operator", nil, "of these operators")
	f.StringSliceVar(&in.Of.Vehicles, "vehicle", nil, "these vehicles")
	f.StringVar(&in.Of.Fence, "fence", "", "over the shape and in the band of this `fence`")
	f.BoolVar(&in.TakeOver, "take-over", false, "take the control of the vehicles from who has it")
}

const bulkKinds = "KIND is hold, stop, return, land, or clear: a safe end by class"

func bulkPreview(flags *clientFlags) *cobra.Command {
	var in web.BulkInput
	cmd := &cobra.Command{
		Use: "preview KIND", Short: "Say what an order to many would do to each; send nothing", Args: exactArgs("KIND"), Long: bulkKinds,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Kind = args[0]
			return sayBulk(flags, cmd, http.MethodPost, tried("/v1/orders", true), &in)
		},
	}
	meant(cmd, &in)
	return cmd
}

func bulkGive(flags *clientFlags) *cobra.Command {
	var in web.BulkInput
	cmd := &cobra.Command{
		Use: "give KIND", Short: "Order many vehicles, as a preview showed it", Args: exactArgs("KIND"),
		Long: bulkKinds + ". Say the same vehicles as for the preview,\nits digest, and the count of vehicles that it orders about.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if in.Digest == "" || !cmd.Flags().Changed("expect") {
				return usage("give the preview that you looked at: --digest DIGEST --expect COUNT (testzone bulk-orders preview)")
			}
			in.Kind = args[0]
			return sayBulk(flags, cmd, http.MethodPost, "/v1/orders", &in)
		},
	}
	meant(cmd, &in)
	cmd.Flags().StringVar(&in.Digest, "digest", "", "of the preview")
	cmd.Flags().IntVar(&in.Expect, "expect", 0, "how many vehicles it orders about")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "a `text` for the record")
	return cmd
}

// sayBulk makes a call about an order to many and says what is so then.
func sayBulk(flags *clientFlags, cmd *cobra.Command, method, path string, in any) error {
	var b web.BulkOrder
	if shown, err := flags.send(cmd, method, path, in, &b); shown || err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if b.GivenAt == nil {
		fmt.Fprintln(out, printable(fmt.Sprintf("nothing was sent; %s would go to %d vehicles within %d s; %d are at rest, %d in other hands, about %d somebody is called",
			b.Kind, b.Orders, b.LastsS, b.AtRest, b.Leased, b.Calls)))
	} else {
		fmt.Fprintln(out, printable(fmt.Sprintf("%s: %s to %d vehicles, %v %s", b.ID, b.Kind, b.Orders, b.Tally, b.Why)))
	}
	if err := bulkItems(out, b.Items); err != nil {
		return err
	}
	if b.GivenAt == nil {
		fmt.Fprintf(out, "give it with: --digest %s --expect %d\n", printable(b.Digest), b.Orders)
	}
	return nil
}

func bulkItems(w io.Writer, items []web.BulkItem) error {
	out := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
	for i := range items {
		it := &items[i]
		what := it.Kind
		switch {
		case it.Leased:
			what = "left to " + it.Holder
		case it.Cannot != "":
			what = "call: " + it.Cannot
		case it.AfterS > 0:
			what += fmt.Sprintf(" after %d s", it.AfterS)
		}
		fmt.Fprintf(out, "  %s\t%s\t%s\t%s\n", printable(it.VehicleID), printable(what), printable(it.State), printable(it.Why))
	}
	return out.Flush()
}
