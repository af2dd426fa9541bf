package e2e

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"doord/policy/ledger"
	"doord/store/cloudsync"
)

// meddler sits between the service and its controllers and reads and writes all
// that goes by, as somebody could who has its certificate but none of the policy
// keys.
type meddler struct {
	mu       sync.Mutex
	commands [][]byte                          // that went by
	policies []recorded                        // the same
	command  func(frame []byte) [][]byte       // what becomes of a command; nil: what it is
	inject   func(nonce []byte) ([]byte, bool) // what comes after the next hint, once
	policy   func(r *http.Request) *recorded   // what is answered instead of the policy; nil: nothing is
	whole    bool                              // the next request is made one for the whole policy
}

// recorded is an answer.
type recorded struct {
	header http.Header
	body   []byte
}

func (m *meddler) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case cloudsync.PathStream:
			nonce, _ := hex.DecodeString(r.Header.Get(cloudsync.HeaderNonce))
			h.ServeHTTP(&stream{ResponseWriter: w, m: m, nonce: nonce}, r)
		case cloudsync.PathPolicy:
			m.mu.Lock()
			instead := m.policy
			if m.whole {
				m.whole = false
				r.Header.Del("If-None-Match")
			}
			m.mu.Unlock()
			if instead != nil {
				if a := instead(r); a != nil {
					maps.Copy(w.Header(), a.header)
					_, _ = w.Write(a.body)
					return
				}
			}
			c := &copied{ResponseWriter: w}
			defer func() {
				if c.body.Len() > 0 {
					m.mu.Lock()
					defer m.mu.Unlock()
					m.policies = append(m.policies, recorded{w.Header().Clone(), c.body.Bytes()})
				}
			}()
			h.ServeHTTP(c, r)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// set changes what is done.
func (m *meddler) set(change func(*meddler)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

// old returns the commands, or policies, that went by.
func (m *meddler) old() (commands [][]byte, policies []recorded) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.commands, m.policies
}

// stream is where server-sent events go by, one in each Write.
type stream struct {
	http.ResponseWriter
	m     *meddler
	nonce []byte
}

func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *stream) Write(b []byte) (int, error) {
	s.m.mu.Lock()
	frames := [][]byte{b}
	change, inject := s.m.command, s.m.inject
	switch {
	case strings.HasPrefix(string(b), "event: "+cloudsync.StreamCommand):
		s.m.commands = append(s.m.commands, bytes.Clone(b))
	default:
		change = nil
	}
	if !strings.HasPrefix(string(b), "event: "+cloudsync.StreamPolicy) {
		inject = nil
	}
	s.m.mu.Unlock()
	if change != nil {
		frames = change(bytes.Clone(b))
	}
	if inject != nil {
		if frame, ok := inject(s.nonce); ok {
			frames = append(frames, frame)
		}
	}
	for _, f := range frames {
		if _, err := s.ResponseWriter.Write(f); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// copied keeps what is answered.
type copied struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (c *copied) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *copied) Write(b []byte) (int, error) {
	c.body.Write(b)
	return c.ResponseWriter.Write(b)
}

// late holds commands up.
func late(d time.Duration) func([]byte) [][]byte {
	return func(frame []byte) [][]byte {
		time.Sleep(d)
		return [][]byte{frame}
	}
}

// once injects a frame after the next hint.
func once(make func(nonce []byte) []byte) func([]byte) ([]byte, bool) {
	var done sync.Once
	return func(nonce []byte) (frame []byte, ok bool) {
		done.Do(func() { frame, ok = make(nonce), true })
		return frame, ok
	}
}

// frame writes a command as it goes by.
func frame(signed ledger.Signed) []byte {
	text, err := json.Marshal(signed)
	if err != nil {
		panic(err)
	}
	return []byte("event: " + cloudsync.StreamCommand + "\ndata: " + string(text) + "\n\n")
}
