-- Where this server listens, and who may call.

sip.listen { "udp:0.0.0.0:5060", "tcp:0.0.0.0:5060" }

sip.phone "1001" {
  password = secret "1001", -- made at the first start, printed at each
  context = "internal",
}
