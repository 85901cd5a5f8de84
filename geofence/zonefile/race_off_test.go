//go:build !race

package zonefile

// raceFactor is how much smaller the large files are.
const raceFactor = 1
