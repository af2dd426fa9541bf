package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"doord/policy"
	"doord/policy/ledger"
)

const policyFile = "policy.db"

var (
	recordsBucket     = []byte("records")     // kind ‖ 0 ‖ id → JSON
	credentialsBucket = []byte("credentials") // digest of a token → holder
	membersBucket     = []byte("members")     // id → holder
	namesBucket       = []byte("names")       // id → name, if the place allows it
	leavesBucket      = []byte("leaves")      // number of a leaf → hash

	keyProof = []byte("key")  // proof of place.key
	keyHead  = []byte("head") // ledger.Signed of the head, or nothing

	// buckets are those of the tables, which hold the same records.
	buckets = map[ledger.Table][]byte{ledger.Records: recordsBucket, ledger.Credentials: credentialsBucket,
		ledger.Members: membersBucket, ledger.Names: namesBucket}
)

// Schema 1 had its ids big endian and no leaves.
var policyLayout = layout{name: policyFile, marker: "doord policy", dropped: 1}

// Policy is the cache of a place's policy. Its methods may be called from any
// goroutine.
type Policy struct {
	dir    string
	o      Options
	lock   *os.File
	opened Opened

	live    atomic.Pointer[cache]  // replaced whole by Replace and Load
	synced  atomic.Pointer[synced] // the head of what is live; nil without one
	lookups sync.Pool              // of *lookup

	replacing sync.Mutex // held by whoever changes the policy
	revision  uint64     // in force; under replacing
}

// cache is a policy's file, with the key that its digests were made under.
type cache struct {
	*file
	key placeKey
}

// OpenPolicy opens the cache in dir, which is made if need be. Only what is small
// is read, however many credentials there are. A damaged file is set aside and an
// empty one begun: see Opened. ErrInUse and ErrNewer leave everything untouched.
func OpenPolicy(dir string, o Options) (_ *Policy, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, advise(err)
	}
	p := &Policy{dir: dir, o: o.withDefaults()}
	if p.lock, err = lockFile(dir, policyFile); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.lock.Close() // it is the first error that matters
		}
	}()
	key, err := loadKey(dir)
	if err != nil {
		return nil, err
	}
	next := announcedKey(dir)
	p.lookups.New = func() any { return newLookup() }
	scan := policyScan{keys: []placeKey{key, next}}
	f, opened, err := policyLayout.open(dir, p.o, scan.read, func(f *file) error {
		return fillLocal(f, key, 0, &policy.Records{})
	})
	if err != nil {
		return nil, err
	}
	p.opened, p.revision = opened, scan.revision
	p.live.Store(&cache{f, scan.key})
	p.synced.Store(scan.synced)
	if err = settleKey(dir, next != nil && scan.key.proves(next.proof())); err != nil {
		return nil, errors.Join(advise(err), f.close())
	}
	return p, nil
}

// policyScan is the quick look: which of the keys it is, the head, the small
// records, and that the large buckets are there.
type policyScan struct {
	keys []placeKey

	key      placeKey
	synced   *synced
	revision uint64
}

func (s *policyScan) read(f *file, tx *bbolt.Tx) error {
	proof, err := metaValue(f, tx, keyProof)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.keys, func(k placeKey) bool { return k != nil && k.proves(proof) })
	if i < 0 {
		return damage(f.path, "meta", "its digests were not made with the %s beside it", keyFile)
	}
	s.key = s.keys[i]
	if s.synced, err = readHead(f, tx); err != nil {
		return err
	}
	_, s.revision, err = records(f, tx)
	return err
}

// Opened tells what OpenPolicy found.
func (p *Policy) Opened() Opened { return p.opened }

// Close waits for look-ups in flight. Calls after it return ErrClosed.
func (p *Policy) Close() error {
	p.replacing.Lock()
	defer p.replacing.Unlock()
	return errors.Join(p.live.Load().close(), p.lock.Close())
}

// view runs fn on the policy in force. If a Replace or a Load takes the file away before
// fn begins, the new one serves.
func (p *Policy) view(fn func(*file, *bbolt.Tx) error) error {
	for {
		f := p.live.Load()
		err := f.view(func(tx *bbolt.Tx) error { return fn(f.file, tx) })
		if !errors.Is(err, berrors.ErrDatabaseNotOpen) {
			return err
		}
		if p.live.Load() == f {
			return fmt.Errorf("store: %s: %w", policyFile, ErrClosed)
		}
	}
}

// Records returns the records that policy.Compile needs, which are all but
// members, role assignments, credentials and links, and their revision. A cache
// that was never filled has revision 0.
func (p *Policy) Records() (r policy.Records, revision uint64, err error) {
	err = p.view(func(f *file, tx *bbolt.Tx) (err error) {
		r, revision, err = records(f, tx)
		return err
	})
	return r, revision, err
}

func records(f *file, tx *bbolt.Tx) (policy.Records, uint64, error) {
	for _, name := range [][]byte{recordsBucket, credentialsBucket, membersBucket, namesBucket, leavesBucket} {
		if tx.Bucket(name) == nil {
			return policy.Records{}, 0, damage(f.path, "its buckets", "one is missing")
		}
	}
	r, err := smallRecords(f, tx)
	return r, tx.Bucket(credentialsBucket).Sequence(), err
}

