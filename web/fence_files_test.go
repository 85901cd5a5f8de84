package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"testzone/geofence/zonefile"
)

const geoJSON = "application/geo+json"

func TestImport(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	bow := `{"type":"Polygon","coordinates":[[[121.92,30.9],[121.93,30.91],[121.93,30.9],[121.92,30.91],[121.92,30.9]]]}`
	file := `{"type":"FeatureCollection","features":[
		{"type":"Feature","properties":{"name":"one","kind":"keep_in","response":"land"},"geometry":` + square + `},
		{"type":"Feature","properties":{"name":"two"},"geometry":` + bow + `},
		{"type":"Feature","properties":{"name":"three","kind":"keep_out"},"geometry":{"type":"Polygon","coordinates":[[[121.92,30.9],[121.93,30.9],[121.93,30.91]]]}}]}`
	call := func(query, body, contentType string) reply {
		return z.call(adminToken, "POST", "/v1/fences/import?"+query, body, "Content-Type", contentType)
	}
	var dry, wet ImportReport
	call("format=geojson", file, geoJSON).json(t, &dry)
	if len(dry.Report) != 3 {
		t.Fatalf("report: %+v", dry)
	}
	if dry.Report[0].Result != "read" || dry.Report[1].Result != "refused" || dry.Report[2].Result != "mended" || dry.Report[1].Fence != nil ||
		!strings.Contains(dry.Report[1].Notes[0], "edges cross: edge 0") || dry.Created == nil || len(z.register.Fences()) != 0 {
		t.Errorf("dry run: %+v", dry)
	}
	call("format=geojson&dry_run=false", file, "application/octet-stream").json(t, &wet)
	if len(wet.Created) != 2 || len(z.register.Fences()) != 2 {
		t.Fatalf("import: %+v", wet)
	}
	var f Fence
	z.call(adminToken, "GET", "/v1/fences/"+wet.Created[0], "").json(t, &f)
	if f.Name != "one" || f.Kind != "keep_in" || f.Response != "land" || string(f.Geometry) != square {
		t.Errorf("imported fence: %+v", f)
	}
	// What the report says can be sent to the API as it is.
	input, _ := json.Marshal(dry.Report[2].Fence)
	if r := z.call(adminToken, "POST", "/v1/fences", string(input)); r.StatusCode != 201 {
		t.Errorf("a fence of the report is refused: %s", r.body)
	}
	for _, c := range []struct {
		query, body, contentType string
		status                   int
		code                     string
	}{
		{"format=geojson", "{", geoJSON, 422, "unreadable_file"},
		{"format=kml", `<!DOCTYPE a [<!ENTITY b "c">]><kml/>`, kmlType, 422, "unreadable_file"},
		{"format=kml", file, kmlType, 422, "unreadable_file"},
		{"format=shp", file, geoJSON, 422, "invalid"},
		{"", file, geoJSON, 422, "invalid"},
		{"format=geojson", file, "text/plain", 415, "unsupported_media_type"},
		{"format=geojson", file, "multipart/form-data", 415, "unsupported_media_type"},
		{"format=geojson", strings.Repeat(" ", zonefile.MaxBytes+1), geoJSON, 413, "too_large"},
	} {
		r := call(c.query, c.body, c.contentType)
		if p := r.problem(t); r.StatusCode != c.status || p.Code != c.code {
			t.Errorf("%s %s %.40s answers %d %s", c.query, c.contentType, c.body, r.StatusCode, r.body)
		}
	}
	// Who may not import may not make the server keep megabytes either.
	for token, status := range map[string]int{"": 401, observerToken: 403} {
		if r := z.call(token, "POST", "/v1/fences/import?format=geojson", strings.Repeat(" ", maxBodyBytes+1), "Content-Type", geoJSON); r.StatusCode != status {
			t.Errorf("a large body of %q answers %d", token, r.StatusCode)
		}
	}
}

func TestExportComesBack(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for _, body := range []string{
		fenceBody("河 <1>", square, `,"ceiling":{"m":120.5,"datum":"amsl"},"applies":{"classes":["uav"]}`),
		fenceBody("pad", `{"type":"Point","coordinates":[121.93,30.9]}`, `,"radius_m":250,"response":"land","schedule":{"windows":[{"from":"2030-01-01T00:00:00Z","to":"2030-01-02T00:00:00Z"}]}`),
	} {
		z.fenceNow(body)
	}
	inputs := func() (out []string) {
		for _, r := range z.register.Fences() {
			b, _ := json.Marshal(inputOf(&r.Fence))
			out = append(out, string(b))
		}
		slices.Sort(out)
		return out
	}
	before := inputs()
	for format, contentType := range map[string]string{"geojson": geoJSONType, "kml": kmlType} {
		r := z.call(observerToken, "GET", "/v1/fences/export?format="+format, "")
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != contentType || r.Header.Get("Content-Disposition") != `attachment; filename="fences.`+format+`"` {
			t.Fatalf("export answers %d %v: %s", r.StatusCode, r.Header, r.body)
		}
		var report ImportReport
		z.call(adminToken, "POST", "/v1/fences/import?format="+format+"&dry_run=true", string(r.body), "Content-Type", contentType).json(t, &report)
		var after []string
		for _, item := range report.Report {
			if item.Result != "read" || len(item.Notes) > 0 {
				t.Errorf("%s: %+v", format, item)
			}
			b, _ := json.Marshal(item.Fence)
			after = append(after, string(b))
		}
		slices.Sort(after)
		if strings.Join(before, "\n") != strings.Join(after, "\n") {
			t.Errorf("%s comes back as\n%s\nwas\n%s", format, strings.Join(after, "\n"), strings.Join(before, "\n"))
		}
	}
	if r := z.call(observerToken, "GET", "/v1/fences/export", ""); r.StatusCode != 422 {
		t.Errorf("export without a format answers %d", r.StatusCode)
	}
}

// TestLiveLargeImport: more changes than are told one by one make a client read
// everything again, and do not close it.
func TestLiveLargeImport(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	c := z.live()
	c.hello()
	var file strings.Builder
	for i := range 1500 {
		if i > 0 {
			file.WriteByte(',')
		}
		fmt.Fprintf(&file, `{"type":"Feature","properties":{"name":"f"},"geometry":{"type":"Polygon","coordinates":[[[121.92,%.4f],[121.93,%.4f],[121.93,%.4f],[121.92,%.4f]]]}}`,
			30+float64(i)*1e-3, 30+float64(i)*1e-3, 30.0005+float64(i)*1e-3, 30+float64(i)*1e-3)
	}
	var report ImportReport
	z.call(adminToken, "POST", "/v1/fences/import?format=geojson&dry_run=false", `{"type":"FeatureCollection","features":[`+file.String()+`]}`, "Content-Type", geoJSON).json(t, &report)
	if len(report.Created) != 1500 {
		t.Fatalf("created %d", len(report.Created))
	}
	c.until("the reset", func() bool { return c.resets == 1 })
}
