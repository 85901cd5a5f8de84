package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"testzone/telemetry/journal"
)

// journalCommand looks after the journal of a data folder. Everything that
// changes it needs the server to be stopped; verify and backup do not.
func journalCommand() *cobra.Command {
	root := &cobra.Command{Use: "journal", Short: "Verify, back up, restore or repair a journal (the folder journal in data_dir)"}
	repair := &cobra.Command{
		Use: "repair --accept-loss DIR", Args: cobra.ExactArgs(1),
		Short: "Make a damaged journal usable again and write down which entries were lost",
		Long: "Keeps the longest intact chain of entries from the first on, copies every file that it changes, and\n" +
			"appends an entry that names what was lost. Restore a backup instead if there is a good one.",
	}
	accept := repair.Flags().Bool("accept-loss", false, "yes: entries behind the damage are given up")
	repair.RunE = func(cmd *cobra.Command, args []string) error {
		if !*accept {
			return errors.New("a repair gives up every entry behind the damage: restore a backup if there is one, otherwise say --accept-loss")
		}
		return repairJournal(cmd.OutOrStdout(), args[0])
	}
	root.AddCommand(repair,
		&cobra.Command{
			Use: "verify DIR", Short: "Read every byte and name the first bad place; changes nothing, may run beside the server", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return verifyJournal(cmd.OutOrStdout(), args[0]) },
		},
		&cobra.Command{
			Use: "backup DIR TO", Short: "Copy a journal into an empty or new folder; may run beside the server", Args: cobra.ExactArgs(2),
			RunE: func(cmd *cobra.Command, args []string) error { return copyJournal(cmd.OutOrStdout(), args[0], args[1]) },
		},
		&cobra.Command{
			Use: "restore FROM DIR", Short: "Copy a backup to where the server looks for its journal, an empty or new folder", Args: cobra.ExactArgs(2),
			RunE: func(cmd *cobra.Command, args []string) error { return copyJournal(cmd.OutOrStdout(), args[0], args[1]) },
		})
	return root
}

func verifyJournal(out io.Writer, dir string) error {
	report, err := journal.Verify(journal.Config{Dir: dir})
	if err != nil {
		return journalError(out, dir, err)
	}
	printReport(out, dir+" is sound", report)
	if report.TornBytes > 0 {
		fmt.Fprintf(out, "%d bytes behind the last entry are of an append that a crash cut off and nobody was told of: the next start sets them aside\n", report.TornBytes)
	}
	return nil
}

func copyJournal(out io.Writer, from, to string) error {
	report, err := journal.Copy(journal.Config{Dir: from}, journal.Config{Dir: to})
	if err != nil {
		return journalError(out, from, err)
	}
	printReport(out, "copied and verified: "+to, report)
	return nil
}

func repairJournal(out io.Writer, dir string) error {
	r, err := journal.AcceptLoss(journal.Config{Dir: dir})
	if err != nil {
		return journalError(out, dir, err)
	}
	if r.Seq == 0 {
		fmt.Fprintf(out, "%s is sound: nothing was changed\n", dir)
		return nil
	}
	fmt.Fprintf(out, "damage: file %s, offset %d: %s\n", r.File, r.Offset, r.Reason)
	if r.From == 0 {
		fmt.Fprintln(out, "no entry was lost")
	} else {
		fmt.Fprintf(out, "lost: entries %d to %d\n", r.From, r.To)
	}
	for _, name := range r.Kept {
		fmt.Fprintln(out, "kept as it was:", filepath.Join(dir, name))
	}
	fmt.Fprintf(out, "entry %d of the journal tells so. Check what is in force before anything moves again.\n", r.Seq)
	return nil
}

func printReport(out io.Writer, headline string, r journal.Report) {
	fmt.Fprintf(out, "%s\n%d entries in %d segments, chain hash %x\n", headline, r.Entries, r.Segments, r.Hash)
	if len(r.Snapshots) > 0 {
		fmt.Fprintln(out, "snapshots of entries", r.Snapshots)
	}
	if r.Live {
		fmt.Fprintln(out, "a server has it open: this is up to its last watermark")
	}
}

// journalError adds what helps to go on.
func journalError(out io.Writer, dir string, err error) error {
	var damage *journal.DamageError
	if errors.As(err, &damage) {
		fmt.Fprintf(out, "first bad entry: %d\nfile: %s\noffset: %d\n", damage.SeqBefore+1, damage.File, damage.Offset)
	}
	if _, stat := os.Stat(filepath.Join(dir, "journal")); errors.Is(err, journal.ErrNoJournal) && stat == nil {
		err = fmt.Errorf("%w: did you mean %s?", err, filepath.Join(dir, "journal"))
	}
	return err
}
