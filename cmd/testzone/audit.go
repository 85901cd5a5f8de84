package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"testzone/telemetry/audit"
	"testzone/telemetry/journal"
)

type auditConfig struct {
	CheckpointFile string `yaml:"checkpoint_file"` // the newest signed checkpoint, for somebody else to keep
}

// newAudit makes what signs checkpoints and what writes acts down.
func (s *server) newAudit(group string) error {
	key, err := audit.LoadKey(filepath.Join(s.cfg.DataDir, "secrets"), group)
	if err != nil {
		return err
	}
	s.acts = audit.NewRecorder(audit.RecorderConfig{Journal: s.journal, Logger: s.cfg.log})
	s.keeper, err = audit.NewKeeper(audit.Config{
		Journal: s.journal, Group: group, Key: key, File: s.cfg.Audit.CheckpointFile, Logger: s.cfg.log,
	})
	return err
}

func verifyCommand() *cobra.Command {
	var checkpoint, key string
	cmd := &cobra.Command{
		Use: "verify DIR", Short: "Prove that a journal is what was signed; names the first entry that is not", Args: cobra.ExactArgs(1),
		Long: "Reads the journal in DIR (the folder journal in data_dir): every byte, the chain, and every signed\n" +
			"checkpoint in it. With --checkpoint it is compared with one that was kept elsewhere, which also finds\n" +
			"entries that were cut off. With --key the signatures are checked; the key is in secrets/audit.pub of\n" +
			"the data folder and at GET /v1/audit/checkpoint: keep it elsewhere, too. It may run beside the server.",
		RunE: func(cmd *cobra.Command, args []string) error {
			outside := ""
			if checkpoint != "" {
				b, err := os.ReadFile(checkpoint)
				if err != nil {
					return fmt.Errorf("checkpoint: %w", err)
				}
				outside = string(b)
			}
			r, err := audit.Verify(journal.Config{Dir: args[0]}, key, outside)
			if err != nil {
				return err
			}
			printVerified(cmd.OutOrStdout(), &r, key != "")
			return nil
		},
	}
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "`file` with a signed checkpoint that was kept elsewhere")
	cmd.Flags().StringVar(&key, "key", "", "public `key` of the audit, e.g. \"$(cat data/secrets/audit.pub)\"")
	return cmd
}

func printVerified(out io.Writer, r *audit.Report, signed bool) {
	fmt.Fprintf(out, "%d entries in one chain; %d checkpoints agree, the newest covers %d entries\n", r.Entries, r.Checkpoints, r.Covered)
	if r.Outside > 0 {
		fmt.Fprintf(out, "the checkpoint from outside agrees: it covers %d entries\n", r.Outside)
	}
	if !signed {
		fmt.Fprintln(out, "signatures were not checked: give --key")
	}
}
