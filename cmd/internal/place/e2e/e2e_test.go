//go:build e2e

// Package e2e has the place service's clients use it as they are: the vendor's
// JavaScript client and curl, over HTTPS. It needs node, npm and curl, and what npm
// brings:
//
//	cd cmd/internal/place/e2e && npm ci --ignore-scripts --no-audit --no-fund
//	go test -tags e2e ./cmd/internal/place/e2e
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"doord/cmd/internal/place"
	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/storage"
	"doord/policy"
	"doord/store/cloudsync"
)

// willing is a fleet with one controller that opens every door unless it is told not to.
type willing struct{ *fleet.Fleet }

func (b willing) Do(_ context.Context, _ int64, _ cloudsync.Action, _, _ int64, body any) (cloudsync.Result, error) {
	if ask, is := body.(cloudsync.Unlock); is && ask.Code == "DENY" {
		return cloudsync.Result{Reason: policy.OutsideSchedule}, nil
	}
	return cloudsync.Result{Done: true}, nil
}

const (
	email    = "owner@example.org"
	password = "correct horse battery"
)

// serve starts a service and returns its address, its certificate's file and its place.
func serve(t *testing.T) (base, ca string, placeID int64, secret string) {
	t.Helper()
	dir := t.TempDir()
	db, err := storage.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fleet.Open(fleet.Config{Storage: db, Dir: dir, Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := place.New(place.Config{Storage: db, Fleet: willing{f}, Rate: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(s.Handler())
	t.Cleanup(func() {
		server.Close()
		s.Close()
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	ca = filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(map[string]any{
		"code": s.Setup(), "email": email, "password": password, "name": "Olivia", "place": map[string]string{"name": "HQ", "time_zone": "Europe/Berlin"},
	})
	answer, err := server.Client().Post(server.URL+"/setup", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var in struct {
		PlaceID int64  `json:"place_id"`
		Secret  string `json:"secret"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&in); err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatal(answer.Status, err)
	}
	return server.URL, ca, in.PlaceID, in.Secret
}

func TestTheVendorsClient(t *testing.T) {
	base, ca, id, _ := serve(t)
	cmd := exec.CommandContext(t.Context(), "node", "client.mjs")
	cmd.Env = append(os.Environ(), "BASE="+base, "EMAIL="+email, "PASSWORD="+password, fmt.Sprint("PLACE=", id), "NODE_EXTRA_CA_CERTS="+ca)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Fatalf("%v\n%s", err, out)
	}
}

// The two calls of the public documentation, but for host, token and id.
const (
	createLock = `curl 'HOST/locks' -H 'Accept: application/json' -H 'Authorization: KISI-LOGIN {authentication_token}' \
     -H 'Content-Type: application/json' --data-raw '{"lock":{"name":"New door","description":"My new door","place_id":9749}}'`
	listLocks = `curl 'HOST/locks?place_id=9749&limit=10&offset=0&favorite=*&sort=favorite' -H 'Accept: application/json' -H 'Authorization: KISI-LOGIN {authentication_token}'`
)

func TestTheDocumentedCalls(t *testing.T) {
	base, ca, id, secret := serve(t)
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte("silent\nshow-error\ncacert = "+ca+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(call string, into any) {
		t.Helper()
		call = strings.NewReplacer("HOST", base, "{authentication_token}", secret, "9749", fmt.Sprint(id)).Replace(call)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", call)
		cmd.Env = append(os.Environ(), "CURL_HOME="+home)
		out, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(out, into)
		}
		if err != nil {
			t.Fatalf("%s\n%v\n%s", call, err, out)
		}
	}
	var made struct {
		ID          int64
		Name        string
		Description string
		PlaceID     int64 `json:"place_id"`
	}
	run(createLock, &made)
	if made.ID == 0 || made.Name != "New door" || made.Description != "My new door" || made.PlaceID != id {
		t.Errorf("made %+v", made)
	}
	var list []struct {
		ID       int64
		Favorite *bool
	}
	run(listLocks, &list)
	if len(list) != 1 || list[0].ID != made.ID || list[0].Favorite == nil || *list[0].Favorite {
		t.Errorf("listed %+v", list)
	}
}
