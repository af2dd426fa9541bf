package place

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// routes are what a kind has: list, get, create, change, delete, and its actions.
func (k *kind) routes() []route {
	var all []route
	can := func(verb string) bool { return k.verbs == "" || slices.Contains(strings.Fields(k.verbs), verb) }
	add := func(verb string, r route) {
		if can(verb) {
			r.kind, r.verb = k, verb
			all = append(all, r)
		}
	}
	list, one := "/"+k.path, "/"+k.path+"/{id}"
	name := strings.ReplaceAll(k.envelope, "_", " ")
	body := wrapped{envelope: k.envelope}
	add("read", route{method: "GET", path: list, lists: true, params: k.params(), reply: k.object, status: http.StatusOK, text: "List", do: k.list})
	add("read", route{method: "GET", path: one, reply: k.object, status: http.StatusOK, text: "Get one " + name, do: k.read})
	add("create", route{method: "POST", path: list, body: body, reply: k.object, status: http.StatusCreated, text: "Create one " + name, do: k.create})
	add("change", route{method: "PATCH", path: one, body: body, status: http.StatusNoContent, text: "Change one " + name, do: k.change})
	add("change", route{method: "PUT", path: one, body: body, status: http.StatusNoContent, text: "Change one " + name + ", as PATCH does", do: k.change})
	add("delete", route{method: "DELETE", path: one, status: http.StatusNoContent, text: "Delete one " + name, do: k.remove})
	if slices.Contains(bulk, k) {
		add("create", k.bulkRoute())
	}
	for _, a := range k.actions {
		all = append(all, route{
			method: "POST", path: one + "/" + a.name, kind: k, verb: a.name, body: a.body, reply: a.reply,
			status: http.StatusOK, text: a.name, do: k.act(a),
		})
	}
	return all
}

// find returns the record that a path names, if the caller may do something with it.
// Where he has no standing there is nothing.
func (k *kind) find(c *call, v view, verb string) (record, error) {
	id, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, errMissing
	}
	r := v.get(k.real(), id)
	if r == nil || !k.has(r) {
		return nil, errMissing
	}
	if l, is := r.(*Login); is {
		if c.caller.account == 0 || l.AccountID != c.caller.account {
			return nil, errMissing
		}
		return r, nil
	}
	place := placeOf(at{k.real(), id}, r)
	switch {
	case c.caller.at(place) == nil:
		return nil, errMissing
	case !c.caller.may(v, k, verb, place, r):
		return nil, errForbidden
	}
	return r, nil
}

func (k *kind) read(c *call) (status int, body any, err error) {
	c.s.read(func(v view) {
		var r record
		if r, err = k.find(c, v, "read"); err == nil {
			body = k.showAs(c.shower(v), r)
		}
	})
	return http.StatusOK, body, err
}

// show is how a record is shown after a change.
func (c *call) show(k *kind, r record) (body any) {
	c.s.read(func(v view) { body = k.showAs(c.shower(v), r) })
	return body
}

// set lays the body over a record.
func (k *kind) set(c *call, r record, bad *Invalid) {
	if k.words != nil {
		k.words(c.body)
	}
	body := map[string]json.RawMessage{}
	for name, value := range c.body {
		if !baseFields[name] && !slices.Contains(k.real().readOnly, name) {
			body[name] = value
		}
	}
	k.shape.patch(r, k.fresh(), body, bad)
}

// baseFields are given by the service.
var baseFields = map[string]bool{"id": true, "place_id": true, "created_at": true, "updated_at": true}

// home finds out which place a new record belongs to: the one that is named, else that
// of what it refers to, else the only one where the caller could make it.
func (k *kind) home(c *call, t *tx, r record) error {
	if k == places {
		return nil
	}
	b := r.base()
	if given, is := c.body["place_id"]; is && string(given) != "null" {
		if err := json.Unmarshal(given, &b.PlaceID); err != nil {
			return invalid("place_id", wrong(err))
		}
	}
	for _, x := range r.refs() {
		if b.PlaceID != 0 || x.id == 0 {
			continue
		}
		if x.to == placeRoles {
			b.PlaceID = x.id
		} else if to := t.get(x.to, x.id); to != nil {
			b.PlaceID = to.base().PlaceID
		} else {
			return errMissing
		}
	}
	if b.PlaceID == 0 {
		b.PlaceID = c.onlyPlace(k, "create")
	}
	if b.PlaceID == 0 {
		for _, x := range r.refs() {
			if !x.may {
				return invalid(x.field, "can't be blank")
			}
		}
		return invalid("place_id", "can't be blank")
	}
	return nil
}