// smallRecords reads them, those of a kind in the order of ids.
func smallRecords(f *file, tx *bbolt.Tx) (r policy.Records, err error) {
	c := tx.Bucket(recordsBucket).Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		body, err := unseal(key, value)
		if err != nil {
			return policy.Records{}, damage(f.path, string(recordsBucket), "record %q: %v", key, err)
		}
		// What is sealed is what was written: if it cannot be read, then by a
		// doord that knows more of it than this one.
		if err := ledger.AddSmall(&r, key, body); err != nil {
			return policy.Records{}, fmt.Errorf("store: %s: %w: %w", f.path, err, ErrNewer)
		}
	}
	return r, nil
}

// lookup is the working memory of one look-up. It is used again and again, so
// that a look-up allocates nothing of its own.
type lookup struct {
	place  placeKey // of the digester
	digest *ledger.Digester
	key    []byte
	read   func(*bbolt.Tx) error // l.get, bound once

	bucket   []byte
	holder   *policy.Holder
	revision uint64
	found    bool
	wrong    error
}

func newLookup() *lookup {
	l := &lookup{key: make([]byte, 0, 128)}
	l.read = l.get
	return l
}

// aim sets the key of a token's record, digested under the key of a cache.
func (l *lookup) aim(c *cache, token *policy.Token) {
	if !bytes.Equal(l.place, c.key) {
		l.place, l.digest = c.key, ledger.NewDigester(c.key)
	}
	l.key = l.digest.Append(l.key[:0], *token)
}

// get runs in the read transaction. The revision is the bucket's sequence, which
// lies in the bucket's head: it costs no second Get and is of the very data seen.
func (l *lookup) get(tx *bbolt.Tx) error {
	b := tx.Bucket(l.bucket)
	if b == nil {
		l.wrong = errMissing
		return nil
	}
	l.revision = b.Sequence()
	value := b.Get(l.key)
	if value == nil {
		return nil
	}
	l.wrong = unsealHolder(l.key, value, l.holder)
	l.found = l.wrong == nil
	return nil
}

// unsealHolder reads a sealed holder. After an error h holds nothing.
func unsealHolder(key, value []byte, h *policy.Holder) error {
	h.Reset()
	body, err := unseal(key, value)
	if err != nil {
		return err
	}
	return ledger.DecodeHolder(body, h)
}

var errMissing = errors.New("the bucket is missing")

// Lookup finds who holds a token and copies the record into h, whose memory it
// uses again. It returns the revision of the policy that it looked into, also
// when nothing was found. After an error, ErrDamaged above all, h holds nothing:
// a record that cannot be trusted opens no door.
func (p *Policy) Lookup(token policy.Token, h *policy.Holder) (revision uint64, found bool, err error) {
	l := p.lookups.Get().(*lookup)
	defer p.lookups.Put(l)
	return l.run(p, credentialsBucket, &token, h)
}

// Member finds a member by id, as Lookup does by token: for a request that came
// by network from somebody who has signed in, and for what-if.
func (p *Policy) Member(member int64, h *policy.Holder) (revision uint64, found bool, err error) {
	l := p.lookups.Get().(*lookup)
	defer p.lookups.Put(l)
	l.key = append(l.key[:0], ledger.IDKey(member)...)
	return l.run(p, membersBucket, nil, h)
}

func (l *lookup) run(p *Policy, bucket []byte, token *policy.Token, h *policy.Holder) (uint64, bool, error) {
	h.Reset()
	for {
		l.bucket, l.holder, l.revision, l.found, l.wrong = bucket, h, 0, false, nil
		f := p.live.Load()
		if token != nil {
			l.aim(f, token)
		}
		err := f.view(l.read)
		l.holder = nil
		switch {
		case err == nil && l.wrong == nil:
			return l.revision, l.found, nil
		case err == nil:
			return l.revision, false, damage(f.path, string(bucket), "%v", l.wrong)
		case !errors.Is(err, berrors.ErrDatabaseNotOpen):
			h.Reset()
			return 0, false, err
		case p.live.Load() == f:
			return 0, false, fmt.Errorf("store: %s: %w", policyFile, ErrClosed)
		}
	}
}

// MemberName returns a member's name, for the technician. Names are kept only
// where the place has NamesOnControllers.
func (p *Policy) MemberName(member int64) (name string, found bool, err error) {
	err = p.view(func(f *file, tx *bbolt.Tx) error {
		b := tx.Bucket(namesBucket)
		if b == nil {
			return damage(f.path, string(namesBucket), "%v", errMissing)
		}
		key := ledger.IDKey(member)
		value := b.Get(key)
		if value == nil {
			return nil
		}
		body, err := unseal(key, value)
		if err != nil {
			return damage(f.path, string(namesBucket), "%v", err)
		}
		name, found = string(body), true
		return nil
	})
	return name, found, err
}
