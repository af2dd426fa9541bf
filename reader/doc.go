// Package reader holds what every kind of reader has in common: the Read that a
// driver delivers, whatever the wire, and the Entry that makes keys a PIN.
//
//	D0/D1 edges ─▶ wiegand ─┐
//	                        ├─▶ Read ─▶ daemon (look-up, Step) ─▶ policy.Feedback ─▶ LED, buzzer
//	RS-485 bytes ─▶ osdp ───┘
//
// A Read carries what was seen and nothing about whose it is: that is the
// policy cache's to know, and whether a door opens is the policy's to decide.
package reader
