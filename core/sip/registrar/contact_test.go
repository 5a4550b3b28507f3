package registrar

import (
	"testing"
	"time"
)

func TestParseContacts(t *testing.T) {
	contacts, star, err := ParseContacts([]string{
		`"A, \"B\"" <sip:a@h;transport=tcp>;q=0.25;expires=60, sip:b@h;expires=0`,
		`C <sips:c@[2001:db8::1]:5061> ; +SIP.instance="<urn:uuid:1>" ; reg-id = 2;ob`,
	})
	if err != nil || star {
		t.Fatal(err, star)
	}
	want := []Contact{
		{URI: "sip:a@h;transport=tcp", Q: 250, Expires: time.Minute},
		{URI: "sip:b@h", Q: 1000},
		{URI: "sips:c@[2001:db8::1]:5061", Q: 1000, Expires: -1, Instance: "<urn:uuid:1>", RegID: 2},
	}
	if len(contacts) != len(want) {
		t.Fatalf("got %+v", contacts)
	}
	for i := range want {
		if contacts[i] != want[i] {
			t.Errorf("got  %+v\nwant %+v", contacts[i], want[i])
		}
	}
	if contacts, star, err = ParseContacts([]string{" * "}); err != nil || !star || contacts != nil {
		t.Errorf("star: %v %v %v", contacts, star, err)
	}
	if contacts, star, err = ParseContacts(nil); err != nil || star || contacts != nil {
		t.Errorf("nothing: %v %v %v", contacts, star, err)
	}
}

func TestParseContactsRefusesWhatIsMalformed(t *testing.T) {
	for _, value := range []string{
		"*, <sip:a@h>", "<sip:a@h>, *", "<sip:a@h", `"a <sip:a@h>`, `"a"`, "a", "<>", "<sip:>", "<sip:a@h:99999>",
		"<sip:a@h> b", "<sip:a@h>;x=\"y", "<sip:a@h>;x=\"y\"z", "sip:a b@h", "<sip:a\r\n@h>", "**",
	} {
		if contacts, star, err := ParseContacts([]string{value}); err == nil {
			t.Errorf("%q was read as %+v, %v", value, contacts, star)
		}
	}
}

func TestSameAddress(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"sip:a@H", "SIP:a@h", true},
		{"sip:%61lice@h", "sip:alice@h", true},
		{"sip:a@h", "sip:A@h", false},
		{"sip:a@h", "sips:a@h", false},
		{"sip:a@h", "sip:a@h:5060", false},
		{"sip:a@h", "sip:h", false},
		{"sip:a@h;transport=tcp", "sip:a@h", false},
		{"sip:a@h;transport=TCP", "sip:a@h;Transport=tcp", true},
		{"sip:a@h;ob", "sip:a@h", true},
		{"sip:a@h;rinstance=1", "sip:a@h;rinstance=2", false},
		{"sip:a@h;x=1;y=2", "sip:a@h;y=2;z=3", true},
		{"tel:+33123", "tel:+33123", true},
		{"tel:+33123", "tel:+33124", false},
	} {
		a, err := parseURI(test.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := parseURI(test.b)
		if err != nil {
			t.Fatal(err)
		}
		if a.same(b) != test.want || b.same(a) != test.want {
			t.Errorf("%s and %s: same is not %v both ways", test.a, test.b, test.want)
		}
	}
}

// Whatever is read can be told to the phone again and means the same.
func FuzzParseContacts(f *testing.F) {
	for _, seed := range []string{
		`"A" <sip:a@h;transport=tcp>;q=0.25;expires=60, sip:b@h`, "*", `<sip:a@[::1]:5060;lr?x=y>;+sip.instance="<urn:uuid:1>";reg-id=1`,
		`<sip:a@h>;expires=;q=`, `"\"`, "<tel:+1>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		contacts, _, err := ParseContacts([]string{value})
		if err != nil {
			return
		}
		for _, c := range contacts {
			b := Binding{Contact: c.URI, Q: c.Q, Instance: c.Instance, RegID: c.RegID, Expires: start.Add(max(c.Expires, 0))}
			again, _, err := ParseContacts([]string{b.ContactValue(start)})
			if err != nil || len(again) != 1 {
				t.Fatalf("%q: %q: %v", value, b.ContactValue(start), err)
			}
			c.Expires = max(c.Expires, 0)
			if again[0] != c {
				t.Errorf("%q: %+v came back as %+v", value, c, again[0])
			}
			u, _ := parseURI(c.URI)
			if v, err := parseURI(again[0].URI); err != nil || !u.same(v) {
				t.Errorf("%q is not itself", c.URI)
			}
		}
	})
}
