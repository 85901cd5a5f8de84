//go:build !race

package web

// raceFactor is how much slower a measurement may be.
const raceFactor = 1
