package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"testzone/web"
)

const (
	sitesAPI        = "/v1/sites"
	bookingsAPI     = "/v1/bookings"
	restrictionsAPI = "/v1/restrictions"
)

func sitesCommand() *cobra.Command {
	var flags clientFlags
	return group("sites", "Sites that can be booked", &flags, sitesList(&flags), sitesFree(&flags))
}

func sitesList(flags *clientFlags) *cobra.Command {
	t := tabled(sitesAPI, "ID\tNAME\tKIND\tOWNER\tUNITS\tBOOKED DAY\tBOOKED WEEK\tREV", func(s *web.Site) []any {
		return []any{s.ID, s.Name, s.Kind, dash(s.Owner), s.Capacity, percent(s.BookedDay), percent(s.BookedWeek), s.Rev}
	})
	return &cobra.Command{Use: "list", Short: "List the sites, and how much of them is booked", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return t.run(flags, url.Values{}, cmd)
	}}
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", share*100) }

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func sitesFree(flags *clientFlags) *cobra.Command {
	var from string
	var length time.Duration
	cmd := &cobra.Command{Use: "free ID", Short: "Say when a site is free, the nearest slots first", Args: exactArgs("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		q := url.Values{"length_s": {fmt.Sprint(int64(length.Seconds()))}}
		if from != "" {
			q.Set("from", from)
		}
		c, err := flags.open()
		if err != nil {
			return err
		}
		_, raw, err := c.do(cmd.Context(), http.MethodGet, sitesAPI+"/"+url.PathEscape(args[0])+"/availability?"+q.Encode(), nil)
		if err != nil {
			return err
		}
		if flags.json {
			return printRaw(cmd.OutOrStdout(), raw)
		}
		var a web.Availability
		if err := json.Unmarshal(raw, &a); err != nil {
			return fmt.Errorf("the server's answer cannot be read: %w", err)
		}
		for _, s := range a.Free {
			fmt.Fprintln(cmd.OutOrStdout(), s.From, s.To)
		}
		return nil
	}}
	cmd.Flags().StringVar(&from, "from", "", "about when, such as 2030-01-31T08:00:00Z; default now")
	cmd.Flags().DurationVar(&length, "length", time.Hour, "how long")
	return cmd
}

func bookingsCommand() *cobra.Command {
	var flags clientFlags
	return group("bookings", "Bookings of sites", &flags, bookingsList(&flags), bookingsMake(&flags),
		revisedCommand(&flags, "cancel", "Cancel a booking", bookingsAPI, "/cancel"), revisedCommand(&flags, "arrive", "Say that a booking is used", bookingsAPI, "/arrival"))
}

func bookingsList(flags *clientFlags) *cobra.Command {
	t := tabled(bookingsAPI, "ID\tSITE\tORGANISATION\tFROM\tTO\tUNITS\tSTATE\tREV", func(b *web.Booking) []any {
		units := fmt.Sprint(b.Units)
		if b.Exclusive {
			units = "all"
		}
		return []any{b.ID, b.SiteName, dash(b.Org), b.From, b.To, units, b.State, b.Rev}
	})
	return &cobra.Command{Use: "list", Short: "List bookings that you may see", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return t.run(flags, url.Values{}, cmd)
	}}
}

// span reads the arguments FROM and LENGTH.
func span(begin, long string) (from, to time.Time, err error) {
	if from, err = time.Parse(time.RFC3339, begin); err != nil {
		return from, to, usage("FROM is a time such as 2030-01-31T08:00:00Z, and not %q", begin)
	}
	length, err := time.ParseDuration(long)
	if err != nil {
		return from, to, usage("LENGTH is such as 90m or 2h, and not %q", long)
	}
	return from, from.Add(length), nil
}

func bookingsMake(flags *clientFlags) *cobra.Command {
	var in web.BookingInput
	var dry bool
	cmd := &cobra.Command{
		Use: "make SITE FROM LENGTH", Short: "Book a site; a refusal names what is in the way and what would do", Args: exactArgs("SITE", "FROM", "LENGTH"),
		Example: "  testzone bookings make st_1 2030-01-31T08:00:00Z 90m --purpose \"brake test\" --weeks 4",
		RunE: func(cmd *cobra.Command, args []string) error {
			from, to, err := span(args[1], args[2])
			if err != nil {
				return err
			}
			in.Site, in.From, in.To = args[0], from, to
			path := bookingsAPI
			if dry {
				path += "?dry_run=true"
			}
			return post(flags, cmd, path, &in, func(b *web.Booking) string {
				if b.ID == "" {
					return "it would be " + b.State + "; nothing was booked"
				}
				return fmt.Sprintf("%s, revision %d: %s", b.ID, b.Rev, b.State)
			}, "Idempotency-Key", newToken())
		},
	}
	f := cmd.Flags()
	f.IntVar(&in.Units, "units", 1, "of the site's capacity")
	f.BoolVar(&in.Exclusive, "exclusive", false, "have the site for yourself")
	f.StringVar(&in.Purpose, "purpose", "", "what for (it stays in the journal: no personal data)")
	f.IntVar(&in.Weeks, "weeks", 1, "so many times, every week")
	f.BoolVar(&dry, "dry-run", false, "say what would happen; change nothing")
	return cmd
}

