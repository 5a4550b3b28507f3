-- Functions about the channel: CHANNEL, TIMEOUT, CDR and variables of kinds.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

local states = { trying = "Ring", ringing = "Ring", early = "Ring", answered = "Up" }

-- What CHANNEL() gives of itself; other items are those that were set.
local items = {
  name = function(ch) return ch:name() end,
  state = function(ch)
    if ch.call.state == "ended" then return ch.wasAnswered and "Up" or "Ring" end
    return states[ch.call.state]
  end,
  language = function(ch) return ch.call.language ~= "" and ch.call.language or "en" end,
  uniqueid = function(ch) return ch.call.id end,
  linkedid = function(ch) return ch:get "LINKEDID" end,
  channeltype = function(ch) return ch:technology() end,
  context = function(ch) return ch.context end,
  exten = function(ch) return ch.exten end,
  peername = function(ch) return ch.call.peer end,
  peerip = function() return "" end,
  from = function(ch) return ch.call.headers["From"] or "" end,
  amaflags = function(ch) return ch.facts.amaflags or "3" end,
  musicclass = function(ch) return ch.facts.musicclass or "" end,
  accountcode = function(ch) return ch.facts.accountcode or "" end,
  parkinglot = function(ch) return ch.facts.parkinglot or "" end,
  hangupsource = function(ch) return ch.facts.hangupsource or "" end,
  onhold = function(ch) return ch.call.held and "1" or "0" end,
  audioreadformat = function() return "slin" end,
  audiowriteformat = function() return "slin" end,
  audionativeformat = function() return "ulaw" end,
  transfercapability = function() return "SPEECH" end,
  userfield = function(ch) return ch.facts.userfield or "" end,
  callgroup = function(ch) return ch.facts.callgroup or "" end,
  pickupgroup = function(ch) return ch.facts.pickupgroup or "" end,
  ["rtp,dest"] = function() return "" end,
  secure_bridge_signaling = function() return "" end,
  secure_bridge_media = function() return "" end,
  recvip = function() return "" end,
  useragent = function(ch) return ch.call.headers["User-Agent"] or "" end,
  callid = function(ch) return ch.call.headers["Call-ID"] or ch.call.id end,
  dtmf_features = function() return "" end,
}

items.pjsip = function(ch, what) return ({ callid = items.callid(ch) })[what] or "" end

