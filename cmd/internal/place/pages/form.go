package pages

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Field is one thing that a form asks for, and what was answered.
type Field struct {
	Name     string // as in the API; "applies_to.id" is within an object
	Label    string
	Hint     string
	Kind     string // as of an HTML input; also check, choice, days, checks, area, hidden, moment
	Options  []Option
	List     []string // suggestions
	Unit     string
	Min, Max string
	Step     string
	Required bool
	Auto     string // autocomplete

	Value  string
	On     bool
	Errors []string

	// read makes the API's value of the form's; nil: by the kind.
	read func(form url.Values) any
}

// Option is one of several to choose from.
type Option struct {
	Value, Label string
	On           bool
}

// ID is the field's in the page.
func (f Field) ID() string { return "f-" + f.Name }

// Section is some fields of a form under a heading.
type Section struct {
	Title  string
	Hint   string
	Fields []Field
}

// Mistake is what is wrong with a field.
type Mistake struct{ Field, Text string }

// local is a moment as browsers let people enter it: by the place's clocks.
const local = "2006-01-02T15:04"

// fill puts a resource's values into the fields.
func fill(sections []Section, o Object, loc *time.Location) {
	for i := range sections {
		for j := range sections[i].Fields {
			f := &sections[i].Fields[j]
			f.fill(o, loc)
		}
	}
}

func (f *Field) fill(o Object, loc *time.Location) {
	parts := strings.Split(f.Name, ".")
	for _, part := range parts[:len(parts)-1] {
		o = o.In(part)
	}
	name := parts[len(parts)-1]
	switch f.Kind {
	case "check":
		f.On = o.Is(name)
	case "days":
		for i := range f.Options {
			f.Options[i].On = o.Is(f.Options[i].Value) || slices.Contains(o.Words(name), f.Options[i].Value)
		}
	case "checks":
		if f.read != nil {
			return // it is more than a list of words, and was filled where it was made
		}
		for i := range f.Options {
			f.Options[i].On = slices.Contains(o.Words(name), f.Options[i].Value)
		}
	case "area":
		if words := o.Words(name); len(words) > 0 && f.Value == "" {
			f.Value = strings.Join(words, "\n")
		}
	case "datetime-local":
		if t := o.Time(name); !t.IsZero() {
			f.Value = t.In(loc).Format(local)
		}
	default:
		if o.Has(name) {
			f.Value = o.Text(name)
		}
	}
}

// refill puts back what was typed.
func refill(sections []Section, form url.Values) {
	for i := range sections {
		for j := range sections[i].Fields {
			f := &sections[i].Fields[j]
			f.Value, f.On = form.Get(f.Name), form.Get(f.Name) != ""
			for k := range f.Options {
				f.Options[k].On = slices.Contains(form[f.Name], f.Options[k].Value)
			}
		}
	}
}

// read makes a body for the API of what was typed. What is no number or time goes as
// it is: the API says what is wrong with it.
func read(sections []Section, form url.Values, loc *time.Location) Object {
	body := Object{}
	for _, s := range sections {
		for _, f := range s.Fields {
			f.put(body, form, loc)
		}
	}
	return body
}

func (f Field) put(body Object, form url.Values, loc *time.Location) {
	into := body
	parts := strings.Split(f.Name, ".")
	for _, part := range parts[:len(parts)-1] {
		if into[part] == nil {
			into[part] = map[string]any{}
		}
		into = into.In(part)
	}
	name, text := parts[len(parts)-1], strings.TrimSpace(form.Get(f.Name))
	switch {
	case f.read != nil:
		into[name] = f.read(form)
	case f.Kind == "check":
		into[name] = form.Get(f.Name) != ""
	case f.Kind == "days":
		for _, o := range f.Options {
			into[o.Value] = slices.Contains(form[f.Name], o.Value)
		}
	case f.Kind == "checks":
		list := []string{}
		into[name] = append(list, form[f.Name]...)
	case f.Kind == "password":
		into[name] = form.Get(f.Name)
	case text == "" && (f.Kind == "number" || f.Kind == "datetime-local" || f.Kind == "date" || f.Kind == "time"):
		into[name] = nil
	case f.Kind == "number":
		into[name] = number(text)
	case f.Kind == "datetime-local":
		into[name] = moment(text, loc)
	case strings.HasSuffix(name, "_id") || name == "id":
		if text == "" {
			into[name] = nil
		} else {
			into[name] = number(text)
		}
	default:
		into[name] = text
	}
}

func number(text string) any {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	return text
}

func moment(text string, loc *time.Location) any {
	for _, layout := range []string{local, "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, loc); err == nil {
			return t.UTC().Format(time.RFC3339)
		}
	}
	return text
}

// blame puts what the API found wrong to the fields that it is about, and returns all
// of it. What is about no field of the form stands at its head alone.
func blame(sections []Section, err error) ([]Mistake, error) {
	refused := refusal(err)
	if refused == nil {
		return nil, err
	}
	if len(refused.Fields) == 0 {
		if refused.Status < 500 && refused.Status != 401 {
			return []Mistake{{Text: sentence(refused.Text)}}, nil
		}
		return nil, err
	}
	var all []Mistake
	names := make([]string, 0, len(refused.Fields))
	for name := range refused.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f := fieldOf(sections, name)
		for _, text := range refused.Fields[name] {
			switch {
			case f != nil:
				f.Errors = append(f.Errors, sentence(text))
				all = append(all, Mistake{f.Name, f.Label + ": " + text})
			case name == "base":
				all = append(all, Mistake{Text: sentence(text)})
			default:
				all = append(all, Mistake{Text: fmt.Sprintf("%s %s", strings.ReplaceAll(name, "_", " "), text)})
			}
		}
	}
	return all, nil
}

// fieldOf finds the field of the form that a field of the API is.
func fieldOf(sections []Section, name string) *Field {
	for i := range sections {
		for j := range sections[i].Fields {
			f := &sections[i].Fields[j]
			if f.Kind == "hidden" {
				continue
			}
			if f.Name == name || strings.HasPrefix(f.Name, name+".") || f.Kind == "days" && slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == name }) {
				return f
			}
		}
	}
	return nil
}

// choices makes options of resources, by their names.
func choices(list []Object, none string) []Option {
	var options []Option
	if none != "" {
		options = append(options, Option{"", none, false})
	}
	for _, o := range list {
		name := o.Text("name")
		if name == "" {
			name = "number " + o.Text("id")
		}
		options = append(options, Option{o.Text("id"), name, false})
	}
	return options
}

// pairs makes options of values and labels in turn.
func pairs(list ...string) []Option {
	var options []Option
	for i := 0; i+1 < len(list); i += 2 {
		options = append(options, Option{list[i], list[i+1], false})
	}
	return options
}
