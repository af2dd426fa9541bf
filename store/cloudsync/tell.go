package cloudsync

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"doord/policy/ledger"
)

const (
	statusEvery = time.Minute
	statusRest  = 200 * time.Millisecond // between two statuses
)

// tellStatus tells how the board is: now, when it changes, and each minute, until
// something fails.
func (s *session) tellStatus(ctx context.Context) error {
	told, due := "", time.Now()
	for {
		st, err := s.Controller.Status(ctx)
		if err != nil {
			return err
		}
		s.complete(&st)
		if look := essence(st); look != told || !time.Now().Before(due) {
			if err := s.service.tell(ctx, http.MethodPost, PathStatus, nil, st, nil); err != nil {
				return err
			}
			s.heard(ctx, telling)
			told, due = look, time.Now().Add(statusEvery)
		}
		if err := pause(ctx, statusRest, nil); err != nil {
			return err
		}
		if err := pause(ctx, time.Until(due), s.status); err != nil {
			return err
		}
	}
}

// complete adds what the client itself knows.
func (s *session) complete(st *Status) {
	s.Client.mu.Lock()
	st.LastPolicy, st.PolicyError = s.report.LastPolicy, s.faults["policy"].what
	if use := s.faults["use"].what; use != "" {
		st.PolicyError = use
	}
	s.Client.mu.Unlock()
	e := s.current(s.enrolment)
	st.Queue = s.queue(e)
	if s.Policy != nil && e.Adopted {
		st.Policy = s.Policy.Position().String()
	}
	if s.Journal == nil {
		return
	}
	head := s.Journal.Head()
	st.Epoch = head.Epoch
	signed := ledger.Sign(ledger.ForReceipt, ReceiptBody{Controller: e.Controller, Epoch: head.Epoch, Sequence: head.Sequence, Hash: ledger.Hash(head.Hash)}, s.enrolment.device.key)
	st.Head = &signed
}

// essence is what makes a status another one: all but what changes by itself.
func essence(st Status) string {
	st.Uptime, st.Queue, st.Head, st.LastPolicy = 0, 0, nil, time.Time{}
	st.Faults = slices.Sorted(slices.Values(st.Faults))
	text, err := json.Marshal(st)
	if err != nil {
		return ""
	}
	return string(text)
}