local settable = {
  language = function(ch, value) ch.call.language = value end,
  hangup_handler_push = function(ch, value) ch.handlers[#ch.handlers + 1] = value end,
  hangup_handler_pop = function(ch, value)
    table.remove(ch.handlers)
    if value ~= "" then ch.handlers[#ch.handlers + 1] = value end
  end,
  hangup_handler_wipe = function(ch, value)
    ch.handlers = {}
    if value ~= "" then ch.handlers[1] = value end
  end,
}

local kept = {
  accountcode = true, musicclass = true, amaflags = true, parkinglot = true, userfield = true, tonezone = true, rxgain = true, txgain = true,
  callgroup = true, pickupgroup = true, transfercapability = true, hangupsource = true, namedcallgroup = true, namedpickupgroup = true,
  peeraccount = true, secure_bridge_signaling = true, secure_bridge_media = true, trace = true, max_forwards = true, dtmf_features = true,
}

-- Of these, those that are in the record of the call.
local recorded = { accountcode = true, userfield = true, amaflags = true }

registry.func("CHANNEL", {
  read = function(ch, text)
    local item, rest = text:lower():match "^%s*([^,%s]*)%s*,?(.*)$"
    if items[item] then return items[item](ch, rest) end
    if ch.facts[item] and kept[item] then return ch.facts[item] end
    log.warn("CHANNEL: there is no item '%s', at %s", text, ch:place())
    return ""
  end,
  write = function(ch, text, value)
    local item = arguments.trim(text):lower()
    if settable[item] then return settable[item](ch, value) end
    if kept[item] then
      if recorded[item] then ch:keep(item, value) else ch.facts[item] = value end
      return
    end
    log.warn("CHANNEL: there is no item '%s' to be set, at %s", text, ch:place())
  end,
})

registry.func("LANGUAGE", {
  read = function(ch) return items.language(ch) end,
  write = function(ch, _, value) ch.call.language = value end,
})

-- Timeouts ------------------------------------------------------------------------

local standard = { digit = 5, response = 10 }

-- Sets when the call is to be at its end, whatever it does; see flow.timed.
local function absolute(ch, seconds)
  ch.absoluteEnd = seconds > 0 and time.now() + seconds or nil
end

registry.func("TIMEOUT", {
  read = function(ch, text)
    local kind = text:lower()
    if kind == "absolute" then
      if not ch.absoluteEnd then return "0.000" end
      return ("%.3f"):format(math.max(ch.absoluteEnd - time.now(), 0))
    end
    if not standard[kind] then
      log.warn("TIMEOUT: there is no '%s'", text)
      return ""
    end
    return ("%.3f"):format(ch.timeouts[kind] or standard[kind])
  end,
  write = function(ch, text, value)
    local kind, seconds = text:lower(), arguments.number(value)
    if kind == "absolute" then return absolute(ch, seconds) end
    if not standard[kind] then
      log.warn("TIMEOUT: there is no '%s'", text)
      return
    end
    ch.timeouts[kind] = seconds > 0 and seconds or nil
  end,
})

-- The record of the call ---------------------------------------------------------------

local record = {
  src = function(ch) return ch.call.caller.number end,
  clid = function(ch) return ch:fn("CALLERID", "all") end,
  dst = function(ch) return ch.exten end,
  dcontext = function(ch) return ch.context end,
  channel = function(ch) return ch:name() end,
  dstchannel = function(ch) return ch:get "DIALEDPEERNAME" end,
  lastapp = function(ch) return ch.application or "" end,
  lastdata = function() return "" end,
  uniqueid = function(ch) return ch.call.id end,
  linkedid = function(ch) return ch:get "LINKEDID" end,
  accountcode = function(ch) return ch.facts.accountcode or "" end,
  amaflags = function(ch) return ch.facts.amaflags or "3" end,
  disposition = function(ch)
    if ch.call.state == "answered" then return "ANSWERED" end
    return ({ BUSY = "BUSY", CONGESTION = "CONGESTION" })[ch:get "DIALSTATUS"] or "NO ANSWER"
  end,
  userfield = function(ch) return ch.facts.userfield or "" end,
  start = function(ch) return time.format(ch.began, "%Y-%m-%d %H:%M:%S") end,
  duration = function(ch) return ("%d"):format(math.floor(time.now() - ch.began)) end,
  billsec = function(ch) return ch:get "ANSWEREDTIME" ~= "" and ch:get "ANSWEREDTIME" or "0" end,
  sequence = function() return "0" end,
}

registry.func("CDR", {
  level = "approximate", note = "what is set goes into the record of the call; times count from where the dialplan took the call",
  read = function(ch, text)
    local name = arguments.split(text)[1] or ""
    local own = ch.facts["cdr " .. name]
    if own then return own end
    local field = record[name:lower()]
    return field and field(ch) or ""
  end,
  write = function(ch, text, value)
    local name = arguments.split(text)[1] or ""
    if recorded[name] then return ch:keep(name, value) end
    ch.facts["cdr " .. name], ch.call.fields[name] = value, value
  end,
})

registry.func("CDR_PROP", { level = "approximate", note = "the record of the call is kept", write = function() end })

-- Variables of kinds ---------------------------------------------------------------------

registry.func("GLOBAL", {
  read = function(ch, text) return ch:global(text) or "" end,
  write = function(ch, text, value) ch:set_global(text, value) end,
})

registry.func("LOCAL", {
  read = function(ch, text)
    local frame = ch:frame()
    return frame and frame.locals[text] and ch.vars[text] or ""
  end,
  write = function(ch, text, value)
    local frame = ch:frame()
    if not frame then
      log.error("LOCAL(%s) outside of a routine, at %s", text, ch:place())
      return
    end
    ch:set_local(frame, text, value)
  end,
})

registry.func("LOCAL_PEEK", { read = function(ch, text)
  local depth, name = text:match "^%s*(%d+),(.*)$"
  if not depth then return "" end
  local value = ch.vars[name]
  local index = #ch.stack
  for _ = 1, tonumber(depth) do
    while index > 0 and not ch.stack[index].locals[name] do index = index - 1 end
    if index == 0 then return "" end
    value = ch.stack[index].locals[name].before
    index = index - 1
  end
  return value or ""
end })

registry.func("STACK_PEEK", { read = function(ch, text)
  local parts = arguments.split(text)
  local depth, what = arguments.whole(parts[1]), parts[2] or ""
  local frame = ch.stack[#ch.stack - depth + 1]
  if depth < 1 or not frame then
    if parts[3] ~= "1" then log.error("STACK_PEEK: there is no frame %d", depth) end
    return ""
  end
  local context, exten, priority = frame.place[1], frame.place[2], frame.place[3] - 1
  what = what:sub(1, 1):lower()
  if what == "c" then return context elseif what == "e" then return exten elseif what == "p" then return priority end
  if what == "l" then return ("%s,%s,%d"):format(context, exten, priority) end
  return ""
end })

local function sharedKey(ch, text)
  local name, other = text:match "^([^,]*),?(.*)$"
  return "asterisk shared " .. (other ~= "" and other or ch:name()), name
end

registry.func("SHARED", {
  read = function(ch, text)
    local family, name = sharedKey(ch, text)
    if name == "" then return "" end
    return store.get(family, name) or ""
  end,
  write = function(ch, text, value)
    local family, name = sharedKey(ch, text)
    if name ~= "" then store.put(family, name, value, { ttl = 24 * 3600 }) end
    ch:changed("SHARED(" .. name .. ")", value)
  end,
})

registry.func("MASTER_CHANNEL", {
  read = function(ch, text) return ch:get(text) end,
  write = function(ch, text, value) ch:set(text, value) end,
  level = "approximate", note = "is the channel itself",
})

registry.func("IMPORT", { level = "approximate", note = "other channels cannot be reached", read = function() return "" end })

registry.func("EXCEPTION", { read = function(ch, text)
  local exception = ch.exception
  if not exception then return "" end
  local item = text:lower()
  if item == "reason" then return exception.reason
  elseif item == "context" then return exception.context
  elseif item == "exten" then return exception.exten
  elseif item == "priority" then return exception.priority end
  return ""
end })

registry.func("HANGUPCAUSE", {
  level = "approximate", note = "knows the channel itself, and the cause as Asterisk's number",
  read = function(ch, text)
    local item = text:match ",%s*(%w+)"
    local cause = ch:get "HANGUPCAUSE"
    return item == "tech" and "SIP " .. cause or cause
  end,
})
registry.func("HANGUPCAUSE_KEYS", { level = "approximate", note = "lists the channel that was dialled last", read = function(ch) return ch:get "DIALEDPEERNAME" end })

for _, name in ipairs { "JITTERBUFFER", "VOLUME", "DENOISE", "AGC", "AUDIOHOOK_INHERIT", "TALK_DETECT", "SPEEX", "BLOCKTRANSFER" } do
  registry.func(name, { level = "approximate", note = "makes no difference here", read = function() return "" end, write = function() end })
end
