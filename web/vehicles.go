package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence/zonefile"
	"testzone/vehicles"
	"testzone/web/auth"
)

// Vehicle is a registered machine.
type Vehicle struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	Class        string          `json:"class" enum:"unknown,uav,icv,usv"`
	Operator     string          `json:"operator"`
	MAVLink      *MAVLinkAddress `json:"mavlink" doc:"null: it speaks no MAVLink"`
	UID2         string          `json:"uid2" doc:"Of its autopilot, hexadecimal; a cross-check, no proof"`
	SerialNumber string          `json:"serial_number" doc:"Of its remote id; a cross-check, no proof"`
	LostLink     KnownLostLink   `json:"lost_link"`
	Contact      *Contact        `json:"contact" doc:"Personal data: for those who register the operator's vehicles and for controllers, else null; null too if nobody is known"`
	Origin       string          `json:"origin" enum:"config,enrolled" doc:"config: it changes in the configuration; its keys change here"`
	State        string          `json:"state" enum:"registered,leaving,withdrawn" doc:"leaving: withdrawn, and followed until it has stopped"`
	Link         VehicleLink     `json:"link"`
	Rev          uint64          `json:"rev" doc:"0: nothing was decided about it yet"`
	CreatedAt    *string         `json:"created_at" format:"date-time"`
	UpdatedAt    *string         `json:"updated_at" format:"date-time"`
	UpdatedBy    string          `json:"updated_by" doc:"Actor id"`
}

// MAVLinkAddress is how a vehicle speaks MAVLink.
type MAVLinkAddress struct {
	Listener   string `json:"listener" minLength:"1" maxLength:"40" doc:"Name of the signed listener, or id of the gateway that it is behind"`
	SystemID   uint8  `json:"system_id" format:"int32" minimum:"1" maximum:"254" doc:"Unique at its listener; not 250, which is the zone's own"`
	Component  uint8  `json:"component,omitempty" format:"int32" minimum:"0" maximum:"255" default:"1" doc:"Of its autopilot"`
	Components []int  `json:"other_components,omitempty" maxItems:"16" uniqueItems:"true" doc:"That may speak under its key too: cameras, companions, gimbals"`
	Autopilot  string `json:"autopilot,omitempty" enum:"ardupilot,px4,generic" default:"generic"`
}

// LostLink is what a vehicle does by itself when its link is lost.
type LostLink struct {
	Action        string   `json:"action" enum:"return,land,hold,continue,terminate,unknown"`
	ReturnHeightM *float64 `json:"return_height_m,omitempty" minimum:"-1000" maximum:"10000" doc:"Above take-off (not above ground); without it not known"`
	Rally         bool     `json:"rally,omitempty" doc:"It returns to the nearest rally point, not home"`
	EnduranceS    uint32   `json:"endurance_s,omitempty" format:"int64" maximum:"31536000" doc:"How long it can stay out; without it not known"`
}

// KnownLostLink is a LostLink with how it is known.
type KnownLostLink struct {
	LostLink
	Basis string  `json:"basis" enum:"parameters,stated,unknown" doc:"parameters: read from the vehicle"`
	At    *string `json:"at" format:"date-time" doc:"When it was stated or read"`
}

// Contact is the person who answers for a vehicle.
type Contact struct {
	Name      string   `json:"name" minLength:"1" maxLength:"120"`
	Phone     string   `json:"phone" minLength:"3" maxLength:"40" pattern:"^[+0-9 ()./#*-]+$" doc:"With the country's code"`
	Email     string   `json:"email,omitempty" maxLength:"254" pattern:"^([^@\\s]+@[^@\\s]+)?$"`
	Languages []string `json:"languages,omitempty" maxItems:"8" pattern:"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$" doc:"That one can call in, best first, such as zh or en"`
}

// VehicleLink says whether a vehicle has proved who it is.
type VehicleLink struct {
	State         string  `json:"state" enum:"never_seen,proved" doc:"Since the server's start"`
	ProvedAt      *string `json:"proved_at" format:"date-time" doc:"When it opened its newest session"`
	Listener      string  `json:"listener" doc:"Where"`
	Address       string  `json:"address" doc:"From where"`
	RefusedAt     *string `json:"refused_at" format:"date-time" doc:"When a frame with its system id was refused last; whose it was is not known"`
	RefusedReason string  `json:"refused_reason" doc:"Why, e.g. not_enrolled (it has no key), unsigned, bad_signature, replay, wrong_component"`
}

