package zonefile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

func feature(properties, geometry string) string {
	return fmt.Sprintf(`{"type":"Feature","properties":%s,"geometry":%s}`, properties, geometry)
}

func collection(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`
}

const square = `{"type":"Polygon","coordinates":[[[121.92,30.9],[121.93,30.9],[121.93,30.91],[121.92,30.91],[121.92,30.9]]]}`

func kml(content string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>d</name><Folder>` + content + `</Folder></Document></kml>`
}

func kmlRing(coordinates string) string {
	return `<outerBoundaryIs><LinearRing><altitudeMode>absolute</altitudeMode><coordinates>` + coordinates + `</coordinates></LinearRing></outerBoundaryIs>`
}

const kmlSquare = "\n121.92,30.9 121.93,30.9,0\t121.93,30.91 121.92,30.91 121.92,30.9\n"

// TestRead holds what becomes of each kind of object: the result and a part of
// every note.
func TestRead(t *testing.T) {
	polygon := func(ring string) string { return `{"type":"Polygon","coordinates":[` + ring + `]}` }
	own := `{"name":"own","kind":"keep_out","edges":"lonlat","floor":null,"ceiling":null,"schedule":null,"applies":null,"response":"warn"}`
	placemark := func(s string) string { return kml("<Placemark>" + s + "</Placemark>") }
	cases := []struct {
		name   string
		format Format
		file   string
		result Result
		notes  []string
	}{
		{"ours", GeoJSON, collection(feature(own, square)), AsItIs, nil},
		{"foreign", GeoJSON, collection(feature(`{"name":"a","colour":"red"}`, square)), AsItIs, []string{"no kind: was read as a keep-out", `not used: "colour"`}},
		{"bare feature", GeoJSON, feature(`{"Name":"a"}`, square), AsItIs, []string{"no kind", `"Name"`}},
		{"bare geometry", GeoJSON, square, Mended, []string{`was named "Fence 1"`, "no kind"}},
		{"byte order mark", GeoJSON, "\xef\xbb\xbf" + collection(feature(own, square)), AsItIs, nil},
		{"not closed", GeoJSON, collection(feature(own, polygon(`[[121.92,30.9],[121.93,30.9],[121.93,30.91]]`))), Mended, []string{"polygon 0, outer ring: was not closed"}},
		{"repeated vertices", GeoJSON, collection(feature(own, polygon(`[[121.92,30.9],[121.93,30.9],[121.93,30.9],[121.93,30.91],[121.93,30.91000000001],[121.92,30.9]]`))), Mended,
			[]string{"polygon 0, outer ring: vertices that repeat the one before were dropped: 2, 4"}},
		{"closed twice", GeoJSON, collection(feature(own, polygon(`[[121.92,30.9],[121.93,30.9],[121.93,30.91],[121.92,30.9],[121.92,30.9]]`))), Mended, []string{"dropped: 3"}},
		{"clockwise", GeoJSON, collection(feature(own, polygon(`[[121.92,30.9],[121.93,30.91],[121.93,30.9],[121.92,30.9]]`))), Mended, []string{"turned to run counterclockwise"}},
		{"hole counterclockwise", GeoJSON, collection(feature(own, `{"type":"Polygon","coordinates":[[[121.92,30.9],[121.93,30.9],[121.93,30.91],[121.92,30.9]],[[121.925,30.901],[121.928,30.901],[121.928,30.904],[121.925,30.901]]]}`)), Mended,
			[]string{"hole 0: was turned to run clockwise"}},
		{"heights", GeoJSON, collection(feature(own, polygon(`[[121.92,30.9,50],[121.93,30.9,50],[121.93,30.91,50],[121.92,30.9,50]]`))), Mended, []string{"heights of positions"}},
		{"heights of 0", GeoJSON, collection(feature(own, polygon(`[[121.92,30.9,0],[121.93,30.9,0],[121.93,30.91,0],[121.92,30.9,0]]`))), AsItIs, nil},
		{"bow-tie", GeoJSON, collection(feature(own, polygon(`[[121.92,30.9],[121.93,30.91],[121.93,30.9],[121.92,30.91],[121.92,30.9]]`))), Refused, []string{"edges cross: edge 0"}},
		{"zero area", GeoJSON, collection(feature(own, polygon(`[[121.92,30.9],[121.93,30.9],[121.94,30.9],[121.92,30.9]]`))), Refused, []string{""}},
		{"two vertices", GeoJSON, collection(feature(own, polygon(`[[121.92,30.9],[121.93,30.9],[121.92,30.9]]`))), Refused, []string{"fewer than 3"}},
		{"off the globe", GeoJSON, collection(feature(own, polygon(`[[121.92,91],[121.93,30.9],[999,30.91],[121.92,91]]`))), Refused, []string{"vertex 0: longitude 121.92, latitude 91", "vertex 2: longitude 999", "vertex 3"}},
		{"infinite", GeoJSON, collection(feature(own, polygon(`[[1e999,30.9],[121.93,30.9],[121.93,30.91],[121.92,30.9]]`))), Refused, []string{"vertex 0: is not made of numbers"}},
		{"null number", GeoJSON, collection(feature(own, polygon(`[[null,30.9],[121.93,30.9],["121.93",30.91],[121.92]]`))), Refused, []string{"vertex 0: is not made", "vertex 2: is not made", "vertex 3: is not a position"}},
		{"not nested", GeoJSON, collection(feature(own, `{"type":"Polygon","coordinates":[[1,2],[3,4]]}`)), Refused, []string{"vertex 0: is not a position", "", "", ""}},
		{"no coordinates", GeoJSON, collection(feature(own, `{"type":"Polygon"}`)), Refused, []string{"polygon: coordinates are not nested"}},
		{"empty polygon", GeoJSON, collection(feature(own, `{"type":"Polygon","coordinates":[]}`)), Refused, []string{"has no ring"}},
		{"empty ring", GeoJSON, collection(feature(own, `{"type":"Polygon","coordinates":[[]]}`)), Refused, []string{"has no positions"}},
		{"empty multipolygon", GeoJSON, collection(feature(own, `{"type":"MultiPolygon","coordinates":[]}`)), Refused, []string{"is empty"}},
		{"null geometry", GeoJSON, collection(feature(own, "null")), Refused, []string{"no geometry"}},
		{"no feature", GeoJSON, collection(`{"type":"Polygon"}`), Refused, []string{"not a GeoJSON Feature"}},
		{"collection", GeoJSON, collection(feature(own, `{"type":"GeometryCollection","geometries":[`+square+`]}`)), AsItIs, nil},
		{"points in a collection", GeoJSON, collection(feature(own, `{"type":"GeometryCollection","geometries":[`+square+`,{"type":"Point","coordinates":[1,2]}]}`)), Refused, []string{`geometry is a "Point"`}},
		{"point", GeoJSON, collection(feature(`{"name":"pad"}`, `{"type":"Point","coordinates":[121.92,30.9]}`)), Refused, []string{"needs the radius"}},
		{"circle", GeoJSON, collection(feature(`{"name":"pad","radius":50}`, `{"type":"Point","coordinates":[121.92,30.9]}`)), AsItIs, []string{"no kind", `"radius"`}},
		{"line without a width", GeoJSON, collection(feature(`{"name":"road"}`, `{"type":"LineString","coordinates":[[121.92,30.9],[121.93,30.9]]}`)), Refused, []string{"needs the width"}},
		{"corridor", GeoJSON, collection(feature(`{"name":"road","width":20}`, `{"type":"LineString","coordinates":[[121.92,30.9],[121.93,30.9],[121.93,30.9]]}`)), Mended, []string{"no kind", `"width"`, "line: vertices that repeat the one before were dropped: 2"}},
		{"line of one vertex", GeoJSON, collection(feature(`{"name":"road","width":20}`, `{"type":"LineString","coordinates":[[121.92,30.9]]}`)), Refused, []string{""}},
		{"unknown kind", GeoJSON, collection(feature(`{"name":"a","kind":"road","response":"explode"}`, square)), Refused, []string{"kind: expected", "response: expected"}},
		{"wrong types", GeoJSON, collection(feature(`{"name":"a","kind":"keep_out","floor":5,"margin_m":"much"}`, square)), Refused, []string{"is not of the form", "is not of the form"}},
		{"bad schedule", GeoJSON, collection(feature(`{"name":"a","kind":"keep_out","schedule":{"windows":[]}}`, square)), Refused, []string{"schedule: has neither"}},
		{"floor above ceiling", GeoJSON, collection(feature(`{"name":"a","kind":"keep_out","floor":{"m":9,"datum":"amsl"},"ceiling":{"m":5,"datum":"amsl"}}`, square)), Refused, []string{"floor: is above"}},
		{"bad name", GeoJSON, collection(feature(`{"name":"a\u202eb","kind":"keep_out"}`, square)), Refused, []string{"name: characters that turn"}},

		{"kml polygon", KML, placemark(`<name>n</name><description><![CDATA[<b>x</b>]]></description><Polygon>` + kmlRing(kmlSquare) + `</Polygon>`), AsItIs, []string{"no kind"}},
		{"kml html name", KML, placemark(`<name>&lt;b&gt;n&lt;/b&gt; a&lt;5</name><Polygon>` + kmlRing(kmlSquare) + `</Polygon>`), Mended, []string{"the name was cut", "no kind"}},
		{"kml extended data", KML, placemark(`<name>n</name><ExtendedData><Data name="kind"><value>keep_in</value></Data><Data name="floor"><value>{"m":1,"datum":"amsl"}</value></Data><SchemaData><SimpleData name="x">1</SimpleData></SchemaData></ExtendedData><Polygon>` + kmlRing(kmlSquare) + `</Polygon>`), AsItIs, []string{`not used: "x"`}},
		{"kml bad data", KML, placemark(`<name>n</name><ExtendedData><Data name="kind"><value>keep_in</value></Data><Data name="floor"><value>{"m":</value></Data></ExtendedData><Polygon>` + kmlRing(kmlSquare) + `</Polygon>`), Refused, []string{"floor: is not of the form"}},
		{"kml walls", KML, placemark(`<name>n</name><MultiGeometry><Polygon>` + kmlRing(kmlSquare) + `</Polygon><Polygon>` + kmlRing("121.93,30.9 121.93,30.91 121.92,30.91 121.92,30.9 121.93,30.9") + `</Polygon><Polygon>` +
			kmlRing("121.92,30.9,0 121.93,30.9,0 121.93,30.9,50 121.92,30.9,50 121.92,30.9,0") + `</Polygon></MultiGeometry>`), Mended, []string{"no kind", "1 polygons without area", "1 outlines"}},
		{"kml two outer rings", KML, placemark(`<name>n</name><Polygon>` + kmlRing(kmlSquare) + kmlRing(kmlSquare) + `</Polygon>`), Refused, []string{"several"}},
		{"kml words", KML, placemark(`<name>n</name><Polygon>` + kmlRing("a,b 121,30 121") + `</Polygon>`), Refused, []string{"vertex 0: is not longitude", "vertex 2: is not"}},
		{"kml not a number", KML, placemark(`<name>n</name><Polygon>` + kmlRing("NaN,30 121,30 121,31") + `</Polygon>`), Refused, []string{"vertex 0: longitude NaN"}},
		{"kml no shape", KML, placemark(`<name>n</name>`), Refused, []string{"has no shape"}},
		{"kml track", KML, placemark(`<name>n</name><Track xmlns="x"><when>1</when></Track><Polygon>` + kmlRing(kmlSquare) + `</Polygon>`), Mended, []string{"no kind", `"Track"`}},
		{"kml lines", KML, placemark(`<name>n</name><MultiGeometry><LineString><coordinates>1,2 3,4</coordinates></LineString><Point><coordinates>1,2</coordinates></Point></MultiGeometry>`), Refused, []string{"several points or lines"}},
		{"kml network link", KML, kml(`<NetworkLink><Link><href>http://example.org/x.kml</href></Link></NetworkLink>`), Refused, []string{"nothing is fetched"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			items, err := Read(c.format, []byte(c.file))
			if err != nil || len(items) != 1 {
				t.Fatalf("%d items, %v", len(items), err)
			}
			got := items[0]
			if got.Result != c.result || len(got.Notes) != len(c.notes) {
				t.Fatalf("%s: %q", got.Result, got.Notes)
			}
			for i, want := range c.notes {
				if !strings.Contains(got.Notes[i], want) {
					t.Errorf("note %d is %q, want %q", i, got.Notes[i], want)
				}
			}
			if _, err := geofence.Compile(got.Fence); (err == nil) != (got.Result != Refused) {
				t.Errorf("the fence of a %s object: %v", got.Result, err)
			}
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	deep := strings.Repeat
	for name, c := range map[string]struct {
		format Format
		file   string
		want   error
	}{
		"unknown format":        {"shp", "", ErrFormat},
		"too large":             {GeoJSON, deep(" ", MaxBytes+1), ErrTooLarge},
		"empty":                 {GeoJSON, "", ErrMalformed},
		"cut off":               {GeoJSON, collection(feature("{}", square))[:80], ErrMalformed},
		"not an object":         {GeoJSON, "[]", ErrMalformed},
		"another type":          {GeoJSON, `{"type":"Topology"}`, ErrMalformed},
		"too deep":              {GeoJSON, `{"type":"FeatureCollection","features":` + deep("[", 100) + deep("]", 100) + "}", ErrMalformed},
		"too many":              {GeoJSON, collection("0" + deep(",0", MaxItems)), ErrTooLarge},
		"kml empty":             {KML, "", ErrMalformed},
		"kml of html":           {KML, "<html></html>", ErrMalformed},
		"kml cut off":           {KML, kml("<Placemark>")[:120], ErrMalformed},
		"kml document type":     {KML, `<!DOCTYPE kml [<!ENTITY a "b">]>` + kml(""), ErrMalformed},
		"kml entities":          {KML, kml("<Placemark><name>&lol;</name></Placemark>"), ErrMalformed},
		"kml deep":              {KML, kml(deep("<Folder>", 100) + deep("</Folder>", 100)), ErrMalformed},
		"kml deep in placemark": {KML, kml("<Placemark>" + deep("<MultiGeometry>", 100) + deep("</MultiGeometry>", 100) + "</Placemark>"), ErrMalformed},
		"kml in another code":   {KML, `<?xml version="1.0" encoding="GBK"?><kml></kml>`, ErrMalformed},
		"kml of broken bytes":   {KML, kml("\xff"), ErrMalformed},
		"kml too many":          {KML, kml(deep("<Placemark/>", MaxItems+1)), ErrTooLarge},
		"zip":                   {KML, "PK\x03\x04", ErrMalformed},
	} {
		if items, err := Read(c.format, []byte(c.file)); !errors.Is(err, c.want) {
			t.Errorf("%s: %d items, %v", name, len(items), err)
		}
	}
}

// fences are some of every shape and with every property.
func fences() []geofence.Fence {
	ring, hole := geo.MustRing("30.9,121.92 30.9,121.93 30.91,121.93 30.91,121.92"), geo.MustRing("30.901,121.921 30.902,121.921 30.902,121.922")
	far := geo.MustRing("-30.9,-121.92 -30.9,-121.91 -30.8999999,-121.9100001")
	return []geofence.Fence{
		{Name: "square", Kind: geofence.KeepOut, Response: geofence.Warn, Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: ring}}}},
		{
			Name: `<&"'> 河`, Kind: geofence.KeepIn, Response: geofence.Land, MarginM: 0, Group: "g & h",
			Shape:   geofence.Shape{Polygons: []geo.Polygon{{Outer: ring, Holes: []geo.Ring{hole}}, {Outer: far}}},
			Floor:   geo.Altitude{MM: -1_001, Datum: geo.AMSL},
			Ceiling: geo.Altitude{MM: 120_000, Datum: geo.Takeoff},
			Classes: vehicles.ClassSet(vehicles.UAV, vehicles.USV), Operators: []string{"acme", "b,c"}, Vehicles: []vehicles.VehicleID{"uav-1"},
			ExemptOperators: []string{"police"}, ExemptVehicles: []vehicles.VehicleID{"p-1"}, Permits: []string{"pm_1"}, ExemptPermits: []string{"pm_2"},
			Schedule: geofence.Schedule{
				Windows: []geofence.Window{{FromUS: 1_900_000_000_000_000, ToUS: 1_900_000_000_000_001}},
				Weekly: []geofence.Weekly{
					{Days: 0b1000011, From: geofence.Edge{Minutes: 22 * 60}, To: geofence.Edge{Base: geofence.Sunrise, Minutes: -30}},
					{Days: 1, From: geofence.Edge{Base: geofence.Sunset}, To: geofence.Edge{Minutes: 1440}},
				},
				Holidays: geofence.HolidaysExcept,
			},
		},
		{Name: "pad", Kind: geofence.KeepOut, Response: geofence.Hold, Shape: geofence.Shape{Circle: &geo.Circle{Center: ring[0], RadiusM: 12.25}}},
		{Name: "way", Kind: geofence.KeepIn, Response: geofence.Warn, MarginM: 1.5, Edges: geofence.Geodesic, Shape: geofence.Shape{Corridor: &geo.Corridor{
			Line: []geo.Point{ring[0], ring[1], {Lat: 309_300_000, Lon: 1_219_600_000}}, WidthM: 30.5}}},
		{Name: "slow", Kind: geofence.SpeedLimit, SpeedMPS: 8.33, Response: geofence.Stop, Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: ring}}},
			Floor: geo.Altitude{MM: 0, Datum: geo.AGL}, Ceiling: geo.Altitude{MM: 90_500, Datum: geo.WGS84}},
	}
}

