package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"doord/cmd/internal/place"
	"doord/policy"
)

// visit is one request for a page.
type visit struct {
	*Pages
	w   http.ResponseWriter
	r   *http.Request
	api client

	roles []Object       // of who has signed in, at all places
	place Object         // whose pages these are; nil on pages of no place
	loc   *time.Location // of the place's clocks
}

func (p *Pages) visit(w http.ResponseWriter, r *http.Request) *visit {
	r = r.WithContext(place.Once(r.Context()))
	v := &visit{Pages: p, w: w, r: r, loc: time.UTC, api: client{api: p.API, remote: r.RemoteAddr}}
	if secret := login(r); secret != "" {
		v.api.auth = "KISI-LOGIN " + secret
	}
	return v
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// script reports whether the page's own script asks, and wants to know more than where
// to go.
func (v *visit) script() bool { return v.r.Header.Get("Accept") == "application/json" }

// signedIn finds out who asks.
func (v *visit) signedIn() error {
	if v.api.auth == "" {
		return &Refusal{Status: http.StatusUnauthorized, Text: "sign in first"}
	}
	var err error
	v.roles, _, err = v.api.list(v.ctx(), "role_assignments", q("user_id", "me", "limit", mostRows))
	return err
}

// enter finds the place that the page is about.
func (v *visit) enter() error {
	id, err := v.id("place")
	if err != nil {
		return err
	}
	if v.place, err = v.api.get(v.ctx(), "places", id); err != nil {
		return err
	}
	v.loc = locationOf(v.place)
	return nil
}

func locationOf(place Object) *time.Location {
	loc, err := time.LoadLocation(place.Text("time_zone"))
	if err != nil {
		return time.UTC
	}
	return loc
}

// id returns a number in the path.
func (v *visit) id(name string) (int64, error) {
	id, err := strconv.ParseInt(v.r.PathValue(name), 10, 64)
	if err != nil || id <= 0 {
		return 0, missing()
	}
	return id, nil
}

// here is the path of the place's pages.
func (v *visit) here(path ...string) string {
	return Root + "/p/" + v.place.Text("id") + strings.Join(path, "")
}

// runs reports whether who has signed in has a role by which he runs a place or a
// group of it. What he may do there the API says.
func (v *visit) runs(place int64) bool {
	return slices.ContainsFunc(v.roles, func(a Object) bool {
		return a.Int("place_id") == place && a.Text("role_id") != string(policy.RoleMember)
	})
}

// ofPlace makes a query for things of the place.
func (v *visit) ofPlace(pairs ...any) url.Values {
	return q(append([]any{"place_id", v.place.ID()}, pairs...)...)
}

func (v *visit) redirect(to string) { http.Redirect(v.w, v.r, to, http.StatusSeeOther) }

// say has the next page say something once.
func (v *visit) say(name string, detail ...string) {
	http.SetCookie(v.w, cookie(noteCookie, strings.Join(append([]string{name}, detail...), "."), time.Minute))
}

// back returns where a form wants to go when it is done. Only our own pages are gone to.
func (v *visit) back(otherwise string) string {
	to := v.r.FormValue("back")
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, Root+"/") || strings.ContainsAny(to, "\\\r\n") || strings.Contains(u.Path, "/../") {
		return otherwise
	}
	return to
}
