package main

import (
	"context"
	"fmt"

	"github.com/moonwire/moonwire/core/store"
)

// scriptStore is the store as scripts see it: without the families in which the
// server itself keeps passwords and registrations.
type scriptStore struct{ *store.Store }

// Families that scripts cannot reach.
const (
	secretFamily  = "secrets"
	bindingFamily = "registrations"
)

func allowed(family string) error {
	if family == secretFamily || family == bindingFamily {
		return fmt.Errorf("family %q belongs to the server", family)
	}
	return nil
}

func (s scriptStore) Get(ctx context.Context, family, key string) ([]byte, error) {
	if err := allowed(family); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, family, key)
}

func (s scriptStore) Put(ctx context.Context, family, key string, value []byte, o store.PutOptions) error {
	if err := allowed(family); err != nil {
		return err
	}
	return s.Store.Put(ctx, family, key, value, o)
}

func (s scriptStore) Delete(ctx context.Context, family, key string) error {
	if err := allowed(family); err != nil {
		return err
	}
	return s.Store.Delete(ctx, family, key)
}

func (s scriptStore) DeleteTree(ctx context.Context, family, root string) (int, error) {
	if err := allowed(family); err != nil {
		return 0, err
	}
	return s.Store.DeleteTree(ctx, family, root)
}

func (s scriptStore) Keys(ctx context.Context, family, prefix string) ([]string, error) {
	if err := allowed(family); err != nil {
		return nil, err
	}
	return s.Store.Keys(ctx, family, prefix)
}

func (s scriptStore) Add(ctx context.Context, family, key string, delta int64) (int64, error) {
	if err := allowed(family); err != nil {
		return 0, err
	}
	return s.Store.Add(ctx, family, key, delta)
}

func (s scriptStore) Watch(ctx context.Context, family string, f func(store.Change)) error {
	if err := allowed(family); err != nil {
		return err
	}
	return s.Store.Watch(ctx, family, f)
}
