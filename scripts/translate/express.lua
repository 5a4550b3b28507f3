-- The arguments of steps as Lua values, for extensions that are written as Lua.
--
-- What is written means the same text, whatever the values of variables are: the
-- runtime joins the values as they were cut here. An operator of Lua stands for
-- one of $[…] only where no value can make a difference; where one could, the
-- methods same, differs and calc of the channel look at the values, and
-- what these do not cover is evaluated from its text.

local compile = require "asterisk.compile"
local asterisk = require "asterisk"
local arguments = require "arguments"
local text = require "text"

local express = {}

local pass = {}
pass.__index = pass

-- Variables that applications set to one of a few words. A comparison with a word
-- is one of Lua, unless the dialplan itself makes something else of them.
local statuses = {}
for name in ([[DIALSTATUS PLAYBACKSTATUS BACKGROUNDSTATUS READSTATUS QUEUESTATUS VOICEMAILSTATUS VMSTATUS RECORD_STATUS
  AVAILSTATUS SYSTEMSTATUS TRYSTATUS TRANSFERSTATUS CHANNELREDIRECT_STATUS WAITUNTILSTATUS AGISTATUS]]):gmatch "%S+" do
  statuses[name] = true
end

-- Which of the status variables hold nothing but words: text in a dialplan that
-- names one otherwise than to read it must give it a word.
local function closed(plan)
  local sure = {}
  for name in pairs(statuses) do sure[name] = true end
  local function look(args)
    for before, name, after in args:gmatch "(.?.?)([%u_]*STATUS)([^,)]*)" do
      if before ~= "${" and statuses[name] and not after:find "^=[%w_-]*$" then sure[name] = nil end
    end
  end
  for _, context in ipairs(plan.contexts) do
    for _, extension in ipairs(context.extensions) do
      for _, step in ipairs(extension.steps) do
        if step.args:find("STATUS", 1, true) then look(step.args) end
      end
    end
  end
  for _, entry in ipairs(plan.globals) do sure[entry.name] = nil end
  return sure
end

-- Makes a pass over the texts of a dialplan.
function express.new(plan)
  local self = setmetatable({ cache = {} }, pass)
  self.closed = closed(plan)
  self.style = {
    get = function(name)
      if text.is_name(name) and asterisk.is_field(name) and not asterisk.is_method(name) then return "ch." .. name end
      return "ch:get(" .. text.quote(name) .. ")"
    end,
    slice = function(value, numbers) return self:slice(value, numbers) end,
    expression = function(parts) return self:calculation(parts) end,
  }
  return self
end

-- ":1" and ":1:2" where string.sub does the same.
function pass:slice(value, numbers)
  local offset, length = numbers:match "^(-?%d+):?(%d*)$"
  offset = offset and #offset <= 4 and tonumber(offset)
  if offset and offset ~= 0 and length == "" and not numbers:find(":", 1, true) then
    return ("%s:sub(%d)"):format(value, offset > 0 and offset + 1 or offset)
  elseif offset and offset >= 0 and not numbers:find "^-" and length ~= "" and #length <= 4 then
    return ("%s:sub(%d, %d)"):format(value, offset + 1, offset + tonumber(length))
  end
  return ("ch:slice(%s, %s)"):format(value, compile.quoted(numbers))
end

