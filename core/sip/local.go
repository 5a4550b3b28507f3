package sip

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// localAddresses remembers which of our addresses a peer sees.
type localAddresses struct {
	mu    sync.Mutex
	known map[netip.Addr]netip.Addr
}

const maxLocals = 4096

func (a *localAddresses) forget() {
	a.mu.Lock()
	a.known = nil
	a.mu.Unlock()
}

// toward is the address of ours that the route to remote begins at. Nothing is
// sent: connecting a UDP socket only asks the routing table.
func (a *localAddresses) toward(remote netip.Addr) netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	if local, ok := a.known[remote]; ok {
		return local
	}
	local := netip.IPv4Unspecified()
	if conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(remote, 9))); err == nil {
		local = addrPortOf(conn.LocalAddr()).Addr()
		conn.Close()
	}
	if a.known == nil || len(a.known) >= maxLocals {
		a.known = make(map[netip.Addr]netip.Addr)
	}
	a.known[remote] = local
	return local
}

// localIP is the address of ours, as an address, that a peer sees.
func (e *Endpoint) localIP(f flow) netip.Addr {
	if f.socket != nil && !f.socket.bound.Addr().IsUnspecified() {
		return f.socket.bound.Addr()
	}
	return e.locals.toward(f.remote.Addr())
}

// sentBy is host:port of ours as this peer is told.
func (e *Endpoint) sentBy(f flow) string {
	s := e.settings.Load()
	port := uint16(5060)
	if f.socket != nil {
		port = f.socket.bound.Port()
	}
	if s.Advertise != "" && !s.local(f.remote.Addr()) {
		host, advertised, err := splitHost(s.Advertise)
		if err == nil {
			if advertised != 0 {
				port = advertised
			}
			return net.JoinHostPort(host, strconv.Itoa(int(port)))
		}
	}
	return netip.AddrPortFrom(e.localIP(f), port).String()
}

// mediaIP is the address that SDP tells this peer.
func (e *Endpoint) mediaIP(f flow) netip.Addr {
	s := e.settings.Load()
	if s.Advertise != "" && !s.local(f.remote.Addr()) {
		host, _, err := splitHost(s.Advertise)
		if err != nil {
			return e.localIP(f)
		}
		if a, err := netip.ParseAddr(host); err == nil {
			return a
		}
		if a, ok := e.advertisedIP(host); ok {
			return a
		}
	}
	return e.localIP(f)
}

// advertisedIP looks an advertised name up once for each configuration.
func (e *Endpoint) advertisedIP(host string) (netip.Addr, bool) {
	e.locals.mu.Lock()
	a, ok := e.locals.known[netip.Addr{}]
	e.locals.mu.Unlock()
	if ok {
		return a, a.IsValid()
	}
	ctx, cancel := context.WithTimeout(e.life, time.Second)
	defer cancel()
	list, err := e.resolver.LookupNetIP(ctx, "ip4", host)
	if err != nil || len(list) == 0 { // kept too: no call should wait for it again
		e.log.Error("the advertised name cannot be looked up", "name", host, "error", err)
	} else {
		a = list[0].Unmap()
	}
	e.locals.mu.Lock()
	if e.locals.known == nil {
		e.locals.known = make(map[netip.Addr]netip.Addr)
	}
	e.locals.known[netip.Addr{}] = a
	e.locals.mu.Unlock()
	return a, a.IsValid()
}

// contact is our Contact for a peer.
func (e *Endpoint) contact(f flow, name string) string {
	uri := "sip:"
	if name != "" {
		uri += escapeUser(name) + "@"
	}
	uri += e.sentBy(f)
	if f.reliable() {
		uri += ";transport=" + f.network.String()
	}
	return "<" + uri + ">"
}
