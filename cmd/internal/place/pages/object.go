package pages

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Object is a resource as the API shows it. Templates read its fields by their names.
type Object map[string]any

// ID returns the resource's id, 0 if it has none.
func (o Object) ID() int64 { return o.Int("id") }

// Int returns a whole number; 0 if the field is none.
func (o Object) Int(name string) int64 {
	switch n := o[name].(type) {
	case json.Number:
		i, err := n.Int64()
		if err != nil {
			return 0
		}
		return i
	case int64:
		return n
	case string:
		i, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			return 0
		}
		return i
	}
	return 0
}

// Float returns a number; 0 if the field is none.
func (o Object) Float(name string) float64 {
	n, _ := o[name].(json.Number)
	f, err := n.Float64()
	if err != nil {
		return 0
	}
	return f
}

// Text returns a field as a form shows it; "" for null and for what is not there.
func (o Object) Text(name string) string {
	switch x := o[name].(type) {
	case nil:
		return ""
	case string:
		return x
	case json.Number:
		return x.String()
	default:
		return fmt.Sprint(x)
	}
}

// Is reports whether a field is true.
func (o Object) Is(name string) bool {
	is, _ := o[name].(bool)
	return is
}

// Has reports whether a field is there and not null.
func (o Object) Has(name string) bool { return o[name] != nil }

// In returns the object in a field; an empty one if there is none.
func (o Object) In(name string) Object {
	switch x := o[name].(type) {
	case map[string]any:
		return x
	case Object:
		return x
	}
	return Object{}
}

// List returns the objects in a field.
func (o Object) List(name string) []Object {
	all, _ := o[name].([]any)
	list := make([]Object, 0, len(all))
	for _, x := range all {
		if m, ok := x.(map[string]any); ok {
			list = append(list, m)
		}
	}
	return list
}

// Words returns the texts in a field.
func (o Object) Words(name string) []string {
	all, _ := o[name].([]any)
	list := make([]string, 0, len(all))
	for _, x := range all {
		list = append(list, fmt.Sprint(x))
	}
	return list
}

// Time returns a moment; the zero time if the field is none.
func (o Object) Time(name string) time.Time {
	text, _ := o[name].(string)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// as turns the object into a record of another package.
func (o Object) as(record any) error {
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, record)
}
