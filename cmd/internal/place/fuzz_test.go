package place

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// Whatever a body is, the answer is as described and no fault, and the place is valid
// after it.
func FuzzBodies(f *testing.F) {
	w := newWorld(f)
	var targets []route
	for _, r := range w.routes {
		if r.body != nil && r.path != "/setup" && r.path != "/logins" && r.path != "/invitations" && r.path != "/password" {
			targets = append(targets, r)
		}
	}
	ids := map[*kind]int64{}
	for i, r := range targets {
		if strings.Contains(r.path, "{id}") && ids[r.kind] == 0 && r.verb != "assign" {
			ids[r.kind] = w.fresh(r.kind)
		}
		_, body := w.request(r)
		f.Add(uint8(i), body)
	}
	for i, s := range samples(w.rig) {
		f.Add(uint8(i), s.body)
	}
	f.Add(uint8(3), `{"lock":{"name":null,"latitude":1e400,"geofence_restriction_radius":-0}}`)
	f.Add(uint8(9), `{"zone":{"doors":[null],"blocks":[{"weekdays":null}]}}`)
	f.Add(uint8(11), `{"schedule":{"scheduleable":null,"holidays":[{"date":"0000-00-00"}]}}`)
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		r := targets[int(which)%len(targets)]
		w := *w
		rig := *w.rig
		w.rig, rig.TB = &rig, t
		path := strings.Replace(r.path, "{id}", strings.TrimSpace(string(mustJSON(ids[r.kind]))), 1)
		if a := w.ask(r.method, path, w.owner, body); a.status >= 500 && a.status != 503 {
			t.Errorf("%s %s: %d %s", r.method, path, a.status, a.text)
		}
		records := w.Records(w.place)
		if problems := records.Validate(); len(problems) > 0 {
			t.Errorf("the place is not valid any more: %v", problems)
		}
	})
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// Whatever is asked of a list, the answer is as described and no fault.
func FuzzQueries(f *testing.F) {
	w := newWorld(f)
	for _, q := range []string{"limit=10&offset=0&favorite=*&sort=favorite", "ids=1,2,&query=%00", "around=a/b", "user_id=me&place_id=-1", "sort=-", "before=2026-01-01T00:00:00Z&type=,"} {
		for i := range 5 {
			f.Add(uint8(i*7), q)
		}
	}
	var lists []route
	for _, r := range w.routes {
		if r.method == "GET" && !strings.Contains(r.path, "{id}") {
			lists = append(lists, r)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		w := *w
		rig := *w.rig
		w.rig, rig.TB = &rig, t
		r := lists[int(which)%len(lists)]
		if a := w.ask("GET", r.path+"?"+values.Encode(), w.owner, ""); a.status >= 500 {
			t.Errorf("%s?%s: %d %s", r.path, query, a.status, a.text)
		}
	})
}
