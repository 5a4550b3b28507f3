-- A server to measure: anybody on this machine may call, nobody else.

sip.listen { "udp:127.0.0.1:5060", "tcp:127.0.0.1:5060" }

sip.guests { from = "127.0.0.0/8", context = "bench", codecs = { "ulaw", "alaw", "g722" } }
