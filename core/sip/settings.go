package sip

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/sip/digest"
)

// settings is a Config in force: checked, completed and indexed. It is immutable.
type settings struct {
	Config
	phones map[string]*Phone
	trunks map[string]*Trunk
	agent  string
	digest []digest.Algorithm
}

// defaultDigest is MD5 alone. RFC 8760 wants more, but a phone that knows only
// MD5 may fail over the mere offer of SHA-256 (baresip 1.0 does), and those are
// still most phones. Sites whose phones are newer set sip.set { digest = … }.
var defaultDigest = []digest.Algorithm{digest.MD5}

// digestNames are the algorithms as configuration writes them.
var digestNames = map[string]digest.Algorithm{"md5": digest.MD5, "sha-256": digest.SHA256, "sha-512-256": digest.SHA512256}

// defaultCodecs are those of a site that says nothing. Who calls in gets the first
// of their own list, so that a phone that prefers wide band has it, and a leg
// that is dialled beside is offered the same codec first; what we begin on our
// own begins with what everybody has.
var defaultCodecs = []call.Codec{call.PCMU, call.PCMA, call.G722, call.GSM}

// compile checks everything and reports all mistakes at once.
func compile(c Config) (*settings, error) {
	s := &settings{Config: c, phones: make(map[string]*Phone, len(c.Phones)), trunks: make(map[string]*Trunk, len(c.Trunks))}
	var mistakes []error
	fault := func(source, format string, a ...any) {
		err := fmt.Errorf("sip: "+format, a...)
		if source != "" {
			err = fmt.Errorf("%s: %w", source, err)
		}
		mistakes = append(mistakes, err)
	}
	if s.Realm == "" {
		s.Realm = "moonwire"
	}
	if s.digest = defaultDigest; len(c.Digest) > 0 {
		s.digest = nil
	}
	for _, name := range c.Digest {
		a, ok := digestNames[strings.ToLower(name)]
		if !ok {
			fault("", "unknown digest algorithm %q", name)
		}
		s.digest = append(s.digest, a)
	}
	if s.agent = s.UserAgent; s.agent == "" {
		s.agent = userAgentLabel
	}
	if len(s.Codecs) == 0 {
		s.Codecs = defaultCodecs
	}
	for i := range c.Phones {
		p := c.Phones[i]
		switch {
		case p.Name == "" || strings.ContainsAny(p.Name, "@;?<> \r\n\t"):
			fault(p.Source, "%q cannot be the name of a phone", p.Name)
		case s.phones[p.Name] != nil:
			fault(p.Source, "phone %s is already declared at %s", p.Name, s.phones[p.Name].Source)
		}
		p.Media.complete(s.Codecs)
		s.phones[p.Name] = &p
	}
	for i := range c.Trunks {
		t := c.Trunks[i]
		_, _, err := splitHost(t.Host)
		_, known := networkNamed(t.transport())
		switch {
		case t.Name == "":
			fault(t.Source, "a trunk needs a name")
		case s.trunks[t.Name] != nil:
			fault(t.Source, "trunk %s is already declared at %s", t.Name, s.trunks[t.Name].Source)
		case t.Host == "" || err != nil:
			fault(t.Source, "trunk %s: %q is not a host", t.Name, t.Host)
		case !known:
			fault(t.Source, "trunk %s: unknown transport %q", t.Name, t.Transport)
		case t.Register && t.User == "":
			fault(t.Source, "trunk %s registers but has no user", t.Name)
		}
		t.Media.complete(s.Codecs)
		s.trunks[t.Name] = &t
	}
	for i := range s.Guests {
		s.Guests[i].Media.complete(s.Codecs)
	}
	if (c.Certificate == "") != (c.Key == "") {
		fault("", "a certificate and its key belong together")
	}
	return s, errors.Join(mistakes...)
}

func (m *Media) complete(codecs []call.Codec) {
	if len(m.Codecs) == 0 {
		m.Codecs = codecs
	}
	if m.PTime == 0 {
		m.PTime = call.DefaultPTime
	}
}

func (t *Trunk) transport() string {
	if t.Transport == "" {
		return "udp"
	}
	return t.Transport
}

// authUser is the digest user name.
func (t *Trunk) authUser() string {
	if t.AuthUser != "" {
		return t.AuthUser
	}
	return t.User
}

func (t *Trunk) domain() string {
	if t.FromDomain != "" {
		return t.FromDomain
	}
	host, _, _ := splitHost(t.Host)
	return host
}

func (t *Trunk) expires() time.Duration {
	if t.Expires <= 0 {
		return time.Hour
	}
	return t.Expires
}

// local reports whether a peer is in a network that sees our own addresses.
func (s *settings) local(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	for _, p := range s.LocalNets {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// certificate loads the server's certificate, nil where none is configured.
func (s *settings) certificate() (*tls.Config, error) {
	if s.Certificate == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(s.Certificate, s.Key)
	if err != nil {
		return nil, fmt.Errorf("sip: certificate %s: %w", s.Certificate, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}
