package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"doord/policy"
)

// Hash links an event to the one before it.
type Hash [sha256.Size]byte

// String is the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Record is an event as the journal keeps it. Its JSON form, which is also what
// lies on the disk, never changes once it was written: a newer doord passes on
// the bytes that an older one wrote. Without its last member, hash, that JSON is
// exactly what the hash is made of:
//
//	hash = SHA-256(hash of the event before ‖ JSON without hash)
//
// so anybody who has the events can verify them. The first event of an epoch
// follows a hash of zeros.
type Record struct {
	UUID     string // version 7
	Sequence uint64 // from 1, without gaps within an epoch
	Epoch    string // of the journal's life, 32 hex digits
	BootID   string
	policy.Event
	Hash Hash

	text []byte // the JSON without the hash
}

// Follows reports whether r is intact and comes right after the event that has
// the hash prev.
func (r Record) Follows(prev Hash) bool { return chain(prev, r.json()) == r.Hash }

func chain(prev Hash, text []byte) (next Hash) {
	h := sha256.New()
	h.Write(prev[:])
	h.Write(text)
	h.Sum(next[:0])
	return next
}

func (r *Record) json() []byte {
	if r.text != nil {
		return r.text
	}
	return appendText(nil, r)
}

const (
	hashBegin = `,"hash":"`
	hashEnd   = `"}`
	hashJSON  = len(hashBegin) + 2*sha256.Size + len(hashEnd)
)

// AppendJSON appends the record as one line of JSON, without a line feed.
func (r Record) AppendJSON(b []byte) []byte {
	text := r.json()
	b = append(b, text[:len(text)-1]...)
	b = append(b, hashBegin...)
	b = hex.AppendEncode(b, r.Hash[:])
	return append(b, hashEnd...)
}

// MarshalJSON writes the record.
func (r Record) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// UnmarshalJSON reads a record and keeps its exact text, so that Follows holds.
func (r *Record) UnmarshalJSON(b []byte) error {
	cut := len(b) - hashJSON
	if cut < 1 || !bytes.HasPrefix(b[cut:], []byte(hashBegin)) {
		return errors.New("a record ends with its hash")
	}
	var hash Hash
	if _, err := hex.Decode(hash[:], b[cut+len(hashBegin):len(b)-len(hashEnd)]); err != nil {
		return fmt.Errorf("hash: %w", err)
	}
	return r.parse(append(append(make([]byte, 0, cut+1), b[:cut]...), '}'), hash)
}

// parse reads a record from its text, which it keeps.
func (r *Record) parse(text []byte, hash Hash) error {
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*r = Record{
		UUID: w.UUID, Sequence: w.Sequence, Epoch: w.Epoch, BootID: w.BootID, Hash: hash, text: text,
		Event: policy.Event{
			At:   policy.Now{Up: time.Duration(w.Uptime), Wall: w.CreatedAt, WallSet: w.ClockSet},
			Type: w.Type, Success: w.Success, Reason: w.Reason, Reader: w.Reader,
			Actor:  policy.Ref{Type: w.ActorType, ID: w.ActorID, Name: w.ActorName},
			By:     policy.Ref{Type: w.ByType, ID: w.ByID, Name: w.ByName},
			Object: policy.Ref{Type: w.ObjectType, ID: w.ObjectID, Name: w.ObjectName},
			Until:  time.Duration(w.Until), Detail: w.Detail, Bits: w.Bits, Revision: w.Revision, Trace: w.Trace,
		},
	}
	return nil
}

// recordVersion is that of the JSON: within it members are added and never renamed.
const recordVersion = 1

// wire is a record's JSON without its hash: appendText writes what encoding/json
// would make of it, several times faster.
type wire struct {
	Version    int              `json:"version"`
	UUID       string           `json:"uuid"`
	Sequence   uint64           `json:"sequence"`
	Epoch      string           `json:"epoch"`
	CreatedAt  time.Time        `json:"created_at"`
	Uptime     seconds          `json:"uptime"`
	BootID     string           `json:"boot_id"`
	ClockSet   bool             `json:"clock_set"`
	Type       policy.EventType `json:"type"`
	ActorType  string           `json:"actor_type,omitempty"`
	ActorID    int64            `json:"actor_id,omitempty"`
	ActorName  string           `json:"actor_name,omitempty"`
	ByType     string           `json:"authenticated_by_type,omitempty"`
	ByID       int64            `json:"authenticated_by_id,omitempty"`
	ByName     string           `json:"authenticated_by_name,omitempty"`
	ObjectType string           `json:"object_type,omitempty"`
	ObjectID   int64            `json:"object_id,omitempty"`
	ObjectName string           `json:"object_name,omitempty"`
	Reader     string           `json:"reader,omitempty"`
	Success    bool             `json:"success"`
	Reason     policy.Reason    `json:"reason,omitempty"`
	Code       string           `json:"code,omitempty"`
	Until      seconds          `json:"until,omitempty"` // of uptime
	Detail     string           `json:"detail,omitempty"`
	Bits       string           `json:"bits,omitempty"`
	Revision   uint64           `json:"policy_revision,omitempty"`
	Trace      []policy.Check   `json:"trace,omitempty"`
}

