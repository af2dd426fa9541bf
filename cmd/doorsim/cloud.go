package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"doord/cmd/internal/api"
)

// cloud is a place service in a process of its own, and a person who is signed in.
type cloud struct {
	cmd          *exec.Cmd
	url          string
	http         http.Client
	token        string // of the owner's login
	place, owner int64
}

// The person of the demo. The service is reached from this machine only, and goes
// with the demo's directory.
const (
	demoEmail    = "ada@example.com"
	demoPassword = "open sesame, please"
)

// startCloud starts doorcloud and makes its first owner, with a place.
func startCloud(ctx context.Context, dir string) (*cloud, error) {
	program, err := sibling("doorcloud")
	if err != nil {
		return nil, err
	}
	c := &cloud{cmd: exec.Command(program, "--dir", dir, "--listen", "127.0.0.1:0")}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the demo, which ends it
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	var ready struct {
		URL       string `json:"url"`
		SetupCode string `json:"setup_code"`
	}
	line, _ := bufio.NewReader(out).ReadBytes('\n') // what is missing shows in the line
	if err := json.Unmarshal(line, &ready); err != nil {
		return nil, errors.Join(fmt.Errorf("doorcloud does not start: %q", line), c.end())
	}
	c.url = ready.URL
	if err := c.trust(dir); err != nil {
		return nil, errors.Join(err, c.end())
	}
	var setup struct {
		PlaceID  int64  `json:"place_id"`
		MemberID int64  `json:"member_id"`
		Secret   string `json:"secret"`
	}
	err = c.call(ctx, http.MethodPost, "/setup", object{"code": ready.SetupCode, "email": demoEmail, "password": demoPassword, "name": "Ada",
		"place": object{"name": "Workshop", "time_zone": "Europe/Berlin", "latitude": 52.52, "longitude": 13.405}}, &setup)
	if err != nil {
		return nil, errors.Join(err, c.end())
	}
	c.token, c.place, c.owner = setup.Secret, setup.PlaceID, setup.MemberID
	return c, nil
}

// sibling finds another of these programs: beside this one, or where programs are.
func sibling(name string) (string, error) {
	if me, err := os.Executable(); err == nil {
		if path := filepath.Join(filepath.Dir(me), name); exec.Command(path, "--version").Run() == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("the demo needs %s beside doorsim: make build", name)
	}
	return path, nil
}

// end ends the service.
func (c *cloud) end() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return c.cmd.Wait()
}

// trust takes the service's own authority.
func (c *cloud) trust(dir string) error {
	authority, err := os.ReadFile(filepath.Join(dir, "authority.pem"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return errors.New("authority.pem holds no certificate")
	}
	c.http = http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}}
	return nil
}

// object is JSON.
type object map[string]any

// call asks the place API for something, and when it is asked to wait it does.
func (c *cloud) call(ctx context.Context, method, path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for {
		r, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(data))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		if c.token != "" {
			r.Header.Set("Authorization", "KISI-LOGIN "+c.token)
		}
		answer, err := c.http.Do(r)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
		switch after, _ := strconv.Atoi(answer.Header.Get("Retry-After")); {
		case answer.StatusCode == http.StatusTooManyRequests:
			if err := wait(ctx, time.Duration(max(1, after))*time.Second); err != nil {
				return err
			}
			continue
		case answer.StatusCode >= http.StatusBadRequest:
			return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
		case into == nil:
			return nil
		}
		return json.Unmarshal(text, into)
	}
}

// create makes a record and returns its id.
func (c *cloud) create(ctx context.Context, path, envelope string, record object) (int64, error) {
	var made struct {
		ID int64 `json:"id"`
	}
	if err := c.call(ctx, http.MethodPost, path, object{envelope: record}, &made); err != nil {
		return 0, err
	}
	return made.ID, nil
}

// furnish makes the demo's place: two doors, by the calls of the API's public
// documentation, and who may open them; and it joins the controller.
func (s *stage) furnish(device string) (err error) {
	c := s.cloud
	fmt.Printf("  The place service runs at %s, with a place that has nothing in it.\n\n", c.url)
	fmt.Printf(`• A door is made by the place API:

    curl %[1]s/locks -H 'Accept: application/json' -H 'Authorization: KISI-LOGIN {authentication_token}' \
         -H 'Content-Type: application/json' --data-raw '{"lock":{"name":"New door","description":"My new door","place_id":%[2]d}}'

`, c.url, c.place)
	s.door, err = c.create(s.ctx, "/locks", "lock", object{"name": "New door", "description": "My new door", "place_id": c.place})
	if err != nil {
		return err
	}
	fmt.Printf(`• The doors are listed:

    curl '%[1]s/locks?place_id=%[2]d&limit=10&offset=0&favorite=*&sort=favorite' -H 'Accept: application/json' -H 'Authorization: KISI-LOGIN {authentication_token}'

`, c.url, c.place)
	var locks []object
	if err := c.call(s.ctx, http.MethodGet, fmt.Sprintf("/locks?place_id=%d&limit=10&offset=0&favorite=*&sort=favorite", c.place), nil, &locks); err != nil {
		return err
	}
	for _, l := range locks {
		fmt.Printf("    lock %v: %v, %v\n", l["id"], l["name"], l["description"])
	}
	fmt.Printf("\n• The controller joins the place by a claim code, and a laboratory, people and cards follow.\n\n")
	lab, err := c.create(s.ctx, "/locks", "lock", object{"name": "Laboratory", "place_id": c.place})
	if err != nil {
		return err
	}
	var assigned struct {
		ID    int64 `json:"id"`
		Claim struct {
			Code string `json:"code"`
		} `json:"claim"`
	}
	if err := c.call(s.ctx, http.MethodPost, "/controllers/"+device+"/assign", object{"controller": object{"name": "Hall cabinet", "place_id": c.place}}, &assigned); err != nil {
		return err
	}
	// The technician sees names: this place lets its controllers have them.
	if err := c.call(s.ctx, http.MethodPatch, fmt.Sprintf("/places/%d", c.place), object{"place": object{"names_on_controllers": true}}, nil); err != nil {
		return err
	}
	if err := s.post("/v1/cloud/enroll", api.Enroll{URL: c.url, Code: assigned.Claim.Code}); err != nil {
		return err
	}
	s.board = assigned.ID
	if err := s.people(lab); err != nil {
		return err
	}
	return s.bound()
}