func TestRoundTrip(t *testing.T) {
	clockwise := fences()[0]
	clockwise.Shape.Polygons = []geo.Polygon{{Outer: geo.MustRing("30.9,121.92 30.91,121.92 30.91,121.93 30.9,121.93")}}
	all := append(fences(), clockwise)
	for _, format := range []Format{GeoJSON, KML} {
		var file bytes.Buffer
		if err := Write(&file, format, all); err != nil {
			t.Fatal(err)
		}
		items, err := Read(format, file.Bytes())
		if err != nil {
			t.Fatalf("%s: %v: %s", format, err, file.Bytes())
		}
		want := fences()
		want = append(want, want[0]) // turned, it is the first one
		if len(items) != len(want) {
			t.Fatalf("%s: %d items", format, len(items))
		}
		for i, item := range items {
			if item.Result != AsItIs || len(item.Notes) > 0 {
				t.Errorf("%s: item %d is %s: %q", format, i, item.Result, item.Notes)
			}
			if diff := cmp.Diff(want[i], item.Fence); diff != "" {
				t.Errorf("%s: fence %d (-written +read):\n%s", format, i, diff)
			}
		}
	}
	if err := Write(&bytes.Buffer{}, "shp", nil); !errors.Is(err, ErrFormat) {
		t.Errorf("write of an unknown format: %v", err)
	}
}

