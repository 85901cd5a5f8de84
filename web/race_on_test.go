//go:build race

package web

// raceFactor is how much slower a measurement may be: the detector costs time.
const raceFactor = 10
