// Package route plans ways for vehicles: in the air around fences.
//
// A World is what has to be kept clear of at one height and in one span of time. A
// shortest way turns only about corners, and touches what it turns about. Which corners
// see each other is found when it is first asked for, and kept. Of corners that are far
// from each other that is not known: the way over those that are is pulled taut on the
// exact shapes, and looked through piece by piece for ways that are shorter still.
// What is found keeps the clearance to every edge, by the distance of segments; whoever
// flies it has the fence engine judge it once more (geofence.Way).
//
// Lengths are metres. A World is immutable and safe for concurrent use.
package route
