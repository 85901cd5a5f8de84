// Package ui holds the built browser page, so that the one binary serves it.
//
// The page is TypeScript under web/ui/src, built by Vite into web/ui/dist
// (`make ui`). The folder is embedded whole; in a fresh clone it holds only
// .keep, so that the Go code builds and vets without Node. Dist then has no
// index.html, and the server says how to build the page.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist is the root of the built page.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // only if the embed pattern above is changed
	}
	return sub
}
