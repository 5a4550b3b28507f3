-- queues.conf, queuerules.conf and agents.conf.

local keys = require "config.keys"

local queues = {}

local reason = "this version of moonwire has no queues"
local script = "a script can do it with call:dial around a loop"

queues.read = keys.reader {
  reason = reason,
  sections = {
    general = {
      plain = [[persistentmembers keepstats autofill monitor-type updatecdr shared_lastcall negative_penalty_invalid
        log_membername_as_agent log_restricted_caller_id force_longest_waiting_caller]],
    },
    other = {
      head = { reason = reason, suggestion = 'ring its members: call:dial { "sip/1001", "sip/1002", timeout = 15, hunt = true }' },
      plain = [[autofill autopausebusy eventmemberstatus eventwhencalled setinterfacevar setqueuevar setqueueentryvar
        reportholdtime memberdelay timeoutrestart monitor-type shared_lastcall ringinuse]],
      member = { suggestion = "name it as a target of call:dial" },
      musicclass = { suggestion = 'the ringback of call:dial may be a sound' }, music = { suggestion = 'the ringback of call:dial may be a sound' },
      strategy = { suggestion = "call:dial rings all at once, or with hunt = true one after the other" },
      timeout = { suggestion = "the timeout of call:dial" },
      ["announce-frequency"] = { off = true, suggestion = script },
      ["announce-holdtime"] = { off = true, suggestion = script },
      ["announce-position"] = { off = true, suggestion = script },
      ["periodic-announce-frequency"] = { off = true, suggestion = script },
      ["monitor-format"] = { reason = "calls of queues are not recorded", suggestion = "call:record" },
      context = { reason = "who waits cannot leave by a key", suggestion = "cancel_on of call:dial is the key to leave by" },
      autopause = { off = true }, wrapuptime = { off = true }, weight = { off = true }, maxlen = { off = true },
      joinempty = { unless = "yes" }, leavewhenempty = { off = true }, retry = {}, announce = {},
    },
  },
}

queues.rules = keys.reader {
  reason = "penalties of queues are not there",
  sections = { general = { plain = "realtime_rules" }, other = { head = {} } },
}

queues.agents = keys.reader {
  reason = "agents who log in are not there",
  sections = {
    general = { plain = "persistentagents multiplelogin" },
    other = {
      plain = "ackcall acceptdtmf updatecdr group",
      agent = { suggestion = "declare a sip.phone for each" },
      fullname = { suggestion = "the caller_id of the agent's phone" },
    },
  },
}

return queues
