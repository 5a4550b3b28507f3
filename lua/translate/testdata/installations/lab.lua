-- Who may call, and how: from the configuration of Asterisk.

local asterisk = require "asterisk"

asterisk.start()

sip.set {
  rtp_ports = "10000-10100",
}

sip.phone "1101" { -- users.conf:11
  password = "password",
  context = "finance",
  caller_id = '"Utilisateur1" <1101>',
  mailbox = "1101@finance",
  codecs = { "ulaw", "alaw" },
}

sip.phone "1201" { -- users.conf:17
  password = secret "1201",
  context = "compta",
  caller_id = '"Utilisateur5" <1201>',
  mailbox = "1201@compta",
  codecs = { "ulaw", "alaw" },
}

mailbox "1101@finance" { -- voicemail.conf:4
  pin = "1234",
  name = "Utilisateur1",
  email = "u1@example.org",
  maxmsg = 100,
}

mailbox "1201@compta" { -- voicemail.conf:6
  name = "Utilisateur5",
  maxmsg = 100,
}
==== report
users.conf:11: note: passwords stand in config.lua as they were; let nobody else read it, or write env "NAME" in their place
users.conf:17: approximate: [1201] has no secret: anybody could register; moonwire makes a password; give it to the phone
36 lines: 35 exact, 1 approximate, 0 unknown; coverage 97.2 %
of these 5 with a priority: 5 exact; coverage 100.0 %
