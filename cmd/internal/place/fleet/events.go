package fleet

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"doord/cmd/internal/place/storage"
	"doord/policy"
	"doord/policy/ledger"
	"doord/store"
	"doord/store/cloudsync"
)

// Tables of events. Whoever uploads an event again finds it in the index.
const (
	tableEvents = "fleet/events" // place ‖ EventID → controller ‖ JSON
	tableIndex  = "fleet/index"  // controller ‖ epoch ‖ sequence → EventID ‖ first 8 bytes of the hash
	tableEpochs = "fleet/epochs" // controller ‖ epoch → epochRow
)

const (
	maxLine     = 64 << 10 // bytes of an event
	maxWord     = 100      // bytes of its type
	maxSequence = 1 << 53  // JSON in other hands is not exact beyond
	maxEpochs   = 16       // of a controller that are remembered in memory
	eventAhead  = 24 * time.Hour
	eventPage   = 256
	maxUploads  = 128  // that are taken in at once, of all controllers
	pruneEvery  = 5000 // events that are deleted in one look, at most
)

// EventID says where an event stands in the list of its place: when it happened,
// and a number that is its own.
type EventID [16]byte

func (id EventID) String() string { return hex.EncodeToString(id[:]) }

// ParseEventID reads what String writes.
func ParseEventID(s string) (id EventID, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("fleet: %q is no event's id", s)
	}
	return EventID(b), nil
}

// lastID is about the latest time that an EventID can tell.
var lastID = time.Unix(0, math.MaxInt64)

// Time returns when the event happened, by the clock of its controller if that was
// set, and else when it came in.
func (id EventID) Time() time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(id[:8]))).UTC()
}

// Event is one event of a place.
type Event struct {
	ID         EventID
	Place      int64
	Controller int64  // 0: the service's own
	Text       []byte // JSON, as it was made
}

func (f *Fleet) newEventID(at time.Time) (id EventID) {
	binary.BigEndian.PutUint64(id[:8], uint64(max(at.UnixNano(), 0)))
	binary.BigEndian.PutUint64(id[8:], f.eventNumber.Add(1))
	return id
}

func (e *Event) row() storage.Row {
	return storage.Row{
		Table: tableEvents,
		Key:   append(placeKey(e.Place), e.ID[:]...),
		Value: append(idKey(e.Controller), e.Text...),
	}
}

// AddEvents puts the service's own events, each one JSON object, into the list of a
// place, with the caller's rows in one commit. Their members are named as those of
// controllers' events.
func (f *Fleet) AddEvents(place int64, at time.Time, texts ...[]byte) Staged {
	var s Staged
	events := make([]Event, len(texts))
	for i, text := range texts {
		events[i] = Event{ID: f.newEventID(at), Place: place, Text: text}
		s.Rows = append(s.Rows, events[i].row())
	}
	if len(events) > 0 {
		s.done = func() { f.tell(Notice{Place: place, Kind: NoticeEvents, Events: events}) }
	}
	return s
}

// Query picks events; what is not set picks all.
type Query struct {
	Before     EventID   // older than this one
	From, To   time.Time // [From, To)
	Types      []policy.EventType
	Controller int64
	ActorType  string
	ActorID    int64
	ObjectType string
	ObjectID   int64
}

// Events yields the events of a place that a query picks, the newest first. It looks
// no further once the context has ended: a query may pick nothing of a long history.
func (f *Fleet) Events(ctx context.Context, place int64, q Query) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		below := append(placeKey(place), bytes.Repeat([]byte{0xff}, len(EventID{})+1)...)
		if q.Before != (EventID{}) {
			below = append(placeKey(place), q.Before[:]...)
		}
		if !q.To.IsZero() && q.To.Before(lastID) {
			to := placeKey(place)
			if q.To.Unix() > 0 {
				to = append(to, idKey(q.To.UnixNano())...)
			}
			if bytes.Compare(to, below) < 0 {
				below = to
			}
		}
		for below != nil {
			page, next, err := f.eventPage(place, below)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(Event{}, err)
				return
			}
			below = next
			for _, e := range page {
				if !q.From.IsZero() && e.ID.Time().Before(q.From) {
					return
				}
				if q.picks(e) && !yield(e, nil) {
					return
				}
			}
		}
	}
}

