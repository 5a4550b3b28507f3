-- What goes on while the two parties of Dial are connected: the keys of features,
-- and the warnings before a limit.
--
-- Each feature parts the two for a moment: they are connected again unless it
-- ends the talk. The keys are those of the site's settings, features; see
-- settings.lua.

local arguments = require "asterisk.arguments"
local channel = require "asterisk.channel"
local flow = require "asterisk.flow"
local party = require "asterisk.party"

local talk = {}

local usual = { blindxfer = "#", disconnect = "*", featuredigittimeout = 1, transferdigittimeout = 3, transferdialattempts = 3 }

local function setting(ch, name)
  local features = ch:settings().features
  local value = features and features[name]
  if value == nil then return usual[name] end
  return value
end

-- Which features each party may use, by the letters of Dial.
local letters = {
  { name = "blindxfer", caller = "T", called = "t" },
  { name = "disconnect", caller = "H", called = "h" },
}

-- The codes that a party may enter: list of { code, name }.
local function codes(ch, options, from)
  local list = {}
  for _, feature in ipairs(letters) do
    local code = setting(ch, feature.name)
    if options[feature[from]] and code and code ~= "" then list[#list + 1] = { code, feature.name } end
  end
  return list
end

-- Follows the keys of one party: gives the feature whose code they make.
local function follower(ch, options, from)
  local list, entered, last = codes(ch, options, from), "", 0
  return function(key)
    local now = time.now()
    if now - last > setting(ch, "featuredigittimeout") then entered = "" end
    entered, last = entered .. key, now
    local begun = false
    for _, one in ipairs(list) do
      if one[1] == entered then
        entered = ""
        return one[2]
      end
      begun = begun or one[1]:sub(1, #entered) == entered
    end
    if not begun then entered = "" end
  end, #list > 0
end

-- The feature that was asked for, and by whom, is left in asked.
local function watch(ch, options, asked)
  local caller, any = follower(ch, options, "caller")
  local called, more = follower(ch, options, "called")
  if not any and not more then return nil end
  return function(key, from)
    local feature = (from == "caller" and caller or called)(key)
    if not feature then return end
    asked.feature, asked.by = feature, from
    return "hangup"
  end
end

-- Limits ----------------------------------------------------------------------------

local function yes(text)
  if text == "" then return nil end
  return text:lower():find "^%s*[yt1]" ~= nil or text:lower():find "^%s*on" ~= nil
end

-- The limit of L(x:y:z) and S(x): when the talk ends, and when warnings come.
function talk.limits(ch, options)
  local limits = { warnings = {} }
  if options.L then
    local parts = arguments.split(options.L, ":")
    local most, warning, again = arguments.number(parts[1]) / 1000, arguments.number(parts[2]) / 1000, arguments.number(parts[3]) / 1000
    if most <= 0 then
      log.warn("Dial: L(%s) has no limit, at %s", options.L, ch:place())
    else
      limits.ends = most
      while warning > most and again > 0 do warning = warning - again end
      while warning > 0 and warning <= most do
        limits.warnings[#limits.warnings + 1] = most - warning
        if again <= 0 then break end
        warning = warning - again
      end
      limits.caller, limits.called = yes(ch:get "LIMIT_PLAYAUDIO_CALLER"), yes(ch:get "LIMIT_PLAYAUDIO_CALLEE")
      if limits.caller == nil then limits.caller = true end
      if not limits.called and not limits.caller then limits.caller = true end
      limits.connect, limits.over = ch:get "LIMIT_CONNECT_FILE", ch:get "LIMIT_TIMEOUT_FILE"
      limits.warning = ch:get "LIMIT_WARNING_FILE"
    end
  end
  local most = options.S and arguments.number(options.S) or 0
  if most > 0 and most < (limits.ends or math.huge) then
    limits.ends, limits.over = most, nil
  end
  return limits
end

-- Says how much time is left, or plays the file that stands for it.
local function announce(call, file, left)
  if file == "" or file == "timeleft" then
    call:play "vm-youhave"
    local minutes = math.floor(left / 60)
    if minutes > 0 then
      call:say { number = minutes }
      call:play "queue-minutes"
    end
    local seconds = math.floor(left % 60)
    if seconds > 0 then
      call:say { number = seconds }
      call:play "queue-seconds"
    end
  else
    call:play(file)
  end
end

-- Plays something to those whom the warnings are for, at the same time.
local function to_both(ch, peer, limits, play)
  ch.call:all {
    function() if limits.caller then play(ch.call) end end,
    function() if limits.called then play(peer) end end,
  }
end

-- Transfers ---------------------------------------------------------------------------

-- Asks who transfers for a number, until it is one of the context's.
local function number(ch, asking, context)
  local seconds = setting(ch, "transferdigittimeout")
  for attempt = 1, setting(ch, "transferdialattempts") do
    local digits = asking:read {
      prompt = attempt == 1 and "pbx-transfer" or nil, min = 0, timeout = seconds, digit_timeout = seconds, terminators = "#", answer = false, flush = attempt == 1,
    } or ""
    if digits == "" then return nil end
    if flow.exists(ch, context, digits, 1) then return digits end
    asking:play "pbx-invalid"
  end
end

-- Where the numbers of a transfer are looked up.
function talk.transfer_context(ch)
  local context = ch:get "TRANSFER_CONTEXT"
  return context ~= "" and context or ch.context
end

-- The caller or the called party asked for a transfer. Returns true where the
-- two talk on, and otherwise what the dialplan does.
local function transfer(ch, peer, by)
  local context = talk.transfer_context(ch)
  local asking = by == "caller" and ch.call or peer
  local to = number(ch, asking, context)
  if not to then return true end
  if by == "called" then
    ch:set("BLINDTRANSFER", channel.of(peer):name())
    peer:hangup()
    ch:jump(context, to, 1)
    return false
  end
  party.channel(ch, peer):set("BLINDTRANSFER", ch:name())
  party.go_on(ch, peer, context, to, 1)
  return false, "hangup"
end

-- Talking -------------------------------------------------------------------------------

-- Connects the two. Returns the result of the last call:bridge, whether the
-- parties parted for a transfer or by a key, and then what the dialplan does.
function talk.connect(ch, peer, options)
  ch.connected = peer
  local limits, asked, began = talk.limits(ch, options), {}, time.now()
  local wanted = { keep = true, on_digit = watch(ch, options, asked), transfer_context = talk.transfer_context(ch) }
  if limits.connect and limits.connect ~= "" then to_both(ch, peer, limits, function(call) call:play(limits.connect) end) end
  local talked = 0
  while true do
    local warning = limits.warnings[1]
    local ends = warning or limits.ends
    wanted.limit = ends and math.max(began + ends - time.now(), 0.001) or nil
    asked.feature = nil
    local from = time.now()
    local result = ch.call:bridge(peer, wanted)
    talked = talked + time.now() - from
    result.talk_time = talked
    if asked.feature == "blindxfer" then
      local on, done = transfer(ch, peer, asked.by)
      if not on then return result, "transfer", done end
    elseif asked.feature == "disconnect" then
      peer:hangup()
      return result, "disconnect"
    elseif result.ended_by == "limit" and warning then
      table.remove(limits.warnings, 1)
      to_both(ch, peer, limits, function(call) announce(call, limits.warning, limits.ends - warning) end)
    elseif result.ended_by == "limit" then
      if limits.over and limits.over ~= "" then to_both(ch, peer, limits, function(call) call:play(limits.over) end) end
      peer:hangup()
      return result, "limit"
    else
      return result
    end
    if peer.state == "ended" then
      result.ended_by = "called"
      return result
    end
  end
end

return talk
