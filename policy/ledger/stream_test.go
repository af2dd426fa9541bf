package ledger

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var encoded = cmpopts.IgnoreUnexported(Preamble{}, Signed{}, Record{}, Entry{})

func TestEncodings(t *testing.T) {
	cases := map[string]struct {
		value any
		want  string
	}{
		"a record":                         {put(Members, "k", "v"), "83" + "03" + "416b" + "4176"},
		"a deletion, nil":                  {Record{Table: Names, Key: []byte("k")}, "83" + "04" + "416b" + "40"},
		"a deletion, empty":                {put(Names, "k", ""), "83" + "04" + "416b" + "40"},
		"an entry":                         {Entry{Version: 300, Changes: []Record{put(Records, "a", "1")}}, "82" + "19012c" + "81" + "8301" + "4161" + "4131"},
		"an entry that changes nothing":    {Entry{Version: 1}, "82" + "01" + "80"},
		"a head":                           {Head{Place: 1, Generation: 2, Version: 3, Count: 4, Issued: 5, Expires: 6}, "88" + "010203" + "5820" + strings.Repeat("00", 32) + "5820" + strings.Repeat("00", 32) + "040506"},
		"a step":                           {Step{Place: 1, Generation: 2, Issued: 3}, "83010203"},
		"the preamble of a snapshot":       {Preamble{}, "84" + "83" + "40" + "48" + strings.Repeat("00", 8) + "40" + "80" + "f6" + "f6"},
		"the preamble of a delta from 1.0": {Preamble{Base: &Position{Generation: 1}}, "84" + "83" + "40" + "48" + strings.Repeat("00", 8) + "40" + "80" + "f6" + "83" + "0100" + "5820" + strings.Repeat("00", 32)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := hex.EncodeToString(encode(c.value)); got != c.want {
				t.Errorf("%s, want\n%s", got, c.want)
			}
		})
	}
}