// eventPage reads the events below a key, and tells where the next page begins.
func (f *Fleet) eventPage(place int64, below []byte) (page []Event, next []byte, err error) {
	prefix := placeKey(place)
	for row, err := range f.storage.ScanBack(tableEvents, below) {
		if err != nil {
			return nil, nil, err
		}
		if !bytes.HasPrefix(row.Key, prefix) || len(row.Key) != 8+len(EventID{}) || len(row.Value) < 8 {
			break
		}
		page = append(page, Event{
			ID: EventID(row.Key[8:]), Place: place,
			Controller: int64(binary.BigEndian.Uint64(row.Value)), Text: row.Value[8:],
		})
		if len(page) == eventPage {
			return page, row.Key, nil
		}
	}
	return page, nil, nil
}

func (q Query) picks(e Event) bool {
	if q.Controller != 0 && q.Controller != e.Controller {
		return false
	}
	if len(q.Types) == 0 && q.ActorType == "" && q.ActorID == 0 && q.ObjectType == "" && q.ObjectID == 0 {
		return true
	}
	var has struct {
		Type       policy.EventType `json:"type"`
		ActorType  string           `json:"actor_type"`
		ActorID    int64            `json:"actor_id"`
		ObjectType string           `json:"object_type"`
		ObjectID   int64            `json:"object_id"`
	}
	if json.Unmarshal(e.Text, &has) != nil {
		return false
	}
	return (len(q.Types) == 0 || slices.Contains(q.Types, has.Type)) &&
		(q.ActorType == "" || q.ActorType == has.ActorType) && (q.ActorID == 0 || q.ActorID == has.ActorID) &&
		(q.ObjectType == "" || q.ObjectType == has.ObjectType) && (q.ObjectID == 0 || q.ObjectID == has.ObjectID)
}

// epochRow is how far an epoch of a controller's journal was taken in.
type epochRow struct {
	acked uint64
	hash  store.Hash // of that event
}

func epochKey(controller int64, epoch [16]byte) []byte { return append(idKey(controller), epoch[:]...) }

func (f *Fleet) epoch(c *controller, epoch [16]byte) (r epochRow, err error) {
	c.mu.Lock()
	r, ok := c.epochs[string(epoch[:])]
	c.mu.Unlock()
	if ok {
		return r, nil
	}
	b, err := f.storage.Get(tableEpochs, epochKey(c.id, epoch))
	if err == nil && len(b) == 8+len(r.hash) {
		r.acked, r.hash = binary.BigEndian.Uint64(b), store.Hash(b[8:])
	}
	return r, err
}

func (c *controller) remember(epoch [16]byte, r epochRow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.epochs) >= maxEpochs {
		clear(c.epochs)
	}
	c.epochs[string(epoch[:])] = r
}

// uploaded is an event with the bytes that it came in.
type uploaded struct {
	store.Record
	text []byte
}

// upload is what came in one request: events of one epoch, without gaps.
type upload struct {
	epoch  [16]byte
	name   string // of the epoch
	events []uploaded
}

func bad(format string, args ...any) error {
	return refuse(http.StatusUnprocessableEntity, "", fmt.Sprintf(format, args...))
}

// parseUpload reads lines of JSON and refuses whatever a journal does not write.
func parseUpload(r io.Reader) (u upload, err error) {
	limited := &io.LimitedReader{R: r, N: cloudsync.MaxEventsBytes + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, 4<<10), maxLine)
	for lines.Scan() && limited.N > 0 {
		if len(u.events) == cloudsync.MaxEvents {
			return u, refuse(http.StatusRequestEntityTooLarge, "", fmt.Sprintf("at most %d events are taken at once", cloudsync.MaxEvents))
		}
		e := uploaded{text: bytes.Clone(lines.Bytes())}
		if err := u.add(e); err != nil {
			return u, err
		}
	}
	switch err := lines.Err(); {
	case limited.N <= 0:
		return u, refuse(http.StatusRequestEntityTooLarge, "", fmt.Sprintf("at most %d bytes of events are taken at once", cloudsync.MaxEventsBytes))
	case errors.Is(err, bufio.ErrTooLong):
		return u, refuse(http.StatusRequestEntityTooLarge, "", fmt.Sprintf("an event takes at most %d bytes", maxLine))
	case err != nil:
		return u, err
	case len(u.events) == 0:
		return u, bad("there are no events")
	}
	return u, nil
}

