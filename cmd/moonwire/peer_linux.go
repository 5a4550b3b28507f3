package main

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// samePerson reports an error where the process at the other end of a unix
// socket is neither this user's nor root's.
func samePerson(conn net.Conn) error {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return errors.New("not a unix socket")
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return err
	}
	var peer *syscall.Ucred
	var failure error
	if err := raw.Control(func(fd uintptr) {
		peer, failure = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if failure != nil {
		return failure
	}
	if peer.Uid != 0 && int(peer.Uid) != os.Getuid() {
		return errors.New("another user")
	}
	return nil
}
