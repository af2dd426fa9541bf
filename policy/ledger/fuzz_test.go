package ledger

import (
	"bytes"
	"testing"

	"doord/policy"
)

// What comes over the network. What parses must encode to the same bytes.

func FuzzEntry(f *testing.F) {
	f.Add(Entry{Version: 1}.Encode())
	f.Add(Entry{Version: 1 << 40, Changes: []Record{put(Records, "a", "1"), put(Names, "b", "")}}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := DecodeEntry(b)
		if err != nil {
			return
		}
		if again := e.Encode(); !bytes.Equal(again, b) {
			t.Fatalf("%x read and written again is %x", b, again)
		}
	})
}

func FuzzHead(f *testing.F) {
	f.Add(encode(Head{}))
	f.Add(encode(Head{Place: 1, Version: 1 << 40, Chain: Hash{1}, Expires: -1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Head
		if (Signed{Body: b}).Peek(&h) != nil {
			return
		}
		if again := encode(h); !bytes.Equal(again, b) {
			t.Fatalf("%x read and written again is %x", b, again)
		}
		if p, err := ParsePosition(h.Position().String()); p != h.Position() || err != nil {
			t.Fatalf("%v: %v", p, err)
		}
	})
}

func FuzzSigned(f *testing.F) {
	k := key("policy")
	f.Add(Signed{}.Encode())
	f.Add(Sign(ForHead, Head{Place: 1}, k).Encode())
	trust := NewTrust(public(k))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSigned(b)
		if err != nil {
			return
		}
		if again := s.Encode(); !bytes.Equal(again, b) {
			t.Fatalf("%x read and written again is %x", b, again)
		}
		var h Head
		if s.Open(ForStep, public(k), &h) == nil || trust.Grant([]Signed{s}) == nil {
			t.Fatal("nobody signed that")
		}
	})
}

func FuzzStream(f *testing.F) {
	var snapshot, delta bytes.Buffer
	step := Sign(ForStep, Step{Place: 1}, key("root"))
	w, _ := NewWriter(&snapshot, Preamble{Head: Sign(ForHead, Head{}, key("policy")), Grants: []Signed{step}, Step: &step})
	_ = w.Record(put(Records, "a", "1"))
	_ = w.Record(put(Names, "b", "2"))
	w, _ = NewWriter(&delta, Preamble{Base: &Position{Version: 1}})
	_ = w.Entry(Entry{Version: 2, Changes: []Record{put(Names, "b", "")}}.Encode())
	f.Add(snapshot.Bytes())
	f.Add(delta.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		var again bytes.Buffer
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		w, _ := NewWriter(&again, r.Preamble)
		for err == nil {
			if r.Base == nil {
				var rec Record
				if rec, err = r.Record(); err == nil {
					_ = w.Record(rec)
				}
			} else {
				var e Entry
				var raw []byte
				if e, raw, err = r.Entry(); err == nil {
					_ = w.Entry(raw)
					if !bytes.Equal(raw, e.Encode()) {
						t.Fatalf("%x is not %x", raw, e.Encode())
					}
				}
			}
		}
		if !bytes.HasPrefix(b, again.Bytes()) {
			t.Fatalf("%x read and written again is %x", b, again.Bytes())
		}
	})
}

func FuzzSmall(f *testing.F) {
	f.Add(SmallKey("locks", 1), []byte(`{"id":1,"name":"Gate"}`))
	f.Add(SmallKey("place", 0), []byte(`{"id":1,"name":"Works","time_zone":"Europe/Berlin"}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		var r policy.Records
		if AddSmall(&r, key, value) != nil {
			return
		}
		n := 0
		all, err := smallRecords(&r)
		for _, x := range all {
			if bytes.Equal(x.Key, key) {
				n++
			}
		}
		if err != nil || n != 1 {
			t.Fatalf("%q is not under its key: %v, %v", value, all, err)
		}
		_ = r.Validate()
	})
}

func FuzzHolder(f *testing.F) {
	for _, h := range []policy.Holder{
		{},
		{Credential: 1, Kind: policy.KindCard, Status: policy.Activated, Member: 2, AccessEnabled: true, Role: policy.RoleOwner,
			Groups: []policy.Membership{{Group: 1}, {Group: 2}}},
	} {
		b, err := AppendHolder(nil, &h)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h policy.Holder
		if DecodeHolder(b, &h) != nil {
			if h.Member != 0 || h.Credential != 0 || len(h.Groups) != 0 || h.AccessEnabled {
				t.Fatalf("an error left a holder behind: %+v", h)
			}
			return
		}
		if len(h.Groups) > maxGroups {
			return // more than any record may have
		}
		again, err := AppendHolder(nil, &h)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x read and written again is %x, %v", b, again, err)
		}
	})
}

func FuzzPosition(f *testing.F) {
	f.Add(Position{Generation: 1, Version: 2}.String())
	f.Add("1.2.")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ParsePosition(s); err == nil && p.String() != s {
			t.Fatalf("%q read and written again is %q", s, p)
		}
	})
}
