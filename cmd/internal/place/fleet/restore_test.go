package fleet

import (
	"io"
	"os"
	"path/filepath"

	"doord/cmd/internal/place/storage"
)

// restore puts a backup in the place of the storage.
func (r *rig) restore(backup io.Reader) {
	r.t.Helper()
	r.stop()
	r.restoreFiles(backup)
	r.start()
}

// restoreFiles does it while nothing runs.
func (r *rig) restoreFiles(backup io.Reader) {
	r.t.Helper()
	if err := os.Remove(filepath.Join(r.dir, "place.db")); err != nil {
		r.t.Fatal(err)
	}
	if err := storage.Restore(r.dir, backup); err != nil {
		r.t.Fatal(err)
	}
}

// generation has the root begin a generation, while no fleet is there.
func (r *rig) generation() {
	r.t.Helper()
	s, err := storage.Open(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	defer s.Close()
	if n, err := BeginGeneration(r.t.Context(), s, r.dir, r.now()); err != nil || n != 1 {
		r.t.Fatal(n, err)
	}
}

const childMode = "DOORCLOUD_FLEET_CHILD"

var children = map[string]func(dir string){}
