package pd_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"doord/policy"
	"doord/reader"
	"doord/reader/osdp"
	"doord/sim/pd"
)

func TestReaderComesOnlineAndReadsCards(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []option
	}{
		{"in clear", nil},
		{"secure", []option{secure}},
		{"secure, 115200", []option{secure, baud(115200)}},
		{"wants POLL before ID", []option{func(_ *osdp.Config, ps []pd.Config) {
			for i := range ps {
				ps[i].PollFirst = true
			}
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, 3, c.opts...)
			r.online()
			for i := range r.PDs {
				r.wantCard(i, time.Second)
			}
		})
	}
}

func TestReadsOfEveryKind(t *testing.T) {
	r := newRig(t, 1, secure)
	r.online()
	p := r.PDs[0]
	p.UIDCard([]byte{4, 1, 2, 3, 4, 5, 6})
	p.Keys("19*#")
	p.Queue(osdp.ReplyFormatted, osdp.Formatted{Direction: 1, Text: "0012345"})
	p.Queue(osdp.ReplyRaw, osdp.Raw{Bits: 37, Data: []byte{0xDE, 0xAD, 0xBE, 0xEF, 0x08}})
	r.For(time.Second)
	var got []string
	for _, x := range find[osdp.Read](r) {
		switch {
		case x.Kind == reader.Key:
			got = append(got, string(x.Digit))
		case x.Token.Class == policy.TokenUID:
			got = append(got, x.Token.String())
		case x.Token.Format == "FMT":
			got = append(got, x.Token.String())
		default:
			got = append(got, x.Bits)
		}
	}
	want := []string{"uid 04010203040506", "1", "9", "*", "#", "FMT 0/12345", "1101111010101101101111101110111100001"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestTamperPowerAndInputs(t *testing.T) {
	r := newRig(t, 1, secure)
	r.online()
	r.PDs[0].SetLocal(osdp.LocalStatus{Tamper: true})
	r.PDs[0].SetInput(1, osdp.OpenCircuit)
	r.For(time.Second)
	if got := find[osdp.Tamper](r); !slices.Equal(got, []osdp.Tamper{{Tamper: true}}) {
		t.Errorf("tamper: %v", got)
	}
	if got := find[osdp.Inputs](r); len(got) != 1 || !slices.Equal(got[0], osdp.Inputs{osdp.Inactive, osdp.OpenCircuit}) {
		t.Errorf("inputs: %v", got)
	}
}

func TestFeedbackReachesTheReader(t *testing.T) {
	r := newRig(t, 1, secure)
	r.online()
	for _, f := range []policy.Feedback{policy.ShowReleased, policy.ShowDenied} {
		if err := r.Bus.Show(0, f, true); err != nil {
			t.Fatal(err)
		}
		r.For(time.Second)
	}
	p := r.PDs[0]
	if p.LED.Temp.OnColor != osdp.Red || p.Beeps != 3 || p.Text != "Access denied" {
		t.Errorf("shows %+v, %d beeps, %q", p.LED, p.Beeps, p.Text)
	}
	if err := r.Bus.Show(0, policy.ShowDenied, false); err != nil {
		t.Fatal(err)
	}
	r.For(time.Second)
	if p.Beeps != 3 {
		t.Errorf("%d beeps, of which 3 were asked for", p.Beeps)
	}
	p.Reset()
	p.LED = osdp.LED{}
	r.For(3 * time.Second)
	if p.LED.Perm.OnColor != osdp.Green {
		t.Errorf("after a reset the state of the door is not shown again: %+v", p.LED)
	}
}

func TestCommandsAndTransparentMode(t *testing.T) {
	r := newRig(t, 1, secure, func(_ *osdp.Config, ps []pd.Config) {
		ps[0].Transparent = func(x osdp.XWrite) osdp.Reply {
			return osdp.XRead{Mode: x.Mode, Data: append([]byte{0x90}, x.Data...)}
		}
	})
	r.online()
	id, err := r.Bus.Send(0, osdp.XWrite{Mode: 1, Data: []byte{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	r.PDs[0].Queue(osdp.ReplyXRead, osdp.XRead{Mode: 1, Data: []byte{7}})
	r.For(time.Second)
	done := find[osdp.Done](r)
	if len(done) != 1 || done[0].ID != id || done[0].Err != nil {
		t.Fatalf("done: %+v", done)
	}
	if x, ok := done[0].Reply.(osdp.XRead); !ok || !bytes.Equal(x.Data, []byte{0x90, 1, 2, 3}) {
		t.Errorf("reply: %+v", done[0].Reply)
	}
	if m := find[osdp.Message](r); len(m) != 1 || m[0].Code != osdp.ReplyXRead {
		t.Errorf("messages: %+v", m)
	}
}

func TestMultipartReplyIsPutTogether(t *testing.T) {
	r := newRig(t, 1, secure)
	r.online()
	msg := bytes.Repeat([]byte("certificate "), 50)
	fs, err := osdp.Split(msg, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		r.PDs[0].Queue(osdp.ReplyPIVData, osdp.Part{Fragment: f})
	}
	r.For(5 * time.Second)
	if a := find[osdp.Assembled](r); len(a) != 1 || !bytes.Equal(a[0].Data, msg) {
		t.Errorf("assembled: %v", a)
	}
}

func TestCommissioning(t *testing.T) {
	fresh := func(c *osdp.Config, ps []pd.Config) { c.Readers[0].Secure = true }
	t.Run("a new reader gets its key", func(t *testing.T) {
		r := newRig(t, 1, fresh)
		var saved []osdp.Keys
		r.Save = func(_ int, k osdp.Keys) error {
			if r.PDs[0].Key == k.Next && !k.Next.IsZero() {
				t.Error("the key was sent before it was stored")
			}
			saved = append(saved, k)
			return nil
		}
		r.For(5 * time.Second)
		if r.state(0).Online || !errors.Is(r.state(0).Fault, osdp.ErrNoKey) {
			t.Fatalf("without a window: %+v", r.state(0))
		}
		if err := r.Bus.Commission(0, key(9), time.Minute); err != nil {
			t.Fatal(err)
		}
		r.online()
		if r.PDs[0].Key != key(9) {
			t.Error("the reader has another key")
		}
		if want := []osdp.Keys{{Next: key(9)}, {Current: key(9)}}; !slices.Equal(saved, want) {
			t.Errorf("%d saves", len(saved))
		}
		if s := r.state(0); !s.Secure || !s.Reader.Secure || s.Commission != 0 {
			t.Errorf("%+v", s)
		}
		r.wantCard(0, time.Second)
	})
	t.Run("a key is derived from the master key", func(t *testing.T) {
		r := newRig(t, 1, fresh)
		if err := r.Bus.CommissionFrom(0, key(8), time.Minute); err != nil {
			t.Fatal(err)
		}
		r.online()
		if r.PDs[0].Key != osdp.DeriveKey(key(8), r.PDs[0].UID) {
			t.Error("the reader has another key")
		}
	})
	t.Run("weak keys are refused", func(t *testing.T) {
		r := newRig(t, 1, fresh)
		for _, k := range []osdp.Key{{}, osdp.DefaultKey, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}} {
			if err := r.Bus.Commission(0, k, time.Minute); !errors.Is(err, osdp.ErrWeakKey) {
				t.Errorf("Commission: %v", err)
			}
		}
	})
	t.Run("the window closes by itself", func(t *testing.T) {
		r := newRig(t, 1, fresh)
		r.PDs[0].Mute = true
		if err := r.Bus.Commission(0, key(9), time.Minute); err != nil {
			t.Fatal(err)
		}
		r.For(61 * time.Second)
		r.PDs[0].Mute = false
		r.For(time.Minute)
		if !r.PDs[0].Key.IsZero() || r.state(0).Online {
			t.Error("a key was given after the window")
		}
	})
	t.Run("nothing is sent if the key cannot be stored", func(t *testing.T) {
		r := newRig(t, 1, fresh)
		r.Save = func(int, osdp.Keys) error { return bytes.ErrTooLarge }
		if err := r.Bus.Commission(0, key(9), time.Minute); err != nil {
			t.Fatal(err)
		}
		r.For(time.Minute)
		if !r.PDs[0].Key.IsZero() {
			t.Error("a key was given")
		}
	})
}

// A power cut may come before and after each store and each message. Whatever the
// reader and the store then hold, a new bus must find the key.
func TestKeyRollOverSurvivesPowerCutAtAnyPoint(t *testing.T) {
	for cut := time.Duration(0); cut < 1500*time.Millisecond; cut += 7 * time.Millisecond {
		r := newRig(t, 1, secure)
		stored := osdp.Keys{Current: key(0)}
		r.Save = func(_ int, k osdp.Keys) error { stored = k; return nil }
		r.online()
		if err := r.Bus.Commission(0, key(9), time.Minute); err != nil {
			t.Fatal(err)
		}
		r.For(cut)
		bus, err := osdp.NewBus(osdp.Config{Readers: []osdp.Reader{{Secure: true, Keys: stored}}})
		if err != nil {
			t.Fatal(err)
		}
		again := &rig{Line: &pd.Line{Bus: bus, PDs: r.PDs, Now: 0, Save: r.Save}, t: t}
		r.PDs[0].Reset()
		again.online()
		again.For(time.Second)
		if stored.Current != r.PDs[0].Key || !stored.Next.IsZero() {
			t.Fatalf("cut after %v: store and reader differ", cut)
		}
	}
}

func TestFileTransfer(t *testing.T) {
	data := make([]byte, 5000)
	for i := range data {
		data[i] = byte(i * 7)
	}
	r := newRig(t, 2, secure)
	r.online()
	if err := r.Bus.Transfer(0, osdp.File{Type: 1, Data: data}); err != nil {
		t.Fatal(err)
	}
	r.For(2 * time.Second)
	r.PDs[0].Reset() // it resumes
	r.For(60 * time.Second)
	if !bytes.Equal(r.PDs[0].Files, data) {
		t.Fatalf("%d of %d bytes arrived: %s", len(r.PDs[0].Files), len(data), r.log())
	}
	ps := find[osdp.Progress](r)
	if last := ps[len(ps)-1]; !last.Done || last.Err != nil || last.Sent != len(data) {
		t.Errorf("%+v", last)
	}
}

func TestScanFindsReaders(t *testing.T) {
	r := newRig(t, 2, secure)
	stranger := pd.New(pd.Config{Comm: osdp.Comm{Addr: 9, Baud: 115200}, Identity: osdp.Identity{Serial: 42}})
	r.PDs = append(r.PDs[:2:2], stranger)
	r.For(5 * time.Second)
	r.Bus.Scan([]byte{0, 5, 9, 10}, nil)
	r.For(20 * time.Second)
	found := find[osdp.Found](r)
	if len(found) != 1 || found[0].Comm != stranger.Comm || found[0].Identity.Serial != 42 || len(found[0].Capabilities) == 0 {
		t.Errorf("found %+v", found)
	}
	if len(find[osdp.ScanEnd](r)) != 1 {
		t.Error("the scan did not end")
	}
}
