-- Calls that a dialplan begins.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"
local targets = require "asterisk.targets"

local words = { answered = "SUCCESS", busy = "BUSY", noanswer = "RINGING", congestion = "CONGESTION", unavailable = "FAILED", invalid = "FAILED" }

-- Originate(target,exten,context,extension,priority,timeout,options): the new call
-- begins at priority 1 of its extension.
registry.application("Originate", {
  options = "acn", ignored = "av", level = "approximate", note = "the extension begins at priority 1; of type app only Playback is done",
  run = function(ch, text)
    local parts = arguments.split(text)
    local list = targets.list(parts[1] or "")
    local kind, timeout = (parts[2] or ""):lower(), arguments.number(parts[6])
    if not list[1] or kind ~= "exten" and kind ~= "app" then
      log.warn("Originate wants a target, and exten or app, at %s", ch:place())
      ch:set("ORIGINATE_STATUS", "FAILED")
      return
    end
    local options = arguments.options(parts[7])
    local wanted = { target = list[1], timeout = timeout > 0 and timeout or 30 }
    local number, name = options.c, options.n
    if number or name then wanted.caller = { number = number or "", name = name or "" } end
    if kind == "exten" then
      wanted.context, wanted.extension = parts[3] or ch.context, parts[4] or "s"
    elseif (parts[3] or ""):lower() == "playback" then
      wanted.app, wanted.args = "play", { parts[4] or "" }
    else
      log.warn("Originate: application %s cannot be run for the target, at %s", parts[3] or "", ch:place())
      ch:set("ORIGINATE_STATUS", "FAILED")
      return
    end
    local result = originate(wanted)
    ch:set("ORIGINATE_STATUS", words[result.status] or "FAILED")
  end,
})
