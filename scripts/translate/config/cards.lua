-- chan_dahdi.conf and zapata.conf, and the files of other cards.
--
-- What stands over a channel => line is what that channel is like, and stays in
-- force for those below.

local keys = require "config.keys"

local cards = {}

local reason = "this version of moonwire has no telephone cards"
local gateway = "put a gateway in front, which speaks SIP, and declare it: sip.trunk"

cards.read = keys.reader {
  reason = reason,
  sections = {
    other = {
      plain = [[usecallerid hidecallerid callwaiting callwaitingcallerid threewaycalling transfer canpark cancallforward
        callreturn echocancel echocancelwhenbridged echotraining relaxdtmf rxgain txgain adsi restrictcid usecallingpres
        usedistinctiveringdetection distinctiveringaftercid jbenable jbforce jbmaxsize jbimpl jblog busydetect busycount
        busypattern callprogress progzone faxdetect musiconhold mohinterpret mohsuggest immediate overlapdial priindication
        pridialplan prilocaldialplan nationalprefix internationalprefix resetinterval language amaflags smdiport toneduration
        answeronpolarityswitch hanguponpolarityswitch sendcalleridafter cidsignalling cidstart facilityenable
        internationalprefix localprefix privateprefix unknownprefix minunused minidle idledial inbanddisconnect
        flash rxflash prewink preflash wink rxwink start debounce description setvar]],
      context = { reason = "no channels of cards call", suggestion = "give this context to the sip.trunk of the gateway" },
      channel = { suggestion = gateway }, channels = { suggestion = gateway },
      signalling = { suggestion = gateway }, switchtype = { suggestion = gateway },
      group = { reason = "no channels of cards to choose from", suggestion = 'dial "sip/NUMBER@gateway" in place of DAHDI/g' },
      callerid = { unless = "asreceived", suggestion = "say it in the gateway" },
      mailbox = { suggestion = "give it to a sip.phone" }, callgroup = {}, pickupgroup = {}, accountcode = {},
    },
  },
}

cards.other = keys.reader { reason = reason, sections = { other = { otherwise = { suggestion = gateway } } } }

return cards
