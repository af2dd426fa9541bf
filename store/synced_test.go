package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"doord/policy"
	"doord/policy/ledger"
)

// recordsIn reads all records of a cache, in order.
func recordsIn(t testing.TB, p *Policy) (all []ledger.Record) {
	t.Helper()
	c := p.live.Load()
	if err := c.view(func(tx *bbolt.Tx) error {
		for r, err := range merged(c.file, tx, nil) {
			if err != nil {
				return err
			}
			all = append(all, ledger.Record{Table: r.Table, Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestASyncedPolicyIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := newService(t)
	s.commit(place(10))
	p, err := OpenPolicy(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Position() != (ledger.Position{}) {
		t.Errorf("an empty cache is at %v", p.Position())
	}
	if err := s.load(p); err != nil {
		t.Fatal(err)
	}
	s.agrees(t, p)
	r := place(12)
	r.Place.NamesOnControllers = true
	r.Members[0].AccessEnabled = false
	s.commit(r)
	if err := s.apply(p); err != nil {
		t.Fatal(err)
	}
	s.agrees(t, p)
	s.head.Expires = 2000
	if err := p.Renew(sign(s.head), s.head); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}

	p = openPolicy(t, dir)
	if p.Opened() != (Opened{}) {
		t.Errorf("Opened() = %+v", p.Opened())
	}
	s.agrees(t, p)
	var h policy.Holder
	if revision, found, err := p.Lookup(card(1), &h); revision != 2 || !found || err != nil || h.AccessEnabled || h.Member != 1 {
		t.Errorf("Lookup = %d, %v, %v, %+v", revision, found, err, h)
	}
	if revision, found, err := p.Member(12, &h); revision != 2 || !found || err != nil || h.Member != 12 {
		t.Errorf("Member = %d, %v, %v, %+v", revision, found, err, h)
	}
	if name, found, err := p.MemberName(12); name != "Member 12" || !found || err != nil {
		t.Errorf("MemberName = %q, %v, %v", name, found, err)
	}
	s.commit(place(3))
	if err := s.apply(p); err != nil {
		t.Fatal(err)
	}
	s.agrees(t, p)

	// A policy from a file ends it.
	if revision, err := p.Replace(place(1)); revision != 4 || err != nil {
		t.Errorf("Replace = %d, %v", revision, err)
	}
	if err := s.apply(p); p.Position() != (ledger.Position{}) || !errors.Is(err, ErrDiverged) {
		t.Errorf("a policy from a file is at %v, and Apply says %v", p.Position(), err)
	}
}

func TestAnEmptyPlaceCanBeLoaded(t *testing.T) {
	p := openPolicy(t, t.TempDir())
	s := newService(t)
	if err := s.load(p); err != nil {
		t.Fatal(err)
	}
	s.agrees(t, p)
	s.commit(place(2))
	if err := s.apply(p); err != nil {
		t.Fatal(err)
	}
	s.agrees(t, p)
}

func TestManyChangesAreAppliedAsANewFile(t *testing.T) {
	p := openPolicy(t, t.TempDir())
	s := newService(t)
	s.commit(place(3000))
	if err := s.load(p); err != nil {
		t.Fatal(err)
	}
	before := p.live.Load()
	r := place(5000)
	r.Members, r.Credentials = r.Members[1:], slices.Delete(r.Credentials, 0, 1)
	r.RoleAssignments = r.RoleAssignments[2:]
	s.commit(r)
	r.Locks[0].LockedDown = true
	s.commit(r)
	if err := s.apply(p); err != nil {
		t.Fatal(err)
	}
	if p.live.Load() == before {
		t.Error("it was done in one transaction")
	}
	s.agrees(t, p)
}

// TestAnyHistoryEndsAsItsSnapshot applies a history in any portions and compares
// with its end loaded at once.
func TestAnyHistoryEndsAsItsSnapshot(t *testing.T) {
	whole := openPolicy(t, t.TempDir())
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		p := openPolicy(t, dir)
		p.live.Load().db.NoSync = true // no power is cut here
		s := newService(t)
		if err := s.load(p); err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 6).Draw(rt, "entries") {
			r := anyPlace(rt)
			r.RoleAssignments = nil // they may be of members who are not there
			r.Place.NamesOnControllers = rapid.Bool().Draw(rt, "names")
			for i := range r.Members {
				r.Members[i].Name = fmt.Sprint("Member ", i)
			}
			s.commit(r)
			if rapid.Bool().Draw(rt, "apply") {
				if err := s.apply(p); err != nil {
					rt.Fatal(err)
				}
				s.agrees(t, p)
			}
		}
		if err := errors.Join(s.apply(p), s.load(whole)); err != nil {
			rt.Fatal(err)
		}
		s.agrees(t, p)
		s.agrees(t, whole)
		var a, b policy.Holder
		for n := range uint64(31) {
			for _, token := range []policy.Token{{Class: policy.TokenNumber, Format: "H10301", Number: n}, {Class: policy.TokenPIN, Value: fmt.Sprintf("%04d", n)}} {
				_, inA, errA := p.Lookup(token, &a)
				_, inB, errB := whole.Lookup(token, &b)
				if inA != inB || errors.Join(errA, errB) != nil || a.Credential != b.Credential || a.Member != b.Member || a.Status != b.Status || !a.Until.Equal(b.Until) {
					rt.Fatalf("%v: %+v %v, and %+v %v", token, a, errA, b, errB)
				}
			}
		}
	})
}

func TestWhatIsNotAsItsHeadSaysChangesNothing(t *testing.T) {
	diverged := map[string]func(s *service, p *Policy) error{
		"a snapshot short of a record": func(s *service, p *Policy) error {
			return p.Load(s.key, sign(s.head), s.head, each(s.live[1:]))
		},
		"a snapshot without its end": func(s *service, p *Policy) error {
			return p.Load(s.key, sign(s.head), s.head, each(s.live[:len(s.live)-1]))
		},
		"a snapshot with one value changed": func(s *service, p *Policy) error {
			other := slices.Clone(s.live)
			at := slices.IndexFunc(other, func(r ledger.Record) bool { return r.Table == ledger.Members })
			other[at].Value = bytes.Clone(other[at].Value)
			other[at].Value[4] ^= 2
			return p.Load(s.key, sign(s.head), s.head, each(other))
		},
		"a snapshot of another version": func(s *service, p *Policy) error {
			was := s.live
			s.commit(place(4))
			return p.Load(s.key, sign(s.head), s.head, each(was))
		},
		"a count that is wrong": func(s *service, p *Policy) error {
			s.head.Count++
			return p.Load(s.key, sign(s.head), s.head, each(s.live))
		},
		"a delta with a count that is wrong": func(s *service, p *Policy) error {
			s.commit(place(4))
			s.head.Count++
			return s.apply(p)
		},
		"a delta with another root": func(s *service, p *Policy) error {
			s.commit(place(4))
			s.head.Root[0]++
			return s.apply(p)
		},
		"a delta with another chain": func(s *service, p *Policy) error {
			s.commit(place(4))
			s.head.Chain[0]++
			return s.apply(p)
		},
		"a delta that was changed": func(s *service, p *Policy) error {
			s.commit(place(4))
			e := &s.entries[len(s.entries)-1]
			e.Changes = e.Changes[1:]
			return s.apply(p)
		},
		"a large delta with another root": func(s *service, p *Policy) error {
			s.commit(place(rewriteFrom))
			s.head.Root[0]++
			return s.apply(p)
		},
		"a delta with an entry left out": func(s *service, p *Policy) error {
			s.commit(place(4))
			s.commit(place(5))
			return p.Apply(sign(s.head), s.head, s.entries[2:])
		},
		"a delta short of its head": func(s *service, p *Policy) error {
			s.commit(place(4))
			s.commit(place(5))
			return p.Apply(sign(s.head), s.head, s.entries[1:2])
		},
		"a delta once more": func(s *service, p *Policy) error { return p.Apply(sign(s.head), s.head, s.entries) },
		"a delta of another place": func(s *service, p *Policy) error {
			s.commit(place(4))
			s.head.Place++
			return s.apply(p)
		},
		"a delta of another generation": func(s *service, p *Policy) error {
			s.commit(place(4))
			s.head.Generation++
			return s.apply(p)
		},
		"a head of another version": func(s *service, p *Policy) error {
			s.commit(place(4))
			return p.Renew(sign(s.head), s.head)
		},
		"a head of another root": func(s *service, p *Policy) error {
			s.head.Root[0]++
			return p.Renew(sign(s.head), s.head)
		},
	}
	unfit := map[string]func(s *service) (ledger.Record, string){
		"a kind of a later doord": func(*service) (ledger.Record, string) {
			r, _ := ledger.Small("turnstiles", 1, struct{}{})
			return r, "a later doord"
		},
		"a field of a later doord": func(*service) (ledger.Record, string) {
			r, _ := ledger.Small("locks", 1, map[string]any{"id": 1, "name": "x", "beyond": 1})
			return r, "unknown field"
		},
		"a lock that is not there": func(*service) (ledger.Record, string) {
			r, _ := ledger.Small("group_locks", 9, policy.GroupLock{ID: 9, GroupID: 1, LockID: 77})
			return r, "there is no lock 77"
		},
		"a time zone that is not there": func(s *service) (ledger.Record, string) {
			r, _ := ledger.Small("place", 0, policy.Place{ID: 1, Name: "x", TimeZone: "Europe/Atlantis"})
			return r, "Atlantis"
		},
		"a holder of a later doord": func(*service) (ledger.Record, string) {
			return ledger.Record{Table: ledger.Credentials, Key: make([]byte, 16), Value: []byte{2}}, "not a holder"
		},
		"a token's key cut short": func(*service) (ledger.Record, string) {
			b, _ := ledger.AppendHolder(nil, &policy.Holder{})
			return ledger.Record{Table: ledger.Credentials, Key: make([]byte, 15), Value: b}, "under its key"
		},
		"a member under another's id": func(*service) (ledger.Record, string) {
			b, _ := ledger.AppendHolder(nil, &policy.Holder{Member: 8})
			return ledger.Record{Table: ledger.Members, Key: ledger.IDKey(9), Value: b}, "under its key"
		},
		"a name under no id": func(*service) (ledger.Record, string) {
			return ledger.Record{Table: ledger.Names, Key: []byte("x"), Value: []byte("x")}, "under its key"
		},
	}
	cases := map[string]func(s *service, p *Policy) error{
		"a head that was not signed": func(s *service, p *Policy) error {
			signed := sign(s.head)
			s.head.Expires++
			return errors.Join(wanted(p.Load(s.key, signed, s.head, each(s.live))), wanted(p.Renew(signed, s.head)), wanted(p.Apply(signed, s.head, nil)))
		},
		"a stream that breaks": func(s *service, p *Policy) error {
			next, n := each(s.live), 0
			broken := errors.New("reset by peer")
			err := p.Load(s.key, sign(s.head), s.head, func() (ledger.Record, error) {
				if n++; n > 5 {
					return ledger.Record{}, broken
				}
				return next()
			})
			if !errors.Is(err, broken) {
				return errors.New("it is not told")
			}
			return nil
		},
		"a snapshot out of order": func(s *service, p *Policy) error {
			slices.Reverse(s.live)
			return wanted(s.load(p))
		},
		"a place key cut short": func(s *service, p *Policy) error {
			return wanted(p.Load(s.key[1:], sign(s.head), s.head, each(s.live)))
		},
		"an entry with a table of a later doord": func(s *service, p *Policy) error {
			return wanted(p.Apply(sign(s.head), s.head, []ledger.Entry{{Version: 2, Changes: []ledger.Record{{Table: 9, Key: []byte("k")}}}}))
		},
	}
	for name, f := range diverged {
		cases[name] = func(s *service, p *Policy) error {
			if err := f(s, p); !errors.Is(err, ErrDiverged) {
				return fmt.Errorf("it is not diverged: %w", err)
			}
			return nil
		}
	}
	for name, f := range unfit {
		r, want := f(nil)
		check := func(err error) error {
			if err == nil || errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), want) {
				return fmt.Errorf("%q is not in: %w", want, err)
			}
			return nil
		}
		cases[name+", by delta"] = func(s *service, p *Policy) error { s.change(r); return check(s.apply(p)) }
		cases[name+", by snapshot"] = func(s *service, p *Policy) error { s.change(r); return check(s.load(p)) }
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := openPolicy(t, dir)
			s := newService(t)
			s.commit(place(3))
			if err := s.load(p); err != nil {
				t.Fatal(err)
			}
			was := *s
			was.live, was.entries = slices.Clone(s.live), slices.Clone(s.entries)
			if err := f(s, p); err != nil {
				t.Error(err)
			}
			was.agrees(t, p)
			var h policy.Holder
			if revision, found, err := p.Lookup(card(1), &h); revision != 1 || !found || err != nil {
				t.Errorf("Lookup = %d, %v, %v", revision, found, err)
			}
			if _, err := os.Stat(filepath.Join(dir, policyFile+".new")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the unfinished file is still there: %v", err)
			}
			was.commit(place(5))
			if err := was.apply(p); err != nil {
				t.Errorf("afterwards the right delta is refused: %v", err)
			}
		})
	}
}

