package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"doord/policy"
)

// large are the lists of which there is much. They are not kept as such: the
// tables Credentials, Members and Names are made of them.
var large = map[string]bool{"members": true, "role_assignments": true, "credentials": true, "group_links": true}

// smallFields are all others, the place and the lists that policy.Compile needs,
// by name in the policy file: where each lies in policy.Records.
var smallFields = func() map[string]int {
	fields := map[string]int{}
	t := reflect.TypeFor[policy.Records]()
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); !large[name] {
			fields[name] = i
		}
	}
	return fields
}()

// SmallKey is the key of a record in Records: its kind as in the policy file
// ("locks"), 0, and its id, big endian. The place itself has the id 0.
func SmallKey(kind string, id int64) []byte {
	return appendNumber(append([]byte(kind), 0), id)
}

// IDKey is the key of a record in Members and Names: the low byte first, so that
// consecutive ids lie in different leaves.
func IDKey(id int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(id)) }

// Small makes a record of Records, of a struct of package policy or schedule.
func Small(kind string, id int64, record any) (Record, error) {
	body, err := json.Marshal(record)
	if err != nil {
		return Record{}, fmt.Errorf("%s %d: %w", kind, id, err)
	}
	return Record{Table: Records, Key: SmallKey(kind, id), Value: body}, nil
}

// AddSmall decodes a record of Records and adds it to r, in the order in which they
// come. A kind or a field that this doord does not know is an error.
func AddSmall(r *policy.Records, key, value []byte) error {
	at := bytes.IndexByte(key, 0)
	if at < 0 || len(key) != at+1+8 {
		return fmt.Errorf("ledger: %q is no key of a record: kind, 0 and id", key)
	}
	kind, id := string(key[:at]), number(key[at+1:])
	i, ok := smallFields[kind]
	if !ok {
		return fmt.Errorf("ledger: there are no %s: a later doord made them", kind)
	}
	field, has := reflect.ValueOf(r).Elem().Field(i), int64(0)
	record := field
	if field.Kind() == reflect.Slice {
		record = reflect.New(field.Type().Elem()).Elem()
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(record.Addr().Interface()); err != nil {
		return fmt.Errorf("ledger: %s %d: %w", kind, id, err)
	}
	if field.Kind() == reflect.Slice {
		has = record.FieldByName("ID").Int()
		field.Set(reflect.Append(field, record))
	}
	if has != id {
		return fmt.Errorf("ledger: %s %d: it says that it is %d", kind, id, has)
	}
	return nil
}