func restrictionsCommand() *cobra.Command {
	var flags clientFlags
	return group("restrictions", "Temporary restrictions", &flags, restrictionsList(&flags), restrictionsPublish(&flags),
		revisedCommand(&flags, "acknowledge", "Say that your organisation has read a restriction", restrictionsAPI, "/acknowledge"),
		revisedCommand(&flags, "end", "End a restriction before its time", restrictionsAPI, "/end"))
}

func restrictionsList(flags *clientFlags) *cobra.Command {
	t := tabled(restrictionsAPI, "ID\tNAME\tKIND\tSTATE\tFROM\tTO\tREAD BY\tOVERDUE\tNOTICE\tREV", func(r *web.Restriction) []any {
		notice := "in time"
		if r.Late {
			notice = "late"
		}
		return []any{r.ID, r.Name, r.Kind, r.State, r.From, r.To, fmt.Sprintf("%d of %d", r.Counts.Acknowledged, r.Counts.Told), r.Counts.Overdue, notice, r.Rev}
	})
	return &cobra.Command{Use: "list", Short: "List restrictions, and who has not read them", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return t.run(flags, url.Values{}, cmd)
	}}
}

func restrictionsPublish(flags *clientFlags) *cobra.Command {
	var in web.RestrictionInput
	var at, from string
	var radius float64
	var length time.Duration
	var dry bool
	cmd := &cobra.Command{
		Use: "publish NAME", Short: "Close a circle for a time and tell those whom it affects", Args: exactArgs("NAME"),
		Example: "  testzone restrictions publish Fire --kind urgent --at 30.90,121.93 --radius 500 --for 2h --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			var p web.Position
			if _, err := fmt.Sscanf(at, "%g,%g", &p.Lat, &p.Lon); err != nil {
				return usage("--at is LATITUDE,LONGITUDE, as 30.90,121.90, and not %q", at)
			}
			begin := time.Now()
			if from != "" {
				var err error
				if begin, err = time.Parse(time.RFC3339, from); err != nil {
					return usage("--from is a time such as 2030-01-31T08:00:00Z, and not %q", from)
				}
				in.From = &begin
			}
			in.Name, in.RadiusM, in.To = args[0], &radius, begin.Add(length)
			in.Geometry = fmt.Appendf(nil, `{"type":"Point","coordinates":[%v,%v]}`, p.Lon, p.Lat)
			path := restrictionsAPI
			if dry {
				path += "?dry_run=true"
			}
			return post(flags, cmd, path, &in, func(r *web.Restriction) string {
				if r.Impact != nil {
					return fmt.Sprintf("nothing was closed; %d vehicles would be in it, %d bookings meet it, %d organisations would be told", r.Impact.Vehicles.Count, len(r.Impact.Bookings), r.Counts.Told)
				}
				return fmt.Sprintf("%s, revision %d, told %d organisations", r.ID, r.Rev, r.Counts.Told)
			}, "Idempotency-Key", newToken())
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Kind, "kind", "planned", "planned or urgent")
	f.StringVar(&at, "at", "", "`LATITUDE,LONGITUDE` of the middle")
	f.Float64Var(&radius, "radius", 500, "of the circle, m")
	f.StringVar(&from, "from", "", "when it begins; default at once")
	f.DurationVar(&length, "for", time.Hour, "how long it lasts")
	f.StringVar(&in.Reason, "reason", "", "why (it stays in the journal: no personal data)")
	f.BoolVar(&dry, "dry-run", false, "say what it would meet; change nothing")
	return cmd
}

// post sends one creation and says in a line what came of it.
func post[T any](flags *clientFlags, cmd *cobra.Command, path string, in any, say func(*T) string, header ...string) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	c, err := flags.open()
	if err != nil {
		return err
	}
	_, raw, err := c.do(cmd.Context(), http.MethodPost, path, body, header...)
	if err != nil {
		return err
	}
	if flags.json {
		return printRaw(cmd.OutOrStdout(), raw)
	}
	var out T
	if err := json.Unmarshal(raw, &out); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), printable(say(&out)))
	return nil
}

// revisedCommand is what is done to one object of a revision that was seen.
func revisedCommand(flags *clientFlags, name, short, api, act string) *cobra.Command {
	var rev, reason string
	cmd := &cobra.Command{Use: name + " ID", Short: short, Args: exactArgs("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		if rev == "" {
			return usage("say which revision you saw: --rev N (see list)")
		}
		in := map[string]string{}
		if reason != "" {
			in["reason"] = reason
		}
		return post(flags, cmd, api+"/"+url.PathEscape(args[0])+act, in, func(o *struct {
			ID  string
			Rev uint64
		}) string {
			return fmt.Sprintf("%s, revision %d", o.ID, o.Rev)
		}, "If-Match", `"`+rev+`"`)
	}}
	cmd.Flags().StringVar(&rev, "rev", "", "`revision` that you saw")
	if act == "/cancel" || act == "/end" {
		cmd.Flags().StringVar(&reason, "reason", "", "why (it stays in the journal: no personal data)")
	}
	return cmd
}
