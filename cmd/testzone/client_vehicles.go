package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"testzone/web"
)

const vehiclesAPI, gatewaysAPI = "/v1/vehicles", "/v1/gateways"

func vehiclesCommand() *cobra.Command {
	var flags clientFlags
	return group("vehicles", "Registered vehicles and their signing keys", &flags,
		vehiclesList(&flags),
		showCommand(&flags, "show VEHICLE", "Print one as JSON: what is registered, and whether it has proved who it is", vehiclesAPI),
		registerCommand(&flags, "register FILE", "Register a vehicle from a JSON file (- is standard input) and print its id", vehiclesAPI),
		deleteCommand(&flags, "withdraw VEHICLE", "End a registration; one that moves is followed until it has stopped", vehiclesAPI),
		keysList(&flags), keysAdd(&flags), keysRotate(&flags), keysRevoke(&flags))
}

func gatewaysCommand() *cobra.Command {
	var flags clientFlags
	t := tabled(gatewaysAPI, "ID\tNAME\tOPERATOR\tSTATE\tFINGERPRINT", func(g *web.Gateway) []any {
		return []any{g.ID, g.Name, g.Operator, g.State, g.Fingerprint}
	})
	list := &cobra.Command{Use: "list", Short: "List them, by id", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return t.run(&flags, url.Values{"limit": {"500"}}, cmd)
	}}
	return group("gateways", "Gateways beside ground stations, for vehicles that cannot sign", &flags, list,
		showCommand(&flags, "show GATEWAY", "Print one as JSON", gatewaysAPI),
		registerCommand(&flags, "enrol FILE", "Enrol a gateway from a JSON file (- is standard input) and print its id", gatewaysAPI),
		deleteCommand(&flags, "revoke GATEWAY", "End a gateway for good; it is believed until the vehicles behind it have stopped", gatewaysAPI))
}

func vehiclesList(flags *clientFlags) *cobra.Command {
	t := tabled(vehiclesAPI, "ID\tNAME\tCLASS\tOPERATOR\tLISTENER\tSYSTEM\tSTATE\tLINK", func(v *web.Vehicle) []any {
		listener, system := "-", "-"
		if m := v.MAVLink; m != nil {
			listener, system = m.Listener, fmt.Sprint(m.SystemID)
		}
		return []any{v.ID, v.Name, v.Class, v.Operator, listener, system, v.State, v.Link.State}
	})
	return &cobra.Command{Use: "list", Short: "List them, by id", Args: exactArgs(), RunE: func(cmd *cobra.Command, _ []string) error {
		return t.run(flags, url.Values{"limit": {"500"}}, cmd)
	}}
}

// argOf is the name of a command's argument, for messages.
func argOf(use string) string { return use[strings.LastIndexByte(use, ' ')+1:] }

// showCommand prints one object of a list.
func showCommand(flags *clientFlags, use, short, path string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: exactArgs(argOf(use)), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := flags.open()
		if err != nil {
			return err
		}
		_, raw, err := c.do(cmd.Context(), http.MethodGet, path+"/"+url.PathEscape(args[0]), nil)
		if err != nil {
			return err
		}
		return printRaw(cmd.OutOrStdout(), raw)
	}}
}

// registerCommand makes an object from a file, in the form of the API.
func registerCommand(flags *clientFlags, use, short, path string) *cobra.Command {
	var dry bool
	cmd := &cobra.Command{Use: use, Short: short, Args: exactArgs(argOf(use)), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := flags.open()
		if err != nil {
			return err
		}
		body, err := readInput(cmd, args[0])
		if err != nil {
			return err
		}
		at := path
		if dry {
			at += "?dry_run=true"
		}
		_, raw, err := c.do(cmd.Context(), http.MethodPost, at, body, "Idempotency-Key", newToken())
		if err != nil {
			return err
		}
		if flags.json {
			return printRaw(cmd.OutOrStdout(), raw)
		}
		var made struct{ ID string }
		if err := json.Unmarshal(raw, &made); err != nil {
			return fmt.Errorf("the server's answer cannot be read: %w", err)
		}
		if dry {
			fmt.Fprintf(cmd.OutOrStdout(), "nothing was changed; %s could be registered so\n", printable(made.ID))
			return nil
		}
		fmt.Fprintln(cmd.OutOrStdout(), printable(made.ID))
		return nil
	}}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check it; change nothing")
	return cmd
}