// seconds is a duration as a number of seconds with up to nine decimals.
type seconds time.Duration

func (s seconds) append(b []byte) []byte {
	whole, rest := s/1e9, s%1e9
	if s < 0 {
		b, whole, rest = append(b, '-'), -whole, -rest
	}
	b = strconv.AppendInt(b, int64(whole), 10)
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	b = append(b, strconv.FormatInt(int64(rest)+1e9, 10)[1:]...)
	return bytes.TrimRight(b, "0")
}

// MarshalJSON writes the number.
func (s seconds) MarshalJSON() ([]byte, error) { return s.append(nil), nil }

// UnmarshalJSON reads it back without rounding.
func (s *seconds) UnmarshalJSON(b []byte) error {
	d, err := time.ParseDuration(string(b) + "s")
	*s = seconds(d)
	return err
}

// appendText appends the record's JSON without its hash.
func appendText(b []byte, r *Record) []byte {
	o := object{b: append(b, '{')}
	o.uint("version", recordVersion)
	o.text("uuid", r.UUID)
	o.uint("sequence", r.Sequence)
	o.text("epoch", r.Epoch)
	o.key("created_at")
	o.b = append(r.At.Wall.UTC().AppendFormat(append(o.b, '"'), time.RFC3339Nano), '"')
	o.key("uptime")
	o.b = seconds(r.At.Up).append(o.b)
	o.text("boot_id", r.BootID)
	o.bool("clock_set", r.At.WallSet)
	o.text("type", string(r.Type))
	o.ref("actor_type", "actor_id", "actor_name", r.Actor)
	o.ref("authenticated_by_type", "authenticated_by_id", "authenticated_by_name", r.By)
	o.ref("object_type", "object_id", "object_name", r.Object)
	o.optional("reader", r.Reader)
	o.bool("success", r.Success)
	o.optional("reason", string(r.Reason))
	o.optional("code", r.Reason.Code())
	if r.Until != 0 {
		o.key("until")
		o.b = seconds(r.Until).append(o.b)
	}
	o.optional("detail", r.Detail)
	o.optional("bits", r.Bits)
	if r.Revision != 0 {
		o.uint("policy_revision", r.Revision)
	}
	if len(r.Trace) > 0 {
		o.key("trace")
		o.b = append(o.b, '[')
		for i := range r.Trace {
			o.check(&r.Trace[i])
		}
		o.b = append(o.b, ']')
	}
	return append(o.b, '}')
}

// object appends the members of a JSON object.
type object struct{ b []byte }

func (o *object) key(key string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), key...), '"', ':')
}

func (o *object) text(key, s string) {
	o.key(key)
	o.b = appendString(o.b, s)
}

func (o *object) optional(key, s string) {
	if s != "" {
		o.text(key, s)
	}
}

func (o *object) uint(key string, n uint64) {
	o.key(key)
	o.b = strconv.AppendUint(o.b, n, 10)
}

func (o *object) bool(key string, v bool) {
	o.key(key)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) ref(typeKey, idKey, nameKey string, r policy.Ref) {
	o.optional(typeKey, r.Type)
	if r.ID != 0 {
		o.key(idKey)
		o.b = strconv.AppendInt(o.b, r.ID, 10)
	}
	o.optional(nameKey, r.Name)
}

// check appends one line of a trace, as policy.Check marshals itself.
func (o *object) check(c *policy.Check) {
	if o.b[len(o.b)-1] != '[' {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '{')
	o.text("check", c.Name)
	o.text("saw", c.Saw.String())
	o.text("rule", c.Rule.String())
	o.bool("ok", c.OK)
	o.optional("reason", string(c.Reason))
	o.b = append(o.b, '}')
}

// appendString appends s as encoding/json does, which also keeps the bytes stable
// when a record is marshalled as part of something else.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
