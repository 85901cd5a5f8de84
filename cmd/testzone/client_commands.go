package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"

	"testzone/web"
)

// clientCommands are for scripts: they use the public API and nothing else.
func clientCommands() []*cobra.Command {
	return []*cobra.Command{loginCommand(), fencesCommand(), vehiclesCommand(), gatewaysCommand(), ordersCommand(), plansCommand(), enforcementCommand(),
		listCommand("tracks", "Vehicles that are seen now", tracksList), alertsCommand(), recordingsCommand(), zoneCommand(), priorityCommand(),
		bulkCommand(), callsCommand(), terminationsCommand(), sitesCommand(), bookingsCommand(), restrictionsCommand(), permitsCommand()}
}

// exactArgs is cobra.ExactArgs with an exit code and the name of what is missing.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return usage("%s needs %d arguments (%s) and got %d", cmd.CommandPath(), len(names), strings.Join(names, " "), len(args))
		}
		return nil
	}
}

// group is a command that has only subcommands.
func group(name, short string, flags *clientFlags, subs ...*cobra.Command) *cobra.Command {
	cmd := subgroup(name, short, subs...)
	flags.register(cmd)
	return cmd
}

// subgroup is one within a group, whose flags it has.
func subgroup(name, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage("%s has no command %q; see --help", name, args[0])
		}
		return cmd.Help()
	}}
	cmd.AddCommand(subs...)
	return cmd
}

func loginCommand() *cobra.Command {
	var flags clientFlags
	cmd := &cobra.Command{
		Use: "login", Short: "Keep a server and a token for the other commands; the token is read from standard input, TESTZONE_TOKEN or --token-file", Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := flags.address(login{})
			if err != nil {
				return err
			}
			token := os.Getenv("TESTZONE_TOKEN")
			if in := cmd.InOrStdin(); flags.tokenFile != "" {
				raw, err := os.ReadFile(flags.tokenFile)
				if err != nil {
					return usage("read the token: %w", err)
				}
				token = string(raw)
			} else if token == "" {
				fmt.Fprintln(cmd.ErrOrStderr(), "token:")
				raw, err := io.ReadAll(io.LimitReader(in, 4<<10))
				if err != nil {
					return fmt.Errorf("read the token: %w", err)
				}
				token = string(raw)
			}
			token = strings.TrimSpace(token)
			if token == "" {
				return usage("the token is empty")
			}
			c := newClient(server, token)
			_, raw, err := c.do(cmd.Context(), http.MethodGet, "/v1/session", nil)
			if err != nil {
				return err
			}
			var s web.Session
			if err := json.Unmarshal(raw, &s); err != nil {
				return fmt.Errorf("the server's answer cannot be read: %w", err)
			}
			path, err := login{server, token}.keep()
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "signed in to %s as %s (%s); kept in %s\n", server, printable(s.Actor.ID), printable(strings.Join(s.Actor.Roles, ", ")), path)
			return nil
		},
	}
	flags.register(cmd)
	return cmd
}

// table is how a list is shown to people.
type table struct {
	path    string
	columns string // names, with tabs
	row     func(raw json.RawMessage) (string, error)
}

func tabled[T any](path, columns string, row func(*T) []any) table {
	return table{path: path, columns: columns, row: func(raw json.RawMessage) (string, error) {
		var item T
		if err := json.Unmarshal(raw, &item); err != nil {
			return "", err
		}
		cells := row(&item)
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = printable(fmt.Sprint(c))
		}
		return strings.Join(texts, "\t"), nil
	}}
}

