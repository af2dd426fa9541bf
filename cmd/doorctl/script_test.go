package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// bin holds doorsim, doorctl and doorcloud as they are built for use.
var bin string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "doorctl")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		bin = dir
		if out, err := exec.Command("go", "build", "-o", dir, "doord/cmd/doorsim", "doord/cmd/doorctl", "doord/cmd/doorcloud").CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v: %s", err, out))
		}
		return m.Run()
	}())
}

// TestScripts runs the real programs over a real socket.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
			e.Setenv("DOORD_SOCKET", filepath.Join(e.WorkDir, "dir", "doord.sock"))
			e.Values[running{}] = &sims{}
			e.Defer(func() { e.Values[running{}].(*sims).killAll() })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"doorsim-start": start, // waits for the line that says that it is ready, and keeps it in ready.json
			"doorsim-end":   end,   // SIGTERM: the exit code must be 0
			"await":         await, // runs a command until its output matches
			"doorsim-kill":  kill,  // kill -9
			"exit":          exit,  // exit CODE COMMAND…: the exit code must be that
			"disk":          disk,  // full or free, for the doorsim that runs
			"spoil":         spoil, // FILE: cut it in the middle
		},
	})
}

type running struct{}

// sims are the daemons of one script.
type sims struct{ list []*exec.Cmd }

func (s *sims) killAll() {
	for _, c := range s.list {
		_ = c.Process.Kill() // one that has ended already is no matter
		_ = c.Wait()
	}
	s.list = nil
}

func (s *sims) last(ts *testscript.TestScript) *exec.Cmd {
	if len(s.list) == 0 {
		ts.Fatalf("no doorsim runs")
	}
	c := s.list[len(s.list)-1]
	s.list = s.list[:len(s.list)-1]
	return c
}

func start(ts *testscript.TestScript, _ bool, args []string) {
	c := exec.Command(filepath.Join(bin, "doorsim"), append([]string{"--dir", ts.MkAbs("dir")}, args...)...)
	c.Env = append(os.Environ(), "TZ=UTC")
	log, err := os.Create(ts.MkAbs("doorsim.log"))
	ts.Check(err)
	defer log.Close()
	c.Stderr = log
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	s := ts.Value(running{}).(*sims)
	s.list = append(s.list, c)
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(out).ReadString('\n')
		line <- text
	}()
	select {
	case text := <-line:
		ts.Check(os.WriteFile(ts.MkAbs("ready.json"), []byte(text), 0o600))
	case <-time.After(20 * time.Second):
		ts.Fatalf("doorsim is not ready")
	}
}

func end(ts *testscript.TestScript, _ bool, _ []string) {
	c := ts.Value(running{}).(*sims).last(ts)
	ts.Check(c.Process.Signal(syscall.SIGTERM))
	if err := c.Wait(); err != nil {
		ts.Fatalf("doorsim after SIGTERM: %v", err)
	}
}

func kill(ts *testscript.TestScript, _ bool, _ []string) {
	c := ts.Value(running{}).(*sims).last(ts)
	ts.Check(c.Process.Kill())
	_ = c.Wait() // it says that it was killed
}

// disk has every write to a file fail, or ends that.
func disk(ts *testscript.TestScript, _ bool, args []string) {
	list := ts.Value(running{}).(*sims).list
	pid := list[len(list)-1].Process.Pid
	var limit unix.Rlimit
	ts.Check(unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &limit))
	limit.Cur = limit.Max
	if args[0] == "full" {
		limit.Cur = 1
	}
	ts.Check(unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil))
}

func exit(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if e, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Exec gives the error itself
		code = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, not %s", code, args[0])
	}
}

func spoil(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(name)
		data, err := os.ReadFile(path)
		ts.Check(err)
		for i := range data[:min(len(data), 16384)] {
			data[i] ^= 0xa5
		}
		ts.Check(os.WriteFile(path, data, 0o600))
	}
}

// await runs a command again and again until what it prints matches a pattern: what the
// simulated world does takes its real time.
func await(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	late := time.After(10 * time.Second)
	for {
		c := exec.Command(filepath.Join(bin, args[1]), args[2:]...)
		c.Env, c.Dir = append(os.Environ(), "DOORD_SOCKET="+ts.Getenv("DOORD_SOCKET")), ts.MkAbs(".")
		out, err := c.Output()
		if err == nil && pattern.Match(out) {
			return
		}
		select {
		case <-again.C:
		case <-late:
			ts.Fatalf("no match for %s in: %s (%v)", args[0], out, err)
		}
	}
}
