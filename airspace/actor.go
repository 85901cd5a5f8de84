package airspace

import "slices"

// Scope is one right.
type Scope string

// The scopes that are checked today; those of permits and accounts come with them.
const (
	ZoneRead    Scope = "zone.read"
	ZoneControl Scope = "zone.control" // acknowledge alerts
	FenceWrite  Scope = "fence.write"
	Admin       Scope = "admin"
)

// Role is a set of scopes that a person has.
type Role string

// The roles of people in the zone.
const (
	Administrator Role = "administrator"
	Controller    Role = "controller"
	Observer      Role = "observer"
)

// roleScopes is the table of rights. An administrator manages the system; the
// first one must be able to set up a zone alone, so it holds the zone's scopes
// too until accounts exist.
var roleScopes = map[Role][]Scope{
	Administrator: {ZoneRead, ZoneControl, FenceWrite, Admin},
	Controller:    {ZoneRead, ZoneControl, FenceWrite},
	Observer:      {ZoneRead},
}

// Actor is who does something: a person or a program, as authentication found.
type Actor struct {
	ID    string
	Name  string
	Roles []Role
}

// Scopes lists the actor's rights without repetition.
func (a Actor) Scopes() []Scope {
	var out []Scope
	for _, role := range a.Roles {
		for _, s := range roleScopes[role] {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// May reports whether the actor holds the scope.
func (a Actor) May(s Scope) bool {
	return slices.Contains(a.Scopes(), s)
}