-- An expression as one string in which the nodes are marks, and the nodes by mark.
local function marked(parts)
  local out, nodes = {}, {}
  for i, part in ipairs(parts) do
    if type(part) == "string" then
      if part:find "[\1\2]" then return nil end
      out[i] = part
    else
      nodes[#nodes + 1] = part
      out[i] = "\1" .. #nodes .. "\2"
    end
  end
  return table.concat(out), nodes
end

-- The tree of a piece of a marked string.
local function unmarked(s, nodes)
  local parts, from = {}, 1
  for first, mark, last in s:gmatch "()\1(%d+)\2()" do
    if first > from then parts[#parts + 1] = s:sub(from, first - 1) end
    parts[#parts + 1] = nodes[tonumber(mark)]
    from = last
  end
  if from <= #s then parts[#parts + 1] = s:sub(from) end
  return parts
end

-- An operand of + and its kind: one variable, or a whole number.
local function operand(self, s, nodes)
  if s:find "^%d+$" and #s <= 9 and (s == "0" or not s:find "^0") then return s, true end
  if s:find "^\1%d+\2$" then return compile.write(unmarked(s, nodes), self.style) end
end

local calculated = { ["+"] = true, ["-"] = true, ["<"] = true, [">"] = true, ["<="] = true, [">="] = true, ["="] = true, ["!="] = true }

-- $[${A} + 1]; nil where it is anything else.
function pass:calculation(parts)
  local s, nodes = marked(parts)
  if not s then return nil end
  local left, operator, right = s:match "^%s*(%S+) (%S+) (%S+)%s*$"
  if not left or not calculated[operator] then return nil end
  local a, constant = operand(self, left, nodes)
  local b, also = operand(self, right, nodes)
  if not a or not b or constant and also then return nil end
  return ("ch:calc(%s, %q, %s)"):format(a, operator, b)
end

-- A comparison with a variable that only applications set; nil where it is
-- anything else.
function pass:certain(s, nodes)
  s = text.trim(s)
  local mark, operator, word = s:match '^"\1(%d+)\2"%s*([!=]+)%s*"([%w_-]*)"$'
  if not mark then return nil end
  local name = nodes[tonumber(mark)].parts
  if nodes[tonumber(mark)].kind ~= "variable" or #name ~= 1 or not self.closed[name[1]] then return nil end
  if operator == "=" or operator == "==" then operator = "==" elseif operator == "!=" then operator = "~=" else return nil end
  return ("ch.%s %s %s"):format(name[1], operator, text.quote(word))
end

-- Comparisons that are certain, with & or | between them.
function pass:together(s, nodes)
  local word = s:find("|", 1, true) and "|" or "&"
  local list = {}
  for i, one in ipairs(text.split(s, word)) do
    list[i] = self:certain(one, nodes)
    if not list[i] then return nil end
  end
  return table.concat(list, word == "|" and " or " or " and ")
end

-- The condition of a step: what is true or false, or a text.
function pass:condition(parts)
  if #parts == 1 and type(parts[1]) == "table" and parts[1].kind == "expression" then
    local s, nodes = marked(parts[1].parts)
    if s then
      local certain = self:together(s, nodes)
      if certain then return certain end
      local left, operator, right = s:match '^%s*"([^"]*)" (!?=) "([^"]*)"%s*$'
      if left then
        return ("ch:%s(%s, %s)"):format(operator == "=" and "same" or "differs",
          compile.write(unmarked(left, nodes), self.style), compile.write(unmarked(right, nodes), self.style))
      end
    end
  end
  return self:value(parts)
end

-- A value as short as it can be written: 20, "tT", ch.EXTEN.
function pass:value(parts)
  if #parts == 1 and type(parts[1]) == "string" then
    local s = parts[1]
    if #s <= 9 and s:find "^%d+$" and (s == "0" or not s:find "^0") then return s end
    return text.quote(s)
  end
  return compile.write(parts, self.style)
end

-- Cuts a tree at a character that stands outside of ${…}, $[…], parentheses and quotes, at
-- most so often.
local function cut(parts, separator, most)
  local pieces, piece, depth, quoted = {}, {}, 0, false
  local special = '["()' .. separator .. "]"
  for _, part in ipairs(parts) do
    if type(part) ~= "string" then
      piece[#piece + 1] = part
    else
      local from = 1
      local at = part:find(special)
      while at do
        local c = part:sub(at, at)
        if c == '"' then quoted = not quoted
        elseif c == "(" and not quoted then depth = depth + 1
        elseif c == ")" and not quoted then depth = depth - 1
        elseif c == separator and depth == 0 and not quoted and #pieces + 1 < most then
          if at > from then piece[#piece + 1] = part:sub(from, at - 1) end
          pieces[#pieces + 1] = piece
          piece, from = {}, at + 1
        end
        at = part:find(special, at + 1)
      end
      if from <= #part then piece[#piece + 1] = part:sub(from) end
    end
  end
  pieces[#pieces + 1] = piece
  return pieces
end

-- Cuts a tree at the first question mark; nil where it has none.
local function questioned(parts)
  for i, part in ipairs(parts) do
    local at = type(part) == "string" and part:find("?", 1, true)
    if at then
      local before, after = {}, {}
      for j = 1, i - 1 do before[j] = parts[j] end
      if at > 1 then before[i] = part:sub(1, at - 1) end
      if at < #part then after[1] = part:sub(at + 1) end
      for j = i + 1, #parts do after[#after + 1] = parts[j] end
      return before, after
    end
  end
end

local conditional = { gotoif = true, gotoiftime = true, gosubif = true, execif = true, execiftime = true, macroif = true }
local whole = { noop = true, verbose = true, log = true, userevent = true, ["while"] = true, system = true, trysystem = true, exec = true, tryexec = true, gosub = true }

local function assignment(self, parts)
  local name, rest = nil, parts[1]
  if type(rest) == "string" then name, rest = rest:match "^([%w_~.%-(),@/:]+)=(.*)$" end
  if not name then return nil end
  local value = { rest ~= "" and rest or nil }
  for i = 2, #parts do value[#value + 1] = parts[i] end
  return { text.quote(name), self:value(value) }
end

-- The arguments of an application, as a list of Lua expressions.
function pass:arguments(app, args)
  if args == "" then return {} end
  app = app:lower()
  local key = app .. " " .. args
  local list = self.cache[key]
  if not list then
    list = self:listed(app, args)
    self.cache[key] = list
  end
  return { unpack(list) }
end

function pass:listed(app, args)
  local parts = compile.parse(args)
  if app == "set" then
    local list = assignment(self, parts)
    if list then return list end
    return { self:value(parts) }
  elseif app == "while" then
    return { self:condition(parts) }
  elseif conditional[app] then
    local before, after = questioned(parts)
    if not before or #before == 0 and #after == 0 then return { self:value(parts) } end
    local list = { app:find "time" and self:value(before) or self:condition(before) }
    for _, piece in ipairs(cut(after, ":", 2)) do list[#list + 1] = self:value(piece) end
    return list
  elseif whole[app] then
    return { self:value(parts) }
  end
  local list = {}
  for _, piece in ipairs(cut(parts, ",", 100)) do list[#list + 1] = self:value(piece) end
  return list
end

return express