func TestEdges(t *testing.T) {
	for text, want := range map[string]geofence.Edge{
		"00:00": {}, "08:05": {Minutes: 485}, "24:00": {Minutes: 1440}, "sunrise+00:00": {Base: geofence.Sunrise},
		"sunrise-00:30": {Base: geofence.Sunrise, Minutes: -30}, "sunset+01:00": {Base: geofence.Sunset, Minutes: 60},
	} {
		if got, ok := parseEdge(text); !ok || got != want || formatEdge(got) != text {
			t.Errorf("%s: %v %v, written %s", text, got, ok, formatEdge(got))
		}
	}
	for _, text := range []string{"", "8:00", "24:01", "08:60", "+8:00", "noon", "sunrise*00:30", "sunset+", "sunrise+1:00", "-1:00", "0x:00"} {
		if got, ok := parseEdge(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
	if e, ok := parseEdge("sunset"); !ok || e != (geofence.Edge{Base: geofence.Sunset}) {
		t.Errorf("sunset: %v", e)
	}
}

// TestManyPolygons holds that 20,000 polygons are read and written in seconds.
func TestManyPolygons(t *testing.T) {
	all := make([]geofence.Fence, 20_000/raceFactor)
	for i := range all {
		lat, lon := int32(300_000_000+i/200*30_000), int32(1_210_000_000+i%200*30_000)
		var ring geo.Ring
		for _, d := range [][2]int32{{0, 0}, {0, 9_000}, {4_000, 9_500}, {9_000, 9_000}, {9_000, 0}} {
			ring = append(ring, geo.Point{Lat: lat + d[0], Lon: lon + d[1]})
		}
		all[i] = geofence.Fence{Name: fmt.Sprint("f", i), Kind: geofence.KeepOut, Response: geofence.Warn, Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: ring}}}}
	}
	for _, format := range []Format{GeoJSON, KML} {
		var file bytes.Buffer
		if err := Write(&file, format, all); err != nil {
			t.Fatal(err)
		}
		if file.Len() > MaxBytes {
			t.Errorf("%s: %d fences are %d bytes", format, len(all), file.Len())
			continue
		}
		began := time.Now()
		items, err := Read(format, file.Bytes())
		took := time.Since(began)
		if err != nil || len(items) != len(all) || items[len(all)-1].Result != AsItIs {
			t.Fatalf("%s: %d items, %v", format, len(items), err)
		}
		t.Logf("%s: %d polygons, %d bytes in %v", format, len(all), file.Len(), took)
		if took > 10*time.Second {
			t.Errorf("%s took %v", format, took)
		}
	}
}

