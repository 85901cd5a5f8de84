package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
)

// Key is an API key without its secret.
type Key struct {
	ID        string   `json:"id"`
	Person    string   `json:"person" doc:"Owner, who answers for it"`
	Label     string   `json:"label"`
	Scopes    []string `json:"scopes"`
	ExpiresAt *string  `json:"expires_at" format:"date-time" doc:"By the clock of the owner's organisation; null: never"`
	CIDRs     []string `json:"cidrs" doc:"Addresses that may use it; none: all"`
	Revoked   bool     `json:"revoked"`
	UsedAt    *string  `json:"used_at" format:"date-time" doc:"Last use, up to five minutes older after a restart; null: never"`
	UsedFrom  string   `json:"used_from" doc:"Address of the last use"`
	Rev       uint64   `json:"rev"`
	CreatedAt string   `json:"created_at" format:"date-time"`
	UpdatedAt string   `json:"updated_at" format:"date-time"`
	UpdatedBy string   `json:"updated_by" doc:"Actor id"`
}

// NewKey is a key at the only time that its secret is seen.
type NewKey struct {
	Key    Key    `json:"key"`
	Secret string `json:"secret" doc:"Send it as Authorization: Bearer. It is shown only now: a repetition of the request answers 409 secret_shown. Empty in a dry run"`
}

// KeyInput is a new key.
type KeyInput struct {
	Person    string     `json:"person,omitempty" maxLength:"64" doc:"Owner; default yourself"`
	Label     string     `json:"label" minLength:"1" maxLength:"120" doc:"What it is for"`
	Scopes    []string   `json:"scopes" minItems:"1" maxItems:"12" uniqueItems:"true" enum:"zone.read,zone.control,fence.write,fence.emergency,permit.apply,permit.review,permit.decide,vehicle.register,vehicle.telemetry,vehicle.command,audit.read,admin" doc:"Rights that the owner and you have"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Default: never"`
	CIDRs     []string   `json:"cidrs,omitempty" maxItems:"32" example:"[\"192.0.2.0/24\"]" doc:"Address ranges that may use it; default all"`
}

// Resolve finds what a schema cannot.
func (in *KeyInput) Resolve(huma.Context) []error { return nameFault(in.Label) }

// KeyList is one page of keys.
type KeyList struct {
	Items []Key   `json:"items"`
	Next  *string `json:"next" doc:"Cursor of the next page; null at the end"`
}

type keyListOutput struct {
	Body KeyList
}

type createKeyInput struct {
	Trial
	Body KeyInput
}

func (s *Server) keyEndpoints(api huma.API) {
	const tag, path = "keys", "/v1/keys"
	endpoint(s, api, operation(tag, "listKeys", http.MethodGet, path, "Your API keys, by id; an administrator's list is of all", 401), s.listKeys)
	endpoint(s, api, operation(tag, "getKey", http.MethodGet, path+"/{id}", "One API key", 401, 404), s.getKey)
	endpoint(s, api, creation(tag, "createKey", path, "Make an API key; its secret is in this answer only", 400, 401, 403, 404, 409, 413, 415, 503), s.createKey)
	endpoint(s, api, operation(tag, "revokeKey", http.MethodDelete, path+"/{id}", "End an API key for good",
		400, 401, 403, 404, 409, 412, 428, 503), s.revokeKey)
}

func (s *Server) keyOf(k *airspace.APIKey) Key {
	use := s.cfg.Auth.KeyUse(k.ID)
	return Key{
		ID: k.ID, Person: k.Person, Label: use.Label, Scopes: textsOf(k.Scopes), ExpiresAt: optionalTime(k.ExpiresUS),
		CIDRs: textsOf(k.CIDRs), Revoked: k.Revoked, UsedAt: optionalTime(use.UsedUS), UsedFrom: use.From,
		Rev: k.Rev, CreatedAt: timeOf(k.CreatedUS), UpdatedAt: timeOf(k.UpdatedUS), UpdatedBy: k.UpdatedBy,
	}
}

// seesKey: what others have is not told.
func seesKey(who airspace.Actor, k *airspace.APIKey) bool {
	return who.May(airspace.Admin) || who.Person != "" && who.Person == k.Person
}

func (s *Server) listKeys(ctx context.Context, in *struct{ Page }) (*keyListOutput, error) {
	who, seen := actorOf(ctx), []airspace.APIKey{}
	for _, k := range s.cfg.Register.APIKeys() {
		if seesKey(who, &k) {
			seen = append(seen, k)
		}
	}
	records, next, err := paginate(s.cursors, "keys "+who.Person, in.Page, seen,
		func(k *airspace.APIKey) string { return k.ID },
		func(k *airspace.APIKey, last string) bool { return k.ID > last })
	if err != nil {
		return nil, err
	}
	out := KeyList{Items: []Key{}, Next: next}
	for i := range records {
		out.Items = append(out.Items, s.keyOf(&records[i]))
	}
	return &keyListOutput{Body: out}, nil
}

func (s *Server) getKey(ctx context.Context, in *idInput) (*oneOutput[Key], error) {
	k, err := s.cfg.Register.APIKey(in.ID)
	if err != nil {
		return nil, err
	}
	if !seesKey(actorOf(ctx), &k) {
		return nil, fmt.Errorf("key %s: %w: %w", in.ID, airspace.ErrNotFound, errHidden)
	}
	return &oneOutput[Key]{ETag: etag(k.Rev), Body: s.keyOf(&k)}, nil
}

func (s *Server) createKey(ctx context.Context, in *createKeyInput) (*madeOutput[NewKey], error) {
	who := actorOf(ctx)
	key := airspace.APIKey{Person: in.Body.Person, Scopes: namesOf[airspace.Scope](in.Body.Scopes), CIDRs: in.Body.CIDRs}
	if key.Person == "" {
		key.Person = who.Person
	}
	if in.Body.ExpiresAt != nil {
		key.ExpiresUS = in.Body.ExpiresAt.UnixMicro()
	}
	k, err := s.cfg.Register.CreateAPIKey(in.under(ctx), who, key)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		body := NewKey{Key: s.keyOf(&k)}
		body.Key.Label = in.Body.Label
		return wouldMake(body), nil
	}
	if s.secretShown(k.ID) {
		return nil, fmt.Errorf("key %s: %w", k.ID, errSecretShown)
	}
	secret, err := s.cfg.Auth.NewKeySecret(k, in.Body.Label)
	if err != nil {
		return nil, err
	}
	return made("/v1/keys/"+k.ID, k.Rev, NewKey{Key: s.keyOf(&k), Secret: secret}), nil
}

// secretShown reports whether the secret of a key was made before. After a crash
// in between it was not: the repetition of the request makes it.
func (s *Server) secretShown(id string) bool {
	k, err := s.cfg.Register.APIKey(id)
	return err != nil || k.Revoked || s.cfg.Auth.HasKeySecret(id)
}

func (s *Server) revokeKey(ctx context.Context, in *MatchInput) (*struct{}, error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if k, err := s.cfg.Register.APIKey(in.ID); err == nil && !seesKey(actorOf(ctx), &k) {
		return nil, fmt.Errorf("key %s: %w: %w", in.ID, airspace.ErrNotFound, errHidden)
	}
	_, err = s.cfg.Register.RevokeAPIKey(ctx, actorOf(ctx), in.ID, rev)
	return nil, err
}
