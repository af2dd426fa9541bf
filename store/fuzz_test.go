package store

import (
	"bytes"
	"testing"
)

// What a damaged or forged file can hold: the seal is made right, so that the
// fuzzer gets past it.

func FuzzRecord(f *testing.F) {
	g := group{bootID: "boot"}
	for i := range 3 {
		e := happened(i)
		g.add(&e)
		f.Add(g.values[i][:len(g.values[i])-sealSize])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		key := idKey(1)
		r, err := decodeRecord(key, sealed(key, body))
		if err != nil {
			return
		}
		if again := append(r.Hash[:], r.json()...); !bytes.Equal(again, body) {
			t.Fatalf("%q read and written again is %q", body, again)
		}
		var line Record
		text, err := r.MarshalJSON()
		if err == nil {
			err = line.UnmarshalJSON(text)
		}
		if err != nil || line.Hash != r.Hash || !bytes.Equal(line.json(), r.json()) {
			t.Fatalf("%q as JSON is %q, and that %q, %v", body, text, line.json(), err)
		}
	})
}