func fuzz(f *testing.F, format Format) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		items, err := Read(format, raw)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("error without a sentinel: %v", err)
			}
			return
		}
		var good []geofence.Fence
		for _, item := range items {
			if len(item.Notes) > maxNotes+1 {
				t.Fatalf("%d notes", len(item.Notes))
			}
			if item.Result == Refused {
				if len(item.Notes) == 0 {
					t.Fatal("refused without a reason")
				}
				continue
			}
			good = append(good, item.Fence)
		}
		var file bytes.Buffer
		if err := Write(&file, format, good); err != nil {
			t.Fatal(err)
		}
		again, err := Read(format, file.Bytes())
		if err != nil || len(again) != len(good) {
			t.Fatalf("what was written is not read: %d of %d, %v: %s", len(again), len(good), err, file.Bytes())
		}
		for i := range again {
			if diff := cmp.Diff(good[i], again[i].Fence); diff != "" {
				t.Fatalf("%s: %q (-written +read):\n%s", again[i].Result, again[i].Notes, diff)
			}
		}
	})
}

func FuzzGeoJSON(f *testing.F) {
	var file bytes.Buffer
	_ = Write(&file, GeoJSON, fences())
	f.Add(file.Bytes())
	for _, seed := range []string{square, collection(feature(`{"name":"<b>a"}`, square), feature("null", "null")), "[]", `{"type":"Point","coordinates":[1e999,null]}`} {
		f.Add([]byte(seed))
	}
	fuzz(f, GeoJSON)
}

func FuzzKML(f *testing.F) {
	var file bytes.Buffer
	_ = Write(&file, KML, fences())
	f.Add(file.Bytes())
	for _, seed := range []string{kml(`<Placemark><Polygon>` + kmlRing(kmlSquare) + `</Polygon></Placemark>`), kml(""), "<kml/>", "<!DOCTYPE x><kml/>"} {
		f.Add([]byte(seed))
	}
	fuzz(f, KML)
}
