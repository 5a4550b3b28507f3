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

-- mailbox "1101@finance" { -- voicemail.conf:4
--   pin = "1234",
--   name = "Utilisateur1",
--   email = "u1@example.org",
-- }

-- mailbox "1201@compta" { -- voicemail.conf:6
--   name = "Utilisateur5",
-- }
==== report
extensions.conf:4: unknown: VoiceMail: needs voicemail, which this server does not have; translate again when it does, or take it out
extensions.conf:8: unknown: VoiceMailMain: needs voicemail, which this server does not have; translate again when it does, or take it out
users.conf:11: note: passwords stand in config.lua as they were; let nobody else read it, or write env "NAME" in their place
users.conf:17: approximate: [1201] has no secret: anybody could register; moonwire makes a password; give it to the phone
voicemail.conf:2: approximate: maxmsg=100 of voicemail has no counterpart; mailboxes work in moonwire's own way
voicemail.conf:4: unknown: mailbox 1101@finance: this version of moonwire has no mailboxes; it stands in config.lua as a comment
voicemail.conf:6: unknown: mailbox 1201@compta: this version of moonwire has no mailboxes; it stands in config.lua as a comment
36 lines: 30 exact, 2 approximate, 4 unknown; coverage 83.3 %
of these 5 with a priority: 3 exact; coverage 60.0 %
