-- Dial, and what is like it.

local arguments = require "asterisk.arguments"
local channel = require "asterisk.channel"
local flow = require "asterisk.flow"
local party = require "asterisk.party"
local registry = require "asterisk.registry"
local screening = require "asterisk.screening"
local talk = require "asterisk.talk"
local targets = require "asterisk.targets"

local words = {
  answered = "ANSWER", busy = "BUSY", noanswer = "NOANSWER", cancelled = "CANCEL", congestion = "CONGESTION", unavailable = "CHANUNAVAIL",
}

-- What the answering party's routine decided: nothing to connect the two, or
-- what the caller is to do instead.
local function verdict(other, name)
  local result = other:get(name)
  if result == "ABORT" then return { hangup = true } end
  if result == "CONGESTION" or result == "BUSY" then return { status = result } end
  if result == "CONTINUE" then return { continue = true } end
  local to = result:match "^GOTO:(.*)$"
  if to then return { go = party.place(to) } end
end

-- What the caller hears while it rings.
local function ringback(ch, options)
  if options.r or options.R then return "tone" end
  if not options.m then return true end
  local music = ch:settings().music
  local class = options.m ~= "" and options.m or ch.facts.musicclass or "default"
  return music and (music[class] or music.default) or false
end

local presentations = { allowed = "allowed", prohib = "withheld", unavailable = "unavailable" }

-- Who is shown to the called party.
local function shown(ch, options)
  local number = options.f or options.o
  local who
  if number and number ~= "" then who = { number = number:match "<(.-)>" or number, name = number:match '^"?(.-)"?%s*<' or "" }
  elseif options.o and ch.facts.original then who = ch.facts.original end
  if options.u then
    who = who or {}
    who.presentation = presentations[options.u:match "^%a*"] or "unavailable"
  end
  return who
end

-- The keys that lead out of the ringing: with d those that are extensions of one
-- digit. Returns them and the context.
local function exits(ch, options)
  if not options.d then return options.H and "*" or nil end
  local context = ch:get "EXITCONTEXT"
  if context == "" then context = ch.context end
  local keys = options.H and "*" or ""
  for key in ("0123456789*#"):gmatch "." do
    if flow.exists(ch, context, key, 1) then keys = keys .. key end
  end
  return keys ~= "" and keys or nil, context
end

-- The options of call:dial that those of Dial come to.
local function translated(ch, options, timeout, outcome)
  local wanted = {
    timeout = timeout, ringback = ringback(ch, options), caller = shown(ch, options), language = ch.call.language, country = ch:settings().country,
    bridge = false, answer = false, headers = ch:headers(outcome.inside),
  }
  wanted.cancel_on, outcome.exits = exits(ch, options)
  if options.c then wanted.cancel_cause = 26 end
  if options.Q then wanted.cancel_cause = options.Q == "none" and 0 or tonumber(options.Q) or options.Q:lower():gsub("_", " ") end
  if options.b then
    local expected = {}
    wanted.each = function(target)
      local other = party.expected(ch, target)
      flow.handler(other, party.place(options.b))
      expected[target] = other
      return { headers = other:headers(target:find "^local/" ~= nil) }
    end
    wanted.on_called = function(peer, target) party.arrived(ch, expected[target], peer) end
  end
  return wanted
end

-- Notes what came of it in the variables that a dialplan looks at.
local function note(ch, result, outcome, began)
  local status = words[result.status] or "CHANUNAVAIL"
  local cause = result.cause or 0
  -- A local channel ends without a cause of its own where it is busy or nobody
  -- answers, and any other cause than a known one is a channel that is not there.
  if outcome.inside and (status == "BUSY" and cause == 21) then status = "CHANUNAVAIL" end
  if outcome.inside and (status == "BUSY" or status == "CONGESTION") or status == "NOANSWER" and not result.sip then cause = 0 end
  if outcome.status then status = outcome.status end
  ch:set("DIALSTATUS", status)
  ch:set("DIALEDTIME", ("%d"):format(math.floor(time.now() - began)))
  if result.talk_time then ch:set("ANSWEREDTIME", ("%d"):format(math.floor(result.talk_time))) end
  ch.dialcause, ch.hangupcause = result.cause, cause
  if result.status == "unavailable" and not result.sip and outcome.unknown then ch.hangupcause = 66 end
  return status
