package sip

import (
	"strings"
	"testing"
)

// A phone is told of its messages when it registers, and when they change.
func TestMessagesWaiting(t *testing.T) {
	w := newTheatre(t)
	w.command("phones", nil)
	counts := Waiting{New: 2, Urgent: 1, Old: 8}
	w.e.waiting = func(mailbox string) (Waiting, bool) { return counts, mailbox == "1001@internal" }
	s := *w.e.settings.Load()
	p := *s.phones["1001"]
	p.Mailbox = "1001@internal"
	s.phones = map[string]*Phone{"1001": &p}
	w.e.settings.Store(&s)

	notified := func(from int) (list []string) {
		for _, m := range w.sent[from:] {
			if strings.HasPrefix(m.text, "NOTIFY ") {
				list = append(list, m.text)
			}
		}
		return list
	}
	before := len(w.sent)
	w.register("Contact: <sip:1001@10.0.0.5:5062>;expires=600")
	list := notified(before)
	if len(list) != 1 {
		t.Fatalf("%d NOTIFYs after the registration", len(list))
	}
	for _, want := range []string{
		"NOTIFY sip:1001@10.0.0.5:5062 SIP/2.0", "Event: message-summary\r\n", "Subscription-State: active",
		"Content-Type: application/simple-message-summary\r\n",
		"\r\n\r\nMessages-Waiting: yes\r\nMessage-Account: sip:1001@", "Voice-Message: 2/8 (1/0)\r\n",
	} {
		if !strings.Contains(list[0], want) {
			t.Errorf("no %q in\n%s", want, list[0])
		}
	}
	before, counts = len(w.sent), Waiting{Old: 10}
	w.e.MailboxChanged("1002@internal")
	w.e.MailboxChanged("1001@internal")
	w.clock.Advance(1)
	list = notified(before)
	if len(list) != 1 || !strings.Contains(list[0], "Messages-Waiting: no\r\n") || !strings.Contains(list[0], "Voice-Message: 0/10 (0/0)\r\n") {
		t.Errorf("after the change: %v", list)
	}
}
