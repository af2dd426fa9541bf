package fleet

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"doord/policy/ledger"
	"doord/store/cloudsync"
)

// KeysFile is what the service signs with, in its folder.
const KeysFile = "keys.json"

const (
	rootFile = "root.key"

	grantYears     = 5                    // signed when the service is set up
	grantLife      = 365 * 24 * time.Hour // from one policy key to the next
	grantBefore    = 30 * 24 * time.Hour  // a key is good before its turn, for controllers whose clock is behind
	grantAfter     = 60 * 24 * time.Hour  // and after it
	lastGrantAlarm = 30 * 24 * time.Hour
)

// keyFile is keys.json: all that the service signs with, and what the root said of it.
type keyFile struct {
	Version  int            `json:"version"`
	Root     []byte         `json:"root"` // public
	CA       []byte         `json:"ca"`   // certificate, DER
	CAKey    []byte         `json:"ca_key"`
	Identity ledger.Signed  `json:"identity"`
	Policy   []policyKey    `json:"policy"` // the first first
	grants   []ledger.Grant // of Policy
	private  []ed25519.PrivateKey
	ca       *x509.Certificate
	caKey    *ecdsa.PrivateKey
}

// policyKey signs heads, commands and receipts for a time.
type policyKey struct {
	Seed  []byte        `json:"seed"`
	Grant ledger.Signed `json:"grant"`
}

// keyring is the key file in use.
type keyring struct {
	mu      sync.RWMutex
	file    *keyFile
	changed time.Time // of the file, when it was read
}

func (k *keyring) open(dir string, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, KeysFile)); errors.Is(err, fs.ErrNotExist) {
		if err := makeKeys(dir, now); err != nil {
			return err
		}
	}
	return k.refresh(dir)
}

// refresh reads the file if it is another one.
func (k *keyring) refresh(dir string) error {
	path := filepath.Join(dir, KeysFile)
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file != nil && info.ModTime().Equal(k.changed) {
		return nil
	}
	file, err := readKeys(path)
	if err != nil {
		return err
	}
	if k.file != nil && string(k.file.Root) != string(file.Root) {
		return fmt.Errorf("fleet: %s is of another root: it is not used", path)
	}
	k.file, k.changed = file, info.ModTime()
	return nil
}

func (k *keyring) now() *keyFile {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.file
}

func (k *keyring) fingerprint() ledger.Fingerprint { return ledger.FingerprintOf(k.now().Root) }

func (k *keyring) last() time.Time { return k.now().last() }

func (f *keyFile) last() time.Time {
	var last int64
	for _, g := range f.grants {
		last = max(last, g.NotAfter)
	}
	return time.Unix(last, 0)
}

// signed are the grants as controllers take them.
func (f *keyFile) signed() []ledger.Signed {
	all := make([]ledger.Signed, len(f.Policy))
	for i, p := range f.Policy {
		all[i] = p.Grant
	}
	return all
}

var errNoKey = errors.New("fleet: no policy key is granted for today: run doorcloud keys sign with root.key")

// current returns the key for a time, and when its grant ends. A key's turn comes
// after all controllers have had its grant for a while.
func (f *keyFile) current(at time.Time) (ed25519.PrivateKey, time.Time, error) {
	best := -1
	for i, g := range f.grants {
		turn := time.Unix(g.NotBefore, 0).Add(grantBefore)
		if at.Unix() < g.NotBefore || at.Unix() >= g.NotAfter {
			continue
		}
		if best < 0 || !at.Before(turn) {
			best = i
		}
	}
	if best < 0 {
		return nil, time.Time{}, errNoKey
	}
	return f.private[best], time.Unix(f.grants[best].NotAfter, 0), nil
}

// makeKeys makes all keys of a new service. The root's file comes first: a set-up
// that was cut off goes on with it.
func makeKeys(dir string, now time.Time) error {
	root, err := readRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if root, err = makeRoot(dir); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	ca, caKey, err := makeCA(now)
	if err != nil {
		return err
	}
	public, _ := root.Public().(ed25519.PublicKey)
	f := &keyFile{
		Version: 1, Root: public, CA: ca, CAKey: caKey,
		Identity: ledger.Sign(ledger.ForIdentity, cloudsync.IdentityBody{CA: ca}, root),
	}
	if err := f.grant(root, now, grantYears); err != nil {
		return err
	}
	return writeKeys(dir, f)
}

// grant has the root sign keys for more years, after the last that there are.
func (f *keyFile) grant(root ed25519.PrivateKey, now time.Time, years int) error {
	turn := now.Truncate(time.Second)
	if last := f.last().Add(-grantAfter); len(f.grants) > 0 && last.After(turn) {
		turn = last
	}
	for range years {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return fmt.Errorf("fleet: %w", err)
		}
		g := ledger.Grant{
			Key:       public,
			NotBefore: turn.Add(-grantBefore).Unix(),
			NotAfter:  turn.Add(grantLife + grantAfter).Unix(),
		}
		f.Policy = append(f.Policy, policyKey{Seed: private.Seed(), Grant: ledger.Sign(ledger.ForGrant, g, root)})
		f.grants = append(f.grants, g)
		f.private = append(f.private, private)
		turn = turn.Add(grantLife)
	}
	return nil
}

