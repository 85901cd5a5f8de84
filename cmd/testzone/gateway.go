package main

import (
	"crypto/x509"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"testzone/telemetry/mavlink/gateway"
)

// gatewayFlags are what the command line says of a gateway.
type gatewayFlags struct {
	identity, pin, authority string
	log                      logConfig
}

func gatewayCommand() *cobra.Command {
	var cfg gateway.ClientConfig
	var flags gatewayFlags
	cmd := &cobra.Command{
		Use: "gateway", Short: "Stand beside a ground station and connect its vehicles to a server", Args: cobra.NoArgs,
		Long: "Forwards MAVLink between a ground station or router on this machine and a server, over mutual TLS,\n" +
			"for autopilots that cannot sign. Let QGroundControl, Mission Planner or mavlink-router send to the UDP\n" +
			"address, or name a serial device. The first start makes a key and prints its fingerprint: enrol that\n" +
			"at the server, under /v1/gateways, with the vehicles that the gateway answers for. The server's own\n" +
			"fingerprint is in its log, where it listens for gateways.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.apply(&cfg); err != nil {
				return err
			}
			cfg.Logger = newLogger(cmd.ErrOrStderr(), flags.log)
			c, err := gateway.NewClient(cfg)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "fingerprint of this gateway: %s\n", cfg.Identity.Fingerprint)
			if c.Addr().IsValid() {
				fmt.Fprintf(cmd.OutOrStdout(), "let the ground station send to %s (UDP)\n", c.Addr())
			}
			return c.Run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Server, "server", "", "`address` of the server for gateways, host:14552")
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:14555", "UDP `address` for the ground station; off: none")
	f.BoolVar(&cfg.AnyNetwork, "any-network", false, "allow --listen on other than loopback: whoever can send there can pretend to be a vehicle")
	f.StringVar(&cfg.Device, "serial", "", "serial `device` besides, such as /dev/ttyUSB0")
	f.IntVar(&cfg.Baud, "baud", 57_600, "speed of the serial device")
	f.StringVar(&flags.identity, "identity", "gateway.pem", "`file` with the key of this gateway; made when it is not there")
	f.StringVar(&flags.pin, "server-fingerprint", "", "`fingerprint` of the server's key, 64 hex digits")
	f.StringVar(&flags.authority, "server-ca", "", "`file` with the authorities (PEM) that certify the server; default those of the system")
	f.StringVar(&flags.log.Level, "log-level", "info", "debug, info, warn or error")
	_ = cmd.MarkFlagRequired("server") // the flag exists
	return cmd
}

// apply reads what the flags name.
func (f *gatewayFlags) apply(cfg *gateway.ClientConfig) (err error) {
	if cfg.Identity, _, err = gateway.LoadIdentity(f.identity); err != nil {
		return err
	}
	if f.pin != "" {
		pin, err := gateway.ParseFingerprint(f.pin)
		if err != nil {
			return err
		}
		cfg.Pin = &pin
	}
	if f.authority != "" {
		pem, err := os.ReadFile(f.authority)
		if err != nil {
			return fmt.Errorf("--server-ca: %w", err)
		}
		cfg.Roots = x509.NewCertPool()
		if !cfg.Roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("--server-ca: %s has no certificate", f.authority)
		}
	}
	return nil
}
