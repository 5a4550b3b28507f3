-- Whom Dial calls: "SIP/100&IAX2/peer/0123" in Asterisk's words becomes
-- { "sip/100", "iax2/0123@peer" } in moonwire's.

local targets = {}

-- Makes a target of what stands behind the first slash, by technology.
local makers = {}

-- peer, number@peer, peer/number; PJSIP also peer/sip:number@host
local function session(kind)
  return function(rest)
    local peer, number = rest:match "^([^/]*)/(.+)$"
    if peer then
      number = number:gsub("^sips?:", ""):gsub("@.*$", "")
      return kind .. "/" .. number .. "@" .. peer
    end
    return kind .. "/" .. rest
  end
end

makers.sip = session "sip"
makers.pjsip = session "sip"
makers.iax2 = session "iax2"
makers.iax = session "iax2"
makers.dahdi = function(rest) return "dahdi/" .. rest end
makers.zap = makers.dahdi
makers["local"] = function(rest)
  if not rest:find("@", 1, true) then rest = rest:gsub("^([^/]*)", "%1@default") end
  return "local/" .. rest
end

-- The targets of a list: moonwire's; what Asterisk calls the number of each, by
-- target; and what is known of all: whether all are local, and whether a
-- technology is not known.
function targets.list(text)
  local list, written, about = {}, {}, { inside = true }
  for one in (text .. "&"):gmatch "([^&]*)&" do
    local technology, rest = one:match "^%s*([^/]*)/(.*)$"
    local make = technology and makers[technology:lower()]
    local target = one
    if make then target = make(rest)
    elseif one ~= "" then
      about.unknown = true
      target = technology and technology:lower() .. "/" .. rest or one
    end
    if one ~= "" then
      list[#list + 1] = target
      written[target] = rest
      about.inside = about.inside and target:find "^local/" ~= nil
    end
  end
  return list, written, about
end

return targets
