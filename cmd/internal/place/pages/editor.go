package pages

import (
	"net/http"
	"net/url"
	"strings"
)

// editor is the form by which a kind of resource is made and changed. All of them work
// alike; what they ask is in fields.go.
type editor struct {
	kind     string // path of the API
	envelope string
	noun     string
	nav      string
	// sections are the fields for a resource; a new one has what the address gives.
	sections func(v *visit, o Object) ([]Section, error)
	// fresh are the values of a new one, before those of the address.
	fresh Object
	// given are taken from the address for a new one, and cannot be changed.
	given []string
	// tabs are the types to choose from for a new one; nil: there is one type.
	tabs func(v *visit, o Object) []tab
	// home is where to go when it is done, if the form does not say.
	home func(v *visit, o Object) string
	// made is called with what the API answered to a new one, and may show a page of its
	// own: a secret is shown once.
	made func(v *visit, o Object) (shown bool, err error)
}

// editForm is the page of an editor.
type editForm struct {
	Sections []Section
	Errors   []Mistake
	Back     string
	Do       string
	Object   Object
	Tabs     []tab
	Delete   map[string]any
}

type tab struct {
	Label, Path string
	Here        bool
}

func (p *Pages) edits(e *editor) {
	p.run("GET /"+e.kind+"/new", e.showNew)
	p.run("POST /"+e.kind+"/new", e.postNew)
	p.run("GET /"+e.kind+"/{id}/edit", e.show)
	p.run("POST /"+e.kind+"/{id}/edit", e.post)
	p.run("POST /"+e.kind+"/{id}/delete", e.remove)
}

// begin returns a new resource with what the address gives.
func (e *editor) begin(v *visit) Object {
	o := Object{}
	for name, value := range e.fresh {
		o[name] = value
	}
	for _, name := range e.given {
		value := v.r.URL.Query().Get(name)
		if value == "" {
			continue
		}
		outer, inner, nested := strings.Cut(name, ".")
		if nested {
			if o[outer] == nil {
				o[outer] = map[string]any{}
			}
			o.In(outer)[inner] = value
		} else {
			o[name] = value
		}
	}
	return o
}

func (e *editor) showNew(v *visit) error {
	o := e.begin(v)
	sections, err := e.sections(v, o)
	if err != nil {
		return err
	}
	fill(sections, o, v.loc)
	return e.render(v, http.StatusOK, o, sections, nil)
}

func (e *editor) render(v *visit, status int, o Object, sections []Section, mistakes []Mistake) error {
	isNew := o.ID() == 0
	f := editForm{Sections: sections, Errors: mistakes, Object: o, Do: "Save", Back: v.back("")}
	title := o.Text("name")
	if isNew {
		title, f.Do = "New "+e.noun, "Make the "+e.noun
		if e.tabs != nil {
			f.Tabs = e.tabs(v, o)
		}
	} else {
		if title == "" {
			title = strings.ToUpper(e.noun[:1]) + e.noun[1:]
		}
		f.Delete = map[string]any{
			"id": "delete", "word": "Delete…", "do": "Delete", "title": "Delete the " + e.noun + "?",
			"text": "What belongs to it goes with it. There is no way back.", "action": v.here("/", e.kind, "/", o.Text("id"), "/delete"),
			"back": v.back(""),
		}
	}
	return v.showAs(status, "edit", Page{Title: title, Nav: e.nav, Body: f})
}

func (e *editor) postNew(v *visit) error {
	o := e.begin(v)
	sections, err := e.sections(v, o)
	if err != nil {
		return err
	}
	if err := v.r.ParseForm(); err != nil {
		return err
	}
	body := e.body(v, o, sections)
	made, err := v.api.send(v.ctx(), http.MethodPost, "/"+e.kind, Object{e.envelope: body})
	if err != nil {
		return e.again(v, o, sections, err)
	}
	if e.made != nil {
		if shown, err := e.made(v, made); shown || err != nil {
			return err
		}
	}
	v.say("made")
	v.redirect(v.back(e.home(v, made)))
	return nil
}

// body makes what goes to the API: what was typed, and of a new one what the address
// gave.
func (e *editor) body(v *visit, o Object, sections []Section) Object {
	body := read(sections, v.r.PostForm, v.loc)
	if o.ID() != 0 {
		return body
	}
	for name, value := range o {
		if _, typed := body[name]; !typed {
			body[name] = asTyped(name, value)
		}
	}
	body["place_id"] = v.place.ID()
	return body
}

// asTyped makes numbers of ids from an address.
func asTyped(name string, value any) any {
	switch x := value.(type) {
	case string:
		if strings.HasSuffix(name, "_id") && name != "role_id" || name == "id" {
			return number(x)
		}
		if name == "override" {
			return x == "true"
		}
		if name == "channel" {
			return number(x)
		}
	case map[string]any:
		typed := map[string]any{}
		for n, y := range x {
			typed[n] = asTyped(n, y)
		}
		return typed
	}
	return value
}

func (e *editor) again(v *visit, o Object, sections []Section, err error) error {
	refill(sections, v.r.PostForm)
	mistakes, err := blame(sections, err)
	if err != nil {
		return err
	}
	return e.render(v, http.StatusUnprocessableEntity, o, sections, mistakes)
}

func (e *editor) find(v *visit) (Object, []Section, error) {
	id, err := v.id("id")
	if err != nil {
		return nil, nil, err
	}
	o, err := v.api.get(v.ctx(), e.kind, id)
	if err != nil {
		return nil, nil, err
	}
	sections, err := e.sections(v, o)
	return o, sections, err
}

func (e *editor) show(v *visit) error {
	o, sections, err := e.find(v)
	if err != nil {
		return err
	}
	fill(sections, o, v.loc)
	return e.render(v, http.StatusOK, o, sections, nil)
}

func (e *editor) post(v *visit) error {
	o, sections, err := e.find(v)
	if err != nil {
		return err
	}
	if err := v.r.ParseForm(); err != nil {
		return err
	}
	body := read(sections, v.r.PostForm, v.loc)
	if _, err := v.api.send(v.ctx(), http.MethodPatch, at(e.kind, o.ID()), Object{e.envelope: body}); err != nil {
		return e.again(v, o, sections, err)
	}
	v.say("saved")
	v.redirect(v.back(e.home(v, o)))
	return nil
}

func (e *editor) remove(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	o, err := v.api.get(v.ctx(), e.kind, id)
	if err != nil {
		return err
	}
	if _, err := v.api.send(v.ctx(), http.MethodDelete, at(e.kind, id), nil); err != nil {
		return err
	}
	v.say("deleted")
	to := v.back(e.home(v, o))
	// Not to a page of what is gone.
	if u, err := url.Parse(to); err == nil && strings.Contains(u.Path+"/", "/"+e.kind+"/"+o.Text("id")+"/") {
		to = v.here("/", e.nav)
	}
	v.redirect(to)
	return nil
}

// typeTabs are the types of a new resource, as links to the same form for another one.
func typeTabs(v *visit, o Object, types []Option) []tab {
	tabs := make([]tab, len(types))
	for i, t := range types {
		query := v.r.URL.Query()
		query.Set("type", t.Value)
		tabs[i] = tab{t.Label, v.r.URL.Path + "?" + query.Encode(), t.Value == o.Text("type")}
	}
	return tabs
}
