package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"doord/policy"
)

// The test binary, run again by a test, is the service or a controller as a process
// of its own.
const childMode = "DOORD_E2E_CHILD"

var children = map[string]func(args []string){"service": childService, "controller": childController}

// child starts one, and returns the reader of what it says. It ends with the test.
func child(t testing.TB, mode string, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // it ends when we do
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, bufio.NewReader(out)
}

// fail ends a child that cannot go on.
func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// running is what a service says once it is ready.
type running struct {
	Address, Setup string
}

// childService is the service: DIR ADDRESS.
func childService(args []string) {
	s := &service{dir: args[0], hosts: []string{"127.0.0.1"}, now: time.Now}
	l, err := net.Listen("tcp", args[1])
	fail(err)
	fail(s.open(l))
	line, err := json.Marshal(running{l.Addr().String(), s.place.Setup()})
	fail(err)
	fmt.Println(string(line))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func startService(t testing.TB, dir, address string) (*exec.Cmd, running) {
	t.Helper()
	cmd, out := child(t, "service", dir, address)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var r running
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatal(err)
	}
	return cmd, r
}

var killRounds = flag.Int("kill.rounds", 2, "how often the service is killed")

// newSiteAt makes a place at a service that runs already, with one controller that is
// not started yet, in real time.
func newSiteAt(t testing.TB, address, setup string, cards int) (*site, *unit) {
	t.Helper()
	s := &site{TB: t, client: newClient("https://"+address, (&net.Dialer{}).DialContext)}
	u := &unit{TB: t, name: "A", device: "00d00d00d00d0001", dir: t.TempDir()}
	s.units = []*unit{u}
	t.Cleanup(func() {
		u.stop()
		s.http.CloseIdleConnections()
	})
	s.setUp(t, setup)
	s.staffed(cards)
	s.wire(u)
	return s, u
}

// until waits for something, looking often.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(20 * time.Second); !is(); <-ticker.C {
		if time.Now().After(end) {
			t.Fatal("not in time: " + what)
		}
	}
}

// has reports whether a controller's cache knows a card.
func (u *unit) has(number uint64) (active, found bool) {
	u.Helper()
	var h policy.Holder
	_, found, err := u.policy.Lookup(policy.Token{Class: policy.TokenNumber, Format: "H10301", Facility: facility, Number: number}, &h)
	if err != nil {
		u.Fatal(err)
	}
	return h.Status == policy.Activated, found
}

// A service that is killed at work has all that it acknowledged, and its controller
// comes to the same.
func TestAServiceThatIsKilledLosesNothing(t *testing.T) {
	dir := t.TempDir()
	process, at := startService(t, dir, "127.0.0.1:0")
	s, u := newSiteAt(t, at.Address, at.Setup, 2)
	u.start()
	s.enroll(u)
	until(t, "the policy", func() bool { _, found := u.has(s.cards[1].number); return found })
	acknowledged := 0
	for range *killRounds {
		changes := make(chan int) // one for each that was acknowledged
		go func() {
			defer close(changes)
			for n := 0; ; n++ {
				status, _ := s.ask("PATCH", path("/cards/%d", s.cards[0].id), path(`{"card":{"name":"change %d"}}`, acknowledged+n))
				if status != http.StatusNoContent {
					return
				}
				s.ask("POST", path("/cards/%d/%s", s.cards[0].id, []string{"deactivate", "activate"}[n%2]), "")
				changes <- n
			}
		}()
		last := acknowledged - 1
		for n := range changes {
			last = acknowledged + n
			if n%5 == 0 {
				u.present("front", s.cards[1].number)
			}
			if n == 20 {
				_ = process.Process.Kill()
			}
		}
		_ = process.Wait()
		process, _ = startService(t, dir, at.Address)
		s.http.CloseIdleConnections()
		var name string
		if _, err := fmt.Sscanf(fmt.Sprint(s.ok(t, "GET", path("/cards/%d", s.cards[0].id), "")["name"]), "change %s", &name); err != nil {
			t.Fatal(err)
		}
		if name != fmt.Sprint(last) && name != fmt.Sprint(last+1) {
			t.Errorf("change %d was acknowledged, %s is there", last, name)
		}
		acknowledged = last + 1
	}
	// One more change: who has that has all before it.
	s.made(t, "/cards", `{"card":{"member_id":%d,"format":"H10301","facility":%d,"card":4711}}`, s.staff, facility)
	until(t, "the last change", func() bool { _, found := u.has(4711); return found })
	want := s.ok(t, "GET", path("/cards/%d", s.cards[0].id), "")["status"] == "activated"
	if got, _ := u.has(s.cards[0].number); got != want {
		t.Errorf("the card is active: %t, at the controller: %t", want, got)
	}
	until(t, "all events", func() bool {
		r, err := u.server.Cloud(context.Background())
		return err == nil && r.Queue == 0 && u.journal.AckedThrough() == u.journal.Head().Sequence
	})
	through := u.journal.AckedThrough() // there may come more
	u.sameEvents(s.events(u), through)
	if err := u.policy.Check(context.Background()); err != nil {
		t.Error(err)
	}
}

// events asks the API for all events of a controller.
func (s *site) events(u *unit) (texts [][]byte) {
	s.Helper()
	for offset := 0; ; offset += 250 {
		q, err := http.NewRequest(http.MethodGet, s.url+path("/events?place_id=%d&limit=250&offset=%d", s.place, offset), strings.NewReader(""))
		if err != nil {
			s.Fatal(err)
		}
		q.Header.Set("Authorization", s.owner)
		a, err := s.http.Do(q)
		if err != nil {
			s.Fatal(err)
		}
		var list []json.RawMessage
		err = json.NewDecoder(a.Body).Decode(&list)
		a.Body.Close()
		if err != nil {
			s.Fatal(err)
		}
		for _, text := range list {
			var by struct {
				Controller int64 `json:"controller_id"`
			}
			if json.Unmarshal(text, &by) == nil && by.Controller == u.id {
				texts = append(texts, text)
			}
		}
		if len(list) < 250 {
			return texts
		}
	}
}
