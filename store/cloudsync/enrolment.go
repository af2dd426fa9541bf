package cloudsync

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"doord/policy/ledger"
)

const (
	enrolmentFile = "cloud.json"
	deviceFile    = "cloud.key"
)

// enrolment is what a controller keeps of the service that it belongs to. It never
// changes once made: a change is another one.
type enrolment struct {
	URL        string          `json:"url"`
	Place      int64           `json:"place_id"`
	Controller int64           `json:"controller_id"`
	Root       []byte          `json:"root_key"` // pinned
	CA         []byte          `json:"ca"`       // DER
	PlaceKey   []byte          `json:"place_key"`
	Grants     []ledger.Signed `json:"grants"`
	// Adopted says that the cache holds this enrolment's policy. Until it does, the
	// position of what is there says nothing.
	Adopted bool `json:"adopted"`
	// Floor is a position that the policy had some time ago: a cache that is lost is
	// not filled with an older one.
	Floor string `json:"floor,omitempty"`

	// Began is the newest event of the journal from before the enrolment: what came
	// until then is not of this place.
	Began event `json:"began"`

	authority *x509.Certificate
	device    device
}

// event is one in a journal.
type event struct {
	Epoch    string `json:"epoch"`
	Sequence uint64 `json:"sequence"`
}

// device is the controller's key with the certificate that names it.
type device struct {
	key         ed25519.PrivateKey
	certificate *x509.Certificate
}

func (d device) tls() *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{d.certificate.Raw}, PrivateKey: d.key, Leaf: d.certificate}
}

// renewal is when the certificate is to be renewed: at two thirds of its life.
func (d device) renewal() time.Time {
	life := d.certificate.NotAfter.Sub(d.certificate.NotBefore)
	return d.certificate.NotBefore.Add(life / 3 * 2)
}

// newDeviceKey makes a key, and the request to have it certified.
func newDeviceKey(name string) (ed25519.PrivateKey, string, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return nil, "", err
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}

// certified takes the certificate that the service gave for a key.
func certified(key ed25519.PrivateKey, certificate []byte, authority *x509.Certificate) (device, error) {
	block, _ := pem.Decode(certificate)
	if block == nil || block.Type != "CERTIFICATE" {
		return device{}, errors.New("the certificate is not PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return device{}, err
	}
	if public, ok := c.PublicKey.(ed25519.PublicKey); !ok || !public.Equal(key.Public()) {
		return device{}, errors.New("the certificate is for another key")
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	_, err = c.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return device{key, c}, err
}

func (e *enrolment) check() (err error) {
	if e.URL, err = serviceURL(e.URL); err != nil {
		return err
	}
	if e.Place <= 0 || e.Controller <= 0 || len(e.Root) != ed25519.PublicKeySize || len(e.PlaceKey) != 32 {
		return errors.New("a number or a key is missing")
	}
	if e.authority, err = x509.ParseCertificate(e.CA); err != nil {
		return fmt.Errorf("the certificate authority: %w", err)
	}
	_, err = e.trust(e.Grants)
	return err
}

// trust is what the root is pinned for: grants that it signed.
func (e *enrolment) trust(grants []ledger.Signed) (*ledger.Trust, error) {
	t := ledger.NewTrust(e.Root)
	return t, t.Grant(grants)
}

// serviceURL returns the address of a service as it is kept.
func serviceURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is not the address of a place service: as https://doors.example.com", s)
	}
	return "https://" + u.Host, nil
}

// load returns the enrolment in dir, nil if there is none.
func load(dir string) (*enrolment, error) {
	text, err := os.ReadFile(filepath.Join(dir, enrolmentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cloudsync: %w", err)
	}
	e := &enrolment{}
	if err = json.Unmarshal(text, e); err == nil {
		err = e.check()
	}
	if err != nil {
		return nil, fmt.Errorf("cloudsync: %s: %w", enrolmentFile, err)
	}
	if e.device, err = loadDevice(dir, e.authority); err != nil {
		return nil, fmt.Errorf("cloudsync: %s: %w", deviceFile, err)
	}
	return e, nil
}

func loadDevice(dir string, authority *x509.Certificate) (device, error) {
	text, err := os.ReadFile(filepath.Join(dir, deviceFile))
	if err != nil {
		return device{}, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return device{}, errors.New("there is no key in it")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return device{}, err
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return device{}, errors.New("its key is of another kind")
	}
	return certified(key, rest, authority)
}

// save writes what changed of an enrolment. The one that is there, if any, stays
// whole until then.
func (e *enrolment) save(dir string) error {
	text, err := json.MarshalIndent(e, "", "\t")
	if err == nil {
		err = writeFile(filepath.Join(dir, enrolmentFile), text)
	}
	if err != nil {
		return fmt.Errorf("cloudsync: %w", err)
	}
	return nil
}

// save writes key and certificate, which are never one without the other.
func (d device) save(dir string) error {
	der, err := x509.MarshalPKCS8PrivateKey(d.key)
	if err == nil {
		text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.certificate.Raw})...)
		err = writeFile(filepath.Join(dir, deviceFile), text)
	}
	if err != nil {
		return fmt.Errorf("cloudsync: %w", err)
	}
	return nil
}

// forget ends the enrolment in dir. What makes it one goes first.
func forget(dir string) error {
	for _, name := range []string{enrolmentFile, deviceFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cloudsync: %w", err)
		}
	}
	return syncDir(dir)
}

// writeFile writes a small file whole or not at all.
func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
