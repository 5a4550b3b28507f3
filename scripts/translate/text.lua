-- Small things that several passes do with text.

local text = {}

function text.trim(s) return (s:match "^%s*(.-)%s*$") end

-- The parts of s between separators, which is one character; nothing is trimmed.
function text.split(s, separator)
  local parts, from = {}, 1
  while true do
    local at = s:find(separator, from, true)
    if not at then break end
    parts[#parts + 1] = s:sub(from, at - 1)
    from = at + 1
  end
  parts[#parts + 1] = s:sub(from)
  return parts
end

local escapes = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\0"] = "\\0" }

-- s as a Lua string.
function text.quote(s)
  if not s:find '[%c\\"]' then return '"' .. s .. '"' end
  if not s:find "[%c\\']" then return "'" .. s .. "'" end
  return '"' .. s:gsub('[%c\\"]', function(c)
    return escapes[c] or ("\\%03d"):format(c:byte())
  end) .. '"'
end

local keywords = {}
for word in ([[and break do else elseif end false for function if in local nil not or repeat return then true
until while]]):gmatch "%a+" do
  keywords[word] = true
end

-- Whether s can be written as a name in Lua.
function text.is_name(s) return s:find "^[%a_][%w_]*$" ~= nil and not keywords[s] end

-- s as the key of a field in a table.
function text.key(s) return text.is_name(s) and s or "[" .. text.quote(s) .. "]" end

-- Whether s is well-formed UTF-8 (RFC 3629).
function text.is_utf8(s)
  local at = s:find "[\128-\255]"
  while at do
    local c = s:byte(at)
    local more = c >= 0xC2 and c <= 0xDF and 1 or c >= 0xE0 and c <= 0xEF and 2 or c >= 0xF0 and c <= 0xF4 and 3
    if not more or not s:find("^" .. ("[\128-\191]"):rep(more), at + 1) then return false end
    local second = s:byte(at + 1)
    if c == 0xE0 and second < 0xA0 or c == 0xED and second > 0x9F or c == 0xF0 and second < 0x90
      or c == 0xF4 and second > 0x8F then
      return false
    end
    at = s:find("[\128-\255]", at + more + 1)
  end
  return true
end

-- Latin-1 as UTF-8: each of its characters is the code point of the same number.
function text.from_latin1(s)
  return (s:gsub("[\128-\255]", function(c)
    local code = c:byte()
    return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64)
  end))
end

-- How many letters must be added, taken away, changed or swapped with their
-- neighbour to make b of a; limit where it is that many or more.
local function distance(a, b, limit)
  if math.abs(#a - #b) >= limit then return limit end
  local before, row = {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local earlier = before
    before, row = row, {}
    row[0] = i
    local least = i
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local cost = math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        cost = math.min(cost, earlier[j - 2] + 1)
      end
      row[j] = cost
      if cost < least then least = cost end
    end
    if least >= limit then return limit end
  end
  return math.min(row[#b], limit)
end

-- The one of names, a list, that word was probably meant to be: at most two
-- slips away, one for short words. Letter case does not count.
function text.nearest(word, names)
  word = word:lower()
  local limit = #word <= 3 and 2 or 3
  local best
  for _, name in ipairs(names) do
    local d = distance(word, name:lower(), limit)
    if d < limit then best, limit = name, d end
  end
  return best
end

return text
