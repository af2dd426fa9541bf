package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Problem is one thing wrong with a policy, with the path to it.
type Problem struct {
	Path string `json:"path"` // "credentials[3].member_id"
	Text string `json:"text"`
}

func (p Problem) String() string { return p.Path + ": " + p.Text }

// Problems is every fault of a policy at once, so that one pass mends all.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) add(path, format string, args ...any) {
	*p = append(*p, Problem{Path: path, Text: fmt.Sprintf(format, args...)})
}

// ParseRecords reads a policy file and validates it. The error is Problems when
// the file is JSON, and then names every fault in it.
func ParseRecords(data []byte) (Records, error) {
	var r Records
	var top map[string]json.RawMessage
	if err := json.Unmarshal(data, &top); err != nil {
		return r, fmt.Errorf("not a policy: %w%s", err, position(data, err))
	}
	var problems Problems
	v := reflect.ValueOf(&r).Elem()
	known := map[string]reflect.Value{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		known[name] = v.Field(i)
	}
	names := make([]string, 0, len(top))
	for name := range top {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		field, ok := known[name]
		switch {
		case !ok:
			problems.add(name, "no such kind of record; known are %s", strings.Join(sortedKeys(known), ", "))
		case field.Kind() == reflect.Slice:
			parseList(name, top[name], field, &problems)
		default:
			if err := decode(top[name], field.Addr().Interface()); err != nil {
				problems.add(name, "%s", plain(err))
			}
		}
	}
	if len(problems) == 0 {
		problems = r.Validate()
	}
	if len(problems) > 0 {
		return Records{}, problems
	}
	return r, nil
}

func parseList(name string, data json.RawMessage, list reflect.Value, problems *Problems) {
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		problems.add(name, "must be a list of records")
		return
	}
	list.Set(reflect.MakeSlice(list.Type(), len(items), len(items)))
	for i, item := range items {
		if err := decode(item, list.Index(i).Addr().Interface()); err != nil {
			problems.add(fmt.Sprintf("%s[%d]", name, i), "%s", plain(err))
		}
	}
}

// plain strips the prefix that encoding/json puts before its errors.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "json: ") }

// position tells line and column of a syntax error.
func position(data []byte, err error) string {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset > int64(len(data)) {
		return ""
	}
	before := data[:syntax.Offset]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Sprintf(" (line %d, column %d)", line, column)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
