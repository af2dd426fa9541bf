//go:build e2e

package e2e

import (
	"regexp"
	"strings"
)

var secretInMail = regexp.MustCompile(`/app/(?:link|invited)#([\w-]{20,})`)

// containsSecret reports whether a text has a secret that was mailed.
func containsSecret(text string, post *letters) bool {
	post.mu.Lock()
	defer post.mu.Unlock()
	for _, l := range post.got {
		for _, m := range secretInMail.FindAllStringSubmatch(strings.ReplaceAll(l.Text, "=\r\n", ""), -1) {
			if strings.Contains(text, m[1]) {
				return true
			}
		}
	}
	return false
}
