package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const planPDF = "%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"

// documentField is a program that keeps documents, with an applicant and a draft.
type documentField struct {
	t       *testing.T
	data    string
	permit  string
	digest  string
	program *program
}

func (f *documentField) serve() {
	f.t.Helper()
	f.program = serve(f.t, f.data, "permits: {documents: required}")
}

// must calls and reads the answer into into.
func (f *documentField) must(want int, method, path string, body, into any) http.Header {
	f.t.Helper()
	status, header, raw, err := f.program.call(method, path, body)
	if err == nil && into != nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil || status != want {
		f.t.Fatalf("%s %s: %d %s %v, want %d", method, path, status, raw, err, want)
	}
	return header
}

func newDocumentField(t *testing.T) *documentField {
	t.Helper()
	f := &documentField{t: t, data: t.TempDir()}
	sum := sha256.Sum256([]byte(planPDF))
	f.digest = hex.EncodeToString(sum[:])
	f.serve()
	f.must(201, "POST", "/v1/organisations", map[string]any{"id": "acme", "kind": "operator", "name": "Acme"}, nil)
	f.must(201, "POST", "/v1/people", map[string]any{"organisation": "acme", "roles": []string{"test_operator"}, "login": "opr", "name": "Opr", "subject": "", "password": "first password"}, nil)
	f.signIn("first password")
	f.must(204, "PUT", "/v1/session/password", map[string]any{"current": "first password", "password": "second password"}, nil)
	f.signIn("second password")
	from := time.Now().Add(5 * 24 * time.Hour).UTC().Truncate(time.Second)
	var p struct{ ID string }
	f.must(201, "POST", "/v1/permits", map[string]any{
		"kind": "uav.flight", "subtype": "first", "title": "Samples", "scenario": "delivery", "from": from, "to": from.Add(time.Hour),
		"vehicles": []string{}, "people": []any{}, "insurance": []any{}, "volumes": []any{}, "facts": map[string]any{}, "disclosure": map[string]any{},
		"items": map[string]any{"emergency": map[string]any{"documents": []any{map[string]any{"sha256": f.digest, "type": "application/pdf", "bytes": len(planPDF)}}}},
	}, &p)
	f.permit = p.ID
	return f
}

func (f *documentField) signIn(password string) {
	f.t.Helper()
	f.program.token, f.program.cookie = "", ""
	header := f.must(200, "POST", "/v1/session", map[string]any{"login": "opr", "password": password}, nil)
	f.program.cookie, _, _ = strings.Cut(header.Get("Set-Cookie"), ";")
}

func (f *documentField) path() string { return "/v1/permits/" + f.permit + "/documents/" + f.digest }

// file is where the document is on the disk.
func (f *documentField) file() string {
	return filepath.Join(f.data, "documents", f.permit, f.digest+".doc")
}

func (f *documentField) send() int {
	f.t.Helper()
	req, err := http.NewRequest("PUT", f.program.url+f.path()+"?item=emergency", strings.NewReader(planPDF))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/pdf")
	req.Header.Set("Cookie", f.program.cookie)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// state is how the list has the document; empty: not at all.
func (f *documentField) state() string {
	f.t.Helper()
	var list struct {
		Kept  string
		Items []struct{ SHA256, State string }
	}
	f.must(200, "GET", "/v1/permits/"+f.permit+"/documents", nil, &list)
	if list.Kept != "required" {
		f.t.Errorf("documents are %q", list.Kept)
	}
	for _, d := range list.Items {
		if d.SHA256 == f.digest {
			return d.State
		}
	}
	return ""
}

func (f *documentField) reads() (status int, content string) {
	f.t.Helper()
	status, _, raw, err := f.program.call("GET", f.path(), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return status, string(raw)
}

// TestDocumentsLiveThroughAKill: what was answered is there after a kill -9; a file
// without its decision is not, and a decision without its file says so until it is sent
// again.
func TestDocumentsLiveThroughAKill(t *testing.T) {
	f := newDocumentField(t)
	if status := f.send(); status != 201 {
		t.Fatalf("sent: %d", status)
	}
	again := func(change func() error) {
		t.Helper()
		f.program.kill()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		f.serve()
		f.signIn("second password")
	}
	orphan := filepath.Join(f.data, "documents", f.permit, strings.Repeat("e", 64)+".doc")
	half := filepath.Join(f.data, "documents", ".new-1")
	again(func() error {
		raw, err := os.ReadFile(f.file())
		if err == nil {
			err = os.WriteFile(orphan, raw, 0o600)
		}
		if err == nil {
			err = os.WriteFile(half, raw[:10], 0o600)
		}
		return err
	})
	if status, content := f.reads(); f.state() != "kept" || status != 200 || content != planPDF {
		t.Errorf("after the kill: %s, %d %q", f.state(), status, content)
	}
	for _, path := range []string{orphan, half} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is there still: %v", path, err)
		}
	}
	again(func() error { return os.Remove(f.file()) })
	if status, content := f.reads(); f.state() != "missing" || status != 503 || !strings.Contains(content, "document_missing") {
		t.Errorf("without its file: %s, %d %s", f.state(), status, content)
	}
	if status := f.send(); status != 200 {
		t.Errorf("sent again: %d", status)
	}
	if status, content := f.reads(); f.state() != "kept" || status != 200 || content != planPDF {
		t.Errorf("sent again: %s, %d", f.state(), status)
	}
	f.must(204, "DELETE", f.path(), nil, nil)
	again(func() error { return nil })
	if status, _ := f.reads(); status != 404 || f.state() != "" {
		t.Errorf("taken back: %d %s", status, f.state())
	}
}

// TestDocumentsWithoutTheirKey: a new key would open none of the documents, so that the
// server does not make one.
func TestDocumentsWithoutTheirKey(t *testing.T) {
	conf := defaultConfig()
	conf.DataDir, conf.Permits.Documents = t.TempDir(), documentsRequired
	s := &server{cfg: serverConfig{config: conf}}
	if _, err := s.newDocuments(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(conf.DataDir, "documents", "pm_1")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, strings.Repeat("a", 64)+".doc"), []byte("sealed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.newDocuments(); err != nil {
		t.Errorf("with the key: %v", err)
	}
	if err := os.Remove(conf.secretsKey()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.newDocuments(); err == nil {
		t.Error("it starts with a new key")
	}
}

func TestDocumentsConfig(t *testing.T) {
	for value, ok := range map[string]bool{"none": true, "optional": true, "required": true, "yes": false} {
		cfg := defaultConfig()
		err := loadConfig(&cfg, writeFile(t, "permits: {documents: "+value+"}\n"), nil)
		if err == nil {
			err = cfg.check()
		}
		if (err == nil) != ok || !ok && !strings.Contains(err.Error(), "permits.documents") {
			t.Errorf("%s: %v", value, err)
		}
	}
}
