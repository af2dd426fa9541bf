package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
	"doord/reader/osdp"
)

func (t *tool) osdp() *cobra.Command {
	cmd := &cobra.Command{Use: "osdp", Short: "The readers on RS-485 lines", RunE: family}
	cmd.AddCommand(t.osdpStatus(), t.osdpScan(), t.osdpCommission(), t.osdpAddress(), t.osdpSpeed(),
		t.osdpLED(), t.osdpBuzzer(), t.osdpText(), t.osdpUpdate(), t.osdpTrace())
	return cmd
}

func (t *tool) osdpStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Each reader: online, secure, errors by kind, latency", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l api.OSDPReaders
			if err := t.client().Get(cmd.Context(), "/v1/osdp", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) { writeOSDP(w, l.Readers) })
		},
	}
}

func writeOSDP(w io.Writer, readers []api.OSDPReader) {
	table(w, "READER|BUS|ADDRESS|SPEED|STATE|CHANNEL|PHONES|POLLS|RETRIES|LATENCY|WORST|DEVICE", func(row func(...any)) {
		for _, r := range readers {
			state := "OFFLINE"
			if r.Online {
				state = "online"
			}
			channel := "clear"
			switch {
			case r.Secure:
				channel = "secure"
			case r.MustSpeak && !r.Keyed:
				channel = "NO KEY"
			case r.MustSpeak:
				channel = "not yet secure"
			}
			row(r.Name, r.Bus, r.Address, r.Speed, state, channel, mark(r.Taps, "yes"), r.Counters.Exchanges, r.Counters.Retries,
				fmt.Sprintf("%.1f ms", r.Latency), fmt.Sprintf("%.1f ms", r.Worst), mark(r.Device != "", r.Device))
		}
	})
	for _, r := range readers {
		if errs := errorsOf(r.Counters); errs != "" {
			fmt.Fprintf(w, "%s errors: %s\n", r.Name, errs)
		}
		if r.Fault != "" {
			fmt.Fprintf(w, "%s FAULT: %s\n", r.Name, r.Fault)
		}
		if r.Window > 0 {
			fmt.Fprintf(w, "%s is being commissioned: %v left\n", r.Name, (time.Duration(r.Window) * time.Second))
		}
	}
}

// errorsOf names the errors that a reader has had.
func errorsOf(c osdp.Counters) string {
	var parts []string
	for _, k := range []struct {
		name  string
		count uint64
	}{{"no reply", c.Timeouts}, {"cut off", c.Cut}, {"wrong check", c.BadCheck}, {"wrong form", c.BadForm}, {"wrong MAC", c.BadMAC},
		{"clear in a session", c.Unsafe}, {"wrong sequence", c.WrongSeq}, {"wrong address", c.WrongAddr}, {"busy", c.Busy}} {
		if k.count > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", k.name, k.count))
		}
	}
	for code, n := range c.Naks {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("refused (%v) %d", osdp.NakCode(code), n))
		}
	}
	return strings.Join(parts, ", ")
}

func (t *tool) osdpScan() *cobra.Command {
	var q api.OSDPScan
	var addresses string
	var all bool
	cmd := &cobra.Command{
		Use: "scan", Short: "Look for readers at addresses and speeds", Args: cobra.NoArgs,
		Long: "Scan asks at each address and speed who is there, among the polls of the readers in use. A place where\n" +
			"nobody is takes 0.2 s, and half of the line's time is left to the readers: 8 addresses at 6 speeds take\nabout 20 s.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !all {
				list, err := parseAddresses(addresses)
				if err != nil {
					return err
				}
				q.Addresses = list
			}
			var s api.OSDPScanned
			if err := t.client().Post(cmd.Context(), "/v1/osdp/scan", q, &s); err != nil {
				return err
			}
			return t.print(s, func(w io.Writer) {
				if len(s.Found) == 0 {
					fmt.Fprintln(w, "nobody answered")
					return
				}
				table(w, "ADDRESS|SPEED|VENDOR|MODEL|SERIAL|DEVICE", func(row func(...any)) {
					for _, f := range s.Found {
						row(f.Address, f.Speed, f.Vendor, f.Model, f.Serial, f.Device)
					}
				})
			})
		},
	}
	cmd.Flags().StringVar(&q.Bus, "bus", "", "name of the bus; needed where there are several")
	cmd.Flags().StringVar(&addresses, "addresses", "0-7", "where to look: 0-7 or 0,3,5")
	cmd.Flags().IntSliceVar(&q.Speeds, "speeds", nil, "bits per second (default all that readers have)")
	cmd.Flags().BoolVar(&all, "all", false, "look at all 127 addresses")
	return cmd
}