// add checks a line by itself, and against the one before.
func (u *upload) add(e uploaded) error {
	n := len(u.events) + 1
	if err := json.Unmarshal(e.text, &e.Record); err != nil {
		return bad("line %d: %v", n, err)
	}
	switch {
	case e.Sequence == 0 || e.Sequence > maxSequence:
		return bad("line %d: a sequence of %d is not possible", n, e.Sequence)
	case len(e.Epoch) != 2*len(u.epoch):
		return bad("line %d: the epoch is not 32 hex digits", n)
	case len(e.UUID) != 36:
		return bad("line %d: this is no uuid", n)
	case len(e.Type) == 0 || len(e.Type) > maxWord:
		return bad("line %d: a type of %d bytes", n, len(e.Type))
	}
	if n == 1 {
		b, err := hex.DecodeString(e.Epoch)
		if err != nil {
			return bad("line %d: the epoch is not 32 hex digits", n)
		}
		u.epoch, u.name = [16]byte(b), e.Epoch
	} else {
		last := u.events[n-2]
		switch {
		case e.Epoch != u.name:
			return bad("line %d: another epoch", n)
		case e.Sequence != last.Sequence+1:
			return bad("line %d: event %d follows event %d", n, e.Sequence, last.Sequence)
		case !e.Follows(last.Hash):
			return bad("line %d: event %d is not what the one after %d was: the chain is broken", n, e.Sequence, last.Sequence)
		}
	}
	u.events = append(u.events, e)
	return nil
}

// postEvents takes events in, each once, and says how far it has them on the disk.
func (f *Fleet) postEvents(w http.ResponseWriter, r *http.Request, c *controller) error {
	select {
	case c.putting <- struct{}{}:
		defer func() { <-c.putting }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	select {
	case f.uploads <- struct{}{}:
		defer func() { <-f.uploads }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	body := io.Reader(http.MaxBytesReader(w, r.Body, cloudsync.MaxEventsBytes))
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return refuse(http.StatusBadRequest, "", "this is not gzip")
		}
		body = z
	case "":
	default:
		return refuse(http.StatusUnsupportedMediaType, "", "only gzip is taken")
	}
	u, err := parseUpload(body)
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(http.StatusBadRequest, "", "this is not gzip, or was cut off")
	case err != nil:
		var no refusal
		var large *http.MaxBytesError
		if !errors.As(err, &no) && !errors.As(err, &large) {
			err = refuse(http.StatusBadRequest, "", err.Error())
		}
		return err
	}
	since := u.events[0].Sequence - 1
	if s := r.Header.Get(cloudsync.HeaderSince); s != "" {
		if since, err = strconv.ParseUint(s, 10, 64); err != nil || since >= u.events[0].Sequence {
			return refuse(http.StatusBadRequest, "", cloudsync.HeaderSince+" is no sequence before these events")
		}
	}
	if err := f.still(c); err != nil {
		return err
	}
	ack, err := f.take(c, u, since)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, ack)
	return nil
}

