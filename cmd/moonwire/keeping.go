package main

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/csv"
	"github.com/moonwire/moonwire/core/records/mysql"
	"github.com/moonwire/moonwire/core/records/postgres"
	"github.com/moonwire/moonwire/core/records/sqlite"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
)

// The server's side of call records: what calls leave goes to the journal, and
// from there to where the scripts want it.

// journalFolder is where the journal is within the data directory.
const journalFolder = "records"

// lastDelivery is how long sinks may take at the end; what they do not get then
// they get after the next start.
const lastDelivery = 5 * time.Second

func (s *server) openRecords(context.Context) error {
	journal, err := records.Open(records.Options{Dir: filepath.Join(s.data, journalFolder), Clock: clock.Real, Log: s.log})
	if err != nil {
		return usage("%w", err)
	}
	s.journal, s.sinks = journal, records.NewSinks(journal)
	s.onClose(func() {
		if err := journal.Flush(); err != nil {
			s.log.Error("call records", "error", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), lastDelivery)
		defer cancel()
		s.sinks.Close(ctx)
		if err := journal.Close(); err != nil {
			s.log.Error("call records are lost", "error", err)
		}
	})
	return nil
}

// ended keeps the record of a call. It is called on the call's goroutine.
func (s *server) ended(r api.Record) {
	if err := s.journal.Append(&r.Record); err != nil {
		s.log.Error("a call record is lost", "call", r.ID, "error", err)
	}
}

// applyRecords puts into force where a version wants its records.
func (s *server) applyRecords(v *host.Version) error {
	site := v.Declarations().(*api.Site)
	s.journal.Limit(site.Keeping.Size, site.Keeping.Age)
	var wanted []records.Wanted
	for _, sink := range site.Records {
		settings := sink
		settings.Source = "" // it may move within a file
		wanted = append(wanted, records.Wanted{Name: sink.Name, Settings: settings, Make: func() (records.Sink, error) { return s.newSink(sink) }})
	}
	return s.sinks.Apply(wanted)
}

func (s *server) newSink(c api.RecordSink) (records.Sink, error) {
	zone := time.Local
	if c.UTC {
		zone = time.UTC
	}
	path := c.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.data, path)
	}
	switch c.Kind {
	case "csv":
		o := csv.Options{Path: path, Header: c.Header, Zone: zone}
		if c.Columns != "" {
			o.Columns = strings.Split(c.Columns, ",")
		}
		return csv.New(o), nil
	case "sqlite":
		return sqlite.New(sqlite.Options{Path: path, Table: c.Table, Zone: zone}), nil
	case "postgres":
		return postgres.New(postgres.Options{DSN: c.DSN, Table: c.Table, Zone: zone})
	}
	return mysql.New(mysql.Options{DSN: c.DSN, Table: c.Table, Zone: zone})
}
