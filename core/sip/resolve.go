package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/moonwire/moonwire/core/call"
)

// Resolver looks names up; a *net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// maxHops bounds how many addresses of one name are tried.
const maxHops = 8

// hop is one address to try.
type hop struct {
	flow flow
	host string // the name that was looked up, for TLS
}

// splitHost splits "host", "host:port" or "[v6]:port"; port 0 where there is none.
func splitHost(s string) (host string, port uint16, err error) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.String(), 0, nil
	}
	if !strings.Contains(s, ":") {
		return s, 0, nil
	}
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, fmt.Errorf("host %q: %w", s, err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("host %q: not a port: %q", s, text)
	}
	return host, uint16(n), nil
}

// hops finds the addresses of host, in the order in which they are to be tried
// (RFC 3263): an address stands for itself; a port rules SRV out; else SRV
// records by priority and weight, and where there are none the plain addresses.
// It blocks unless host is an address.
func (e *Endpoint) hops(ctx context.Context, n network, host string, port uint16) ([]hop, error) {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if port == 0 {
			port = n.defaultPort()
		}
		return e.reach(nil, n, host, []netip.Addr{a}, port)
	}
	var list []hop
	if port == 0 {
		service, proto := "sip", n.String()
		if n == tlsNetwork {
			service, proto = "sips", "tcp"
		}
		_, records, err := e.resolver.LookupSRV(ctx, service, proto, host)
		if err == nil {
			for _, r := range records {
				if r.Target == "." || len(list) >= maxHops {
					continue
				}
				target := strings.TrimSuffix(r.Target, ".")
				if addresses, err := e.resolver.LookupNetIP(ctx, "ip", target); err == nil {
					list, _ = e.reach(list, n, host, addresses, r.Port)
				}
			}
		}
		port = n.defaultPort()
	}
	if len(list) == 0 {
		addresses, err := e.resolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, fmt.Errorf("look up %s: %w", host, err)
		}
		if list, err = e.reach(nil, n, host, addresses, port); err != nil {
			return nil, err
		}
	}
	return list[:min(len(list), maxHops)], nil
}

var errNoSocket = errors.New("no socket")

// reach adds those addresses that one of our sockets can reach, IPv4 first.
func (e *Endpoint) reach(list []hop, n network, host string, addresses []netip.Addr, port uint16) ([]hop, error) {
	for _, four := range [...]bool{true, false} {
		for _, a := range addresses {
			if a = a.Unmap(); a.Is4() != four {
				continue
			}
			if s := e.transport.socketFor(n, a); s != nil {
				list = append(list, hop{flow{n, netip.AddrPortFrom(a, port), s}, host})
			}
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: we do not listen on %s, so %s cannot be reached: %w", errNoSocket, n, host, call.ErrUnreachable)
	}
	return list, nil
}
