-- What the tests dial.

local voicemail = require "voicemail"

local finance = context "finance"

finance:extension("_11XX", function(call)
  local result = call:dial("sip/" .. call.extension, { timeout = 20 })
  if result.status ~= "answered" then
    call.vars.left = voicemail.leave(call, call.extension .. "@finance", { greeting = result.status }).status
  end
end)

-- *97 with the PIN, *96 without, *98 for any mailbox.
finance:extension("*97", function(call)
  call.vars.status = voicemail.main(call, call.peer .. "@finance", { call_back = "finance" }).status
end)
finance:extension("*96", function(call) voicemail.main(call, call.peer .. "@finance", { pin = false, call_back = "finance" }) end)
finance:extension("*98", function(call) call.vars.status = voicemail.main(call, nil, { context = "finance", escape = true }).status end)

-- Several mailboxes at once, and one that does not exist.
finance:extension("500", function(call) voicemail.leave(call, "1101@finance&1102@finance", { greeting = "none" }) end)
finance:extension("501", function(call) call.vars.left = voicemail.leave(call, "1999@finance").status end)

finance:extension("o", function(call)
  call:play "pls-wait-connect-call"
end)

context "starred":extension("a", function(call) call:play "demo-thanks" end)
context "starred":extension("502", function(call) voicemail.leave(call, "1101@finance") end)

on("voicemail.changed", function(event)
  log.info("%s: %d new, %d urgent, %d old", event.mailbox, event.new, event.urgent, event.old)
end)

-- A dialplan of Asterisk's.
local asterisk = require "asterisk"

asterisk.extension("old", "700", function() return {
  { 1, "VoiceMail", "u1102@finance" },
  { 2, "Set", "LEFT=${VMSTATUS}" },
  { 3, "NoOp" },
} end)
asterisk.extension("old", "701", function() return { { 1, "VoiceMail", "1103@finance,b" } } end)
asterisk.extension("old", "702", function() return { { 1, "VoiceMailMain", "1102@finance,s" } } end)
asterisk.extension("old", "703", function() return {
  { 1, "GotoIf", function(ch) return ch:fn("MAILBOX_EXISTS", "1102@finance") .. "?2:3" end },
  { 2, "SayNumber", function(ch) return ch:fn("VMCOUNT", "1102@finance") end },
  { 3, "Hangup" },
} end)
asterisk.extension("old", "o", function() return { { 1, "Playback", "pls-wait-connect-call" } } end)
