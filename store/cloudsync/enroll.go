package cloudsync

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"doord/policy/ledger"
)

// Enroll joins the controller to a place by a claim code. The code's secret leaves
// the controller only once the service has shown that it is the one that the code
// names.
func (c *Client) Enroll(ctx context.Context, address, code string) error {
	c.enrolling.Lock()
	defer c.enrolling.Unlock()
	if c.Enrolled() {
		return ErrEnrolled
	}
	address, err := serviceURL(address)
	if err != nil {
		return fmt.Errorf("cloudsync: %w", err)
	}
	claim, err := ParseClaim(code)
	if err != nil {
		return err
	}
	e := &enrolment{URL: address}
	if err := e.identify(ctx, claim.Root, c.Dial); err != nil {
		return err
	}
	if err := e.enroll(ctx, c, claim); err != nil {
		return err
	}
	if c.Journal != nil {
		head := c.Journal.Head()
		e.Began = event{head.Epoch, head.Sequence}
	}
	if err := e.device.save(c.Dir); err != nil {
		return err
	}
	if err := e.save(c.Dir); err != nil {
		return err
	}
	c.turn(e)
	return nil
}

// identify asks the service who it is, over a connection that proves nothing.
func (e *enrolment) identify(ctx context.Context, root ledger.Fingerprint, dial dialer) error {
	t := newTransport(unknown(), dial)
	defer t.CloseIdleConnections()
	a, err := newService(e.URL, t).ask(ctx, answerFor, silenceFor, http.MethodGet, PathIdentity, nil, nil)
	if err != nil {
		return err
	}
	defer a.Close()
	var who Identity
	if err := json.NewDecoder(io.LimitReader(a, 64<<10)).Decode(&who); err != nil {
		return fmt.Errorf("%w: %w", ErrImpostor, err)
	}
	if len(who.RootKey) != ed25519.PublicKeySize || ledger.FingerprintOf(who.RootKey) != root {
		return fmt.Errorf("%w: its root key has another fingerprint", ErrImpostor)
	}
	var body IdentityBody
	if err := who.Signed.Open(ledger.ForIdentity, who.RootKey, &body); err != nil {
		return fmt.Errorf("%w: %w", ErrImpostor, err)
	}
	e.Root, e.CA = who.RootKey, body.CA
	if e.authority, err = x509.ParseCertificate(body.CA); err != nil {
		return fmt.Errorf("cloudsync: the service's certificate authority: %w", err)
	}
	return nil
}

// enroll gives the secret away for a certificate.
func (e *enrolment) enroll(ctx context.Context, c *Client, claim Claim) error {
	key, csr, err := newDeviceKey(c.DeviceID)
	if err != nil {
		return err
	}
	t := newTransport(e.tls(c.ClockSet), c.Dial)
	defer t.CloseIdleConnections()
	var given Enrollment
	err = newService(e.URL, t).tell(ctx, http.MethodPost, PathEnroll, nil, EnrollRequest{
		Secret: hex.EncodeToString(claim.Secret[:]), DeviceID: c.DeviceID, CSR: csr, Model: c.Model, Version: c.Version,
	}, &given)
	if err != nil {
		return err
	}
	e.Place, e.Controller, e.PlaceKey, e.Grants = given.PlaceID, given.ControllerID, given.PlaceKey, given.Grants
	if e.device, err = certified(key, []byte(given.Certificate), e.authority); err != nil {
		return fmt.Errorf("cloudsync: what the service gave: %w", err)
	}
	if err := e.check(); err != nil {
		return fmt.Errorf("cloudsync: what the service gave: %w", err)
	}
	return nil
}

// tls is how the service is recognised from the enrolment on.
func (e *enrolment) tls(clockSet func() bool) *tls.Config {
	u, err := url.Parse(e.URL)
	if err != nil {
		u = &url.URL{} // it was parsed before
	}
	return trusted(u.Hostname(), e.authority, clockSet)
}
