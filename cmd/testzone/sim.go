package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"testzone/telemetry/sim"
)

func simCommand() *cobra.Command {
	var cfg sim.Config
	var play sim.PlaybackConfig
	var script string
	var helicopter bool
	cmd := &cobra.Command{
		Use: "sim", Short: "Send simulated vehicles or a recorded flight to a server", Args: cobra.NoArgs,
		Example: "  testzone sim --vehicles 1000 --rate 10\n  testzone sim --tlog flight.tlog --speed 20\n  testzone sim --vehicles 20 --script jam.scenario",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if play.Path != "" {
				play.Target = cfg.Target
				return playback(cmd.Context(), cmd.OutOrStdout(), play)
			}
			cfg.Kind = sim.KindLoad
			if helicopter {
				cfg.Helicopter = &sim.Helicopter{}
			}
			var err error
			if cfg.Script, err = readScript(script); err != nil {
				return err
			}
			return simulate(cmd.Context(), cmd.OutOrStdout(), cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Target, "target", sim.DefaultTarget, "`address` of the open MAVLink listener")
	f.IntVar(&cfg.Vehicles, "vehicles", 100, "number of vehicles")
	f.Float64Var(&cfg.Rate, "rate", 5, "positions per vehicle and second, `Hz`")
	f.Int64Var(&cfg.Seed, "seed", 1, "seed: the same seed flies the same courses")
	f.DurationVar(&cfg.Duration, "duration", 0, "end after this time; 0: until stopped")
	f.StringVar(&play.Path, "tlog", "", "recorded MAVLink `file` to send byte for byte instead")
	f.Float64Var(&play.Speed, "speed", 1, "speed of the recording; 0: as fast as 5,000 frames/s")
	f.BoolVar(&play.Loop, "loop", false, "start the recording again at its end")
	f.StringVar(&script, "script", "", "`file` of what vehicles do other than they should: lines as \"uav-3 20s link lost 15s\"")
	f.BoolVar(&helicopter, "helicopter", false, "the first vehicle hears a rescue helicopter on ADS-B (icao-780abc) that comes from the west and is here in three minutes")
	cmd.MarkFlagsMutuallyExclusive("tlog", "vehicles")
	cmd.MarkFlagsMutuallyExclusive("tlog", "script")
	return cmd
}

// readScript reads a script of the simulator; no name: there is none.
func readScript(name string) ([]sim.Event, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	events, err := sim.ParseScript(string(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return events, nil
}

func simulate(ctx context.Context, out io.Writer, cfg sim.Config) error {
	fleet, err := sim.New(cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d vehicles at %g Hz to %s. Stop with Ctrl-C.\n", len(fleet.Vehicles()), cfg.Rate, cfg.Target)
	err = fleet.Run(ctx)
	st := fleet.Stats()
	fmt.Fprintf(out, "sent %d frames, %d bytes; %d writes failed, %d frames skipped because this machine was behind\n",
		st.Frames, st.Bytes, st.Errors, st.Skipped)
	return err
}

func playback(ctx context.Context, out io.Writer, cfg sim.PlaybackConfig) error {
	st, err := sim.Playback(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "sent %d frames, %d bytes in %.1f s (recorded %.1f s); %d writes failed; %d damaged places, %d bytes skipped\n",
		st.Frames, st.Bytes, st.Duration.Round(time.Millisecond).Seconds(), st.Recorded.Seconds(), st.Errors, st.Damaged, st.Skipped)
	for _, id := range slices.Sorted(maps.Keys(st.BySystem)) {
		fmt.Fprintf(out, "  system %d: %d frames\n", id, st.BySystem[id])
	}
	return nil
}
