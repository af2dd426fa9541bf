package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// client asks the place API as one person. It holds the API's handler, and speaks to
// it without a network between.
type client struct {
	api    http.Handler
	auth   string // of the header Authorization; "": nobody has signed in
	remote string // address of the browser, which limits are counted by
}

// Refusal is an answer of the API that is no success.
type Refusal struct {
	Status int                 `json:"-"`
	Text   string              `json:"error"`
	Code   string              `json:"code"`
	Reason string              `json:"reason"`
	Fields map[string][]string `json:"errors"` // what is wrong with each field
}

func (r *Refusal) Error() string {
	if r.Text == "" && len(r.Fields) > 0 {
		return "what was given is not valid"
	}
	return fmt.Sprintf("%d %s", r.Status, r.Text)
}

// refusal returns the refusal that an error is; nil if it is none.
func refusal(err error) *Refusal {
	var r *Refusal
	errors.As(err, &r)
	return r
}

// answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// call makes one request. Into, if it is not nil, gets what is answered.
func (c client) call(ctx context.Context, method, path string, body, into any) (http.Header, error) {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.RemoteAddr, r.Host = path, c.remote, "localhost"
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	if c.auth != "" {
		r.Header.Set("Authorization", c.auth)
	}
	a := &answer{header: http.Header{}}
	c.api.ServeHTTP(a, r)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if a.status >= 300 {
		refusal := &Refusal{Status: a.status}
		if err := json.Unmarshal(a.body.Bytes(), refusal); err != nil {
			refusal.Text = http.StatusText(a.status)
		}
		return a.header, refusal
	}
	if into == nil || a.body.Len() == 0 {
		return a.header, nil
	}
	d := json.NewDecoder(&a.body)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return a.header, nil
}

// get returns one resource.
func (c client) get(ctx context.Context, kind string, id int64) (Object, error) {
	var o Object
	_, err := c.call(ctx, http.MethodGet, at(kind, id), nil, &o)
	return o, err
}

// send makes a change.
func (c client) send(ctx context.Context, method, path string, body any) (Object, error) {
	var o Object
	_, err := c.call(ctx, method, path, body, &o)
	return o, err
}

// Limits of lists.
const (
	pageSize = 50
	mostRows = 250  // in one answer of the API
	mostAll  = 2500 // where a page needs a whole list
)

// list returns a part of a list and how many there are in all.
func (c client) list(ctx context.Context, kind string, query url.Values) ([]Object, int, error) {
	var list []Object
	header, err := c.call(ctx, http.MethodGet, "/"+kind+"?"+query.Encode(), nil, &list)
	if err != nil {
		return nil, 0, err
	}
	total := len(list)
	if _, of, ok := strings.Cut(header.Get("X-Collection-Range"), "/"); ok {
		if n, err := strconv.Atoi(of); err == nil {
			total = n
		}
	}
	return list, total, nil
}

// all returns a whole list, but no more than a page can show.
func (c client) all(ctx context.Context, kind string, query url.Values) ([]Object, error) {
	var whole []Object
	for len(whole) < mostAll {
		query.Set("limit", strconv.Itoa(mostRows))
		query.Set("offset", strconv.Itoa(len(whole)))
		part, total, err := c.list(ctx, kind, query)
		if err != nil {
			return nil, err
		}
		whole = append(whole, part...)
		if len(part) == 0 || len(whole) >= total {
			break
		}
	}
	return whole, nil
}

// at is the path of a resource, and of an action with it.
func at(kind string, id int64, action ...string) string {
	return "/" + kind + "/" + strings.Join(append([]string{strconv.FormatInt(id, 10)}, action...), "/")
}

// q makes a query of names and values in turn.
func q(pairs ...any) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return v
}
