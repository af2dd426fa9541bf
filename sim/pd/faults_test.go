package pd_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"doord/reader/osdp"
	"doord/sim/pd"
)

// The ten faults that public implementations have been seen to have. Each test
// plays the fault to our bus, byte by byte, and says what it must do instead.

// parse reads the frame in a burst.
func parse(t testing.TB, b pd.Burst) osdp.Frame {
	t.Helper()
	f, err := osdp.ParseFrame(bytes.Clone(b.Data[1:]))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// once applies f to the next burst that f wants, and lets the others pass.
func (r *rig) once(f func(pd.Burst) ([]pd.Burst, bool)) {
	r.Wire = func(b pd.Burst) []pd.Burst {
		if out, done := f(b); done {
			r.Wire = nil
			return out
		}
		return []pd.Burst{b}
	}
}

// steady demands that the reader stayed online and in its session.
func (r *rig) steady(i int) {
	r.t.Helper()
	if s := r.state(i); !s.Online || len(find[osdp.Offline](r)) > 0 || len(find[osdp.SecureLost](r)) > 0 {
		r.t.Fatalf("not steady: %v", r.log())
	}
}

func flip(b pd.Burst, bit int) pd.Burst {
	b.Data = bytes.Clone(b.Data)
	bit %= 8 * len(b.Data)
	b.Data[bit/8] ^= 1 << (bit % 8)
	return b
}

// 1. One flipped bit, one NAK to a command, one BUSY, one late reply took a reader
// offline for 300 s.
func TestFault1OneFlippedBitOrNakOrBusyOrLateReplyCostsLittle(t *testing.T) {
	t.Run("every bit of a reply flipped", func(t *testing.T) {
		for bit := range 8 * 31 {
			r := newRig(t, 1, secure)
			r.online()
			r.PDs[0].Card(h10301)
			at := r.Now
			r.once(func(b pd.Burst) ([]pd.Burst, bool) {
				return []pd.Burst{flip(b, bit)}, b.ToACU && len(b.Data) == 31
			})
			if !r.Until(time.Second, func() bool { return len(r.cards()) > 0 }) {
				t.Fatalf("bit %d: no card: %v", bit, r.log())
			}
			r.steady(0)
			if took := r.Now - at; took > 350*time.Millisecond {
				t.Errorf("bit %d: card after %v", bit, took)
			}
		}
	})
	t.Run("every bit of a command flipped", func(t *testing.T) {
		for bit := range 8 * 15 {
			r := newRig(t, 1, secure)
			r.online()
			r.once(func(b pd.Burst) ([]pd.Burst, bool) {
				return []pd.Burst{flip(b, bit)}, !b.ToACU && len(b.Data) == 15
			})
			r.wantCard(0, 500*time.Millisecond)
			r.steady(0)
		}
	})
	t.Run("NAK of every code to a command", func(t *testing.T) {
		for code := osdp.NakCheck; code <= osdp.NakRecord+1; code++ {
			for _, opts := range [][]option{nil, {secure}} {
				r := newRig(t, 1, opts...)
				r.online()
				id, err := r.Bus.Send(0, osdp.Buzzer{Tone: 2})
				if err != nil {
					t.Fatal(err)
				}
				r.once(func(b pd.Burst) ([]pd.Burst, bool) {
					if !b.ToACU && len(b.Data) != 15 && len(b.Data) != 9 {
						r.PDs[0].Naks = []osdp.NakCode{code}
						return []pd.Burst{b}, true
					}
					return nil, false
				})
				r.For(time.Second)
				r.steady(0)
				done := find[osdp.Done](r)
				if len(done) != 1 || done[0].ID != id {
					t.Fatalf("NAK %v: done %v", code, done)
				}
				r.wantCard(0, 500*time.Millisecond)
			}
		}
	})
	t.Run("BUSY", func(t *testing.T) {
		r := newRig(t, 1, secure)
		r.online()
		r.PDs[0].Busy = 5
		r.wantCard(0, 500*time.Millisecond)
		r.steady(0)
	})
	t.Run("late reply", func(t *testing.T) {
		for late := 10 * time.Millisecond; late < 500*time.Millisecond; late += 10 * time.Millisecond {
			r := newRig(t, 2, secure)
			r.online()
			r.once(func(b pd.Burst) ([]pd.Burst, bool) {
				b.Start += late
				return []pd.Burst{b}, b.ToACU
			})
			r.wantCard(0, time.Second)
			r.steady(0)
			r.steady(1)
		}
	})
	t.Run("doubled and cut replies", func(t *testing.T) {
		for n := range 15 {
			r := newRig(t, 1, secure)
			r.online()
			r.once(func(b pd.Burst) ([]pd.Burst, bool) {
				twice := b
				twice.Start = b.End()
				twice.Data = bytes.Clone(b.Data)
				b.Data = b.Data[:n]
				return []pd.Burst{b, twice}, b.ToACU
			})
			r.wantCard(0, 500*time.Millisecond)
			r.steady(0)
		}
	})
}

// 2. One lost reply delayed the next card by a second.
func TestFault2OneLostReplyDelaysACardByTheTimeoutAndOnePoll(t *testing.T) {
	for _, reply := range []bool{false, true} {
		r := newRig(t, 1, secure)
		r.online()
		var from time.Duration
		r.once(func(b pd.Burst) ([]pd.Burst, bool) {
			from = r.Now
			return nil, b.ToACU == reply
		})
		r.For(100 * time.Millisecond)
		r.PDs[0].Card(h10301)
		if !r.Until(time.Second, func() bool { return len(r.cards()) == 1 }) {
			t.Fatal("no card")
		}
		// Reply time-out, the repeated poll, and the poll that brings the card.
		if took := r.Now - from; took > 200*time.Millisecond+60*time.Millisecond+60*time.Millisecond {
			t.Errorf("card after %v", took)
		}
		r.steady(0)
	}
}

// 3. An absent reader slowed the others by up to 280 ms a round.
func TestFault3AbsentReadersCostTheOthersATenth(t *testing.T) {
	polls := func(dead int) uint64 {
		r := newRig(t, 8, secure, baud(115200))
		for i := range dead {
			r.PDs[7-i].Mute = true
		}
		r.For(20 * time.Second)
		before := r.state(0).Counters.Exchanges
		r.For(20 * time.Second)
		if s := r.state(0); !s.Online || r.state(7).Online != (dead == 0) {
			t.Errorf("%d dead: %+v", dead, s)
		}
		return r.state(0).Counters.Exchanges - before
	}
	whole := polls(0)
	for dead := 1; dead < 8; dead++ {
		if got, want := polls(dead), whole*88/100; got < want {
			t.Errorf("%d dead: %d polls, want %d of %d", dead, got, want, whole)
		}
	}
	t.Run("and when it dies", func(t *testing.T) {
		r := newRig(t, 4, secure, baud(115200))
		r.online()
		r.PDs[3].Mute = true
		for range 20 {
			r.wantCard(0, 500*time.Millisecond)
		}
		if len(find[osdp.Offline](r)) > 1 || r.state(3).Online {
			t.Error("the dead reader is not offline once")
		}
	})
}

// 4. A card read forged without a MAC inside a session was accepted.
func TestFault4ForgedReadsInASessionAreNotBelieved(t *testing.T) {
	card := osdp.Raw{Format: 1, Bits: 26, Data: []byte{1, 2, 3, 4}}
	for _, c := range []struct {
		name  string
		block []byte
		mac   []byte
	}{
		{"in clear", nil, nil},
		{"as SCS_11", []byte{3, 0x11, 1}, nil},
		{"as SCS_12", []byte{3, 0x12, 1}, nil},
		{"as SCS_13", []byte{3, 0x13, 1}, nil},
		{"as SCS_14", []byte{3, 0x14, 1}, nil},
		{"as SCS_15", []byte{2, 0x15}, []byte{0, 0, 0, 0}},
		{"as SCS_16", []byte{2, 0x16}, []byte{0, 0, 0, 0}},
		{"as SCS_17", []byte{2, 0x17}, []byte{1, 2, 3, 4}},
		{"as SCS_18", []byte{2, 0x18}, []byte{1, 2, 3, 4}},
		{"as SCS_19", []byte{2, 0x19}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, 1, secure)
			r.online()
			n := 0
			r.Wire = func(b pd.Burst) []pd.Burst {
				if !b.ToACU {
					return []pd.Burst{b}
				}
				if n++; n%7 != 0 {
					return []pd.Burst{b}
				}
				honest := parse(t, b)
				f := osdp.Frame{
					Reply: true, Ctrl: honest.Seq() | 4,
					Block: c.block, Code: byte(osdp.ReplyRaw), Data: card.AppendData(nil), MAC: c.mac,
				}
				forged := b
				forged.Data = f.Append(nil)
				b.Start = forged.End() + 2*time.Millisecond
				return []pd.Burst{forged, b}
			}
			r.For(2 * time.Second)
			if n < 20 || len(r.cards()) > 0 {
				t.Fatalf("%d replies, cards %v", n, r.cards())
			}
			r.Wire = nil
			r.wantCard(0, time.Second)
			if len(find[osdp.Offline](r)) > 0 {
				t.Errorf("the forger took the reader offline: %v", r.log())
			}
		})
	}
	t.Run("a true read played again", func(t *testing.T) {
		r := newRig(t, 1, secure)
		r.online()
		var old []byte
		r.Wire = func(b pd.Burst) []pd.Burst {
			if b.ToACU && len(b.Data) == 31 {
				old = bytes.Clone(b.Data)
			} else if b.ToACU && old != nil {
				b.Data = bytes.Clone(old)
			}
			return []pd.Burst{b}
		}
		r.PDs[0].Card(h10301)
		r.For(5 * time.Second)
		if got := r.cards(); len(got) != 1 {
			t.Errorf("cards %v", got)
		}
	})
	t.Run("BUSY for ever", func(t *testing.T) {
		r := newRig(t, 1, secure)
		r.online()
		r.PDs[0].Busy = 1 << 30
		r.For(10 * time.Second)
		if r.state(0).Online {
			t.Error("BUSY keeps a reader online")
		}
	})
	t.Run("RMAC_I forged", func(t *testing.T) {
		for name, spoil := range map[string]func(*osdp.Frame){
			"value":  func(f *osdp.Frame) { f.Data[3] ^= 1 },
			"status": func(f *osdp.Frame) { f.Block[2] = 0xFF },
		} {
			r := newRig(t, 1, secure)
			r.Wire = func(b pd.Burst) []pd.Burst {
				if f := parse(t, b); f.Scheme() == osdp.SCS14 {
					spoil(&f)
					b.Data = f.Append(nil)
				}
				return []pd.Burst{b}
			}
			r.For(5 * time.Second)
			if r.state(0).Online {
				t.Errorf("%s of RMAC_I was not checked", name)
			}
		}
	})
}

