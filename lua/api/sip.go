package api

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/mailbox"
	"github.com/moonwire/moonwire/core/sip"
)

// mediaFields are what phones, trunks and guests have in common.
var mediaFields = []Field{
	{Name: "codecs", Type: oneOrMore(words(codecNames()...)), Summary: "in order of preference; the site's where left out"},
	{Name: "dtmf", Type: words("auto", "rtp", "info", "inband"), Default: "auto", Summary: "how digits are sent: by RFC 4733 where agreed and as tones otherwise, or always in one way"},
	{Name: "ptime", Type: seconds(), Unit: "s", Summary: "wished length of a media packet"},
	{Name: "language", Type: naming(NamesLanguage), Summary: `of prompts, such as "en" or "fr"`},
	{Name: "nat", Type: truth(), Default: true, Summary: "believe where packets come from rather than what they say"},
}

func codecNames() []string {
	var list []string
	for _, c := range []call.Codec{call.PCMU, call.PCMA, call.G722, call.GSM, call.G726, call.G729, call.ILBC, call.Speex, call.Opus, call.L16} {
		list = append(list, c.Alias())
	}
	return list
}

var sipEntries = []*Entry{
	{
		On: "sip", Name: "phone", Phase: Loading, Curried: true,
		Summary: "Declares a phone that registers with this server.",
		Params: []Field{
			{Name: "name", Type: text(), Required: true, Summary: "user name of its address and of its credentials"},
			{Name: "settings", Required: true, Type: record(append([]Field{
				{Name: "password", Type: text(), Required: true, Summary: "see `secret` and `env`"},
				{Name: "context", Type: text(), Required: true, Summary: "where the numbers it dials are looked up"},
				{Name: "caller_id", Type: text(), Summary: `shown to those it calls: '"Front desk" <1101>'; its name where left out`},
				{Name: "mailbox", Type: text(), Summary: `its voicemail: "1101@finance"; the phone is told when messages wait`},
				{Name: "contacts", Type: count(), Default: 5, Summary: "devices that may register at once"},
				{Name: "min_expires", Type: seconds(), Unit: "s", Default: 60, Summary: "shortest registration"},
				{Name: "max_expires", Type: seconds(), Unit: "s", Default: 3600, Summary: "longest registration"},
				{Name: "qualify", Type: seconds(), Unit: "s", Default: 0, Summary: "ask this often whether it is there; 0 is never"},
				{Name: "call_limit", Type: count(), Default: 0, Summary: "calls at once; 0 is no limit"},
			}, mediaFields...)...), Summary: "what it may do"},
		},
		Example: `context "internal"

sip.phone "1101" {
  password = secret "1101",
  context = "internal",
  caller_id = '"Front desk" <1101>',
  codecs = { "ulaw", "alaw" },
}`,
		Func: (*Args).sipPhone,
	},
	{
		On: "sip", Name: "trunk", Phase: Loading, Curried: true,
		Summary: "Declares another system: a provider or a PBX.",
		Params: []Field{
			{Name: "name", Type: text(), Required: true, Summary: `its name in targets: "sip/0123456789@ovh"`},
			{Name: "settings", Required: true, Type: record(append([]Field{
				{Name: "host", Type: text(), Required: true, Summary: "name or address, optionally with :port"},
				{Name: "transport", Type: words("udp", "tcp", "tls"), Summary: "how it is reached; left out, the records of the domain (NAPTR, SRV) say, and else udp"},
				{Name: "user", Type: text(), Summary: "of our credentials"},
				{Name: "auth_user", Type: text(), Summary: "of the digest, where it is not user"},
				{Name: "password", Type: text(), Summary: "of our credentials"},
				{Name: "from_user", Type: text(), Summary: "user part of From; the caller's number where left out"},
				{Name: "from_domain", Type: text(), Summary: "domain of From"},
				{Name: "outbound_proxy", Type: text(), Summary: "host[:port] that everything is sent to"},
				{Name: "register", Type: truth(), Default: false, Summary: "register with it"},
				{Name: "register_as", Type: text(), Summary: "extension that it calls when it calls us; user where left out"},
				{Name: "expires", Type: seconds(), Unit: "s", Default: 3600, Summary: "of the registration"},
				{Name: "match", Type: oneOrMore(text()), Summary: "addresses or networks whose calls are this trunk's, beside the host's own"},
				{Name: "auth", Type: truth(), Default: false, Summary: "its calls must authenticate with user and password"},
				{Name: "context", Type: text(), Summary: "where the numbers it calls are looked up; without it its calls are refused"},
				{Name: "trust_identity", Type: truth(), Default: false, Summary: "believe and send P-Asserted-Identity"},
				{Name: "qualify", Type: seconds(), Unit: "s", Default: 0, Summary: "ask this often whether it is there; 0 is never"},
				{Name: "call_limit", Type: count(), Default: 0, Summary: "calls at once; 0 is no limit"},
			}, mediaFields...)...), Summary: "how it is reached, and what its calls may do"},
		},
		Example: `context "from-ovh"

sip.trunk "ovh" {
  host = "siptrunk.ovh.net",
  user = "0033972320690",
  password = env("OVH_PASSWORD", ""),
  register = true,
  context = "from-ovh",
  codecs = { "ulaw", "alaw" },
}`,
		Func: (*Args).sipTrunk,
	},
	{
		On: "sip", Name: "listen", Phase: Loading,
		Summary: "Says where to listen for SIP.",
		Detail:  "Takes effect when the server starts. Without it the server listens on UDP and TCP port 5060 of all addresses.",
		Params:  []Field{{Name: "addresses", Type: oneOrMore(text()), Required: true, Summary: `"udp:0.0.0.0:5060", "tcp:…", "tls:…"`}},
		Example: `sip.listen { "udp:0.0.0.0:5060", "tcp:0.0.0.0:5060" }`,
		Func:    (*Args).sipListen,
	},
	{
		On: "sip", Name: "guests", Phase: Loading,
		Summary: "Lets unknown callers in.",
		Detail:  "Without it callers that are neither a phone nor a trunk are refused.",
		Params: []Field{{Name: "settings", Required: true, Type: record(append([]Field{
			{Name: "context", Type: text(), Required: true, Summary: "where the numbers they dial are looked up"},
			{Name: "from", Type: oneOrMore(text()), Summary: "addresses or networks; from anywhere where left out"},
		}, mediaFields...)...), Summary: "who, and what they may reach"}},
		Example: `context "public":extension("600", function(call) call:echo() end)
sip.guests { from = "127.0.0.0/8", context = "public" }`,
		Func: (*Args).sipGuests,
	},
	{
		On: "sip", Name: "set", Phase: Loading,
		Summary: "Settings of SIP as a whole.",
		Params: []Field{{Name: "settings", Required: true, Summary: "settings", Type: record(
			Field{Name: "advertise", Type: text(), Summary: "address that peers outside of the local networks are told: the public one behind NAT"},
			Field{Name: "local_nets", Type: oneOrMore(text()), Summary: "networks where advertise is not needed"},
			Field{Name: "realm", Type: text(), Default: "moonwire", Summary: "of authentication"},
			Field{Name: "digest", Type: oneOrMore(words("md5", "sha-256", "sha-512-256")), Summary: "what passwords are proven by, in order of offering; md5 alone where left out, since many phones fail over the offer of more"},
			Field{Name: "user_agent", Type: text(), Summary: "name of this server in messages"},
			Field{Name: "codecs", Type: oneOrMore(words(codecNames()...)), Summary: "in order of preference"},
			Field{Name: "certificate", Type: text(), Summary: "PEM file, for tls"},
			Field{Name: "key", Type: text(), Summary: "PEM file, for tls"},
			Field{Name: "rtp_ports", Type: text(), Default: "10000-20000", Summary: "port range of media"},
		)}},
		Example: `sip.set { advertise = "203.0.113.7", local_nets = { "192.168.0.0/16" }, rtp_ports = "10000-10200" }`,
		Func:    (*Args).sipSet,
	},
}

