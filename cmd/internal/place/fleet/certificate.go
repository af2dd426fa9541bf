package fleet

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	caLife         = 30 * 365 * 24 * time.Hour // a controller that outlives it is enrolled anew
	serverLife     = 90 * 24 * time.Hour
	serverRenew    = 30 * 24 * time.Hour // before its end
	controllerLife = 365 * 24 * time.Hour
	clockSkew      = 24 * time.Hour // certificates begin this much earlier
)

func makeCA(now time.Time) (der, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("fleet: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial([8]byte{1}),
		// Not the service's own name: OpenSSL would take that certificate for self-signed.
		Subject:   pkix.Name{CommonName: "doorcloud authority"},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(caLife),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:     true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	if der, err = x509.CreateCertificate(rand.Reader, t, t, k.Public(), k); err == nil {
		key, err = x509.MarshalECPrivateKey(k)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("fleet: %w", err)
	}
	return der, key, nil
}

// serial makes a serial number: 8 bytes that tell the enrolment, 8 that are new.
func serial(enrolment [8]byte) *big.Int {
	b := make([]byte, 16)
	copy(b, enrolment[:])
	_, _ = rand.Read(b[8:]) // never fails
	return new(big.Int).SetBytes(b)
}

// enrolmentOf returns the number of the enrolment that a certificate is of.
func enrolmentOf(c *x509.Certificate) (e [8]byte) {
	var b [16]byte
	if c.SerialNumber.Sign() > 0 && c.SerialNumber.BitLen() <= 128 {
		c.SerialNumber.FillBytes(b[:])
	}
	return [8]byte(b[:8])
}

const uriScheme = "doord"

// certify makes a controller's certificate.
func (f *keyFile) certify(place, controller int64, enrolment [8]byte, csr string, now time.Time) (string, error) {
	key, err := requestedKey(csr)
	if err != nil {
		return "", err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial(enrolment),
		Subject:      pkix.Name{CommonName: fmt.Sprintf("controller %d", controller)},
		URIs:         []*url.URL{{Scheme: uriScheme, Host: "controller", Path: fmt.Sprintf("/%d/%d", place, controller)}},
		NotBefore:    now.Add(-clockSkew), NotAfter: now.Add(controllerLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}, f.ca, key, f.caKey)
	if err != nil {
		return "", fmt.Errorf("fleet: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), nil
}

var errCSR = errors.New("the csr is no certificate request in PEM, signed by its own key, Ed25519 or ECDSA P-256")

// requestedKey takes nothing but the key from a request.
func requestedKey(csr string) (any, error) {
	block, rest := pem.Decode([]byte(csr))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(strings.TrimSpace(string(rest))) != 0 {
		return nil, errCSR
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || r.CheckSignature() != nil {
		return nil, errCSR
	}
	switch key := r.PublicKey.(type) {
	case ed25519.PublicKey:
		return key, nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return key, nil
		}
	}
	return nil, errCSR
}

// whose reads place and controller from a certificate that the CA signed.
func whose(c *x509.Certificate) (place, controller int64, ok bool) {
	if len(c.URIs) != 1 || c.URIs[0].Scheme != uriScheme || c.URIs[0].Host != "controller" {
		return 0, 0, false
	}
	parts := strings.Split(c.URIs[0].Path, "/")
	if len(parts) != 3 {
		return 0, 0, false
	}
	place, err := strconv.ParseInt(parts[1], 10, 64)
	controller, err2 := strconv.ParseInt(parts[2], 10, 64)
	return place, controller, err == nil && err2 == nil && place > 0 && controller > 0
}

// serverCertificate is what the service shows: the one that it was given, or one
// of its own CA, which lives in memory only.
type serverCertificate struct {
	given *tls.Certificate

	mu   sync.Mutex
	made *tls.Certificate
	ends time.Time
}

// TLS returns how the service is to be listened to: a certificate is not asked
// for, since people come to the same port, but one that is shown must be good.
func (f *Fleet) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{"h2", "http/1.1"},
		ClientAuth: tls.VerifyClientCertIfGiven,
		ClientCAs:  f.keys.now().pool(),
		Time:       f.now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return f.server.get(f.keys.now(), f.hosts, f.now())
		},
	}
}

func (f *keyFile) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(f.ca)
	return pool
}

func (s *serverCertificate) get(keys *keyFile, hosts []string, now time.Time) (*tls.Certificate, error) {
	if s.given != nil {
		return s.given, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made != nil && now.Before(s.ends.Add(-serverRenew)) {
		return s.made, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial([8]byte{2}),
		Subject:      pkix.Name{CommonName: "doorcloud"},
		NotBefore:    now.Add(-clockSkew), NotAfter: now.Add(serverLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, keys.ca, key.Public(), keys.caKey)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	s.made, s.ends = &tls.Certificate{Certificate: [][]byte{der, keys.ca.Raw}, PrivateKey: key}, t.NotAfter
	return s.made, nil
}
