// Package api is the daemon's local interface: HTTP and JSON on a Unix socket.
// It holds the wire types, the handler that the daemon serves and the client
// that the technician's tool uses, so that the two cannot drift apart.
//
//	doorctl ─▶ Client ══ DIR/doord.sock ══▶ Handler ─▶ Daemon ─▶ the loop
//	                                           └─────▶ Simulator (doorsim only)
//
// Who may open the socket may do everything that it offers: the file's mode and
// group are the permission. Nothing of it listens on a network.
//
// Every answer states its Version. Within a version, fields are added and never
// renamed. An answer that is no success is an Error: what, and what to do.
package api
