package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"doord/policy"
)

// filled makes a directory with both files in use and closed.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	p, err := OpenPolicy(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Replace(place(2000)); err != nil {
		t.Fatal(err)
	}
	j, err := OpenJournal(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		j.Append(happened(i))
	}
	j.SaveState([]byte("fire"))
	if err := errors.Join(p.Close(), j.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func overwrite(offset int64, with []byte) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt(with, offset)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func truncate(size int64) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
}

// edit changes the file through bbolt.
func edit(change func(tx *bbolt.Tx) error) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		db, err := bbolt.Open(path, 0o600, boltOptions())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(change), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func putMeta(key, body string) func(t *testing.T, path string) {
	return edit(func(tx *bbolt.Tx) error {
		return tx.Bucket(metaBucket).Put([]byte(key), sealed([]byte(key), []byte(body)))
	})
}

func TestADamagedFileIsSetAsideAndANewOneBegun(t *testing.T) {
	junk := bytes.Repeat([]byte{0xa5}, 64)
	cases := map[string]func(t *testing.T, path string){
		"empty":                      truncate(0),
		"cut within the first page":  truncate(100),
		"cut after the metas":        truncate(8192),
		"cut after four pages":       truncate(16384),
		"cut in the middle":          truncate(100_000),
		"both metas overwritten":     func(t *testing.T, p string) { overwrite(16, junk)(t, p); overwrite(4096+16, junk)(t, p) },
		"zeros":                      overwrite(0, make([]byte, 200_000)),
		"text":                       overwrite(0, bytes.Repeat([]byte("not a database\n"), 2000)),
		"everything but the metas":   overwrite(8192, bytes.Repeat(junk, 100_000)),
		"another program's database": putMeta("marker", "wiki"),
		"no marker":                  edit(func(tx *bbolt.Tx) error { return tx.DeleteBucket(metaBucket) }),
		"a marker with a wrong seal": edit(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(keyMarker, junk) }),
		"no schema":                  edit(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(keySchema) }),
		"schema 0":                   putMeta("schema", "\x00\x00\x00\x00"),
		"a short schema":             putMeta("schema", "\x01"),
	}
	only := map[string]map[string]func(t *testing.T, path string){
		policyFile: {
			"no credentials": edit(func(tx *bbolt.Tx) error { return tx.DeleteBucket(credentialsBucket) }),
			"a small record": edit(func(tx *bbolt.Tx) error {
				return tx.Bucket(recordsBucket).Put(append([]byte("locks\x00"), idKey(1)...), junk)
			}),
			"another place's key":  putMeta("key", "x"),
			"the key is gone":      func(t *testing.T, p string) { _ = os.Remove(filepath.Join(filepath.Dir(p), keyFile)) },
			"the key is cut short": func(t *testing.T, p string) { truncate(7)(t, filepath.Join(filepath.Dir(p), keyFile)) },
		},
		eventsFile: {
			"no events":         edit(func(tx *bbolt.Tx) error { return tx.DeleteBucket(eventsBucket) }),
			"the newest event":  edit(func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Put(idKey(2000), junk) }),
			"another's newest":  edit(func(tx *bbolt.Tx) error { b := tx.Bucket(eventsBucket); return b.Put(idKey(2001), b.Get(idKey(2000))) }),
			"no epoch":          edit(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(keyEpoch) }),
			"a short anchor":    putMeta("anchor", "x"),
			"a short cursor":    putMeta("acked", "x"),
			"no state":          edit(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(keyState) }),
			"a state that lies": edit(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(keyState, junk) }),
		},
	}
	good := filled(t)
	for _, name := range []string{policyFile, eventsFile} {
		all := map[string]func(t *testing.T, path string){}
		for _, list := range []map[string]func(t *testing.T, path string){cases, only[name]} {
			for what, spoil := range list {
				all[what] = spoil
			}
		}
		for what, spoil := range all {
			t.Run(name+": "+what, func(t *testing.T) {
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
					t.Fatal(err)
				}
				spoil(t, filepath.Join(dir, name))
				opened := use(t, dir, name)
				if !opened.Created || !errors.Is(opened.Cause, ErrDamaged) || !strings.Contains(opened.Cause.Error(), name+" is damaged in ") {
					t.Errorf("Opened() = %+v", opened)
				}
				if _, err := os.Stat(opened.Quarantined); err != nil || !strings.HasPrefix(opened.Quarantined, filepath.Join(dir, name+".damaged-")) {
					t.Errorf("set aside as %q: %v", opened.Quarantined, err)
				}
				if again := use(t, dir, name); again != (Opened{}) {
					t.Errorf("opened once more: %+v", again)
				}
			})
		}
	}
}

