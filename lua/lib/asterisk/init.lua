-- Asterisk's dialplan, on moonwire.
--
--   local asterisk = require "asterisk"
--
--   asterisk.extension("internal", "_1XXX", function() return {
--     { 1, "Dial", function(ch) return "SIP/" .. ch:get "EXTEN" .. ",20" end, line = 12 },
--     { 2, "VoiceMail", function(ch) return ch:get "EXTEN" .. ",u" end, line = 13 },
--     { 3, "Hangup", line = 14 },
--   } end, { file = "extensions.conf" })
--
-- See flow.lua for what the steps may be, settings.lua for the rest of a site,
-- and compile.lua for how texts with ${…} become functions.

local arguments = require "asterisk.arguments"
local channel = require "asterisk.channel"
local compile = require "asterisk.compile"
local expr = require "asterisk.expr"
local flow = require "asterisk.flow"
local registry = require "asterisk.registry"
local script = require "asterisk.script"

for _, name in ipairs {
  "apps.control", "apps.subroutines", "apps.loops", "apps.conditions", "apps.branches", "apps.line", "apps.playback", "apps.read", "apps.say",
  "apps.variables", "apps.database", "apps.dial", "apps.originate", "spool", "apps.record", "apps.system", "apps.agi", "apps.voicemail", "apps.unavailable", "apps.old", "apps.lua",
  "functions.channel", "functions.callerid", "functions.strings", "functions.lists", "functions.logic", "functions.numbers",
  "functions.time", "functions.encoding", "functions.database", "functions.dialplan", "functions.groups", "functions.locks", "functions.devices", "functions.system",
  "functions.sip", "functions.unavailable",
} do
  require("asterisk." .. name)
end

script.open()

return {
  extension = flow.extension,
  include = flow.include,
  switched = flow.switched,
  start = function()
    flow.start()
    require("asterisk.originating").start()
  end,
  spool = require("asterisk.spool").watch,
  channel = channel.of,
  known = registry.known,
  known_function = registry.known_function,
  names = registry.names,
  is_method = script.is_method,
  is_field = script.is_field,
  compile = compile,
  expr = expr,
  arguments = arguments,
}
