package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// config is the whole configuration: defaults, then the YAML file, then
// TESTZONE_* variables, then flags.
type config struct {
	Zone     zoneConfig      `yaml:"zone"`
	HTTP     httpConfig      `yaml:"http"`
	DataDir  string          `yaml:"data_dir"`
	MAVLink  []mavlinkConfig `yaml:"mavlink"`
	Link     linkConfig      `yaml:"link"`
	Vehicles []vehicleConfig `yaml:"vehicles"`
	Admin    adminConfig     `yaml:"admin"`
	Watchdog watchdogConfig  `yaml:"watchdog"`
	Audit    auditConfig     `yaml:"audit"`
	Log      logConfig       `yaml:"log"`
	Webhooks webhookConfig   `yaml:"webhooks"`
	SMTP     smtpConfig      `yaml:"smtp"`

	Recording recordingConfig `yaml:"recording"`
	Gateways  gatewaysConfig  `yaml:"gateways"`

	Enforcement enforcementConfig `yaml:"enforcement"`
	Orders      ordersConfig      `yaml:"orders"`
	Arming      armingConfig      `yaml:"arming"`
	Permits     permitsConfig     `yaml:"permits"`

	// SecretsKey is the file with the key of the secret store; default
	// secrets.key in data_dir. On another medium, the data folder alone tells nothing.
	SecretsKey string `yaml:"secrets_key_file"`
}

type zoneConfig struct {
	ID       string     `yaml:"id"`
	Name     string     `yaml:"name"`
	TZ       string     `yaml:"tz"`
	BBox     [4]float64 `yaml:"bbox"`     // west, south, east, north in degrees
	Datum    string     `yaml:"datum"`    // of the altitudes shown: amsl
	Features string     `yaml:"features"` // GeoJSON file with the zone's own map
	Place    string     `yaml:"place"`    // whose rule packs judge permits and give the clocks, such as cn-shanghai/pudong; empty: the generic one
	Holidays []string   `yaml:"holidays"` // dates such as 2026-10-01, for the schedules of fences

	Sectors []sectorConfig `yaml:"sectors"` // that controllers sign on to; none: only to the whole zone
}

type httpConfig struct {
	Addr    string     `yaml:"addr"`
	TLS     tlsConfig  `yaml:"tls"`
	Origins []string   `yaml:"origins"` // further origins that may open the live channel
	Proxies []string   `yaml:"proxies"` // address ranges whose X-Forwarded-For is believed
	Limits  httpLimits `yaml:"limits"`

	OIDC oidcConfig `yaml:"oidc"` // identity provider; without issuer none
}

// httpLimits are requests per second. Zero keeps the default. Behind a proxy all
// callers share one address: raise that limit there.
type httpLimits struct {
	PerAddress   int `yaml:"per_address"`   // default 500, twice that at once
	PerPrincipal int `yaml:"per_principal"` // of one signed-in actor; default 200, three times that at once
}

type tlsConfig struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// webhookConfig is about the sending of events.
type webhookConfig struct {
	UnsafeAllowInternal bool `yaml:"unsafe_allow_internal"` // http, loopback and private addresses: an administrator then reaches every service there
}

type linkConfig struct {
	Degraded time.Duration `yaml:"degraded"`
	Lost     time.Duration `yaml:"lost"`
	// SigningID is the link id of the server's own MAVLink signatures; default 1. It
	// must stay the same: a vehicle knows 16, and refuses further ones until it restarts.
	SigningID uint8 `yaml:"signing_id"`
}

type logConfig struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json
}

func defaultConfig() config {
	return config{
		Zone:    zoneConfig{ID: "zone", Name: "Test zone", TZ: "Asia/Shanghai", BBox: [4]float64{121.90, 30.88, 121.96, 30.92}, Datum: "amsl"},
		HTTP:    httpConfig{Addr: "127.0.0.1:8080"},
		DataDir: "data",
		Link:    linkConfig{Degraded: 2 * time.Second, Lost: 5 * time.Second},
		Log:     logConfig{Level: "info", Format: "text"},
	}
}

