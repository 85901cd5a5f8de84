package trail

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// file is events as a file.
func file(t *testing.T, make func(*bytes.Buffer) Writer, events ...*Event) string {
	t.Helper()
	var b bytes.Buffer
	w := make(&b)
	for _, e := range events {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func csvOf(b *bytes.Buffer) Writer  { return CSV(b) }
func jsonOf(b *bytes.Buffer) Writer { return JSON(b) }

func TestFiles(t *testing.T) {
	one := &Event{Seq: 7, TimeUS: 1_763_812_800_123_456, Who: "ada", What: "alert.acknowledged", Object: "alert:a", Why: `said "no", twice`, Outcome: "done", Hash: [32]byte{0xab, 1}}
	two := &Event{Seq: 8, What: "call.refused", From: "10.0.0.9", RequestID: "ab", Outcome: "forbidden", Org: "acme"}
	hash, zero := "ab01"+strings.Repeat("00", 30), strings.Repeat("00", 32)
	for _, c := range []struct{ name, got, want string }{
		{"csv", file(t, csvOf, one, two), "seq,at,who,org,what,object,why,from,request_id,outcome,hash\r\n" +
			"7,2025-11-22T12:00:00.123456Z,ada,,alert.acknowledged,alert:a,\"said \"\"no\"\", twice\",,,done," + hash + "\r\n" +
			"8,1970-01-01T00:00:00.000000Z,,acme,call.refused,,,10.0.0.9,ab,forbidden," + zero + "\r\n"},
		{"csv of nothing", file(t, csvOf), "seq,at,who,org,what,object,why,from,request_id,outcome,hash\r\n"},
		{"json", file(t, jsonOf, one, two), "[\n" +
			`{"seq":7,"at":"2025-11-22T12:00:00.123456Z","who":"ada","what":"alert.acknowledged","object":"alert:a","why":"said \"no\", twice","outcome":"done","hash":"` + hash + `"}` + ",\n" +
			`{"seq":8,"at":"1970-01-01T00:00:00.000000Z","org":"acme","what":"call.refused","from":"10.0.0.9","request_id":"ab","outcome":"forbidden","hash":"` + zero + `"}` + "\n]\n"},
		{"json of nothing", file(t, jsonOf), "[]\n"},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for _, c := range []struct{ cell, want string }{
		{`=HYPERLINK("http://evil")`, `'=HYPERLINK("http://evil")`}, {"+1", "'+1"}, {"-1", "'-1"}, {"@SUM(1)", "'@SUM(1)"},
		{"\t=1", "'\t=1"}, {"  =1", "'  =1"}, {"\u00a0=1", "'\u00a0=1"}, {"\uFF1D1", "'\uFF1D1"}, {" \uFF20x", "' \uFF20x"},
		{"|cmd", "'|cmd"}, {"%0A=1", "'%0A=1"},
		{"ada", "ada"}, {"", ""}, {"a=1", "a=1"}, {" ", " "}, {"已确认", "已确认"},
	} {
		if got := guarded(c.cell); got != c.want {
			t.Errorf("guarded(%q) = %q, want %q", c.cell, got, c.want)
		}
	}
	// Every field of an event goes through it.
	bad := "=1"
	e := &Event{Who: bad, Org: bad, What: bad, Object: bad, Why: bad, From: bad, RequestID: bad, Outcome: bad}
	if got := file(t, csvOf, e); strings.Contains(got, ",=") || strings.Count(got, "'=1") != 8 {
		t.Errorf("a cell is a formula:\n%s", got)
	}
}

// checkFiles: an event is one line of each file, which reads back as it is.
func checkFiles(t *testing.T, e *Event) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(file(t, csvOf, e))).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[1]) != len(columns) {
		t.Fatalf("csv: %d rows, %v", len(rows), err)
	}
	for i, cell := range e.cells() {
		if got := rows[1][i]; got != cell && got != "'"+cell {
			t.Errorf("column %s is %q, want %q", columns[i], got, cell)
		}
	}
	var back []row
	if err := json.Unmarshal([]byte(file(t, jsonOf, e)), &back); err != nil || len(back) != 1 {
		t.Fatalf("json: %d events, %v", len(back), err)
	}
	if back[0].Why != e.Why || back[0].Who != e.Who || back[0].Object != e.Object {
		t.Errorf("json reads back as %+v, want %+v", back[0], e)
	}
}
