package main

import (
	"encoding"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"doord/cmd/internal/config"
)

// documented is a key of the configuration in the README.
type documented struct{ key, limits, fallback, what string }

var ticked = regexp.MustCompile("`([^`]+)`")

// reference returns the keys in the README by table: "" for the board itself.
func reference(t *testing.T) map[string][]documented {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, reference, _ := strings.Cut(string(text), "\n## Configuration\n")
	reference, _, _ = strings.Cut(reference, "\n### What deserves")
	tables := map[string][]documented{}
	table := ""
	for line := range strings.Lines(reference) {
		if title, ok := strings.CutPrefix(line, "### "); ok {
			table = strings.Trim(strings.TrimSpace(title), "[]")
			if table == "The board" {
				table = ""
			}
		}
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 {
			t.Errorf("%q has %d cells, want 4", line, len(cells))
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		for _, key := range ticked.FindAllStringSubmatch(cells[0], -1) {
			tables[table] = append(tables[table], documented{key[1], cells[1], cells[2], cells[3]})
		}
	}
	return tables
}

// tables are the tables of the configuration, each as a board gets it that says no
// more than it must.
func tables(t *testing.T) map[string][]any {
	t.Helper()
	const least = `device_id = "00d00d00d00d0001"
[[relay]]
channel = 1
[[door]]
name = "front"
relays = [1]
fail_mode = "fail_secure"
[[input]]
name = "button"
channel = 1
kind = "rex"
doors = ["front"]
[[bus]]
name = "inside"
port = "/dev/ttyAMA0"
[[reader]]
name = "hall"
port = "osdp:0"
bus = "inside"
door = "front"
[[reader]]
name = "front"
port = "wiegand:1"
door = "front"
`
	c, err := config.Parse([]byte(least))
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]any{
		"": {*c}, "api": {c.API}, "relay": {c.Relay[0]}, "door": {c.Doors[0]}, "input": {c.Input[0]}, "bus": {c.Buses[0]},
		"reader": {c.Readers[0], c.Readers[1]},
	}
}

func TestTheReadmeHasEveryKeyAndNoOther(t *testing.T) {
	docs, code := reference(t), tables(t)
	for table, values := range code {
		var want, got []string
		for f := range fields(values[0]) {
			want = append(want, f)
		}
		for _, d := range docs[table] {
			got = append(got, d.key)
			if d.limits == "" || d.fallback == "" || d.what == "" {
				t.Errorf("[%s] %s has an empty cell", table, d.key)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("[%s] has the keys\n%q, and in the README\n%q", table, want, got)
		}
	}
	for table := range docs {
		if code[table] == nil {
			t.Errorf("the README has a table [%s]", table)
		}
	}
}

// A default that the program fills in stands in the README between backticks.
func TestTheReadmeHasTheDefaults(t *testing.T) {
	docs := reference(t)
	for table, values := range tables(t) {
		for _, d := range docs[table] {
			if strings.HasPrefix(d.fallback, "required") {
				continue
			}
			var defaults []string
			for _, v := range values {
				if text := written(fields(v)[d.key]); text != "" && !slices.Contains(defaults, text) {
					defaults = append(defaults, text)
				}
			}
			var told []string
			for _, m := range ticked.FindAllStringSubmatch(d.fallback, -1) {
				told = append(told, m[1])
			}
			if !slices.Equal(told, defaults) {
				t.Errorf("[%s] %s is %q by default, and in the README %q", table, d.key, defaults, told)
			}
		}
	}
}

// fields returns the values in a table by key, but no tables in it.
func fields(table any) map[string]reflect.Value {
	v := reflect.ValueOf(table)
	list := map[string]reflect.Value{}
	for i := range v.NumField() {
		f := v.Field(i)
		kind := f.Type()
		if kind.Kind() == reflect.Slice {
			kind = kind.Elem()
		}
		if kind.Kind() != reflect.Struct {
			list[v.Type().Field(i).Tag.Get("toml")] = f
		}
	}
	return list
}

// written returns a value as it is written in the file, "" for none.
func written(v reflect.Value) string {
	switch {
	case v.IsZero():
		return ""
	case v.Kind() == reflect.Pointer:
		return written(v.Elem())
	case v.Kind() == reflect.Slice:
		var list []string
		for i := range v.Len() {
			list = append(list, written(v.Index(i)))
		}
		return strings.Join(list, ", ")
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	return fmt.Sprint(v.Interface())
}

// What the README says of the files beside it is true.
func TestTheFilesThatTheReadmeNamesAreThere(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`package/[a-z./-]+[a-z]`).FindAllString(string(text), -1) {
		if _, err := os.Stat(m); err != nil {
			t.Error(err)
		}
	}
}
