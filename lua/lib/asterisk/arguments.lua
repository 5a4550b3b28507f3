-- How applications and functions take their arguments apart.

local arguments = {}

-- Splits a text at a separator, except within parentheses, brackets and quotes.
-- Quotes are taken away, and of a backslash and a character the character stays,
-- unless raw is true. At most most parts are made: the last is the rest. An
-- empty text has no parts.
function arguments.split(text, separator, most, raw)
  local parts = {}
  if text == nil or text == "" then return parts end
  separator, most = separator or ",", most or 1000
  local part, from, at, length = {}, 1, 1, #text
  local round, square, quoted = 0, 0, false
  local function take(to)
    if to >= from then part[#part + 1] = text:sub(from, to) end
  end
  while at <= length do
    local c = text:sub(at, at)
    if c == separator and round == 0 and square == 0 and not quoted then
      if #parts + 1 >= most then break end
      take(at - 1)
      parts[#parts + 1] = table.concat(part)
      part, from = {}, at + 1
    elseif c == "(" then
      round = round + 1
    elseif c == ")" then
      if round > 0 then round = round - 1 end
    elseif c == "[" then
      square = square + 1
    elseif c == "]" then
      if square > 0 then square = square - 1 end
    elseif c == '"' and separator ~= '"' then
      quoted = not quoted
      if not raw then
        take(at - 1)
        from = at + 1
      end
    elseif c == "\\" then
      if not raw then
        take(at - 1)
        from = at + 1
      end
      at = at + 1
    end
    at = at + 1
  end
  take(length)
  parts[#parts + 1] = table.concat(part)
  return parts
end

-- The parts of a text, without anything taken away.
function arguments.raw(text, separator, most) return arguments.split(text, separator, most, true) end

-- Takes options such as "tTm(jazz)L(1000:500)" apart: a table from each letter
-- to its argument, or to "" where it has none.
function arguments.options(text)
  local found, at = {}, 1
  text = text or ""
  while at <= #text do
    local letter, argument = text:sub(at, at), ""
    at = at + 1
    if text:sub(at, at) == "(" then
      local depth, from = 1, at + 1
      at = from
      while at <= #text and depth > 0 do
        local c = text:sub(at, at)
        if c == "\\" then at = at + 1
        elseif c == "(" then depth = depth + 1
        elseif c == ")" then depth = depth - 1 end
        at = at + 1
      end
      argument = text:sub(from, depth == 0 and at - 2 or #text)
    end
    if letter ~= "," and letter ~= " " then found[letter] = argument end
  end
  return found
end

-- Without the spaces around it.
function arguments.trim(text) return (text:match "^%s*(.-)%s*$") end

-- The whole number that a text begins with, as C reads it; 0 where there is none.
function arguments.whole(text)
  return tonumber((tostring(text or "")):match "^%s*([+-]?%d+)") or 0
end

-- The number that a text begins with; 0 where there is none.
function arguments.number(text)
  text = tostring(text or "")
  return tonumber(text:match "^%s*([+-]?%d+%.?%d*)" or text:match "^%s*([+-]?%.%d+)") or 0
end

-- Whether GotoIf and its kind take a condition for true: a number that is not
-- zero, or any other text that is not empty.
function arguments.truth(text)
  if text == nil or text == "" then return false end
  if text:find "^%s*[+-]?%d" then return arguments.whole(text) ~= 0 end
  return true
end

return arguments
