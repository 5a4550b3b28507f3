-- Takes apart what stands behind a priority: App(argument,argument).

local text = require "text"

local arguments = {}

-- Splits "App(arguments)" the way Asterisk 1.6 and later do: the arguments begin
-- after the first parenthesis and end before the last one. The third result says
-- what is wrong, the fourth what was probably meant.
function arguments.application(written)
  local open = written:find("(", 1, true)
  if not open then return written, "" end
  local name, rest = written:sub(1, open - 1), written:sub(open + 1)
  if name:find("${", 1, true) or name:find("$[", 1, true) then return written, "" end
  local close = rest:match "^.*()%)"
  if not close then
    return name, rest, "no closing parenthesis", written .. ") was probably meant"
  end
  local after = text.trim(rest:sub(close + 1))
  local inside = rest:sub(1, close - 1)
  if after ~= "" then
    return name, inside, ("'%s' after the closing parenthesis is ignored"):format(after), "a comment begins with a semicolon"
  end
  return name, inside
end

-- Splits "App,a,b", "App|a|b" and "App(a|b)" the way Asterisk up to 1.4 did: all
-- separators are made commas, quotes are taken away, and a backslash makes the
-- character after it plain.
function arguments.old_application(written)
  local open = written:find("(", 1, true) or #written + 1
  local separator = written:find "[,|]" or #written + 1
  local name, rest
  if separator < open then
    name, rest = written:sub(1, separator - 1), written:sub(separator + 1)
  elseif open <= #written then
    name, rest = written:sub(1, open - 1), written:sub(open + 1)
    local close = rest:match "^.*()%)"
    rest = close and rest:sub(1, close - 1) or rest
  else
    return text.trim(written), ""
  end
  return text.trim(name), arguments.modern(rest)
end

-- Old arguments in the modern spelling.
function arguments.modern(old)
  if not old:find '[|"\\]' then return old end
  local out, quoted, at = {}, false, 1
  local depth = 0 -- within $[ ], where | is an operator
  while at <= #old do
    local c = old:sub(at, at)
    if c == "\\" then
      out[#out + 1] = old:sub(at + 1, at + 1)
      at = at + 1
    elseif c == "$" and old:sub(at + 1, at + 1) == "[" then
      depth = depth + 1
      out[#out + 1] = "$["
      at = at + 1
    elseif depth > 0 and (c == "[" or c == "]") then
      depth = depth + (c == "[" and 1 or -1)
      out[#out + 1] = c
    elseif c == '"' and depth == 0 then
      quoted = not quoted
    elseif c == "|" and not quoted and depth == 0 then
      out[#out + 1] = ","
    else
      out[#out + 1] = c
    end
    at = at + 1
  end
  return table.concat(out)
end

local closing = { ["("] = ")", ["["] = "]", ["{"] = "}" }

-- Where s may be cut at separator: not within quotes, parentheses, ${ } or $[ ],
-- nor after a backslash.
function arguments.split(s, separator)
  if not s:find(separator, 1, true) then return { s } end
  if not s:find '["\\(%[{]' then return text.split(s, separator) end
  local parts, from, at = {}, 1, 1
  local stack, quoted = {}, false
  local special = '["\\()%[%]{}%' .. separator .. "]"
  while true do
    at = s:find(special, at)
    if not at then break end
    local c = s:sub(at, at)
    if c == "\\" then
      at = at + 1
    elseif c == '"' then
      quoted = not quoted
    elseif quoted and #stack == 0 then -- plain
    elseif closing[c] then
      stack[#stack + 1] = closing[c]
    elseif c == stack[#stack] then
      stack[#stack] = nil
    elseif c == separator and #stack == 0 then
      parts[#parts + 1] = s:sub(from, at - 1)
      from = at + 1
    end
    at = at + 1
  end
  parts[#parts + 1] = s:sub(from)
  return parts
end

-- Whether s means the same however often it is evaluated: nothing is substituted.
function arguments.is_static(s) return not (s:find("${", 1, true) or s:find("$[", 1, true)) end

return arguments
