package osdp

// Speeds are the speeds that readers use, the usual ones first (SIA OSDP 2.2).
var Speeds = []int{9600, 115200, 38400, 19200, 57600, 230400}

// scan looks at addresses and speeds one after the other, between the rounds of
// the readers that are at work.
type scan struct {
	addrs []byte
	bauds []int
	next  int // index into addrs × bauds
	probe *peer
}

// Scan looks for readers at each of the addresses and speeds; nil stands for all
// addresses, and for [Speeds]. Found and ScanEnd are the events. It takes half of
// the line's time, and leaves out the places where a configured reader is online.
// A scan that is under way ends without ScanEnd.
func (b *Bus) Scan(addrs []byte, bauds []int) {
	if addrs == nil {
		for a := range byte(MaxAddr + 1) {
			addrs = append(addrs, a)
		}
	}
	if bauds == nil {
		bauds = Speeds
	}
	b.scan = &scan{addrs: addrs, bauds: bauds}
	b.scanNext()
}

// StopScan ends a scan without ScanEnd.
func (b *Bus) StopScan() { b.scan = nil }

// scanNext goes to the next place.
func (b *Bus) scanNext() {
	s := b.scan
	for ; s.next < len(s.addrs)*len(s.bauds); s.next++ {
		c := Comm{s.addrs[s.next%len(s.addrs)], s.bauds[s.next/len(s.addrs)]}
		if byteTime(c.Baud) == 0 || c.Addr > ConfigAddr || b.busyAt(c) {
			continue
		}
		s.next++
		s.probe = &peer{bus: b, index: -1, comm: c, probes: 1}
		return
	}
	b.scan = nil
	b.emit(nil, ScanEnd{})
}

// busyAt says whether a reader that is online has this address: at any speed, as a
// probe would speak over nobody but would not be heard by it either.
func (b *Bus) busyAt(c Comm) bool {
	for _, p := range b.peers {
		if !p.gone && p.online && p.comm.Addr == c.Addr {
			return true
		}
	}
	return false
}

// scanned is the end of one place.
func (b *Bus) scanned(p *peer, found bool) {
	p.open = false
	if b.scan == nil || b.scan.probe != p {
		return
	}
	if found {
		b.emit(nil, Found{p.comm, p.id, p.caps})
	}
	b.scanNext()
}
