package cloudsync

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	tendEvery      = time.Hour
	tendAfter      = time.Minute // a failure
	lastGrantAlarm = 30 * 24 * time.Hour
)

// tend looks after what ages: the certificate and the grants.
func (s *session) tend(ctx context.Context) {
	for {
		next := tendEvery
		if err := s.keepFloor(); err != nil && ctx.Err() == nil {
			s.Log.Warn("how far the policy came is not kept", "err", err)
		}
		if s.ClockSet() {
			s.watchGrants(ctx)
			due := time.Until(s.enrolment.device.renewal())
			if due <= 0 {
				if err := s.renew(ctx); err != nil && ctx.Err() == nil {
					s.failed(renewing, err)
					s.watchCertificate(ctx)
				}
				next = tendAfter
			} else {
				next = min(next, due)
			}
		} else {
			next = tendAfter
		}
		if pause(ctx, next, nil) != nil {
			return
		}
	}
}

// renew has a new key certified and works with that from then on.
func (s *session) renew(ctx context.Context) error {
	key, csr, err := newDeviceKey(s.DeviceID)
	if err != nil {
		return err
	}
	var given Renewal
	if err := s.service.tell(ctx, http.MethodPost, PathRenew, nil, RenewRequest{CSR: csr}, &given); err != nil {
		return err
	}
	d, err := certified(key, []byte(given.Certificate), s.enrolment.authority)
	if err != nil {
		return fmt.Errorf("cloudsync: what the service gave: %w", err)
	}
	if !d.certificate.NotAfter.After(s.enrolment.device.certificate.NotAfter) {
		return fmt.Errorf("cloudsync: what the service gave lasts no longer than what there is, until %v", d.certificate.NotAfter)
	}
	return s.renewed(ctx, d)
}

// renewed puts a new key and certificate in place of the old. That ends the session.
func (s *session) renewed(ctx context.Context, d device) error {
	s.enrolling.Lock()
	defer s.enrolling.Unlock()
	if ctx.Err() != nil {
		return errTurned
	}
	if err := d.save(s.Dir); err != nil {
		return err
	}
	next := *s.current(s.enrolment)
	next.device = d
	s.turn(&next)
	s.Log.Info("the certificate was renewed", "until", d.certificate.NotAfter)
	s.heard(ctx, renewing)
	s.fault(ctx, "certificate", fault{}, false)
	return nil
}

// watchCertificate tells of a certificate that is ending and cannot be renewed.
func (s *session) watchCertificate(ctx context.Context) {
	until := s.enrolment.device.certificate.NotAfter
	if left := time.Until(until); left < until.Sub(s.enrolment.device.certificate.NotBefore)/6 {
		s.fault(ctx, "certificate", fault{fmt.Sprintf("the certificate for the place service ends on %s and is not renewed", until.UTC().Format(time.DateOnly)),
			"see why the service is not reached (doorctl cloud); after that day, doorctl leave and enrol anew"}, true)
	}
}

// watchGrants tells of policy keys that end, with none to follow.
func (s *session) watchGrants(ctx context.Context) {
	last := s.believes().Last()
	if time.Until(last) > lastGrantAlarm {
		s.fault(ctx, "grants", fault{}, false)
		return
	}
	s.fault(ctx, "grants", fault{fmt.Sprintf("the last policy key of the place service ends on %s", last.Format(time.DateOnly)),
		"have new ones signed with root.key at the service: doorcloud keys; from that day on no change of the policy arrives"}, true)
}
