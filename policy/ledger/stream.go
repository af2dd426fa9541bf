package ledger

import (
	"errors"
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"
)

// Preamble is what a controller must know before it takes anything: the head that
// it will arrive at, and why to believe it.
type Preamble struct {
	_      struct{} `cbor:",toarray"`
	Head   Signed
	Grants []Signed
	Step   *Signed   // that began the head's generation; none for the first
	Base   *Position // what the entries that follow build on; none: a snapshot follows
}

// Writer writes a snapshot or a delta: a preamble, and then records in order or
// entries in order, as a CBOR sequence (RFC 8742).
type Writer struct{ w io.Writer }

// NewWriter writes the preamble.
func NewWriter(w io.Writer, p Preamble) (*Writer, error) {
	_, err := w.Write(encode(p))
	return &Writer{w}, err
}

// Record writes the next record of a snapshot.
func (w *Writer) Record(r Record) error {
	_, err := w.w.Write(encode(r))
	return err
}

// Entry writes the next encoded entry of a delta.
func (w *Writer) Entry(entry []byte) error {
	_, err := w.w.Write(entry)
	return err
}

// Reader reads what Writer writes. It is not to be read further after an error.
// What it holds in memory is bounded, whatever comes.
type Reader struct {
	in bounded
	d  *cbor.Decoder
	Preamble

	changes, bytes int // of the entries so far
}

// NewReader reads the preamble. It believes nothing of it.
func NewReader(r io.Reader) (*Reader, error) {
	x := &Reader{in: bounded{r: r}}
	x.d = streaming.NewDecoder(&x.in)
	b, err := x.next(maxPreamble)
	if err == nil {
		err = decodeBy(streaming, b, &x.Preamble)
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: preamble: %w", unexpected(err))
	}
	return x, nil
}

// Record returns the next record of a snapshot, and io.EOF after the last.
func (r *Reader) Record() (rec Record, err error) {
	b, err := r.next(maxRecord)
	if errors.Is(err, io.EOF) {
		return Record{}, io.EOF
	}
	if err == nil {
		err = decodeBy(streaming, b, &rec)
	}
	if err == nil {
		err = rec.whole()
	}
	if err != nil {
		return Record{}, fmt.Errorf("ledger: record: %w", err)
	}
	return rec, nil
}

// Entry returns the next entry of a delta with its encoding, and io.EOF after the
// last. A delta beyond MaxDeltaChanges or MaxDeltaBytes is an error.
func (r *Reader) Entry() (Entry, []byte, error) {
	b, err := r.next(MaxDeltaBytes - r.bytes + 1) // so that the end can be seen
	if errors.Is(err, io.EOF) {
		return Entry{}, nil, io.EOF
	}
	if err != nil {
		return Entry{}, nil, fmt.Errorf("ledger: entry: %w", err)
	}
	e, err := decodeEntry(streaming, b)
	if err != nil {
		return Entry{}, nil, err
	}
	r.bytes += len(b)
	r.changes += len(e.Changes)
	if r.bytes > MaxDeltaBytes || r.changes > MaxDeltaChanges {
		return Entry{}, nil, fmt.Errorf("ledger: entry: %w", errLong)
	}
	return e, b, nil
}

// next returns the encoding of the next item, of at most so many bytes.
func (r *Reader) next(most int) ([]byte, error) {
	r.in.limit = r.d.NumBytesRead() + most
	var b cbor.RawMessage
	err := r.d.Decode(&b)
	return b, err
}

var errLong = errors.New("longer than is allowed")

// bounded ends with an error once it was read up to its limit.
type bounded struct {
	r           io.Reader
	read, limit int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.read >= b.limit {
		return 0, errLong
	}
	n, err := b.r.Read(p[:min(len(p), b.limit-b.read)])
	b.read += n
	return n, err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
