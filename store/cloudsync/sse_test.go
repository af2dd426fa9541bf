package cloudsync

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestEventsAreReadAsTheStandardHasThem(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // name|data
		end        error
	}{
		{"nothing", "", nil, io.EOF},
		{"one", "event: hello\ndata: 1\n\n", []string{"hello|1"}, io.EOF},
		{"two with a ping between", "event: a\ndata: 1\n\n: ping\n\nevent: b\ndata: 2\n\n", []string{"a|1", "b|2"}, io.EOF},
		{"lines that end as on other systems", "event: a\r\ndata: 1\r\n\r\n", []string{"a|1"}, io.EOF},
		{"data in several lines", "data: 1\ndata: 2\ndata:3\n\n", []string{"|1\n2\n3"}, io.EOF},
		{"no space after the colon", "event:a\ndata:1\n\n", []string{"a|1"}, io.EOF},
		{"only the first space is none", "data:  1\n\n", []string{"| 1"}, io.EOF},
		{"a name without data is no event, and is forgotten", "event: a\n\ndata: 1\n\n", []string{"|1"}, io.EOF},
		{"empty data is data", "event: a\ndata\n\n", []string{"a|"}, io.EOF},
		{"fields that nobody knows", "id: 7\nretry: 1\nfoo\ndata: 1\n\n", []string{"|1"}, io.EOF},
		{"an event that is cut off", "event: a\ndata: 1\n", nil, io.EOF},
		{"a line that is cut off", "event: a\ndata: 1\n\ndata", []string{"a|1"}, io.EOF},
		{"a line that never ends", "data: " + strings.Repeat("x", maxLine), nil, errStream},
		{"an event that never ends", strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 300), nil, errStream},
		{"an event of too many lines", strings.Repeat("data\n", maxLines+1), nil, errStream},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newEvents(strings.NewReader(tt.text))
			var got []string
			for {
				e, err := s.next()
				if err != nil {
					if !errors.Is(err, tt.end) {
						t.Errorf("it ends with %v", err)
					}
					break
				}
				got = append(got, e.Name+"|"+string(e.Data))
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// write writes an event as its reader reads it.
func write(e streamEvent) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\n", e.Name)
	for line := range bytes.SplitSeq(e.Data, []byte("\n")) {
		fmt.Fprintf(&b, "data: %s\n", line)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// What comes is bounded, and what was read reads the same when it is written again.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("event: hello\ndata: {}\n\n: ping\n\nevent: command\r\ndata: 1\r\ndata: 2\r\n\r\n"))
	f.Add([]byte("data\n\n"))
	f.Add([]byte(": \n\n\n:\nid: 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newEvents(bytes.NewReader(text))
		for {
			e, err := s.next()
			if err != nil {
				return
			}
			if len(e.Data) > maxData || len(e.Data) > len(text) {
				t.Fatalf("%d bytes of data", len(e.Data))
			}
			if bytes.ContainsAny(e.Data, "\r") || strings.ContainsAny(e.Name, "\r") {
				continue // ends of lines inside of lines: nobody writes them
			}
			again, err := newEvents(bytes.NewReader(write(e))).next()
			if err != nil || again.Name != e.Name || !bytes.Equal(again.Data, e.Data) {
				t.Fatalf("%q is %q, %v", e, again, err)
			}
		}
	})
}

func FuzzClaim(f *testing.F) {
	f.Add(Claim{}.String())
	f.Add("abcd efgh")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseClaim(text)
		if err != nil {
			return
		}
		if again, err := ParseClaim(c.String()); err != nil || again != c {
			t.Fatalf("%v, %v", again, err)
		}
	})
}

func TestAClaimCodeIsReadAsPeopleWriteIt(t *testing.T) {
	c := Claim{Secret: [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}}
	copy(c.Root[:], "0123456789abcdef")
	code := c.String()
	for _, text := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", " "), strings.ReplaceAll(code, "-", ""),
		" " + code + "\n", strings.NewReplacer("O", "0", "I", "1", "B", "8").Replace(code)} {
		if got, err := ParseClaim(text); err != nil || got != c {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "hello", code[:len(code)-1], code + "A", strings.Replace(code, "A", "!", 1)} {
		if _, err := ParseClaim(text); err == nil {
			t.Errorf("%q is a claim code", text)
		}
	}
}

func TestPausesGrowToABoundAndAreSpread(t *testing.T) {
	var b backoff
	for i := range 100 {
		whole := min(mostPause, firstPause<<min(i, 10))
		if p := b.next(mostPause); p < whole/2 || p > whole {
			t.Fatalf("pause %d is %v", i, p)
		}
	}
	b.well()
	if p := b.next(mostPause); p > firstPause {
		t.Errorf("after a success it is %v", p)
	}
}
