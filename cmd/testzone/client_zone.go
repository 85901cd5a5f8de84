package main

import (
	"encoding/json"
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
		c, err := flags.open()
		if err != nil {
			return err
		}
		_, raw, err := c.do(cmd.Context(), http.MethodGet, zoneStateAPI, nil)
		if err != nil {
			return err
		}
		return sayZoneState(flags, cmd, raw)
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
			c, err := flags.open()
			if err != nil {
				return err
			}
			body, err := json.Marshal(web.ZoneStateInput{State: strings.ReplaceAll(args[0], "-", "_"), Reason: reason})
			if err != nil {
				return err
			}
			var header []string
			if rev != "" {
				header = []string{"If-Match", `"` + rev + `"`}
			}
			_, raw, err := c.do(cmd.Context(), http.MethodPut, zoneStateAPI, body, header...)
			if err != nil {
				return err
			}
			return sayZoneState(flags, cmd, raw)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	cmd.Flags().StringVar(&rev, "rev", "", "`revision` of the state that you saw; needed for a step back towards open")
	return cmd
}

func sayZoneState(flags *clientFlags, cmd *cobra.Command, raw []byte) error {
	if flags.json {
		return printRaw(cmd.OutOrStdout(), raw)
	}
	var s web.ZoneState
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
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
		c, err := flags.open()
		if err != nil {
			return err
		}
		body, err := json.Marshal(map[string][]string{"sectors": append([]string{}, args...)})
		if err != nil {
			return err
		}
		_, raw, err := c.do(cmd.Context(), http.MethodPost, dutyAPI, body, "Idempotency-Key", newToken())
		if err != nil {
			return err
		}
		var d web.Duty
		if err := json.Unmarshal(raw, &d); err != nil {
			return fmt.Errorf("the server's answer cannot be read: %w", err)
		}
		fmt.Fprintln(cmd.OutOrStdout(), printable(d.ID))
		return nil
	}}
}