// Suspect is a source that sends in a vehicle's name and cannot prove it.
type Suspect struct {
	Why      string `json:"why" enum:"bad_signature,replay,future,wrong_component" doc:"replay, future: it may be the vehicle itself, with a wrong clock"`
	Listener string `json:"listener"`
	Address  string `json:"address" doc:"It may be forged"`
}

// VehicleProof is what is known of how a vehicle proved who it is.
type VehicleProof struct {
	ProvedUS          int64 // 0: it did not since the server's start
	Listener, Address string
	RefusedUS         int64 // of a frame with its system id; 0: none
	RefusedReason     string
	KeySeenUS         map[string]int64 // by key id, of the newest frame under it
}

// VehicleInput is a new definition of a vehicle.
type VehicleInput struct {
	Name         string          `json:"name" minLength:"1" maxLength:"120"`
	Class        string          `json:"class" enum:"uav,icv,usv"`
	Operator     string          `json:"operator,omitempty" maxLength:"40" doc:"Default: your organisation"`
	MAVLink      *MAVLinkAddress `json:"mavlink,omitempty"`
	UID2         string          `json:"uid2,omitempty" maxLength:"36" pattern:"^[0-9a-fA-F]*$"`
	SerialNumber string          `json:"serial_number,omitempty" maxLength:"20"`
	LostLink     *LostLink       `json:"lost_link,omitempty" doc:"As you state it; without it what is known stays"`
}

// Resolve finds what a schema cannot.
func (in *VehicleInput) Resolve(huma.Context) []error { return nameFault(in.Name) }

// NewVehicle is a vehicle to be registered.
type NewVehicle struct {
	ID string `json:"id" minLength:"1" maxLength:"40" pattern:"^[a-z0-9-]+$" doc:"Of your choice, for good"`
	VehicleInput
	Contact *Contact `json:"contact,omitempty"`
}

// VehicleList is one page of the registered machines.
type VehicleList struct {
	Items []Vehicle `json:"items"`
	Next  *string   `json:"next" doc:"Cursor of the next page; null at the end"`
}

type listVehiclesInput struct {
	Page
	Withdrawn bool `query:"withdrawn" doc:"Those too that were withdrawn"`
}

type vehiclesOutput struct {
	Body VehicleList
}

// triedOutput is the answer to a creation, or to its trial.
type triedOutput[T any] struct {
	Status   int
	ETag     string `header:"ETag" doc:"Revision for If-Match"`
	Location string `header:"Location" doc:"Of what was made"`
	Body     T
}

type registerVehicleInput struct {
	Trial
	Body NewVehicle
}

type replaceVehicleInput struct {
	MatchInput
	Trial
	Body VehicleInput
}

type contactInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body Contact
}

func (s *Server) vehicleEndpoints(api huma.API) {
	const tag, path = "vehicles", "/v1/vehicles"
	endpoint(s, api, operation(tag, "listVehicles", http.MethodGet, path, "Registered vehicles, by id", 401, 403), s.listVehicles)
	endpoint(s, api, operation(tag, "getVehicle", http.MethodGet, path+"/{id}", "One registered vehicle, and whether it has proved who it is", 401, 403, 404), s.getVehicle)
	endpoint(s, api, creation(tag, "registerVehicle", path, "Register a vehicle; then give it a key",
		400, 401, 403, 409, 413, 415, 503), s.registerVehicle)
	endpoint(s, api, operation(tag, "replaceVehicle", http.MethodPut, path+"/{id}",
		"Give a vehicle another definition; when its address, class or operator changes, its sessions begin anew",
		400, 401, 403, 404, 409, 412, 413, 415, 428, 503), s.replaceVehicle)
	endpoint(s, api, operation(tag, "withdrawVehicle", http.MethodDelete, path+"/{id}",
		"End a registration; a vehicle that moves is followed until it has stopped", 400, 401, 403, 404, 409, 412, 428, 503), s.withdrawVehicle)
	endpoint(s, api, operation(tag, "setVehicleContact", http.MethodPut, path+"/{id}/contact", "Say who answers for a vehicle",
		400, 401, 403, 404, 413, 415, 503), s.setVehicleContact)
}

