package trail

import (
	"bufio"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
)

// Writer writes events one by one. Close writes what ends the file; it does not
// close what is below.
type Writer interface {
	Write(e *Event) error
	Close() error
}

// columns are the names of the fields in exports, in their order.
var columns = []string{"seq", "at", "who", "org", "what", "object", "why", "from", "request_id", "outcome", "hash"}

func (e *Event) cells() []string {
	at := time.UnixMicro(e.TimeUS).UTC().Format("2006-01-02T15:04:05.000000Z")
	return []string{strconv.FormatUint(e.Seq, 10), at, e.Who, e.Org, e.What, e.Object, e.Why, e.From, e.RequestID, e.Outcome, hex.EncodeToString(e.Hash[:])}
}

type csvWriter struct {
	csv *csv.Writer
}

// CSV writes RFC 4180 with a header line, in UTF-8. A cell that a spreadsheet
// would take for a formula begins with an apostrophe.
func CSV(w io.Writer) Writer {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	_ = c.Write(columns) // buffered: its error comes with the next
	return &csvWriter{c}
}

func (w *csvWriter) Write(e *Event) error {
	cells := e.cells()
	for i := range cells {
		cells[i] = guarded(cells[i])
	}
	return w.csv.Write(cells)
}

// guarded keeps a cell from being a formula, also behind spaces that programs skip.
func guarded(cell string) string {
	if bare := strings.TrimLeft(cell, " \u00a0\u3000"); bare != "" && strings.ContainsAny(bare[:1], "=+-@\t\r|%") || hasWideSign(bare) {
		return "'" + cell
	}
	return cell
}

// hasWideSign: full-width = + - @ are read as the narrow ones by programs with
// East Asian settings.
func hasWideSign(s string) bool {
	for _, sign := range []string{"\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"} {
		if strings.HasPrefix(s, sign) {
			return true
		}
	}
	return false
}

func (w *csvWriter) Close() error {
	w.csv.Flush()
	return w.csv.Error()
}

// row is an event in JSON; what is empty is left out. Its order is that of columns.
type row struct {
	Seq       uint64 `json:"seq"`
	At        string `json:"at"`
	Who       string `json:"who,omitempty"`
	Org       string `json:"org,omitempty"`
	What      string `json:"what"`
	Object    string `json:"object,omitempty"`
	Why       string `json:"why,omitempty"`
	From      string `json:"from,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	Outcome   string `json:"outcome"`
	Hash      string `json:"hash"`
}

type jsonWriter struct {
	out   *bufio.Writer
	begun bool
}

// JSON writes an array with one event a line. A file that was cut off is not JSON.
func JSON(w io.Writer) Writer { return &jsonWriter{out: bufio.NewWriter(w)} }

func (w *jsonWriter) Write(e *Event) error {
	c := e.cells()
	line, err := json.Marshal(row{e.Seq, c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10]})
	if err != nil {
		return err
	}
	sep := ",\n"
	if !w.begun {
		sep, w.begun = "[\n", true
	}
	_, _ = w.out.WriteString(sep) // a bufio.Writer keeps its first error
	_, err = w.out.Write(line)
	return err
}

func (w *jsonWriter) Close() error {
	end := "\n]\n"
	if !w.begun {
		end = "[]\n"
	}
	_, _ = w.out.WriteString(end) // likewise
	return w.out.Flush()
}
