package fleet

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"time"

	"doord/cmd/internal/place/storage"
	"doord/store/cloudsync"
)

const (
	tableStatus = "fleet/status" // controller → statusRow
	// A status is kept this often at most: it is told every minute, and what is lost
	// with the service is told anew.
	statusEvery = 15 * time.Minute
)

type statusRow struct {
	Place  int64            `json:"place"`
	At     time.Time        `json:"at"`
	Status cloudsync.Status `json:"status"`
}

// Status returns what a controller last told of itself, whether it is connected,
// and since when it is or is not. All is zero if it never was.
func (f *Fleet) Status(controller int64) (s cloudsync.Status, online bool, since time.Time) {
	c := f.controller(controller)
	if c == nil {
		return s, false, since
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status, c.stream != nil, c.since
}

func (f *Fleet) postStatus(w http.ResponseWriter, r *http.Request, c *controller) error {
	var s cloudsync.Status
	if err := readJSON(w, r, maxBody, &s); err != nil {
		return err
	}
	c.mu.Lock()
	c.status, c.statusAt = s, f.now()
	c.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
	f.tell(Notice{Place: c.place, Controller: c.id, Kind: NoticeStatus})
	return nil
}

// saveStatuses keeps those that changed and are due, or all that changed.
func (f *Fleet) saveStatuses(all bool) error {
	f.mu.Lock()
	controllers := make([]*controller, 0, len(f.controllers))
	for _, c := range f.controllers {
		controllers = append(controllers, c)
	}
	f.mu.Unlock()
	var rows []storage.Row
	var kept []*controller
	now := f.now()
	for _, c := range controllers {
		c.mu.Lock()
		row, due := statusRow{c.place, c.statusAt, c.status}, c.statusAt.After(c.saved) && (all || now.Sub(c.saved) >= statusEvery)
		c.mu.Unlock()
		if !due {
			continue
		}
		b, err := json.Marshal(row)
		if err != nil {
			return err
		}
		rows, kept = append(rows, storage.Row{Table: tableStatus, Key: idKey(c.id), Value: b}), append(kept, c)
	}
	if len(rows) == 0 {
		return nil
	}
	if err := f.storage.Commit(rows...); err != nil {
		return err
	}
	for _, c := range kept {
		c.mu.Lock()
		c.saved = now
		c.mu.Unlock()
	}
	return nil
}

func (f *Fleet) loadStatuses() error {
	for row, err := range f.storage.Scan(tableStatus, nil) {
		if err != nil {
			return err
		}
		var s statusRow
		if len(row.Key) != 8 || json.Unmarshal(row.Value, &s) != nil {
			continue // it is told anew
		}
		if c := f.controllers[int64(binary.BigEndian.Uint64(row.Key))]; c != nil && c.place == s.Place {
			c.status, c.statusAt, c.saved, c.since = s.Status, s.At, s.At, s.At
		}
	}
	return nil
}