// 5. A forged NAK in clear cut the reader off.
func TestFault5ForgedNakInClearLeadsToAHandshakeAtMost(t *testing.T) {
	r := newRig(t, 1, secure)
	r.online()
	r.Wire = func(b pd.Burst) []pd.Burst {
		if !b.ToACU {
			if f := parse(t, b); f.Scheme() == osdp.SCS11 && f.Block[2] == 0 {
				t.Error("fell back to the default key")
			} else if c := osdp.CommandCode(f.Code); f.Scheme() == osdp.None && c != osdp.CmdID && c != osdp.CmdCap {
				t.Errorf("fell back to clear text: %v", c)
			}
			return []pd.Burst{b}
		}
		f := osdp.Frame{Reply: true, Ctrl: 4, Code: byte(osdp.ReplyNak), Data: []byte{byte(osdp.NakSecurity)}}
		forged := b
		forged.Data = f.Append(nil)
		b.Start = forged.End() + time.Millisecond
		return []pd.Burst{forged, b}
	}
	before := r.state(0).Counters.Sessions
	r.For(10 * time.Second)
	if n := r.state(0).Counters.Sessions - before; n > 11 {
		t.Errorf("%d handshakes in 10 s", n)
	}
	r.Wire = nil
	r.online()
	r.wantCard(0, time.Second)

	t.Run("and PDCAP cannot downgrade", func(t *testing.T) {
		r := newRig(t, 1, secure, func(_ *osdp.Config, ps []pd.Config) {
			ps[0].Capabilities = osdp.Capabilities{{Function: osdp.CapSecurity}}
			ps[0].Secure = false
		})
		r.Wire = func(b pd.Burst) []pd.Burst {
			if f := parse(t, b); !b.ToACU && f.Scheme() == osdp.None && osdp.CommandCode(f.Code) == osdp.CmdPoll {
				t.Error("polled in clear")
			}
			return []pd.Burst{b}
		}
		r.online()
		if !r.state(0).Secure {
			t.Error("not secure")
		}
	})
}

