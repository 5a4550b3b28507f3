package api

import (
	"context"
	"errors"

	"github.com/moonwire/moonwire/core/store"
)

// noStore is the store of a server without one.
type noStore struct{}

var errNoStore = errors.New("this server has no store")

func (noStore) Get(context.Context, string, string) ([]byte, error) { return nil, errNoStore }
func (noStore) Put(context.Context, string, string, []byte, store.PutOptions) error {
	return errNoStore
}
func (noStore) Delete(context.Context, string, string) error              { return errNoStore }
func (noStore) Keys(context.Context, string, string) ([]string, error)    { return nil, errNoStore }
func (noStore) Add(context.Context, string, string, int64) (int64, error) { return 0, errNoStore }
func (noStore) Watch(context.Context, string, func(store.Change)) error   { return errNoStore }
func (noStore) DeleteTree(context.Context, string, string) (int, error)   { return 0, errNoStore }
