//go:build race

package journal

// raceEnabled shortens the long properties: the detector costs ten times.
const raceEnabled = true
