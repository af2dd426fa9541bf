package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"doord/policy"
)

// FromRecords yields all records of a place in the order of a snapshot. They must be
// valid. What is yielded is not to be changed.
func FromRecords(r *policy.Records, placeKey []byte) (iter.Seq[Record], error) {
	small, err := smallRecords(r)
	if err != nil {
		return nil, err
	}
	credentials, err := credentialRecords(r, placeKey)
	if err != nil {
		return nil, err
	}
	members, names, err := memberRecords(r)
	if err != nil {
		return nil, err
	}
	return func(yield func(Record) bool) {
		for i := range small {
			if !yield(small[i]) {
				return
			}
		}
		_ = credentials.each(Credentials, yield) && members.each(Members, yield) && names.each(Names, yield)
	}, nil
}

func smallRecords(r *policy.Records) ([]Record, error) {
	var all []Record
	v := reflect.ValueOf(r).Elem()
	for kind, i := range smallFields {
		field := v.Field(i)
		if field.Kind() != reflect.Slice {
			record, err := Small(kind, 0, field.Addr().Interface())
			if err != nil {
				return nil, err
			}
			all = append(all, record)
			continue
		}
		for i := range field.Len() {
			record, err := Small(kind, field.Index(i).FieldByName("ID").Int(), field.Index(i).Addr().Interface())
			if err != nil {
				return nil, err
			}
			all = append(all, record)
		}
	}
	slices.SortFunc(all, Compare)
	for i := 1; i < len(all); i++ {
		if Compare(all[i-1], all[i]) == 0 {
			kind, id, _ := bytes.Cut(all[i].Key, []byte{0})
			return nil, fmt.Errorf("two %s have the id %d", kind, number(id))
		}
	}
	return all, nil
}

func credentialRecords(r *policy.Records, placeKey []byte) (*rows, error) {
	t := &rows{at: make([]row, 0, len(r.Credentials)+len(r.GroupLinks))}
	d := NewDigester(placeKey)
	for token, holder := range r.Tokens() {
		t.key(func(b []byte) []byte { return d.Append(b, token) })
		if err := t.holder(holder); err != nil {
			return nil, fmt.Errorf("credential %d: %w", holder.Credential, err)
		}
	}
	if a, b, twice := t.sort(); twice {
		return nil, fmt.Errorf("credentials %d and %d are the same token", number(t.data[a.value+8:]), number(t.data[b.value+8:]))
	}
	return t, nil
}

func memberRecords(r *policy.Records) (members, names *rows, err error) {
	members, names = &rows{at: make([]row, 0, len(r.Members))}, &rows{}
	for m, holder := range r.People() {
		id := func(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, uint64(m.ID)) }
		members.key(id)
		if err := members.holder(holder); err != nil {
			return nil, nil, fmt.Errorf("member %d: %w", m.ID, err)
		}
		if r.Place.NamesOnControllers && m.Name != "" {
			names.key(id)
			names.end(append(names.data, m.Name...))
		}
	}
	if a, _, twice := members.sort(); twice {
		return nil, nil, fmt.Errorf("two members have the id %d", binary.LittleEndian.Uint64(members.data[a.key:]))
	}
	names.sort()
	return members, names, nil
}

// rows gathers the records of a large table in one piece of memory: there may be
// millions.
type rows struct {
	data []byte
	at   []row
}

// row is where a key and its value lie in the data.
type row struct{ key, value, end int }

// key begins a record.
func (t *rows) key(add func([]byte) []byte) {
	start := len(t.data)
	t.data = add(t.data)
	t.at = append(t.at, row{key: start, value: len(t.data)})
}

// end ends it; data is all until then.
func (t *rows) end(data []byte) {
	t.data = data
	t.at[len(t.at)-1].end = len(data)
}

func (t *rows) holder(h *policy.Holder) error {
	data, err := AppendHolder(t.data, h)
	t.end(data)
	return err
}

// sort puts the records in the order of their keys, and finds two with one key.
func (t *rows) sort() (a, b row, twice bool) {
	compare := func(a, b row) int { return bytes.Compare(t.data[a.key:a.value], t.data[b.key:b.value]) }
	slices.SortFunc(t.at, compare)
	for i := 1; i < len(t.at); i++ {
		if a, b = t.at[i-1], t.at[i]; compare(a, b) == 0 {
			return a, b, true
		}
	}
	return a, b, false
}

func (t *rows) each(table Table, yield func(Record) bool) bool {
	for _, r := range t.at {
		if !yield(Record{Table: table, Key: t.data[r.key:r.value:r.value], Value: t.data[r.value:r.end:r.end]}) {
			return false
		}
	}
	return true
}