end

-- G: both parties go on in the dialplan, each by itself, the called one a
-- priority further.
local function split(ch, peer, where)
  local context, extension, priority = flow.place(ch, party.place(where))
  if not context then
    peer:hangup()
    return "hangup"
  end
  party.go_on(ch, peer, context, extension, priority + 1)
  ch:jump(context, extension, priority)
end

-- F: where the called party goes on when the caller has hung up.
local function afterwards(ch, peer, where)
  local context, extension, priority = ch.context, ch.exten, ch.priority + 1
  if where ~= "" then context, extension, priority = flow.place(ch, party.place(where)) end
  if context then party.go_on(ch, peer, context, extension, priority, "left") end
end

-- A(x:y): the called party hears x and the caller y, at the same time.
local function announce(ch, peer, text)
  local called, caller = text:match "^([^:]*):?(.*)$"
  ch.call:all {
    function() if called ~= "" then peer:play(called) end end,
    function() if caller ~= "" then ch.call:play(caller) end end,
  }
end

-- Presses the keys of D(called:calling) for the two parties.
local function press(ch, peer, text)
  local called, calling = text:match "^([^:]*):?([^:]*)"
  if called ~= "" then peer:send_dtmf((called:gsub("W", "w"))) end
  if calling ~= "" then
    ch.call:answer()
    ch.call:send_dtmf((calling:gsub("W", "w")))
  end
end

-- What the called party goes through before the two are connected. Returns
-- nothing, or what the caller is to do instead.
local function received(ch, peer, options, screen)
  if screen then
    local status = screening.decide(screen, ch, peer)
    if status then return { status = status } end
  end
  if options.A and options.A ~= "" then announce(ch, peer, options.A) end
  if options.G then return { split = options.G } end
  local instead
  if options.M then instead = verdict(party.macro(ch, options.M, peer), "MACRO_RESULT") end
  if not instead and options.U then instead = verdict(party.subroutine(ch, options.U, peer), "GOSUB_RESULT") end
  return instead
end

-- What Dial does when somebody has answered. Returns as applications do.
local function answered(ch, result, options, outcome, began)
  local peer = result.peer
  outcome.peer = peer
  ch:set("DIALEDPEERNAME", channel.of(peer):name())
  ch:set("DIALEDPEERNUMBER", outcome.written[result.answered_by] or peer.extension)
  ch:set("DIALSTATUS", "ANSWER")
  local instead = received(ch, peer, options, outcome.screen)
  if instead then
    outcome.status = instead.status
    note(ch, result, outcome, began)
    if instead.split then return split(ch, peer, instead.split) end
    if peer.state ~= "ended" then peer:hangup() end
    if instead.go then return flow.go(ch, instead.go) end
    if instead.hangup then return "hangup" end
    return
  end
  if options.D then press(ch, peer, options.D) end
  if options.F then afterwards(ch, peer, options.F) end
  if options.e then ch.call:on_hangup(function() party.ended(ch, peer) end) end
  ch.call:answer()
  local last, how, done = talk.connect(ch, peer, options)
  ch.connected = nil
  note(ch, last, outcome, began)
  if options.e then party.ended(ch, peer) end
  if how == "transfer" then return done end
  if last.transfer or how == "disconnect" and not options.g then return "hangup" end
  if options.g then return end
  ch.cause = last.cause or 16
  return "hangup"
end

