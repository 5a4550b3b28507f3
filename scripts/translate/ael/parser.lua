-- extensions.ael to a tree: contexts and macros, each with elements; statements
-- with the kind, what they hold, and their place. lower.lua turns the statements
-- into priorities.

local text = require "text"
local scanner = require "ael.scanner"

local parser = {}
parser.__index = parser

local deepest = 100 -- nested statements

-- Says what is wrong, and goes on behind the next ; or before the next }.
local function wrong(self, reason, suggestion)
  local s = self.scan
  self.report:unknown(s:place(), reason, suggestion)
  local stop = s.source:find("[;}]", s.at)
  if not stop then
    s.at = #s.source + 1
  else
    s.at = s.source:byte(stop) == 59 and stop + 1 or stop
  end
end

local function node(self, kind, at, fields)
  fields = fields or {}
  fields.kind, fields.file, fields.line = kind, at.file, at.line
  return fields
end

-- Statements -------------------------------------------------------------------------

local statements = {}

local function condition(self, kind, at)
  local inside = self.scan:parentheses()
  if not inside then return wrong(self, kind .. " without a condition in parentheses", kind .. " (…) { … }") end
  local n = node(self, kind, at, { condition = inside })
  n.body = self:statement()
  if kind ~= "while" and self.scan:match "^else%f[%W]" then n.otherwise = self:statement() end
  return n
end

statements["if"] = function(self, at) return condition(self, "if", at) end
statements["while"] = function(self, at) return condition(self, "while", at) end
statements.random = function(self, at) return condition(self, "random", at) end
statements.iftime = function(self, at) return condition(self, "iftime", at) end

statements["for"] = function(self, at)
  local inside = self.scan:parentheses()
  local parts = inside and text.split(inside, ";")
  if not parts or #parts ~= 3 then return wrong(self, "for needs three parts", "for (i=0; ${i} < 5; i=${i}+1) { … }") end
  return node(self, "for", at, {
    first = text.trim(parts[1]), condition = text.trim(parts[2]), step = text.trim(parts[3]), body = self:statement(),
  })
end

