package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

const (
	defaultPage = 50
	maxPage     = 500
	cursorMAC   = 16
)

// Page is how lists are asked for.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Items in one answer"`
	Cursor string `query:"cursor" maxLength:"400" doc:"The next of the answer before"`
}

// cursors signs the place where a list goes on, so that a client cannot make
// one up, nor use one of another list or filter.
type cursors struct {
	key [32]byte
}

func newCursors() *cursors {
	var c cursors
	_, _ = rand.Read(c.key[:]) // crypto/rand.Read never fails
	return &c
}

func (c *cursors) mac(list, last string) []byte {
	m := hmac.New(sha256.New, c.key[:])
	m.Write([]byte(list))
	m.Write([]byte{0})
	m.Write([]byte(last))
	return m.Sum(nil)[:cursorMAC]
}

// listOf is a list as one caller sees it, so that nobody uses the cursor of
// somebody else.
func listOf(ctx context.Context, list string) string {
	return list + "\x00" + actorOf(ctx).ID
}

// encode makes the cursor of a list (its name and filter) after its item last.
func (c *cursors) encode(list, last string) string {
	return base64.RawURLEncoding.EncodeToString(append(c.mac(list, last), last...))
}

// decode is the last item that a cursor names.
func (c *cursors) decode(list, cursor string) (last string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) < cursorMAC || !hmac.Equal(raw[:cursorMAC], c.mac(list, string(raw[cursorMAC:]))) {
		return "", errBadCursor
	}
	return string(raw[cursorMAC:]), nil
}

// paginate cuts one page out of all, which is in the order of the list. after
// reports whether an item comes after the one whose key is last.
func paginate[T any](c *cursors, list string, page Page, all []T, key func(*T) string, after func(item *T, last string) bool) ([]T, *string, error) {
	start := 0
	if page.Cursor != "" {
		last, err := c.decode(list, page.Cursor)
		if err != nil {
			return nil, nil, err
		}
		for start < len(all) && !after(&all[start], last) {
			start++
		}
	}
	limit := page.Limit
	if limit <= 0 || limit > maxPage {
		limit = defaultPage
	}
	end := min(len(all), start+limit)
	items := all[start:end]
	if end == len(all) {
		return items, nil, nil
	}
	next := c.encode(list, key(&items[len(items)-1]))
	return items, &next, nil
}

// linkTransformer puts the next page of a list into a Link header, RFC 8288.
func linkTransformer(ctx huma.Context, _ string, v any) (any, error) {
	body := reflect.ValueOf(v)
	if body.Kind() != reflect.Struct {
		return v, nil
	}
	field := body.FieldByName("Next")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*string]() || field.IsNil() {
		return v, nil
	}
	url := ctx.URL()
	query := url.Query()
	query.Set("cursor", field.Elem().String())
	ctx.SetHeader("Link", "<"+url.EscapedPath()+"?"+query.Encode()+`>; rel="next"`)
	return v, nil
}

// documentPages says in the document what linkTransformer does.
func documentPages(api *huma.OpenAPI) {
	for _, item := range api.Paths {
		op := item.Get
		if op == nil {
			continue
		}
		for _, p := range op.Parameters {
			if ok := op.Responses[strconv.Itoa(http.StatusOK)]; ok != nil && p.Name == "cursor" {
				ok.Headers = map[string]*huma.Param{"Link": {
					Schema: &huma.Schema{Type: huma.TypeString}, Description: `The next page, rel="next"; none at the end`,
				}}
			}
		}
	}
}
