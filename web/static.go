package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed docs
var docsFiles embed.FS

// asset is one static file, read once at start.
type asset struct {
	body  []byte
	kind  string
	cache string
	etag  string
}

// Cache rules: a name with a hash in it never changes its content.
const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheCheck   = "no-cache"
)

func newAsset(name string, body []byte) *asset {
	sum := sha256.Sum256(body)
	a := &asset{body: body, kind: contentType(name), cache: cacheCheck, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	if strings.HasPrefix(name, "assets/") {
		a.cache = cacheForever
	}
	return a
}

// contentType is by name, not by the machine's own table of types.
func contentType(name string) string {
	types := map[string]string{
		".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
		".css": "text/css; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png",
		".ico": "image/x-icon", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm",
		".map": "application/json", ".webmanifest": "application/manifest+json",
	}
	if t, ok := types[path.Ext(name)]; ok {
		return t
	}
	return "application/octet-stream"
}

func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", a.cache)
	h.Set("ETag", a.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}

// pageRoutes serves the built page: every file under its own name, and
// index.html at /. Without a build a page says how to make one.
func (s *Server) pageRoutes(mux *http.ServeMux) error {
	ui := s.cfg.UI
	var index []byte
	if ui != nil {
		var err error
		if index, err = fs.ReadFile(ui, "index.html"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read the page: %w", err)
		}
	}
	if index == nil {
		notBuilt, err := docsFiles.ReadFile("docs/no-ui.html")
		if err != nil {
			return fmt.Errorf("read the page: %w", err)
		}
		mux.Handle("GET /{$}", newAsset("index.html", notBuilt))
		return nil
	}
	mux.Handle("GET /{$}", newAsset("index.html", index))
	return fs.WalkDir(ui, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") || strings.ContainsAny(name, "{} ") {
			return err
		}
		body, err := fs.ReadFile(ui, name)
		if err != nil {
			return fmt.Errorf("read the page: %w", err)
		}
		mux.Handle("GET /"+name, newAsset(name, body))
		return nil
	})
}
