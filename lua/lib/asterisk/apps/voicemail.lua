-- Applications of voicemail, on the mailboxes of the site.

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local registry = require "asterisk.registry"
local voicemail = require "voicemail"

-- A mailbox as dialplans write it, with its context.
local function address(text)
  text = arguments.trim(text)
  return text:find("@", 1, true) and text or text .. "@default"
end

-- Takes "2000,u", "u2000@default" and "u,2000" apart: the mailboxes and the
-- letters of the options. Before Asterisk 1.2 the letters stood first.
local function target(text)
  local parts = arguments.split(text)
  local boxes, letters = arguments.trim(parts[1] or ""), parts[2] or ""
  if boxes:find "^[sub]+$" and letters:find "^%d" then
    boxes, letters = letters, boxes
  else
    local before, rest = boxes:match "^([sub]+)(%d.*)$"
    if before and not mailboxes.find(address(boxes:match "^[^&]+")) then boxes, letters = rest, letters .. before end
  end
  local list = {}
  for box in boxes:gmatch "[^&]+" do list[#list + 1] = address(box) end
  return list, arguments.options(letters)
end

-- Leads to a special extension, where the dialplan has it.
local function special(ch, options, letter, name)
  local context = options.d and options.d ~= "" and options.d or ch.context
  for _, one in ipairs { context, #ch.macros > 0 and ch:get "MACRO_CONTEXT" or context } do
    if flow.exists(ch, one, name, 1) then
      return function() ch:jump(one, name, 1) end
    end
  end
end

local outcomes = {
  left = "SUCCESS", short = "SUCCESS", played = "SUCCESS", cancelled = "USEREXIT", operator = "USEREXIT", escape = "USEREXIT",
}

registry.application("VoiceMail", {
  options = "busdUPeStgnc", ignored = "gtcneUP", jump = function(ch) return ch:get "VMSTATUS" == "FAILED" end,
  run = function(ch, text)
    local list, options = target(text)
    if ch.call.state ~= "answered" then ch.call:answer() end
    local operator, escape = special(ch, options, "0", "o"), special(ch, options, "*", "a")
    local result = voicemail.leave(ch.call, list, {
      greeting = options.b and "busy" or options.u and "unavailable" or "none",
      instructions = not options.s, urgent = options.U ~= nil,
      operator = operator and true or false, escape = escape and true or false,
    })
    ch:set("VMSTATUS", outcomes[result.status] or "FAILED")
    if result.status == "operator" then operator() elseif result.status == "escape" then escape() end
  end,
})

registry.application("VoiceMailMain", {
  options = "spga", ignored = "g",
  run = function(ch, text)
    local parts = arguments.split(text)
    local box, options = arguments.trim(parts[1] or ""), arguments.options(parts[2])
    local older = box:match "^s(%d.*)$"
    if older then box, options.s = older, "" end
    if ch.call.state ~= "answered" then ch.call:answer() end
    local number, context = box:match "^([^@]*)@?(.*)$"
    local escape = special(ch, {}, "*", "a")
    local folders = { [0] = "INBOX", "Old", "Work", "Family", "Friends", "Urgent" }
    local settings = {
      pin = options.s == nil, context = context ~= "" and context or "default", escape = escape and true,
      folder = options.a and folders[arguments.whole(options.a)], call_back = ch.context,
    }
    local result
    if options.p then
      result = voicemail.main(ch.call, nil, { context = settings.context, prefix = number, escape = settings.escape })
    else
      result = voicemail.main(ch.call, number ~= "" and address(box) or nil, settings)
    end
    if result.status == "escape" then escape() elseif result.status == "failed" then return "hangup" end
  end,
})

registry.application("VMAuthenticate", {
  options = "s", ignored = "s",
  run = function(ch, text)
    local box = arguments.trim(arguments.split(text)[1] or "")
    if ch.call.state ~= "answered" then ch.call:answer() end
    local number, context = box:match "^([^@]*)@?(.*)$"
    local found = voicemail.log_in(ch.call, number ~= "" and address(box) or nil, { context = context ~= "" and context or nil })
    if not found then return "hangup" end
    ch:set("AUTH_MAILBOX", found.number)
    ch:set("AUTH_CONTEXT", found.context)
  end,
})

registry.application("VMSayName", {
  run = function(ch, text)
    if ch.call.state ~= "answered" then ch.call:answer() end
    if not voicemail.say_name(ch.call, address(text)) then log.warn("VMSayName: there is no mailbox %s, at %s", text, ch:place()) end
  end,
})

registry.application("MailboxExists", {
  options = "j", ignored = "j", gone = 14,
  jump = function(ch) return ch:get "VMBOXEXISTSSTATUS" == "SUCCESS" end,
  run = function(ch, text)
    ch:set("VMBOXEXISTSSTATUS", mailboxes.find(address(arguments.split(text)[1] or "")) and "SUCCESS" or "FAILED")
  end,
})

-- How many messages "box@context/folder" has.
local function count(text, folder)
  local box, named = text:match "^([^/]*)/?(.*)$"
  local found = mailboxes.find(address(box))
  if not found then return 0 end
  folder = named ~= "" and named or folder
  if folder == "INBOX" then
    local counts = found:counts()
    return counts.new + counts.urgent
  end
  for _, known in ipairs { "Old", "Work", "Family", "Friends", "Urgent" } do
    if known:lower() == folder:lower() then return #found:messages(known) end
  end
  return 0
end

for _, name in ipairs { "HasVoicemail", "HasNewVoicemail" } do
  registry.application(name, {
    gone = 11, jump = function(ch) return arguments.whole(ch:get "HASVMSTATUS") > 0 end,
    run = function(ch, text)
      local parts = arguments.split(text)
      local n = tostring(count(parts[1] or "", "INBOX"))
      ch:set("HASVMSTATUS", n)
      if parts[2] and parts[2] ~= "" then ch:set(parts[2], n) end
    end,
  })
end

registry.func("VMCOUNT", { read = function(_, text)
  local parts = arguments.split(text)
  return tostring(count(parts[1] or "", parts[2] and parts[2] ~= "" and parts[2] or "INBOX"))
end })

registry.func("MAILBOX_EXISTS", { read = function(_, text) return mailboxes.find(address(text)) and "1" or "0" end })

local facts = {
  exists = function(box) return box and "1" or "0" end,
  email = function(box) return box.email end,
  fullname = function(box) return box.name end,
  pager = function(box) return box.pager end,
  language = function(box) return box.language end,
  locale = function() return "" end,
  tz = function(box) return box.zone end,
}

registry.func("VM_INFO", { level = "approximate", note = "the PIN is not told", read = function(_, text)
  local parts = arguments.split(text)
  local what, box = (parts[2] or ""):lower(), mailboxes.find(address(parts[1] or ""))
  if what == "count" then return tostring(count(parts[1], parts[3] and parts[3] ~= "" and parts[3] or "INBOX")) end
  if what == "exists" or box and facts[what] then return facts[what](box) end
  return ""
end })
