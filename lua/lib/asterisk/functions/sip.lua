-- Functions and applications of SIP.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

local func = registry.func

func("SIP_HEADER", { read = function(ch, text)
  local name, number = text:match "^%s*([^,]*),?(.*)$"
  if number ~= "" and arguments.whole(number) > 1 then return "" end
  return ch.call.headers[name] or ""
end })

-- Adds a header to what Dial sends; "" takes those of a name away.
local function add(ch, name, value)
  local headers = ch.facts.headers or {}
  ch.facts.headers = headers
  headers[#headers + 1] = { name, value }
end

local function remove(ch, name)
  local left = {}
  for _, one in ipairs(ch.facts.headers or {}) do
    if name ~= "" and one[1]:lower():sub(1, #name) ~= name:lower() then left[#left + 1] = one end
  end
  ch.facts.headers = left
end

func("PJSIP_HEADER", {
  read = function(ch, text)
    local parts = arguments.split(text)
    if (parts[1] or ""):lower() ~= "read" then return "" end
    return ch.call.headers[parts[2] or ""] or ""
  end,
  write = function(ch, text, value)
    local parts = arguments.split(text)
    local action, name = (parts[1] or ""):lower(), parts[2] or ""
    if action == "add" then add(ch, name, value)
    elseif action == "update" then
      remove(ch, name)
      add(ch, name, value)
    elseif action == "remove" then remove(ch, (name:gsub("%*$", ""))) end
  end,
})
func("PJSIP_HEADERS", { level = "approximate", note = "headers of a message cannot be listed", read = function() return "" end })

registry.application("SIPAddHeader", { run = function(ch, text)
  local name, value = text:match "^%s*([^:]*):%s*(.*)$"
  if not name then
    log.warn("SIPAddHeader wants 'name: value', at %s", ch:place())
    return
  end
  add(ch, name, (value:gsub('^"(.*)"$', "%1")))
end })

registry.application("SIPRemoveHeader", { run = function(ch, text) remove(ch, arguments.trim(text:gsub(":.*$", ""))) end })

-- All devices of a phone ring where the phone is called.
func("PJSIP_DIAL_CONTACTS", { read = function(_, text)
  return "PJSIP/" .. (arguments.split(text)[1] or "")
end })

func("SIPPEER", { level = "approximate", note = "tells nothing of phones", read = function() return "" end })
func("PJSIP_AOR", { level = "approximate", note = "tells nothing of phones", read = function() return "" end })
func("PJSIP_CONTACT", { level = "approximate", note = "tells nothing of phones", read = function() return "" end })
func("PJSIP_ENDPOINT", { level = "approximate", note = "tells nothing of phones", read = function() return "" end })
func("PJSIP_MEDIA_OFFER", { level = "approximate", note = "makes no difference here", read = function() return "" end, write = function() end })
func("CHECKSIPDOMAIN", { level = "approximate", note = "tells nothing", read = function() return "" end })

-- Variables that go along an IAX2 call; here they stay with the channel.
func("IAXVAR", {
  level = "approximate", note = "stays with the channel",
  read = function(ch, text) return ch.facts["iaxvar " .. text] or "" end,
  write = function(ch, text, value) ch.facts["iaxvar " .. text] = value end,
})