func TestAnEntryHasOneForm(t *testing.T) {
	good := Entry{Version: 1, Changes: []Record{put(Records, "a", "1"), put(Records, "b", ""), put(Names, "a", "x")}}
	if got, err := DecodeEntry(good.Encode()); err != nil || !cmp.Equal(good, got, encoded) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, bad := range map[string][]byte{
		"out of order":           Entry{Changes: []Record{put(Records, "b", ""), put(Records, "a", "")}}.Encode(),
		"tables out of order":    Entry{Changes: []Record{put(Names, "a", ""), put(Records, "b", "")}}.Encode(),
		"a record twice":         Entry{Changes: []Record{put(Records, "a", "1"), put(Records, "a", "")}}.Encode(),
		"no table":               Entry{Changes: []Record{put(0, "a", "")}}.Encode(),
		"a table of a later one": Entry{Changes: []Record{put(5, "a", "")}}.Encode(),
		"no key":                 Entry{Changes: []Record{put(1, "", "x")}}.Encode(),
		"a long key":             Entry{Changes: []Record{put(1, strings.Repeat("k", MaxKey+1), "x")}}.Encode(),
		"a long value":           Entry{Changes: []Record{put(1, "k", strings.Repeat("v", MaxValue+1))}}.Encode(),
		"nothing":                nil,
		"more behind it":         append(good.Encode(), 0),
		"cut":                    good.Encode()[:9],
		"a number in long form":  {0x82, 0x18, 0x01, 0x80},
		"of no fixed length":     {0x9f, 0x01, 0x80, 0xff},
		"null for a list":        {0x82, 0x01, 0xf6},
		"null for a value":       {0x82, 0x01, 0x81, 0x83, 0x01, 0x41, 0x61, 0xf6},
		"text for bytes":         {0x82, 0x01, 0x81, 0x83, 0x01, 0x61, 0x61, 0x41, 0x61},
		"numbers for bytes":      {0x82, 0x01, 0x81, 0x83, 0x01, 0x81, 0x01, 0x41, 0x61},
		"a map":                  {0xa1, 0x01, 0x80},
		"a field too many":       {0x83, 0x01, 0x80, 0x00},
		"a field too few":        {0x81, 0x01},
		"a tag":                  {0xc1, 0x82, 0x01, 0x80},
		"a negative version":     {0x82, 0x20, 0x80},
	} {
		if e, err := DecodeEntry(bad); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestAStreamIsReadAsItWasWritten(t *testing.T) {
	head := Sign(ForHead, Head{Place: 1}, key("policy"))
	step := Sign(ForStep, Step{Place: 1}, key("root"))
	want := Preamble{Head: head, Grants: []Signed{Sign(ForGrant, Grant{}, key("root"))}, Step: &step, Base: &Position{Version: 1}}
	records := []Record{put(Records, "a", "1"), put(Members, "b", strings.Repeat("x", 5000)), put(Names, "c", "3")}
	entries := []Entry{{Version: 1}, {Version: 2, Changes: []Record{put(Names, "c", "")}}}

	open := func(b []byte) *Reader {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Preamble, encoded); diff != "" {
			t.Errorf("preamble (-want +got):\n%s", diff)
		}
		return r
	}
	var snapshot, delta bytes.Buffer
	w, err := NewWriter(&snapshot, want)
	for _, r := range records {
		err = errors.Join(err, w.Record(r))
	}
	r := open(snapshot.Bytes())
	for _, want := range records {
		if got, err := r.Record(); err != nil || !cmp.Equal(want, got, encoded) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if _, end := r.Record(); err != nil || !errors.Is(end, io.EOF) {
		t.Errorf("%v, and at the end %v", err, end)
	}
	w, err = NewWriter(&delta, want)
	for _, e := range entries {
		err = errors.Join(err, w.Entry(e.Encode()))
	}
	r = open(delta.Bytes())
	for _, want := range entries {
		got, b, err := r.Entry()
		if err != nil || !cmp.Equal(want, got, encoded, cmpopts.EquateEmpty()) || !bytes.Equal(b, want.Encode()) {
			t.Errorf("%+v, %x, %v", got, b, err)
		}
	}
	if _, _, end := r.Entry(); err != nil || !errors.Is(end, io.EOF) {
		t.Errorf("%v, and at the end %v", err, end)
	}
	for cut := range snapshot.Len() {
		r, err := NewReader(bytes.NewReader(snapshot.Bytes()[:cut]))
		n := 0
		for ; err == nil; n++ {
			_, err = r.Record()
		}
		if errors.Is(err, io.EOF) && n <= 1 && cut < 300 {
			t.Errorf("cut after %d bytes the end comes without an error", cut)
		}
	}
}

// zeros is a stream without an end.
type zeros struct {
	head []byte
	read int
}

func (z *zeros) Read(p []byte) (int, error) {
	n := copy(p, z.head)
	z.head = z.head[n:]
	clear(p[n:])
	z.read += len(p)
	return len(p), nil
}

func TestNoStreamTakesMoreMemoryThanIsAllowed(t *testing.T) {
	preamble := encode(Preamble{})
	after := func(b ...byte) []byte { return append(bytes.Clone(preamble), b...) }
	record := func(r *Reader) error { _, err := r.Record(); return err }
	entry := func(r *Reader) error { _, _, err := r.Entry(); return err }
	cases := map[string]struct {
		head []byte
		next func(*Reader) error
		most int // bytes that are read of it
	}{
		"a preamble of 4 GB":         {[]byte{0x84, 0x83, 0x5a, 0xff, 0xff, 0xff, 0xff}, nil, maxPreamble},
		"a preamble of 2^62":         {[]byte{0x84, 0x83, 0x5b, 0x40, 0, 0, 0, 0, 0, 0, 0}, nil, maxPreamble},
		"a value of 4 GB":            {after(0x83, 0x01, 0x41, 0x61, 0x5a, 0xff, 0xff, 0xff, 0xff), record, maxRecord},
		"a list of lists":            {after(bytes.Repeat([]byte{0x81}, 1000)...), record, maxRecord},
		"an entry of 4 GB":           {after(0x82, 0x01, 0x81, 0x83, 0x01, 0x41, 0x61, 0x5a, 0xff, 0xff, 0xff, 0xff), entry, MaxDeltaBytes},
		"an entry of 2^16+1 changes": {after(0x82, 0x01, 0x9a, 0, 1, 0, 1), entry, MaxDeltaBytes},
		"an entry of 2^40 changes":   {after(0x82, 0x01, 0x9b, 0, 0, 1, 0, 0, 0, 0, 0), entry, MaxDeltaBytes},
		"zeros for changes":          {after(0x82, 0x01, 0x9a, 0, 0, 0xff, 0xff), entry, MaxDeltaBytes},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			in := &zeros{head: c.head}
			r, err := NewReader(in)
			if err == nil && c.next != nil {
				err = c.next(r)
			}
			runtime.ReadMemStats(&now)
			if err == nil || in.read > c.most+2*len(preamble)+4096 {
				t.Errorf("read %d bytes: %v", in.read, err)
			}
			if allocated := now.TotalAlloc - before.TotalAlloc; allocated > 6*MaxDeltaBytes {
				t.Errorf("%d MiB allocated", allocated>>20)
			}
		})
	}
}

func TestADeltaIsBoundedAsAWhole(t *testing.T) {
	var e Entry
	for i := range 1000 {
		e.Changes = append(e.Changes, put(Records, string(SmallKey("locks", int64(i))), "x"))
	}
	small := e.Encode()
	big := Entry{Changes: []Record{put(Records, "a", strings.Repeat("x", MaxValue))}}.Encode()
	for name, c := range map[string]struct {
		entry []byte
		want  int
	}{"changes": {small, MaxDeltaChanges / 1000}, "bytes": {big, MaxDeltaBytes / len(big)}} {
		r, err := NewReader(io.MultiReader(bytes.NewReader(encode(Preamble{})), bytes.NewReader(bytes.Repeat(c.entry, c.want+2))))
		n := 0
		for ; err == nil; n++ {
			_, _, err = r.Entry()
		}
		if n-1 != c.want || !errors.Is(err, errLong) {
			t.Errorf("%s: %d entries, then %v", name, n-1, err)
		}
	}
}
