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
pjsip.conf:16: note: the password of [1001] is soon guessed, and then others call at your cost; password = secret "1001" makes a new one; give it to the phone
pjsip.conf:41: note: there is no context [from-outside] for [provider-endpoint]
pjsip.conf:41: note: passwords stand in config.lua as they were; let nobody else read it, or write env "NAME" in their place
pjsip.conf:46: unknown: media_encryption=sdes of [provider-endpoint]: media is not encrypted
queues.conf:1: unknown: [sales]: this version of moonwire has no queues; ring its members: call:dial { "sip/1001", "sip/1002", timeout = 15, hunt = true }
queues.conf:2: unknown: member=PJSIP/1001 of [sales]: this version of moonwire has no queues; name it as a target of call:dial
57 lines: 54 exact, 0 approximate, 3 unknown; coverage 94.7 %
of these 2 with a priority: 2 exact; coverage 100.0 %
