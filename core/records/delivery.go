package records

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Delivery brings the records of a journal to one sink. A sink that is away or
// full is tried again after a second, and then after ever longer, up to a minute.
type Delivery struct {
	name    string
	sink    Sink
	journal *Journal
	cancel  context.CancelFunc
	over    chan struct{}

	mu     sync.Mutex
	cursor cursor
	status DeliveryStatus
}

// DeliveryStatus is how a delivery fares.
type DeliveryStatus struct {
	Sink      string
	Delivered uint64 // records since the start
	Refused   uint64 // that the sink did not take for what is in them; see Deliver
	Pending   int64  // octets of the journal that it has not got
	Failing   bool
	Error     string // why, while Failing
}

const (
	firstPause  = time.Second
	longestWait = time.Minute
	mostAtOnce  = 500                    // records that a sink is given at once
	gather      = 200 * time.Millisecond // between deliveries of few records
	openWithin  = 20 * time.Second       // for a place that is not there
	writeWithin = time.Minute
)

// Deliver begins to deliver to a sink, which it closes in the end. name is of
// letters, digits, - and _, and tells the sink apart from others, in later runs
// too: delivery goes on where it stopped. A sink that is new is given all that
// the journal has. Records that the sink refuses are written to NAME.refused in
// the journal's directory, one a line as JSON.
func (j *Journal) Deliver(name string, sink Sink) (*Delivery, error) {
	c, err := loadCursor(j.o.Dir, name)
	if err != nil {
		return nil, err
	}
	if at := j.clamp(c.Position); at != c.Position {
		j.o.Log.Warn("a sink has come further than the journal of call records, and goes on at its end", "sink", name, "position", c.Position, "end", at)
		c.Position = at
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &Delivery{name: name, sink: sink, journal: j, cancel: cancel, over: make(chan struct{}), cursor: c, status: DeliveryStatus{Sink: name}}
	j.hold(name, c.Position)
	go d.run(ctx)
	return d, nil
}

// Stop ends the delivery; what is not delivered yet is when it is begun again.
// The journal must still be open.
func (d *Delivery) Stop() {
	d.cancel()
	<-d.over
	d.journal.release(d.name)
}

// Finish delivers what is on disk now and stops. It gives up when ctx ends or the
// sink fails.
func (d *Delivery) Finish(ctx context.Context) {
	defer d.Stop()
	for {
		d.journal.mu.Lock()
		changed, end := d.journal.changed, d.journal.synced
		d.journal.mu.Unlock()
		d.mu.Lock()
		over := d.cursor.Position >= end || d.status.Failing
		d.mu.Unlock()
		if over {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-d.over:
			return
		case <-changed:
		}
	}
}

// Status tells how the delivery fares. Any goroutine.
func (d *Delivery) Status() DeliveryStatus {
	d.mu.Lock()
	s, at := d.status, d.cursor.Position
	d.mu.Unlock()
	s.Pending = d.journal.pending(at)
	return s
}

// run delivers until ctx ends.
func (d *Delivery) run(ctx context.Context) {
	defer close(d.over)
	defer func() { _ = d.sink.Close() }()
	pause, open := firstPause, false
	for ctx.Err() == nil {
		var err error
		if !open {
			err = d.open(ctx)
			open = err == nil
		}
		for err == nil && ctx.Err() == nil {
			var came bool
			if came, err = d.step(ctx); came {
				pause = firstPause
			}
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		open = false
		_ = d.sink.Close()
		d.failed(err, pause)
		d.rest(ctx, pause)
		pause = min(2*pause, longestWait)
	}
}

func (d *Delivery) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	return d.sink.Open(ctx, d.cursor.Mark)
}

// step delivers the records that there are, or waits for some. came says that
// some were delivered.
func (d *Delivery) step(ctx context.Context) (came bool, err error) {
	list, after, changed, err := d.journal.next(d.cursor.Position)
	switch {
	case err != nil:
		return false, err
	case after == d.cursor.Position:
		if d.failing() { // the sink is there, and has all
			d.works()
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
		return false, nil
	}
	mark := d.cursor.Mark
	for done := 0; done < len(list); {
		n := min(mostAtOnce, len(list)-done)
		m, err := d.write(ctx, list[done:done+n])
		if err != nil {
			return false, err
		}
		mark, done = m, done+n
	}
	if err := d.arrived(cursor{after, mark}, len(list)); err != nil {
		return false, err
	}
	if len(list) < mostAtOnce {
		d.rest(ctx, gather)
	}
	return true, nil
}

// write gives records to the sink. Where it refuses, each is given alone, and the
// one that is refused is set aside.
func (d *Delivery) write(ctx context.Context, list []Record) (string, error) {
	limited, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	mark, err := d.sink.Write(limited, list)
	switch {
	case !errors.Is(err, ErrRefused):
		return mark, err
	case len(list) == 1:
		return d.cursor.Mark, d.setAside(&list[0], err)
	}
	for i := range list {
		if mark, err = d.write(ctx, list[i:i+1]); err != nil {
			return "", err
		}
	}
	return mark, nil
}

// setAside keeps a record that the sink refuses where an operator finds it.
func (d *Delivery) setAside(r *Record, why error) error {
	path := filepath.Join(d.journal.o.Dir, d.name+".refused")
	line, err := appendLine(nil, r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line[sumLength+1:])
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("a refused record cannot be set aside: %w", err)
	}
	d.journal.o.Log.Error("a call record is refused, and set aside", "sink", d.name, "record", r.Unique, "error", why, "path", path)
	d.mu.Lock()
	d.status.Refused++
	d.mu.Unlock()
	return nil
}

// arrived notes, on disk first, that the sink has all before the cursor.
func (d *Delivery) arrived(c cursor, records int) error {
	if err := c.save(d.journal.o.Dir, d.name); err != nil {
		return err
	}
	d.works()
	d.mu.Lock()
	d.cursor = c
	d.status.Delivered += uint64(records)
	d.mu.Unlock()
	d.journal.hold(d.name, c.Position)
	d.journal.mu.Lock()
	d.journal.tell() // those who wait for the sink
	d.journal.mu.Unlock()
	return nil
}

func (d *Delivery) failing() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status.Failing
}

// failed tells, when it begins and when the reason changes.
func (d *Delivery) failed(err error, pause time.Duration) {
	d.mu.Lock()
	news := !d.status.Failing || d.status.Error != err.Error()
	d.status.Failing, d.status.Error = true, err.Error()
	d.mu.Unlock()
	d.journal.mu.Lock()
	d.journal.tell()
	d.journal.mu.Unlock()
	if !news {
		return
	}
	message := "call records wait: a sink cannot be reached"
	if setup := (*SetupError)(nil); errors.As(err, &setup) {
		message = "call records wait: a sink is not set up"
	}
	d.journal.o.Log.Error(message, "sink", d.name, "error", err, "pending", d.journal.pending(d.cursor.Position), "again", pause)
}

func (d *Delivery) works() {
	d.mu.Lock()
	before := d.status.Failing
	d.status.Failing, d.status.Error = false, ""
	d.mu.Unlock()
	if before {
		d.journal.o.Log.Info("call records are delivered again", "sink", d.name)
	}
}

// rest waits before the next attempt, or until ctx ends.
func (d *Delivery) rest(ctx context.Context, pause time.Duration) {
	over := make(chan struct{})
	alarm := d.journal.o.Clock.AfterFunc(pause, func() { close(over) })
	defer alarm.Stop()
	select {
	case <-over:
	case <-ctx.Done():
	}
}
