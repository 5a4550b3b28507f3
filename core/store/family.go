package store

import (
	"context"
	"time"
)

// Family is one family of a bucket with its methods in the form that parts of
// moonwire ask for which keep their own state, such as the SIP registrar.
type Family struct {
	bucket *Bucket
	name   string
}

// Family is the family of this name.
func (b *Bucket) Family(name string) *Family { return &Family{b, name} }

// Put sets a value that expires after life; 0 means never.
func (f *Family) Put(ctx context.Context, key string, value []byte, life time.Duration) error {
	return f.bucket.Put(ctx, f.name, key, value, PutOptions{TTL: life})
}

// Delete removes a key. One that is not there is no error.
func (f *Family) Delete(ctx context.Context, key string) error {
	return f.bucket.Delete(ctx, f.name, key)
}

// Load calls each for every key, in order, and returns its first error.
func (f *Family) Load(ctx context.Context, each func(key string, value []byte) error) error {
	entries, err := f.bucket.List(ctx, f.name, "")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := each(e.Key, e.Value); err != nil {
			return err
		}
	}
	return nil
}
