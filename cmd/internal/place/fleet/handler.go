package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"doord/store/cloudsync"
)

const (
	maxBody      = 256 << 10 // of requests but for events
	readPatience = time.Minute
)

// refusal is an error that is the asker's.
type refusal struct {
	status int
	code   string
	text   string
	body   any // in place of an Error
}

func (r refusal) Error() string { return r.text }

func refuse(status int, code, text string) error {
	return refusal{status: status, code: code, text: text}
}

// Handler answers on the paths of the sync protocol.
func (f *Fleet) Handler() http.Handler {
	mux := http.NewServeMux()
	open := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			f.serve(w, r, func() error { return h(w, r) })
		})
	}
	enrolled := func(pattern string, h func(http.ResponseWriter, *http.Request, *controller) error) {
		open(pattern, func(w http.ResponseWriter, r *http.Request) error {
			c, err := f.asks(r)
			if err != nil {
				return err
			}
			return h(w, r, c)
		})
	}
	open("GET "+cloudsync.PathIdentity, f.getIdentity)
	open("POST "+cloudsync.PathEnroll, f.enroll)
	enrolled("POST "+cloudsync.PathRenew, f.renew)
	enrolled("GET "+cloudsync.PathPolicy, f.getPolicy)
	enrolled("POST "+cloudsync.PathEvents, f.postEvents)
	enrolled("GET "+cloudsync.PathStream, f.getStream)
	enrolled("POST "+strings.Replace(cloudsync.PathResult, "%d", "{id}", 1), f.postResult)
	enrolled("GET "+strings.Replace(cloudsync.PathZone, "%d", "{id}", 1), f.getZone)
	enrolled("PUT "+strings.Replace(cloudsync.PathZone, "%d", "{id}", 1), f.putZone)
	enrolled("POST "+cloudsync.PathStatus, f.postStatus)
	open("/", func(http.ResponseWriter, *http.Request) error {
		return refuse(http.StatusNotFound, "", "there is nothing here")
	})
	return mux
}

// serve runs a handler that Close waits for, and answers with its error.
func (f *Fleet) serve(w http.ResponseWriter, r *http.Request, h func() error) {
	f.mu.Lock()
	if f.ended {
		f.mu.Unlock()
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusServiceUnavailable, cloudsync.Error{Text: "the service ends"})
		return
	}
	f.done.Add(1)
	f.mu.Unlock()
	defer f.done.Done()
	if r.Method != http.MethodGet || r.ContentLength != 0 { // what is sent must come in time; only what is asked for may wait
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readPatience))
	}
	err := h()
	var no refusal
	var large *http.MaxBytesError
	switch {
	case err == nil, r.Context().Err() != nil && !errors.Is(err, http.ErrAbortHandler):
	case errors.Is(err, http.ErrAbortHandler):
		panic(http.ErrAbortHandler) // an answer that was cut off must not look whole
	case errors.As(err, &no):
		body := no.body
		if body == nil {
			body = cloudsync.Error{Text: no.text, Code: no.code}
		}
		answer(w, no.status, body)
	case errors.As(err, &large):
		answer(w, http.StatusRequestEntityTooLarge, cloudsync.Error{Text: fmt.Sprintf("at most %d bytes are taken", large.Limit)})
	case errors.Is(err, ErrNoPlace):
		answer(w, http.StatusNotFound, cloudsync.Error{Text: "there is no such place any more"})
	default:
		f.log.Error("a request failed", "path", r.URL.Path, "err", err)
		answer(w, http.StatusInternalServerError, cloudsync.Error{Text: "the service has a fault; its log tells"})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be told"}`)
	}
	h := w.Header()
	for _, key := range []string{"Content-Encoding", "Content-Length", "ETag"} {
		if status >= 400 && !(key == "ETag" && status == http.StatusPreconditionFailed) {
			h.Del(key)
		}
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

// readJSON reads one JSON value and nothing after it. Members that are not known
// are a newer controller's.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, into any) error {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return refuse(http.StatusBadRequest, "", "this is not the JSON that is expected: "+err.Error())
	}
	return nil
}

func (f *Fleet) getIdentity(w http.ResponseWriter, _ *http.Request) error {
	keys := f.keys.now()
	answer(w, http.StatusOK, cloudsync.Identity{RootKey: keys.Root, Signed: keys.Identity})
	return nil
}