// declare gets the site and refuses a second declaration of the same thing.
func (a *Args) declare(what string) *Site {
	site := a.site()
	if site == nil {
		return nil
	}
	if err := site.once(what, a.Source()); err != nil {
		a.Fail("%s", err)
	}
	return site
}

func (a *Args) sipPhone() int {
	site := a.declare("phone " + a.String(0))
	if site == nil {
		return 0
	}
	o := a.Options(1)
	p := sip.Phone{
		Name:        a.String(0),
		Password:    o.String("password"),
		Context:     o.String("context"),
		Caller:      a.party(o.String("caller_id"), a.String(0)),
		Mailbox:     o.String("mailbox"),
		MaxContacts: o.Int("contacts"),
		MinExpires:  o.Seconds("min_expires"),
		MaxExpires:  o.Seconds("max_expires"),
		Qualify:     o.Seconds("qualify"),
		CallLimit:   o.Int("call_limit"),
		Source:      a.Source(),
		Media:       a.media(o),
	}
	if p.Mailbox != "" {
		number, context, err := mailbox.Split(p.Mailbox)
		if err != nil {
			a.Fail("mailbox: %s", err)
		}
		p.Mailbox = number + "@" + context
	}
	if p.MinExpires > p.MaxExpires {
		a.Fail("min_expires is more than max_expires")
	}
	site.mention(p.Context, a.Source())
	site.SIP.Phones = append(site.SIP.Phones, p)
	return 0
}

