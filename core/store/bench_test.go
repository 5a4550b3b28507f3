package store_test

import (
	"fmt"
	"testing"

	"github.com/moonwire/moonwire/core/store"
)

func filled(b *testing.B, bucket *store.Bucket) {
	b.Helper()
	for i := range 1000 {
		put(b, bucket, "cidname", fmt.Sprint(i), "a name of usual length", 0)
	}
	b.ResetTimer()
	b.ReportAllocs()
}

func BenchmarkGet(b *testing.B) {
	s := open(b, store.Options{Dir: b.TempDir()})
	filled(b, s.Bucket)
	for b.Loop() {
		if _, err := s.Get(ctx, "cidname", "500"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	value := make([]byte, 100)
	s := open(b, store.Options{Dir: b.TempDir()})
	for name, bucket := range map[string]*store.Bucket{"durable": s.Bucket, "volatile": s.Volatile()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := bucket.Put(ctx, "f", fmt.Sprint(i%1000), value, store.PutOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	s := open(b, store.Options{Dir: b.TempDir()})
	for b.Loop() {
		if _, err := s.Add(ctx, "f", "n", 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWatch(b *testing.B) {
	s := open(b, store.Options{Dir: b.TempDir()})
	seen := make(chan struct{}, 1)
	if err := s.Volatile().Watch(b.Context(), "f", func(store.Change) { seen <- struct{}{} }); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		put(b, s.Volatile(), "f", "k", "v", 0)
		<-seen
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{0, 10000} {
		b.Run(fmt.Sprint(n, " entries"), func(b *testing.B) {
			dir := b.TempDir()
			s, err := store.Open(store.Options{Dir: dir})
			if err != nil {
				b.Fatal(err)
			}
			for i := range n {
				put(b, s.Bucket, "f", fmt.Sprint(i), "a value of usual length", 0)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				s, err := store.Open(store.Options{Dir: dir})
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
