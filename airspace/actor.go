package airspace

import "slices"

// Scope is one right.
type Scope string

// The scopes. Whose vehicles or permits a scope is about follows from the
// actor's organisation: PermitReview is the review of the actor's own
// department, the scopes of vehicles are of the own organisation's vehicles.
const (
	ZoneRead         Scope = "zone.read"
	ZoneControl      Scope = "zone.control" // acknowledge alerts, open and close the zone
	FenceWrite       Scope = "fence.write"
	FenceEmergency   Scope = "fence.emergency"
	PermitApply      Scope = "permit.apply"
	PermitReview     Scope = "permit.review"
	PermitDecide     Scope = "permit.decide"
	VehicleRegister  Scope = "vehicle.register"
	VehicleTelemetry Scope = "vehicle.telemetry"
	VehicleCommand   Scope = "vehicle.command"
	AuditRead        Scope = "audit.read"
	Admin            Scope = "admin" // accounts and the system, not the zone
)

// AllScopes lists every scope, in the order of the table of rights.
func AllScopes() []Scope {
	return []Scope{
		ZoneRead, ZoneControl, FenceWrite, FenceEmergency, PermitApply, PermitReview, PermitDecide,
		VehicleRegister, VehicleTelemetry, VehicleCommand, AuditRead, Admin,
	}
}

// Role is a set of scopes that a person has.
type Role string

// The roles. SetUp is that of the bootstrap token until the first administrator
// exists: whoever sets up a zone must be able to do it alone. No person has it.
const (
	Administrator Role = "administrator"
	Controller    Role = "controller"
	TestOperator  Role = "test_operator"
	Reviewer      Role = "department_reviewer"
	Applicant     Role = "applicant"
	Observer      Role = "observer"
	Auditor       Role = "auditor"
	VehicleRole   Role = "vehicle"
	SetUp         Role = "setup"
)

// Roles lists the roles that a person may have.
func Roles() []Role {
	return []Role{Administrator, Controller, TestOperator, Reviewer, Applicant, Observer, Auditor, VehicleRole}
}

// Scopes is the table of rights. An administrator manages the system and
// neither draws fences nor decides permits: who gives rights does not use them.
func (r Role) Scopes() []Scope {
	switch r {
	case Administrator:
		return []Scope{ZoneRead, Admin}
	case Controller:
		return []Scope{ZoneRead, ZoneControl, FenceWrite, FenceEmergency, VehicleCommand}
	case TestOperator:
		return []Scope{ZoneRead, PermitApply, VehicleRegister, VehicleTelemetry, VehicleCommand}
	case Reviewer:
		return []Scope{ZoneRead, PermitReview, PermitDecide}
	case Applicant:
		return []Scope{ZoneRead, PermitApply}
	case Observer:
		return []Scope{ZoneRead}
	case Auditor:
		return []Scope{ZoneRead, AuditRead}
	case VehicleRole:
		return []Scope{VehicleTelemetry}
	case SetUp:
		return AllScopes()
	}
	return nil
}

// Actor is who does something: a person or a program, as authentication found.
type Actor struct {
	ID     string // of the person, or of the key that acts for it
	Name   string // display name; personal data, never in the journal
	Org    string // organisation; empty for tokens of the configuration
	Person string // who answers for it: the person, or the owner of the key; empty for tokens of the configuration
	Key    string // the API key that acts, if one does
	Roles  []Role
	Only   []Scope // when not nil: no right beside these, as of an API key
}

// Scopes lists the actor's rights without repetition, in the order of the
// table: those of its roles that its key has too.
func (a Actor) Scopes() []Scope {
	var out []Scope
	for _, s := range AllScopes() {
		if a.May(s) {
			out = append(out, s)
		}
	}
	return out
}

// May reports whether the actor holds the scope.
func (a Actor) May(s Scope) bool {
	if a.Only != nil && !slices.Contains(a.Only, s) {
		return false
	}
	return slices.ContainsFunc(a.Roles, func(r Role) bool { return slices.Contains(r.Scopes(), s) })
}
