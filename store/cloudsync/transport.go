package cloudsync

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"
)

// Times on the wire.
const (
	dialFor      = 10 * time.Second
	handshakeFor = 15 * time.Second
	answerFor    = 30 * time.Second      // that an answer takes, beyond what it was asked to wait
	silenceFor   = 30 * time.Second      // within an answer's body
	deadStream   = 5 * PingEvery / 2     // without even a ping
	pingAfter    = PingEvery + PingEvery // on an HTTP/2 connection on which nothing comes
)

// dialer opens a connection; tests have their own.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func newTransport(c *tls.Config, dial dialer) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialFor, KeepAlive: PingEvery}).DialContext
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		TLSClientConfig:        c,
		TLSHandshakeTimeout:    handshakeFor,
		ResponseHeaderTimeout:  LongPoll + answerFor,
		IdleConnTimeout:        2 * time.Minute,
		MaxIdleConns:           4,
		MaxConnsPerHost:        8, // one with HTTP/2; these are for a service without it
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: answerFor},
	}
}

// trusted is a TLS configuration that recognises the service by the system's roots
// or by its own authority.
func trusted(host string, authority *x509.Certificate, clockSet func() bool) *tls.Config {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // the board has none
	}
	roots.AddCert(authority)
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, // verified here, since a clock that is not set must not cut the controller off
		VerifyConnection: func(s tls.ConnectionState) error {
			name := s.ServerName // empty for an address
			if name == "" {
				name = host
			}
			return verify(s.PeerCertificates, name, roots, clockSet())
		},
	}
}

// verify does what crypto/tls does, but takes certificates whatever their dates
// while the clock is not set.
func verify(chain []*x509.Certificate, name string, roots *x509.CertPool, clockSet bool) error {
	if len(chain) == 0 {
		return errors.New("the service has no certificate")
	}
	o := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	if !clockSet {
		o.CurrentTime = chain[0].NotBefore
	}
	_, err := chain[0].Verify(o)
	return err
}

// unknown is a TLS configuration for the first question of all, whose answer is
// signed by itself.
func unknown() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true}
}
