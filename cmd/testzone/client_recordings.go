package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"testzone/web"
)

func recordingsCommand() *cobra.Command {
	var flags clientFlags
	return group("recordings", "What the links received", &flags, recordingsList(&flags), recordingsExport(&flags))
}

// recordingSpan are the flags that say of what time, and whether of refused frames.
type recordingSpan struct {
	from, to   string
	quarantine bool
}

func (s *recordingSpan) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.from, "from", "", "not before this `time`, e.g. 2026-11-25T20:00:00Z")
	f.StringVar(&s.to, "to", "", "before this `time`")
	f.BoolVar(&s.quarantine, "quarantine", false, "frames that were refused, instead of those that were accepted")
}

func (s *recordingSpan) query() (url.Values, error) {
	q := url.Values{}
	for name, at := range map[string]string{"from": s.from, "to": s.to} {
		if at == "" {
			continue
		}
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			return nil, usage("--%s %q is no time such as 2026-11-25T20:00:00Z or 2026-11-26T04:00:00+08:00", name, at)
		}
		q.Set(name, at)
	}
	if s.quarantine {
		q.Set("quarantine", "true")
	}
	return q, nil
}

func recordingsList(flags *clientFlags) *cobra.Command {
	t := tabled("/v1/recordings", "ID\tFROM\tTO\tFRAMES\tBYTES\tMISSING\tSEALED", func(g *web.Recording) []any {
		missing := uint64(0)
		for _, gap := range g.Gaps {
			missing += gap.Frames
		}
		return []any{g.ID, g.From, g.To, g.Frames, g.Bytes, missing, g.Sealed}
	})
	var span recordingSpan
	var listener string
	cmd := &cobra.Command{Use: "list", Short: "List the files, newest first", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		query, err := span.query()
		if err != nil {
			return err
		}
		query.Set("limit", "500")
		if listener != "" {
			query.Set("listener", listener)
		}
		return t.run(flags, query, cmd)
	}}
	span.register(cmd)
	cmd.Flags().StringVar(&listener, "listener", "", "only of this `listener`")
	return cmd
}

func recordingsExport(flags *clientFlags) *cobra.Command {
	var span recordingSpan
	var output string
	var systems []uint8
	var evidence bool
	cmd := &cobra.Command{
		Use: "export LISTENER", Short: "Write what a listener received as one .tlog, which testzone sim --tlog plays",
		Example: "  testzone recordings export signed --from 2026-11-25T20:00:00Z --to 2026-11-25T20:10:00Z -o flight.tlog",
		Args:    exactArgs("LISTENER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			query, err := span.query()
			if err != nil {
				return err
			}
			query.Set("listener", args[0])
			for _, id := range systems {
				query.Add("system_id", strconv.Itoa(int(id)))
			}
			if evidence {
				query.Set("form", "evidence")
			}
			c, err := flags.open()
			if err != nil {
				return err
			}
			path := "/v1/recordings/export?" + query.Encode()
			var got exported
			if output == "" {
				got, err = c.export(cmd.Context(), path, cmd.OutOrStdout())
			} else {
				got, err = c.exportFile(cmd.Context(), path, output)
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), got)
			return nil
		},
	}
	span.register(cmd)
	f := cmd.Flags()
	f.BoolVar(&evidence, "evidence", false, "byte for byte as received, with signatures: weak keys can be guessed from them")
	f.VarP(&systemIDs{&systems}, "system", "", "only of this MAVLink system `id`; may be repeated")
	f.StringVarP(&output, "output", "o", "", "`file` to write (default standard output)")
	return cmd
}

// systemIDs is a flag that may be repeated. pflag's own for uint8 is one of bytes.
type systemIDs struct{ ids *[]uint8 }

func (s systemIDs) Set(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		id, err := strconv.ParseUint(one, 10, 8)
		if err != nil || id == 0 {
			return errors.New("a system id is 1 to 255")
		}
		*s.ids = append(*s.ids, uint8(id))
	}
	return nil
}

func (s systemIDs) Type() string   { return "id" }
func (s systemIDs) String() string { return "" }

// exported is what the server says at the end of an export.
type exported struct{ frames, left, damaged string }

func (e exported) String() string {
	text := printable(e.frames) + " frames"
	if e.left != "0" {
		text += "; " + printable(e.left) + " frames left out, whose signatures could not be removed: see --evidence"
	}
	if e.damaged != "0" {
		text += "; " + printable(e.damaged) + " bytes of the recording are damaged and are missing"
	}
	return text
}

// errCutOff is returned when an export ended before its end.
var errCutOff = errors.New("the export was cut off: ask again, for a shorter time or fewer systems")

// export writes the answer of a streamed export as it comes.
func (c *client) export(ctx context.Context, path string, to io.Writer) (exported, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server+path, nil)
	if err != nil {
		return exported{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	unhurried := *c.http
	unhurried.Timeout = 0 // the server ends it in time
	res, err := unhurried.Do(req)
	if err != nil {
		return exported{}, &exitError{exitUnavailable, fmt.Errorf("no answer from %s: %w", c.server, err)}
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		if err != nil {
			return exported{}, &exitError{exitUnavailable, fmt.Errorf("no answer from %s: %w", c.server, err)}
		}
		return exported{}, problemError(res, raw)
	}
	read := &readError{r: res.Body}
	if _, err := io.Copy(to, read); err != nil && read.err == nil {
		return exported{}, fmt.Errorf("write the export: %w", err)
	}
	got := exported{res.Trailer.Get("Testzone-Frames"), res.Trailer.Get("Testzone-Left-Out"), res.Trailer.Get("Testzone-Damaged-Bytes")}
	if read.err != nil || got.frames == "" {
		return exported{}, &exitError{exitUnavailable, errCutOff}
	}
	return got, nil
}

// readError remembers that reading failed, so that it is told from writing.
type readError struct {
	r   io.Reader
	err error
}

func (r *readError) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// exportFile is export into a file that is there only when it is whole.
func (c *client) exportFile(ctx context.Context, path, name string) (got exported, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".export-*") // mode 0600
	if err != nil {
		return got, usage("%w", err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	got, err = c.export(ctx, path, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return got, err
	}
	return got, os.Rename(f.Name(), name)
}
