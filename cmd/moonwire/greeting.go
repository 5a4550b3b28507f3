package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"

	"github.com/moonwire/moonwire/core/sip"
	"github.com/moonwire/moonwire/lua/api"
)

// greetPhones prints what is needed to set up a softphone, and what to dial.
// Passwords are shown only where this server made them.
func (s *server) greetPhones(out io.Writer) {
	site := s.host.Current().Declarations().(*api.Site)
	if len(site.SIP.Phones) == 0 {
		return
	}
	domain := s.domain()
	fmt.Fprintf(out, "\nSet up a softphone with one of these accounts (server, domain or registrar: %s):\n", domain)
	for _, p := range site.SIP.Phones {
		fmt.Fprintf(out, "  user %-8s password %s\n", p.Name, s.shownPassword(p, site.Secrets))
	}
	if numbers := s.numbers(site, site.SIP.Phones[0].Context); numbers != "" {
		fmt.Fprintf(out, "and dial %s.\n", numbers)
	}
	fmt.Fprintln(out)
}

func (s *server) shownPassword(p sip.Phone, made []string) string {
	for _, name := range made {
		if secret, err := s.secrets.get(name); err == nil && secret == p.Password {
			return secret
		}
	}
	return "as in " + p.Source
}

// numbers lists the numbers that can be dialled in a context, without patterns.
func (s *server) numbers(site *api.Site, context string) string {
	var list []string
	for _, e := range site.Routes.Extensions(context) {
		if pattern := e.Pattern; pattern[0] >= '0' && pattern[0] <= '9' {
			list = append(list, pattern)
		}
	}
	if len(list) > 12 {
		list = append(list[:12], "…")
	}
	return strings.Join(list, ", ")
}

// domain is the address that phones on this network reach the server at.
func (s *server) domain() string {
	for _, a := range s.listened {
		proto, address, _ := strings.Cut(a, ":")
		if proto != "udp" && proto != "tcp" {
			continue
		}
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			continue
		}
		ip := at.Addr()
		if ip.IsUnspecified() {
			ip = outward()
		}
		if at.Port() == 5060 {
			return ip.String()
		}
		return netip.AddrPortFrom(ip, at.Port()).String()
	}
	return "localhost"
}

// outward is this machine's address towards the rest of the network. Nothing is
// sent to find it.
func outward() netip.Addr {
	c, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}