// parseAddresses reads "0-7" or "0,3,5".
func parseAddresses(text string) ([]byte, error) {
	var list []byte
	for _, part := range strings.Split(text, ",") {
		first, last, span := strings.Cut(part, "-")
		if !span {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || from < 0 || to > osdp.MaxAddr || from > to {
			return nil, usage("addresses are 0 to %d, as in 0-7 or 0,3,5, not %q", osdp.MaxAddr, text)
		}
		for a := from; a <= to; a++ {
			list = append(list, byte(a))
		}
	}
	return list, nil
}

// act does something with a reader.
func (t *tool) osdpAct(cmd *cobra.Command, reader string, c api.OSDPCommand) error {
	var r api.Result
	if err := t.client().Post(cmd.Context(), "/v1/osdp/readers/"+url.PathEscape(reader), c, &r); err != nil {
		return err
	}
	return t.report(r, r.Text)
}

func (t *tool) osdpCommission() *cobra.Command {
	var window time.Duration
	var key, master string
	var end bool
	cmd := &cobra.Command{
		Use: "commission READER", Short: "Give a reader a key of its own, within a window", Args: cobra.ExactArgs(1),
		Long: "Commission opens a window in which the reader is given a key: a random one, or one from a file, or one\n" +
			"derived from a master key in a file (32 hex digits each). A reader that has the key of the file already,\n" +
			"as after a change of controllers, is believed by it. Only within the window is the public default key\n" +
			"accepted, and only to replace it. Do it on the bench or with nobody on the wire.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c := api.OSDPCommand{Action: "commission", For: window.Seconds()}
			if end {
				c.Action = "close_window"
			}
			for _, from := range []struct {
				flag, file string
				into       *string
			}{{"--key", key, &c.Key}, {"--master", master, &c.Master}} {
				if from.file == "" {
					continue
				}
				data, err := os.ReadFile(from.file)
				if err != nil {
					return fmt.Errorf("%s: %w", from.flag, err)
				}
				*from.into = strings.TrimSpace(string(data))
			}
			return t.osdpAct(cmd, args[0], c)
		},
	}
	cmd.Flags().DurationVar(&window, "for", 5*time.Minute, "how long the window is open, at most 15m")
	cmd.Flags().StringVar(&key, "key", "", "file with the key to give, or that the reader has")
	cmd.Flags().StringVar(&master, "master", "", "file with a master key to derive the key from")
	cmd.MarkFlagsMutuallyExclusive("key", "master")
	cmd.Flags().BoolVar(&end, "end", false, "close the window")
	return cmd
}

func (t *tool) osdpAddress() *cobra.Command {
	return &cobra.Command{
		Use: "set-address READER ADDRESS", Short: "Give a reader another address", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.ParseUint(args[1], 10, 8)
			if err != nil || n > osdp.MaxAddr {
				return usage("an address is 0 to %d, not %q", osdp.MaxAddr, args[1])
			}
			return t.osdpAct(cmd, args[0], api.OSDPCommand{Action: "set_address", Address: byte(n)})
		},
	}
}

func (t *tool) osdpSpeed() *cobra.Command {
	return &cobra.Command{
		Use: "set-speed READER SPEED", Short: "Give a reader another speed", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return usage("a speed is one of %v, not %q", osdp.Speeds, args[1])
			}
			return t.osdpAct(cmd, args[0], api.OSDPCommand{Action: "set_speed", Speed: n})
		},
	}
}

