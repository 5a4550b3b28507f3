-- Calls that a dialplan begins.

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local originating = require "asterisk.originating"
local party = require "asterisk.party"
local registry = require "asterisk.registry"
local targets = require "asterisk.targets"

local words = {
  answered = "SUCCESS", begun = "SUCCESS", busy = "BUSY", noanswer = "RINGING", congestion = "CONGESTION", unavailable = "FAILED", invalid = "FAILED",
}

-- v(name=value^name=value): variables of the new channel.
local function variables(text)
  local list = {}
  for _, one in ipairs(arguments.raw(text or "", "^")) do
    local name, value = one:match "^%s*([^=]+)=(.*)$"
    if name then list[#list + 1] = { name, value } end
  end
  return list
end

-- Originate(target,exten,context,extension,priority,timeout,options)
-- Originate(target,app,application,arguments,,timeout,options)
registry.application("Originate", {
  options = "aBcnv", partly = { b = "no routine is run for the new channel before it is called", C = "codecs are those of the phone or trunk" },
  run = function(ch, text)
    local parts = arguments.split(text)
    local list = targets.list(parts[1] or "")
    local kind, timeout = (parts[2] or ""):lower(), arguments.number(parts[6])
    if not list[1] or kind ~= "exten" and kind ~= "app" or (parts[3] or "") == "" then
      log.warn("Originate wants a target, and exten or app with what to run, at %s", ch:place())
      ch:set("ORIGINATE_STATUS", "FAILED")
      return
    end
    local options = arguments.options(parts[7])
    if options.B then flow.handler(ch, party.place(options.B)) end
    local wanted = {
      target = list[1], timeout = timeout > 0 and timeout or 30, wait = options.a == nil, variables = variables(options.v),
      caller = { number = options.c or ch.call.caller.number, name = options.n or ch.call.caller.name }, language = ch.call.language,
    }
    for _, one in ipairs(ch:inherited()) do table.insert(wanted.variables, 1, one) end
    if kind == "exten" then
      wanted.context = parts[3]
      wanted.extension = (parts[4] or "") ~= "" and parts[4] or "s"
      wanted.priority = originating.priority(ch, wanted.context, wanted.extension, parts[5])
    else
      wanted.application, wanted.arguments = parts[3], parts[4] or ""
    end
    ch:set("ORIGINATE_STATUS", words[originating.call(wanted).status] or "FAILED")
  end,
})
