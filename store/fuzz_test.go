package store

import (
	"bytes"
	"testing"
	"time"

	"doord/policy"
)

// What a damaged or forged file can hold: the seal is made right, so that the
// fuzzer gets past it.

func FuzzHolder(f *testing.F) {
	key := []byte("0123456789abcdef")
	for _, h := range []policy.Holder{
		{},
		{Credential: 1, Kind: policy.KindCard, Status: policy.Activated, Member: 2, AccessEnabled: true, Role: policy.RoleOwner,
			Validity: policy.Validity{From: time.Unix(1, 0)}, Groups: []policy.Membership{{Group: 1}, {Group: 2}}},
	} {
		b, err := appendHolder(nil, key, &h)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:len(b)-sealSize])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		value := sealed(key, body)
		var h policy.Holder
		if decodeHolder(key, value, &h) != nil {
			if h.Member != 0 || h.Credential != 0 || len(h.Groups) != 0 || h.AccessEnabled {
				t.Fatalf("an error left a holder behind: %+v", h)
			}
			return
		}
		again, err := appendHolder(nil, key, &h)
		if err != nil || !bytes.Equal(again, value) {
			t.Fatalf("%x read and written again is %x, %v", value, again, err)
		}
		if decodeHolder(key, body, &h) == nil || decodeHolder(key[1:], value, &h) == nil {
			t.Fatal("the seal does not matter")
		}
	})
}

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
