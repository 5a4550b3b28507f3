package main

import (
	"context"
	"time"

	"github.com/moonwire/moonwire/core/store"
)

// bindingStore keeps the registrar's bindings in one family of the store.
type bindingStore struct{ bucket *store.Bucket }

const bindingFamily = "registrations"

func (b bindingStore) Put(ctx context.Context, aor string, value []byte, life time.Duration) error {
	return b.bucket.Put(ctx, bindingFamily, aor, value, store.PutOptions{TTL: life})
}

func (b bindingStore) Delete(ctx context.Context, aor string) error {
	return b.bucket.Delete(ctx, bindingFamily, aor)
}

func (b bindingStore) Load(ctx context.Context, each func(aor string, value []byte) error) error {
	entries, err := b.bucket.List(ctx, bindingFamily, "")
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
