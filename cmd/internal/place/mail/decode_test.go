package mail

import (
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"net/mail"
)

func decoded(m *mail.Message) (string, error) {
	body := m.Body
	switch m.Header.Get("Content-Transfer-Encoding") {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	return string(text), err
}
