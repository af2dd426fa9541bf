package policy

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Check is one line of a decision's trace: what was looked at, what was seen,
// what it was held against, and the verdict.
type Check struct {
	Name   string `json:"check"`
	Saw    Value  `json:"saw"`
	Rule   Value  `json:"rule"`
	OK     bool   `json:"ok"`
	Reason Reason `json:"reason,omitempty"` // when not OK
}

// String tells the check in one line.
func (c Check) String() string {
	verdict := "ok"
	if !c.OK {
		verdict = string(c.Reason)
	}
	return fmt.Sprintf("%s: saw %s, rule %s: %s", c.Name, c.Saw, c.Rule, verdict)
}

// Value is something a check saw or was held against. It is built without
// allocating and put into words only when somebody reads the trace.
type Value struct {
	kind  valueKind
	text  string
	a     int64
	start time.Time
	end   time.Time
}

type valueKind uint8

const (
	valueText valueKind = iota
	valueID
	valueNumber
	valueFlag
	valueTime
	valueSpan
)

// Text is a value that is words already.
func Text[S ~string](s S) Value { return Value{kind: valueText, text: string(s)} }

// Yes is a truth.
func Yes(ok bool) Value {
	if ok {
		return Value{kind: valueFlag, a: 1}
	}
	return Value{kind: valueFlag}
}

// Numbered is a record of the policy: "member 7".
func Numbered(what string, id int64) Value { return Value{kind: valueID, text: what, a: id} }

// Measure is a number with its unit.
func Measure(n int64, unit string) Value { return Value{kind: valueNumber, text: unit, a: n} }

// Moment is a civil time.
func Moment(t time.Time) Value { return Value{kind: valueTime, start: t} }

// Span is a half-open interval of civil time; a zero end is open.
func Span(v Validity) Value { return Value{kind: valueSpan, start: v.From, end: v.Until} }

// String puts the value into words.
func (v Value) String() string {
	switch v.kind {
	case valueID:
		return v.text + " " + strconv.FormatInt(v.a, 10)
	case valueNumber:
		return strconv.FormatInt(v.a, 10) + " " + v.text
	case valueFlag:
		if v.a == 1 {
			return "yes"
		}
		return "no"
	case valueTime:
		return v.start.Format(time.RFC3339)
	case valueSpan:
		return "[" + end(v.start) + ", " + end(v.end) + ")"
	default:
		return v.text
	}
}

func end(t time.Time) string {
	if t.IsZero() {
		return "…"
	}
	return t.Format(time.RFC3339)
}

// MarshalJSON writes the value in words.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(v.String()) }

// UnmarshalJSON reads it back as words.
func (v *Value) UnmarshalJSON(b []byte) error {
	*v = Value{}
	return json.Unmarshal(b, &v.text)
}
