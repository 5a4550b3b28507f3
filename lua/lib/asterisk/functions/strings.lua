-- Functions that work on texts.

local arguments = require "asterisk.arguments"
local compile = require "asterisk.compile"
local expr = require "asterisk.expr"
local registry = require "asterisk.registry"

local func = registry.func

func("LEN", { read = function(_, text) return #text end })
func("TOUPPER", { read = function(_, text) return (text:gsub("%l", string.upper)) end })
func("TOLOWER", { read = function(_, text) return (text:gsub("%u", string.lower)) end })
func("STRREPLACE", { read = function(ch, text)
  local parts = arguments.split(text, ",", 4)
  local find, with, most = parts[2] or "", parts[3] or "", tonumber(parts[4])
  if find == "" then
    log.warn("STRREPLACE wants a text to look for")
    return ""
  end
  local value = ch:get(parts[1])
  local out, from, count = {}, 1, 0
  while not most or count < most do
    local at, last = value:find(find, from, true)
    if not at then break end
    out[#out + 1] = value:sub(from, at - 1) .. with
    from, count = last + 1, count + 1
  end
  return table.concat(out) .. value:sub(from)
end })

-- What \n, \r, \t, \x41 and \012 stand for in sets of characters.
local escapes = { n = "\n", r = "\r", t = "\t", ["0"] = "\0" }

-- Reads one character of a set at a position: it, and where the next begins.
local function character(text, at)
  local c = text:sub(at, at)
  if c ~= "\\" then return c, at + 1 end
  local hex = text:match("^x(%x%x?)", at + 1)
  if hex then return string.char(tonumber(hex, 16)), at + 2 + #hex end
  local octal = text:match("^0([0-7][0-7]?[0-7]?)", at + 1)
  if octal then return string.char(tonumber(octal, 8) % 256), at + 2 + #octal end
  local after = text:sub(at + 1, at + 1)
  if after == "" then return "\\", at + 1 end
  return escapes[after] or after, at + 2
end

-- The characters of a set such as "0-9a-f\x41", in a table.
local function set(text)
  local members, at = {}, 1
  while at <= #text do
    local first, after = character(text, at)
    if text:sub(after, after) == "-" and after < #text then
      local last, behind = character(text, after + 1)
      if first:byte() > last:byte() then
        log.warn("FILTER: the range '%s-%s' is upside down", first, last)
        members[first], members["-"], members[last] = nil, nil, nil
        for code = last:byte() + 1, first:byte() - 1 do members[string.char(code)] = nil end
        return nil
      end
      for code = first:byte(), last:byte() do members[string.char(code)] = true end
      at = behind
    else
      members[first] = true
      at = after
    end
  end
  return members
end

-- A range that is upside down wraps around: it holds all but what is between.
local function wrapped(text)
  local members = {}
  local first, last = text:match "^(.)%-(.)$"
  for code = 0, 255 do members[string.char(code)] = true end
  if first then
    for code = last:byte(), first:byte() do members[string.char(code)] = nil end
  end
  return members
end

func("FILTER", { read = function(_, text)
  local allowed, value = text:match "^((\\?.-)),"
  local at = 1
  while at <= #text do
    local c = text:sub(at, at)
    if c == "\\" then at = at + 1
    elseif c == "," then break end
    at = at + 1
  end
  if at > #text then
    log.warn("FILTER wants characters and a text")
    return ""
  end
  allowed, value = text:sub(1, at - 1), text:sub(at + 1)
  local members = set(allowed) or wrapped(allowed)
  return (value:gsub(".", function(c) if not members[c] then return "" end end):gsub("%z", function() return members["\0"] and "\0" or "" end))
end })

func("REPLACE", { read = function(ch, text)
  local parts = arguments.split(text, ",", 3)
  local find, with = parts[2] or "", parts[3] or ""
  with = with:sub(1, 1)
  return (ch:get(parts[1] or ""):gsub(".", function(c)
    if find:find(c, 1, true) then return with end
  end))
end })

func("REGEX", { read = function(ch, text)
  local pattern, value = text:match '^%s*"(.-)"%s(.*)$'
  if not pattern then pattern, value = text:match '^%s*"(.-)"(.*)$' end
  if not pattern then
    log.error('REGEX wants "expression" and a text, at %s', ch:place())
    return ""
  end
  local found, problem = expr.match(value, pattern)
  if found == false then
    log.warn("REGEX: %s", problem)
    return ""
  end
  return found and "1" or "0"
end })

func("PASSTHRU", { read = function(_, text) return text end })

func("EVAL", { read = function(ch, text)
  if text == "" then
    log.warn("EVAL wants a text")
    return ""
  end
  return compile.run(ch, text)
end })
func("EVAL_EXTEN", { level = "unavailable", note = "needs the text of other extensions as a value" })

func("QUOTE", { read = function(_, text)
  if text == "" then log.warn "QUOTE wants a text" end
  return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
end })

func("CSV_QUOTE", { read = function(_, text)
  return '"' .. text:gsub('"', '""') .. '"'
end })

local keypad = { a = 2, d = 3, g = 4, j = 5, m = 6, p = 7, t = 8, w = 9 }

func("KEYPADHASH", { read = function(_, text)
  return (text:gsub(".", function(c)
    if c:find "%d" then return c == "0" and "0" or c end
    if not c:find "%a" then return "" end
    local code = c:lower():byte()
    while code >= 97 do
      local key = keypad[string.char(code)]
      if key then return tostring(key) end
      code = code - 1
    end
    return ""
  end))
end })

-- SPRINTF ------------------------------------------------------------------------------

local function formatted(mark, kind, value)
  if kind == "s" then return mark:format(value or "(null)") end
  if kind == "c" then return string.char(arguments.whole(value) % 256) end
  if kind:find "[diouxX]" then return mark:format(arguments.whole(value)) end
  return mark:format(arguments.number(value))
end

func("SPRINTF", { read = function(_, text)
  local parts = arguments.split(text)
  local template, used, broken = parts[1] or "", 1, false
  local out = template:gsub("%%([%-%+ #0]*)(%d*)(%.?%d*)([hlLqjzt]*)(.)", function(flags, width, precision, length, kind)
    if kind == "%" then return "%" end
    if length:find "q" or not kind:find "[diouxXeEfFgGcs]" then
      broken = true
      return ""
    end
    used = used + 1
    if parts[used] == nil and kind ~= "s" then
      broken = true
      return ""
    end
    if kind == "i" or kind == "u" then kind = "d" end
    if kind == "F" then kind = "f" end
    if #width > 2 then width = "99" end
    return formatted("%" .. flags .. width .. precision:sub(1, 3) .. kind, kind, parts[used])
  end)
  if broken then
    log.error("SPRINTF: '%s' does not fit what it is given", template)
    return ""
  end
  return out
end })
