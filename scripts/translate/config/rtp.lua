-- rtp.conf: the ports of media.

local keys = require "config.keys"

return keys.reader {
  reason = "media here has no such setting",
  sections = {
    general = {
      plain = "strictrtp probation rtpchecksums dtmftimeout rtcpinterval dtls_mtu symmetric",
      rtpstart = function(site, entry) site.rtp_low = entry.value:match "^%d+" end,
      rtpend = function(site, entry) site.rtp_high = entry.value:match "^%d+" end,
      icesupport = { off = true, reason = "ICE is not spoken", suggestion = "phones behind NAT reach the server without it; see sip.set advertise" },
      stunaddr = { reason = "the server asks no STUN server", suggestion = "write its public address: sip.set { advertise = … }" },
      turnaddr = { reason = "the server uses no TURN relay" },
      srtpreplayprotection = { off = true, reason = "media is not encrypted" },
    },
  },
  finish = function(site)
    if site.rtp_low and site.rtp_high then site.set.rtp_ports = site.rtp_low .. "-" .. site.rtp_high end
  end,
}
