package store

import (
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog takes what the NATS server reports. What it calls a notice is of no
// interest to who runs a telephone system.
type serverLog struct {
	log *slog.Logger

	mu   sync.Mutex
	last string
}

var _ server.Logger = (*serverLog)(nil)

func (l *serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Tracef(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l *serverLog) Errorf(format string, v ...any)  { l.fail(fmt.Sprintf(format, v...)) }

// Fatalf is an error like others here: the process decides itself when it ends.
func (l *serverLog) Fatalf(format string, v ...any) { l.fail(fmt.Sprintf(format, v...)) }

func (l *serverLog) fail(text string) {
	l.log.Error(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = text
}

// lastError is what went wrong last.
func (l *serverLog) lastError() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == "" {
		return "the server gives no reason"
	}
	return l.last
}
