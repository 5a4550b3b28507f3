-- Functions about who calls and who is called.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

-- Reads '"Name" <number>', '<number>', 'number' or 'name'.
local function parse(text)
  text = arguments.trim(text)
  local name, number = text:match '^"(.-)"%s*<([^>]*)>'
  if not name then name, number = text:match "^([^<]*)<([^>]*)>" end
  if name then return arguments.trim(name), number end
  if text:find "^[%d%s%+%-%(%)%*#]+$" then return "", text end
  return (text:gsub('^"(.*)"$', "%1")), ""
end

local shown = { allowed = "allowed_not_screened", withheld = "prohib_not_screened", unavailable = "unavailable" }

local presentations = {
  allowed = "allowed", allowed_not_screened = "allowed", allowed_passed_screen = "allowed", allowed_failed_screen = "allowed",
  prohib = "withheld", prohib_not_screened = "withheld", prohib_passed_screen = "withheld", prohib_failed_screen = "withheld",
  unavailable = "unavailable",
}

-- What is read and written of a caller: items by their first word and the rest.
local function reader(ch, party, item)
  local facts = ch.facts
  if item == "all" then return ('"%s" <%s>'):format(party.name, party.number)
  elseif item == "num" or item == "number" then return party.number
  elseif item == "name" then return party.name
  elseif item == "pres" or item == "num-pres" or item == "name-pres" then return facts.presentation or shown[party.presentation]
  elseif item == "num-valid" or item == "number-valid" then return party.number ~= "" and "1" or "0"
  elseif item == "name-valid" then return party.name ~= "" and "1" or "0"
  elseif item == "ani" or item == "ani-num" or item == "ani-all" then return facts.ani or ""
  elseif item == "ton" or item == "num-plan" or item == "ani2" or item == "tns" then return facts[item] or "0"
  elseif item == "name-charset" then return "iso8859-1" end
  return facts["callerid " .. item] or ""
end

local function writer(ch, party, item, value)
  if item == "all" then
    local name, number = parse(value)
    party.name, party.number = name, number
    if not ch.facts.ani then ch.facts.ani = number end
  elseif item == "num" or item == "number" then party.number = arguments.trim(value)
  elseif item == "name" then party.name = value
  elseif item == "pres" or item == "num-pres" or item == "name-pres" then
    local wanted = presentations[value:lower()]
    if not wanted then
      log.warn("CALLERID: '%s' is no presentation", value)
      return
    end
    ch.facts.presentation, party.presentation = value:lower(), wanted
  elseif item == "ani" or item == "ani-num" then ch.facts.ani = value
  else ch.facts["callerid " .. item] = value end
end

registry.func("CALLERID", {
  read = function(ch, text)
    local item, optional = text:match "^%s*([^,]*),?(.*)$"
    item = arguments.trim(item):lower()
    if optional ~= "" then
      local name, number = parse(optional)
      return reader(ch, { name = name, number = number, presentation = "allowed" }, item)
    end
    return reader(ch, ch.call.caller, item)
  end,
  write = function(ch, text, value)
    local item = text:match "^%s*([^,]*)"
    writer(ch, ch.call.caller, arguments.trim(item):lower(), value)
  end,
})

registry.func("CALLERPRES", {
  read = function(ch) return reader(ch, ch.call.caller, "pres") end,
  write = function(ch, _, value) writer(ch, ch.call.caller, "pres", value) end,
})

-- Functions that keep what they are given, for what the line shows of it.
local function kept(name, note)
  registry.func(name, {
    level = "approximate", note = note,
    read = function(ch, text) return ch.facts[name .. " " .. text:lower():match "^[^,]*"] or "" end,
    write = function(ch, text, value) ch.facts[name .. " " .. text:lower():match "^[^,]*"] = value end,
  })
end

-- Whom the channel is connected to, as its phone shows it.
registry.func("CONNECTEDLINE", {
  level = "approximate", note = "number, name and presentation are shown to the phone; tags, types and subaddresses are kept",
  read = function(ch, text)
    local item = text:lower():match "^%s*([^,%s]*)"
    return reader(ch, ch.facts.connected or { name = "", number = "", presentation = "allowed" }, item)
  end,
  write = function(ch, text, value)
    local item, option = text:lower():match "^%s*([^,%s]*)%s*,?%s*(%a*)"
    local connected = ch.facts.connected or { name = "", number = "", presentation = "allowed" }
    ch.facts.connected = connected
    local ani = ch.facts.ani
    writer(ch, connected, item, value)
    ch.facts.ani = ani
    if option ~= "i" and ch.call.state ~= "ended" then ch.call:identify(connected) end
  end,
})

-- Who called first, where a call was forwarded: what the line says (Diversion,
-- RFC 5806), and what Dial is to say.
local function diverted(ch)
  local name, number = (ch.call.headers["Diversion"] or ""):match '^%s*"?(.-)"?%s*<%a+:([^@;>]*)'
  return { name = name or "", number = number or "" }
end

local redirecting = {
  ["from-num"] = function(ch) return diverted(ch).number end,
  ["from-name"] = function(ch) return diverted(ch).name end,
  reason = function(ch) return (ch.call.headers["Diversion"] or ""):match ";%s*reason=([^;]*)" or "unknown" end,
  count = function(ch) return ch.call.headers["Diversion"] and "1" or "0" end,
}
redirecting["from-number"] = redirecting["from-num"]

registry.func("REDIRECTING", {
  level = "approximate", note = "read from a header Diversion; what is set is kept, and sent as a header of that name where from-num is",
  read = function(ch, text)
    local item = text:lower():match "^%s*([^,%s]*)"
    local set = ch.facts["redirecting " .. item]
    if set then return set end
    return redirecting[item] and redirecting[item](ch) or ""
  end,
  write = function(ch, text, value)
    local item = text:lower():match "^%s*([^,%s]*)"
    if item == "from-number" then item = "from-num" end
    ch.facts["redirecting " .. item] = value
  end,
})
kept("DIALEDPEER", "is kept")

registry.func("BLACKLIST", { read = function(ch)
  local number = ch.call.caller.number
  return number ~= "" and store.get("blacklist", number) and "1" or "0"
end })