func (a *Args) sipTrunk() int {
	site := a.declare("trunk " + a.String(0))
	if site == nil {
		return 0
	}
	o := a.Options(1)
	t := sip.Trunk{
		Name:          a.String(0),
		Host:          o.String("host"),
		Transport:     o.String("transport"),
		User:          o.String("user"),
		AuthUser:      o.String("auth_user"),
		Password:      o.String("password"),
		FromUser:      o.String("from_user"),
		FromDomain:    o.String("from_domain"),
		OutboundProxy: o.String("outbound_proxy"),
		Register:      o.Bool("register"),
		RegisterAs:    o.String("register_as"),
		Expires:       o.Seconds("expires"),
		Match:         a.networks(o, "match"),
		Auth:          o.Bool("auth"),
		Context:       o.String("context"),
		TrustIdentity: o.Bool("trust_identity"),
		Qualify:       o.Seconds("qualify"),
		CallLimit:     o.Int("call_limit"),
		Source:        a.Source(),
		Media:         a.media(o),
	}
	if t.Register && t.User == "" {
		a.Fail("user is required to register")
	}
	site.mention(t.Context, a.Source())
	site.SIP.Trunks = append(site.SIP.Trunks, t)
	return 0
}

func (a *Args) sipListen() int {
	site := a.declare("sip.listen")
	if site == nil {
		return 0
	}
	for _, address := range stringList(a.Value(0)) {
		transport, hostPort, _ := strings.Cut(address, ":")
		if transport != "udp" && transport != "tcp" && transport != "tls" {
			a.Fail(`%q does not begin with "udp:", "tcp:" or "tls:"`, address)
		}
		if _, err := netip.ParseAddrPort(hostPort); err != nil {
			a.Fail("%q is not transport:address:port", address)
		}
		site.SIP.Listen = append(site.SIP.Listen, address)
	}
	return 0
}

func (a *Args) sipGuests() int {
	site := a.site()
	if site == nil {
		return 0
	}
	o := a.Options(0)
	site.mention(o.String("context"), a.Source())
	site.SIP.Guests = append(site.SIP.Guests, sip.Guests{
		From:    a.networks(o, "from"),
		Context: o.String("context"),
		Media:   a.media(o),
		Source:  a.Source(),
	})
	return 0
}

func (a *Args) sipSet() int {
	site := a.declare("sip.set")
	if site == nil {
		return 0
	}
	o := a.Options(0)
	c := &site.SIP
	c.Advertise, c.LocalNets = o.String("advertise"), a.networks(o, "local_nets")
	c.Realm, c.UserAgent = o.String("realm"), o.String("user_agent")
	c.Codecs, c.Digest = codecList(o), o.Strings("digest")
	c.Certificate, c.Key = o.String("certificate"), o.String("key")
	low, high, _ := strings.Cut(o.String("rtp_ports"), "-")
	var err1, err2 error
	c.RTPLow, err1 = strconv.Atoi(strings.TrimSpace(low))
	c.RTPHigh, err2 = strconv.Atoi(strings.TrimSpace(high))
	if err1 != nil || err2 != nil || c.RTPLow < 1 || c.RTPHigh > 65535 || c.RTPHigh <= c.RTPLow {
		a.Fail("rtp_ports must be a range such as \"10000-20000\", got %q", o.String("rtp_ports"))
	}
	return 0
}

// media reads the fields that phones, trunks and guests have in common.
func (a *Args) media(o Options) sip.Media {
	modes := map[string]sip.DTMFMode{"auto": sip.DTMFAuto, "rtp": sip.DTMFRTP, "info": sip.DTMFInfo, "inband": sip.DTMFInband}
	return sip.Media{
		Codecs:   codecList(o),
		DTMF:     modes[o.String("dtmf")],
		PTime:    o.Seconds("ptime").Round(time.Millisecond),
		Language: o.String("language"),
		NAT:      o.Bool("nat"),
	}
}

// codecList reads option codecs; the table has checked the names.
func codecList(o Options) []call.Codec {
	var list []call.Codec
	for _, name := range o.Strings("codecs") {
		if c, ok := call.CodecByName(name); ok {
			list = append(list, c)
		}
	}
	return list
}

// networks reads addresses and prefixes.
func (a *Args) networks(o Options, name string) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range o.Strings(name) {
		if p, err := netip.ParsePrefix(s); err == nil {
			list = append(list, p.Masked())
			continue
		}
		address, err := netip.ParseAddr(s)
		if err != nil {
			a.Fail("%s: %q is neither an address nor a network such as 192.0.2.0/24", name, s)
		}
		list = append(list, netip.PrefixFrom(address, address.BitLen()))
	}
	return list
}

// party reads '"Name" <number>', or one of the two.
func (a *Args) party(s, number string) call.Party {
	name, rest, ok := strings.Cut(s, "<")
	if !ok {
		if isNumber(s) {
			return call.Party{Number: s}
		}
		return call.Party{Name: s, Number: number}
	}
	digits, _, closed := strings.Cut(rest, ">")
	if !closed {
		a.Fail("caller_id %q lacks a >", s)
	}
	return call.Party{Name: strings.Trim(strings.TrimSpace(name), `"`), Number: strings.TrimSpace(digits)}
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "+0123456789*#") == ""
}
