package telemetry

import (
	"testing"

	"testzone/geofence"
	"testzone/vehicles"
)

// BenchmarkShardStep is one report through the shard, from the report to the
// live table, and of that the part that weighs the movement.
func BenchmarkShardStep(b *testing.B) {
	registry, err := vehicles.NewRegistry(1, nil)
	if err != nil {
		b.Fatal(err)
	}
	p, err := New(Config{Registry: registry, Engine: geofence.NewEngine(geofence.Config{}), Bus: NewBus(nil), Grid: testGrid, Shards: 1})
	if err != nil {
		b.Fatal(err)
	}
	id, err := registry.OpenUnverified(vehicles.Source{}, vehicles.UAV, "op")
	if err != nil {
		b.Fatal(err)
	}
	s, boot := p.shards[0], uint32(1000)
	r := fix(id.Handle, 4000, 4000, boot)
	move := func() {
		boot += 100
		r.BootMS, r.Fix.Point.Lat = boot, 4000+int32(boot%900)
	}
	s.step(&r)
	b.Run("step", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			move()
			s.step(&r)
		}
	})
	v := s.vehicle(id.Handle)
	b.Run("weigh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			move()
			smp := geofence.Sample{Fix: r.Fix, ReceivedUS: r.ReceivedUS, BootMS: r.BootMS}
			s.weigh(v, &smp)
		}
	})
}
