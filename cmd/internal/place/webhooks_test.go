package place

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"doord/cmd/internal/place/fleet"
)

// sink takes webhooks.
type sink struct {
	*httptest.Server
	got chan delivery
}

type delivery struct {
	header http.Header
	body   []byte
}

func newSink(t *testing.T, status func(n int) int) *sink {
	s := &sink{got: make(chan delivery, 100)}
	n := 0
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n++
		w.WriteHeader(status(n))
		s.got <- delivery{r.Header, body}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) next(t *testing.T) delivery {
	t.Helper()
	select {
	case d := <-s.got:
		return d
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
		return delivery{}
	}
}

func TestWebhooksAreSigned(t *testing.T) {
	r := newRig(t, func(r *rig) { r.config.PrivateWebhooks = true })
	s := newSink(t, func(int) int { return 200 })
	made := r.ok(201, "POST", "/webhooks", r.owner, `{"webhook":{"place_id":%d,"url":%q,"types":["lock.create"]}}`, r.place, s.URL+"/hook")
	secret, _ := made["secret"].(string)
	r.made("/groups", `{"group":{"name":"not asked for","place_id":%d}}`, r.place)
	lock := r.made("/locks", `{"lock":{"name":"Front","place_id":%d}}`, r.place)
	d := s.next(t)
	mac := func(text string) string {
		m := hmac.New(sha256.New, []byte(secret))
		m.Write([]byte(text))
		return hex.EncodeToString(m.Sum(nil))
	}
	if got := d.header.Get("X-Signature"); got != mac(string(d.body)) || len(secret) < 40 {
		t.Errorf("X-Signature: %s", got)
	}
	at := d.header.Get("X-Timestamp")
	if d.header.Get("X-Timestamp-Signature") != mac(at+"."+string(d.body)) || at != f("%d", r.clock.now().Unix()) {
		t.Errorf("X-Timestamp: %s", at)
	}
	var e map[string]any
	if err := json.Unmarshal(d.body, &e); err != nil || e["type"] != "lock.create" || id(e, "object_id") != lock || id(e, "place_id") != r.place {
		t.Errorf("%s", d.body)
	}
	r.ok(200, "POST", f("/webhooks/%d/test", id(made, "id")), r.owner, "")
	if d := s.next(t); !strings.Contains(string(d.body), "webhook.test") {
		t.Errorf("%s", d.body)
	}
}

// What is not taken is sent again, later and later, up to a bound; then the next has
// its turn. In virtual time.
func TestWebhooksTryAgain(t *testing.T) {
	r := newRig(t, func(r *rig) { r.config.PrivateWebhooks = true })
	made := r.ok(201, "POST", "/webhooks", r.owner, `{"webhook":{"place_id":%d,"url":"http://sink.test/"}}`, r.place)
	synctest.Test(t, func(t *testing.T) {
		h := newHooks(r.Service, true)
		defer h.close()
		var mu sync.Mutex
		var at []time.Duration
		start := time.Now()
		var answer atomic.Int64
		answer.Store(500)
		h.client.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Since(start))
			return &http.Response{StatusCode: int(answer.Load()), Body: http.NoBody}, nil
		})
		event := fleet.Event{Place: r.place, Text: []byte(`{"type":"x"}`)}
		for range maxWaiting + 10 {
			h.add(id(made, "id"), event)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		mu.Lock()
		if len(at) < hookAttempts || at[1] < firstWait || at[2]-at[1] < 4*firstWait || at[hookAttempts-1] < 25*time.Minute || at[hookAttempts-1] > 33*time.Minute {
			t.Errorf("attempts at %v", at)
		}
		mu.Unlock()
		waiting, dropped, last := h.of(id(made, "id"))
		if waiting >= maxWaiting || dropped != 10+maxWaiting-waiting || last == "" {
			t.Errorf("%d wait, %d were dropped, %q", waiting, dropped, last)
		}
		answer.Store(200)
		time.Sleep(time.Hour)
		synctest.Wait()
		if waiting, _, last := h.of(id(made, "id")); waiting != 0 || last != "" {
			t.Errorf("%d wait, %q", waiting, last)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The address is looked at when the connection is made: a name that led elsewhere
// before does not help.
func TestWebhooksDoNotGoInside(t *testing.T) {
	r := newRig(t)
	s := newSink(t, func(int) int { return 200 })
	for _, url := range []string{s.URL, strings.Replace(s.URL, "127.0.0.1", "localhost", 1)} {
		again, err := r.hooks.send(t.Context(), &Webhook{URL: url}, nil)
		if again || !errors.Is(err, errPrivate) || strings.Contains(err.Error(), url) {
			t.Errorf("%s: again %t, %v", url, again, err)
		}
	}
	for address, want := range map[string]bool{
		"93.184.215.14": true, "2606:2800:21f:cb07:6820:80da:af6b:8b2c": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false, "::1": false, "::": false, "fe80::1%eth0": false,
		"fc00::1": false, "ff02::1": false, "::ffff:10.0.0.1": false, "64:ff9b::a00:1": false, "2002:a00:1::": false, "198.18.0.1": false,
		"::7f00:1": false, "::10.0.0.1": false, "192.88.99.1": false, "3fff::1": false, "5f00::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is public: %t", address, got)
		}
	}
	for _, url := range []string{"https://user:pass@example.org/", "ftp://example.org/", "https:///x", "example.org", "http://example.org/"} {
		r.ok(422, "POST", "/webhooks", r.owner, `{"webhook":{"place_id":%d,"url":%q}}`, r.place, url)
	}
}

// Who takes webhooks cannot fill the memory with his answers, nor the log.
func TestAWebhooksAnswerIsBounded(t *testing.T) {
	r := newRig(t, func(r *rig) { r.config.PrivateWebhooks = true })
	long := strings.Repeat("x", 100<<10)
	for name, text := range map[string]string{
		"a long status": "HTTP/1.1 500 " + long + "\r\n\r\n",
		"a long header": "HTTP/1.1 500 No\r\nX: " + long + "\r\n\r\n",
		"a status":      "HTTP/1.1 500 " + long[:1000] + "\r\n\r\n",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(c, text)
				c.Close()
			}
		}))
		_, err := r.hooks.send(t.Context(), &Webhook{URL: s.URL}, nil)
		if err == nil || len(err.Error()) > 200 || name == "a long header" && strings.Contains(err.Error(), "answered") {
			t.Errorf("%s: %.300v", name, err)
		}
		s.Close()
	}
}

func TestWebhooksDoNotFollow(t *testing.T) {
	r := newRig(t, func(r *rig) { r.config.PrivateWebhooks = true })
	inside := newSink(t, func(int) int { return 200 })
	outside := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusTemporaryRedirect))
	defer outside.Close()
	if again, err := r.hooks.send(t.Context(), &Webhook{URL: outside.URL}, nil); !again || err == nil {
		t.Errorf("again %t, %v", again, err)
	}
	if len(inside.got) > 0 {
		t.Error("it followed")
	}
}
