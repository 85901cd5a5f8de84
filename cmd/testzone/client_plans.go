package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"testzone/web"
)

func plansCommand() *cobra.Command {
	var flags clientFlags
	return group("plans", "What vehicles carry: missions, fences, rally points", &flags, plansShow(&flags), plansSend(&flags), plansClear(&flags), plansRead(&flags), plansExport(&flags))
}

func plansAt(vehicle, kind, more string) string {
	return vehiclesAPI + "/" + url.PathEscape(vehicle) + "/plans/" + url.PathEscape(kind) + more
}

func plansShow(flags *clientFlags) *cobra.Command {
	return &cobra.Command{Use: "show VEHICLE KIND", Short: "Say what a vehicle carries of a kind: mission, fence or rally", Args: exactArgs("VEHICLE", "KIND"), RunE: func(cmd *cobra.Command, args []string) error {
		return flags.plan(cmd, http.MethodGet, plansAt(args[0], args[1], ""), nil)
	}}
}

// plan makes a call about a plan and prints what is known of it.
func (flags *clientFlags) plan(cmd *cobra.Command, method, path string, in any) error {
	var p web.PlanAnswer
	if shown, err := flags.send(cmd, method, path, in, &p); shown || err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s of %s: %s, %d items\n", printable(p.Kind), printable(p.VehicleID), printable(p.State), p.Plan.Items)
	if p.Why != "" {
		fmt.Fprintln(out, printable(p.Why))
	}
	for _, f := range p.Faults {
		fmt.Fprintf(out, "it would not be sent: %s\n", printable(f.Text))
	}
	for _, part := range p.Parts {
		onBoard := "not on board"
		if part.First != nil {
			onBoard = fmt.Sprintf("items %d to %d", *part.First, *part.First+part.Items-1)
		}
		fmt.Fprintf(out, "%s %q: %s", printable(part.FenceID), printable(part.Name), onBoard)
		for _, l := range part.Lost {
			fmt.Fprintf(out, ", lost: %s", printable(l))
		}
		fmt.Fprintln(out)
	}
	return nil
}

func plansSend(flags *clientFlags) *cobra.Command {
	var in web.PlanInput
	var file string
	var dry bool
	cmd := &cobra.Command{
		Use: "send VEHICLE KIND", Short: "Have a plan stored in a vehicle", Args: exactArgs("VEHICLE", "KIND"),
		Long: "A fence is that of the zone, or that of the file; a mission or rally points are those of the file. The file is\n" +
			`JSON: {"items":[{"command":16,"frame":6,"params":[0,0,0,null,30.9,121.93,40]}]}, ` + "as testzone plans show --json prints it,\n" +
			"or the file of a ground station: .plan of QGroundControl, or waypoints (QGC WPL 110).",
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" && args[1] != "fence" {
				return usage("say which plan: --file FILE")
			}
			in.From = "zone"
			if file != "" {
				raw, err := readInput(cmd, file)
				if err != nil {
					return err
				}
				items, err := flags.planItems(cmd.Context(), args[0], args[1], raw)
				if err != nil {
					return usage("read the plan of %s: %w", file, err)
				}
				in.From, in.Items = "", items
			}
			return flags.plan(cmd, http.MethodPut, plansAt(args[0], args[1], tried("", dry)), &in)
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "the `file` with the items, - for standard input")
	cmd.Flags().BoolVar(&in.Enable, "enable", false, "of a fence: have the vehicle act by it")
	cmd.Flags().BoolVar(&in.Union, "union", false, "of a fence of a file: being within one of its inclusions is enough")
	cmd.Flags().BoolVar(&in.Moving, "moving", false, "the plan may change while the vehicle moves")
	cmd.Flags().BoolVar(&in.TakeOver, "take-over", false, "take the control of the vehicle from who has it")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "a `text` for the record")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check it; send nothing")
	return cmd
}

func plansClear(flags *clientFlags) *cobra.Command {
	var moving, takeOver bool
	cmd := &cobra.Command{Use: "clear VEHICLE KIND", Short: "Have a vehicle forget a plan", Args: exactArgs("VEHICLE", "KIND"), RunE: func(cmd *cobra.Command, args []string) error {
		query := url.Values{"moving": {fmt.Sprint(moving)}, "take_over": {fmt.Sprint(takeOver)}}
		return flags.plan(cmd, http.MethodDelete, plansAt(args[0], args[1], "?"+query.Encode()), nil)
	}}
	cmd.Flags().BoolVar(&moving, "moving", false, "the plan may change while the vehicle moves")
	cmd.Flags().BoolVar(&takeOver, "take-over", false, "take the control of the vehicle from who has it")
	return cmd
}

func plansRead(flags *clientFlags) *cobra.Command {
	return &cobra.Command{Use: "read-back VEHICLE KIND", Short: "Read what a vehicle carries", Args: exactArgs("VEHICLE", "KIND"), RunE: func(cmd *cobra.Command, args []string) error {
		return flags.plan(cmd, http.MethodPost, plansAt(args[0], args[1], "/read-back"), nil)
	}}
}
