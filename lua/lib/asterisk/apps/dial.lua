-- Dial, and what is like it.

local arguments = require "asterisk.arguments"
local channel = require "asterisk.channel"
local flow = require "asterisk.flow"
local registry = require "asterisk.registry"
local targets = require "asterisk.targets"

local words = {
  answered = "ANSWER", busy = "BUSY", noanswer = "NOANSWER", cancelled = "CANCEL", congestion = "CONGESTION", unavailable = "CHANUNAVAIL",
}

-- Turns "context^extension^priority" into a place as Goto reads it.
local function place(text) return (text:gsub("%^", ",")) end

-- Runs a macro or a routine on another channel than the call's own, until it is
-- over. Returns that channel.
local function aside(ch, peer, run)
  local other = channel.of(peer)
  other.aside = peer
  other.context, other.exten, other.priority = ch.context, ch.exten, ch.priority
  for _, one in ipairs(ch:inherited()) do other:set(one[1], one[2]) end
  run(other)
  return other
end

local function routine(ch, text, peer, defaults)
  return aside(ch, peer, function(other)
    other.context, other.exten = defaults.context or other.context, defaults.exten or other.exten
    flow.handler(other, text)
  end)
end

-- U(name^arguments): a routine of its own context, from s,1.
local function subroutine(ch, text, peer)
  local values = arguments.raw(text, "^")
  local name = table.remove(values, 1)
  if name:find(",", 1, true) then return routine(ch, name .. "(" .. table.concat(values, ",") .. ")", peer, {}) end
  return routine(ch, ("%s,s,1(%s)"):format(name, table.concat(values, ",")), peer, {})
end

-- M(name^arguments): a macro.
local function macro(ch, text, peer)
  return aside(ch, peer, function(other)
    flow.run(other, "Macro", (text:gsub("%^", ",")))
  end)
end

-- b(context^extension^priority(arguments)): before a party is called, and B for
-- the caller: a routine.
local function before(ch, text)
  flow.handler(ch, place(text))
end

-- What the answering party's routine decided: true to connect, false to let it
-- go; and what the caller is to do then.
local function verdict(ch, other, name)
  local result = other:get(name)
  if result == "" then return true end
  if result == "ABORT" then return false, { hangup = true } end
  if result == "CONGESTION" or result == "BUSY" then return false, { status = result } end
  if result == "CONTINUE" then return false, { continue = true } end
  local to = result:match "^GOTO:(.*)$"
  if to then return false, { go = place(to) } end
  return true
end

-- The keys that end a talk: * where H or h allow it, and #1… are for transfers,
-- which phones ask for by themselves.
local function keys(options)
  return function(key, from)
    if key ~= "*" then return end
    if from == "caller" and options.H or from == "called" and options.h then return "hangup" end
  end
end

local function limits(options)
  if options.S then return arguments.number(options.S) end
  if options.L then return arguments.number(options.L:match "^[^:]*") / 1000 end
end

-- What the caller hears while it rings.
local function ringback(options)
  if options.r or options.R then return "tone" end
  if options.m then return false end
  return true
end

-- Who is shown to the called party.
local function shown(ch, options)
  local number = options.f or options.o
  if number and number ~= "" then return { number = number:match "<(.-)>" or number, name = number:match '^"?(.-)"?%s*<' or "" } end
  if options.o and ch.facts.original then return ch.facts.original end
end

-- The options of call:dial that those of Dial come to.
local function translated(ch, options, timeout, outcome)
  local wanted = {
    timeout = timeout, ringback = ringback(options), limit = limits(options), caller = shown(ch, options),
    cancel_on = options.H and "*" or options.d and "0123456789*#" or nil,
    language = ch.call.language, country = ch:settings().country,
    transfer_context = ch:get "TRANSFER_CONTEXT" ~= "" and ch:get "TRANSFER_CONTEXT" or ch.context,
    on_digit = (options.h or options.H) and keys(options) or nil,
  }
  if options.D then
    local digits = options.D:match "^[^:]*"
    if digits ~= "" then wanted.digits = digits end
  end
  wanted.on_answer = function(peer)
    outcome.peer = peer
    ch:set("DIALEDPEERNAME", channel.of(peer):name())
    ch:set("DIALEDPEERNUMBER", outcome.written[peer.endpoint .. "/" .. peer.extension] or peer.extension)
    ch:set("DIALSTATUS", "ANSWER")
    local other, name
    if options.A and options.A ~= "" then peer:play(options.A:match "^[^:]*") end
    if options.M then other, name = macro(ch, options.M, peer), "MACRO_RESULT"
    elseif options.U then other, name = subroutine(ch, options.U, peer), "GOSUB_RESULT" end
    if other then
      local go, instead = verdict(ch, other, name)
      if not go then
        outcome.instead = instead
        return false
      end
    end
    if options.G then
      outcome.split = options.G
      return true
    end
    return true
  end
  if options.G then wanted.bridge = false end
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
  if outcome.instead and outcome.instead.status then status = outcome.instead.status end
  if outcome.instead and not outcome.instead.status then status = "ANSWER" end
  ch:set("DIALSTATUS", status)
  ch:set("DIALEDTIME", ("%d"):format(math.floor(result.duration or time.now() - began)))
  if result.talk_time then ch:set("ANSWEREDTIME", ("%d"):format(math.floor(result.talk_time))) end
  ch.dialcause, ch.hangupcause = result.cause, cause
  if result.status == "unavailable" and not result.sip and outcome.unknown then ch.hangupcause = 66 end
  return status
end

-- Both parties go on in the dialplan, each by itself.
local function split(ch, result, where)
  local peer = result.peer
  local context, extension, priority = flow.place(ch, place(where))
  if not context then return "hangup" end
  ch:jump(context, extension, priority)
  if peer then peer:hangup() end
end

-- What the dialplan does after Dial.
local function after(ch, options, result, outcome, status)
  local instead = outcome.instead
  if instead then
    if instead.go then return flow.go(ch, instead.go) end
    if instead.hangup then return "hangup" end
    return
  end
  if result.key and options.d then return "digit", result.key end
  if result.transfer then
    ch:set("BLINDTRANSFER", outcome.peer and channel.of(outcome.peer):name() or "")
    return flow.go(ch, ch.context .. "," .. result.transfer .. ",1")
  end
  if outcome.split and result.status == "answered" then return split(ch, result, outcome.split) end
  if status ~= "ANSWER" then return end
  if options.g then return end
  ch.cause = result.cause or 16
  return "hangup"
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
  if options.B then before(ch, options.B) end
  local called, written, about = targets.list(list)
  local outcome = { unknown = about.unknown, inside = about.inside, written = written }
  local wanted = translated(ch, options, timeout > 0 and timeout or 24 * 3600, outcome)
  wanted.headers = ch:headers(about.inside)
  local began = time.now()
  local result = ch.call:dial(called, wanted)
  local status = note(ch, result, outcome, began)
  return after(ch, options, result, outcome, status)
end

-- Whether Dial jumps to priority n+101, in dialplans that ask for that.
local function failed(ch)
  local status = ch:get "DIALSTATUS"
  return status == "BUSY" or status == "CONGESTION" or status == "CHANUNAVAIL"
end

registry.application("Dial", {
  options = "aABdDfgGhHLmMorRStTU", ignored = "bcCeEFiIjkKnNOpPQsuwWxXz",
  run = dial, jump = failed,
})

registry.application("RetryDial", {
  options = "aABdDfghHLMmRrSU",
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