// use opens one of the files, works with it a little and closes it.
func use(t *testing.T, dir, name string) Opened {
	t.Helper()
	if name == policyFile {
		p, err := OpenPolicy(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Replace(place(3)); err != nil {
			t.Error(err)
		}
		if err := errors.Join(p.Check(t.Context()), p.Close()); err != nil {
			t.Error(err)
		}
		return p.Opened()
	}
	j, err := OpenJournal(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	j.Append(happened(1))
	if err := errors.Join(j.Sync(t.Context()), j.Verify(t.Context()), j.Close()); err != nil {
		t.Error(err)
	}
	return j.Opened()
}

func TestTheDoorsStateOutlivesADamagedJournal(t *testing.T) {
	dir := filled(t)
	edit(func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Put(idKey(2000), []byte("?")) })(t, filepath.Join(dir, eventsFile))
	j := openJournal(t, dir, Options{})
	if j.Opened().Quarantined == "" || string(j.State()) != "fire" {
		t.Errorf("Opened() = %+v, State() = %q", j.Opened(), j.State())
	}
}

func TestAtMostThreeDamagedFilesAreKept(t *testing.T) {
	dir := t.TempDir()
	use(t, dir, policyFile)
	var last string
	for range 5 {
		truncate(0)(t, filepath.Join(dir, policyFile))
		last = use(t, dir, policyFile).Quarantined
	}
	kept, err := filepath.Glob(filepath.Join(dir, "policy.db.damaged-*"))
	if err != nil || len(kept) != 3 || kept[2] != last {
		t.Errorf("kept %v, the last is %s", kept, last)
	}
}

func TestOneFlippedByteNeverPanicsAndNeverLies(t *testing.T) {
	good := filled(t)
	want := place(2000)
	path := filepath.Join(good, policyFile)
	pristine, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := len(bytes.TrimRight(pristine, "\x00"))
	found := 0
	for round := range 40 {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		at := 8192 + round*(used-8192)/40 + round
		overwrite(int64(at), []byte{pristine[at] ^ 0x55})(t, filepath.Join(dir, policyFile))
		p, err := OpenPolicy(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if p.Opened().Quarantined != "" || p.Check(t.Context()) != nil {
			found++
		}
		var h policy.Holder
		for _, m := range want.Members {
			_, ok, err := p.Lookup(card(m.ID), &h)
			if ok && (err != nil || h.Credential != m.ID || h.Member != m.ID || len(h.Groups) != 2) {
				t.Fatalf("byte %d: card %d is held by %+v, %v", at, m.ID, h, err)
			}
		}
		if _, err := p.Replace(place(1)); err != nil {
			t.Errorf("byte %d: a new policy does not mend it: %v", at, err)
		}
		if _, ok, err := p.Lookup(card(1), &h); !ok || err != nil {
			t.Errorf("byte %d: after a new policy: %v, %v", at, ok, err)
		}
		if err := errors.Join(p.Check(t.Context()), p.Close()); err != nil {
			t.Errorf("byte %d: %v", at, err)
		}
	}
	if found < 13 {
		t.Errorf("only %d of 40 flipped bytes were found", found)
	}
}

func TestALookupInALostPageIsAnErrorAndTheDaemonLives(t *testing.T) {
	for what, size := range map[string]int64{"some pages gone": 200_000, "all pages gone": 0} {
		t.Run(what, func(t *testing.T) {
			dir := filled(t)
			p := openPolicy(t, dir)
			truncate(size)(t, filepath.Join(dir, policyFile))
			var h policy.Holder
			failed := 0
			for id := range int64(2000) {
				_, found, err := p.Lookup(card(id+1), &h)
				if found == (err != nil) {
					t.Fatalf("card %d: %v, %v", id+1, found, err)
				}
				if err != nil {
					failed++
					if !errors.Is(err, ErrDamaged) || h.Member != 0 || len(h.Groups) != 0 {
						t.Fatalf("card %d: %+v, %v", id+1, h, err)
					}
				}
			}
			if failed == 0 {
				t.Error("every card was found")
			}
			if err := p.Check(t.Context()); !errors.Is(err, ErrDamaged) {
				t.Errorf("Check = %v", err)
			}
			if _, err := p.Replace(place(1)); err != nil {
				t.Fatalf("a new policy does not mend it: %v", err)
			}
			if _, found, err := p.Lookup(card(1), &h); !found || err != nil {
				t.Errorf("after a new policy: %v, %v", found, err)
			}
		})
	}
}

func TestCheckFindsWhatIsMissing(t *testing.T) {
	for _, bucket := range [][]byte{credentialsBucket, membersBucket} {
		p := openPolicy(t, t.TempDir())
		if _, err := p.Replace(place(5000)); err != nil {
			t.Fatal(err)
		}
		if err := p.live.Load().update(func(tx *bbolt.Tx) error {
			key, _ := tx.Bucket(bucket).Cursor().Last()
			return tx.Bucket(bucket).Delete(key)
		}); err != nil {
			t.Fatal(err)
		}
		if err := p.Check(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), string(bucket)) {
			t.Errorf("%s: %v", bucket, err)
		}
	}
}

func TestWhatIsNotDamageIsLeftAsItIs(t *testing.T) {
	both := []string{policyFile, eventsFile}
	newer := binary.BigEndian.AppendUint32(nil, 7)
	cases := map[string]struct {
		files []string
		spoil func(t *testing.T, path string)
		want  []string
	}{
		"of a newer doord": {
			both, putMeta("schema", string(newer)+"9.4.1"),
			[]string{"schema 7", "doord 9.4.1", "up to ", "written by a newer doord"}},
		"with fields that this doord does not know": {
			[]string{policyFile}, func(t *testing.T, p string) {
				key := append([]byte("locks\x00"), idKey(9)...)
				edit(func(tx *bbolt.Tx) error {
					return tx.Bucket(recordsBucket).Put(key, sealed(key, []byte(`{"id":9,"beyond":true}`)))
				})(t, p)
			},
			[]string{"locks", `unknown field "beyond"`, "written by a newer doord"}},
		"a directory": {
			both, func(t *testing.T, p string) { _ = os.Remove(p); _ = os.Mkdir(p, 0o700) },
			[]string{"is a directory"}},
		"out of reach": { // for root too, who may read everything
			both, func(t *testing.T, p string) { _ = os.Remove(p); _ = os.Symlink(p, p) },
			[]string{"too many levels of symbolic links"}},
	}
	good := filled(t)
	for what, c := range cases {
		for _, name := range c.files {
			t.Run(name+" "+what, func(t *testing.T) {
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, name)
				c.spoil(t, path)
				before, _ := os.ReadFile(path)
				var err error
				if name == policyFile {
					_, err = OpenPolicy(dir, Options{})
				} else {
					_, err = OpenJournal(dir, Options{})
				}
				for _, part := range append(c.want, path) {
					if err == nil || !strings.Contains(err.Error(), part) {
						t.Errorf("%q is not in: %v", part, err)
					}
				}
				if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
					t.Error("the file has changed")
				}
				if set, _ := filepath.Glob(path + ".damaged-*"); len(set) != 0 {
					t.Errorf("set aside: %v", set)
				}
			})
		}
	}
}

