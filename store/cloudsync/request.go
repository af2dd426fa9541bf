package cloudsync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxAnswer bounds what an answer other than a policy may have.
const maxAnswer = 1 << 20

// refusal is an answer that is no success.
type refusal struct {
	status int
	text   string
	code   string
	body   []byte
}

func (r *refusal) Error() string {
	if r.text != "" {
		return fmt.Sprintf("the service refuses: %s (%d)", r.text, r.status)
	}
	return fmt.Sprintf("the service answers %d %s", r.status, http.StatusText(r.status))
}

// refusedWith reports whether an error is an answer with this code.
func refusedWith(err error, code string) bool {
	var r *refusal
	return errors.As(err, &r) && r.code == code
}

// answeredWith reports whether an error is an answer with this status.
func answeredWith(err error, status int) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == status
}

// service is where requests go.
type service struct {
	url  string
	http http.Client
}

func newService(url string, t *http.Transport) *service {
	return &service{url, http.Client{
		Transport: t,
		// What is sent is meant for this service and no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response whose body ends by itself when nothing comes for a time.
type answer struct {
	*http.Response
	quiet  *time.Timer
	length time.Duration
	cancel context.CancelCauseFunc
}

var errSilent = errors.New("cloudsync: nothing came in time")

// ask sends a request and waits for the head of the answer. Both it and each piece
// of the body must come in the given times. The answer is to be closed.
func (s *service) ask(ctx context.Context, within, silence time.Duration, method, path string, header http.Header, body []byte) (*answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	a := &answer{length: silence, cancel: cancel, quiet: time.AfterFunc(within, func() { cancel(errSilent) })}
	a.Response, err = s.http.Do(request)
	if err != nil {
		a.quiet.Stop()
		if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		cancel(nil)
		return nil, err
	}
	a.quiet.Reset(silence)
	if a.StatusCode >= 200 && a.StatusCode < 300 || a.StatusCode == http.StatusNotModified {
		return a, nil
	}
	defer a.Close()
	r := &refusal{status: a.StatusCode}
	if text, err := io.ReadAll(io.LimitReader(a, 64<<10)); err == nil {
		var told Error
		if json.Unmarshal(text, &told) == nil && len(told.Text) < 500 {
			r.text, r.code = told.Text, told.Code
		}
		r.body = text
	}
	return nil, r
}

// Read reads the body.
func (a *answer) Read(b []byte) (int, error) {
	n, err := a.Body.Read(b)
	if n > 0 {
		a.quiet.Reset(a.length)
	}
	return n, err
}

// Close ends the request.
func (a *answer) Close() {
	a.quiet.Stop()
	a.cancel(nil)
	a.Body.Close()
}

// tell sends JSON and reads JSON, if that is wanted.
func (s *service) tell(ctx context.Context, method, path string, header http.Header, v, into any) error {
	var body []byte
	if v != nil {
		var err error
		if body, err = json.Marshal(v); err != nil {
			return err
		}
		if header == nil {
			header = http.Header{}
		}
		header.Set("Content-Type", "application/json")
	}
	a, err := s.ask(ctx, answerFor, silenceFor, method, path, header, body)
	if err != nil {
		return err
	}
	defer a.Close()
	if into == nil {
		_, err := io.Copy(io.Discard, io.LimitReader(a, maxAnswer)) // read to its end, the connection serves again
		return err
	}
	if err := json.NewDecoder(io.LimitReader(a, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("cloudsync: %s %s: the answer cannot be read: %w", method, path, err)
	}
	return nil
}

// patience changes how long each piece of the body may take from now on.
func (a *answer) patience(silence time.Duration) {
	a.length = silence
	a.quiet.Reset(silence)
}
