package fleet

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
	"doord/store/cloudsync"
)

const (
	maxWaiting    = 10_000
	writePatience = time.Minute // for a piece of an answer
)

var errPosition = errors.New(`If-None-Match is not "generation.version.chain"`)

// parsePosition reads the position that a controller has; none without a header.
func parsePosition(header []string) (p ledger.Position, has bool, err error) {
	if len(header) == 0 {
		return p, false, nil
	}
	s := strings.TrimPrefix(strings.TrimSpace(header[0]), "W/") // a proxy that packs weakens it
	if len(header) > 1 || len(s) < 2 || len(s) > 128 || s[0] != '"' || s[len(s)-1] != '"' {
		return p, false, errPosition
	}
	if p, err = ledger.ParsePosition(s[1 : len(s)-1]); err != nil {
		return ledger.Position{}, false, errPosition
	}
	return p, true, nil
}

// parseWait reads how long a controller is ready to wait.
func parseWait(header []string) time.Duration {
	for _, h := range header {
		for part := range strings.SplitSeq(h, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil && strings.EqualFold(name, "wait") {
				return min(time.Duration(n)*time.Second, cloudsync.LongPoll)
			}
		}
	}
	return 0
}

// parseExpires reads when the head that a controller has ends; one that does not say
// so wants no later one.
func parseExpires(header string) int64 {
	if n, err := strconv.ParseInt(header, 10, 64); err == nil {
		return n
	}
	return math.MaxInt64
}

