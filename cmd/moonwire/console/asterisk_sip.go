package console

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/moonwire/moonwire/core/sip"
)

var (
	peerArg  = Arg{Name: "PEER", Complete: (*Session).peerNames}
	somePeer = Arg{Name: "PEER", Optional: true, Complete: (*Session).peerNames}
)

var asteriskSIP = []*Command{
	known("sip show peers", "phones and trunks", sipShowPeers),
	known("sip show peer", "all about a phone or a trunk", sipShowPeer, peerArg),
	known("sip show users", "phones and the contexts of their calls", sipShowUsers),
	known("sip show registry", "trunks that this server registers with", sipShowRegistry),
	known("sip show channels", "SIP calls", coreShowChannels),
	known("sip show channel", "all about one SIP call", coreShowChannel, Arg{Name: "CHANNEL", Complete: (*Session).legIDs}),
	known("sip show settings", "where SIP listens, and how", sipShowSettings),
	known("pjsip show endpoints", "phones and trunks", pjsipEndpoints),
	known("pjsip show endpoint", "all about a phone or a trunk", sipShowPeer, peerArg),
	known("pjsip show contacts", "where phones are registered", pjsipContacts),
	known("pjsip show registrations", "trunks that this server registers with", pjsipRegistrations),
	alias("pjsip show channels", nil, "core show channels", coreShowChannels),
	alias("sip set debug on", nil, "sip trace on", traceOn),
	alias("sip set debug off", nil, "sip trace off", traceOff),
	alias("sip set debug peer", []Arg{peerArg}, "sip trace on PEER", traceOn),
	alias("sip set debug ip", []Arg{{Name: "ADDRESS"}}, "sip trace on ADDRESS", traceOn),
	alias("sip debug", nil, "sip trace on", traceOn),
	alias("sip debug ip", []Arg{{Name: "ADDRESS"}}, "sip trace on ADDRESS", traceOn),
	alias("sip debug peer", []Arg{peerArg}, "sip trace on PEER", traceOn),
	alias("sip no debug", nil, "sip trace off", traceOff),
	alias("pjsip set logger on", nil, "sip trace on", traceOn),
	alias("pjsip set logger off", nil, "sip trace off", traceOff),
	alias("pjsip set logger host", []Arg{{Name: "ADDRESS"}}, "sip trace on ADDRESS", traceOn),
	alias("sip reload", nil, "reload: phones and trunks are part of the scripts", reload),
	alias("pjsip reload", nil, "reload: phones and trunks are part of the scripts", reload),
}

func sipShowPeers(r *Run) (Result, error) {
	t := &Table{Columns: columns("name=Name/username", "host=Host", "dynamic=Dyn", "nat=Forcerport", "acl=ACL", "port=Port", "status=Status", "state=-", "kind=-")}
	t.Columns[0].Width, t.Columns[1].Width = 25, 39
	var monitoredOn, monitoredOff, otherOn, otherOff int
	add := func(online bool, monitored bool, cells ...any) {
		t.Rows = append(t.Rows, cells)
		switch {
		case monitored && online:
			monitoredOn++
		case monitored:
			monitoredOff++
		case online:
			otherOn++
		default:
			otherOff++
		}
	}
	for _, p := range r.phones() {
		host, port, status, monitored := "(Unspecified)", "0", "Unmonitored", p.Qualify > 0
		if monitored {
			status = "UNKNOWN"
		}
		if c := p.contact; c != nil {
			host, port = hostPort(c.Address)
			switch c.Reachable {
			case "reachable":
				status = fmt.Sprintf("OK (%d ms)", c.RoundTrip.Milliseconds())
			case "unreachable":
				status = "UNREACHABLE"
			}
		}
		add(p.contact != nil && status != "UNREACHABLE", monitored, p.Name+"/"+p.Name, host, "D", yesNo(p.NAT), "", port, status, p.state(), "phone")
	}
	for _, k := range r.SIP.Trunks() {
		status, monitored := "Unmonitored", r.trunk(k.Name).Qualify > 0
		switch {
		case monitored && k.State == "unreachable":
			status = "UNREACHABLE"
		case monitored:
			status = "OK"
		}
		host, port := hostPort(k.Host)
		if k.Address != "" {
			host = k.Address
		}
		add(status != "UNREACHABLE" && k.State != "failed", monitored, strings.TrimSuffix(k.Name+"/"+k.User, "/"), host, "", "", "", port, status, k.State, "trunk")
	}
	t.Foot = fmt.Sprintf("%d sip peers [Monitored: %d online, %d offline Unmonitored: %d online, %d offline]", len(t.Rows), monitoredOn, monitoredOff, otherOn, otherOff)
	return Result{Table: t}, nil
}

