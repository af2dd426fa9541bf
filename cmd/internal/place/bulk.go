package place

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxBulk is how many records can be made at once.
const maxBulk = 1000

// bulk are the kinds of which many are made at once: what a day's visitors need. One
// by one they would be bounded by how often somebody may ask.
var bulk = []*kind{members, roleAssignments, cards, groupLinks}

// many is a body with a list of a kind's records.
type many struct{ of *kind }

// bulkRoute is where many records of a kind are made by one request. It is one change:
// all of them are made, in one entry of the place's log, or none.
func (k *kind) bulkRoute() route {
	return route{method: "POST", path: "/bulk/" + k.path, kind: k, verb: "create", body: many{k}, reply: k.object, many: true,
		status: http.StatusCreated, text: "Create up to 1000 " + strings.ReplaceAll(k.path, "_", " ") + ", all or none", do: k.createMany}
}

func (k *kind) createMany(c *call) (int, any, error) {
	o, err := c.object()
	if err != nil {
		return 0, nil, err
	}
	var items []map[string]json.RawMessage
	if err := json.Unmarshal(o[k.path], &items); err != nil || items == nil || slices.ContainsFunc(items, func(i map[string]json.RawMessage) bool { return i == nil }) {
		return 0, nil, malformed("the body must be {%q: [{…}, …]}", k.path)
	}
	if len(items) == 0 || len(items) > maxBulk {
		return 0, nil, invalid(k.path, fmt.Sprintf("must be 1 to %d", maxBulk))
	}
	if !c.couldAnywhere(k, "create") {
		return 0, nil, errForbidden
	}
	made, once := make([]record, len(items)), make([]any, len(items))
	err = c.s.change(func(t *tx) error {
		bad := Invalid{}
		for i, item := range items {
			c.body, made[i], t.bad = item, k.fresh(), Invalid{}
			prefix := fmt.Sprintf("%s[%d].", k.path, i)
			var err error
			once[i], err = k.add(c, t, made[i])
			var wrong *Invalid
			if errors.As(err, &wrong) {
				bad.merge(prefix, wrong)
			} else if err != nil {
				return err
			}
			bad.merge(prefix, &t.bad)
			t.items[at{k, made[i].base().ID}] = prefix
		}
		t.bad = bad
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	list := make([]any, len(made))
	c.s.read(func(v view) {
		s := c.shower(v)
		for i, r := range made {
			list[i] = k.showAs(s, r)
		}
	})
	for i := range list {
		if list[i], err = joined(list[i], once[i]); err != nil {
			return 0, nil, err
		}
	}
	return http.StatusCreated, list, nil
}