// getPolicy answers with what a controller lacks, and waits for it if it lacks
// nothing.
func (f *Fleet) getPolicy(w http.ResponseWriter, r *http.Request, c *controller) error {
	has, any, err := parsePosition(r.Header.Values("If-None-Match"))
	if err != nil {
		return refuse(http.StatusBadRequest, "", err.Error())
	}
	l, err := f.logOf(c.place)
	if err != nil {
		return err
	}
	ends := parseExpires(r.Header.Get(cloudsync.HeaderExpires))
	wait := parseWait(r.Header.Values("Prefer"))
	if wait > 0 {
		if f.waiting.Add(1) > maxWaiting {
			f.waiting.Add(-1)
			w.Header().Set("Retry-After", "60")
			return refuse(http.StatusServiceUnavailable, "", "too many are waiting")
		}
		defer f.waiting.Add(-1)
		w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		row, changed := l.now()
		at := row.position()
		if !any || has != at {
			return f.sendPolicy(w, r, l, row, has, any)
		}
		signed, head, err := f.sign(l, row)
		if err != nil {
			return err
		}
		if head.Expires > ends {
			key := memoKey{place: l.place, generation: row.Generation, version: row.Version, base: row.Version}
			return f.send(w, r, signed, row, &at, f.memo.get(key, f.begin, func(p *packed) { p.end(nil) }))
		}
		select {
		case <-changed:
			if err := f.still(c); err != nil {
				return err
			}
			continue
		case <-timer.C:
		case <-r.Context().Done():
			return r.Context().Err()
		case <-f.stop:
			w.Header().Set("Retry-After", "1")
			return refuse(http.StatusServiceUnavailable, "", "the service ends")
		}
		w.Header().Set("ETag", `"`+at.String()+`"`)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
}

// sendPolicy sends the entries that a controller lacks, or all records where that
// is not possible or would be more.
func (f *Fleet) sendPolicy(w http.ResponseWriter, r *http.Request, l *log, row logRow, has ledger.Position, any bool) error {
	if any && has.Generation == row.Generation && has.Version > row.Version || has.Generation > row.Generation {
		f.log.Error("a controller has a later policy than there is here: was a backup restored without a new generation?",
			"place", l.place, "has", has.String(), "here", row.position().String())
		return refuse(http.StatusConflict, cloudsync.CodeBehind, "this service has only "+row.position().String())
	}
	p, at, base, err := f.packedFor(r.Context(), l, row, has, any)
	if err != nil {
		return err
	}
	signed, _, err := f.sign(l, at)
	if err != nil {
		return err
	}
	return f.send(w, r, signed, at, base, p)
}

// packedFor finds what brings a controller to where the log is.
func (f *Fleet) packedFor(ctx context.Context, l *log, row logRow, has ledger.Position, any bool) (*packed, logRow, *ledger.Position, error) {
	key := memoKey{place: l.place, generation: row.Generation, version: row.Version}
	get := func() (*packed, logRow, error) {
		p := f.memo.get(key, f.begin, func(p *packed) { p.end(f.pack(p, row)) })
		at, err := p.where(ctx)
		return p, at, err
	}
	if any {
		follows, err := f.follows(l.place, row, has)
		if err != nil {
			return nil, logRow{}, nil, err
		}
		if follows {
			key.base = has.Version
			if p, at, err := get(); !errors.Is(err, errHeavy) {
				return p, at, &has, err
			}
		}
	}
	key.base, key.snapshot = 0, true
	p, at, err := get()
	return p, at, nil, err
}

// follows reports whether entries can bring a controller from where it is to where
// the log is.
func (f *Fleet) follows(place int64, row logRow, has ledger.Position) (bool, error) {
	switch {
	case has.Generation != row.Generation || has.Version >= row.Version || has.Version+1 < row.Oldest:
		return false, nil
	case has.Version == 0:
		return has.Chain == ledger.Hash{}, nil
	case has.Version < row.Oldest:
		return false, nil // its chain is not known any more
	}
	value, err := f.storage.Get(tableLog, logKey(place, has.Version))
	if err != nil || value == nil {
		return false, err
	}
	chain, _, _, err := parseLogEntry(value)
	return chain == has.Chain, err
}

// errHeavy says that a snapshot is less than what was asked for, or that a controller
// would not take it.
var errHeavy = errors.New("fleet: too much for a delta")

// pack makes a snapshot or a delta.
func (f *Fleet) pack(p *packed, row logRow) (err error) {
	if !p.key.snapshot {
		if err := f.weigh(p.key, row); err != nil {
			return err
		}
	}
	z, err := gzip.NewWriterLevel(p, packedGzip)
	if err != nil {
		return err
	}
	if p.key.snapshot {
		err = f.packRecords(p, z)
	} else {
		p.at(row)
		err = f.packEntries(p.key, z)
	}
	if err != nil {
		return fmt.Errorf("fleet: place %d: %w", p.key.place, err)
	}
	return z.Close()
}

// recordWeight is what a record of a snapshot takes, about, and deltaLight what a
// delta may weigh whatever the snapshot does.
const (
	recordWeight = 80
	deltaLight   = 64 << 10
)

// weigh looks whether a delta is worth it.
func (f *Fleet) weigh(key memoKey, row logRow) error {
	most := min(max(deltaLight, int(row.Count)*recordWeight), ledger.MaxDeltaBytes)
	size, changes := 0, 0
	for e, err := range f.entries(key) {
		if err != nil {
			return err
		}
		_, n, entry, err := parseLogEntry(e.Value)
		if err != nil {
			return err
		}
		size, changes = size+len(entry), changes+n
		if size > most || changes > ledger.MaxDeltaChanges {
			return errHeavy
		}
	}
	return nil
}

// entries yields the rows of a delta, all or with an error.
func (f *Fleet) entries(key memoKey) iter.Seq2[storage.Row, error] {
	return func(yield func(storage.Row, error) bool) {
		next := key.base + 1
		for e, err := range f.storage.Scan(tableLog, logKey(key.place, next)) {
			if err == nil && next <= key.version && !bytes.Equal(e.Key, logKey(key.place, next)) {
				err = errHeavy // given up meanwhile: there is the snapshot
			}
			if next > key.version || !yield(e, err) || err != nil {
				return
			}
			next++
		}
		if next <= key.version {
			yield(storage.Row{}, errHeavy)
		}
	}
}

func (f *Fleet) packRecords(p *packed, z *gzip.Writer) error {
	n := 0
	for rec, err := range f.live(p.key.place, p.at) {
		if err == nil {
			_, err = z.Write(rec.Encode())
		}
		if err != nil {
			return err
		}
		if n++; n%1000 == 0 && f.closed() {
			return ErrClosed
		}
	}
	return nil
}

func (f *Fleet) packEntries(key memoKey, z *gzip.Writer) error {
	for e, err := range f.entries(key) {
		if err != nil {
			return err
		}
		_, _, entry, err := parseLogEntry(e.Value)
		if err == nil {
			_, err = z.Write(entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// send writes the preamble, a gzip member of its own, and what is packed.
func (f *Fleet) send(w http.ResponseWriter, r *http.Request, signed ledger.Signed, row logRow, base *ledger.Position, p *packed) error {
	preamble, err := p.preamble(ledger.Preamble{Head: signed, Grants: f.keys.now().signed(), Step: row.Step, Base: base})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("ETag", `"`+row.position().String()+`"`)
	h.Set("Content-Type", "application/cbor-seq")
	h.Set("Content-Encoding", "gzip")
	h.Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	write := func(b []byte) error {
		if err := control.SetWriteDeadline(time.Now().Add(writePatience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		_, err := w.Write(b)
		return err
	}
	if err := write(preamble); err != nil {
		return cut(err)
	}
	return cut(p.each(r.Context(), write))
}

// cut is an error after the answer has begun: it must not look whole.
func cut(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(http.ErrAbortHandler, err)
}
