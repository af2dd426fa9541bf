package main

import (
	"encoding"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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

// least is a board that says no more than it must.
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
[[gateway]]
name = "attic"
port = "/dev/ttyUSB0"
[[door]]
name = "store"
lock = "wireless"
gateway = "attic"
channel = 1
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

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tables are the tables of a configuration, pointers to all of each kind.
func tables(c *config.Config) map[string][]any {
	list := map[string][]any{"": {c}, "api": {&c.API}}
	for i := range c.Relay {
		list["relay"] = append(list["relay"], &c.Relay[i])
	}
	for i := range c.Doors {
		list["door"] = append(list["door"], &c.Doors[i])
	}
	for i := range c.Input {
		list["input"] = append(list["input"], &c.Input[i])
	}
	for i := range c.Buses {
		list["bus"] = append(list["bus"], &c.Buses[i])
	}
	for i := range c.Gateways {
		list["gateway"] = append(list["gateway"], &c.Gateways[i])
	}
	for i := range c.Readers {
		list["reader"] = append(list["reader"], &c.Readers[i])
	}
	return list
}

func TestTheReadmeHasEveryKeyAndNoOther(t *testing.T) {
	docs, code := reference(t), tables(parse(t, least))
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
	for table, values := range tables(parse(t, least)) {
		for _, d := range docs[table] {
			if strings.HasPrefix(d.fallback, "required") {
				continue
			}
			var defaults []string
			for _, v := range values {
				if door, is := v.(*config.Door); is && door.Gateway != "" {
					continue // it had to say what it is
				}
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

// more is a board with what least has not, so that each limit matters to something.
const more = least + `
[[relay]]
channel = 2
[[relay]]
channel = 5
use = "siren"
[[door]]
name = "back"
relays = [2]
fail_mode = "fail_safe"
[[input]]
name = "panel"
channel = 2
kind = "alarm_panel"
[[input]]
name = "lid"
channel = 3
kind = "tamper"
reader = "hall"
[[input]]
name = "window"
channel = 4
kind = "rex"
doors = ["front"]
adc = "iio:device0/3"
pull_up = 2200
end_of_line = "cut_and_short_detect"
main_resistor = 4700
second_resistor = 1000
[[reader]]
name = "keys"
port = "wiegand:2"
door = "front"
keypad = "26-bit"
`

var span = regexp.MustCompile("([0-9][0-9a-z]*) to ([0-9][0-9a-z]*)")

// A range is written as 1 to 5, and choices stand between backticks: those are
// accepted, and what is beside them is not.
func TestTheReadmeHasTheLimits(t *testing.T) {
	for table, keys := range reference(t) {
		for _, d := range keys {
			for _, word := range ticked.FindAllStringSubmatch(d.limits, -1) {
				if word[1] != "true" && word[1] != "false" && !accepted(t, table, d.key, word[1]) {
					t.Errorf("[%s] %s is never %q, as the README says", table, d.key, word[1])
				}
			}
			if strings.Contains(d.limits, "`") && !refused(t, table, d.key, "nonsense") {
				t.Errorf("[%s] %s may be anything, and in the README it is one of %s", table, d.key, d.limits)
			}
			if m := span.FindStringSubmatch(d.limits); m != nil && !strings.Contains(d.limits, "`") {
				for _, bound := range m[1:] {
					if !accepted(t, table, d.key, bound) {
						t.Errorf("[%s] %s is never %s, as the README says", table, d.key, bound)
					}
				}
				for bound, by := range map[string]int64{m[1]: -1, m[2]: 1} {
					if beside := beyond(t, bound, by); !refused(t, table, d.key, beside) {
						t.Errorf("[%s] %s may be %s, and in the README it is %s", table, d.key, beside, d.limits)
					}
				}
			}
		}
	}
}

// beyond returns what is one, or a microsecond, above or below a bound.
func beyond(t *testing.T, bound string, by int64) string {
	t.Helper()
	if n, err := strconv.ParseInt(bound, 10, 64); err == nil {
		return strconv.FormatInt(n+by, 10)
	}
	d, err := time.ParseDuration(bound)
	if err != nil {
		t.Fatal(err)
	}
	return (d + time.Duration(by)*time.Microsecond).String()
}

// accepted reports whether one of the tables of a kind may have a value: nothing
// that is wrong then is about it.
func accepted(t *testing.T, table, key, value string) bool {
	return slices.ContainsFunc(complaints(t, table, key, value), func(list config.Problems) bool {
		return !slices.ContainsFunc(list, func(p string) bool { return strings.Contains(p, value) })
	})
}

// refused reports whether one of the tables of a kind must not have a value.
func refused(t *testing.T, table, key, value string) bool {
	return slices.ContainsFunc(complaints(t, table, key, value), func(list config.Problems) bool { return len(list) > 0 })
}

// complaints returns what is wrong once each table of a kind in turn has a value.
// A value that its field cannot hold is wrong, too.
func complaints(t *testing.T, table, key, value string) (list []config.Problems) {
	t.Helper()
	for i := range tables(parse(t, more))[table] {
		c := parse(t, more)
		f := fields(tables(c)[table][i])[key]
		if u, ok := f.Addr().Interface().(encoding.TextUnmarshaler); ok {
			if err := u.UnmarshalText([]byte(value)); err != nil {
				list = append(list, config.Problems{err.Error()})
				continue
			}
		} else if f.Kind() == reflect.String {
			f.SetString(value)
		} else if n, err := strconv.ParseInt(value, 10, 64); err != nil {
			list = append(list, config.Problems{err.Error()})
			continue
		} else if f.CanUint() && (n < 0 || f.OverflowUint(uint64(n))) {
			list = append(list, config.Problems{"out of range"})
			continue
		} else if f.CanUint() {
			f.SetUint(uint64(n))
		} else if f.CanInt() {
			f.SetInt(n)
		}
		list = append(list, c.Validate())
	}
	return list
}

// fields returns the values in a table by key, but no tables in it. They can be set.
func fields(table any) map[string]reflect.Value {
	v := reflect.ValueOf(table).Elem()
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
