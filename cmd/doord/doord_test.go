package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"doord/cmd/internal/daemon"
)

// good is a board of which no machine has the lines.
const good = `device_id = "00d00d00d00d0001"
state_dir = "DIR/state"

[api]
socket = "DIR/doord.sock"

[[relay]]
channel = 1
line = "no-such-chip:0"

[[door]]
name = "front"
relays = [1]
fail_mode = "fail_secure"

[[input]]
name = "fire"
channel = 14
line = "no-such-chip:1"
kind = "fire"
`

// write returns the path of a new file with that text.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "board.toml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// doord runs a command line and returns what it said.
func doord(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestCheckConfigSaysWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, text     string
		code           int
		stdout, stderr string // FILE is the file
	}{
		{"a good board", good, 0, "FILE: good: 1 doors, 1 relays, 1 inputs, 0 readers\n", ""},
		{"a board that deserves a second look", good[:strings.Index(good, "[[input]]")], 0,
			"FILE: warning: no fire input: doors will not be released on fire\nFILE: good: 1 doors, 1 relays, 0 inputs, 0 readers\n", ""},
		{"a door without its relay", strings.Replace(good, "relays = [1]", "relays = [2]", 1), 2, "",
			"doord: FILE: door[0] \"front\".relays: there is no [[relay]] with channel 2\n"},
		{"two faults are told at once", strings.NewReplacer("relays = [1]", "relays = []", "00d00d00d00d0001", "1").Replace(good), 2, "",
			"doord: FILE: device_id: \"1\" must be 16 hex digits: the number on the board's label\n" +
				"FILE: door[0] \"front\".relays: the door has no relay: name its channels, as in relays = [1]\n"},
		{"a key that is none", strings.Replace(good, "channel = 1\n", "chanel = 1\n", 1), 2, "", "doord: FILE:8:1: unknown key relay.chanel\n"},
		{"no TOML", "device_id = \n", 2, "", "doord: FILE:1:13: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, tt.text)
			code, stdout, stderr := doord("check-config", file)
			name := func(s string) string { return strings.ReplaceAll(s, "FILE", file) }
			if code != tt.code || stdout != name(tt.stdout) {
				t.Errorf("exit code %d and %q, want %d and %q", code, stdout, tt.code, name(tt.stdout))
			}
			if !strings.HasPrefix(stderr, name(tt.stderr)) || tt.stderr == "" && stderr != "" {
				t.Errorf("said %q, want %q", stderr, name(tt.stderr))
			}
		})
	}
}

func TestAWrongCommandLineIsExitCode2(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "board.toml")
	for _, tt := range []struct{ args, want string }{
		{"check-config", "accepts 1 arg(s), received 0"},
		{"check-config " + missing, missing + ": no such file or directory"},
		{"safe-state --config " + missing, missing + ": no such file or directory"},
		{"--config " + missing, missing + ": no such file or directory"},
		{"safe-state now", `unknown command "now"`},
		{"serve", `unknown command "serve"`},
		{"--sim", "unknown flag: --sim"},
	} {
		code, stdout, stderr := doord(strings.Fields(tt.args)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("doord %s: exit code %d, %q, %q; want 2 and %q", tt.args, code, stdout, stderr, tt.want)
		}
	}
}

// Nothing is touched before the relays are safe: without them there is no socket
// and no database.
func TestWithoutItsLinesItSaysSoAndIsExitCode1(t *testing.T) {
	file := write(t, good)
	for _, args := range [][]string{{"safe-state", "--config", file}, {"check-config", "--hardware", file}, {"--config", file}} {
		code, stdout, stderr := doord(args...)
		// The first on a machine without any chip, the second on one with others.
		none := strings.Contains(stderr, "no GPIO chip in /dev: see that the device tree enables one and that the kernel has its driver")
		other := strings.Contains(stderr, `relay 1: no GPIO chip is called "no-such-chip": there is `)
		if code != 1 || stdout != "" || none == other {
			t.Errorf("doord %q: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(left) != 1 {
		t.Errorf("there are %q, %v", left, err)
	}
}

func TestVersionAndHelp(t *testing.T) {
	if code, stdout, _ := doord("--version"); code != 0 || stdout != "doord version "+daemon.Version+"\n" {
		t.Errorf("%d, %q", code, stdout)
	}
	code, stdout, _ := doord("--help")
	for _, want := range []string{"check-config", "safe-state", "--config", defaultConfig} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("%d, and no %q in %s", code, want, stdout)
		}
	}
}

// Firmware that can run a pretend board is a hazard, and periph's host package
// maps the registers of the chip into the program on ARM.
func TestFirmwareCarriesNoPretendBoardAndNoRawDrivers(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64", "arm"} {
		list := exec.Command("go", "list", "-deps", "doord/cmd/doord")
		list.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		packages := strings.Fields(string(out))
		seen := map[string]bool{}
		for _, p := range packages {
			seen[p] = true
			if p == "doord/sim" || strings.HasPrefix(p, "doord/sim/") || p == "periph.io/x/host/v3" || p == "testing" {
				t.Errorf("%s: doord imports %s", arch, p)
			}
		}
		if !seen["doord/cmd/internal/board"] || !seen["periph.io/x/host/v3/gpioioctl"] {
			t.Errorf("%s: the list is not that of doord: %q", arch, packages)
		}
	}
}
