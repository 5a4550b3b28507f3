-- Texts of a dialplan: what ${…} and $[…] stand for.
--
--   compile.text "SIP/${EXTEN:1}@trunk"
--     → '"SIP/" .. ch:slice(ch:get "EXTEN", "1") .. "@trunk"', {}
--   compile.run(ch, "SIP/${EXTEN:1}@trunk")
--     → "SIP/234@trunk"
--
-- Both read a text into the same tree: a list of strings and of nodes
-- { kind = "variable" | "expression", parts = tree, at = position }. The first
-- writes the tree as Lua, the second walks it.

local compile = {}

-- Finds the end of what begins at from, just behind "${" or "$[". Returns the
-- position of the closing character, or nil where it is missing.
local function closing(text, from, kind)
  local open, close = "{", "}"
  if kind == "[" then open, close = "[", "]" end
  local depth, at = 1, from
  while at <= #text do
    local c = text:sub(at, at)
    if kind == "[" and c == "$" and text:sub(at + 1, at + 1) == "{" then
      at = at + 1
    elseif c == open then
      depth = depth + 1
    elseif c == close then
      depth = depth - 1
      if depth == 0 then return at end
    end
    at = at + 1
  end
  return nil
end

local deepest = 50 -- nested substitutions; Asterisk's own limit is its stack

-- Reads a text into a tree. problems takes what is doubtful.
local function parse(text, problems, offset, depth)
  local parts, from = {}, 1
  if depth > deepest then
    problems[#problems + 1] = { at = offset + 1, message = "substitutions are nested too deeply" }
    return { text }
  end
  while true do
    local at = text:find("$[{%[]", from)
    if not at then break end
    if at > from then parts[#parts + 1] = text:sub(from, at - 1) end
    local kind = text:sub(at + 1, at + 1)
    local last = closing(text, at + 2, kind)
    if not last then
      problems[#problems + 1] = {
        at = offset + at, message = ("the '%s' that closes '$%s' is missing"):format(kind == "{" and "}" or "]", kind),
      }
      last = #text + 1
    end
    parts[#parts + 1] = {
      kind = kind == "{" and "variable" or "expression", at = offset + at,
      parts = parse(text:sub(at + 2, last - 1), problems, offset + at + 1, depth + 1),
    }
    from = last + 1
    if from > #text then break end
  end
  if from <= #text then parts[#parts + 1] = text:sub(from) end
  return parts
end

-- The tree of a text, and a list of what is wrong in it: { at =, message = }.
function compile.parse(text)
  local problems = {}
  return parse(text, problems, 0, 1), problems
end

-- Evaluates a tree.
local function evaluate(ch, parts)
  local out = {}
  for i = 1, #parts do
    local part = parts[i]
    if type(part) == "string" then
      out[i] = part
    elseif part.kind == "variable" then
      out[i] = ch:expand(evaluate(ch, part.parts))
    else
      out[i] = ch:expression(evaluate(ch, part.parts))
    end
  end
  return table.concat(out)
end

-- Replaces what stands in a text by its values, at run time.
function compile.run(ch, text)
  if not text:find("$", 1, true) then return text end
  return evaluate(ch, (compile.parse(text)))
end

-- Writes a string as Lua does it.
local function quoted(text)
  return '"' .. text:gsub('[%c"\\\127-\255]', function(c)
    if c == "\n" then return "\\n" end
    if c == '"' or c == "\\" then return "\\" .. c end
    if c:byte() < 32 or c:byte() == 127 then return ("\\%03d"):format(c:byte()) end
    return c
  end) .. '"'
end

compile.quoted = quoted

local written -- forward: a tree as a Lua expression

-- A method call with one argument: ch:get "EXTEN", or ch:get(…).
local function method(name, argument)
  if argument:find '^"[^"]*"$' and not argument:find("\\", 1, true) then return ("ch:%s %s"):format(name, argument) end
  return ("ch:%s(%s)"):format(name, argument)
end

-- Divides the parts of a variable into the name before the first parenthesis,
-- the parts between it and the last one, and the slice that follows. nil where
-- that is only known at run time.
local function function_call(parts)
  local first, last = parts[1], parts[#parts]
  if type(first) ~= "string" or type(last) ~= "string" then return nil end
  local name = first:match "^([%w_]+)%("
  local before, after = last:match "^(.*)%)([^()]*)$"
  if not name or not before then return nil end
  if #parts == 1 then
    local inside = first:sub(#name + 2, #before)
    local depth = 0
    for c in inside:gmatch "[()]" do
      depth = depth + (c == "(" and 1 or -1)
      if depth < 0 then return nil end
    end
    if depth ~= 0 then return nil end
    return name, { inside }, after
  end
  local inner = { first:sub(#name + 2) }
  for i = 2, #parts - 1 do inner[i] = parts[i] end
  inner[#parts] = before
  for i = 1, #inner do
    if type(inner[i]) == "string" and inner[i]:find "[()]" then return nil end
  end
  return name, inner, after
end

-- How the parts of a text are written; a table with the same functions may be
-- given to compile.write in its stead.
--   get(name)               a variable
--   slice(value, numbers)   ":1:2" behind it
--   expression(parts)       $[…], nil to have it evaluated from its text
local plain = {
  get = function(name) return method("get", quoted(name)) end,
  slice = function(value, numbers) return ("ch:slice(%s, %s)"):format(value, quoted(numbers)) end,
  expression = function() return nil end,
}

-- Writes what ":1:2" behind a name does to its value; nil where it is not plain.
local function sliced(value, slice, style)
  if slice == "" then return value end
  local numbers = slice:match "^:(.*)$"
  if not numbers then return nil end
  return style.slice(value, numbers)
end

local function variable(parts, style)
  if #parts == 0 then return '""' end
  local name, inner, after = function_call(parts)
  if name then
    local value = ("ch:fn(%s, %s)"):format(quoted(name), written(inner, style))
    local result = sliced(value, after, style)
    if result then return result end
  elseif #parts == 1 and type(parts[1]) == "string" and not parts[1]:find "[()]" then
    local name, slice = parts[1]:match "^([^:]*)(.*)$"
    return sliced(style.get(name), slice, style)
  end
  return method("expand", written(parts, style))
end

function written(parts, style)
  local out = {}
  for _, part in ipairs(parts) do
    if type(part) == "string" then
      if part ~= "" then out[#out + 1] = quoted(part) end
    elseif part.kind == "variable" then
      out[#out + 1] = variable(part.parts, style)
    else
      out[#out + 1] = style.expression(part.parts) or method("expression", written(part.parts, style))
    end
  end
  if #out == 0 then return '""' end
  return table.concat(out, " .. ")
end

-- Writes a tree as a Lua expression over a local ch.
function compile.write(parts, style) return written(parts, style or plain) end

-- Compiles a text to a Lua expression over a local ch. The second result lists
-- what is doubtful in it, with positions; the third says whether the text is
-- constant.
function compile.text(text)
  local parts, problems = compile.parse(text)
  local constant = true
  for _, part in ipairs(parts) do constant = constant and type(part) == "string" end
  return written(parts, plain), problems, constant
end

return compile
