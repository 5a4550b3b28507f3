-- followme.conf: numbers that are tried one after the other.

local keys = require "config.keys"

return keys.reader {
  reason = "this version of moonwire has no follow-me",
  sections = {
    general = { plain = "featuredigittimeout takecall declinecall call_from_prompt norecording_prompt options_prompt hold_prompt status_prompt sorry_prompt connecting_prompt" },
    other = {
      head = { suggestion = 'call:dial { "sip/1001", "sip/0612345678@provider", hunt = true, on_answer = … } does it' },
      plain = "takecall declinecall call_from_prompt norecording_prompt options_prompt hold_prompt status_prompt sorry_prompt connecting_prompt enable_callee_prompt",
      number = { suggestion = "name it as a target of call:dial with hunt = true" },
      context = { suggestion = "numbers of a context are dialled as local/NUMBER@CONTEXT" },
      musicclass = { suggestion = "the ringback of call:dial may be a sound" },
    },
  },
}
