package sip

import (
	"net/netip"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// Config is who may call and be called over SIP. It is plain data: scripts
// declare it, Endpoint.Apply puts it into force, and a new Config replaces the
// old one while calls go on. Addresses to listen on take effect at start only.
type Config struct {
	Listen []string // "udp:0.0.0.0:5060", "tcp:...", "tls:..."
	Phones []Phone
	Trunks []Trunk
	Guests []Guests

	Advertise   string         // host or address that peers outside LocalNets are told; "" = the socket's own
	LocalNets   []netip.Prefix // networks where Advertise is not needed
	Realm       string         // of digest authentication; "" = "moonwire"
	Digest      []string       // algorithms to offer: "md5", "sha-256"; empty = md5 (see defaultDigest)
	UserAgent   string         // "" = "moonwire/VERSION"
	Codecs      []call.Codec   // default of phones and trunks, in order of preference
	Certificate string         // PEM file for tls listeners
	Key         string         // PEM file
	RTPLow      int            // port range of media; 0 = 10000
	RTPHigh     int            // 0 = 20000
}

// Media is what phones and trunks have in common.
type Media struct {
	Codecs   []call.Codec
	DTMF     DTMFMode
	PTime    time.Duration // wished from the far end; 0 = 20 ms
	Language string
	NAT      bool // believe where packets come from rather than what Contact and SDP say; default true
}

// DTMFMode is how digits are sent, and which ways of receiving are listened for.
type DTMFMode uint8

const (
	DTMFAuto   DTMFMode = iota // RFC 4733 if agreed, in band otherwise; INFO is always understood
	DTMFRTP                    // RFC 4733 only
	DTMFInfo                   // SIP INFO
	DTMFInband                 // tones in the audio
)

// Phone is a device that registers with us.
type Phone struct {
	Name        string // user part of its address and of the digest credentials
	Password    string
	Context     string // where its calls are looked up
	Caller      call.Party
	Mailbox     string
	MaxContacts int           // devices that may register at once; 0 = 5
	MinExpires  time.Duration // 0 = 60 s
	MaxExpires  time.Duration // 0 = 1 h
	Qualify     time.Duration // OPTIONS this often; 0 = never
	CallLimit   int           // calls at once; 0 = no limit
	Source      string        // file:line of its declaration
	Media
}

// Trunk is another system: a provider or a PBX.
type Trunk struct {
	Name          string
	Host          string         // name or address, optionally with :port
	Transport     string         // "udp", "tcp", "tls"; "" = what NAPTR or SRV records of Host say, else udp
	User          string         // of our credentials and registration
	AuthUser      string         // digest user name where it is not User
	Password      string         //
	FromUser      string         // user part of From; "" = the caller's number
	FromDomain    string         //
	OutboundProxy string         // host[:port] that everything is sent to
	Register      bool           // register with it
	RegisterAs    string         // extension that it calls when it calls our contact; "" = User
	Expires       time.Duration  // of the registration; 0 = 1 h
	Match         []netip.Prefix // addresses whose calls are the trunk's, beside Host's own
	Auth          bool           // its calls must authenticate with User and Password too
	Context       string         // where its calls are looked up
	TrustIdentity bool           // believe P-Asserted-Identity, and send it
	Qualify       time.Duration
	CallLimit     int
	Source        string
	Media
}

// Guests lets unknown callers in. Without it they are refused.
type Guests struct {
	From    []netip.Prefix // empty = from anywhere
	Context string
	Media
	Source string
}
