-- Who may call, and how: from the configuration of Asterisk.

local asterisk = require "asterisk"

asterisk.start()

sip.listen { "udp:0.0.0.0:5060" }

sip.set {
  codecs = { "ulaw", "alaw" },
  advertise = "203.0.113.7",
  local_nets = { "192.168.0.0/16" },
}

sip.trunk "trunk-ovh" { -- sip.conf:15
  host = "siptrunk.ovh.net",
  user = "0033972320690",
  password = "password",
  register = true,
  register_as = "s",
  expires = 1800,
  context = "ovh-sip",
  language = "fr",
}

-- The extension of the front desk.
sip.phone "330" { -- sip.conf:25
  password = "password",
  context = "sortant-ovh",
  caller_id = '"0033366725520" <0033366725520>',
  language = "fr",
}

sip.phone "520" { -- sip.conf:35
  password = "password",
  context = "sortant-ovh",
  caller_id = '"0033185450330" <0033185450330>',
  qualify = 60,
}
==== report
extensions.conf:18: approximate: option m of Dial: what music.NAME of the settings names is played, and silence without it
extensions.conf:20: approximate: option m of Dial: what music.NAME of the settings names is played, and silence without it
sip.conf:3: note: unknown callers have no context [trunk-ovh] to go to: they are refused
sip.conf:15: note: passwords stand in config.lua as they were; let nobody else read it, or write env "NAME" in their place
sip.conf:41: unknown: deny=0.0.0.0/0 of [520]: phones are taken from any address that knows the password; limit addresses in the firewall
sip.conf:42: approximate: codec g723 is not there; calls use the other codecs of the list
61 lines: 57 exact, 3 approximate, 1 unknown; coverage 93.4 %
of these 11 with a priority: 9 exact; coverage 81.8 %