func (t table) run(flags *clientFlags, query url.Values, cmd *cobra.Command) error {
	c, err := flags.open()
	if err != nil {
		return err
	}
	items, err := c.all(cmd.Context(), t.path, query)
	if err != nil {
		return err
	}
	if flags.json {
		return printJSON(cmd.OutOrStdout(), map[string]any{"items": items})
	}
	out := tabwriter.NewWriter(cmd.OutOrStdout(), 2, 8, 2, ' ', 0)
	fmt.Fprintln(out, t.columns)
	for _, raw := range items {
		line, err := t.row(raw)
		if err != nil {
			return fmt.Errorf("the server's list cannot be read: %w", err)
		}
		fmt.Fprintln(out, line)
	}
	return out.Flush()
}

func listCommand(name, short string, make func(*clientFlags) *cobra.Command) *cobra.Command {
	var flags clientFlags
	return group(name, short, &flags, make(&flags))
}

func tracksList(flags *clientFlags) *cobra.Command {
	t := tabled("/v1/tracks", "ID\tNAME\tCLASS\tLINK\tLAT\tLON\tENFORCED\tBREACHES", func(v *web.Track) []any {
		lat, lon := "-", "-"
		if v.Position != nil {
			lat, lon = fmt.Sprintf("%.7f", v.Position.Lat), fmt.Sprintf("%.7f", v.Position.Lon)
		}
		enforced := "yes"
		if !v.Enforcement.Enforced {
			enforced = "NO: " + strings.Join(v.Enforcement.Reasons, ",")
		}
		return []any{v.ID, v.Name, v.Class, v.Link, lat, lon, enforced, len(v.Breaches)}
	})
	var class string
	cmd := &cobra.Command{Use: "list", Short: "List them", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		query := url.Values{"limit": {"500"}}
		if class != "" {
			query.Set("class", class)
		}
		return t.run(flags, query, cmd)
	}}
	cmd.Flags().StringVar(&class, "class", "", "only uav, icv or usv")
	return cmd
}

func alertsCommand() *cobra.Command {
	var flags clientFlags
	t := tabled("/v1/alerts", "ID\tLEVEL\tTYPE\tSTATE\tRAISED\tVEHICLE\tFENCE", func(a *web.Alert) []any {
		fence := "-"
		if a.Fence != nil {
			fence = a.Fence.Name
		}
		return []any{a.ID, a.Level, a.Type, a.State, a.RaisedAt, a.Vehicle.ID, fence}
	})
	list := t.orAll(&flags, "List those that still need somebody, newest first", "also those that are done with")
	var note string
	ack := &cobra.Command{Use: "ack ALERT", Short: "Take note of an alert", Args: exactArgs("ALERT"), RunE: func(cmd *cobra.Command, args []string) error {
		var a web.Alert
		shown, err := flags.send(cmd, http.MethodPost, "/v1/alerts/"+url.PathEscape(args[0])+"/acknowledge", map[string]string{"note": note}, &a)
		if shown || err != nil {
			return err
		}
		if a.Acknowledged == nil {
			return errors.New("the server's answer does not say who acknowledged it")
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s was acknowledged by %s at %s\n", printable(a.ID), printable(a.Acknowledged.By), a.Acknowledged.At)
		return nil
	}}
	ack.Flags().StringVar(&note, "note", "", "a `text` for the record")
	return group("alerts", "Conditions that a controller must deal with", &flags, list, ack)
}

// printJSON writes a document of ours.
func printJSON(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return printRaw(w, raw)
}

// printRaw writes a document of the server, indented.
func printRaw(w io.Writer, raw []byte) error {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return fmt.Errorf("the server's answer is not JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}

// printable keeps what a server says from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// readInput reads a file, or standard input for "-".
func readInput(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(cmd.InOrStdin())
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, usage("%w", err)
	}
	return raw, nil
}

// fileFormat is the format of fences, as given or by the name of the file.
func fileFormat(given, name string) (string, error) {
	if given == "" {
		switch strings.ToLower(filepath.Ext(name)) {
		case ".geojson", ".json":
			given = "geojson"
		case ".kml":
			given = "kml"
		}
	}
	if given != "geojson" && given != "kml" {
		return "", usage("say --format geojson or --format kml")
	}
	return given, nil
}
