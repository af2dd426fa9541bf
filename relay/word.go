package relay

import (
	"fmt"
	"slices"
)

// words is the vocabulary of one setting. No word at all stands for "not given".
type words[T ~string] struct {
	setting string
	valid   []T
}

func (w words[T]) check(v T) error {
	if slices.Contains(w.valid, v) {
		return nil
	}
	return fmt.Errorf("%s %q is not one of %q", w.setting, string(v), w.valid)
}

func (w words[T]) marshal(v T) ([]byte, error) {
	if v == "" {
		return nil, nil
	}
	return []byte(v), w.check(v)
}

func (w words[T]) unmarshal(v *T, text []byte) error {
	if err := w.check(T(text)); err != nil {
		return err
	}
	*v = T(text)
	return nil
}