func hostPort(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address, "5060"
	}
	return host, port
}

func yesNo(v bool) string {
	if v {
		return "Yes"
	}
	return "No"
}

func (s *Session) trunk(name string) sip.Trunk {
	list := s.site().SIP.Trunks
	if i := slices.IndexFunc(list, func(t sip.Trunk) bool { return t.Name == name }); i >= 0 {
		return list[i]
	}
	return sip.Trunk{}
}

func sipShowPeer(r *Run) (Result, error) {
	for _, p := range r.phones() {
		if p.Name != r.arg(0) {
			continue
		}
		t := &Table{Columns: columns("name=* Name", "kind=Kind", "context=Context", "mailbox=Mailbox", "caller=Callerid", "call_limit=Call limit", "calls=Calls now", "dynamic=Dynamic", "contact=Reg. Contact",
			"address=Addr->IP", "transport=Transport", "user_agent=Useragent", "status=Status", "round_trip_ms=Round trip ms", "expires=Expires in", "qualify=Qualify", "codecs=Codecs", "nat=Force rport", "declared=Declared at"), One: true}
		row := []any{p.Name, "phone", p.Context, p.Mailbox, callerText(p), p.CallLimit, p.calls, true, nil, nil, nil, nil, p.state(), nil, nil, p.Qualify, codecNames(p.Media), p.NAT, p.Source}
		if c := p.contact; c != nil {
			row[8], row[9], row[10], row[11], row[13], row[14] = c.Contact, c.Address, c.Transport, c.UserAgent, c.RoundTrip.Milliseconds(), seconds(max(0, c.Expires.Sub(r.Now())))
		}
		t.Rows = append(t.Rows, row)
		return Result{Table: t}, nil
	}
	for _, k := range r.SIP.Trunks() {
		if k.Name != r.arg(0) {
			continue
		}
		c := r.trunk(k.Name)
		t := &Table{Columns: columns("name=* Name", "kind=Kind", "context=Context", "host=ToHost", "address=Addr->IP", "transport=Transport", "user=Username", "status=Status", "reason=Reason", "since=Since", "registers=Registers", "calls=Calls now", "call_limit=Call limit", "codecs=Codecs", "declared=Declared at"), One: true}
		t.add(k.Name, "trunk", c.Context, k.Host, k.Address, k.Transport, k.User, k.State, k.Reason, k.Since, k.Register, k.Calls, c.CallLimit, codecNames(c.Media), c.Source)
		return Result{Table: t}, nil
	}
	return Result{}, fmt.Errorf("peer %s not found; see phones and trunks", r.arg(0))
}

func callerText(p phone) string {
	if p.Caller.Name == "" {
		return p.Caller.Number
	}
	return fmt.Sprintf("%q <%s>", p.Caller.Name, p.Caller.Number)
}

func codecNames(m sip.Media) string {
	var list []string
	for _, c := range m.Codecs {
		list = append(list, c.Alias())
	}
	if len(list) == 0 {
		return "(the site's)"
	}
	return strings.Join(list, " ")
}

func sipShowUsers(r *Run) (Result, error) {
	t := &Table{Columns: columns("username=Username", "context=Def.Context", "acl=ACL", "nat=Forcerport")}
	t.Columns[0].Width, t.Columns[1].Width = 25, 17
	for _, p := range r.site().SIP.Phones {
		t.add(p.Name, p.Context, "No", yesNo(p.NAT))
	}
	return Result{Table: t}, nil
}

