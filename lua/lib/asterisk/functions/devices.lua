-- DEVICE_STATE and EXTENSION_STATE: what phones are doing, from their
-- registrations and their calls. Devices called Custom: keep what is set.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

local func = registry.func

local family = "CustomDevstate"

-- What Asterisk calls the states of phones.
local function state(phone)
  if phone.state == "idle" then return "NOT_INUSE"
  elseif phone.state == "hold" then return "ONHOLD"
  elseif phone.state == "unavailable" then return "UNAVAILABLE"
  elseif phone.state == "ringing" then return "RINGING"
  elseif phone.ringing > 0 then return "RINGINUSE" end
  return "INUSE"
end

local sessions = { SIP = true, PJSIP = true }

-- The state of one device. list is that of phones(), which may serve for several.
local function device(text, list)
  local technology, name = text:match "^%s*([^/:]+)[/:](.-)%s*$"
  if not technology then return "INVALID" end
  technology = technology:upper()
  if technology == "CUSTOM" then return store.get(family, name) or "UNKNOWN" end
  if technology == "LOCAL" then
    local number, where = name:match "^([^@/]*)@?([^/]*)"
    return #dialplan.find(where ~= "" and where or "default", number) > 0 and "NOT_INUSE" or "INVALID"
  end
  if not sessions[technology] then return "UNKNOWN" end
  for _, phone in ipairs(list) do
    if phone.name == name then return state(phone) end
  end
  return "INVALID"
end

-- What several devices come to together, as a hint "SIP/1&SIP/2" has them.
local function together(text)
  local list, count, seen, any = phones(), 0, {}, 0
  for one in (text .. "&"):gmatch "([^&]*)&" do
    if one ~= "" then
      local is = device(one, list)
      count, seen[is] = count + 1, (seen[is] or 0) + 1
      if is == "NOT_INUSE" then any = any + 1 end
    end
  end
  if count == 0 then return "UNKNOWN" end
  local talking = (seen.INUSE or 0) + (seen.ONHOLD or 0) + (seen.BUSY or 0) + (seen.RINGINUSE or 0)
  local ringing = (seen.RINGING or 0) + (seen.RINGINUSE or 0)
  if ringing > 0 then return talking > 0 and "RINGINUSE" or "RINGING" end
  if seen.ONHOLD == count then return "ONHOLD" end
  if seen.BUSY == count then return "BUSY" end
  if talking > 0 then return "INUSE" end
  if any > 0 then return "NOT_INUSE" end
  return seen.UNAVAILABLE and "UNAVAILABLE" or seen.INVALID and "INVALID" or "UNKNOWN"
end

local function custom(text) return text:match "^[Cc]ustom:(.*)$" end

local devices = {
  read = function(_, text) return device(text, phones()) end,
  write = function(_, text, value)
    local name = custom(text)
    if name then store.put(family, name, value:upper())
    else log.warn("DEVICE_STATE: only Custom: devices can be set, not %s", text) end
  end,
}

func("DEVICE_STATE", devices)
func("DEVSTATE", { read = devices.read, write = devices.write })

func("EXTENSION_STATE", { read = function(ch, text)
  local extension, context = text:match "^%s*([^@,%s]*)@?([^,%s]*)"
  local hint = ch:hint(context ~= "" and context or ch.context, extension)
  if type(hint) == "function" then hint = hint(ch) end
  hint = (arguments.split(hint)[1] or "")
  return hint == "" and "UNKNOWN" or together(hint)
end })