// people wires the doors to the board, and lets people in.
func (s *stage) people(lab int64) (err error) {
	c := s.cloud
	create := func(path, envelope string, record object) (id int64) {
		if err == nil {
			id, err = c.create(s.ctx, path, envelope, record)
		}
		return id
	}
	for _, wire := range []struct {
		lock                        int64
		relay, rex, contact         int
		egress, heldOpen, preWarned int // s
		port, pin                   string
	}{
		{s.door, 1, 1, 5, 5, 6, 3, "wiegand:1", "none"},
		{lab, 2, 2, 6, 30, 30, 10, "wiegand:2", "pin_only"},
	} {
		create("/controller_relay_connections", "controller_relay_connection",
			object{"controller_id": s.board, "channel": wire.relay, "type": "lock", "lock_id": wire.lock, "duration": 5})
		create("/controller_input_connections", "controller_input_connection",
			object{"controller_id": s.board, "channel": wire.rex, "type": "request_to_exit", "lock_id": wire.lock, "duration": wire.egress})
		create("/controller_input_connections", "controller_input_connection",
			object{"controller_id": s.board, "channel": wire.contact, "type": "contact_sensor", "lock_id": wire.lock, "duration": wire.heldOpen, "pre_alarm": wire.preWarned})
		create("/readers", "reader", object{"controller_id": s.board, "port": wire.port, "lock_id": wire.lock, "pin_mode": wire.pin})
	}
	linus := create("/members", "member", object{"name": "Linus", "access_enabled": false, "place_id": c.place})
	grace := create("/members", "member", object{"name": "Grace", "place_id": c.place})
	for _, g := range []struct {
		name  string
		doors []int64
		staff []object
	}{
		{"Staff", []int64{s.door}, []object{{"member_id": c.owner, "card": 1603}, {"member_id": linus, "card": 1605}}},
		{"Laboratory", []int64{s.door, lab}, []object{{"member_id": grace, "kind": "fob", "card": 1604}, {"member_id": grace, "kind": "pin", "pin": "2468"}}},
	} {
		group := create("/groups", "group", object{"name": g.name, "place_id": c.place})
		for _, lock := range g.doors {
			create("/group_locks", "group_lock", object{"group_id": group, "lock_id": lock})
		}
		for i, card := range g.staff {
			if i == 0 || card["member_id"] != g.staff[i-1]["member_id"] {
				create("/role_assignments", "role_assignment", object{"role_id": "member", "applies_to": object{"type": "group", "id": group}, "member_id": card["member_id"]})
			}
			if card["kind"] == nil {
				card["kind"] = "card"
			}
			if card["card"] != nil {
				card["format"], card["facility"] = "H10301", 118
			}
			create("/cards", "card", card)
		}
	}
	return err
}

// bound waits until the controller has all that was made.
func (s *stage) bound() error {
	return eventually(s.ctx, "the place's policy does not come to the controller", func() (bool, error) {
		var at struct {
			UpToDate bool `json:"up_to_date"`
		}
		err := s.cloud.call(s.ctx, http.MethodGet, fmt.Sprintf("/controllers/%d", s.board), nil, &at)
		return at.UpToDate, err
	})
}

// uploaded waits until the service has the events of the controller's journal.
func (s *stage) uploaded(sequence uint64) error {
	return eventually(s.ctx, "the events do not come to the place service", func() (bool, error) {
		var newest []struct {
			Sequence uint64 `json:"sequence"`
		}
		err := s.cloud.call(s.ctx, http.MethodGet, "/events?limit=1", nil, &newest)
		return len(newest) > 0 && newest[0].Sequence >= sequence, err
	})
}

func eventually(ctx context.Context, otherwise string, so func() (bool, error)) error {
	for range 100 {
		if done, err := so(); done || err != nil {
			return err
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New(otherwise + ": doorctl cloud tells why")
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