// registryWords are what Asterisk calls the states of a registration.
var registryWords = map[string]string{"registered": "Registered", "trying": "Request Sent", "failed": "Rejected"}

func sipShowRegistry(r *Run) (Result, error) {
	t := &Table{Columns: columns("host=Host", "dnsmgr=dnsmgr", "username=Username", "refresh=Refresh", "state=State", "since=Reg.Time", "reason=-", "trunk=-")}
	t.Columns[0].Width, t.Columns[2].Width = 39, 12
	for _, k := range r.SIP.Trunks() {
		if !k.Register {
			continue
		}
		host, port := hostPort(k.Host)
		when := ""
		if k.State == "registered" {
			when = k.Since.Format("Mon, 02 Jan 2006 15:04:05")
		}
		t.add(host+":"+port, "N", k.User, int(k.Refresh.Seconds()), registryWords[k.State], when, k.Reason, k.Name)
	}
	t.Foot = fmt.Sprintf("%d SIP registrations.", len(t.Rows))
	return Result{Table: t}, nil
}

func sipShowSettings(r *Run) (Result, error) {
	c := r.site().SIP
	t := &Table{Columns: columns("listens=Listens on", "realm=Realm", "advertise=Advertised address", "user_agent=User agent", "rtp=RTP ports", "phones=Phones", "trunks=Trunks", "guests=Rules for guests", "calls=Calls now"), One: true}
	t.add(strings.Join(r.SIP.Addresses(), " "), c.Realm, c.Advertise, c.UserAgent, fmt.Sprintf("%d-%d", c.RTPLow, c.RTPHigh), len(c.Phones), len(c.Trunks), len(c.Guests), r.SIP.Stats().Calls)
	return Result{Table: t}, nil
}

func pjsipEndpoints(r *Run) (Result, error) {
	t := &Table{Columns: columns("endpoint=Endpoint", "state=State", "channels=Channels", "contact=Contact", "status=Status")}
	for _, p := range r.phones() {
		state, contact, status := "Unavailable", "", ""
		if p.contact != nil {
			state, contact, status = "Not in use", p.contact.Contact, p.state()
		}
		if p.calls > 0 {
			state = "In use"
		}
		t.add(p.Name, state, p.calls, contact, status)
	}
	for _, k := range r.SIP.Trunks() {
		state := "Not in use"
		if k.Calls > 0 {
			state = "In use"
		}
		t.add(k.Name, state, k.Calls, "sip:"+k.Host, k.State)
	}
	t.Foot = fmt.Sprintf("Objects found: %d", len(t.Rows))
	return Result{Table: t}, nil
}

func pjsipContacts(r *Run) (Result, error) {
	t := &Table{Columns: columns("aor=Aor", "contact=ContactUri", "status=Status", "round_trip_ms=RTT(ms)", "user_agent=-", "expires=-"), Empty: "No objects found."}
	for _, p := range r.phones() {
		if c := p.contact; c != nil {
			status := map[string]string{"reachable": "Avail", "unreachable": "Unavail"}[c.Reachable]
			if status == "" {
				status = "NonQual"
			}
			t.add(c.Phone, c.Contact, status, c.RoundTrip.Milliseconds(), c.UserAgent, seconds(max(0, c.Expires.Sub(r.Now()))))
		}
	}
	t.Foot = fmt.Sprintf("Objects found: %d", len(t.Rows))
	return Result{Table: t}, nil
}

func pjsipRegistrations(r *Run) (Result, error) {
	t := &Table{Columns: columns("registration=Registration", "server=ServerURI", "auth=Auth", "status=Status", "reason=-"), Empty: "No objects found."}
	for _, k := range r.SIP.Trunks() {
		if k.Register {
			t.add(k.Name, "sip:"+k.Host, k.User, registryWords[k.State], k.Reason)
		}
	}
	t.Foot = fmt.Sprintf("Objects found: %d", len(t.Rows))
	return Result{Table: t}, nil
}
