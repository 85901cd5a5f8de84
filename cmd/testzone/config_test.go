package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "testzone.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnknownKeyNamesItsLine(t *testing.T) {
	cfg := defaultConfig()
	err := loadConfig(&cfg, writeFile(t, "zone:\n  id: north\n  nmae: North\n"), nil)
	if err == nil || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "nmae") {
		t.Errorf("got %v, want line 3 and the key", err)
	}
}

func TestEmptyFileIsTheDefaults(t *testing.T) {
	cfg := defaultConfig()
	if err := loadConfig(&cfg, writeFile(t, "# nothing yet\n"), nil); err != nil {
		t.Error(err)
	}
}

func TestFlagsAreOverTheEnvironment(t *testing.T) {
	t.Setenv("TESTZONE_DATA_DIR", "elsewhere")
	flags := configFlags{data: "debug", logLevel: "debug"} // equal values, two flags
	cfg := defaultConfig()
	if err := flags.load(&cfg); err != nil || cfg.DataDir != "debug" || cfg.Log.Level != "debug" {
		t.Errorf("data %q, level %q, %v", cfg.DataDir, cfg.Log.Level, err)
	}
}

func TestEnvironmentIsOverTheFile(t *testing.T) {
	cfg := defaultConfig()
	err := loadConfig(&cfg, writeFile(t, "http:\n  addr: 127.0.0.1:9000\nlink:\n  lost: 7s\n"),
		[]string{"TESTZONE_HTTP_ADDR=127.0.0.1:9001", "TESTZONE_LINK_DEGRADED=3s", "TESTZONE_BOOTSTRAP_TOKEN=x", "PATH=/bin"})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.HTTP.Addr != "127.0.0.1:9001" || cfg.Link.Lost != 7*time.Second || cfg.Link.Degraded != 3*time.Second {
		t.Errorf("got %q, lost %v, degraded %v", cfg.HTTP.Addr, cfg.Link.Lost, cfg.Link.Degraded)
	}
}

func TestUnknownVariableIsAnError(t *testing.T) {
	cfg := defaultConfig()
	err := loadConfig(&cfg, "", []string{"TESTZONE_HTTP_ADRR=127.0.0.1:9001", "TESTZONE_LINK_LOST=soon"})
	if err == nil || !strings.Contains(err.Error(), "TESTZONE_HTTP_ADRR") || !strings.Contains(err.Error(), "TESTZONE_LINK_LOST") {
		t.Errorf("got %v, want both variables named", err)
	}
}

func TestDefaultsAreValid(t *testing.T) {
	cfg := defaultConfig()
	if err := cfg.check(); err != nil {
		t.Error(err)
	}
}

