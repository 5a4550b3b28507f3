-- A caller leaves a message.
--
-- What was recorded is a draft until the mailbox takes it. The caller may hang up
-- at any moment; what was recorded by then is delivered after the call, so both
-- ways lead through the same function (delivery.send).

local greeting = require "voicemail.greeting"
local speak = require "voicemail.speak"
local take = require "voicemail.take"

-- The mailboxes that "101@sales&102@sales", or a list, names.
local function found(addresses)
  local list = {}
  if type(addresses) == "string" then addresses = { addresses } end
  for _, several in ipairs(addresses) do
    for address in several:gmatch "[^&%s]+" do
      local box = mailboxes.find(address)
      if box then
        list[#list + 1] = box
      else
        log.warn("there is no mailbox %s", address)
      end
    end
  end
  return list
end

local function full(box)
  local counts = box:counts()
  return box.maxmsg > 0 and counts.new + counts.urgent >= box.maxmsg
end

-- The line, as Asterisk names it.
local function channel(call)
  return ("%s/%s-%s"):format(call.endpoint:upper(), call.peer ~= "" and call.peer or "guest", hash.md5(call.id):sub(1, 8))
end

-- What is to be delivered, and to whom.
local function delivery(call, boxes, options)
  local d = { path = boxes[1]:draft(), urgent = options.urgent }

  -- Makes a message of what was recorded, once. Returns it, or nil and a reason.
  function d.send()
    if not d.path or d.message then return d.message end
    local path = d.path
    d.path = nil
    local message, reason = boxes[1]:deliver(path, {
      caller_number = call.caller.number, caller_name = call.caller.name, extension = call.extension,
      context = call.context, channel = channel(call), time = d.began, urgent = d.urgent,
      trim = d.trim or 0, least = boxes[1].minsecs, heard = true,
    })
    d.message = message
    if not message then
      boxes[1]:discard(path)
      if reason ~= "empty" then log.warn("a message for %s is lost: %s", boxes[1].address, reason) end
      return nil, reason
    end
    log.info("message of %d s for %s", math.floor(message.duration + 0.5), boxes[1].address)
    for i = 2, #boxes do
      local copy, why = boxes[1]:forward(message.id, boxes[i])
      if not copy then log.warn("no copy for %s: %s", boxes[i].address, why) end
    end
    return message
  end

  function d.drop()
    if d.path then boxes[1]:discard(d.path) end
    d.path = nil
  end
  return d
end

-- Leads the caller who pressed 0 or * elsewhere: to a function, or to an extension
-- of the context. true leaves it to whoever called leave.
local function lead(call, where, extension, status)
  if type(where) == "function" then
    where(call)
  elseif where == nil and dialplan.probe(call.context, extension) then
    call:enter(extension)
  end
  return { status = status }
end

-- Lets the caller leave a message. addresses is a mailbox, several joined by "&",
-- or a list; the first takes the message, the others get copies. Options:
--   greeting      "unavailable", "busy", a status of call:dial, or "none"
--   instructions  false: they are not played
--   urgent        true: the message is urgent
--   operator      what 0 does: a function(call); true: leave ends with "operator".
--                 Left out, the extension "o" of the context, where the mailbox
--                 lets callers do so
--   escape        what * does in the same way; left out, the extension "a"
--   record        false: the greeting is all that there is
-- Returns a table with status: "left" (and message), "short" (nothing was said),
-- "full", "missing" (no such mailbox), "operator", "escape", "played",
-- "cancelled" or "failed".
return function(call, addresses, options)
  options = options or {}
  local boxes = found(addresses)
  if #boxes == 0 then return { status = "missing" } end
  local box = boxes[1]
  local operator = options.operator or (options.operator == nil and box.operator and dialplan.probe(call.context, "o"))
  local escape = options.escape or (options.escape == nil and dialplan.probe(call.context, "a"))
  local keys = "#" .. (operator and "0" or "") .. (escape and "*" or "")

  local key
  if options.greeting ~= "none" then key = speak.say(call, greeting.items(box, options.greeting), keys) end
  if not key and options.record ~= false and options.instructions ~= false and not full(box) then
    key = speak.say(call, { "vm-intro" }, keys)
  end
  if key == "0" then return lead(call, options.operator, "o", "operator") end
  if key == "*" then return lead(call, options.escape, "a", "escape") end
  if options.record == false then return { status = "played" } end
  if full(box) then
    speak.say(call, { "vm-mailboxfull" }, keys)
    return { status = "full" }
  end

  local d = delivery(call, boxes, options)
  if not d.path then return { status = "failed" } end
  d.began = time.now()
  call:on_hangup(function() d.send() end)
  local status, result = take(call, d.path, {
    max = box.maxsecs, min = box.minsecs, silence = box.maxsilence, operator = operator and true,
    review = box.review, urgent = box.review and not options.urgent,
    taken = function(recorded) d.trim = recorded.ended_by == "silence" and box.maxsilence or 0 end,
    dropped = function() box:discard(d.path) end,
    marked = function(urgent) d.urgent = urgent end,
  })
  if status ~= "recorded" then
    d.drop()
    return { status = status }
  end
  local message, reason = d.send()
  if not message then
    if reason == "full" then speak.say(call, { "vm-mailboxfull" }) end
    return { status = reason == "full" and "full" or reason == "empty" and "short" or "failed" }
  end
  if result.operator then return lead(call, options.operator, "o", "operator") end
  speak.say(call, { box.review and "vm-msgsaved" or "auth-thankyou" })
  return { status = "left", message = message }
end