// 6. The site key was sent under the public default key without anyone asking.
func TestFault6KeysGoToAReaderOnlyInAWindow(t *testing.T) {
	r := newRig(t, 1, secure)
	r.PDs[0].Key = osdp.Key{} // replaced by one from the shop, or by a thief
	r.Wire = func(b pd.Burst) []pd.Burst {
		if f := parse(t, b); !b.ToACU && (osdp.CommandCode(f.Code) == osdp.CmdKeySet || f.Scheme() == osdp.SCS11 && f.Block[2] == 0) {
			t.Error("the default key was tried")
		}
		return []pd.Burst{b}
	}
	r.For(time.Minute)
	if r.state(0).Online || !r.PDs[0].Key.IsZero() {
		t.Error("a reader with the default key is accepted")
	}
	r.Wire = nil
	if err := r.Bus.Commission(0, key(7), time.Minute); err != nil {
		t.Fatal(err)
	}
	r.online()
	if r.PDs[0].Key != key(7) {
		t.Error("commissioning did not work")
	}
}

// 7. COMSET stranded readers.
func TestFault7MovedReadersAreFound(t *testing.T) {
	for _, c := range []struct {
		name string
		to   osdp.Comm
		wire func(*rig)
		want osdp.Comm
		err  error
	}{
		{"address", osdp.Comm{Addr: 9, Baud: 9600}, nil, osdp.Comm{Addr: 9, Baud: 9600}, nil},
		{"speed", osdp.Comm{Addr: 0, Baud: 115200}, nil, osdp.Comm{Addr: 0, Baud: 115200}, nil},
		{"COM is lost", osdp.Comm{Addr: 9, Baud: 38400}, func(r *rig) {
			r.Wire = func(b pd.Burst) []pd.Burst {
				if b.ToACU && parse(t, b).Addr == 0 && r.PDs[0].Comm.Addr == 0 && moved(r) {
					return nil
				}
				return []pd.Burst{b}
			}
		}, osdp.Comm{Addr: 9, Baud: 38400}, nil},
		{"it says COM and stays", osdp.Comm{Addr: 9, Baud: 38400}, func(r *rig) {
			r.Wire = func(b pd.Burst) []pd.Burst {
				r.PDs[0].Comm = osdp.Comm{Addr: 0, Baud: 9600}
				return []pd.Burst{b}
			}
		}, osdp.Comm{Addr: 0, Baud: 9600}, osdp.ErrSilentMove},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, 2, secure)
			r.online()
			if c.wire != nil {
				c.wire(r)
			}
			if err := r.Bus.Move(0, c.to); err != nil {
				t.Fatal(err)
			}
			if !r.Until(20*time.Second, func() bool { return len(find[osdp.Moved](r)) > 0 }) {
				t.Fatalf("no end: %v", r.log())
			}
			if m := find[osdp.Moved](r)[0]; m.Comm != c.want || !errors.Is(m.Err, c.err) {
				t.Errorf("moved %+v", m)
			}
			r.For(5 * time.Second)
			r.wantCard(0, time.Second)
			r.wantCard(1, time.Second)
		})
	}
	t.Run("an address in use is refused", func(t *testing.T) {
		r := newRig(t, 2, secure)
		r.online()
		if err := r.Bus.Move(0, osdp.Comm{Addr: 1, Baud: 9600}); !errors.Is(err, osdp.ErrAddrUsed) {
			t.Error(err)
		}
	})
}