// A signed listener may face the network: who speaks there has proved who it is.
func TestSignedListener(t *testing.T) {
	cfg := defaultConfig()
	cfg.MAVLink = []mavlinkConfig{{Name: "field", Addr: "0.0.0.0:14551", Mode: "signed"}, {Name: "bench", Mode: "signed"}}
	cfg.Vehicles = []vehicleConfig{{ID: "uav-1", Class: "uav", MAVLink: vehicleMAVLink{Listener: "field", SystemID: 1}}}
	if err := cfg.check(); err != nil {
		t.Error(err)
	}
	if a := cfg.MAVLink[1].address(); a != "127.0.0.1:14551" {
		t.Errorf("default address %s", a)
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name   string
		change func(*config)
		want   string
	}{
		{"public address without TLS", func(c *config) { c.HTTP.Addr = "0.0.0.0:8080" }, "http.tls.cert"},
		{"every interface", func(c *config) { c.HTTP.Addr = ":8080" }, "not loopback"},
		{"rate below nothing", func(c *config) { c.HTTP.Limits.PerPrincipal = -1 }, "http.limits"},
		{"unknown transport", func(c *config) { c.MAVLink = []mavlinkConfig{{Name: "a", Transport: "can", Mode: "open"}} }, "tcp_client"},
		{"open TCP for everybody", func(c *config) {
			c.MAVLink = []mavlinkConfig{{Name: "a", Transport: "tcp", Addr: ":5760", Mode: "open"}}
		}, "loopback only"},
		{"serial without device", func(c *config) { c.MAVLink = []mavlinkConfig{{Name: "a", Transport: "serial", Mode: "open"}} }, "device is empty"},
		{"serial with an address", func(c *config) {
			c.MAVLink = []mavlinkConfig{{Name: "a", Transport: "serial", Device: "/dev/ttyUSB0", Addr: "127.0.0.1:1", Mode: "open"}}
		}, "leave it out"},
		{"device of UDP", func(c *config) {
			c.MAVLink = []mavlinkConfig{{Name: "a", Addr: "127.0.0.1:0", Device: "/dev/ttyUSB0", Mode: "open"}}
		}, "transport: serial"},
		{"serial without mode", func(c *config) {
			c.MAVLink = []mavlinkConfig{{Name: "a", Transport: "serial", Device: "/dev/ttyUSB0"}}
		}, "use signed"},
		{"client of nobody", func(c *config) { c.MAVLink = []mavlinkConfig{{Name: "a", Transport: "tcp_client", Mode: "signed"}} }, "host:port"},
		{"gateways without port", func(c *config) { c.Gateways.Addr = "0.0.0.0" }, "gateways.addr"},
		{"certificate of gateways alone", func(c *config) { c.Gateways = gatewaysConfig{Addr: "127.0.0.1:0", Cert: "a.pem"} }, "both cert and key"},
		{"certificate of no gateways", func(c *config) { c.Gateways.Cert = "a.pem" }, "gateways.addr is empty"},
		{"half of TLS", func(c *config) { c.HTTP.TLS.Cert = "a.pem" }, "both cert and key"},
		{"port", func(c *config) { c.HTTP.Addr = "127.0.0.1:99999" }, "0 to 65535"},
		{"name for an address", func(c *config) { c.HTTP.Addr = "example:80" }, "IP address"},
		{"open listener on the network", func(c *config) {
			c.MAVLink = []mavlinkConfig{{Name: "a", Addr: "192.0.2.1:14550", Mode: "open"}}
		}, "loopback only"},
		{"mode of a listener", func(c *config) { c.MAVLink = []mavlinkConfig{{Name: "a", Addr: "127.0.0.1:0", Mode: "closed"}} }, "use signed, or open"},
		{"operator of a signed listener", func(c *config) {
			c.MAVLink = []mavlinkConfig{{Name: "a", Mode: "signed", Operator: "acme"}}
		}, "the registration of a vehicle says whose"},
		{"vehicle on an open listener", func(c *config) {
			c.MAVLink = []mavlinkConfig{{Name: "a", Addr: "127.0.0.1:0", Mode: "open"}}
			c.Vehicles = []vehicleConfig{{ID: "uav-1", Class: "uav", MAVLink: vehicleMAVLink{Listener: "a", SystemID: 1}}}
		}, "name a listener of mode signed"},
		{"vehicle id with capitals", func(c *config) { c.Vehicles = []vehicleConfig{{ID: "UAV-1", Class: "uav"}} }, "a-z, 0-9"},
		{"two listeners of one name", func(c *config) {
			c.MAVLink = []mavlinkConfig{{Name: "a", Addr: "127.0.0.1:0", Mode: "open"}, {Name: "a", Addr: "127.0.0.1:0", Mode: "open"}}
		}, "each name once"},
		{"no map", func(c *config) { c.Zone.Features = "none.geojson" }, "zone.features"},
		{"a map that is none", func(c *config) { c.Zone.Features = "config.go" }, "FeatureCollection"},
		{"no certificate", func(c *config) { c.HTTP.TLS = tlsConfig{Cert: "none.pem", Key: "none.pem"} }, "http.tls"},
		{"every origin", func(c *config) { c.HTTP.Origins = []string{"*"} }, "http.origins[0]"},
		{"proxy that is no range", func(c *config) { c.HTTP.Proxies = []string{"127.0.0.1"} }, "http.proxies[0]"},
		{"identity provider without URLs", func(c *config) { c.HTTP.OIDC = oidcConfig{Issuer: "https://id.example.org", ClientID: "zone"} }, "https URL"},
		{"secret that everybody reads", func(c *config) {
			c.HTTP.OIDC = oidcConfig{Issuer: "https://id.example.org", ClientID: "zone", SecretFile: "config.go"}
		}, "chmod 600"},
		{"holiday", func(c *config) { c.Zone.Holidays = []string{"1 October"} }, "zone.holidays[0]"},
		{"idle", func(c *config) {
			c.MAVLink = []mavlinkConfig{{Name: "a", Addr: "127.0.0.1:0", Mode: "open", Idle: time.Second}}
		}, "at least 10s"},
		{"bbox the wrong way round", func(c *config) { c.Zone.BBox = [4]float64{122, 31, 121, 30} }, "west < east"},
		{"time zone", func(c *config) { c.Zone.TZ = "Shanghai" }, "zone.tz"},
		{"link limits", func(c *config) { c.Link.Lost = time.Second }, "link:"},
		{"reserved vehicle id", func(c *config) { c.Vehicles = []vehicleConfig{{ID: "unverified-1", Class: "uav"}} }, "reserved"},
		{"class", func(c *config) { c.Vehicles = []vehicleConfig{{ID: "a", Class: "boat"}} }, "uav, icv or usv"},
		{"zone id with braces", func(c *config) { c.Zone.ID = "{a}" }, "zone.id"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			cfg := defaultConfig()
			tc.change(&cfg)
			if err := cfg.check(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}