// onlyPlace returns the place where the caller can do something, if it is only one.
func (c *call) onlyPlace(k *kind, verb string) int64 {
	var found []int64
	for place := range c.caller.places {
		if c.caller.everything(k, verb, place) {
			found = append(found, place)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return 0
}

// couldAnywhere reports whether there is a place where the caller could do something
// with some record.
func (c *call) couldAnywhere(k *kind, verb string) bool {
	rule := rights[k.real()][verb]
	for place, x := range c.caller.places {
		if c.caller.everything(k, verb, place) || c.caller.link != nil && rule.link != 0 ||
			c.caller.link == nil && (rule.member != 0 || rule.manager != 0 && (x.managesAll() || len(x.manages) > 0)) {
			return true
		}
	}
	return false
}

func (k *kind) create(c *call) (int, any, error) {
	if err := c.fields(k.envelope); err != nil {
		return 0, nil, err
	}
	if !c.couldAnywhere(k, "create") {
		return 0, nil, errForbidden
	}
	r := k.fresh()
	var extra any
	err := c.s.change(func(t *tx) (err error) {
		extra, err = k.add(c, t, r)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	body, err := joined(c.show(k, r), extra)
	return http.StatusCreated, body, err
}

// add makes a new record of the body. What it returns is shown once.
func (k *kind) add(c *call, t *tx, r record) (once any, err error) {
	k.set(c, r, &t.bad)
	if err := k.home(c, t, r); err != nil {
		return nil, err
	}
	if k == places {
		return nil, k.found(c, t, r)
	}
	place := r.base().PlaceID
	if c.caller.at(place) == nil {
		return nil, errMissing
	}
	if k.prepare != nil {
		if once, err = k.prepare(c, t, nil, r); err != nil {
			return nil, err
		}
	}
	if !c.caller.may(t, k, "create", place, r) {
		return nil, errForbidden
	}
	if err := c.caller.guard(t, k, place, r); err != nil {
		return nil, err
	}
	t.put(k.real(), r)
	t.tell(c, k.real().envelope+".create", k, r)
	return once, nil
}

// found makes a place, whose owner is who makes it.
func (k *kind) found(c *call, t *tx, r record) error {
	a := lookup[Account](t, accounts, c.caller.account)
	if a == nil {
		return errForbidden // keys and links are of one place
	}
	t.found(r.(*Place), a, c.ownName(t))
	t.tell(c, "place.create", places, r)
	return nil
}

// ownName is what the caller is called elsewhere.
func (c *call) ownName(v view) string {
	var name string
	for _, x := range c.caller.places {
		if m := lookup[Member](v, members, x.member); m != nil {
			name = cmp.Or(name, m.Name)
		}
	}
	return name
}

// joined adds to an object what is shown once.
func joined(object, extra any) (any, error) {
	if extra == nil {
		return object, nil
	}
	a, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(extra)
	if err != nil || len(b) <= len("{}") {
		return raw(a), err
	}
	return raw(append(append(a[:len(a)-1], ','), b[1:]...)), nil
}

func (k *kind) change(c *call) (int, any, error) {
	if err := c.fields(k.envelope); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, c.s.change(func(t *tx) error {
		old, err := k.find(c, t, "change")
		if err != nil {
			return err
		}
		place := placeOf(at{k.real(), old.base().ID}, old)
		if err := c.caller.guard(t, k, place, old); err != nil {
			return err
		}
		next := cloned(old)
		k.set(c, next, &t.bad)
		if k.prepare != nil {
			if _, err := k.prepare(c, t, old, next); err != nil {
				return err
			}
		}
		if !c.caller.may(t, k, "change", place, next) {
			return errForbidden
		}
		if err := c.caller.guard(t, k, place, next); err != nil {
			return err
		}
		changed := k.shape.differ(old, next)
		if len(changed) == 0 {
			return t.bad.orNil()
		}
		t.put(k.real(), next)
		t.tell(c, k.real().envelope+".change", k, next, changed...)
		return nil
	})
}

// cloned copies a record. What its slices hold is shared, and never written to.
func cloned(r record) record {
	v := reflect.New(reflect.TypeOf(r).Elem())
	v.Elem().Set(reflect.ValueOf(r).Elem())
	next, _ := v.Interface().(record) // it is what r is
	return next
}

// differ returns the names of the fields in which two records differ.
func (s *shape) differ(a, b record) []string {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	var names []string
	for _, f := range s.fields {
		if !reflect.DeepEqual(x.FieldByIndex(f.index).Interface(), y.FieldByIndex(f.index).Interface()) {
			names = append(names, f.name)
		}
	}
	return names
}

func (k *kind) remove(c *call) (int, any, error) {
	if k == logins {
		var err error
		c.s.read(func(v view) { _, err = k.find(c, v, "delete") })
		if err == nil {
			id, _ := strconv.ParseInt(c.r.PathValue("id"), 10, 64) // find has read it
			err = c.endLogin(id)
		}
		return http.StatusNoContent, nil, err
	}
	return http.StatusNoContent, nil, c.s.change(func(t *tx) error {
		r, err := k.find(c, t, "delete")
		if err != nil {
			return err
		}
		if err := c.caller.guard(t, k, placeOf(at{k.real(), r.base().ID}, r), r); err != nil {
			return err
		}
		if removed := k.real().removed; removed != nil {
			if err := removed(c, t, r); err != nil {
				return err
			}
		}
		n := t.drop(k.real(), r.base().ID)
		t.tell(c, k.real().envelope+".delete", k, r)
		t.told[len(t.told)-1].Removed = n - 1
		return nil
	})
}

func (k *kind) act(a action) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		var r record
		var err error
		c.s.read(func(v view) {
			if r, err = k.find(c, v, a.name); err == nil {
				err = c.caller.guard(v, k, placeOf(at{k.real(), r.base().ID}, r), r)
			}
		})
		if err != nil {
			return 0, nil, err
		}
		body, err := a.do(c, r)
		return http.StatusOK, body, err
	}
}
