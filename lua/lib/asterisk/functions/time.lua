-- Functions of time.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

local func = registry.func

-- A zone that exists, else UTC, as the C library takes it.
local function zoned(text)
  if text == nil or text == "" then return nil end
  if pcall(time.date, 0, text) then return text end
  return "UTC"
end

-- Marks of strftime that the time module has not, worked out from a date.
local extra = {
  q = function(at) return ("%03d"):format(math.floor((at % 1) * 1000 + 1e-6)) end,
  c = function(at, zone) return time.format(at, "%a %b %e %H:%M:%S %Y", zone) end,
  x = function(at, zone) return time.format(at, "%m/%d/%y", zone) end,
  X = function(at, zone) return time.format(at, "%H:%M:%S", zone) end,
  r = function(at, zone) return time.format(at, "%I:%M:%S %p", zone) end,
  h = function(at, zone) return time.format(at, "%b", zone) end,
  k = function(at, zone) return ("%2d"):format(time.date(at, zone).hour) end,
  C = function(at, zone) return ("%02d"):format(math.floor(time.date(at, zone).year / 100)) end,
  P = function(at, zone) return time.format(at, "%p", zone):lower() end,
  N = function(at) return ("%09d"):format(math.floor((at % 1) * 1e9)) end,
  U = function(at, zone)
    local date = time.date(at, zone)
    return ("%02d"):format(math.floor((date.yday + 7 - date.wday) / 7))
  end,
  W = function(at, zone)
    local date = time.date(at, zone)
    return ("%02d"):format(math.floor((date.yday + 7 - (date.wday + 5) % 7 - 1) / 7))
  end,
}

-- Year and week of ISO 8601.
local function week(at, zone)
  local date = time.date(at, zone)
  local weekday = (date.wday + 5) % 7 + 1
  local number = math.floor((date.yday - weekday + 10) / 7)
  local function weeks(year)
    local function p(y) return (y + math.floor(y / 4) - math.floor(y / 100) + math.floor(y / 400)) % 7 end
    return (p(year) == 4 or p(year - 1) == 3) and 53 or 52
  end
  if number < 1 then return date.year - 1, weeks(date.year - 1) end
  if number > weeks(date.year) then return date.year + 1, 1 end
  return date.year, number
end

extra.V = function(at, zone) return ("%02d"):format((select(2, week(at, zone)))) end
extra.G = function(at, zone) return tostring((week(at, zone))) end
extra.g = function(at, zone) return ("%02d"):format(week(at, zone) % 100) end

local known = "YmdHMSyjaAbBeIlpZzsFTDRuwnt%"

local function format(at, text, zone)
  return (text:gsub("%%[EO_%-]?(%d?)(.)", function(digits, mark)
    if mark == "q" and digits ~= "" then return ("%03d"):format(math.floor((at % 1) * 1000 + 1e-6)):sub(1, tonumber(digits)) end
    if extra[mark] then return extra[mark](at, zone) end
    if known:find(mark, 1, true) then return time.format(math.floor(at), "%" .. mark, zone) end
    return nil
  end))
end

func("STRFTIME", { read = function(_, text)
  local epoch, rest = text:match "^([^,]*),?(.*)$"
  local zone, shape = rest:match "^([^,]*),?(.*)$"
  local at = tonumber(epoch) or time.now()
  zone = zoned(arguments.trim(zone))
  if shape == "" then shape = "%c" end
  return format(at, shape, zone)
end })

func("STRPTIME", { read = function(_, text)
  local parts = arguments.split(text, ",", 3)
  local value, zone, shape = parts[1] or "", zoned(parts[2]), parts[3] or ""
  if value == "" or shape == "" then
    log.error("STRPTIME wants a text, a zone and a format")
    return ""
  end
  local at = time.parse(value, shape, zone)
  if not at then
    log.warn("STRPTIME: '%s' is not of the form '%s'", value, shape)
    return ""
  end
  return ("%d"):format(at)
end })
