package fleet

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"doord/policy/ledger"
	"doord/store/cloudsync"
)

const (
	maxCommands = 32 // of a controller that wait for their results
	nonceBytes  = 16
	doFor       = cloudsync.CommandLife + time.Second // that a result is waited for: what was given up is not carried out later
)

// stream is what goes down to a controller. Commands go in their order; of zones
// and the policy only that there is something new.
type stream struct {
	c      *controller
	nonce  []byte
	opened time.Time

	mu       sync.Mutex
	commands []*command
	zones    map[int64]struct{}
	policy   bool
	ended    bool

	wake chan struct{}
	done chan struct{} // closed when nothing is written any more
}

// command waits for its result.
type command struct {
	cloudsync.Command
	result chan cloudsync.Result
	sent   bool // written, or about to be: it may be carried out
	given  bool // up: not to be written any more
}

func newStream(c *controller, nonce []byte) *stream {
	return &stream{
		c: c, nonce: nonce, opened: time.Now(), zones: map[int64]struct{}{},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

func (s *stream) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// end has the stream end. Commands that were not written are not written any more.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended = true
		close(s.done)
	}
}

func (s *stream) hint() {
	s.mu.Lock()
	s.policy = true
	s.mu.Unlock()
	s.poke()
}

func (s *stream) zone(id int64) {
	s.mu.Lock()
	s.zones[id] = struct{}{}
	s.mu.Unlock()
	s.poke()
}

// streams returns those that are open at a place.
func (f *Fleet) streams(place int64) (all []*stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.controllers {
		if c.place != place {
			continue
		}
		c.mu.Lock()
		if c.stream != nil {
			all = append(all, c.stream)
		}
		c.mu.Unlock()
	}
	return all
}

// getStream sends what is new until either side ends.
func (f *Fleet) getStream(w http.ResponseWriter, r *http.Request, c *controller) error {
	nonce, err := hex.DecodeString(r.Header.Get(cloudsync.HeaderNonce))
	if err != nil || len(nonce) != nonceBytes {
		return refuse(http.StatusBadRequest, "", cloudsync.HeaderNonce+" is not 32 hex digits")
	}
	s := newStream(c, nonce)
	s.policy = true
	f.mu.Lock()
	for id, z := range f.zones {
		if z.Place == c.place {
			s.zones[id] = struct{}{}
		}
	}
	f.mu.Unlock()

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy must not hold commands back
	out := sse{w: w, control: http.NewResponseController(w)}
	if err := out.send(cloudsync.StreamHello, cloudsync.Hello{Time: f.now().UTC()}); err != nil {
		return cut(err)
	}
	if !f.connect(s) {
		return nil
	}
	defer f.disconnect(s)
	ping := time.NewTicker(cloudsync.PingEvery)
	defer ping.Stop()
	for {
		if err := f.drain(s, &out); err != nil {
			return cut(err)
		}
		select {
		case <-s.wake:
		case <-ping.C:
			if err := out.ping(); err != nil {
				return cut(err)
			}
		case <-s.done:
			return nil
		case <-r.Context().Done():
			return nil
		case <-f.stop:
			return nil
		}
	}
}

// connect makes s the stream of its controller: one that there was ends.
func (f *Fleet) connect(s *stream) bool {
	c := s.c
	c.mu.Lock()
	old := c.stream
	c.stream = s
	if old == nil {
		c.since = f.now()
	}
	c.mu.Unlock()
	if !f.enrolled(c) { // revoked meanwhile, and put did not see this stream
		f.disconnect(s)
		return false
	}
	if old != nil {
		old.end()
	} else {
		f.tell(Notice{Place: c.place, Controller: c.id, Kind: NoticeOnline})
	}
	return true
}

func (f *Fleet) disconnect(s *stream) {
	s.end()
	c := s.c
	c.mu.Lock()
	last := c.stream == s
	if last {
		c.stream, c.since = nil, f.now()
	}
	c.mu.Unlock()
	if last {
		f.tell(Notice{Place: c.place, Controller: c.id, Kind: NoticeOffline})
	}
}

