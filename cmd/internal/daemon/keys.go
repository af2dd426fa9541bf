package daemon

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"doord/cmd/internal/config"
	"doord/reader/osdp"
)

// keyring keeps what must be known of OSDP readers over a power cut: their keys,
// and where a technician moved them. It is one file of mode 0600 that is replaced
// as a whole, so that a cut leaves the old one or the new one.
type keyring struct {
	mu   sync.Mutex
	path string
	kept map[string]keptReader
}

// keptReader is one reader in the file, by its name.
type keptReader struct {
	Current string `json:"current,omitempty"` // SCBK in hex
	Next    string `json:"next,omitempty"`
	Secure  bool   `json:"secure,omitempty"` // it was commissioned: never again in clear
	Addr    *byte  `json:"addr,omitempty"`   // where it was moved to
	Baud    int    `json:"baud,omitempty"`
}

func openKeyring(dir string) (*keyring, error) {
	k := &keyring{path: filepath.Join(dir, "osdp.json"), kept: map[string]keptReader{}}
	data, err := os.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &k.kept)
	}
	if err != nil {
		return k, fmt.Errorf("keys of OSDP readers: %s: %w", k.path, err)
	}
	return k, nil
}

// get returns what is kept of a reader.
func (k *keyring) get(name string) keptReader {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept[name]
}

// change changes what is kept of a reader, and returns once it would survive a
// power cut. If that fails nothing is changed.
func (k *keyring) change(name string, f func(*keptReader)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.kept[name]
	r := old
	f(&r)
	k.kept[name] = r
	err := k.write()
	if err != nil {
		k.kept[name] = old
		return fmt.Errorf("keys of OSDP readers: %w", err)
	}
	return nil
}

func (k *keyring) write() error {
	data, err := json.MarshalIndent(k.kept, "", "  ")
	if err != nil {
		return err
	}
	temp := k.path + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, k.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(k.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// keys returns the keys of a reader; one that cannot be read is none.
func (r keptReader) keys() osdp.Keys {
	return osdp.Keys{Current: parseKey(r.Current), Next: parseKey(r.Next)}
}

func parseKey(text string) (k osdp.Key) {
	raw, err := hex.DecodeString(text)
	if err == nil && len(raw) == len(k) {
		copy(k[:], raw)
	}
	return k
}

// formatKey is for the file alone: the type itself shows no key.
func formatKey(k osdp.Key) string {
	if k.IsZero() {
		return ""
	}
	return hex.EncodeToString(k[:])
}

// ReaderAt returns where an OSDP reader of a configuration is, and the key that
// it was given: what a simulated reader needs to go on after a restart.
func ReaderAt(c *config.Config, r config.Reader) (osdp.Comm, osdp.Key, error) {
	keys, err := openKeyring(c.StateDir)
	if err != nil {
		return osdp.Comm{}, osdp.Key{}, err
	}
	at := osdp.Comm{Addr: r.Address(), Baud: osdp.DefaultBaud}
	for _, b := range c.Buses {
		if b.Name == r.Bus {
			at.Baud = b.Speed
		}
	}
	kept := keys.get(r.Name)
	if kept.Addr != nil {
		at = osdp.Comm{Addr: *kept.Addr, Baud: kept.Baud}
	}
	return at, kept.keys().Current, nil
}
