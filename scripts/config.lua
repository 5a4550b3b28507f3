-- Where this server listens, and who may call.
--
-- Two phones to try things with. Their passwords are made at the first start,
-- kept in the data directory, and printed at each start; write a text in place
-- of secret to choose one yourself.

sip.listen { "udp:0.0.0.0:5060", "tcp:0.0.0.0:5060" }

sip.phone "1001" {
  password = secret "1001",
  context = "internal",
  caller_id = '"First phone" <1001>',
}

sip.phone "1002" {
  password = secret "1002",
  context = "internal",
  caller_id = '"Second phone" <1002>',
}
