package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"testzone/web"
)

func fencesCommand() *cobra.Command {
	var flags clientFlags
	return group("fences", "Electronic fences", &flags,
		fencesList(&flags), showCommand(&flags, "get FENCE", "Print one as JSON", "/v1/fences"), fencesCreate(&flags), deleteCommand(&flags, "delete FENCE", "Take a fence away", "/v1/fences"), fencesImport(&flags), fencesExport(&flags))
}

func fencesList(flags *clientFlags) *cobra.Command {
	t := tabled("/v1/fences", "ID\tNAME\tKIND\tRESPONSE\tREV\tIN FORCE\tORIGIN", func(f *web.Fence) []any {
		return []any{f.ID, f.Name, f.Kind, f.Response, f.Rev, f.InForce, f.Origin.Kind}
	})
	return &cobra.Command{Use: "list", Short: "List them, by id", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return t.run(flags, url.Values{"limit": {"500"}}, cmd)
	}}
}

func fencesCreate(flags *clientFlags) *cobra.Command {
	var dry bool
	var key string
	cmd := &cobra.Command{Use: "create FILE", Short: "Set a fence from a JSON file (- is standard input) and print its id", Args: exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.open()
			if err != nil {
				return err
			}
			body, err := readInput(cmd, args[0])
			if err != nil {
				return err
			}
			path := "/v1/fences"
			if dry {
				path += "?dry_run=true"
			}
			if key == "" {
				key = newToken()
			}
			_, raw, err := c.do(cmd.Context(), http.MethodPost, path, body, "Idempotency-Key", key)
			if err != nil {
				return err
			}
			var f web.FenceAnswer
			if err := json.Unmarshal(raw, &f); err != nil {
				return fmt.Errorf("the server's answer cannot be read: %w", err)
			}
			switch {
			case flags.json:
				return printRaw(cmd.OutOrStdout(), raw)
			case f.Impact != nil:
				fmt.Fprintf(cmd.OutOrStdout(), "nothing was changed; the fence would be about %d vehicles, %d of them in breach\n", f.Impact.Count, f.Impact.Breaches)
			default:
				fmt.Fprintln(cmd.OutOrStdout(), printable(f.ID))
			}
			return nil
		}}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check it and say what it would mean; change nothing")
	cmd.Flags().StringVar(&key, "key", "", "Idempotency-Key of 8 to 80 `characters`, for a script that may run twice (default a new one)")
	return cmd
}

func fencesImport(flags *clientFlags) *cobra.Command {
	var format string
	var apply bool
	cmd := &cobra.Command{Use: "import FILE", Short: "Say what a GeoJSON or KML file holds; with --apply set its fences, all or none", Args: exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := fileFormat(format, args[0])
			if err != nil {
				return err
			}
			c, err := flags.open()
			if err != nil {
				return err
			}
			body, err := readInput(cmd, args[0])
			if err != nil {
				return err
			}
			path := fmt.Sprintf("/v1/fences/import?format=%s&dry_run=%v", format, !apply)
			_, raw, err := c.do(cmd.Context(), http.MethodPost, path, body, "Content-Type", "application/octet-stream", "Idempotency-Key", newToken())
			if err != nil {
				return err
			}
			if flags.json {
				return printRaw(cmd.OutOrStdout(), raw)
			}
			var report web.ImportReport
			if err := json.Unmarshal(raw, &report); err != nil {
				return fmt.Errorf("the server's answer cannot be read: %w", err)
			}
			for _, item := range report.Report {
				fmt.Fprintf(cmd.OutOrStdout(), "%d %s: %s\n", item.Index, printable(item.Name), printable(item.Result))
				for _, note := range item.Notes {
					fmt.Fprintf(cmd.OutOrStdout(), "    %s\n", printable(note))
				}
			}
			for _, id := range report.Created {
				fmt.Fprintf(cmd.OutOrStdout(), "set %s\n", printable(id))
			}
			return nil
		}}
	cmd.Flags().StringVar(&format, "format", "", "geojson or kml (default by the name of the file)")
	cmd.Flags().BoolVar(&apply, "apply", false, "set the fences that can be read")
	return cmd
}

func fencesExport(flags *clientFlags) *cobra.Command {
	var format, output string
	cmd := &cobra.Command{Use: "export", Short: "Write all fences as GeoJSON or KML", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		format, err := fileFormat(format, output)
		if err != nil {
			return err
		}
		c, err := flags.open()
		if err != nil {
			return err
		}
		_, raw, err := c.do(cmd.Context(), http.MethodGet, "/v1/fences/export?format="+format, nil)
		if err != nil {
			return err
		}
		if output == "" {
			_, err = cmd.OutOrStdout().Write(raw)
			return err
		}
		return os.WriteFile(output, raw, 0o644)
	}}
	cmd.Flags().StringVar(&format, "format", "", "geojson or kml (default by the name of the file)")
	cmd.Flags().StringVarP(&output, "output", "o", "", "`file` to write (default standard output)")
	return cmd
}
