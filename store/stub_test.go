package store
import "go.etcd.io/bbolt"
func childAppends(string) {}
func childReplaces(string) {}
func childFillsDisk(string) {}
func rawGet(p *Policy, key []byte) (n int) {
	_ = p.live.Load().db.View(func(tx *bbolt.Tx) error { n = len(tx.Bucket(credentialsBucket).Get(key)); return nil })
	return n
}
