package dialogue

import (
	"testing"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// BenchmarkReports is one report of 5,000 vehicles in batches of 64. Nothing
// else is inside the timer.
func BenchmarkReports(b *testing.B) {
	e, err := New(Config{Sender: &vehicle{}})
	if err != nil {
		b.Fatal(err)
	}
	const n = 5000
	batch := make([]vehicles.Report, 64*n)
	for i := range batch {
		h := vehicles.Handle(i%n + 1)
		if i < n {
			e.Open(h, mavlink.Source{Vehicle: "uav-9"})
		}
		batch[i] = vehicles.Report{Handle: h, BootMS: 1}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i%64 == 0 {
			e.Reports(batch[i : i+64])
		}
		i = (i + 1) % len(batch)
	}
}
