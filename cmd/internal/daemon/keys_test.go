package daemon

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doord/reader/osdp"
)

func TestKeysOutliveTheProcessInAFileOfTheirOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	k, err := openKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := osdp.Keys{Current: osdp.NewKey(), Next: osdp.NewKey()}
	addr := byte(7)
	err = k.change("lab", func(r *keptReader) {
		r.Current, r.Next, r.Secure, r.Addr, r.Baud = formatKey(want.Current), formatKey(want.Next), true, &addr, 115200
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "osdp.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := openKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.get("lab"); got.keys() != want || !got.Secure || *got.Addr != addr || got.Baud != 115200 {
		t.Errorf("%v", got.Secure)
	}
}

func TestKeysThatCannotBeStoredAreNotUsed(t *testing.T) {
	dir := t.TempDir()
	k, err := openKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "osdp.json.new"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := k.change("lab", func(r *keptReader) { r.Secure = true }); err == nil {
		t.Error("a key that went nowhere is said to be stored")
	}
	if k.get("lab").Secure {
		t.Error("a change that failed is in force")
	}
}

func TestADamagedKeyFileIsToldAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "osdp.json")
	if err := os.WriteFile(path, []byte("{oops"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openKeyring(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "{oops" {
		t.Error("the file has changed")
	}
}

func TestAKeyShowsInNoLog(t *testing.T) {
	key := osdp.NewKey()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("keys", "key", key, "keys", osdp.Keys{Current: key}, "event", osdp.SaveKeys{Keys: osdp.Keys{Next: key}})
	if text := log.String(); strings.Contains(text, hex.EncodeToString(key[:])) || strings.Contains(text, string(key[:])) {
		t.Errorf("a key in the log: %s", text)
	}
}
