-- Applications that Asterisk had until 1.2 or 1.4, and what they are today. They
-- exist where the site's settings name an era that had them.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

-- Makes an old application that sets a function: SetCIDNum(1001) is
-- Set(CALLERID(num)=1001).
local function sets(name, called, item)
  registry.application(name, { run = function(ch, text)
    local value = arguments.split(text)[1] or ""
    ch:set_fn(called, item, value)
  end, gone = 1.6 })
end

sets("SetCIDNum", "CALLERID", "num")
sets("SetCIDName", "CALLERID", "name")
sets("SetCallerID", "CALLERID", "all")
sets("SetRDNIS", "CALLERID", "rdnis")
sets("SetCallerPres", "CALLERID", "pres")
sets("SetLanguage", "CHANNEL", "language")
sets("SetAccount", "CHANNEL", "accountcode")
sets("SetGroup", "GROUP", "")
sets("DigitTimeout", "TIMEOUT", "digit")
sets("ResponseTimeout", "TIMEOUT", "response")
sets("AbsoluteTimeout", "TIMEOUT", "absolute")
sets("SetCDRUserField", "CDR", "userfield")

registry.application("SetVar", { run = function(ch, text)
  local name, value = text:match "^%s*([^=]*)=(.*)$"
  if name then ch:assign(name, value) end
end, gone = 1.6 })

registry.application("AppendCDRUserField", { run = function(ch, text)
  ch:set_fn("CDR", "userfield", ch:fn("CDR", "userfield") .. text)
end, gone = 1.6 })

registry.application("Random", { run = function(ch, text)
  local chance, place = text:match "^%s*(%d+):(.*)$"
  if chance and random.integer(1, 100) <= tonumber(chance) then return require("asterisk.flow").go(ch, place) end
end, gone = 1.6 })

registry.application("GetGroupCount", { run = function(ch, text) ch:set("GROUPCOUNT", ch:fn("GROUP_COUNT", text)) end, gone = 1.6 })

registry.application("CheckGroup", { jump = function(ch) return ch:get "CHECKGROUPSTATUS" == "OVERMAX" end, run = function(ch, text)
  local over = tonumber(ch:fn("GROUP_COUNT", "")) > arguments.whole(text)
  ch:set("CHECKGROUPSTATUS", over and "OVERMAX" or "OK")
end, gone = 1.6 })