// wanted turns an error that must come into none.
func wanted(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return nil
}

func TestAHeadThatExpiresSoonerIsNotTaken(t *testing.T) {
	p := openPolicy(t, t.TempDir())
	s := newService(t)
	s.commit(place(1))
	if err := s.load(p); err != nil {
		t.Fatal(err)
	}
	older := s.head
	older.Expires--
	if err := p.Renew(sign(older), older); err != nil {
		t.Error(err)
	}
	s.agrees(t, p)
}

func TestAPlacesKeyComesWithItsSnapshot(t *testing.T) {
	s := newService(t)
	s.commit(place(3))
	good := t.TempDir()
	p, err := OpenPolicy(good, Options{})
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(filepath.Join(good, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Replace(place(2)); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(good, policyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.load(p), p.Close()); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(good, policyFile))
	if err != nil {
		t.Fatal(err)
	}
	// Every state that a crash can leave on the disk, and junk besides.
	cases := map[string]struct {
		key, next, db []byte
		revision      uint64
	}{
		"before it":                         {old, nil, before, 1},
		"the key is announced":              {old, s.key, before, 1},
		"the announced key is cut":          {old, s.key[:5], before, 1},
		"the policy has its name":           {old, s.key, after, 1},
		"the key has its name":              {s.key, nil, after, 1},
		"both keys are the same":            {s.key, s.key, after, 1},
		"an older key is still announced":   {s.key, old, after, 1},
		"neither of the keys fits":          {bytes.Repeat([]byte("?"), keySize), old[:9], after, 0},
		"the key is lost, one is announced": {nil, s.key, after, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, data := range map[string][]byte{keyFile: c.key, nextKeyFile: c.next, policyFile: c.db} {
				if data != nil {
					if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range 2 { // and once more after the next start
				p, err := OpenPolicy(dir, Options{})
				if err != nil {
					t.Fatal(err)
				}
				var h policy.Holder
				revision, found, err := p.Lookup(card(1), &h)
				if revision != c.revision || found != (revision > 0) || err != nil {
					t.Errorf("Lookup = %d, %v, %v", revision, found, err)
				}
				if synced := p.Position() != (ledger.Position{}); synced != (revision > 0 && bytes.Equal(c.db, after)) {
					t.Errorf("position %v", p.Position())
				}
				if _, err := os.Stat(filepath.Join(dir, nextKeyFile)); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the announced key is still there: %v", err)
				}
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}
			p := openPolicy(t, dir)
			if err := s.load(p); err != nil {
				t.Fatal(err)
			}
			s.agrees(t, p)
			if key, err := os.ReadFile(filepath.Join(dir, keyFile)); err != nil || !bytes.Equal(key, s.key) {
				t.Errorf("the place's key is %q, %v", key, err)
			}
		})
	}
}

func TestTheRevisionOfADeltaIsThatOfTheDataSeen(t *testing.T) {
	p := openPolicy(t, t.TempDir())
	s := newService(t)
	version := func(n int64) {
		r := place(1)
		r.Credentials[0].ID = n // the record says which version it was written in
		s.commit(r)
	}
	version(1)
	if err := s.load(p); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	done := make(chan int)
	for range 3 {
		go func() {
			var h policy.Holder
			seen := 0
			for last := uint64(0); ; seen++ {
				select {
				case <-stop:
					done <- seen
					return
				default:
				}
				revision, found, err := p.Lookup(card(1), &h)
				if !found || err != nil || uint64(h.Credential) != revision || revision < last {
					t.Errorf("revision %d (after %d) with the record of %d: %v, %v", revision, last, h.Credential, found, err)
				}
				last = revision
			}
		}()
	}
	for n := int64(2); n <= 40; n++ {
		if n%8 == 0 {
			s.key = bytes.Repeat([]byte{byte(n)}, keySize)
		}
		version(n)
		change := s.apply
		if n%8 == 0 { // every token has another digest
			change = s.load
		}
		if err := errors.Join(change(p), p.Check(t.Context())); err != nil {
			t.Fatal(n, err)
		}
	}
	close(stop)
	for range 3 {
		if <-done == 0 {
			t.Error("a reader saw nothing")
		}
	}
}

func TestACacheOfAnOlderSchemaIsSetAside(t *testing.T) {
	dir := t.TempDir()
	use(t, dir, policyFile)
	putMeta("schema", "\x00\x00\x00\x010.9.0")(t, filepath.Join(dir, policyFile))
	opened := use(t, dir, policyFile)
	if !opened.Created || opened.Quarantined == "" || !errors.Is(opened.Cause, ErrOlder) ||
		!strings.Contains(opened.Cause.Error(), "schema 1 of doord 0.9.0") {
		t.Errorf("Opened() = %+v", opened)
	}
	if again := use(t, dir, policyFile); again != (Opened{}) {
		t.Errorf("opened once more: %+v", again)
	}
}

func TestADamagedLeafIsFoundAndASnapshotMendsIt(t *testing.T) {
	otherLeaf := sealed(leafKey(0x200+'\x01'), make([]byte, 32))
	cases := map[string]struct {
		spoil func(tx *bbolt.Tx) error
		apply error // of a change beside it
	}{
		"a leaf is missing":     {func(tx *bbolt.Tx) error { return tx.Bucket(leavesBucket).Delete(leafKey(0x201)) }, ErrDiverged},
		"a leaf is another":     {func(tx *bbolt.Tx) error { return tx.Bucket(leavesBucket).Put(leafKey(0x201), otherLeaf) }, ErrDiverged},
		"a leaf makes no sense": {func(tx *bbolt.Tx) error { return tx.Bucket(leavesBucket).Put(leafKey(0x201), []byte("?")) }, ErrDamaged},
		"a record is missing":   {func(tx *bbolt.Tx) error { return tx.Bucket(membersBucket).Delete(ledger.IDKey(1)) }, nil},
		"a record is sealed and another": {func(tx *bbolt.Tx) error {
			key := ledger.IDKey(1)
			b, _ := ledger.AppendHolder(nil, &policy.Holder{Member: 1, AccessEnabled: true, Role: policy.RoleOwner})
			return tx.Bucket(membersBucket).Put(key, sealed(key, b))
		}, nil},
		"a record too many": {func(tx *bbolt.Tx) error {
			key := ledger.IDKey(0x301)
			b, _ := ledger.AppendHolder(nil, &policy.Holder{Member: 0x301})
			return tx.Bucket(membersBucket).Put(key, sealed(key, b))
		}, nil},
		"the leaves are gone":  {func(tx *bbolt.Tx) error { return tx.DeleteBucket(leavesBucket) }, ErrDamaged},
		"the members are gone": {func(tx *bbolt.Tx) error { return tx.DeleteBucket(membersBucket) }, ErrDamaged},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := openPolicy(t, t.TempDir())
			s := newService(t)
			r := place(3)
			s.commit(r)
			if err := s.load(p); err != nil {
				t.Fatal(err)
			}
			if err := p.live.Load().update(c.spoil); err != nil {
				t.Fatal(err)
			}
			if err := p.Check(t.Context()); !errors.Is(err, ErrDamaged) {
				t.Errorf("Check = %v", err)
			}
			r.Members[1].AccessEnabled = false
			s.commit(r)
			at := p.Position()
			if err := s.apply(p); !errors.Is(err, c.apply) {
				t.Errorf("Apply = %v", err)
			} else if c.apply != nil && p.Position() != at {
				t.Errorf("it is at %v", p.Position())
			}
			r.Members[0].AccessEnabled = false // in the leaf itself
			s.commit(r)
			if err := s.apply(p); err == nil { // which then mends it
				s.agrees(t, p)
			}
			if err := s.load(p); err != nil {
				t.Fatal(err)
			}
			s.agrees(t, p)
		})
	}
}
