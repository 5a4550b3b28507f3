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
	"github.com/moonwire/moonwire/core/sip/naptr"
)

// Resolver looks names up; a *net.Resolver is one. SRV records are asked for by
// their whole name, without service and protocol.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// NAPTRResolver is a Resolver that looks NAPTR records up, too. They come in the
// order in which they are to be tried.
type NAPTRResolver interface {
	LookupNAPTR(ctx context.Context, name string) ([]naptr.Record, error)
}

// system is the system's resolver.
type system struct {
	*net.Resolver
	naptr naptr.Client
}

func (s *system) LookupNAPTR(ctx context.Context, name string) ([]naptr.Record, error) {
	return s.naptr.Lookup(ctx, name)
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
// (RFC 3263). An address stands for itself, and a port rules records out. Else,
// where the transport is not fixed, the domain's NAPTR records choose it, or the
// first of ours that it has SRV records for; then SRV records give the servers by
// priority and weight. A name with neither stands for its addresses. hops blocks
// unless host is an address.
func (e *Endpoint) hops(ctx context.Context, n network, fixed bool, host string, port uint16) ([]hop, error) {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if port == 0 {
			port = n.defaultPort()
		}
		return e.reach(nil, n, host, []netip.Addr{a}, port)
	}
	var list []hop
	if port == 0 {
		if fixed {
			list = e.servers(ctx, nil, n, serviceName(n, host), host)
		} else {
			list = e.chosen(ctx, host)
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

// chosen lets the domain choose the transport (RFC 3263, 4.1). All that we can
// speak is tried, in its order.
func (e *Endpoint) chosen(ctx context.Context, host string) (list []hop) {
	if r, ok := e.resolver.(NAPTRResolver); ok && strings.Contains(host, ".") { // other names are not of the DNS
		records, err := r.LookupNAPTR(ctx, host)
		if err != nil && !errors.Is(err, naptr.ErrNone) {
			e.log.Debug("no NAPTR records", "host", host, "reason", err)
		}
		for _, record := range records {
			if n, ok := servicesOf[strings.ToUpper(record.Service)]; ok && strings.EqualFold(record.Flags, "s") && e.transport.listensOn(n) {
				list = e.servers(ctx, list, n, record.Replacement, host)
			}
		}
	}
	for _, n := range [...]network{udp, tcp, tlsNetwork} {
		if len(list) == 0 && e.transport.listensOn(n) {
			list = e.servers(ctx, nil, n, serviceName(n, host), host)
		}
	}
	return list
}

// servicesOf are the services of NAPTR records that are SIP (RFC 3263, 4.1).
var servicesOf = map[string]network{"SIP+D2U": udp, "SIP+D2T": tcp, "SIPS+D2T": tlsNetwork}

// serviceName is where the SRV records of a domain are.
func serviceName(n network, host string) string {
	if n == tlsNetwork {
		return "_sips._tcp." + host
	}
	return "_sip._" + n.String() + "." + host
}

// servers adds the addresses that the SRV records of name lead to. Over TLS they
// have to prove that they are host (RFC 5922, 7.1).
func (e *Endpoint) servers(ctx context.Context, list []hop, n network, name, host string) []hop {
	_, records, err := e.resolver.LookupSRV(ctx, "", "", name)
	if err != nil {
		return list
	}
	for _, r := range records {
		if r.Target == "." || len(list) >= maxHops {
			continue
		}
		target := strings.TrimSuffix(r.Target, ".")
		if addresses, err := e.resolver.LookupNetIP(ctx, "ip", target); err == nil {
			list, _ = e.reach(list, n, host, addresses, r.Port)
		}
	}
	return list
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
