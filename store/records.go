package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strings"

	"go.etcd.io/bbolt"

	"doord/policy"
)

var recordsBucket = []byte("records")

// large are the records of which there are many. They are not kept as such: the
// cache keeps the holders that are made of them.
var large = map[string]bool{"members": true, "role_assignments": true, "credentials": true, "group_links": true}

// small yields every other field of the records, the place and the lists that
// policy.Compile needs, with its name in the policy file.
func small(r *policy.Records) iter.Seq2[string, reflect.Value] {
	v := reflect.ValueOf(r).Elem()
	return func(yield func(string, reflect.Value) bool) {
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if !large[name] && !yield(name, v.Field(i)) {
				return
			}
		}
	}
}

// putRecords writes the small records as the policy file does, one value a record,
// under name ‖ 0 ‖ id. Two of a kind with one id are an error.
func putRecords(b *bbolt.Bucket, r *policy.Records) error {
	put := func(name string, id int64, record reflect.Value) error {
		body, err := json.Marshal(record.Addr().Interface())
		if err != nil {
			return fmt.Errorf("%s %d: %w", name, id, err)
		}
		key := appendID(append([]byte(name), 0), id)
		if b.Get(key) != nil {
			return fmt.Errorf("two %s have the id %d", name, id)
		}
		return b.Put(key, sealed(key, body))
	}
	for name, field := range small(r) {
		if field.Kind() != reflect.Slice {
			if err := put(name, 0, field); err != nil {
				return err
			}
			continue
		}
		for i := range field.Len() {
			if err := put(name, field.Index(i).FieldByName("ID").Int(), field.Index(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// getRecords reads them back, those of a kind in the order of ids.
func getRecords(f *file, b *bbolt.Bucket) (r policy.Records, err error) {
	for name, field := range small(&r) {
		prefix := append([]byte(name), 0)
		c := b.Cursor()
		for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
			body, err := unseal(key, value)
			if err != nil {
				return policy.Records{}, damage(f.path, string(recordsBucket), "%s %x: %v", name, key[len(prefix):], err)
			}
			record := field
			if field.Kind() == reflect.Slice {
				field.Set(reflect.Append(field, reflect.Zero(field.Type().Elem())))
				record = field.Index(field.Len() - 1)
			}
			// What is sealed is what was written: if it cannot be read, then by a
			// doord that knows more of it than this one.
			if err := json.Unmarshal(body, record.Addr().Interface()); err != nil {
				return policy.Records{}, fmt.Errorf("store: %s: %s: %w: %w", f.path, name, err, ErrNewer)
			}
		}
	}
	return r, nil
}
