package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"testzone/web"
)

const zoneStateAPI, dutyAPI = "/v1/zone/state", "/v1/duty"

func zoneCommand() *cobra.Command {
	var flags clientFlags
	board := tabled("/v1/zone/compliance", "VEHICLE\tOPERATOR\tPHASE\tCOMPLIES\tWHY\tSINCE\tCALL", func(v *web.VehicleCompliance) []any {
		call := "-"
		if v.Contact != nil {
			call = v.Contact.Name + " " + v.Contact.Phone
		}
		return []any{v.Vehicle.ID, v.Operator, v.Phase, v.Complies, v.Why, v.Since, call}
	})
	compliance := &cobra.Command{Use: "compliance", Short: "Who complies with the state of the zone, and whom to call", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return board.run(&flags, url.Values{}, cmd)
	}}
	return group("zone", "What the zone may be used for, and who is on duty", &flags, zoneState(&flags), compliance, zoneSignOn(&flags))
}

func zoneState(flags *clientFlags) *cobra.Command {
	show := &cobra.Command{Use: "state", Short: "Say what the zone may be used for now", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return sayZoneState(flags, cmd, http.MethodGet, nil)
	}}
	show.AddCommand(zoneStateSet(flags))
	return show
}

func zoneStateSet(flags *clientFlags) *cobra.Command {
	var reason, rev string
	cmd := &cobra.Command{
		Use: "set STATE", Short: "Put the zone in a state: open, no_new_starts, clear or closed", Args: exactArgs("STATE"),
		Long: "The safe direction (open, no_new_starts, clear, closed) is in force at once. A step back towards open needs\n" +
			"--rev with the revision that you saw (testzone zone state), so that nobody opens what another just closed.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return usage("say why: --reason TEXT (it stays in the journal: no personal data)")
			}
			var header []string
			if rev != "" {
				header = []string{"If-Match", `"` + rev + `"`}
			}
			return sayZoneState(flags, cmd, http.MethodPut, web.ZoneStateInput{State: strings.ReplaceAll(args[0], "-", "_"), Reason: reason}, header...)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	cmd.Flags().StringVar(&rev, "rev", "", "`revision` of the state that you saw; needed for a step back towards open")
	return cmd
}

// sayZoneState makes a call about the state of the zone and says what it is then.
func sayZoneState(flags *clientFlags, cmd *cobra.Command, method string, in any, header ...string) error {
	var s web.ZoneState
	if shown, err := flags.send(cmd, method, zoneStateAPI, in, &s, header...); shown || err != nil {
		return err
	}
	line := fmt.Sprintf("%s, revision %d", s.State, s.Rev)
	if s.Since != nil {
		line += fmt.Sprintf(", by %s since %s: %s", s.By, *s.Since, s.Reason)
	}
	if s.Provisional {
		line += " (in force, but not in the journal yet: a restart would end it)"
	}
	fmt.Fprintln(cmd.OutOrStdout(), printable(line))
	return nil
}

func zoneSignOn(flags *clientFlags) *cobra.Command {
	return &cobra.Command{Use: "sign-on [SECTOR…]", Short: "Be on duty for sectors, without any for the whole zone; again to confirm it", Args: cobra.ArbitraryArgs, RunE: func(cmd *cobra.Command, args []string) error {
		var d web.Duty
		shown, err := flags.send(cmd, http.MethodPost, dutyAPI, map[string][]string{"sectors": append([]string{}, args...)}, &d)
		if shown || err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), printable(d.ID))
		return nil
	}}
}
