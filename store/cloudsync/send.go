package cloudsync

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"doord/policy/ledger"
	"doord/store"
)

// send uploads the next events that the service has not acknowledged, or waits
// until there are some. The service may say that it has less than it had, after a
// restore: then all after that are sent again.
func (s *session) send(ctx context.Context) error {
	acked := s.Journal.AckedThrough()
	from := acked
	if s.probing() && from > 0 {
		from-- // the last one again, to hear what the service has
	}
	b, err := s.batch(from)
	if err != nil {
		return err
	}
	if len(b.records) == 0 {
		return s.await(ctx, b.read)
	}
	ack, err := s.upload(ctx, &b)
	if refusedWith(err, CodeForked) {
		s.fault(ctx, "journal", fault{"the place service has other events of this journal",
			"keep events.db for the maker: the journal was copied back, or the controller runs twice"}, false)
	}
	if err != nil {
		return err
	}
	s.fault(ctx, "journal", fault{}, false)
	if now := s.Journal.Head().Epoch; now != b.epoch() {
		return nil // a new journal was begun meanwhile: the answer is not about it
	}
	s.probed()
	var receipt []byte
	if ack.Receipt != nil {
		receipt = ack.Receipt.Encode()
	}
	s.Journal.AckedBy(ack.AckedThrough, receipt)
	last := b.records[len(b.records)-1].Sequence
	switch {
	case ack.AckedThrough >= last:
	case ack.AckedThrough < b.since:
		s.Log.Warn("the place service has fewer events than it had: they are sent again", "through", ack.AckedThrough, "acknowledged", acked)
		if ack.AckedThrough >= acked {
			return errAgain // it goes nowhere
		}
	default:
		return errAgain
	}
	return nil
}

func (s *session) probing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probe
}

func (s *session) probed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probe = false
}

// await waits for an event after one, or to be asked.
func (s *session) await(ctx context.Context, since uint64) error {
	s.probed() // there is nothing to ask by
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	came := make(chan struct{})
	go func() {
		defer close(came)
		s.Journal.Follow(ctx, since)(func(store.Record, error) bool { return false }) // one is enough
	}()
	select {
	case <-came:
	case <-s.resend:
	}
	cancel()
	<-came
	return nil
}

// batch is events that are sent together: of one epoch, without a gap.
type batch struct {
	since   uint64 // there is none between this one and the first
	read    uint64 // how far the journal was read, if there are no records
	records []store.Record
}

func (b *batch) epoch() string { return b.records[0].Epoch }

// batch reads the next events after one. Those from before the enrolment are nobody
// else's, and an event that is damaged is passed over.
func (s *session) batch(after uint64) (batch, error) {
	b := batch{since: after, read: after}
	if began := s.enrolment.Began; s.Journal.Head().Epoch == began.Epoch {
		b.read = max(b.read, began.Sequence)
	}
	for {
		records, err := s.Journal.Since(b.read, MaxEvents)
		b.add(records)
		var d *store.Damage
		switch {
		case len(b.records) > 0, err == nil:
			return b, nil
		case errors.As(err, &d) && d.Sequence != 0:
			b.read = d.Sequence
		default:
			return b, fmt.Errorf("cloudsync: %w", err)
		}
	}
}

// add takes the records up to the first gap.
func (b *batch) add(records []store.Record) {
	for _, r := range records {
		if n := len(b.records); n > 0 && (r.Sequence != b.records[n-1].Sequence+1 || r.Epoch != b.epoch()) {
			return
		}
		b.records = append(b.records, r)
	}
}

// encode writes the lines, and cuts the batch where they grow too long.
func (b *batch) encode() ([]byte, error) {
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	var line []byte
	total := 0
	for i, r := range b.records {
		line = append(r.AppendJSON(line[:0]), '\n')
		if total += len(line); total > MaxEventsBytes && i > 0 {
			b.records = b.records[:i]
			break
		}
		if _, err := z.Write(line); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return body.Bytes(), err
}

// upload sends a batch and returns what the service answers, verified.
func (s *session) upload(ctx context.Context, b *batch) (ack Ack, err error) {
	body, err := b.encode()
	if err != nil {
		return ack, err
	}
	header := http.Header{"Content-Type": {"application/x-ndjson"}, "Content-Encoding": {"gzip"}}
	if b.records[0].Sequence != b.since+1 {
		header.Set(HeaderSince, strconv.FormatUint(b.since, 10))
	}
	a, err := s.service.ask(ctx, answerFor, silenceFor, http.MethodPost, PathEvents, header, body)
	if err != nil {
		return ack, err
	}
	defer a.Close()
	if err := json.NewDecoder(io.LimitReader(a, maxAnswer)).Decode(&ack); err != nil {
		return ack, fmt.Errorf("cloudsync: the answer to events cannot be read: %w", err)
	}
	s.heard(ctx, sending)
	return ack, s.countersigned(ctx, b, ack)
}

// countersigned verifies the receipt, which must be for the events that are here.
func (s *session) countersigned(ctx context.Context, b *batch, ack Ack) error {
	if ack.Receipt == nil {
		return nil
	}
	var r ReceiptBody
	if err := s.believes().Open(*ack.Receipt, ledger.ForReceipt, s.at(), &r); err != nil {
		return fmt.Errorf("cloudsync: the receipt of events: %w", err)
	}
	if r.Controller != s.enrolment.Controller || r.Epoch != b.epoch() || r.Sequence != ack.AckedThrough {
		return fmt.Errorf("cloudsync: the receipt is for event %d of journal %s of controller %d, not for %d of %s", r.Sequence, r.Epoch, r.Controller, ack.AckedThrough, b.epoch())
	}
	for _, e := range b.records {
		if e.Sequence == r.Sequence && ledger.Hash(e.Hash) != r.Hash {
			s.fault(ctx, "receipt", fault{fmt.Sprintf("the place service has another event %d than this journal", r.Sequence),
				"keep events.db for the maker: one of the two was changed"}, false)
			return fmt.Errorf("cloudsync: the receipt of event %d is for another event", r.Sequence)
		}
	}
	s.fault(ctx, "receipt", fault{}, false)
	return nil
}
