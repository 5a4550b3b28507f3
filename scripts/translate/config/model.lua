-- What the configuration files beside the dialplan add up to, before it is
-- written: addresses to listen on, phones, trunks, mailboxes. The readers of the
-- files (sip.lua, pjsip.lua, users.lua, …) fill it in, write.lua writes it.

local text = require "text"

local model = {}

function model.new()
  return {
    listen = {}, -- { value, file, line }
    set = {}, -- of sip.set, by name
    guests = nil,
    phones = {}, trunks = {}, -- lists of { name, fields, file, line, above }
    mailboxes = {},
    proposals = {}, -- declarations that stand there as comments, with what they declare
    peers = {}, -- what calls begin with; see peers.lua
    limits = {}, -- of limits
    granted = {}, -- names, in small letters, of what works only where it is granted
    runtime = {}, -- of the settings of the dialplan
    contexts = {}, -- that are named and not in the dialplan
    by_name = {}, -- phones and trunks
  }
end

local codecs = {
  ulaw = "ulaw", g711u = "ulaw", mulaw = "ulaw", pcmu = "ulaw", alaw = "alaw", g711a = "alaw", pcma = "alaw", g722 = "g722",
  gsm = "gsm", g729 = "g729", g729a = "g729", g726 = "g726", g726aal2 = "g726", ilbc = "ilbc", speex = "speex", opus = "opus",
}

-- Takes one disallow= or allow= line into list, in the order of Asterisk.
function model.codecs(list, entry, report)
  list = list or {}
  local name = entry.name:lower()
  for word in entry.value:gmatch "[^,|%s]+" do
    local exclude = word:byte() == 33 -- !
    local bare = (exclude and word:sub(2) or word):lower():gsub(":.*$", "")
    local known = codecs[bare]
    if bare == "all" then
      list = {}
      if name == "allow" and not exclude then list.all = true end
    elseif not known then
      report:approximate(entry, ("codec %s is not there"):format(bare), "calls use the other codecs of the list")
    elseif name == "disallow" or exclude then
      for i = #list, 1, -1 do if list[i] == known then table.remove(list, i) end end
    else
      local has = false
      for _, c in ipairs(list) do has = has or c == known end
      if not has then list[#list + 1] = known end
    end
  end
  return list
end

local dtmf = {
  rfc2833 = "auto", rfc4733 = "auto", auto = "auto", info = "info", shortinfo = "info", inband = "inband", auto_info = "auto",
}

function model.dtmf(entry, report)
  local mode = dtmf[entry.value:lower()]
  if not mode then report:approximate(entry, ("%s=%s is unknown"):format(entry.name, entry.value), "digits are sent as phones like it") end
  return mode ~= "auto" and mode or nil
end

function model.truth(s)
  s = s:lower()
  return s == "yes" or s == "true" or s == "on" or s == "1" or s == "y" or s == "t"
end

-- A netmask as the length of a prefix.
function model.network(s)
  local address, mask = s:match "^([^/]+)/(%d+%.%d+%.%d+%.%d+)$"
  if not address then return s end
  local bits = 0
  for part in mask:gmatch "%d+" do
    local n = tonumber(part)
    while n > 0 do
      bits = bits + n % 2
      n = math.floor(n / 2)
    end
  end
  return address .. "/" .. bits
end

-- '"Name" <number>' as moonwire writes it.
function model.caller_id(s)
  local name, number = s:match '^%s*"?([^"<]-)"?%s*<([^>]*)>%s*$'
  if not name then return s end
  name, number = text.trim(name), text.trim(number)
  if name == "" then return number end
  return ('"%s" <%s>'):format(name, number)
end

-- Adds a phone or a trunk.
function model.add(site, kind, name, fields, at, report)
  if site.by_name[name] then
    report:approximate(at, ("[%s] is there already"):format(name), "give one of them another name")
    return nil
  end
  local one = { name = name, fields = fields, file = at.file, line = at.line, above = at.above, comment = at.comment }
  site.by_name[name] = one
  local list = kind == "phone" and site.phones or site.trunks
  list[#list + 1] = one
  return one
end

return model