// moved says whether the reader has taken a new address just now.
func moved(r *rig) bool { return len(r.cards()) == 0 && !r.PDs[0].InSession() }

// 8. File transfer ignored FTSTAT's delay and new size, and stopped polling.
func TestFault8FileTransferHeedsTheReaderAndKeepsPolling(t *testing.T) {
	const delay = 300 * time.Millisecond
	var r *rig
	var last time.Duration
	pieces := 0
	r = newRig(t, 2, secure, func(_ *osdp.Config, ps []pd.Config) {
		ps[0].File = func(c osdp.FileChunk) osdp.FileStatus {
			if pieces++; pieces > 1 {
				if gap := r.Now - last; gap < delay {
					t.Errorf("next piece after %v", gap)
				}
				if len(c.Data) > 64 {
					t.Errorf("piece of %d bytes", len(c.Data))
				}
			}
			last = r.Now
			st := osdp.FileStatus{Flags: 1, Delay: delay, Max: 64}
			if int(c.Offset)+len(c.Data) == int(c.Total) {
				st.Status = osdp.FileBusy
				if len(c.Data) == 0 {
					st.Status = osdp.FileDone
				}
			}
			return st
		}
	})
	r.online()
	data := bytes.Repeat([]byte("firmware"), 60)
	if err := r.Bus.Transfer(0, osdp.File{Type: 1, Data: data}); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		r.PDs[i%2].Card(h10301)
		at, n := r.Now, len(r.cards())
		if !r.Until(time.Second, func() bool { return len(r.cards()) > n }) || r.Now-at > 400*time.Millisecond {
			t.Errorf("card %d after %v", i, r.Now-at)
		}
	}
	r.For(20 * time.Second)
	ps := find[osdp.Progress](r)
	if !bytes.Equal(r.PDs[0].Files, data) || !ps[len(ps)-1].Done {
		t.Errorf("%d of %d bytes, %+v", len(r.PDs[0].Files), len(data), ps[len(ps)-1])
	}
}

// 9. Left-justified RAW was misread, and a reader that wants POLL before ID was
// not tolerated. The bits themselves are in the transcripts of reader/osdp.
func TestFault9RawIsLeftJustifiedAndPollBeforeIDIsTolerated(t *testing.T) {
	r := newRig(t, 1, func(_ *osdp.Config, ps []pd.Config) { ps[0].PollFirst = true })
	r.online()
	for n := 1; n <= 64; n++ {
		bits := ("10000000000000000000000000000000000000000000000000000000000000000")[:n]
		r.PDs[0].Card(bits)
		r.For(200 * time.Millisecond)
		if got := r.cards(); !slices.Contains(got, bits) {
			t.Fatalf("%d bits: %v", n, got)
		}
	}
}
