//go:build linux

package mavlink

import (
	"fmt"
	"testing"
	"time"

	"testzone/vehicles"
)

// BenchmarkDecode is one frame of 250 vehicles in memory, as the mix of the
// figures: CRC, session, with keys signature and replay check, decoding into a
// report. The sink keeps nothing.
func BenchmarkDecode(b *testing.B) {
	for _, signed := range []bool{false, true} {
		b.Run(fmt.Sprintf("signed=%v", signed), func(b *testing.B) {
			cfg := Config{Idle: time.Hour, Limits: Limits{PerSource: -1, UnknownTotal: -1, UnknownPerSource: -1}}
			if signed {
				cfg.Keys = &Keyring{}
				if err := cfg.Keys.Set(fleetCredentials(0, perListener)); err != nil {
					b.Fatal(err)
				}
			}
			d := newDecoder(cfg, testCatalog(), nothing{}, &routes{}, time.Now())
			d.tick(time.Now())
			var fleet []*fleetVehicle
			for i := range perListener {
				fleet = append(fleet, newFleetVehicle(0, i, signed))
				d.datagram(addrA, fleet[i].at(0))
			}
			frames := make([][]byte, 0, 20*perListener)
			refill := func() {
				frames = frames[:0]
				for k := range 20 {
					for _, v := range fleet {
						frames = append(frames, append([]byte(nil), v.at(k+1)...))
					}
				}
			}
			b.ReportAllocs()
			i := len(frames)
			for b.Loop() {
				if i == len(frames) {
					b.StopTimer()
					refill()
					i = 0
					b.StartTimer()
				}
				d.datagram(addrA, frames[i])
				i++
			}
		})
	}
}

type nothing struct{ *recorder }

func (nothing) Open(s Source) (vehicles.Handle, bool) { return vehicles.Handle(s.SystemID), true }
func (nothing) Reports([]vehicles.Report)             {}
