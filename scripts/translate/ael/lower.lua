-- Trees of AEL to the contexts, extensions and steps that extensions.conf has.
--
-- AEL is another way to write priorities, and Asterisk makes priorities of it
-- when it loads. The same ones are made here, so that what a call does, and what
-- is seen of it, is the same: if and while are GotoIf, a switch jumps to the
-- extensions sw_1_VALUE, a macro is a Gosub to the extension ~~s~~.

local text = require "text"
local dialplan = require "dialplan"

local lower = {}

local pass = {}
pass.__index = pass

-- A routine is the steps of one extension while they are made. Steps that jump
-- hold the targets as tables { at = priority }, filled in later.
local function routine(pattern, first)
  return { pattern = pattern, steps = {}, next = first or 1, labels = {} }
end

local function emit(r, n, app, args)
  local step = {
    priority = r.next, app = app, args = args or "", file = n.file, line = n.line, above = n.above, label = r.label,
  }
  n.above, r.label = nil, nil
  r.steps[#r.steps + 1] = step
  r.next = r.next + 1
  return step
end

local function place(r) return tostring(r.next) end

function pass:name(kind, outer)
  self.count = self.count + 1
  return ("%s_%s_%d"):format(kind, outer, self.count)
end

-- The value of ${EXTEN} within the extensions of a switch is that of the
-- extension that the switch stands in.
function pass:text(r, s)
  if r.inside then s = s:gsub("%${EXTEN([}:])", "${~~EXTEN~~%1") end
  return s
end

local kinds = {}

function pass:statement(r, n, outer, loop)
  if r.above and not n.above then n.above = r.above end
  kinds[n.kind](self, r, n, outer, loop)
end

function kinds.block(self, r, n, outer, loop)
  for _, one in ipairs(n.body) do self:statement(r, one, outer, loop) end
end

function kinds.label(_, r, n) r.label = n.name end

function kinds.application(self, r, n) emit(r, n, n.name, self:text(r, n.args)) end

function kinds.assign(self, r, n) emit(r, n, "MSet", ("%s=$[%s]"):format(self:text(r, n.name), self:text(r, n.value))) end

kinds["goto"] = function(self, r, n)
  local step = emit(r, n, "Goto", self:text(r, (n.target:gsub("|", ","))))
  if r.inside and not n.target:find "[,|]" then r.gotos[#r.gotos + 1] = step end
end

function kinds.jump(self, r, n)
  local extension, context = n.target:match "^(.-)%s*@%s*(.*)$"
  local where = context and ("%s,%s,1"):format(context, extension) or n.target .. ",1"
  emit(r, n, "Goto", self:text(r, where))
end

function kinds.call(self, r, n)
  emit(r, n, "Gosub", ("%s,~~s~~,1(%s)"):format(n.name, self:text(r, n.args)))
end

-- Both branches, once the first step has decided.
local function branches(self, r, n, name, loop)
  self:statement(r, n.body, name, loop)
  local skip
  if n.otherwise then
    skip = emit(r, n, "Goto")
  end
  local otherwise = place(r)
  if n.otherwise then self:statement(r, n.otherwise, name, loop) end
  local last = emit(r, n, "NoOp", "Finish " .. name)
  if skip then skip.args = tostring(last.priority) end
  return otherwise
end

kinds["if"] = function(self, r, n, outer, loop)
  local name = self:name("if", outer)
  local test = emit(r, n, "GotoIf")
  local first = place(r)
  local otherwise = branches(self, r, n, name, loop)
  test.args = ("$[%s]?%s:%s"):format(self:text(r, n.condition), first, otherwise)
end

function kinds.random(self, r, n, outer, loop)
  local name = self:name("if", outer)
  local test = emit(r, n, "GotoIf")
  local first = place(r)
  local otherwise = branches(self, r, n, name, loop)
  test.args = ("$[${RAND(0,99)} < (%s)]?%s:%s"):format(self:text(r, n.condition), first, otherwise)
end

function kinds.iftime(self, r, n, outer, loop)
  local name = self:name("iftime", outer)
  local test = emit(r, n, "GotoIfTime")
  local skip = emit(r, n, "Goto")
  test.args = ("%s?%s"):format(self:text(r, (n.condition:gsub("|", ","))), place(r))
  skip.args = branches(self, r, n, name, loop)
end

-- A loop knows where its test is and which steps wait to learn where it ends.
local function finish(r, n, name, test, head, loop)
  local last = emit(r, n, "NoOp", "Finish " .. name)
  test.args = head .. tostring(last.priority)
  for _, step in ipairs(loop.breaks) do step.args = step.prefix .. tostring(last.priority) end
end

kinds["while"] = function(self, r, n, outer)
  local name = self:name("while", outer)
  local test = emit(r, n, "GotoIf")
  local head = ("$[%s]?%s:"):format(self:text(r, n.condition), place(r))
  local loop = { kind = "while", again = tostring(test.priority), breaks = {}, continues = {}, home = r }
  self:statement(r, n.body, name, loop)
  emit(r, n, "Goto", loop.again)
  finish(r, n, name, test, head, loop)
end

local function assignment(s)
  local name, value = s:match "^([^=]*)=(.*)$"
  return name and { text.trim(name), text.trim(value) }
end

local function run(self, r, n, s)
  local set = assignment(s)
  if set then
    emit(r, n, "MSet", ("%s=$[%s]"):format(set[1], self:text(r, set[2])))
  elseif s ~= "" then
    local name, args = s:match "^&?([%w_-]+)%s*%((.*)%)$"
    emit(r, n, name or s, self:text(r, args or ""))
  end
end

kinds["for"] = function(self, r, n, outer)
  local name = self:name("for", outer)
  run(self, r, n, n.first)
  local test = emit(r, n, "GotoIf")
  local head = ("$[%s]?%s:"):format(self:text(r, n.condition), place(r))
  local loop = { kind = "for", breaks = {}, continues = {}, home = r }
  self:statement(r, n.body, name, loop)
  local step = place(r)
  for _, one in ipairs(loop.continues) do one.args = one.prefix .. step end
  run(self, r, n, n.step)
  emit(r, n, "Goto", tostring(test.priority))
  finish(r, n, name, test, head, loop)
end

-- Where r is one of the extensions of a switch, a place in the extension around
-- it is written with its name.
local function prefix(r, loop) return loop.home ~= r and "${~~EXTEN~~}," or "" end

kinds["break"] = function(self, r, n, _, loop)
  local step = emit(r, n, "Goto")
  if not loop then
    self.report:unknown(n, "break stands in no loop and no switch")
    step.args = place(r)
    return
  end
  step.prefix = prefix(r, loop)
  loop.breaks[#loop.breaks + 1] = step
end

function kinds.continue(self, r, n, _, loop)
  while loop and loop.kind == "switch" do loop = loop.outer end
  local step = emit(r, n, "Goto")
  if not loop then
    self.report:unknown(n, "continue stands in no loop")
    step.args = place(r)
  elseif loop.again then
    step.args = prefix(r, loop) .. loop.again
  else
    step.prefix = prefix(r, loop)
    loop.continues[#loop.continues + 1] = step
  end
end

kinds["return"] = function(_, r, n)
  r.returns = r.returns or {}
  r.returns[#r.returns + 1] = emit(r, n, "Goto")
end

-- A name that fits a pattern.
local function sample(pattern)
  if pattern:byte() ~= 95 then return pattern end
  return (pattern:sub(2):gsub("%[(.)[^%]]*%]", "%1"):gsub("[XZNxzn]", "5"):gsub("[.!]$", "0"))
end

kinds.switch = function(self, r, n, outer, loop)
  local name = self:name("switch", outer)
  local number = self.count
  emit(r, n, "Goto", ("sw_%d_%s,10"):format(number, self:text(r, n.value)))
  local here = { kind = "switch", breaks = {}, continues = {}, home = r, outer = loop }
  local made, has_default = {}, false
  for _, case in ipairs(n.cases) do
    local pattern
    if case.kind == "default" then
      pattern, has_default = ("_sw_%d_."):format(number), true
    elseif case.kind == "pattern" then
      pattern = ("_sw_%d_%s"):format(number, (case.value:gsub("^_", "")))
    else
      pattern = ("sw_%d_%s"):format(number, case.value)
    end
    local one = routine(pattern, 10)
    one.inside, one.gotos = true, {}
    made[#made + 1] = one
    for _, statement in ipairs(case.body) do self:statement(one, statement, name, here) end
    one.ends = #case.body > 0 and case.body[#case.body].kind == "break"
  end
  local last = emit(r, n, "NoOp", "Finish " .. name)
  for i, one in ipairs(made) do
    local next = made[i + 1]
    if not one.ends then
      if next then
        emit(one, n, "Goto", sample(next.pattern) .. ",10")
      else
        emit(one, n, "Goto", "${~~EXTEN~~}," .. last.priority)
      end
    end
    self.extra[#self.extra + 1] = one
  end
  if not has_default then
    local one = routine(("_sw_%d_."):format(number), 10)
    emit(one, n, "Goto", "${~~EXTEN~~}," .. last.priority)
    self.extra[#self.extra + 1] = one
  end
  -- The value may be empty.
  local empty = routine(("sw_%d_"):format(number), 10)
  emit(empty, n, "Goto", has_default and ("sw_%d_0,10"):format(number) or "${~~EXTEN~~}," .. last.priority)
  self.extra[#self.extra + 1] = empty
  for _, step in ipairs(here.breaks) do step.args = "${~~EXTEN~~}," .. last.priority end
end

function kinds.catch(self, _, n)
  local one = routine(n.name)
  self:statement(one, n.body, n.name)
  self.extra[#self.extra + 1] = one
end

local function has_switch(n)
  if type(n) ~= "table" then return false end
  if n.kind == "switch" then return true end
  for _, part in ipairs { n.body or false, n.otherwise or false } do
    if has_switch(part) then return true end
  end
  for _, one in ipairs(n) do if has_switch(one) then return true end end
  return false
end

-- Adds the statements of one extension to a context.
function pass:extension(here, n, name, body, arguments)
  local pattern, caller = name:match "^([^/]*)/(.*)$"
  local r = routine(pattern or name)
  r.caller = caller
  self.extra = {}
  if has_switch(body) then emit(r, n, "MSet", "~~EXTEN~~=${EXTEN}") end
  for i, argument in ipairs(arguments or {}) do emit(r, n, "MSet", ("LOCAL(%s)=${ARG%d}"):format(argument, i)) end
  self:statement(r, body, here.name)
  if r.returns then
    local last = emit(r, n, "NoOp", arguments and ("End of Macro %s-%s"):format(here.name, name) or "End of Extension " .. name)
    for _, step in ipairs(r.returns) do step.args = tostring(last.priority) end
  end
  if arguments then emit(r, n, "Return") end
  if r.label then emit(r, n, "NoOp", "") end
  self:put(here, r)
  for _, one in ipairs(self.extra) do
    if one.returns then
      local last = emit(one, n, "NoOp", "End of Extension " .. one.pattern)
      for _, step in ipairs(one.returns) do step.args = tostring(last.priority) end
    end
    self:put(here, one)
  end
end

-- A label that is not within the extensions of a switch is in the one around it.
local function resolve(r)
  local labels = {}
  for _, step in ipairs(r.steps) do labels[step.label or ""] = true end
  for _, step in ipairs(r.gotos or {}) do
    if not labels[step.args] then step.args = "${~~EXTEN~~}," .. step.args end
  end
end

function pass:put(here, r)
  resolve(r)
  for _, step in ipairs(r.steps) do
    self.report:step(step)
    local extension, reason = dialplan.extension(here, r.pattern, r.caller, step)
    if not extension then
      self.report:unknown(step, ("the pattern '%s' fits nothing: %s"):format(r.pattern, reason))
      return
    end
    dialplan.put(extension, step, self.report)
  end
end

function pass:context(tree)
  local here = dialplan.open(self.plan, { name = tree.name, file = tree.file, line = tree.line, above = tree.above })
  if tree.kind == "macro" then
    self:extension(here, tree, "~~s~~", tree.body, tree.arguments)
    return
  end
  for _, n in ipairs(tree.elements) do
    if n.kind == "extension" then
      n.body.above = n.body.above or n.above
      self:extension(here, n, n.name, n.body)
    elseif n.kind == "include" then
      dialplan.include(here, n, n.value, self.report)
    else
      local item = { what = n.kind, file = n.file, line = n.line, above = n.above }
      if n.kind == "switch" then
        item.target, item.written, item.kind = n.target, n.target, n.word
      else
        item.prefix, item.pattern, item.target = n.prefix, n.pattern, n.target
      end
      here.items[#here.items + 1] = item
    end
  end
end

-- Adds what trees hold to a dialplan.
function lower.into(plan, trees, report)
  local self = setmetatable({ plan = plan, report = report, count = 0 }, pass)
  for _, tree in ipairs(trees) do
    if tree.kind == "global" then
      -- Asterisk takes the text as it is: nothing is substituted.
      plan.globals[#plan.globals + 1] = { name = tree.name, value = tree.value, plain = true, file = tree.file, line = tree.line }
      plan.values[tree.name] = tree.value
    elseif tree then
      self:context(tree)
    end
  end
end

return lower
