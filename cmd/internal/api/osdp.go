package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"time"

	"doord/reader/osdp"
)

// maxFirmware bounds a file for a reader.
const maxFirmware = 64 << 20

// OSDPReader is one reader of a bus.
type OSDPReader struct {
	Name    string `json:"name"`
	Bus     string `json:"bus"`
	Address byte   `json:"address"`
	Speed   int    `json:"speed"` // bits per second

	Online    bool `json:"online"`
	Secure    bool `json:"secure"`      // speaks through the secure channel now
	MustSpeak bool `json:"secure_only"` // is never believed in clear
	Keyed     bool `json:"keyed"`       // has a key of its own
	Taps      bool `json:"taps"`        // is ready for phones
	Tampered  bool `json:"tampered"`
	PowerFail bool `json:"power_fail"`

	Device       string           `json:"device,omitempty"`
	Capabilities []OSDPCapability `json:"capabilities,omitempty"`
	Counters     osdp.Counters    `json:"counters"`
	Latency      float64          `json:"latency_ms"` // of a poll and its reply, smoothed
	Worst        float64          `json:"worst_ms"`
	Fault        string           `json:"fault,omitempty"`
	Window       float64          `json:"commissioning_s,omitempty"` // what is left of the window
}

// OSDPCapability is one line of what a reader can do.
type OSDPCapability struct {
	Function   byte `json:"function"`
	Compliance byte `json:"compliance"`
	Number     byte `json:"number"`
}

// OSDPReaders is the answer to GET /v1/osdp.
type OSDPReaders struct {
	Version int          `json:"version"`
	Readers []OSDPReader `json:"readers"`
}

// OSDPScan says where to look for readers. Empty lists stand for all.
type OSDPScan struct {
	Bus       string `json:"bus"`
	Addresses []byte `json:"addresses"`
	Speeds    []int  `json:"speeds"`
}

// OSDPFound is a reader that a scan met.
type OSDPFound struct {
	Address      byte             `json:"address"`
	Speed        int              `json:"speed"`
	Device       string           `json:"device"`
	Vendor       string           `json:"vendor"` // OUI in hex
	Model        byte             `json:"model"`
	Serial       uint32           `json:"serial"`
	Capabilities []OSDPCapability `json:"capabilities"`
}

// OSDPScanned is the answer to a scan.
type OSDPScanned struct {
	Version int         `json:"version"`
	Found   []OSDPFound `json:"found"`
}

// OSDPCommand is something to do with a reader.
type OSDPCommand struct {
	Action  string  `json:"action"`           // commission, close_window, set_address, set_speed, led, buzzer, text
	For     float64 `json:"for,omitempty"`    // s, of commission, led, buzzer and text
	Key     string  `json:"key,omitempty"`    // of commission: this key, 32 hex digits, which the reader may have already
	Master  string  `json:"master,omitempty"` // of commission: derive the key from this one, 32 hex digits
	Address byte    `json:"address,omitempty"`
	Speed   int     `json:"speed,omitempty"`
	Color   string  `json:"color,omitempty"`
	Count   byte    `json:"count,omitempty"` // of buzzer
	Text    string  `json:"text,omitempty"`
}

// OSDPProgress is a line of the answer to an update.
type OSDPProgress struct {
	Version int    `json:"version"`
	Sent    int    `json:"sent"`
	Total   int    `json:"total"`
	Done    bool   `json:"done"`
	Error   string `json:"error,omitempty"`
}

// OSDPFrame is a frame that went over a line, secrets masked.
type OSDPFrame struct {
	Version int     `json:"version"`
	At      float64 `json:"at"` // s on the bus's clock
	Out     bool    `json:"out"`
	Address byte    `json:"address"`
	Seq     byte    `json:"seq"`
	Scheme  byte    `json:"scheme"` // of the security block; 0 is none
	Name    string  `json:"name"`
	Text    string  `json:"text"`
	Raw     string  `json:"raw"` // hex
}

