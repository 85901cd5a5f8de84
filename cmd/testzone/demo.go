package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/sim"
	"testzone/vehicles"
)

func demoCommand() *cobra.Command {
	var flags configFlags
	var mavlinkAddr, signedAddr, script string
	var seed int64
	cmd := &cobra.Command{
		Use: "demo", Short: "Run a synthetic zone with simulated drones, cars and boats", Args: cobra.NoArgs,
		Long: "Runs a server with an embedded store and a synthetic zone, and 20 simulated vehicles that\n" +
			"speak signed MAVLink over UDP on loopback. One of them breaches a fence once a minute.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := demoConfig(mavlinkAddr, signedAddr)
			if err := flags.load(&cfg); err != nil {
				return err
			}
			if len(cfg.MAVLink) == 0 {
				return errors.New("the demo needs a mavlink listener for its vehicles: take \"mavlink\" out of the configuration")
			}
			events, err := readScript(script)
			if err != nil {
				return err
			}
			return runDemo(cmd, cfg, seed, events)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&mavlinkAddr, "mavlink", "127.0.0.1:14550", "`address` of the open MAVLink listener, loopback only")
	cmd.Flags().StringVar(&signedAddr, "signed", "127.0.0.1:14551", "`address` of the MAVLink listener for vehicles that sign")
	cmd.Flags().Int64Var(&seed, "seed", 1, "seed of the simulated fleet")
	cmd.Flags().StringVar(&script, "script", "", "`file` of what vehicles do other than they should: lines as \"copter-3 20s link lost 15s\"")
	return cmd
}

func demoConfig(mavlinkAddr, signedAddr string) config {
	cfg := defaultConfig()
	sw, ne := sim.DemoBounds()
	cfg.Zone.ID, cfg.Zone.Name = "demo", "Demo zone 演示试验区"
	cfg.Zone.Place = "cn-shanghai"
	cfg.Zone.BBox = [4]float64{degrees(sw.Lon), degrees(sw.Lat), degrees(ne.Lon), degrees(ne.Lat)}
	cfg.DataDir = "data-demo"
	cfg.Orders.FlightTermination = true // its aircraft are simulated
	cfg.Permits.Documents = documentsOptional
	cfg.MAVLink = []mavlinkConfig{
		{Name: "open", Addr: mavlinkAddr, Mode: modeOpen, Operator: demoOperator},
		{Name: "signed", Addr: signedAddr, Mode: modeSigned},
	}
	cfg.Recording = recordingConfig{Days: 1, MaxGiB: 1}
	cfg.Log.Level = "warn"
	return cfg
}

func runDemo(cmd *cobra.Command, cfg config, seed int64, script []sim.Event) error {
	features, err := demoFeatures()
	if err != nil {
		return err
	}
	token, err := givenToken()
	if err != nil {
		return err
	}
	if token == "" {
		token = newToken() // the demo's data is nobody's: a new token at each start
	}
	s, err := newServer(cmd.Context(), serverConfig{
		config: cfg, tokenHash: sha256.Sum256([]byte(token)), features: features, demo: true,
		log: newLogger(cmd.ErrOrStderr(), cfg.Log),
	})
	if err != nil {
		return err
	}
	fleet, err := newDemoFleet(s, seed, script)
	if err != nil {
		s.close()
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "testzone demo is at %s\n", s.url())
	fmt.Fprintf(out, "Sign in with this token: %s\n", token)
	s.sayAdmin(out)
	fmt.Fprintf(out, "Simulated vehicles fly. Yours may send MAVLink to %s, unsigned. Stop with Ctrl-C.\n", s.listeners[0].Addr())

	var flying stage
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	s.whenStarted = func() error {
		if err := ensureDemoFences(ctx, s.register); err != nil {
			return err
		}
		if err := fleet.enrol(ctx); err != nil {
			return err
		}
		if err := ensureDemoSites(ctx, s.register, time.Now()); err != nil {
			return err
		}
		if err := ensureDemoPermits(ctx, s.register, time.Now()); err != nil { // the demo is one without them too
			s.cfg.log.Warn("the demo has no permits", "err", err)
		}
		if _, err := s.register.SignOn(ctx, demoController(), nil); err != nil {
			return err
		}
		flying = startStage(cancel, ctx, fleet.Run, fleet.resumeHeld)
		return nil
	}
	err = s.run(ctx)
	flying.end(time.After(time.Second))
	return errors.Join(err, flying.err())
}

// ensureDemoFences sets the demo's fences at the first start of a data folder.
func ensureDemoFences(ctx context.Context, r *airspace.Register) error {
	if len(r.Fences()) > 0 {
		return nil
	}
	who := demoController()
	for _, d := range sim.DemoFences() {
		f := geofence.Fence{Name: d.Name, Kind: geofence.KeepOut, Floor: d.Floor, Ceiling: d.Ceiling, Classes: vehicles.ClassSet(d.Classes...)}
		if d.Kind == "keep-in" {
			f.Kind = geofence.KeepIn
		}
		if d.ID == sim.FenceHospital { // one that has its effect
			f.Response = geofence.Hold
		}
		if d.Circle != nil {
			f.Shape.Circle = d.Circle
		} else {
			f.Shape.Polygons = []geo.Polygon{{Outer: d.Ring}}
		}
		if _, err := r.CreateFence(ctx, who, f); err != nil {
			return fmt.Errorf("demo fence %q: %w", d.Name, err)
		}
	}
	return nil
}

// demoController is on duty in the demo and draws its fences: the zone's people are
// simulated like its vehicles.
func demoController() airspace.Actor {
	return airspace.Actor{ID: "demo", Name: "demo", Roles: []airspace.Role{airspace.Controller}}
}

// demoFeatures is the demo's base map as GeoJSON.
func demoFeatures() (json.RawMessage, error) {
	type object map[string]any
	list := []object{}
	for _, f := range sim.DemoFeatures() {
		line := make([][2]float64, 0, len(f.Points)+1)
		for _, p := range f.Points {
			line = append(line, [2]float64{degrees(p.Lon), degrees(p.Lat)})
		}
		geometry := object{"type": "LineString", "coordinates": line}
		switch {
		case f.Closed:
			geometry = object{"type": "Polygon", "coordinates": [][][2]float64{append(line, line[0])}}
		case len(line) == 1:
			geometry = object{"type": "Point", "coordinates": line[0]}
		}
		list = append(list, object{
			"type": "Feature", "geometry": geometry,
			"properties": object{"kind": f.Kind, "name": f.Name, "width_m": f.WidthM},
		})
	}
	return json.Marshal(object{"type": "FeatureCollection", "features": list})
}

func degrees(e7 int32) float64 { return float64(e7) / 1e7 }
