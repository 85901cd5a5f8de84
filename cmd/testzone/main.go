// Command testzone is the operations server of a test zone for drones,
// intelligent connected vehicles and unmanned boats: it takes in their
// telemetry, decides whether each movement respects the electronic fences, and
// shows everything on a live map.
//
// The subcommands are serve (a zone from a configuration file), demo (a
// synthetic zone with simulated vehicles), sim (simulated vehicles or a
// recorded flight against any server), watch (the heartbeat of a server), journal
// (verify, backup, restore, repair), verify (the audit), gateway (beside a ground
// station), sign-setup (the signing key of a vehicle), config check and version; login, fences,
// vehicles, tracks and alerts are a client of the public API. This package only
// wires the parts together; it also holds the tests of the whole program.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time zones on machines that have none

	"github.com/spf13/cobra"
)

// version is set by the release build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "testzone: %v\n", err)
		os.Exit(exitCode(err))
	}
}

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "testzone",
		Short:         "Operations server of a test zone for drones, cars and boats",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(), demoCommand(), simCommand(), watchCommand(), gatewayCommand(), signSetupCommand(), journalCommand(), verifyCommand(), configCommand(), &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "testzone", version) },
	})
	root.AddCommand(clientCommands()...)
	return root
}

// configFlags are the settings that the command line can give.
type configFlags struct {
	path, http, data, logLevel string
}

func (f *configFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.path, "config", os.Getenv("TESTZONE_CONFIG"), "YAML configuration `file`")
	cmd.Flags().StringVar(&f.http, "http", "", "`address` of the HTTP server (http.addr)")
	cmd.Flags().StringVar(&f.data, "data-dir", "", "`folder` of the journal (data_dir)")
	cmd.Flags().StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error (log.level)")
}

// load reads file, environment and flags over the defaults in cfg, and checks.
func (f *configFlags) load(cfg *config) error {
	if err := loadConfig(cfg, f.path, os.Environ()); err != nil {
		return err
	}
	for _, flag := range []struct {
		value string
		field *string
	}{{f.http, &cfg.HTTP.Addr}, {f.data, &cfg.DataDir}, {f.logLevel, &cfg.Log.Level}} {
		if flag.value != "" {
			*flag.field = flag.value
		}
	}
	if err := cfg.check(); err != nil {
		return fmt.Errorf("configuration:\n%w", err)
	}
	return nil
}

func serveCommand() *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use: "serve", Short: "Run a zone from its configuration", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := defaultConfig()
			if err := flags.load(&cfg); err != nil {
				return err
			}
			token, err := bootstrapToken(cfg.DataDir)
			if err != nil {
				return err
			}
			s, err := newServer(cmd.Context(), serverConfig{config: cfg, tokenHash: token.hash, log: newLogger(cmd.ErrOrStderr(), cfg.Log)})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "testzone is at %s\n", s.url())
			s.sayAdmin(cmd.OutOrStdout())
			if token.fresh != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "Sign in with this token. It is shown only once:\n%s\n", token.fresh)
			}
			if err := token.keep(); err != nil {
				s.close()
				return err
			}
			return s.run(cmd.Context())
		},
	}
	flags.register(cmd)
	return cmd
}

func configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Look at the configuration"}
	var flags configFlags
	check := &cobra.Command{
		Use: "check", Short: "Say whether the configuration is right, and what is wrong", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := defaultConfig()
			if err := flags.load(&cfg); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the configuration is right")
			return nil
		},
	}
	flags.register(check)
	cmd.AddCommand(check)
	return cmd
}

func newLogger(w io.Writer, cfg logConfig) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Level)) // checked with the configuration
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