-- Whether Dial goes on at priority n+101, for option j of old times or because
-- the settings say so.
local function failed(ch)
  local status = ch:get "DIALSTATUS"
  return status == "BUSY" or status == "CONGESTION" or status == "CHANUNAVAIL"
end

-- What the dialplan does after nobody has answered.
local function unanswered(ch, result, options, outcome, began)
  note(ch, result, outcome, began)
  if result.key and options.d and outcome.exits and flow.exists(ch, outcome.exits, result.key, 1) then
    return ch:jump(outcome.exits, result.key, 1)
  end
  if options.j and ch:older(1.6) and failed(ch) and flow.exists(ch, ch.context, ch.exten, ch.priority + 101) then
    ch:jump(ch.context, ch.exten, ch.priority + 101)
  end
end

local function dial(ch, text)
  local parts = arguments.split(text, ",", 4)
  local list, timeout = parts[1] or "", arguments.number(parts[2])
  local options = arguments.options(parts[3])
  for _, name in ipairs { "DIALSTATUS", "DIALEDPEERNUMBER", "DIALEDPEERNAME", "ANSWEREDTIME", "DIALEDTIME" } do
    if ch.vars[name] then ch:set(name, "") end
  end
  if list == "" then
    log.warn("Dial wants somebody to call, at %s", ch:place())
    ch:set("DIALSTATUS", "CHANUNAVAIL")
    return
  end
  if ch.over then -- in extension h there is nobody left to be connected
    ch:set("DIALSTATUS", "CANCEL")
    return "hangup"
  end
  if options.a then ch.call:answer() end
  local screen, refused = screening.introduce(ch, options)
  if refused then
    ch:set("DIALSTATUS", refused)
    return
  end
  if options.B then flow.handler(ch, party.place(options.B)) end
  local called, written, about = targets.list(list)
  local outcome = { unknown = about.unknown, inside = about.inside, written = written, screen = screen }
  local wanted = translated(ch, options, timeout > 0 and timeout or 24 * 3600, outcome)
  local began = time.now()
  local result = ch.call:dial(called, wanted)
  if result.status == "answered" then return answered(ch, result, options, outcome, began) end
  return unanswered(ch, result, options, outcome, began)
end

local recording = "nothing is recorded: there is no recording of both parties"
local parking = "calls cannot be parked"

registry.application("Dial", {
  options = "aAbBcdDefFgGhHjLMnNopPQrRStTuU",
  ignored = "IO", -- of connected lines, which are not passed on here, and of DAHDI
  partly = {
    m = "what music.NAME of the settings names is played, and silence without it",
    w = recording, W = recording, x = recording, X = recording, k = parking, K = parking,
    C = "the record of the call goes on", i = "who is called may forward the call", z = "the time goes on when a call is forwarded",
    s = "calls have no tag", E = "has no meaning here",
  },
  run = dial, jump = failed,
})

registry.application("RetryDial", {
  options = "aAbBcdDefFghHjLMnNopPQrRStTuU", ignored = "IO",
  run = function(ch, text)
    local parts = arguments.split(text, ",", 4)
    local announce, pause, times = parts[1] or "", arguments.number(parts[2]), arguments.whole(parts[3])
    if times <= 0 then times = 1 end
    for attempt = 1, times do
      local result, key = dial(ch, parts[4] or "")
      local status = ch:get "DIALSTATUS"
      if result or ch.jumped or status == "ANSWER" or attempt == times then return result, key end
      if announce ~= "" then ch.call:play(announce) end
      ch.call:wait(pause)
    end
  end,
})

registry.application("ChanIsAvail", {
  ignored = "asjt", level = "approximate", note = "takes every phone that was declared for available",
  run = function(ch, text)
    local first = arguments.split(text)[1] or ""
    local one = first:match "^[^&]*"
    ch:set("AVAILCHAN", one)
    ch:set("AVAILORIGCHAN", one)
    ch:set("AVAILSTATUS", "0")
  end,
})