func (t *tool) osdpLED() *cobra.Command {
	var length time.Duration
	cmd := &cobra.Command{
		Use: "led READER COLOR", Short: "Light a reader for a while", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.osdpAct(cmd, args[0], api.OSDPCommand{Action: "led", Color: args[1], For: length.Seconds()})
		},
	}
	cmd.Flags().DurationVar(&length, "for", 5*time.Second, "how long")
	return cmd
}

func (t *tool) osdpBuzzer() *cobra.Command {
	var count uint8
	cmd := &cobra.Command{
		Use: "buzzer READER", Short: "Sound a reader", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.osdpAct(cmd, args[0], api.OSDPCommand{Action: "buzzer", Count: count})
		},
	}
	cmd.Flags().Uint8Var(&count, "count", 3, "how often")
	return cmd
}

func (t *tool) osdpText() *cobra.Command {
	var length time.Duration
	cmd := &cobra.Command{
		Use: "text READER TEXT", Short: "Show a text on a reader's display for a while", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.osdpAct(cmd, args[0], api.OSDPCommand{Action: "text", Text: args[1], For: length.Seconds()})
		},
	}
	cmd.Flags().DurationVar(&length, "for", 10*time.Second, "how long")
	return cmd
}

func (t *tool) osdpUpdate() *cobra.Command {
	return &cobra.Command{
		Use: "update READER FILE", Short: "Send a reader its firmware; it is polled all the while", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := os.ReadFile(args[1])
			if err != nil {
				return fmt.Errorf("update: %w", err)
			}
			body, err := t.client().Stream(cmd.Context(), "POST", "/v1/osdp/readers/"+url.PathEscape(args[0])+"/update", file)
			if err != nil {
				return err
			}
			defer body.Close()
			var p api.OSDPProgress
			for d := json.NewDecoder(body); ; {
				if err := d.Decode(&p); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					return err
				}
				if err := t.print(p, func(w io.Writer) { fmt.Fprintf(w, "\r%d of %d bytes", p.Sent, p.Total) }); err != nil {
					return err
				}
			}
			if !t.json {
				fmt.Fprintln(t.out)
			}
			switch {
			case p.Error != "":
				return errors.New(p.Error)
			case !p.Done:
				return errors.New("the transfer was cut off; run it again")
			}
			return nil
		},
	}
}

func (t *tool) osdpTrace() *cobra.Command {
	var bus, capture string
	var count int
	cmd := &cobra.Command{
		Use: "trace", Short: "The frames on a line as they go, secrets masked", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body, err := t.client().Stream(cmd.Context(), "GET", "/v1/osdp/trace?"+url.Values{"bus": {bus}}.Encode(), nil)
			if err != nil {
				return err
			}
			defer body.Close()
			var file *os.File
			write := func(osdp.Trace) error { return nil }
			if capture != "" {
				if file, err = os.OpenFile(capture, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
					return fmt.Errorf("--capture: %w", err)
				}
				write = osdp.NewCapture(file, time.Now()).Write
			}
			err = t.traceFrames(body, count, write)
			if cmd.Context().Err() != nil {
				err = nil // Ctrl-C is how it ends
			}
			if file != nil {
				err = errors.Join(err, file.Close())
			}
			return err
		},
	}
	cmd.Flags().StringVar(&bus, "bus", "", "name of the bus; needed where there are several")
	cmd.Flags().StringVar(&capture, "capture", "", "also write an osdpcap file, for other tools")
	cmd.Flags().IntVar(&count, "count", 0, "end after so many frames (default: go on)")
	return cmd
}

func (t *tool) traceFrames(body io.Reader, count int, write func(osdp.Trace) error) error {
	scanner := bufio.NewScanner(body)
	scanner.Buffer(nil, 1<<16)
	for n := 0; (count == 0 || n < count) && scanner.Scan(); n++ {
		var f api.OSDPFrame
		if err := json.NewDecoder(bytes.NewReader(scanner.Bytes())).Decode(&f); err != nil {
			return err
		}
		trace := f.Trace()
		if err := write(trace); err != nil {
			return err
		}
		if err := t.print(f, func(w io.Writer) { fmt.Fprintf(w, "%12.6f %s\n", f.At, trace) }); err != nil {
			return err
		}
	}
	return scanner.Err()
}
