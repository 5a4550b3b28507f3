-- Who may call, and how: from the configuration of Asterisk.

local asterisk = require "asterisk"

asterisk.start()

-- Named here, and empty: the dialplan has no such contexts.
context "from-outside"

sip.listen { "udp:0.0.0.0:5060" }

sip.set {
  advertise = "203.0.113.7",
  local_nets = { "192.168.0.0/24" },
}

sip.trunk "provider-endpoint" { -- pjsip.conf:41
  host = "sip.example.org",
  user = "u123",
  password = "secret",
  register = true,
  register_as = "s",
  context = "from-outside",
  match = { "198.51.100.0/24" },
}

sip.phone "1001" { -- pjsip.conf:16
  password = "x1",
  context = "internal",
  caller_id = '"Front desk" <1001>',
  mailbox = "1001@default",
  contacts = 2,
  qualify = 30,
  codecs = { "g722", "alaw", "ulaw" },
}
==== report
pjsip.conf:41: note: there is no context [from-outside] for [provider-endpoint]
pjsip.conf:46: unknown: media_encryption=sdes of [provider-endpoint] has no counterpart
queues.conf:1: unknown: [sales]: this version of moonwire does not read the configuration of queues
modules.conf:1: note: this file is not read: it has no counterpart in a site
55 lines: 52 exact, 0 approximate, 3 unknown; coverage 94.5 %
of these 2 with a priority: 2 exact; coverage 100.0 %
