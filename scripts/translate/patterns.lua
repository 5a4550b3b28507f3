-- What a pattern stands for, in a form that is alike for all ways to write it:
-- dashes count nowhere, spaces do not in patterns, [1-3] is [123].

local patterns = {}

local classes = { x = "0123456789", z = "123456789", n = "23456789" }

-- The characters of a set, [1-35], in order.
local function members(inside)
  local has = {}
  local i = 1
  while i <= #inside do
    local from, to = inside:byte(i), inside:byte(i)
    if inside:sub(i + 1, i + 1) == "-" and i + 2 <= #inside then
      to = inside:byte(i + 2)
      if to < from then return nil, ("[%s] counts down"):format(inside) end
      i = i + 2
    end
    for c = from, to do has[c] = true end
    i = i + 1
  end
  local out = {}
  for c = 0, 255 do
    if has[c] then out[#out + 1] = string.char(c) end
  end
  return table.concat(out)
end

-- The form of a pattern; nil and what is wrong with it.
function patterns.canonical(pattern)
  if #pattern > 255 then return nil, "it is longer than 255 characters" end
  if pattern:byte() ~= 95 then -- _
    local plain = pattern:gsub("-", "")
    if plain == "" then return nil, "it is empty" end
    return plain
  end
  local out, at = {}, 2
  while at <= #pattern do
    local c = pattern:sub(at, at)
    if c == "[" then
      local close = pattern:find("]", at, true)
      if not close then return nil, "no ] follows [" end
      if close == at + 1 then return nil, "[] fits no character" end
      local set, wrong = members(pattern:sub(at + 1, close - 1))
      if not set then return nil, wrong end
      out[#out + 1] = "[" .. set .. "]"
      at = close
    elseif c == "." or c == "!" then
      out[#out + 1] = c
    elseif c ~= "-" and c ~= " " then
      out[#out + 1] = "[" .. (classes[c:lower()] or c) .. "]"
    end
    at = at + 1
  end
  if #out == 0 then return nil, "nothing follows the underscore" end
  return "_" .. table.concat(out)
end

local days = { sun = true, mon = true, tue = true, wed = true, thu = true, fri = true, sat = true }
local months = {
  jan = true, feb = true, mar = true, apr = true, may = true, jun = true, jul = true, aug = true, sep = true, oct = true,
  nov = true, dec = true,
}

local function clock(s)
  local hour, minute = s:match "^(%d%d?):(%d%d)$"
  return hour and tonumber(hour) <= 24 and tonumber(minute) <= 59 and tonumber(hour) * 60 + tonumber(minute) <= 1440
end

local function day(s)
  local n = s:match "^%d%d?$" and tonumber(s)
  return n and n >= 1 and n <= 31
end

-- Whether field is one of a time specification: "*", times of day, days of the
-- week, days of the month or months.
function patterns.is_time(field)
  if field == "*" or field == "" then return true end
  for part in (field:lower() .. "&"):gmatch "([^&]*)&" do
    local first, last = part:match "^([^-]+)-([^-]+)$"
    first, last = first or part, last or part
    local fits = clock(first) and clock(last) or days[first] and days[last] or months[first] and months[last]
      or day(first) and day(last)
    if not fits then return false end
  end
  return true
end

return patterns