func makeRoot(dir string) (ed25519.PrivateKey, error) {
	_, root, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(root)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	return root, writeFile(filepath.Join(dir, rootFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func readRoot(dir string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, rootFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	if block, _ := pem.Decode(b); block != nil {
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if root, ok := key.(ed25519.PrivateKey); err == nil && ok {
			return root, nil
		}
	}
	return nil, fmt.Errorf("fleet: %s is no Ed25519 key in PEM", path)
}

func writeKeys(dir string, f *keyFile) error {
	b, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	return writeFile(filepath.Join(dir, KeysFile), append(b, '\n'))
}

// readKeys reads the file and believes nothing that the root did not sign.
func readKeys(path string) (*keyFile, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	f := &keyFile{}
	if err := json.Unmarshal(b, f); err != nil {
		return nil, fmt.Errorf("fleet: %s: %w", path, err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("fleet: %s: %w", path, err)
	}
	return f, nil
}

func (f *keyFile) check() error {
	if f.Version != 1 {
		return fmt.Errorf("version %d: a later doorcloud made it", f.Version)
	}
	var body cloudsync.IdentityBody
	if err := f.Identity.Open(ledger.ForIdentity, f.Root, &body); err != nil {
		return err
	}
	var err error
	if f.ca, err = x509.ParseCertificate(body.CA); err != nil {
		return err
	}
	if f.caKey, err = x509.ParseECPrivateKey(f.CAKey); err != nil {
		return err
	}
	if public, ok := f.ca.PublicKey.(*ecdsa.PublicKey); !ok || !public.Equal(f.caKey.Public()) {
		return errors.New("the key of the CA is not its certificate's")
	}
	f.grants, f.private = make([]ledger.Grant, len(f.Policy)), make([]ed25519.PrivateKey, len(f.Policy))
	for i, p := range f.Policy {
		if err := p.Grant.Open(ledger.ForGrant, f.Root, &f.grants[i]); err != nil {
			return err
		}
		if len(p.Seed) != ed25519.SeedSize {
			return errors.New("a policy key is cut off")
		}
		f.private[i] = ed25519.NewKeyFromSeed(p.Seed)
		if public, _ := f.private[i].Public().(ed25519.PublicKey); !public.Equal(ed25519.PublicKey(f.grants[i].Key)) {
			return errors.New("a policy key is not its grant's")
		}
	}
	return nil
}

// writeFile writes a secret: all of it is on the disk under its name, or the file
// is as it was.
func writeFile(path string, b []byte) (err error) {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// KeyStatus is what people want to know of the keys.
type KeyStatus struct {
	Fingerprint ledger.Fingerprint
	RootHere    bool // root.key is still beside the service
	Grants      []ledger.Grant
	Current     ledger.KeyID
	Last        time.Time // when the last grant ends
	CAEnds      time.Time
}

// Keys tells of the keys in a folder.
func Keys(dir string, now time.Time) (KeyStatus, error) {
	f, err := readKeys(filepath.Join(dir, KeysFile))
	if err != nil {
		return KeyStatus{}, err
	}
	s := KeyStatus{Fingerprint: ledger.FingerprintOf(f.Root), Grants: f.grants, Last: f.last(), CAEnds: f.ca.NotAfter}
	if key, _, err := f.current(now); err == nil {
		public, _ := key.Public().(ed25519.PublicKey)
		s.Current = ledger.IDOf(public)
	}
	_, err = os.Stat(filepath.Join(dir, rootFile))
	s.RootHere = err == nil
	return s, nil
}

// ErrNoRoot is returned where root.key is needed and is not there.
var ErrNoRoot = errors.New("fleet: root.key is needed for this and is not there: bring it from its safe, and take it away again afterwards")

// SignKeys has the root sign policy keys for more years. A service that runs takes
// them within a minute.
func SignKeys(dir string, years int, now time.Time) error {
	f, root, err := readBoth(dir)
	if err != nil {
		return err
	}
	if years < 1 || years > 20 {
		return fmt.Errorf("fleet: %d years: 1 to 20 are possible", years)
	}
	if err := f.grant(root, now, years); err != nil {
		return err
	}
	for len(f.grants) > 0 && f.grants[0].NotAfter < now.Unix() { // nobody needs those that are over
		f.grants, f.private, f.Policy = f.grants[1:], f.private[1:], f.Policy[1:]
	}
	return writeKeys(dir, f)
}

func readBoth(dir string) (*keyFile, ed25519.PrivateKey, error) {
	f, err := readKeys(filepath.Join(dir, KeysFile))
	if err != nil {
		return nil, nil, err
	}
	root, err := readRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, ErrNoRoot
	}
	if err != nil {
		return nil, nil, err
	}
	if public, _ := root.Public().(ed25519.PublicKey); !public.Equal(ed25519.PublicKey(f.Root)) {
		return nil, nil, errors.New("fleet: root.key is that of another service")
	}
	return f, root, nil
}
