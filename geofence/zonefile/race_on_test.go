//go:build race

package zonefile

// raceFactor is how much smaller the large files are: the detector costs time.
const raceFactor = 10