// loadConfig reads the file (none when path is empty) and the environment over
// the defaults of cfg.
func loadConfig(cfg *config, path string, environ []string) error {
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("open configuration: %w", err)
		}
		defer f.Close()
		dec := yaml.NewDecoder(f)
		dec.KnownFields(true)
		if err := dec.Decode(cfg); err != nil && !errors.Is(err, io.EOF) { // EOF: the file is empty
			return fmt.Errorf("%s: %w", path, err)
		}
		if cfg.Zone.Features != "" && !filepath.IsAbs(cfg.Zone.Features) {
			cfg.Zone.Features = filepath.Join(filepath.Dir(path), cfg.Zone.Features)
		}
	}
	return loadEnviron(cfg, environ)
}

// envReserved are variables of TESTZONE_ that are not configuration keys.
var envReserved = map[string]bool{"TESTZONE_BOOTSTRAP_TOKEN": true, "TESTZONE_CONFIG": true, "TESTZONE_TOKEN": true, "TESTZONE_SERVER": true}

// loadEnviron sets single values: TESTZONE_HTTP_ADDR is http.addr. Lists are
// the file's alone. An unknown variable is an error, like an unknown key.
func loadEnviron(cfg *config, environ []string) error {
	known := map[string]reflect.Value{}
	collectEnv(reflect.ValueOf(cfg).Elem(), "TESTZONE", known)
	var errs []error
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "TESTZONE_") || envReserved[name] {
			continue
		}
		field, ok := known[name]
		if !ok {
			errs = append(errs, fmt.Errorf("environment: %s is not a setting", name))
			continue
		}
		if err := setField(field, value); err != nil {
			errs = append(errs, fmt.Errorf("environment: %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func collectEnv(v reflect.Value, prefix string, out map[string]reflect.Value) {
	for i := range v.NumField() {
		name := prefix + "_" + strings.ToUpper(v.Type().Field(i).Tag.Get("yaml"))
		switch f := v.Field(i); f.Kind() {
		case reflect.Struct:
			collectEnv(f, name, out)
		case reflect.String, reflect.Int64:
			out[name] = f
		}
	}
}

func setField(f reflect.Value, value string) error {
	if f.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 2s", value)
		}
		f.SetInt(int64(d))
		return nil
	}
	f.SetString(value)
	return nil
}

// check finds everything that is wrong, each in a sentence that names the key.
func (c *config) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	c.Zone.checkSectors(bad)
	c.Permits.check(bad)
	c.SMTP.check(bad)
	if !validID(c.Zone.ID) {
		bad("zone.id %q: use 1 to 40 of a-z, 0-9 and -", c.Zone.ID)
	}
	if _, err := time.LoadLocation(c.Zone.TZ); err != nil {
		bad("zone.tz %q is not a time zone such as Asia/Shanghai", c.Zone.TZ)
	}
	b := c.Zone.BBox
	if !(b[0] >= -180 && b[0] < b[2] && b[2] <= 180 && b[1] >= -90 && b[1] < b[3] && b[3] <= 90) {
		bad("zone.bbox %v: give [west, south, east, north] in degrees with west < east and south < north", b)
	}
	for i, day := range c.Zone.Holidays {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			bad("zone.holidays[%d] %q: give a date such as 2026-10-01", i, day)
		}
	}
	if c.Zone.Datum != "amsl" {
		bad("zone.datum %q: only amsl is supported", c.Zone.Datum)
	}
	if c.Zone.Features != "" {
		if _, err := readFeatures(c.Zone.Features); err != nil {
			errs = append(errs, err)
		}
	}
	if c.DataDir == "" {
		bad("data_dir is empty: name a folder for the journal")
	}
	if err := c.HTTP.check(); err != nil {
		errs = append(errs, err)
	}
	if err := c.Admin.check(); err != nil {
		errs = append(errs, err)
	}
	if err := c.Gateways.check(); err != nil {
		errs = append(errs, err)
	}
	if err := c.Recording.check(); err != nil {
		errs = append(errs, err)
	}
	c.Enforcement.check(bad)
	if c.Link.Degraded <= 0 || c.Link.Lost <= c.Link.Degraded {
		bad("link: degraded (%v) must be above 0 and lost (%v) above degraded", c.Link.Degraded, c.Link.Lost)
	}
	names := map[string]bool{}
	for i := range c.MAVLink {
		m := &c.MAVLink[i]
		if !validID(m.Name) || names[m.Name] {
			bad("mavlink[%d].name %q: use 1 to 40 of a-z, 0-9 and -, each name once", i, m.Name)
		}
		names[m.Name] = true
		if err := m.check(i); err != nil {
			errs = append(errs, err)
		}
	}
	ids := map[string]bool{}
	for i, v := range c.Vehicles {
		if !validID(v.ID) || ids[v.ID] || strings.HasPrefix(v.ID, "unverified") {
			bad("vehicles[%d].id %q: give each vehicle an id of its own, 1 to 40 of a-z, 0-9 and -; \"unverified…\" is reserved", i, v.ID)
		}
		ids[v.ID] = true
		if _, ok := vehicles.ParseClass(v.Class); !ok {
			bad("vehicles[%d].class %q: use uav, icv or usv", i, v.Class)
		}
		if v.MAVLink.SystemID != 0 && !slices.Contains(c.signedListeners(), v.MAVLink.Listener) {
			bad("vehicles[%d].mavlink.listener %q: name a listener of mode signed", i, v.MAVLink.Listener)
		}
	}
	switch c.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		bad("log.level %q: use debug, info, warn or error", c.Log.Level)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		bad("log.format %q: use text or json", c.Log.Format)
	}
	return errors.Join(errs...)
}