// FrameOf is the wire form of a frame.
func FrameOf(t osdp.Trace) OSDPFrame {
	return OSDPFrame{Version: Version, At: t.At.Seconds(), Out: t.Out, Address: t.Addr, Seq: t.Seq, Scheme: byte(t.Scheme),
		Name: t.Name, Text: t.Text, Raw: hex.EncodeToString(t.Raw)}
}

// Trace is the frame that f was made of.
func (f OSDPFrame) Trace() osdp.Trace {
	raw, _ := hex.DecodeString(f.Raw) // a daemon of this version sends hex
	return osdp.Trace{At: time.Duration(f.At * float64(time.Second)), Out: f.Out, Addr: f.Address, Seq: f.Seq,
		Scheme: osdp.Scheme(f.Scheme), Name: f.Name, Text: f.Text, Raw: raw}
}

// OSDP is the part of a Daemon that serves the technician of RS-485 readers.
type OSDP interface {
	OSDPReaders(context.Context) ([]OSDPReader, error)
	OSDPScan(context.Context, OSDPScan) ([]OSDPFound, error)
	OSDPCommand(ctx context.Context, reader string, c OSDPCommand) (Result, error)
	OSDPUpdate(ctx context.Context, reader string, file []byte, from int, progress func(OSDPProgress)) error
	OSDPTrace(ctx context.Context, bus string) (iter.Seq[osdp.Trace], error)
}

func (s *server) serveOSDP(mux *http.ServeMux) {
	d := s.daemon
	mux.Handle("GET /v1/osdp", answer(func(r *http.Request) (any, error) {
		list, err := d.OSDPReaders(r.Context())
		return OSDPReaders{Version, list}, err
	}))
	mux.Handle("POST /v1/osdp/scan", answer(func(r *http.Request) (any, error) {
		var v OSDPScan
		if err := body(r, &v); err != nil {
			return nil, err
		}
		found, err := d.OSDPScan(r.Context(), v)
		return OSDPScanned{Version, found}, err
	}))
	mux.Handle("POST /v1/osdp/readers/{reader}", answer(func(r *http.Request) (any, error) {
		var v OSDPCommand
		if err := body(r, &v); err != nil {
			return nil, err
		}
		return d.OSDPCommand(r.Context(), r.PathValue("reader"), v)
	}))
	mux.HandleFunc("POST /v1/osdp/readers/{reader}/update", s.update)
	mux.HandleFunc("GET /v1/osdp/trace", s.trace)
}

// lines writes values as lines of JSON, each at once.
func lines(w http.ResponseWriter) func(any) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	e, c := json.NewEncoder(w), http.NewResponseController(w)
	return func(v any) error {
		if err := e.Encode(v); err != nil {
			return err
		}
		return c.Flush()
	}
}

func (s *server) update(w http.ResponseWriter, r *http.Request) {
	file, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFirmware))
	if err != nil {
		fail(w, r, &Error{Status: http.StatusRequestEntityTooLarge, Text: "the file could not be read whole: " + err.Error()})
		return
	}
	write := lines(w)
	err = s.daemon.OSDPUpdate(r.Context(), r.PathValue("reader"), file, 0, func(p OSDPProgress) { _ = write(p) })
	if err != nil {
		_ = write(OSDPProgress{Version: Version, Total: len(file), Done: true, Error: err.Error()}) // a client that went away has stopped it
	}
}

func (s *server) trace(w http.ResponseWriter, r *http.Request) {
	frames, err := s.daemon.OSDPTrace(r.Context(), r.URL.Query().Get("bus"))
	if err != nil {
		fail(w, r, err)
		return
	}
	write := lines(w)
	_ = http.NewResponseController(w).Flush() // the client may begin to wait
	for t := range frames {
		if write(FrameOf(t)) != nil {
			return
		}
	}
}

// fail answers with an error outside of answer.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	answer(func(*http.Request) (any, error) { return nil, err }).ServeHTTP(w, r)
}
