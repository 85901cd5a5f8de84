package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"testzone/geofence/zonefile"
	"testzone/web"
)

const priorityAPI = "/v1/priority-traffic"

func priorityCommand() *cobra.Command {
	var flags clientFlags
	return group("priority", "Priority traffic: rescue helicopters, ambulances, ships", &flags, priorityList(&flags), priorityAnnounce(&flags), priorityEnd(&flags))
}

func priorityList(flags *clientFlags) *cobra.Command {
	t := tabled(priorityAPI, "ID\tNAME\tKIND\tWHERE\tCLEAR IN\tVEHICLE\tHOW\tIN\tWAY OUT\tREV", func(p *web.PriorityTraffic) []any {
		where, clear, first, how, in, exit := "-", "-", "-", "-", "-", "-"
		if now := p.Now; now != nil {
			where, clear = now.Where, fmt.Sprintf("%.0f s", now.ClearIn)
			if n := len(now.Affected); n > 0 {
				a := &now.Affected[0]
				first, how, in = a.Vehicle.ID, a.How, fmt.Sprintf("%.0f s", a.InS)
				if exit = a.Exit.Kind; exit == "move" {
					exit = fmt.Sprintf("%.0f m to %.0f deg", a.Exit.Distance, a.Exit.Direction)
				}
				if n > 1 {
					first += fmt.Sprintf(" (+%d)", n-1)
				}
			}
		}
		return []any{p.ID, p.Name, p.Kind, where, clear, first, how, in, exit, p.Rev}
	})
	return &cobra.Command{Use: "list", Short: "List what is in force, and who meets it first", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return t.run(flags, url.Values{}, cmd)
	}}
}

func priorityAnnounce(flags *clientFlags) *cobra.Command {
	var in web.PriorityInput
	var at string
	var course, speed, radius, ceiling, clearIn float64
	var dry bool
	cmd := &cobra.Command{
		Use: "announce NAME", Short: "Have vehicles kept clear of priority traffic from now on", Args: exactArgs("NAME"),
		Example: "  testzone priority announce \"Rescue 1\" --track icao-780abc\n  testzone priority announce \"Rescue 1\" --at 30.90,121.90 --course 90 --speed 50 --ceiling 300",
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Name, in.Radius, in.ClearIn = args[0], &radius, &clearIn
			if at != "" {
				var p web.Position
				if _, err := fmt.Sscanf(strings.ReplaceAll(at, " ", ""), "%g,%g", &p.Lat, &p.Lon); err != nil {
					return usage("--at is LATITUDE,LONGITUDE, as 30.90,121.90, and not %q", at)
				}
				in.Route, in.Course, in.Speed = []web.Position{p}, &course, &speed
			}
			if cmd.Flags().Changed("ceiling") {
				in.Ceiling = &zonefile.Height{M: ceiling, Datum: "amsl"}
			}
			return sayPriority(flags, cmd, http.MethodPost, tried(priorityAPI, dry), &in)
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Kind, "kind", "helicopter", "helicopter, aircraft, ambulance, fire_engine, police, ship or other")
	f.StringVar(&in.Track, "track", "", "the `traffic` that it follows, e.g. icao-780abc; else --at")
	f.StringVar(&at, "at", "", "`LATITUDE,LONGITUDE` where it is now")
	f.Float64Var(&course, "course", 0, "with --at: degrees")
	f.Float64Var(&speed, "speed", 0, "with --at: m/s")
	f.Float64Var(&radius, "radius", 500, "of the keep-out, m")
	f.Float64Var(&ceiling, "ceiling", 0, "upper limit, m above sea level; default none")
	f.Float64Var(&clearIn, "clear-in", 180, "the way is to be clear in so many seconds")
	f.StringSliceVar(&in.Classes, "class", nil, "whom it is about: uav, icv, usv; default everybody")
	f.BoolVar(&dry, "dry-run", false, "say who would be in its way; change nothing")
	return cmd
}

// sayPriority makes a call about priority traffic and says what is so then.
func sayPriority(flags *clientFlags, cmd *cobra.Command, method, path string, in any, header ...string) error {
	var p web.PriorityTraffic
	if shown, err := flags.send(cmd, method, path, in, &p, header...); shown || err != nil {
		return err
	}
	line := fmt.Sprintf("%s, revision %d, to be clear by %s", p.ID, p.Rev, p.ClearBy)
	switch {
	case p.ID == "" && p.Now != nil:
		line = fmt.Sprintf("nothing was announced; %d vehicles would be in its way", len(p.Now.Affected))
	case p.EndedAt != nil:
		line = fmt.Sprintf("%s is over", p.ID)
	case p.Provisional:
		line += " (in force, but not in the journal yet: a restart would end it)"
	}
	fmt.Fprintln(cmd.OutOrStdout(), printable(line))
	return nil
}

func priorityEnd(flags *clientFlags) *cobra.Command {
	var rev, reason string
	cmd := &cobra.Command{Use: "end ID", Short: "End priority traffic: it has passed", Args: exactArgs("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		if rev == "" {
			return usage("say which revision you saw: --rev N (testzone priority list)")
		}
		return sayPriority(flags, cmd, http.MethodPost, priorityAPI+"/"+url.PathEscape(args[0])+"/end", map[string]string{"reason": reason}, "If-Match", `"`+rev+`"`)
	}}
	cmd.Flags().StringVar(&rev, "rev", "", "`revision` that you saw")
	cmd.Flags().StringVar(&reason, "reason", "", "why (it stays in the journal: no personal data)")
	return cmd
}