statements.switch = function(self, at)
  local s = self.scan
  local n = node(self, "switch", at, { value = s:parentheses(), cases = {} })
  if not n.value or not s:accept "{" then return wrong(self, "switch needs (value) and {", "switch (${X}) { case 1: …; break; }") end
  while not s:accept "}" do
    if s:ended() then
      wrong(self, "switch has no closing }", "add }")
      break
    end
    local place = s:place()
    local word = s:match "^(%a+)%f[%W]"
    local case
    if word == "default" then
      case = { kind = "default" }
    elseif word == "case" or word == "pattern" then
      case = { kind = word, value = s:raw ":" or "" }
    end
    if not case or not s:accept ":" then
      wrong(self, "switch holds case, pattern and default only", "begin the lines with case VALUE:")
    else
      case.file, case.line, case.body = place.file, place.line, {}
      n.cases[#n.cases + 1] = case
      while not s:ended() and s:peek() ~= "}" and not s.source:find("^case%f[%W]", s.at)
        and not s.source:find("^pattern%f[%W]", s.at) and not s.source:find("^default%s*:", s.at) do
        local before = s.at
        case.body[#case.body + 1] = self:statement()
        if s.at == before then s.at = s.at + 1 end
      end
    end
  end
  return n
end

local function simple(kind)
  return function(self, at)
    self.scan:accept ";"
    return node(self, kind, at)
  end
end

statements["break"], statements.continue, statements["return"] = simple "break", simple "continue", simple "return"

local function target(kind)
  return function(self, at)
    local place = self.scan:raw ";}"
    if not place or place == "" then return wrong(self, kind .. " without a place", kind .. " NUMBER;") end
    self.scan:accept ";"
    return node(self, kind, at, { target = place })
  end
end

statements["goto"], statements.jump = target "goto", target "jump"

statements["local"] = function(self, at)
  local s = self.scan
  local name = s:raw "=;}"
  if not name or not s:accept "=" then return wrong(self, "local without a value", "local NAME=value;") end
  local value = s:raw ";}" or ""
  s:accept ";"
  return node(self, "assign", at, { name = "LOCAL(" .. name .. ")", value = value })
end

statements.catch = function(self, at)
  local name = self.scan:raw "{;"
  return node(self, "catch", at, { name = name or "", body = self:statement() })
end

local function block(self, at)
  local n = node(self, "block", at, { body = {} })
  while not self.scan:accept "}" do
    if self.scan:ended() then
      self.report:unknown(at, "this { is not closed", "add }")
      break
    end
    local before = self.scan.at
    n.body[#n.body + 1] = self:statement()
    if self.scan.at == before then wrong(self, "a statement was expected here") end
    if self.scan.at == before then self.scan.at = before + 1 end
  end
  return n
end

-- &name(arguments);
local function call(self, at)
  local name = self.scan:match "^[%w_-]+"
  local args = self.scan:parentheses()
  if not name then return wrong(self, "& without the name of a macro", "&name(arguments);") end
  self.scan:accept ";"
  return node(self, "call", at, { name = name, args = args or "" })
end

-- An application, an assignment, or a label.
local function plain(self, at)
  local s = self.scan
  local name = s:match "^[^%s(){};=:,]+"
  if not name then return wrong(self, ("'%s' was not expected here"):format(s:peek())) end
  local lowered = statements[name:lower()]
  if lowered and (name == name:lower() or name == "ifTime") then return lowered(self, at) end
  local next = s:peek()
  if next == ":" then
    s:accept ":"
    return node(self, "label", at, { name = name })
  end
  local args
  if next == "(" then
    args = s:parentheses()
    if not args then return wrong(self, name .. "( is not closed", name .. "(…);") end
  end
  if s:peek() == "=" and s.source:sub(s.at, s.at + 1) ~= "=>" then
    s:accept "="
    local value = s:raw ";}" or ""
    s:accept ";"
    return node(self, "assign", at, { name = args and ("%s(%s)"):format(name, args) or name, value = value })
  end
  s:accept ";"
  return node(self, "application", at, { name = name, args = args or "" })
end

function parser:statement()
  local s = self.scan
  s:skip()
  local at = s:place()
  local above = s:comments()
  self.depth = self.depth + 1
  local n
  if self.depth > deepest then
    wrong(self, "statements are nested too deeply")
  elseif s:accept "{" then
    n = block(self, at)
  elseif s:accept ";" then
    n = node(self, "block", at, { body = {} })
  elseif s:accept "&" then
    n = call(self, at)
  elseif s:peek() ~= "}" then
    n = plain(self, at)
  end
  self.depth = self.depth - 1
  n = n or node(self, "block", at, { body = {} })
  self.report:count(n)
  n.above = above
  return n
end

-- Contexts ---------------------------------------------------------------------------

-- { name; name|times; }
local function list(self, add)
  local s = self.scan
  if not s:accept "{" then return wrong(self, "{ was expected here") end
  while not s:accept "}" do
    local at = s:place(s.at)
    local item = s:raw ";}"
    if not item then return wrong(self, "this list is not closed", "add }") end
    s:accept ";"
    if item ~= "" then
      self.report:count(at)
      add(item, at)
    end
  end
end

local function element(self, context)
  local s = self.scan
  s:skip()
  local at, above = s:place(), s:comments()
  local function add(kind, fields)
    fields.above = above
    context.elements[#context.elements + 1] = node(self, kind, at, fields)
  end
  if s:match "^includes%f[%W]" then
    return list(self, function(item, place)
      context.elements[#context.elements + 1] = node(self, "include", place, { value = item })
    end)
  end
  local kind = s:match "^(e?switch)es%f[%W]" or s:match "^(e?switch)e?s%f[%W]"
  if kind then
    return list(self, function(item, place)
      context.elements[#context.elements + 1] = node(self, "switch", place, { target = item, word = kind })
    end)
  end
  self.report:count(at)
  if s:match "^ignorepat%s*=>" then
    add("ignorepat", { prefix = s:raw ";}" or "" })
    s:accept ";"
    return
  end
  s:match "^regexten%f[%W]"
  local hint
  if s:match "^hint%f[%W]" then
    hint = s:parentheses()
    s:match "^regexten%f[%W]"
  end
  local from, to = s.source:find("^[^;{}\n]-=>", s.at)
  if not from then
    return wrong(self, "an extension was expected here", "NUMBER => { … }")
  end
  local name = text.trim(s.source:sub(from, to - 2))
  s.at = to + 1
  if hint then add("hint", { pattern = name, target = hint }) end
  add("extension", { name = name, body = self:statement() })
end

local function context(self, at, above, macro)
  local s = self.scan
  local name = s:match "^[%w_.~-]+" or s:match '^"[^"]*"'
  local tree = node(self, macro and "macro" or "context", at, { name = name, above = above, elements = {} })
  if not name then return wrong(self, (macro and "macro" or "context") .. " without a name") end
  if macro then
    tree.arguments = {}
    for _, one in ipairs(text.split(s:parentheses() or "", ",")) do
      if text.trim(one) ~= "" then tree.arguments[#tree.arguments + 1] = text.trim(one) end
    end
    tree.body = self:statement()
    return tree
  end
  if not s:accept "{" then return wrong(self, "{ was expected after the name of the context") end
  while not s:accept "}" do
    if s:ended() then
      self.report:unknown(at, "this context is not closed", "add }")
      break
    end
    local before = s.at
    if not s:accept ";" then element(self, tree) end
    if s.at == before then s.at = before + 1 end
  end
  return tree
end

local function globals(self, trees)
  list(self, function(item, at)
    local name, value = item:match "^([^=]*)=(.*)$"
    if not name then
      self.report:unknown(at, ("global variable '%s' has no value"):format(item), "NAME=value;")
      return
    end
    trees[#trees + 1] = node(self, "global", at, { name = text.trim(name), value = text.trim(value) })
  end)
end

-- The trees of a file, in order; nil where there is none.
function parser.parse(job, report, name)
  local s = scanner.open(job, report, name)
  if not s then return nil end
  local self = setmetatable({ scan = s, report = report, depth = 0 }, parser)
  local trees = {}
  while not s:ended() do
    local at, above, before = s:place(), s:comments(), s.at
    while s:match "^abstract%f[%W]" or s:match "^extend%f[%W]" do end
    if s:accept ";" then -- nothing
    elseif s:match "^globals%f[%W]" then
      globals(self, trees)
    elseif s:match "^context%f[%W]" then
      report:count(at)
      trees[#trees + 1] = context(self, at, above)
    elseif s:match "^macro%f[%W]" then
      report:count(at)
      trees[#trees + 1] = context(self, at, above, true)
    else
      wrong(self, "only context, macro and globals stand here", "put it into a context")
    end
    if s.at == before then s.at = before + 1 end
  end
  return trees
end

return parser
