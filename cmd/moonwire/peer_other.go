//go:build !linux

package main

import "net"

// samePerson would look at who is at the other end of a unix socket; here the
// permissions of the socket alone say who may open it.
func samePerson(net.Conn) error { return nil }
