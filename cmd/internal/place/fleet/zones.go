package fleet

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doord/cmd/internal/place/storage"
	"doord/policy"
	"doord/policy/ledger"
	"doord/policy/zone"
	"doord/store/cloudsync"
)

const tableZones = "fleet/zones" // zone → zoneRow

// lastYear is the last that a clock may show, however wrong it is.
const lastYear = 9000

// zoneRow is what the controllers of a place share about a zone.
type zoneRow struct {
	Place int64               `json:"place"`
	Order uint64              `json:"order"` // of the last override
	State cloudsync.ZoneState `json:"state"`
}

func (f *Fleet) loadZones() error {
	for row, err := range f.storage.Scan(tableZones, nil) {
		if err != nil {
			return err
		}
		z := &zoneRow{}
		if err := json.Unmarshal(row.Value, z); err != nil || len(row.Key) != 8 {
			return fmt.Errorf("zone %x: %w", row.Key, err)
		}
		f.zones[int64(binary.BigEndian.Uint64(row.Key))] = z
	}
	return nil
}

// Zone returns a zone as all know it: version 0 as long as nobody told anything.
func (f *Fleet) Zone(zone int64) cloudsync.ZoneState {
	f.mu.Lock()
	defer f.mu.Unlock()
	if z := f.zones[zone]; z != nil {
		return z.State
	}
	return cloudsync.ZoneState{Zone: zone}
}

var errZonePlace = errors.New("fleet: the zone is of another place")

// SetZone changes what is shared about a zone and tells the controllers of its
// place. An override that is another than before is the latest from then on.
func (f *Fleet) SetZone(place, id int64, change func(zone.Shared) zone.Shared) (cloudsync.ZoneState, error) {
	return f.changeZone(place, id, nil, 0, change)
}

// errZoneChanged is returned if the version is not the one that was expected.
var errZoneChanged = errors.New("fleet: the zone was changed meanwhile")

// changeZone does it if the version is still the expected one. The controller that
// did it is not told.
func (f *Fleet) changeZone(place, id int64, expected *uint64, by int64, change func(zone.Shared) zone.Shared) (cloudsync.ZoneState, error) {
	f.zoning.Lock()
	defer f.zoning.Unlock()
	f.mu.Lock()
	before := zoneRow{Place: place, State: cloudsync.ZoneState{Zone: id}}
	if z := f.zones[id]; z != nil {
		before = *z
	}
	f.mu.Unlock()
	if before.Place != place {
		return cloudsync.ZoneState{}, errZonePlace
	}
	if expected != nil && *expected != before.State.Version {
		return before.State, errZoneChanged
	}
	after := before
	after.State.Shared = change(before.State.Shared)
	if same(after.State.Shared, before.State.Shared) {
		return before.State, nil
	}
	after.State.Version++
	if o, b := &after.State.Shared.Override, before.State.Shared.Override; o.Level == b.Level && o.Until.Equal(b.Until) {
		o.Order = b.Order
	} else if !o.Until.IsZero() {
		// By the time, so that after a restore it is later than what controllers know.
		o.Order = max(after.Order+1, uint64(f.now().UnixMicro()))
	}
	after.Order = max(after.Order, after.State.Shared.Override.Order)
	b, err := json.Marshal(after)
	if err != nil {
		return cloudsync.ZoneState{}, fmt.Errorf("fleet: %w", err)
	}
	if err := f.storage.Commit(storage.Row{Table: tableZones, Key: idKey(id), Value: b}); err != nil {
		return cloudsync.ZoneState{}, err
	}
	f.mu.Lock()
	f.zones[id] = &after
	f.mu.Unlock()
	for _, s := range f.streams(place) {
		s.zone(id)
	}
	f.tell(Notice{Place: place, Controller: by, Kind: NoticeZone, Zone: id})
	return after.State, nil
}

func same(a, b zone.Shared) bool {
	return a.Override.Level == b.Override.Level && a.Override.Until.Equal(b.Override.Until) &&
		a.ViolatedAt.Equal(b.ViolatedAt) && a.ResetAt.Equal(b.ResetAt)
}

// zoneOf reads the zone's id from the path, and whether the place has it.
func (f *Fleet) zoneOf(r *http.Request, c *controller) (int64, error) {
	missing := refuse(http.StatusNotFound, "", "the place has no such zone")
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, missing
	}
	value, err := f.storage.Get(tableLive, liveKey(c.place, ledger.Records, ledger.SmallKey("zones", id)))
	if err != nil {
		return 0, err
	}
	if value == nil {
		return 0, missing
	}
	return id, nil
}

func (f *Fleet) getZone(w http.ResponseWriter, r *http.Request, c *controller) error {
	id, err := f.zoneOf(r, c)
	if err != nil {
		return err
	}
	answerZone(w, http.StatusOK, f.Zone(id))
	return nil
}

func answerZone(w http.ResponseWriter, status int, z cloudsync.ZoneState) {
	w.Header().Set("ETag", zoneTag(z.Version))
	answer(w, status, z)
}

func zoneTag(version uint64) string { return fmt.Sprintf(`"%d"`, version) }

// putZone takes what a controller knows of a zone, once it has seen what there is:
// of violations and resets the latest count, so that none is undone.
func (f *Fleet) putZone(w http.ResponseWriter, r *http.Request, c *controller) error {
	id, err := f.zoneOf(r, c)
	if err != nil {
		return err
	}
	match := strings.TrimPrefix(r.Header.Get("If-Match"), "W/")
	if match == "" {
		return refuse(http.StatusPreconditionRequired, "", "If-Match is needed")
	}
	expected, err := strconv.ParseUint(strings.Trim(match, `"`), 10, 64)
	if err != nil || match != zoneTag(expected) {
		return refuse(http.StatusBadRequest, "", "If-Match is no version of a zone")
	}
	var put zone.Shared
	if err := readJSON(w, r, maxBody, &put); err != nil {
		return err
	}
	if err := f.still(c); err != nil {
		return err
	}
	switch put.Override.Level {
	case "", policy.Disarmed, policy.Stay, policy.Away:
	default:
		return refuse(http.StatusUnprocessableEntity, "", "there is no such level")
	}
	for _, t := range []time.Time{put.ViolatedAt, put.ResetAt, put.Override.Until} {
		if t.Year() > lastYear {
			return refuse(http.StatusUnprocessableEntity, "", "a time beyond all clocks")
		}
	}
	now := f.now()
	state, err := f.changeZone(c.place, id, &expected, c.id, func(has zone.Shared) zone.Shared {
		if o := &put.Override; o.Order > has.Override.Order && o.Until.After(now) {
			o.Order = 0 // the service gave it before it was restored, and gives another
		}
		return has.Merge(put, now)
	})
	switch {
	case errors.Is(err, errZoneChanged):
		w.Header().Set("ETag", zoneTag(state.Version))
		return refusal{status: http.StatusPreconditionFailed, body: state}
	case errors.Is(err, errZonePlace):
		return refuse(http.StatusNotFound, "", "the place has no such zone")
	case err != nil:
		return err
	}
	answerZone(w, http.StatusOK, state)
	return nil
}
