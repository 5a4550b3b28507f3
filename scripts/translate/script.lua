-- Extensions as functions of Lua, from the trees of structure.lua.

local text = require "text"
local asterisk = require "asterisk"
local structure = require "structure"
local express = require "express"

local script = {}

local pass = {}
pass.__index = pass

-- Makes a pass over a dialplan; nil where everything is to be tables.
function script.new(plan, form)
  if form == "tables" then return nil end
  if form ~= nil and form ~= "structured" then
    error(("there is no form '%s'; write structured or tables"):format(form), 0)
  end
  structure.entries(plan)
  return setmetatable({ express = express.new(plan), structured = 0, tables = 0 }, pass)
end

-- The call of a step's application.
function pass:call(step, out)
  local list = self.express:arguments(step.app, step.args)
  local known = asterisk.known(step.app)
  local name = known and known.name
  if not name or not text.is_name(name) or not asterisk.is_method(name) then
    table.insert(list, 1, text.quote(step.app))
    name = "run"
  end
  if out then name = "go" end
  if #list == 1 and list[1]:find '^"[^"\\]*"$' then return ("ch:%s %s"):format(name, list[1]) end
  return ("ch:%s(%s)"):format(name, table.concat(list, ", "))
end

local function above(o, step, indent)
  if step == o.first then return end -- they stand over the extension
  for _, line in ipairs(step.above or {}) do
    for part in line:gmatch "[^\r\n]+" do o:add(indent, "-- ", part, "\n") end
  end
end

-- Ends a line, with what is said of its step.
local function finish(o, step)
  local words = {}
  if step.label then words[1] = "(" .. step.label .. ")" end
  if step.comment then words[#words + 1] = step.comment end
  if #words > 0 then o:add(" -- ", (table.concat(words, " "):gsub("[\r\n]", " "))) end
  o:add "\n"
end

function pass:condition(o, one, indent, word)
  local yes, no, negated = one.yes, one.no, false
  if #yes == 0 then yes, no, negated = no, yes, true end
  o:add(indent, word, negated and " not " or " ", self:call(one.cond), " then")
  if word == "if" and #no == 0 and #yes == 1 and type(yes[1]) == "string" then
    o:add(" ", yes[1], " end")
    return finish(o, one.cond)
  end
  finish(o, one.cond)
  self:list(o, yes, indent .. "  ")
  if #no == 0 then
    o:add(indent, "end\n")
  elseif #no == 1 and type(no[1]) == "table" and no[1].cond and not no[1].loop and not no[1].cond.above
    and #no[1].yes + #no[1].no > 0 then
    self:condition(o, no[1], indent, "elseif")
  else
    o:add(indent, "else\n")
    self:list(o, no, indent .. "  ")
    o:add(indent, "end\n")
  end
end

function pass:loop(o, one, indent)
  if one.loop == "while" then
    above(o, one.cond, indent)
    o:add(indent, "while ", one.negated and "not " or "", self:call(one.cond), " do")
    finish(o, one.cond)
  else
    o:add(indent, one.loop == "until" and "repeat\n" or "while true do\n")
  end
  self:list(o, one.body, indent .. "  ")
  if one.loop == "until" then
    above(o, one.cond, indent .. "  ")
    o:add(indent, "until ", one.negated and "not " or "", self:call(one.cond))
    finish(o, one.cond)
  else
    o:add(indent, "end\n")
  end
end

function pass:list(o, list, indent)
  for _, one in ipairs(list) do
    if type(one) == "string" then
      o:add(indent, one, "\n")
    elseif one.loop then
      self:loop(o, one, indent)
    elseif one.step then
      above(o, one.step, indent)
      o:add(indent, one.leaves and "return " or "", self:call(one.step, one.out))
      finish(o, one.step)
    elseif #one.yes + #one.no == 0 then
      above(o, one.cond, indent)
      o:add(indent, self:call(one.cond))
      finish(o, one.cond)
    else
      above(o, one.cond, indent)
      self:condition(o, one, indent, "if")
    end
  end
end

-- "12-14,16": the lines of steps in the order of their priorities.
local function lines(steps)
  local out, first, last = {}, nil, nil
  local function flush()
    if first then out[#out + 1] = first == last and tostring(first) or first .. "-" .. last end
  end
  for _, step in ipairs(steps) do
    if last and step.line == last + 1 then
      last = step.line
    else
      flush()
      first, last = step.line, step.line
    end
  end
  flush()
  return table.concat(out, ",")
end

-- Writes a table of numbers by name or number, in the order of the steps.
local function numbers(o, field, pairs_of)
  if #pairs_of == 0 then return end
  o:add(", ", field, " = { ")
  for i, one in ipairs(pairs_of) do
    if i > 1 then o:add ", " end
    o:add(type(one[1]) == "number" and "[" .. one[1] .. "]" or text.key(one[1]), " = ", tostring(one[2]))
  end
  o:add " }"
end

-- Writes an extension, and says whether it could.
function pass:extension(o, extension, context)
  local tree, closing
  if not extension.entered then tree, closing = structure.of(context, extension) end
  if not tree then
    self.tables = self.tables + 1
    return false
  end
  self.structured = self.structured + 1
  local labels, loops = {}, {}
  for _, step in ipairs(extension.steps) do
    if step.label then labels[#labels + 1] = { step.label, step.priority } end
    if closing[step.priority] then loops[#loops + 1] = { step.priority, closing[step.priority] } end
  end
  o:add("asterisk.extension(here, ", text.quote(extension.pattern), ", function(ch)\n")
  local first = extension.steps[1]
  o.first = first
  self:list(o, tree, "  ")
  o.first = nil
  o:add("end, { file = ", text.quote(first.file), ", lines = ", text.quote(lines(extension.steps)))
  numbers(o, "labels", labels)
  numbers(o, "loops", loops)
  if extension.caller then o:add(", caller = ", text.quote(extension.caller)) end
  o:add " })\n"
  return true
end

return script
