package registrar

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Binding is one place where an address-of-record can be reached. It is a value.
type Binding struct {
	ID        uint64         `json:"-"` // names the binding in this process as long as it lives
	AOR       string         `json:"aor"`
	Contact   string         `json:"contact"` // URI, as the phone wrote it
	Q         int            `json:"q"`       // preference in thousandths
	Instance  string         `json:"instance,omitempty"`
	RegID     int            `json:"reg_id,omitempty"`
	Path      []string       `json:"path,omitempty"` // values of Path headers, to become Route (RFC 3327)
	Received  netip.AddrPort `json:"received"`       // where the REGISTER came from
	Transport string         `json:"transport"`
	UserAgent string         `json:"user_agent,omitempty"`
	CallID    string         `json:"call_id"`
	CSeq      uint32         `json:"cseq"`
	Since     time.Time      `json:"since"`     // first registered
	Refreshed time.Time      `json:"refreshed"` // last registered
	Expires   time.Time      `json:"expires"`

	Reachable Reachability  `json:"-"` // what qualifying found
	RoundTrip time.Duration `json:"-"` // of the last answered qualify
}

// Reachability is what is known of a binding beyond its being registered.
type Reachability uint8

const (
	Unknown Reachability = iota // not asked yet
	Up                          // answers
	Down                        // does not answer
)

func (r Reachability) String() string { return [...]string{"unknown", "reachable", "unreachable"}[r] }

// ContactValue is the Contact header value that tells the phone of its binding
// in a 200 (RFC 3261, section 10.3, step 8).
func (b Binding) ContactValue(now time.Time) string {
	var s strings.Builder
	s.WriteString("<" + b.Contact + ">;expires=")
	s.WriteString(strconv.FormatInt(int64(max(b.Expires.Sub(now), 0)+time.Second/2)/int64(time.Second), 10))
	if b.Q != 1000 {
		s.WriteString(";q=" + strconv.FormatFloat(float64(b.Q)/1000, 'f', -1, 64))
	}
	if b.Instance != "" {
		s.WriteString(`;+sip.instance="` + quoteEscaper.Replace(b.Instance) + `"`)
	}
	if b.RegID != 0 {
		s.WriteString(";reg-id=" + strconv.Itoa(b.RegID))
	}
	return s.String()
}

var quoteEscaper = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

// order puts bindings as they should be tried: by q, the freshest first among equals.
func order(bindings []Binding) {
	slices.SortStableFunc(bindings, func(a, b Binding) int {
		return cmp.Or(cmp.Compare(b.Q, a.Q), b.Refreshed.Compare(a.Refreshed), cmp.Compare(b.ID, a.ID))
	})
}

// find is the index of the binding that contact c renews, or -1. Bindings that
// this request has already touched are not taken twice for their device alone.
//
// An instance and a reg-id name a flow of a device whatever its address is now
// (RFC 5626, section 6). An instance alone is taken in the same way: a phone
// that comes back from another port replaces its dead contact at once instead
// of leaving it to ring in the void until it expires.
func find(bindings []Binding, c Contact, touched func(Binding) bool) int {
	u, _ := parseURI(c.URI)
	for i, b := range bindings {
		if c.Instance != "" && c.RegID != 0 {
			if b.Instance == c.Instance && b.RegID == c.RegID {
				return i
			}
			continue
		}
		if v, _ := parseURI(b.Contact); u.same(v) {
			return i
		}
	}
	if c.Instance == "" || c.RegID != 0 {
		return -1
	}
	return slices.IndexFunc(bindings, func(b Binding) bool {
		return b.Instance == c.Instance && b.RegID == 0 && !touched(b)
	})
}
