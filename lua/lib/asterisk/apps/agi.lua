-- AGI and its kind: programs that serve the call. What they are and may do is in
-- the library module agi, whatever the dialplan.

local agi = require "agi"
local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"
local sides = require "agi.side"

local words = { done = "SUCCESS", missing = "NOTFOUND" }

local function application(name, audio, gone)
  registry.application(name, {
    level = "approximate", note = "runs what is granted as programs", gone = gone,
    run = function(ch, text)
      local separator = ch:older(1.6) and not text:find(",", 1, true) and "|" or ","
      local list = arguments.split(text, separator)
      local target = table.remove(list, 1) or ""
      if target == "" then
        log.warn("%s wants the name of a program, at %s", name, ch:place())
        ch:set("AGISTATUS", "FAILURE")
        return
      end
      if target:find "^agi:async" then
        log.error("%s(%s): no manager leads AGI here, at %s", name, text, ch:place())
        ch:set("AGISTATUS", "FAILURE")
        return
      end
      agi.run(ch.call, { target, audio = audio }, list, {
        side = sides.channel(ch),
        ended = function(result, hungup)
          ch:set("AGISTATUS", hungup and "HANGUP" or words[result.status] or "FAILURE")
        end,
      })
    end,
  })
end

application("AGI", false)
application("EAGI", true)
application("DeadAGI", false, 17)
