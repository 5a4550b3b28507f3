-- Times as GotoIfTime and includes have them: "times,days of the week,days of
-- the month,months[,zone]", divided by commas or bars. Each field is "*", a
-- value, a range "mon-fri" which may go over the end, or several joined by "&".

local arguments = require "asterisk.arguments"

local hours = {}

local weekdays = { sun = 0, mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6 }
local months = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10, nov = 11, dec = 12 }

-- Whether a value is in a range; both ends belong to it.
local function within(value, from, to)
  if from <= to then return value >= from and value <= to end
  return value >= from or value <= to
end

-- Reads a name or number of a list; nil where it is none.
local function named(text, names, low, high)
  local value = names and names[text:lower()] or tonumber(text)
  if value and value >= low and value <= high then return value end
end

-- Whether one of "a-b&c" holds. each reads one end of a range; gives nil and a
-- problem where it cannot.
local function any(field, value, each)
  for part in (field .. "&"):gmatch "([^&]*)&" do
    part = arguments.trim(part)
    if part == "*" or part == "" then return true end
    local from, to = part:match "^([^-]*)%-(.*)$"
    from, to = from or part, to or part
    local first, last = each(from, false), each(to, true)
    if not first or not last then return nil, ("'%s' is not understood"):format(part) end
    if within(value, first, last) then return true end
  end
  return false
end

local function minutes(text)
  local hour, minute = text:match "^%s*(%d+):(%d+)%s*$"
  hour, minute = tonumber(hour), tonumber(minute)
  if not hour or hour > 23 or minute > 59 then return nil end
  return hour * 60 + minute
end

-- Whether a time, in seconds since 1970, is inside. The second result says what
-- is wrong with the text; a field that is not understood holds nothing.
function hours.inside(spec, at)
  local fields = {}
  for field in (spec:gsub("|", ",") .. ","):gmatch "([^,]*)," do fields[#fields + 1] = field end
  local zone = fields[5] and arguments.trim(fields[5]) or ""
  local known, date = pcall(time.date, at, zone ~= "" and zone or nil)
  if not known then return false, ("time zone '%s' is not known"):format(zone) end
  local checks = {
    { fields[1], date.hour * 60 + date.min, minutes },
    { fields[2], date.wday - 1, function(text) return named(text, weekdays, 0, 6) end },
    { fields[3], date.day, function(text) return named(text, nil, 1, 31) end },
    { fields[4], date.month, function(text) return named(text, months, 1, 12) end },
  }
  for i, check in ipairs(checks) do
    local field = arguments.trim(check[1] or "*")
    local holds, problem = any(field, check[2], check[3])
    if i == 1 and field == "" then return false, "there is no time" end
    if not holds then return false, problem end
  end
  return true
end

return hours
