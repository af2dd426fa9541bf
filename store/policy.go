package store

import (
	"errors"
	"fmt"
	"hash"
	"os"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"doord/policy"
)

const policyFile = "policy.db"

var (
	credentialsBucket = []byte("credentials") // digest of a token → holder
	membersBucket     = []byte("members")     // id → holder
	namesBucket       = []byte("names")       // id → name, if the place allows it

	keyProof = []byte("key") // proof of place.key
)

var policyLayout = layout{name: policyFile, marker: "doord policy"}

// Policy is the cache of a place's policy. Its methods may be called from any
// goroutine.
type Policy struct {
	dir    string
	o      Options
	lock   *os.File
	key    placeKey
	opened Opened

	live    atomic.Pointer[file] // replaced whole by Replace
	lookups sync.Pool            // of *lookup

	replacing sync.Mutex
	revision  uint64 // in force; under replacing
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
	if p.key, err = loadKey(dir); err != nil {
		return nil, err
	}
	p.lookups.New = func() any { return newLookup(p.key) }
	f, opened, err := policyLayout.open(dir, p.o, p.scan, func(f *file) error {
		return fillPolicy(f, p.key, 0, &policy.Records{})
	})
	if err != nil {
		return nil, err
	}
	p.opened = opened
	p.live.Store(f)
	if _, p.revision, err = p.Records(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return p, nil
}

// scan is the quick look: the key, the small records, and that the large buckets
// are there.
func (p *Policy) scan(f *file, tx *bbolt.Tx) error {
	proof, err := metaValue(f, tx, keyProof)
	if err != nil {
		return err
	}
	if !p.key.proves(proof) {
		return damage(f.path, "meta", "its digests were not made with the %s beside it", keyFile)
	}
	_, _, err = records(f, tx)
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

// view runs fn on the policy in force. If a Replace takes the file away before fn
// begins, the new one serves.
func (p *Policy) view(fn func(*file, *bbolt.Tx) error) error {
	for {
		f := p.live.Load()
		err := f.view(func(tx *bbolt.Tx) error { return fn(f, tx) })
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
	small, credentials := tx.Bucket(recordsBucket), tx.Bucket(credentialsBucket)
	if small == nil || credentials == nil || tx.Bucket(membersBucket) == nil || tx.Bucket(namesBucket) == nil {
		return policy.Records{}, 0, damage(f.path, "its buckets", "one is missing")
	}
	r, err := getRecords(f, small)
	return r, credentials.Sequence(), err
}

// lookup is the working memory of one look-up. It is used again and again, so
// that a look-up allocates nothing of its own.
type lookup struct {
	hash hash.Hash
	key  []byte
	read func(*bbolt.Tx) error // l.get, bound once

	bucket   []byte
	holder   *policy.Holder
	revision uint64
	found    bool
	wrong    error
}

func newLookup(key placeKey) *lookup {
	l := &lookup{hash: key.hash(), key: make([]byte, 0, 128)}
	l.read = l.get
	return l
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
	l.wrong = decodeHolder(l.key, value, l.holder)
	l.found = l.wrong == nil
	return nil
}

var errMissing = errors.New("the bucket is missing")

// Lookup finds who holds a token and copies the record into h, whose memory it
// uses again. It returns the revision of the policy that it looked into, also
// when nothing was found. After an error, ErrDamaged above all, h holds nothing:
// a record that cannot be trusted opens no door.
func (p *Policy) Lookup(token policy.Token, h *policy.Holder) (revision uint64, found bool, err error) {
	l := p.lookups.Get().(*lookup)
	defer p.lookups.Put(l)
	l.key = appendDigest(l.key[:0], l.hash, token)
	return l.run(p, credentialsBucket, h)
}

// Member finds a member by id, as Lookup does by token: for a request that came
// by network from somebody who has signed in, and for what-if.
func (p *Policy) Member(member int64, h *policy.Holder) (revision uint64, found bool, err error) {
	l := p.lookups.Get().(*lookup)
	defer p.lookups.Put(l)
	l.key = appendID(l.key[:0], member)
	return l.run(p, membersBucket, h)
}

func (l *lookup) run(p *Policy, bucket []byte, h *policy.Holder) (uint64, bool, error) {
	h.Reset()
	for {
		l.bucket, l.holder, l.revision, l.found, l.wrong = bucket, h, 0, false, nil
		f := p.live.Load()
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
		key := appendID(nil, member)
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