func (s *Server) vehicleOf(ctx context.Context, v *airspace.Vehicle) Vehicle {
	out := Vehicle{
		ID: v.ID, Name: v.Name, Class: v.Class, Operator: v.Operator, UID2: v.UID2, SerialNumber: v.SerialNumber,
		LostLink: lostLinkOf(&v.LostLink), Origin: string(v.Origin), State: string(v.State), Link: linkOf(s.cfg.Proof(vehicles.VehicleID(v.ID))),
		Rev: v.Rev, CreatedAt: optionalTime(v.CreatedUS), UpdatedAt: optionalTime(v.UpdatedUS), UpdatedBy: v.UpdatedBy,
	}
	if m := &v.MAVLink; m.Speaks() {
		out.MAVLink = &MAVLinkAddress{Listener: m.Listener, SystemID: m.SystemID, Component: max(m.Component, 1), Autopilot: cmp.Or(string(m.Autopilot), string(vehicles.Generic))}
		for _, c := range m.Others {
			out.MAVLink.Components = append(out.MAVLink.Components, int(c))
		}
	}
	out.Contact = s.contactOf(ctx, v.ID)
	return out
}

func lostLinkOf(l *vehicles.LostLink) KnownLostLink {
	out := KnownLostLink{
		LostLink: LostLink{Action: string(l.Action), ReturnHeightM: l.ReturnM, Rally: l.Rally, EnduranceS: l.EnduranceS},
		Basis:    string(l.Basis), At: optionalTime(l.AtUS),
	}
	if out.Action == "" {
		out.Action = string(vehicles.LostLinkUnknown)
	}
	if out.Basis == "" {
		out.Basis = string(vehicles.NotKnown)
	}
	return out
}

func linkOf(p VehicleProof) VehicleLink {
	out := VehicleLink{
		State: "never_seen", ProvedAt: optionalTime(p.ProvedUS), Listener: p.Listener, Address: p.Address,
		RefusedAt: optionalTime(p.RefusedUS), RefusedReason: p.RefusedReason,
	}
	if p.ProvedUS != 0 {
		out.State = "proved"
	}
	return out
}

// vehicle is what the caller asks for.
func (in *VehicleInput) vehicle(ctx context.Context, id string) airspace.Vehicle {
	v := airspace.Vehicle{
		ID: id, Name: in.Name, Class: in.Class, Operator: in.Operator, UID2: strings.ToLower(in.UID2), SerialNumber: in.SerialNumber,
	}
	if v.Operator == "" {
		v.Operator = actorOf(ctx).Org
	}
	if m := in.MAVLink; m != nil {
		v.MAVLink = vehicles.MAVLink{Listener: m.Listener, SystemID: m.SystemID, Component: max(m.Component, 1), Autopilot: vehicles.Autopilot(m.Autopilot)}
		if v.MAVLink.Autopilot == "" {
			v.MAVLink.Autopilot = vehicles.Generic
		}
		for _, c := range m.Components {
			v.MAVLink.Others = append(v.MAVLink.Others, uint8(c))
		}
	}
	if l := in.LostLink; l != nil {
		v.LostLink = vehicles.LostLink{
			Action: vehicles.LostLinkAction(l.Action), ReturnM: l.ReturnHeightM, Rally: l.Rally, EnduranceS: l.EnduranceS, Basis: vehicles.Stated,
		}
	}
	return v
}

func (s *Server) listVehicles(ctx context.Context, in *listVehiclesInput) (*vehiclesOutput, error) {
	all := s.cfg.Register.Fleet(s.viewOf(ctx).Owns, in.Withdrawn)
	list := listOf(ctx, fmt.Sprint("vehicles ", in.Withdrawn))
	records, next, err := paginate(s.cursors, list, in.Page, all,
		func(v *airspace.Vehicle) string { return v.ID },
		func(v *airspace.Vehicle, last string) bool { return v.ID > last })
	if err != nil {
		return nil, err
	}
	out := VehicleList{Items: []Vehicle{}, Next: next}
	for i := range records {
		out.Items = append(out.Items, s.vehicleOf(ctx, &records[i]))
	}
	return &vehiclesOutput{Body: out}, nil
}

