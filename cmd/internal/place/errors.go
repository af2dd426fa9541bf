package place

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"doord/policy"
)

// Error is an answer that is not what was asked for.
type Error struct {
	Status int           `json:"-"`
	Text   string        `json:"error"`
	Code   string        `json:"code"` // 6 hex digits
	Reason policy.Reason `json:"reason,omitempty"`
	Retry  time.Duration `json:"-"` // after which it is worth trying again; 0: nobody knows
	Allow  string        `json:"-"` // methods that are there instead
}

func (e *Error) Error() string { return e.Text }

// Codes of what is no decision about a door; those are policy.Reason's.
const (
	codeUnauthenticated = "d01401"
	codeForbidden       = "d01403"
	codeMissing         = "d01404"
	codeMethod          = "d01405"
	codeConflict        = "d01409"
	codeTooLarge        = "d01413"
	codeMalformed       = "d01400"
	codeTooMany         = "d01429"
	codeFault           = "d01500"
	codeLockedOut       = "d01430" // too many wrong passwords
	codeInProgress      = "d01410" // an unlock is
	codeTaken           = "cabbeb" // the same identifiers twice
)

var (
	errUnauthenticated = &Error{Status: http.StatusUnauthorized, Text: "sign in first, or the secret is wrong", Code: codeUnauthenticated}
	errForbidden       = &Error{Status: http.StatusForbidden, Text: "you are not allowed to do this", Code: codeForbidden}
	errMissing         = &Error{Status: http.StatusNotFound, Text: "there is no such thing", Code: codeMissing}
	errTooLarge        = &Error{Status: http.StatusRequestEntityTooLarge, Text: "the body is larger than 1 MiB", Code: codeTooLarge}
)

func malformed(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Text: fmt.Sprintf(format, args...), Code: codeMalformed}
}

func conflict(format string, args ...any) *Error {
	return &Error{Status: http.StatusConflict, Text: fmt.Sprintf(format, args...), Code: codeConflict}
}

// denied says why a door does not open.
func denied(reason policy.Reason) *Error {
	status := http.StatusForbidden
	switch reason {
	case policy.AlreadyUnlocked:
		status = http.StatusConflict
	case policy.DoorNotFound:
		status = http.StatusNotFound
	case policy.NoController, policy.Unavailable, policy.InternalError:
		status = http.StatusServiceUnavailable
	default:
	}
	return &Error{Status: status, Text: reason.Text(), Code: reason.Code(), Reason: reason}
}

// Invalid is everything that is wrong with what was given, by field; "base" is what
// belongs to none.
type Invalid struct {
	Code   string
	Fields map[string][]string
}

// Add adds what is wrong with a field.
func (i *Invalid) Add(field, text string) {
	if i.Fields == nil {
		i.Fields = map[string][]string{}
	}
	if !slices.Contains(i.Fields[field], text) {
		i.Fields[field] = append(i.Fields[field], text)
	}
}

// merge adds all that is wrong with something else, whose fields are named after it.
func (i *Invalid) merge(prefix string, other *Invalid) {
	for field, texts := range other.Fields {
		for _, text := range texts {
			i.Add(prefix+field, text)
		}
	}
	if other.Code != "" {
		i.Code = other.Code
	}
}

// must adds what is wrong unless it is right.
func (i *Invalid) must(right bool, field, format string, args ...any) {
	if !right {
		i.Add(field, fmt.Sprintf(format, args...))
	}
}

// orNil returns i as an error if there is something wrong.
func (i *Invalid) orNil() error {
	if len(i.Fields) == 0 {
		return nil
	}
	return i
}

func invalid(field, text string) *Invalid {
	i := &Invalid{}
	i.Add(field, text)
	return i
}

func (i *Invalid) Error() string {
	var lines []string
	for field, texts := range i.Fields {
		lines = append(lines, field+" "+strings.Join(texts, ", "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

// MarshalJSON writes {"errors":{…}}, and the code if there is one.
func (i *Invalid) MarshalJSON() ([]byte, error) {
	return json.Marshal(invalidBody{i.Fields, i.Code})
}

type invalidBody struct {
	Errors map[string][]string `json:"errors"`
	Code   string              `json:"code,omitempty"`
}