// take makes durable what is new of an upload.
func (f *Fleet) take(c *controller, u upload, since uint64) (cloudsync.Ack, error) {
	has, err := f.epoch(c, u.epoch)
	if err != nil {
		return cloudsync.Ack{}, err
	}
	if since > has.acked {
		return cloudsync.Ack{AckedThrough: has.acked}, nil // events are missing here that the controller may still have
	}
	fresh, err := f.compare(c, u, has)
	if err != nil {
		return cloudsync.Ack{}, err
	}
	events := make([]Event, 0, len(fresh))
	rows := make([]storage.Row, 0, 2*len(fresh)+1)
	now := f.now()
	for _, e := range fresh {
		at := now
		if e.At.WallSet && e.At.Wall.Before(now.Add(eventAhead)) && e.At.Wall.Year() >= 2020 {
			at = e.At.Wall
		}
		ev := Event{ID: f.newEventID(at), Place: c.place, Controller: c.id, Text: e.text}
		events = append(events, ev)
		rows = append(rows, ev.row(), storage.Row{
			Table: tableIndex, Key: indexKey(c.id, u.epoch, e.Sequence), Value: append(ev.ID[:], e.Hash[:8]...),
		})
	}
	if len(fresh) > 0 {
		if first := fresh[0].Sequence; first > has.acked+1 {
			f.log.Warn("a controller gave events up before it could upload them", "controller", c.id, "first", has.acked+1, "last", first-1)
		}
		last := fresh[len(fresh)-1]
		has = epochRow{acked: last.Sequence, hash: last.Hash}
		rows = append(rows, storage.Row{Table: tableEpochs, Key: epochKey(c.id, u.epoch), Value: append(idKey(int64(has.acked)), has.hash[:]...)})
		if err := f.storage.Commit(rows...); err != nil {
			return cloudsync.Ack{}, err
		}
		c.remember(u.epoch, has)
		f.tell(Notice{Place: c.place, Controller: c.id, Kind: NoticeEvents, Events: events})
	}
	ack := cloudsync.Ack{AckedThrough: has.acked}
	if key, _, err := f.keys.now().current(now); err == nil {
		receipt := ledger.Sign(ledger.ForReceipt, cloudsync.ReceiptBody{
			Controller: c.id, Epoch: u.name, Sequence: has.acked, Hash: ledger.Hash(has.hash)}, key)
		ack.Receipt = &receipt
	}
	return ack, nil
}

func indexKey(controller int64, epoch [16]byte, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(epochKey(controller, epoch), sequence)
}

var errForked = refuse(http.StatusConflict, cloudsync.CodeForked, "the service has other events of these numbers: the journal must begin a new epoch")

// compare returns the events that are new, and refuses a journal that tells its
// past in another way than before: one that was copied back, and went on.
func (f *Fleet) compare(c *controller, u upload, has epochRow) (fresh []uploaded, err error) {
	for i, e := range u.events {
		if e.Sequence > has.acked {
			fresh = u.events[i:]
			break
		}
		b, err := f.storage.Get(tableIndex, indexKey(c.id, u.epoch, e.Sequence))
		if err != nil {
			return nil, err
		}
		if len(b) == len(EventID{})+8 && !bytes.Equal(b[len(EventID{}):], e.Hash[:8]) {
			return nil, errForked
		}
	}
	if len(fresh) > 0 && fresh[0].Sequence == has.acked+1 && !fresh[0].Follows(has.hash) {
		return nil, errForked
	}
	return fresh, nil
}

// pruneEvents deletes events that are older than is wanted, with what tells that
// they were here.
func (f *Fleet) pruneEvents(now time.Time) error {
	if f.keep <= 0 {
		return nil
	}
	var rows []storage.Row
	for _, l := range f.logs() {
		prefix := placeKey(l.place)
		for row, err := range f.storage.Scan(tableEvents, prefix) {
			if err != nil {
				return err
			}
			if !bytes.HasPrefix(row.Key, prefix) || len(row.Key) != 8+len(EventID{}) || len(row.Value) < 8 ||
				now.Sub(EventID(row.Key[8:]).Time()) < f.keep || len(rows) >= 2*pruneEvery {
				break
			}
			rows = append(rows, storage.Row{Table: tableEvents, Key: row.Key})
			var r store.Record
			if json.Unmarshal(row.Value[8:], &r) != nil {
				continue // the service's own
			}
			if epoch, err := hex.DecodeString(r.Epoch); err == nil && len(epoch) == 16 {
				key := indexKey(int64(binary.BigEndian.Uint64(row.Value)), [16]byte(epoch), r.Sequence)
				rows = append(rows, storage.Row{Table: tableIndex, Key: key})
			}
		}
	}
	return f.storage.Commit(rows...)
}
