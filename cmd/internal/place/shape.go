package place

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Limits of one field of a body: a record must fit into the policy log.
const (
	maxText  = 1000     // characters
	maxField = 64 << 10 // bytes of JSON
)

// shape is a struct as JSON sees it: the fields by name, those of the outer struct
// before those of the embedded.
type shape struct{ fields []field }

type field struct {
	name  string
	index []int
	typ   reflect.Type
	omit  bool // left out when it is empty
}

func shapeOf(t reflect.Type) *shape {
	s := &shape{}
	taken := map[string]bool{}
	type level struct {
		t     reflect.Type
		index []int
	}
	for next := []level{{t: t}}; len(next) > 0; {
		this := next
		next = nil
		for _, l := range this {
			for i := range l.t.NumField() {
				f := l.t.Field(i)
				index := append(slices.Clone(l.index), i)
				name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
				if f.Anonymous && name == "" {
					inner := f.Type
					if inner.Kind() == reflect.Pointer {
						inner = inner.Elem()
					}
					next = append(next, level{inner, index})
					continue
				}
				if taken[name] || name == "-" || !f.IsExported() {
					continue
				}
				taken[name] = true
				s.fields = append(s.fields, field{name, index, f.Type, strings.Contains(options, "omit")})
			}
		}
	}
	return s
}

// patch lays a body over a record. Null means the default. What it does not know it
// passes over; everything that is wrong it adds to the invalid.
func (s *shape) patch(r, fresh record, body map[string]json.RawMessage, bad *Invalid) {
	to, from := reflect.ValueOf(r).Elem(), reflect.ValueOf(fresh).Elem()
	for _, f := range s.fields {
		raw, given := body[f.name]
		if !given {
			continue
		}
		target := to.FieldByIndex(f.index)
		if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
			target.Set(from.FieldByIndex(f.index))
			continue
		}
		if len(raw) > maxField {
			bad.Add(f.name, fmt.Sprintf("is too long (at most %d bytes)", maxField))
			continue
		}
		value := reflect.New(f.typ)
		if f.typ.Kind() == reflect.Struct {
			value.Elem().Set(target) // what is not given of it stays
		}
		if err := json.Unmarshal(raw, value.Interface()); err != nil {
			bad.Add(f.name, wrong(err))
			continue
		}
		if v := value.Elem(); v.Kind() == reflect.String && len([]rune(v.String())) > maxText {
			bad.Add(f.name, fmt.Sprintf("is too long (at most %d characters)", maxText))
			continue
		}
		target.Set(value.Elem())
	}
}

// wrong says what is wrong with a value.
func wrong(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return "must be " + named(kind.Type)
	}
	if text := strings.TrimPrefix(err.Error(), "json: "); !strings.HasPrefix(text, "parsing time") {
		return "is not as expected: " + text
	}
	return "must be a time such as 2026-01-31T09:00:00Z"
}

func named(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	default:
		return "an object"
	}
}
