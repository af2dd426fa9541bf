package store

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"

	"doord/policy"
)

const (
	keyFile    = "place.key"
	keySize    = 32
	digestSize = 16
)

// placeKey is the secret under which tokens are digested.
type placeKey []byte

// loadKey reads the key, or makes one. A key that is there but of the wrong size
// is set aside: every digest made under it is lost with it.
func loadKey(dir string) (placeKey, error) {
	path := filepath.Join(dir, keyFile)
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) == keySize:
		return key, nil
	case err == nil:
		if _, err := quarantine(path); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, advise(err)
	}
	key = make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	if err := writeFile(path, key); err != nil {
		return nil, fmt.Errorf("store: write %s: %w", path, err)
	}
	return key, nil
}

// writeFile writes a small file whole or not at all.
func writeFile(path string, data []byte) (err error) {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return publish(path+".new", path)
}

func (k placeKey) hash() hash.Hash { return hmac.New(sha256.New, k) }

// proof is kept in the file, to tell whether the key beside it is the one that
// its digests were made under. It cannot equal a token's digest: no class of
// tokens begins like that.
func (k placeKey) proof() []byte {
	h := k.hash()
	h.Write([]byte("\x00doord place key"))
	return h.Sum(nil)
}

func (k placeKey) proves(proof []byte) bool { return bytes.Equal(proof, k.proof()) }

// appendDigest appends the key of a token's record, made with h.
func appendDigest(b []byte, h hash.Hash, t policy.Token) []byte {
	start := len(b)
	b = t.AppendCanonical(b)
	h.Reset()
	h.Write(b[start:])
	return h.Sum(b[:start])[:start+digestSize]
}
