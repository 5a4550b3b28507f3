package interop

import (
	"fmt"
	"strings"
	"testing"
)

// TestTrunkIsKnownByItsAddress calls from addresses of a trunk and of nobody.
func TestTrunkIsKnownByItsAddress(t *testing.T) {
	t.Parallel()
	s := sharedLab(t)
	for name, c := range map[string]struct {
		source string
		steps  scenario
		said   string
	}{
		"its host":        {"127.0.0.9", refusedWith(486), "555 by known for tester"},
		"its network":     {"127.0.0.8", refusedWith(486), "555 by known for tester"},
		"asserts a party": {"127.0.0.9", scenario{send(inviteMessage(`P-Asserted-Identity: "Reception" <sip:4400@example.org>`)), trying, want(486), refused(1)}, "555 by known for 4400"},
		// A trunk without a context may be called but does not call.
		"without a context": {"127.0.0.10", refusedWith(404), ""},
		"a stranger":        {"127.0.0.11", scenario{send(inviteMessage()), trying, want(401), refused(1)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, s, c.steps, sippOptions{service: "555", source: c.source})
			if c.said != "" {
				s.awaitLog(c.said)
			}
		})
	}
}

// challenge asks for a password as a provider does.
const challenge = `Digest realm="provider", nonce="47364c23432d2e131a5fb210812c", qop="auth", algorithm=MD5`

// provider is a site with a trunk that registers, calls and is called.
func provider(port int, password string) site {
	return site{
		"config.lua": fmt.Sprintf(`
sip.trunk "provider" { host = "127.0.0.1:%d", user = "acme", password = %q, register = true, register_as = "600", expires = 600, context = "in" }
on("registration", function(event) log.info("event: %%s %%s", event.phone, event.state) end)
`, port, password),
		"dialplan.lua": `
context "in":extension("600", function(call) log.info("the provider calls") call:answer() call:hangup() end)
on("start", function() log.info "ready to call" end)
`,
	}
}

// TestTrunkRegisters has sipp be the provider: it asks for the password, keeps
// us waiting once with a longer interval, calls what registered, and is told at
// the end that we leave.
func TestTrunkRegisters(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	nobody := &server{sip: map[string]string{"udp": "127.0.0.1:9"}}
	registrar := startSipp(t, nobody, scenario{
		saving("REGISTER", "Expires: 600", "sip:acme@127.0.0.1"), answered("401 Unauthorized", "r", []string{"WWW-Authenticate: " + challenge}, ""),
		saving("REGISTER", `Authorization: Digest .*username="acme"`, `response="[0-9a-f]{32}"`),
		answered("423 Interval Too Brief", "r", []string{"Min-Expires: 900"}, ""),
		saving("REGISTER", "Expires: 900"), answered("401 Unauthorized", "r", []string{"WWW-Authenticate: " + strings.Replace(challenge, "4736", "5736", 1)}, ""),
		saving("REGISTER", "Expires: 900", `nc=00000001`), answered("200 OK", "r", []string{"Expires: 900"}, ""),
		saving("REGISTER", "Expires: 0"), answered("200 OK", "r", nil, ""),
	}, sippOptions{port: port})
	s := start(t, provider(port, "secret"))
	s.awaitLog("trunk registered")
	s.awaitLog("event: provider")
	// The provider calls the contact that we registered, from its address.
	run(t, s, scenario{send(inviteMessage()), trying, want(200), ack, wantRequest("BYE"), agreed}, sippOptions{service: "acme"})
	s.awaitLog("the provider calls")
	s.stop()
	registrar.wait()
}

// TestTrunkRefusesThePassword must not make us hammer at the provider.
func TestTrunkRefusesThePassword(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	nobody := &server{sip: map[string]string{"udp": "127.0.0.1:9"}}
	registrar := startSipp(t, nobody, scenario{
		saving("REGISTER"), answered("401 Unauthorized", "r", []string{"WWW-Authenticate: " + challenge}, ""),
		saving("REGISTER", "Authorization: Digest"), answered("401 Unauthorized", "r", []string{"WWW-Authenticate: " + strings.Replace(challenge, "4736", "5736", 1)}, ""),
	}, sippOptions{port: port})
	s := start(t, provider(port, "wrong"))
	s.awaitLog("the password was refused")
	registrar.wait()
}

// TestCallThroughATrunk lets the provider ask for the password of a call.
func TestCallThroughATrunk(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	s := start(t, site{
		"config.lua": fmt.Sprintf(`
sip.trunk "provider" { host = "127.0.0.1:%d", user = "acme", password = "secret", from_user = "0555", from_domain = "example.org" }
sip.guests { from = "127.0.0.2", context = "out" }
`, port),
		"dialplan.lua": `context "out":extension("_0X.", function(call)
  local result = call:dial("sip/" .. call.extension .. "@provider", { headers = { ["X-Account"] = "17" } })
  log.info("dialled %s", result.status)
end)`,
	})
	called := startSipp(t, s, scenario{
		invited("sip:0123@127.0.0.1", "From: .*sip:0555@example.org", "X-Account: 17"),
		answered("407 Proxy Authentication Required", "c", []string{"Proxy-Authenticate: " + challenge}, ""), wantRequest("ACK"),
		invited(`Proxy-Authorization: Digest .*username="acme"`, `uri="sip:0123@127.0.0.1:[0-9]+"`, "CSeq: 2 INVITE"),
		answered("200 OK", "d", nil, answer), wantRequest("ACK", "Proxy-Authorization: Digest"), hangup("d"), want(200),
	}, sippOptions{port: port})
	run(t, s, scenario{send(inviteMessage()), trying, ringing, optional(183), want(200), ack, wantRequest("BYE"), agreed},
		sippOptions{service: "0123", source: "127.0.0.2"})
	called.wait()
	s.awaitLog("dialled answered")
}
