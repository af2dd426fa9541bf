package pages

import (
	"net/http"
	"net/url"
	"slices"

	"doord/policy"
)

// picks asks for some of the resources in a list, by their ids.
func picks(name, label, hint string, options []Option, o Object) Field {
	f := Field{Name: name, Label: label, Kind: "checks", Hint: hint, Options: slices.Clone(options)}
	for i := range f.Options {
		f.Options[i].On = slices.Contains(o.Words(name), f.Options[i].Value)
	}
	before := o.Words(name)
	f.read = func(form url.Values) any {
		ids := []any{}
		for _, id := range before { // those that stay keep their order
			if slices.Contains(form[name], id) {
				ids = append(ids, number(id))
			}
		}
		for _, id := range form[name] {
			if !slices.Contains(before, id) {
				ids = append(ids, number(id))
			}
		}
		return ids
	}
	return f
}

// readerNames says of readers what they are called and where they are.
func readerNames(list []Object) []Option {
	options := make([]Option, 0, len(list))
	for _, x := range list {
		label := x.Text("name")
		if label == "" {
			label = "Reader at " + x.Text("port")
		}
		for _, at := range []string{"lock", "elevator"} {
			if where := x.In(at).Text("name"); where != "" {
				label += ", " + where
			}
		}
		options = append(options, Option{Value: x.Text("id"), Label: label + " (" + x.Text("direction") + ")"})
	}
	return options
}

var areaEditor = &editor{
	kind: "anti_passback_areas", envelope: "anti_passback_area", noun: "area", nav: "rules",
	fresh: Object{"mode": string(policy.AreaHard)},
	home:  toOwn("anti_passback_areas"),
	sections: func(v *visit, o Object) ([]Section, error) {
		readers, err := v.api.all(v.ctx(), "readers", v.ofPlace("sort", "name"))
		if err != nil {
			return nil, err
		}
		options := readerNames(readers)
		return []Section{{Fields: []Field{
			{Name: "name", Label: "Name", Kind: "text", Required: true, Auto: "off"},
			{Name: "mode", Label: "Who has gone this way already", Kind: "choice", Options: pairs("hard", "Is not let in", "soft", "Is let in, and it is told")},
			{Name: "timeout", Label: "It is known where somebody is for", Kind: "number", Unit: "seconds", Min: "1", Max: "604800", Step: "any", Hint: "Empty: until they leave, or are forgiven."},
			picks("in_reader_ids", "Readers that lead into it", "All of one controller.", options, o),
			picks("out_reader_ids", "Readers that lead out of it", "", options, o),
		}}}, nil
	},
}

var interlockEditor = &editor{
	kind: "interlocks", envelope: "interlock", noun: "interlock", nav: "rules",
	home: toList("rules"),
	sections: func(v *visit, o Object) ([]Section, error) {
		doors, err := v.api.all(v.ctx(), "locks", v.ofPlace("sort", "name"))
		if err != nil {
			return nil, err
		}
		return []Section{{Fields: []Field{
			{Name: "name", Label: "Name", Kind: "text", Required: true, Auto: "off"},
			picks("lock_ids", "Doors", "Two at least, of one controller. One at a time is open or unlocked.", choices(doors, ""), o),
		}}}, nil
	},
}

// namesOf are the names of the resources that a list of ids is about.
func namesOf(ids []string, names map[string]string) []string {
	var list []string
	for _, id := range ids {
		if name := names[id]; name != "" {
			list = append(list, name)
		}
	}
	return list
}

// rule is an area or an interlock, and what it is about.
type rule struct {
	Object
	About []string
}

// rules are what doors have to do with each other.
func (p *Pages) rules(v *visit) error {
	areas, err := v.api.all(v.ctx(), "anti_passback_areas", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	interlocks, err := v.api.all(v.ctx(), "interlocks", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	doors, err := v.api.all(v.ctx(), "locks", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	names := named(doors)
	list := make([]rule, len(interlocks))
	for i, x := range interlocks {
		list[i] = rule{x, namesOf(x.Words("lock_ids"), names)}
	}
	return v.show("rules", Page{Title: "Rules", Nav: "rules", Body: map[string]any{"Areas": areas, "Interlocks": list}})
}

// area is an anti-passback area, and where members in it are forgiven.
func (p *Pages) area(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	a, err := v.api.get(v.ctx(), "anti_passback_areas", id)
	if err != nil {
		return err
	}
	readers, err := v.api.all(v.ctx(), "readers", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, o := range readerNames(readers) {
		names[o.Value] = o.Label
	}
	body := map[string]any{"A": a, "Into": namesOf(a.Words("in_reader_ids"), names), "OutOf": namesOf(a.Words("out_reader_ids"), names)}
	if search := v.r.URL.Query().Get("q"); search != "" {
		found, _, err := v.api.list(v.ctx(), "members", v.ofPlace("query", search, "sort", "name", "limit", 20))
		if err != nil {
			return err
		}
		body["Search"], body["Found"] = search, found
	}
	return v.show("area", Page{Title: a.Text("name"), Nav: "rules", Body: body})
}

// forgive has an area forget where a member is, or all of them.
func (p *Pages) forgive(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	var body any // without a member it is everybody
	if member := v.r.PostFormValue("member_id"); member != "" {
		body = Object{"member_id": number(member)}
	}
	if _, err := v.api.send(v.ctx(), http.MethodPost, at("anti_passback_areas", id, "forgive"), body); err != nil {
		return err
	}
	v.say("forgiven")
	v.redirect(v.here("/anti_passback_areas/", v.r.PathValue("id")))
	return nil
}
