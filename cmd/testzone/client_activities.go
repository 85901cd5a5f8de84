package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"testzone/web"
)

const activitiesAPI = "/v1/activities"

func activitiesCommand(flags *clientFlags) *cobra.Command {
	var checked []string
	report := activityAct(flags, "report", "Report that all is ready", func() map[string]any { return map[string]any{"checked": append([]string{}, checked...)} })
	report.Flags().StringSliceVar(&checked, "checked", nil, "`ids` of the vehicles that were checked on the ground: all that take part")
	var no bool
	confirm := activityAct(flags, "confirm", "Answer a plan, or confirm what was reported", func() map[string]any { return map[string]any{"refuse": no} })
	confirm.Flags().BoolVar(&no, "refuse", false, "it may not begin; say why with --reason")
	none := func() map[string]any { return map[string]any{} }
	return subgroup("activities", "What is done under permits", activitiesList(flags), activitiesPlan(flags), report, confirm,
		activityAct(flags, "activate", "Let its vehicles move; a refusal says all that speaks against it", none), activityAct(flags, "end", "Say that its vehicles are at rest", none),
		activityAct(flags, "cancel", "Give up what has not begun", none), activitiesClose(flags))
}

func activitiesList(flags *clientFlags) *cobra.Command {
	var permit, state, day string
	t := tabled(activitiesAPI, "ID\tPERMIT\tTITLE\tFROM\tTO\tVEHICLES\tSTATE\tOUTSIDE\tREPORT\tREV", func(x *web.Activity) []any {
		report := "-"
		switch {
		case x.Report != nil:
			report = "here"
		case x.Overdue:
			report = "overdue"
		}
		return []any{x.ID, x.Permit, x.Title, x.From, x.To, strings.Join(x.Vehicles, ","), x.State, dash(strings.Join(x.Outside, ",")), report, x.Rev}
	})
	cmd := &cobra.Command{Use: "list", Short: "List activities by their begin", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return t.run(flags, queryOf("permit", permit, "state", state, "day", day), cmd)
	}}
	cmd.Flags().StringVar(&permit, "permit", "", "only those under this permit")
	cmd.Flags().StringVar(&state, "state", "", "only those in this state, such as activated")
	cmd.Flags().StringVar(&day, "day", "", "only those that begin on this day, such as 2026-11-27")
	return cmd
}

func activityLine(x *web.Activity) string {
	line := fmt.Sprintf("%s, revision %d: %s", x.ID, x.Rev, x.State)
	if x.ID == "" {
		line = "it would be " + x.State + "; nothing was filed"
	}
	for _, c := range x.Clocks {
		if c.State == "open" && !c.Opens {
			line += fmt.Sprintf("; %s by %s", c.Step, c.DueAt)
		}
	}
	return line
}

func activitiesPlan(flags *clientFlags) *cobra.Command {
	var in web.ActivityPlan
	var dry bool
	cmd := &cobra.Command{
		Use: "plan PERMIT FROM LENGTH", Short: "File the plan of an activity; a refusal says all that speaks against it and what would pass", Args: exactArgs("PERMIT", "FROM", "LENGTH"),
		Example: "  testzone permits activities plan pm_1 2030-01-31T08:00:00Z 90m --title \"morning run\" --vehicles uav-7 --people crew-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			from, to, err := span(args[1], args[2])
			if err != nil {
				return err
			}
			in.From, in.To = from, to
			if in.Vehicles == nil {
				in.Vehicles = []string{}
			}
			path := permitsAPI + "/" + url.PathEscape(args[0]) + "/activities"
			if dry {
				path += "?dry_run=true"
			}
			return post(flags, cmd, path, &in, activityLine, "Idempotency-Key", newToken())
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Title, "title", "activity", "what it is (it stays in the journal: no personal data)")
	f.StringSliceVar(&in.Vehicles, "vehicles", nil, "`ids` of those of the permit that take part")
	f.StringSliceVar(&in.People, "people", nil, "`refs` of those of the permit that take part")
	f.BoolVar(&in.Exclusive, "exclusive", false, "have the room for yourself")
	f.BoolVar(&dry, "dry-run", false, "say what would happen; change nothing")
	return cmd
}

// activityAct is an act on one activity; of says what is sent besides the reason.
func activityAct(flags *clientFlags, act, short string, of func() map[string]any) *cobra.Command {
	var rev, reason string
	cmd := &cobra.Command{Use: act + " ID", Short: short, Args: exactArgs("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		in := of()
		if reason != "" {
			in["reason"] = reason
		}
		header := []string{"Idempotency-Key", newToken()}
		if rev != "" {
			header = append(header, "If-Match", `"`+rev+`"`)
		}
		return post(flags, cmd, activitiesAPI+"/"+url.PathEscape(args[0])+"/"+act, in, activityLine, header...)
	}}
	cmd.Flags().StringVar(&rev, "rev", "", "`revision` that you saw; default whichever it is")
	if act != "report" && act != "close" {
		cmd.Flags().StringVar(&reason, "reason", "", "why (it stays in the journal: no personal data)")
	}
	return cmd
}

func activitiesClose(flags *clientFlags) *cobra.Command {
	var begun, ended, text string
	var takeovers int
	var incidents bool
	cmd := activityAct(flags, "close", "Report what was done", func() map[string]any {
		in := map[string]any{"begun": begun, "ended": ended, "takeovers": takeovers, "incidents": incidents}
		if text != "" {
			in["text"] = text
		}
		return in
	})
	cmd.Example = "  testzone permits activities close ac_1 --begun 2030-01-31T08:05:00Z --ended 2030-01-31T09:20:00Z --takeovers 1"
	f := cmd.Flags()
	f.StringVar(&begun, "begun", "", "when the first vehicle began to move")
	f.StringVar(&ended, "ended", "", "when the last one was at rest")
	f.IntVar(&takeovers, "takeovers", 0, "times that people took over; never per person")
	f.BoolVar(&incidents, "incidents", false, "something happened: say what with --text")
	f.StringVar(&text, "text", "", "what happened (it stays in the journal: no personal data)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if begun == "" || ended == "" {
			return usage("say --begun and --ended, as 2030-01-31T08:05:00Z")
		}
		return nil
	}
	return cmd
}