// drain writes all that waits: commands first.
func (f *Fleet) drain(s *stream, out *sse) error {
	for {
		s.mu.Lock()
		if s.ended {
			s.mu.Unlock()
			return nil
		}
		if len(s.commands) > 0 {
			c := s.commands[0]
			s.commands = s.commands[1:]
			if c.given {
				s.mu.Unlock()
				continue
			}
			c.sent = true
			out.sequence++
			c.Sequence = out.sequence
			s.mu.Unlock()
			key, _, err := f.keys.now().current(f.now())
			if err != nil {
				return err
			}
			if err := out.send(cloudsync.StreamCommand, ledger.Sign(ledger.ForCommand, c.Command, key)); err != nil {
				return err
			}
			continue
		}
		zones, policy := s.zones, s.policy
		s.zones, s.policy = map[int64]struct{}{}, false
		s.mu.Unlock()
		if len(zones) == 0 && !policy {
			return nil
		}
		for id := range zones {
			if err := out.send(cloudsync.StreamZone, f.Zone(id)); err != nil {
				return err
			}
		}
		if policy {
			if err := out.send(cloudsync.StreamPolicy, f.Position(s.c.place).String()); err != nil {
				return err
			}
		}
	}
}

// sse writes server-sent events.
type sse struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	sequence uint64
}

func (o *sse) send(event string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return o.write(fmt.Sprintf("event: %s\ndata: %s\n\n", event, b))
}

func (o *sse) ping() error { return o.write(": ping\n\n") }

func (o *sse) write(s string) error {
	if err := o.control.SetWriteDeadline(time.Now().Add(writePatience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := o.w.Write([]byte(s)); err != nil {
		return err
	}
	return o.control.Flush()
}

// Do has a controller carry something out, and returns what became of it. Nothing
// waits for a controller that is not connected: that is ErrOffline at once. With
// ErrTimeout it may have been carried out, but will not be any more.
func (f *Fleet) Do(ctx context.Context, controller int64, action cloudsync.Action, lock, object int64, body any) (cloudsync.Result, error) {
	c := f.controller(controller)
	if c == nil {
		return cloudsync.Result{}, ErrOffline
	}
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return cloudsync.Result{}, fmt.Errorf("fleet: %w", err)
		}
	}
	cmd := &command{
		Command: cloudsync.Command{ID: f.commandID.Add(1), Controller: controller, Action: action, Lock: lock, Object: object, Body: text},
		result:  make(chan cloudsync.Result, 1),
	}
	s, err := c.give(cmd)
	if err != nil {
		return cloudsync.Result{}, err
	}
	defer c.forget(cmd)
	timer := time.NewTimer(doFor)
	defer timer.Stop()
	done := s.done
	for {
		select {
		case result := <-cmd.result:
			return result, nil
		case <-timer.C:
			return cloudsync.Result{}, s.giveUp(cmd, ErrTimeout)
		case <-ctx.Done():
			return cloudsync.Result{}, s.giveUp(cmd, fmt.Errorf("%w: %w", ErrTimeout, ctx.Err()))
		case <-f.stop:
			return cloudsync.Result{}, s.giveUp(cmd, ErrTimeout)
		case <-done:
			if err := s.giveUp(cmd, nil); err != nil {
				return cloudsync.Result{}, err
			}
			done = nil // it was written: its result comes by another request
		}
	}
}

// give hands a command to the controller's stream.
func (c *controller) give(cmd *command) (*stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stream
	if s == nil {
		return nil, ErrOffline
	}
	if len(c.pending) >= maxCommands {
		return nil, ErrBusy
	}
	cmd.Nonce, cmd.Elapsed = s.nonce, time.Since(s.opened).Milliseconds()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, ErrOffline
	}
	c.pending[cmd.ID] = cmd
	s.commands = append(s.commands, cmd)
	s.poke()
	return s, nil
}

// giveUp keeps a command from being written. If it never was, the controller cannot
// have carried it out: that is ErrOffline.
func (s *stream) giveUp(cmd *command, otherwise error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd.given = true
	if !cmd.sent {
		return ErrOffline
	}
	return otherwise
}

func (c *controller) forget(cmd *command) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, cmd.ID)
}

// postResult takes the result of a command, if somebody still waits for it.
func (f *Fleet) postResult(w http.ResponseWriter, r *http.Request, c *controller) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return refuse(http.StatusNotFound, "", "nobody waits for this result")
	}
	var result cloudsync.Result
	if err := readJSON(w, r, maxBody, &result); err != nil {
		return err
	}
	c.mu.Lock()
	cmd := c.pending[id]
	delete(c.pending, id)
	c.mu.Unlock()
	if cmd == nil {
		return refuse(http.StatusNotFound, "", "nobody waits for this result")
	}
	cmd.result <- result // has room for one, and is taken from the map once
	w.WriteHeader(http.StatusNoContent)
	return nil
}
