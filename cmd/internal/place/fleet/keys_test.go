package fleet

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"doord/policy/ledger"
)

func TestKeysAreTheirOwnersAlone(t *testing.T) {
	r := newRig(t)
	for _, file := range []string{rootFile, KeysFile, "place.db"} {
		if m := mode(t, r.dir, file); m != 0o600 {
			t.Errorf("%s: %v", file, m)
		}
	}
}

func TestPolicyKeysFollowEachOther(t *testing.T) {
	dir := t.TempDir()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if err := makeKeys(dir, start); err != nil {
		t.Fatal(err)
	}
	f, err := readKeys(filepath.Join(dir, KeysFile))
	if err != nil {
		t.Fatal(err)
	}
	trust := ledger.NewTrust(f.Root)
	if err := trust.Grant(f.signed()); err != nil {
		t.Fatal(err)
	}
	used := map[string]int{}
	for day := range 5 * 365 {
		at := start.Add(time.Duration(day) * 24 * time.Hour)
		key, ends, err := f.current(at)
		if err != nil {
			t.Fatal(day, err)
		}
		used[string(key)]++
		// It is believed by a controller whose clock is a month wrong, either way.
		signed := ledger.Sign(ledger.ForHead, ledger.Head{Place: 1}, key)
		for _, wrong := range []time.Duration{-30 * 24 * time.Hour, 0, 30 * 24 * time.Hour} {
			var head ledger.Head
			if err := trust.Open(signed, ledger.ForHead, at.Add(wrong), &head); err != nil {
				t.Errorf("day %d, clock wrong by %v: %v", day, wrong, err)
			}
		}
		if ends.Sub(at) < grantAfter {
			t.Errorf("day %d: the key ends in %v", day, ends.Sub(at))
		}
	}
	if len(used) != grantYears {
		t.Errorf("%d keys in five years", len(used))
	}
	if _, _, err := f.current(f.last()); !errors.Is(err, errNoKey) {
		t.Error(err)
	}
}

func TestMoreKeysAreSignedForAServiceThatRuns(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	var c cache
	b.pull(&c, 0)
	if faults := r.fleet.Faults(); len(faults) != 0 {
		t.Error(faults)
	}
	last := r.fleet.keys.last()
	r.advance(last.Sub(r.now()) - lastGrantAlarm + time.Hour)
	if faults := r.fleet.Faults(); len(faults) != 1 || !has(faults[0], "doorcloud keys sign") {
		t.Error(faults)
	}
	root, err := os.ReadFile(filepath.Join(r.dir, rootFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(r.dir, rootFile)); err != nil {
		t.Fatal(err)
	}
	if err := SignKeys(r.dir, 2, r.now()); !errors.Is(err, ErrNoRoot) {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, rootFile), root, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := SignKeys(r.dir, 2, r.now()); err != nil {
		t.Fatal(err)
	}
	if err := r.fleet.keys.refresh(r.dir); err != nil {
		t.Fatal(err)
	}
	if faults := r.fleet.Faults(); len(faults) != 0 || !r.fleet.keys.last().After(last) {
		t.Error(faults, r.fleet.keys.last())
	}
	s, err := Keys(r.dir, r.now())
	if err != nil || !s.RootHere || s.Current == (ledger.KeyID{}) || s.Last.Sub(last) < grantLife {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAKeyFileThatWasChangedIsNotUsed(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	now := time.Now()
	for _, d := range []string{dir, other} {
		if err := makeKeys(d, now); err != nil {
			t.Fatal(err)
		}
	}
	read := func(d string) *keyFile {
		f, err := readKeys(filepath.Join(d, KeysFile))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for name, change := range map[string]func(f *keyFile){
		"another root":            func(f *keyFile) { f.Root = read(other).Root },
		"a grant of another root": func(f *keyFile) { f.Policy[0].Grant = read(other).Policy[0].Grant },
		"a key without its grant": func(f *keyFile) { f.Policy[0].Seed = f.Policy[1].Seed },
		"half a key":              func(f *keyFile) { f.Policy[0].Seed = f.Policy[0].Seed[:16] },
		"another key of the CA":   func(f *keyFile) { f.CAKey = read(other).CAKey },
		"an identity of another":  func(f *keyFile) { f.Identity = read(other).Identity },
		"a version of later":      func(f *keyFile) { f.Version = 2 },
	} {
		f := read(dir)
		change(f)
		if err := f.check(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	var k keyring
	if err := k.open(dir, now); err != nil {
		t.Fatal(err)
	}
	if err := writeKeys(dir, read(other)); err != nil {
		t.Fatal(err)
	}
	if err := k.refresh(dir); err == nil || k.now() == nil {
		t.Error("the root was changed while it ran")
	}
}

func TestASetUpThatWasCutOffGoesOn(t *testing.T) {
	dir := t.TempDir()
	root, err := makeRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	var k keyring
	if err := k.open(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	if public, _ := root.Public().(ed25519.PublicKey); !public.Equal(ed25519.PublicKey(k.now().Root)) {
		t.Error("another root")
	}
}