// deleteCommand ends an object in its revision.
func deleteCommand(flags *clientFlags, use, short, path string) *cobra.Command {
	var rev uint64
	cmd := &cobra.Command{Use: use, Short: short, Args: exactArgs(argOf(use)), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := flags.open()
		if err != nil {
			return err
		}
		at, tag := path+"/"+url.PathEscape(args[0]), fmt.Sprintf(`"%d"`, rev)
		if rev == 0 {
			header, _, err := c.do(cmd.Context(), http.MethodGet, at, nil)
			if err != nil {
				return err
			}
			tag = header.Get("ETag")
		}
		_, _, err = c.do(cmd.Context(), http.MethodDelete, at, nil, "If-Match", tag)
		return err
	}}
	cmd.Flags().Uint64Var(&rev, "rev", 0, "only if this is its `revision` (default: the one that it has now)")
	return cmd
}

func keysPath(vehicle string) string { return vehiclesAPI + "/" + url.PathEscape(vehicle) + "/keys" }

func keysList(flags *clientFlags) *cobra.Command {
	return &cobra.Command{Use: "keys VEHICLE", Short: "List its signing keys, oldest first", Args: exactArgs("VEHICLE"), RunE: func(cmd *cobra.Command, args []string) error {
		t := tabled(keysPath(args[0]), "ID\tSTATE\tSINCE\tSEEN\tWHY", func(k *web.VehicleKey) []any {
			seen := "-"
			if k.SeenAt != nil {
				seen = *k.SeenAt
			}
			return []any{k.ID, k.State, k.Since, seen, k.Why}
		})
		return t.run(flags, nil, cmd)
	}}
}

func keysAdd(flags *clientFlags) *cobra.Command {
	var given, output string
	cmd := &cobra.Command{
		Use: "add-key VEHICLE", Short: "Give it a signing key and print that, 64 hex digits; it is never shown again", Args: exactArgs("VEHICLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.open()
			if err != nil {
				return err
			}
			var in web.VehicleKeyInput
			if given != "" {
				raw, err := readInput(cmd, given)
				if err != nil {
					return err
				}
				in.Secret = strings.TrimSpace(string(raw))
			}
			body, err := json.Marshal(in)
			if err != nil {
				return err
			}
			to, closed := cmd.OutOrStdout(), func() error { return nil }
			if output != "" { // before the key is made: it could not be shown again
				f, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
				if err != nil {
					return usage("%w", err)
				}
				to, closed = f, f.Close
			}
			_, raw, err := c.do(cmd.Context(), http.MethodPost, keysPath(args[0]), body, "Idempotency-Key", newToken())
			if err == nil {
				err = printKey(cmd, flags, raw, to)
			} else if output != "" {
				_ = os.Remove(output) // it is empty
			}
			return errors.Join(err, closed())
		},
	}
	cmd.Flags().StringVar(&given, "secret-file", "", "`file` with the key that the vehicle has already, 64 hex digits (- is standard input; default: the server makes one)")
	cmd.Flags().StringVarP(&output, "output", "o", "", "new `file` that only you can read (default standard output)")
	return cmd
}

// printKey writes the secret of a new key, and says beside it what the key is.
func printKey(cmd *cobra.Command, flags *clientFlags, raw []byte, to io.Writer) error {
	if flags.json {
		return printRaw(to, raw)
	}
	var made web.NewVehicleKey
	if err := json.Unmarshal(raw, &made); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "key %s is %s\n", printable(made.Key.ID), printable(made.Key.State))
	_, err := fmt.Fprintln(to, printable(made.Secret))
	return err
}

func keysRotate(flags *clientFlags) *cobra.Command {
	return &cobra.Command{Use: "rotate-keys VEHICLE", Short: "Put the next key into use; the old one retires when the vehicle has stopped", Args: exactArgs("VEHICLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return postKeys(flags, cmd, keysPath(args[0])+"/rotate", nil)
		}}
}

func keysRevoke(flags *clientFlags) *cobra.Command {
	var reason string
	cmd := &cobra.Command{Use: "revoke-key VEHICLE KEY", Short: "End a key for good, as soon as the vehicle does not move", Args: exactArgs("VEHICLE", "KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := json.Marshal(web.Revocation{Reason: reason})
			if err != nil {
				return err
			}
			return postKeys(flags, cmd, keysPath(args[0])+"/"+url.PathEscape(args[1])+"/revoke", body)
		}}
	cmd.Flags().StringVar(&reason, "reason", "", "a `text` for the audit")
	return cmd
}

// postKeys asks for a change of keys and prints what they are then.
func postKeys(flags *clientFlags, cmd *cobra.Command, path string, body []byte) error {
	c, err := flags.open()
	if err != nil {
		return err
	}
	_, raw, err := c.do(cmd.Context(), http.MethodPost, path, body, "Idempotency-Key", newToken())
	if err != nil {
		return err
	}
	if flags.json {
		return printRaw(cmd.OutOrStdout(), raw)
	}
	var list web.VehicleKeyList
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	for _, k := range list.Items {
		fmt.Fprintf(cmd.OutOrStdout(), "%s is %s\n", printable(k.ID), printable(k.State))
	}
	return nil
}
