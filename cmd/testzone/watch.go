package main

import (
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"testzone/telemetry/watchdog"
)

func watchCommand() *cobra.Command {
	var cfg watchdog.WatchConfig
	cmd := &cobra.Command{
		Use: "watch [-- command…]", Short: "Watch the heartbeat of a server; say when supervision is lost", Args: cobra.ArbitraryArgs,
		Long: "Watches the heartbeat of a server, by its file on this machine or by its datagrams on another one.\n" +
			"When it stops, an orderly stop included, the loss is told, the command is run if there is one\n" +
			"(a siren, a message), and this program ends with an error. Datagrams are not signed: use a network\n" +
			"that you trust.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (cfg.File == "") == (cfg.UDP == "") {
				return errors.New("say what to watch: --file FILE or --udp ADDRESS")
			}
			lost := watchdog.Watch(cmd.Context(), cfg)
			if !errors.Is(lost, watchdog.ErrLost) || len(args) == 0 {
				return lost
			}
			act := exec.CommandContext(cmd.Context(), args[0], args[1:]...)
			act.Stdout, act.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			if err := act.Run(); err != nil {
				return fmt.Errorf("%w; and the command failed: %w", lost, err)
			}
			return lost
		},
	}
	cmd.Flags().StringVar(&cfg.File, "file", "", "heartbeat `file` of a server on this machine (watchdog.file, default heartbeat in its data folder)")
	cmd.Flags().StringVar(&cfg.UDP, "udp", "", "`address` at which heartbeats arrive (one of watchdog.udp of the server)")
	cmd.Flags().DurationVar(&cfg.After, "after", 5*time.Second, "silence after which supervision is lost")
	return cmd
}
