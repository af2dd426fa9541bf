package store

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	keyFile     = "place.key"
	nextKeyFile = "place.key.next"
	keySize     = 32
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

// proof is kept in the file, to tell whether the key beside it is the one that
// its digests were made under. It cannot equal a token's digest: no class of
// tokens begins like that.
func (k placeKey) proof() []byte {
	h := hmac.New(sha256.New, k)
	h.Write([]byte("\x00doord place key"))
	return h.Sum(nil)
}

func (k placeKey) proves(proof []byte) bool { return bytes.Equal(proof, k.proof()) }

// A place's key comes with the first snapshot of it. First it is written under
// another name, then the new policy takes its own, and then the key: whichever of
// the two keys a policy was made under after a crash is there and found.

// announceKey writes the key that the next policy is made under.
func announceKey(dir string, key placeKey) error {
	path := filepath.Join(dir, nextKeyFile)
	if err := writeFile(path, key); err != nil {
		return fmt.Errorf("store: write %s: %w", path, err)
	}
	return nil
}

// announcedKey reads it; nil if there is none.
func announcedKey(dir string) placeKey {
	key, err := os.ReadFile(filepath.Join(dir, nextKeyFile))
	if err != nil || len(key) != keySize {
		return nil
	}
	return key
}

// settleKey gives the announced key its name, or removes it.
func settleKey(dir string, taken bool) error {
	path := filepath.Join(dir, nextKeyFile)
	if taken {
		return publish(path, filepath.Join(dir, keyFile))
	}
	_ = os.Remove(path) // what is left of it is looked at and removed at the next start
	return nil
}
