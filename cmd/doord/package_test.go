package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"doord/cmd/internal/config"
)

func TestTheBoardProfilesAreGood(t *testing.T) {
	files, err := filepath.Glob("package/boards/*.toml")
	if err != nil || len(files) != 3 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		c, err := config.Load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if w := c.Warnings(); len(w) > 0 {
			t.Errorf("%s: %q", file, w)
		}
		for _, r := range c.Relay {
			if r.Line == "" {
				t.Errorf("%s: relay %d has no line", file, r.Channel)
			}
		}
		for _, in := range c.Input {
			if in.Line == "" {
				t.Errorf("%s: input %s has no line", file, in.Name)
			}
		}
	}
}

func TestTheProfilesAreThoseOfTheirBoards(t *testing.T) {
	load := func(name string) *config.Config {
		c, err := config.Load("package/boards/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	pi := load("raspberrypi.toml")
	if len(pi.Doors) != 4 {
		t.Errorf("the Raspberry Pi has %d doors", len(pi.Doors))
	}
	for _, r := range pi.Relay {
		_, number, _ := strings.Cut(string(r.Line), ":")
		// Lines 0 to 8 are pulled up after a reset: an active-high relay would close.
		if n, err := strconv.Atoi(number); err != nil || n < 9 || r.Active != config.High {
			t.Errorf("relay %d is on %s, %s", r.Channel, r.Line, r.Active)
		}
	}
	named := load("named-lines.toml")
	for _, r := range named.Relay {
		if strings.Contains(string(r.Line), ":") {
			t.Errorf("relay %d is on %s, which is no name", r.Channel, r.Line)
		}
	}
	twelve := load("twelve-inputs.toml")
	var channels []int
	for _, in := range twelve.Input {
		channels = append(channels, in.Channel)
	}
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}; !slices.Equal(channels, want) {
		t.Errorf("the inputs are %d, want %d", channels, want)
	}
}

// unit returns the settings of the service.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("package/doord.service")
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '[' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Errorf("%q is no setting", line)
		}
		settings[key] = append(settings[key], value)
	}
	return settings
}

func TestTheUnitKeepsWhatTheDaemonNeeds(t *testing.T) {
	got := unit(t)
	for key, want := range map[string]string{
		"Type":                    "notify",
		"ExecStart":               "/usr/bin/doord --config " + defaultConfig,
		"ExecStopPost":            "/usr/bin/doord safe-state --config " + defaultConfig,
		"Restart":                 "always",
		"StartLimitIntervalSec":   "0",
		"StateDirectory":          "doord", // state_dir is /var/lib/doord by default
		"RuntimeDirectory":        "doord", // and api.socket in /run/doord
		"User":                    "doord",
		"Group":                   "doord",
		"SupplementaryGroups":     "gpio dialout",
		"CapabilityBoundingSet":   "",
		"NoNewPrivileges":         "yes",
		"ProtectSystem":           "strict",
		"PrivateNetwork":          "no", // the place service
		"RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
	} {
		if !slices.Equal(got[key], []string{want}) {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	// The clock may be asked, and the socket given to a group.
	if calls := got["SystemCallFilter"]; !slices.Equal(calls, []string{"@system-service adjtimex", "~@resources"}) {
		t.Errorf("SystemCallFilter is %q", calls)
	}
	for _, key := range []string{"ProtectClock", "PrivateUsers", "PrivateDevices", "RestartPreventExitStatus", "IPAddressDeny"} {
		if got[key] != nil {
			t.Errorf("%s is set", key)
		}
	}
	if n, err := strconv.Atoi(strings.Join(got["LimitNOFILE"], "")); err != nil || n < 256 || n >= 1024 {
		t.Errorf("LimitNOFILE is %q: package serial cannot select above 1023", got["LimitNOFILE"])
	}
	// The loop turns at least once a second and feeds four times in a period.
	if d, err := time.ParseDuration(strings.Join(got["WatchdogSec"], "")); err != nil || d < 4*time.Second || d > 30*time.Second {
		t.Errorf("WatchdogSec is %q", got["WatchdogSec"])
	}
}