func TestAFileOfAnotherUserComesWithWhatToDo(t *testing.T) {
	err := advise(&fs.PathError{Op: "open", Path: "/state/policy.db", Err: syscall.EACCES})
	for _, part := range []string{"open /state/policy.db", "permission denied", "chown"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
}

func TestASecondDaemonIsTurnedAway(t *testing.T) {
	dir := t.TempDir()
	openPolicy(t, dir)
	openJournal(t, dir, Options{})
	_, policyErr := OpenPolicy(dir, Options{})
	_, eventsErr := OpenJournal(dir, Options{})
	for _, err := range []error{policyErr, eventsErr} {
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "another doord uses "+dir+" (pid ") {
			t.Errorf("%v", err)
		}
	}
}

func TestAnOldSchemaIsMigrated(t *testing.T) {
	dir := t.TempDir()
	one := layout{name: "x.db", marker: "x"}
	two := one
	two.migrations = []func(*bbolt.Tx) error{func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("new in 2"))
		return err
	}}
	broken := one
	broken.migrations = append(two.migrations[:1:1], func(tx *bbolt.Tx) error {
		return errors.Join(tx.DeleteBucket([]byte("new in 2")), errors.New("cannot"))
	})
	open := func(l *layout, version string) error {
		f, _, err := l.open(dir, Options{Version: version},
			func(_ *file, tx *bbolt.Tx) error {
				if has := tx.Bucket([]byte("new in 2")) != nil; has != (l.schema() == 2) {
					return errors.New("the scan sees another schema")
				}
				return nil
			},
			func(*file) error { return nil })
		if err != nil {
			return err
		}
		return f.close()
	}
	if err := errors.Join(open(&one, "1.0"), open(&one, "1.1"), open(&two, "2.0"), open(&two, "2.1")); err != nil {
		t.Fatal(err)
	}
	if err := open(&one, "1.1"); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "doord 2.0") {
		t.Errorf("an older doord: %v", err)
	}
	if err := open(&broken, "3.0"); err == nil || !strings.Contains(err.Error(), "from schema 2 to 3: cannot") {
		t.Errorf("a migration that fails: %v", err)
	}
	if err := open(&two, "2.2"); err != nil {
		t.Errorf("after a migration that failed: %v", err)
	}
}
