package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"

	"doord/store"
)

// Client speaks to a daemon.
type Client struct {
	socket string
	http   http.Client
}

// NewClient returns a client of the daemon that listens at a socket.
func NewClient(socket string) *Client {
	dial := func(context.Context, string, string) (net.Conn, error) { return dialSocket(socket) }
	return &Client{socket: socket, http: http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// ErrUnreachable is that no daemon answers.
var ErrUnreachable = errors.New("no daemon answers")

// Get asks for a resource and puts the answer into v.
func (c *Client) Get(ctx context.Context, path string, v any) error {
	return c.do(ctx, http.MethodGet, path, nil, v)
}

// Post sends a request and puts the answer into v.
func (c *Client) Post(ctx context.Context, path string, request, v any) error {
	data, err := json.Marshal(request)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, path, data, v)
}

// LoadPolicy loads a policy file.
func (c *Client) LoadPolicy(ctx context.Context, file []byte) (Loaded, error) {
	var l Loaded
	return l, c.do(ctx, http.MethodPost, "/v1/policy", file, &l)
}

// Stream sends a request whose answer comes bit by bit.
func (c *Client) Stream(ctx context.Context, method, path string, data []byte) (io.ReadCloser, error) {
	response, err := c.send(ctx, method, path, data)
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// Events yields the events after since, and with follow also what comes, until
// the context ends.
func (c *Client) Events(ctx context.Context, since uint64, follow bool) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		q := url.Values{"since": {strconv.FormatUint(since, 10)}, "follow": {strconv.FormatBool(follow)}}
		response, err := c.send(ctx, http.MethodGet, "/v1/events?"+q.Encode(), nil)
		if err != nil {
			yield(store.Record{}, err)
			return
		}
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var r store.Record
			err := json.Unmarshal(lines.Bytes(), &r)
			if !yield(r, err) {
				return
			}
		}
		switch err := lines.Err(); {
		case ctx.Err() != nil:
		case err != nil:
			yield(store.Record{}, fmt.Errorf("%w any more at %s: %w", ErrUnreachable, c.socket, err))
		case follow:
			yield(store.Record{}, fmt.Errorf("%w any more at %s: it has ended", ErrUnreachable, c.socket))
		}
	}
}

func (c *Client) do(ctx context.Context, method, path string, data []byte, v any) error {
	response, err := c.send(ctx, method, path, data)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(v); err != nil {
		return fmt.Errorf("%s %s: the answer cannot be read: %w", method, path, err)
	}
	return nil
}

// send makes a request; an answer that is no success becomes its *Error.
func (c *Client) send(ctx context.Context, method, path string, data []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://doord"+path, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.explain(err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	e := &Error{Status: response.StatusCode}
	if err != nil || json.Unmarshal(text, e) != nil || e.Text == "" {
		e.Text = fmt.Sprintf("%s %s: %s", method, path, response.Status)
	}
	return nil, e
}

// explain says what to do when the socket cannot be used.
func (c *Client) explain(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w at %s: the socket is not there; is doord running? --socket or DOORD_SOCKET names another", ErrUnreachable, c.socket)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w at %s: it has ended and left its socket; start doord again", ErrUnreachable, c.socket)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w at %s: you may not use the socket; run as root or join its group", ErrUnreachable, c.socket)
	default:
		return fmt.Errorf("%w at %s: %w", ErrUnreachable, c.socket, err)
	}
}

// Words returns what tells events of this daemon to a person, in the place's
// time zone. Names are asked for once each.
func (c *Client) Words(ctx context.Context) Words {
	known := map[int64]string{}
	in := time.Local
	var status Status
	if c.Get(ctx, "/v1/status", &status) == nil {
		if loc, err := time.LoadLocation(status.Policy.TimeZone); err == nil && status.Policy.TimeZone != "" {
			in = loc
		}
	}
	return Words{In: in, Name: func(id int64) string {
		name, ok := known[id]
		if !ok {
			_ = c.Get(ctx, fmt.Sprintf("/v1/members/%d/name", id), &name) // without an answer the id will do
			known[id] = name
		}
		return name
	}}
}
