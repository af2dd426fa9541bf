package store

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"slices"
	"testing"

	"doord/policy"
	"doord/policy/ledger"
)

// service is a place's log as its service keeps it, in the plainest way.
type service struct {
	t       testing.TB // nil in a child
	key     []byte     // of the place
	live    []ledger.Record
	head    ledger.Head
	entries []ledger.Entry
}

var policyKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

func newService(t testing.TB) *service {
	s := &service{t: t, key: bytes.Repeat([]byte("k"), keySize), head: ledger.Head{Place: 1, Generation: 1, Expires: 1000}}
	s.head.Root = (&ledger.Tree{}).Root()
	return s
}

func (s *service) fatal(err error) {
	if s.t == nil {
		fatal(err)
	}
	s.t.Helper()
	s.t.Fatal(err)
}

// commit brings the place to these records with one entry.
func (s *service) commit(r *policy.Records) {
	all, err := ledger.FromRecords(r, s.key)
	if err != nil {
		s.fatal(err)
	}
	next := slices.Collect(all)
	var changes []ledger.Record
	old := s.live
	for _, r := range next {
		for len(old) > 0 && ledger.Compare(old[0], r) < 0 {
			changes = append(changes, ledger.Record{Table: old[0].Table, Key: old[0].Key})
			old = old[1:]
		}
		same := len(old) > 0 && ledger.Compare(old[0], r) == 0
		if !same || !bytes.Equal(old[0].Value, r.Value) {
			changes = append(changes, r)
		}
		if same {
			old = old[1:]
		}
	}
	for _, r := range old {
		changes = append(changes, ledger.Record{Table: r.Table, Key: r.Key})
	}
	s.change(changes...)
}

// change appends an entry of changes that are in order.
func (s *service) change(changes ...ledger.Record) {
	e := ledger.Entry{Version: s.head.Version + 1, Changes: changes}
	if err := e.Check(); err != nil {
		s.fatal(err)
	}
	s.entries = append(s.entries, e)
	merged := make([]ledger.Record, 0, len(s.live)+len(changes))
	old := s.live
	for _, c := range changes {
		for len(old) > 0 && ledger.Compare(old[0], c) < 0 {
			merged, old = append(merged, old[0]), old[1:]
		}
		if len(old) > 0 && ledger.Compare(old[0], c) == 0 {
			old = old[1:]
		}
		if len(c.Value) > 0 {
			merged = append(merged, c)
		}
	}
	s.live = append(merged, old...)
	var b ledger.Builder
	for _, r := range s.live {
		if err := b.Add(r); err != nil {
			s.fatal(err)
		}
	}
	tree := b.Finish()
	s.head.Version, s.head.Chain = e.Version, s.head.Chain.Next(e.Encode())
	s.head.Root, s.head.Count = tree.Root(), tree.Count
}

func sign(h ledger.Head) ledger.Signed { return ledger.Sign(ledger.ForHead, h, policyKey) }

func each(records []ledger.Record) func() (ledger.Record, error) {
	return func() (ledger.Record, error) {
		if len(records) == 0 {
			return ledger.Record{}, io.EOF
		}
		r := records[0]
		records = records[1:]
		return r, nil
	}
}

// load gives a controller the whole place.
func (s *service) load(p *Policy) error {
	return p.Load(s.key, sign(s.head), s.head, each(s.live))
}

// apply gives it what follows from where it is.
func (s *service) apply(p *Policy) error {
	return p.Apply(sign(s.head), s.head, s.entries[p.Position().Version:])
}

// agrees fails unless the cache holds what the service has, and nothing else.
func (s *service) agrees(t testing.TB, p *Policy) {
	t.Helper()
	signed, head := p.Head()
	if p.Position() != s.head.Position() || head != s.head || !bytes.Equal(signed.Body, sign(s.head).Body) {
		t.Fatalf("position %v, head %+v; want %v, %+v", p.Position(), head, s.head.Position(), s.head)
	}
	if _, revision, err := p.Records(); revision != s.head.Version || err != nil {
		t.Fatalf("revision %d, %v; want %d", revision, err, s.head.Version)
	}
	if got := recordsIn(t, p); !slices.EqualFunc(got, s.live, sameRecord) {
		t.Fatalf("%d records in the cache, %d at the service, or others", len(got), len(s.live))
	}
	if err := p.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func sameRecord(a, b ledger.Record) bool {
	return ledger.Compare(a, b) == 0 && bytes.Equal(a.Value, b.Value)
}
