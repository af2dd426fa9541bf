package place

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"doord/policy"
)

// check refuses a change after which something is wrong. It finds all of it at once.
func (t *tx) check() error {
	bad := &Invalid{}
	for _, a := range t.news {
		r := t.over[a]
		if r == nil {
			continue
		}
		own := &Invalid{}
		for _, x := range r.refs() {
			t.checkRef(r, x, own)
		}
		for _, k := range r.keys() {
			if t.taken(a, k.value) {
				own.Add(k.field, k.text)
				own.Code = k.code
			}
		}
		r.check(t, own)
		bad.merge(t.items[a], own)
	}
	for _, place := range t.placesOf() {
		t.checkPolicy(place, bad)
		t.checkOwner(place, bad)
	}
	for field, texts := range t.bad.Fields { // what could not be read is not judged, too
		if bad.Fields == nil {
			bad.Fields = map[string][]string{}
		}
		bad.Fields[field] = texts
	}
	return bad.orNil()
}

// checkRef refuses a reference to what is not there. What belongs to another place is
// not there.
func (t *tx) checkRef(r record, x ref, bad *Invalid) {
	if x.to == placeRoles || x.id == 0 && x.may {
		return
	}
	if x.id == 0 {
		bad.Add(x.field, "can't be blank")
		return
	}
	if to := t.get(x.to, x.id); to == nil || to.base().PlaceID != r.base().PlaceID && to.base().PlaceID != 0 {
		bad.Add(x.field, fmt.Sprintf("there is no %s %d", strings.ReplaceAll(x.to.envelope, "_", " "), x.id))
	}
}

// taken reports whether another record has a key already.
func (t *tx) taken(a at, value string) bool {
	if other := t.state.find(a.kind, value); other != nil && other.base().ID != a.id {
		if r, over := t.over[at{a.kind, other.base().ID}]; !over || r != nil && hasKey(r, value) {
			return true
		}
	}
	return slices.ContainsFunc(t.keys[value], func(b at) bool {
		r := t.over[b]
		return b.kind == a.kind && b.id < a.id && r != nil && hasKey(r, value)
	})
}

// checkPolicy has package policy judge the place as it would be: its small records
// all together if one of them is touched, the large ones that are.
func (t *tx) checkPolicy(place int64, bad *Invalid) {
	home := lookup[Place](t, places, place)
	if home == nil {
		return
	}
	small := false
	asked := map[at]bool{}
	needed := map[at]bool{}
	for _, a := range t.news {
		r := t.over[a]
		if was := t.state.get(a.kind, a.id); r == nil && was != nil && was.base().PlaceID == place {
			small = small || !a.kind.large() // what is left may need what goes
		}
		if r == nil || placeOf(a, r) != place || a.kind == places {
			continue
		}
		asked[a] = true
		small = small || !a.kind.large()
		for _, x := range r.refs() {
			needed[at{x.to, x.id}] = true
		}
	}
	var r policy.Records
	home.addTo(&r)
	order := map[string][]at{}
	add := func(a at, x record) {
		x.addTo(&r)
		order[a.kind.path] = append(order[a.kind.path], a)
	}
	for _, k := range kinds {
		if k.alias != nil || k == places {
			continue
		}
		if small && !k.large() {
			for _, x := range t.by(k, places, place) {
				if a := (at{k, x.base().ID}); !asked[a] {
					add(a, x)
				}
			}
			continue
		}
		for a := range needed {
			if x := t.get(a.kind, a.id); a.kind == k && x != nil && !asked[a] && x.base().PlaceID == place {
				add(a, x)
			}
		}
	}
	// What is asked for comes last: of two that are in each other's way it is the one
	// that is refused.
	for _, a := range t.news {
		if asked[a] {
			add(a, t.over[a])
		}
	}
	for _, p := range r.Validate() {
		field, text := t.inWords(p, order, asked)
		if len(bad.Fields[field]) == 0 || !strings.HasPrefix(text, "there is no ") {
			bad.Add(field, text)
		}
	}
}

var itemPath = regexp.MustCompile(`\b([a-z_]+)\[(\d+)\]`)

// inWords turns a problem of package policy into a field of the record at hand, or into
// words about the place if it is with another record.
func (t *tx) inWords(p policy.Problem, order map[string][]at, asked map[at]bool) (field, text string) {
	name := func(kind string, i int) (at, bool) {
		path := kind
		if path == "credentials" {
			path = cards.path
		}
		if list := order[path]; i < len(list) {
			return list[i], true
		}
		return at{}, false
	}
	text = itemPath.ReplaceAllStringFunc(p.Text, func(item string) string {
		var i int
		m := itemPath.FindStringSubmatch(item)
		_, _ = fmt.Sscan(m[2], &i)
		if a, ok := name(m[1], i); ok && t.items[a] != "" {
			return strings.TrimSuffix(t.items[a], ".") // it has no id that anybody knows
		} else if ok {
			return fmt.Sprintf("%s %d", strings.ReplaceAll(a.kind.envelope, "_", " "), a.id)
		}
		return item
	})
	record, field, _ := strings.Cut(p.Path, ".")
	m := itemPath.FindStringSubmatch(record)
	if m == nil { // of the place
		return field, text
	}
	var i int
	_, _ = fmt.Sscan(m[2], &i)
	if a, ok := name(m[1], i); ok && asked[a] {
		return t.items[a] + field, text
	} else if ok {
		return "base", fmt.Sprintf("%s %d: %s %s", strings.ReplaceAll(a.kind.envelope, "_", " "), a.id, field, text)
	}
	return "base", p.String()
}

// checkOwner keeps a place from losing its last owner.
func (t *tx) checkOwner(place int64, bad *Invalid) {
	if t.get(places, place) == nil || t.state.get(places, place) == nil {
		return
	}
	bad.must(owned(t, place) || !owned(t.state, place), "base", "the place must keep an owner without dates whose access is enabled")
}

func owned(v view, place int64) bool {
	return slices.ContainsFunc(pick[RoleAssignment](v, roleAssignments, placeRoles, place), func(a *RoleAssignment) bool {
		m := lookup[Member](v, members, a.MemberID)
		return a.Role == policy.RoleOwner && !a.Bounded() && m != nil && m.AccessEnabled
	})
}
