-- Applications that say where the dialplan goes on.

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local hours = require "asterisk.hours"
local registry = require "asterisk.registry"

-- Divides "condition?yes:no" into its three parts; those that are missing are nil.
-- Only ":" outside of parentheses and quotes divides.
local function branches(text)
  local question = text:find("?", 1, true)
  if not question then return text end
  local yes, no = text:sub(question + 1), nil
  local colon = yes:find(":", 1, true)
  if colon then yes, no = yes:sub(1, colon - 1), yes:sub(colon + 1) end
  return text:sub(1, question - 1), yes, no
end

local function take(ch, condition, yes, no)
  ch.taken = condition
  local where = condition and yes or no
  if not condition then where = no end
  where = where and arguments.trim(where) or ""
  if where == "" then return end
  return flow.go(ch, where)
end

registry.application("Goto", { run = function(ch, text)
  if text == "" then
    log.warn("Goto wants a priority, at %s", ch:place())
    return "hangup"
  end
  return flow.go(ch, text)
end })

registry.application("GotoIf", { run = function(ch, text)
  local condition, yes, no = branches(text)
  return take(ch, arguments.truth(condition), yes, no)
end })

registry.application("GotoIfTime", { run = function(ch, text)
  local spec, yes, no = branches(text)
  -- times hold colons: the one that divides comes after the question mark
  local inside, problem = hours.inside(spec, time.now())
  if problem then log.warn("GotoIfTime: %s, at %s", problem, ch:place()) end
  return take(ch, inside, yes, no)
end })

registry.application("NoOp", { run = function() end })

registry.application("Wait", { run = function(ch, text)
  local seconds = arguments.number(text)
  if seconds > 0 then ch.call:wait(seconds) end
end })

registry.application("WaitUntil", { run = function(ch, text)
  local at = arguments.number(text)
  local seconds = at - time.now()
  if text == "" or at == 0 then
    ch:set("WAITUNTILSTATUS", "FAILURE")
  elseif seconds < 0 then
    ch:set("WAITUNTILSTATUS", "PAST")
  else
    ch.call:wait(seconds)
    ch:set("WAITUNTILSTATUS", "OK")
  end
end })

local causes = {
  NORMAL = 16, NORMAL_CLEARING = 16, USER_BUSY = 17, BUSY = 17, NOANSWER = 19, NO_ANSWER = 19, NO_USER_RESPONSE = 18,
  CALL_REJECTED = 21, UNALLOCATED = 1, UNREGISTERED = 20, CONGESTION = 34, NORMAL_CIRCUIT_CONGESTION = 34, FAILURE = 38,
  NORMAL_UNSPECIFIED = 31, NOSUCHDRIVER = 66, INVALID_NUMBER_FORMAT = 28, NETWORK_OUT_OF_ORDER = 38, INTERWORKING = 127,
}

registry.application("Hangup", { run = function(ch, text)
  local cause = tonumber(text:match "^%s*(%d+)%s*$") or causes[text:upper():gsub("^AST_CAUSE_", "")]
  if text ~= "" and not cause then log.warn("Hangup: there is no cause '%s'; 16 is taken", text) end
  ch.cause = cause or 16
  ch.ended = "app"
  ch.call:hangup(ch.cause > 0 and ch.cause <= 127 and ch.cause or 16)
end })

registry.application("SoftHangup", {
  level = "approximate", note = "can hang up its own channel only",
  run = function(ch, text)
    local name = arguments.split(text)[1] or ""
    if name == ch:name() then return "hangup" end
  end,
})

registry.application("ChannelRedirect", {
  level = "approximate", note = "can redirect its own channel only",
  run = function(ch, text)
    local name, place = text:match "^([^,]*),(.*)$"
    if name ~= ch:name() then
      ch:set("CHANNELREDIRECT_STATUS", "NOCHANNEL")
      return
    end
    ch:set("CHANNELREDIRECT_STATUS", "SUCCESS")
    return flow.go(ch, place)
  end,
})

registry.application("RaiseException", { run = function(ch, text)
  if flow.exception(ch, text) then ch.jumped = true else return "hangup" end
end })

registry.application("WaitExten", {
  options = "d", partly = { m = "is silent: there is no music on hold" },
  run = function(ch, text)
    local parts = arguments.split(text)
    local seconds = arguments.number(parts[1])
    if seconds <= 0 then seconds = ch.timeouts.response or 10 end
    ch.call:read { flush = true, max = 1, timeout = 0, answer = false, terminators = "" }
    local key = flow.key(ch, seconds)
    if key then return "digit", key end
    if flow.exists(ch, ch.context, ch.exten, ch.priority + 1) then return end
    if flow.exists(ch, ch.context, "t", 1) then return ch:jump(ch.context, "t", 1) end
    if flow.exception(ch, "RESPONSETIMEOUT") then
      ch.jumped = true
      return
    end
    log.warn("nothing was dialled in context '%s', which has no t", ch.context)
    ch.ended = "timeout"
    return "hangup"
  end,
})

registry.application("Incomplete", { options = "n", run = function(ch, text)
  if text ~= "n" then ch.call:answer() end
  return "incomplete"
end })