func (s *Server) getVehicle(ctx context.Context, in *idInput) (*oneOutput[Vehicle], error) {
	v, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, in.ID)
	return s.oneVehicle(ctx, &v, err)
}

func (s *Server) oneVehicle(ctx context.Context, v *airspace.Vehicle, err error) (*oneOutput[Vehicle], error) {
	if err != nil {
		return nil, err
	}
	return &oneOutput[Vehicle]{ETag: etag(v.Rev), Body: s.vehicleOf(ctx, v)}, nil
}

func (s *Server) registerVehicle(ctx context.Context, in *registerVehicleInput) (*triedOutput[Vehicle], error) {
	v, err := s.register(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &triedOutput[Vehicle]{Status: http.StatusCreated, ETag: etag(v.Rev), Location: "/v1/vehicles/" + v.ID, Body: s.vehicleOf(ctx, &v)}
	if in.DryRun {
		out.Status, out.ETag, out.Location = http.StatusOK, "", ""
	}
	return out, nil
}

func (s *Server) register(ctx context.Context, in *registerVehicleInput) (airspace.Vehicle, error) {
	who, asked := actorOf(ctx), in.Body.vehicle(ctx, in.Body.ID)
	if in.Body.Contact == nil || in.DryRun {
		return s.cfg.Register.RegisterVehicle(ctx, who, asked, in.DryRun)
	}
	if before, _, ok, err := s.cfg.Register.FleetAnswer(ctx); ok || err != nil {
		return before, err
	}
	return s.withSecret(ctx, secretFor{
		check: func() (airspace.Vehicle, error) { return s.cfg.Register.RegisterVehicle(ctx, who, asked, true) },
		keep: func() error {
			contact := auth.Contact(*in.Body.Contact)
			return s.cfg.VehicleSecrets.SetContact(asked.ID, &contact)
		},
		decide: func() (airspace.Vehicle, error) { return s.cfg.Register.RegisterVehicle(ctx, who, asked, false) },
		undo:   func() error { return s.cfg.VehicleSecrets.SetContact(asked.ID, nil) },
	})
}

func (s *Server) replaceVehicle(ctx context.Context, in *replaceVehicleInput) (*oneOutput[Vehicle], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Register.ReplaceVehicle(ctx, actorOf(ctx), rev, in.Body.vehicle(ctx, in.ID), in.DryRun)
	return s.oneVehicle(ctx, &v, err)
}

func (s *Server) withdrawVehicle(ctx context.Context, in *MatchInput) (*oneOutput[Vehicle], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Register.WithdrawVehicle(ctx, actorOf(ctx), rev, in.ID)
	return s.oneVehicle(ctx, &v, err)
}

func (s *Server) setVehicleContact(ctx context.Context, in *contactInput) (*oneOutput[Vehicle], error) {
	v, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, in.ID)
	if err != nil {
		return nil, err
	}
	if v.State == airspace.Withdrawn {
		return nil, fmt.Errorf("vehicle %s: %w", in.ID, airspace.ErrWithdrawn)
	}
	contact := auth.Contact(in.Body)
	return s.oneVehicle(ctx, &v, s.cfg.VehicleSecrets.SetContact(v.ID, &contact))
}

// Resolve finds what a schema cannot.
func (m *MAVLinkAddress) Resolve(_ huma.Context, prefix *huma.PathBuffer) (out []error) {
	for i, c := range m.Components {
		if c < 1 || c > 255 {
			out = append(out, &huma.ErrorDetail{Location: fmt.Sprintf("%s.other_components[%d]", prefix.String(), i), Message: "a component id is 1 to 255"})
		}
	}
	return out
}

// Resolve finds what a schema cannot.
func (c *Contact) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	if message := zonefile.TextFault(c.Name); message != "" {
		return []error{&huma.ErrorDetail{Location: prefix.String() + ".name", Message: message}}
	}
	return nil
}
