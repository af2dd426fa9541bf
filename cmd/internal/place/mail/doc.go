// Package mail sends mails over SMTP.
//
// A mail is text and nothing else. The connection is encrypted: from its first byte
// (smtps), or by STARTTLS, without which a server is refused unless it is on this very
// machine. What is in a mail may be a key to a door: it is never logged.
package mail
