package sip

import (
	"context"
	"net/netip"
	"time"

	"github.com/moonwire/moonwire/core/sip/registrar"
)

// bindContact registers a contact for a phone as if it had proven its password.
func bindContact(e *Endpoint, phone, contact, received string) error {
	_, err := e.registrar.Register(context.Background(), registrar.Request{
		AOR: phone, Contacts: []registrar.Contact{{URI: contact, Expires: -1, Q: 1000}}, Expires: time.Hour,
		CallID: "r-" + contact, CSeq: 1, Received: netip.MustParseAddrPort(received), Transport: "udp",
	})
	return err
}