func (h *httpConfig) check() error {
	loopback, err := isLoopback(h.Addr)
	switch {
	case err != nil:
		return fmt.Errorf("http.addr %q: %w", h.Addr, err)
	case h.Limits.PerAddress < 0, h.Limits.PerPrincipal < 0:
		return errors.New("http.limits: requests per second are above 0; leave one out for its default")
	case (h.TLS.Cert == "") != (h.TLS.Key == ""):
		return errors.New("http.tls: give both cert and key")
	case !loopback && h.TLS.Cert == "":
		return fmt.Errorf("http.addr %q is not loopback: set http.tls.cert and http.tls.key, or listen on 127.0.0.1 behind a TLS proxy and name its address in http.origins", h.Addr)
	}
	if h.TLS.Cert != "" {
		if _, err := tls.LoadX509KeyPair(h.TLS.Cert, h.TLS.Key); err != nil {
			return fmt.Errorf("http.tls: %w", err)
		}
	}
	for i, o := range h.Origins {
		if u, err := url.Parse(o); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != o {
			return fmt.Errorf("http.origins[%d] %q: give an origin such as https://ops.example.org", i, o)
		}
	}
	if _, err := h.OIDC.provider(); err != nil {
		return err
	}
	for i, p := range h.Proxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			return fmt.Errorf("http.proxies[%d] %q: give an address range such as 127.0.0.1/32", i, p)
		}
	}
	return nil
}

// readFeatures reads the zone's own map.
func readFeatures(path string) (json.RawMessage, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("zone.features: %w", err)
	}
	var head struct {
		Type     string            `json:"type"`
		Features []json.RawMessage `json:"features"`
	}
	if err := json.Unmarshal(raw, &head); err != nil || head.Type != "FeatureCollection" {
		return nil, fmt.Errorf("zone.features: %s is not a GeoJSON FeatureCollection", path)
	}
	return raw, nil
}

// isLoopback also says what is wrong with an address.
func isLoopback(addr string) (bool, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false, errors.New("give host:port")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return false, fmt.Errorf("port %q is not 0 to 65535", port)
	}
	if host == "localhost" {
		return true, nil
	}
	if host == "" {
		return false, nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false, errors.New("give an IP address, not a name")
	}
	return ip.IsLoopback(), nil
}

func validID(s string) bool {
	if len(s) < 1 || len(s) > 40 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

// engineConfig is what the schedules of fences need. The configuration was checked.
func (c *config) engineConfig(zone airspace.Zone) geofence.Config {
	loc, _ := time.LoadLocation(zone.TZ)
	out := geofence.Config{Location: loc, Place: geo.Point{
		Lat: zone.South.Lat/2 + zone.North.Lat/2, Lon: zone.South.Lon/2 + zone.North.Lon/2,
	}}
	for _, day := range c.Zone.Holidays {
		d, _ := time.Parse(time.DateOnly, day)
		out.Holidays = append(out.Holidays, geofence.Date{Year: d.Year(), Month: d.Month(), Day: d.Day()})
	}
	return out
}
