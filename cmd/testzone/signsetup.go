package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"testzone/telemetry/mavlink"
	"testzone/telemetry/mavlink/signsetup"
)

// signSetupFlags are what the command line says of a vehicle and its cable.
type signSetupFlags struct {
	device, udp, keyFile string
	baud                 int
	cfg                  signsetup.Config
}

func signSetupCommand() *cobra.Command {
	var f signSetupFlags
	cmd := &cobra.Command{
		Use: "sign-setup", Short: "Give a vehicle its signing key over a cable, and prove that it uses it", Args: cobra.NoArgs,
		Long: "Sends the key that the server made for a vehicle to its autopilot, over a serial device (the USB cable\n" +
			"or the radio that is wired to it), never over a network. Then it proves that the vehicle signs with the\n" +
			"key, does not answer a command with a wrong signature, and answers one with the right signature.\n" +
			"The key file holds 64 hex digits and may be read by its owner only; delete it afterwards.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := readKeyFile(f.keyFile)
			if err != nil {
				return err
			}
			link, err := f.open()
			if err != nil {
				return err
			}
			defer link.Close()
			f.cfg.Link, f.cfg.Key = link, key
			f.cfg.Say = func(step string) { fmt.Fprintln(cmd.OutOrStdout(), step) }
			if err := signsetup.Run(cmd.Context(), f.cfg); err != nil {
				return fmt.Errorf("vehicle with system id %d: %w", f.cfg.System, err)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.device, "device", "", "serial `device` of the vehicle, such as /dev/ttyUSB0")
	flags.IntVar(&f.baud, "baud", 57_600, "speed of the device")
	flags.StringVar(&f.udp, "udp", "", "instead of a device: loopback `address` that a simulated vehicle sends to")
	flags.StringVar(&f.keyFile, "key-file", "", "`file` with the key, 64 hex digits")
	flags.Uint8Var(&f.cfg.System, "system-id", 0, "system id of the vehicle")
	flags.Uint8Var(&f.cfg.Component, "component-id", 1, "component id of its autopilot")
	flags.BoolVar(&f.cfg.Check, "check", false, "send no key, only prove what is there")
	for _, name := range []string{"key-file", "system-id"} {
		_ = cmd.MarkFlagRequired(name) // the flag exists
	}
	cmd.MarkFlagsOneRequired("device", "udp")
	cmd.MarkFlagsMutuallyExclusive("device", "udp")
	return cmd
}

func (f *signSetupFlags) open() (interface {
	signsetup.Link
	io.Closer
}, error) {
	if f.udp != "" {
		return signsetup.ListenUDP(f.udp)
	}
	return mavlink.OpenPort(f.device, f.baud)
}

// readKeyFile reads a signing key that nobody else can read.
func readKeyFile(path string) (key mavlink.Key, err error) {
	st, err := os.Stat(path)
	if err != nil {
		return key, err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return key, fmt.Errorf("others can read %s: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return key, err
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != len(key) || mavlink.Key(raw) == (mavlink.Key{}) {
		return key, fmt.Errorf("%s is not a signing key: it holds 64 hex digits, as the server showed them", path)
	}
	return mavlink.Key(raw), nil
}
