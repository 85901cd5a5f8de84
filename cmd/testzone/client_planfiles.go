package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"testzone/web"
)

// planItems reads the items of a file: JSON as testzone prints it, or the file of a
// ground station, which the server reads.
func (flags *clientFlags) planItems(ctx context.Context, vehicle, kind string, raw []byte) ([]web.PlanItem, error) {
	var from struct {
		FileType string         `json:"fileType"`
		Items    []web.PlanItem `json:"items"`
	}
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("QGC WPL")) {
		if err := json.Unmarshal(raw, &from); err != nil || from.FileType == "" {
			return from.Items, err
		}
	}
	c, err := flags.open()
	if err != nil {
		return nil, err
	}
	_, answer, err := c.do(ctx, http.MethodPost, vehiclesAPI+"/"+url.PathEscape(vehicle)+"/plans/file", raw, "Content-Type", "application/octet-stream")
	if err != nil {
		return nil, err
	}
	var file web.PlanFile
	if err := json.Unmarshal(answer, &file); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	has := []string{}
	for _, p := range file.Plans {
		if p.Kind == kind {
			return p.Items, nil
		}
		has = append(has, p.Kind)
	}
	return nil, fmt.Errorf("the file has no %s: it has %s", kind, strings.Join(has, " and "))
}

func plansExport(flags *clientFlags) *cobra.Command {
	var format, kind, output string
	cmd := &cobra.Command{
		Use: "export VEHICLE", Short: "Write what a vehicle is known to carry as a file for ground stations", Args: exactArgs("VEHICLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format == "" {
				format = "plan"
				switch strings.ToLower(filepath.Ext(output)) {
				case ".waypoints", ".txt":
					format = "waypoints"
				}
			}
			query := url.Values{"format": {format}}
			if kind != "" {
				query.Set("kind", kind)
			}
			c, err := flags.open()
			if err != nil {
				return err
			}
			_, raw, err := c.do(cmd.Context(), http.MethodGet, vehiclesAPI+"/"+url.PathEscape(args[0])+"/plans/file?"+query.Encode(), nil)
			if err != nil {
				return err
			}
			if output == "" {
				_, err = cmd.OutOrStdout().Write(raw)
				return err
			}
			return os.WriteFile(output, raw, 0o644)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "plan (of QGroundControl) or waypoints (QGC WPL 110) (default by the name of the file)")
	cmd.Flags().StringVar(&kind, "kind", "", "only mission, fence or rally; needed for waypoints if the vehicle carries several")
	cmd.Flags().StringVarP(&output, "output", "o", "", "`file` to write (default standard output)")
	return cmd
}
