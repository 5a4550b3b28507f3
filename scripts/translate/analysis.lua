-- Fourth pass: what the dialplan uses and where it jumps.
--
-- Says of every step whether it can be translated exactly, and finds jumps that
-- lead nowhere.

local text = require "text"
local arguments = require "arguments"
local dialplan = require "dialplan"
local catalog = require "catalog"
local misprints = require "misprints"

local analysis = {}

local pass = {}
pass.__index = pass

-- options.compile is the runtime's compiler of texts, asterisk.compile.
function analysis.run(plan, report, options)
  local self = setmetatable({
    plan = plan, report = report, old = options.old, era = options.era, compile = options.compile, shims = { applications = {}, functions = {} },
    problems = {},
  }, pass)
  for _, context in ipairs(plan.contexts) do
    for _, item in ipairs(context.items) do self:item(context, item) end
    for _, extension in ipairs(context.extensions) do
      misprints.pattern(extension, report)
      for _, step in ipairs(extension.steps) do self:step(context, extension, step) end
    end
  end
  return self.shims
end

function pass:item(context, item)
  if item.what == "include" then
    if not self.plan.by_name[item.context] then
      self.report:note(item, ("there is no context [%s] to include"):format(item.context),
        item.context:find "^>" and "=> is written without a space" or self:near_context(item.context))
    end
  elseif item.what == "switch" then
    local kind = item.target:match "^%s*([^/]*)"
    if kind:lower() ~= "loopback" then
      self.report:unknown(item, ("switch to %s: only Loopback is there"):format(kind),
        "include a context that dials the other system")
    elseif item.kind == "switch" and item.written:find("${", 1, true) then
      self.report:note(item, "a plain switch substitutes variables when the dialplan loads, where no call is",
        "eswitch was probably meant")
    end
  elseif item.what == "ignorepat" then
    self.report:approximate(item, "ignorepat: a dial tone is not played on after these digits",
      "it matters for analogue lines only")
  elseif item.what == "autohints" then
    self.report:unknown(item, "autohints are not made", "write the hints")
  end
end

function pass:near_context(name)
  local names = {}
  for i, context in ipairs(self.plan.contexts) do names[i] = context.name end
  local near = text.nearest(name, names)
  return near and ("[%s] was probably meant"):format(near) or nil
end

-- The two places behind the question mark of GotoIf and its relatives.
local function branches(args)
  local parts = arguments.split(args, "?")
  if #parts < 2 then return {} end
  return arguments.split(args:sub(#parts[1] + 2), ":")
end

local function whole(args) return { args } end

-- Which parts of an application's arguments are places to go on at.
local jumps_of = { ["goto"] = whole, gosub = whole, gotoif = branches, gosubif = branches, gotoiftime = branches }

local inner = { exec = true, tryexec = true }

function pass:step(context, extension, step)
  misprints.arguments(step, self.report)
  local known = self:application(step, step.app)
  if known then
    local name = known.name:lower()
    if name == "set" then misprints.set(step, self.report) end
    if jumps_of[name] then self:jump(context, extension, step, name) end
    if inner[name] or name == "execif" or name == "execiftime" then self:nested(step, name) end
    if known.options then self:options(step, known) end
  end
  self:substitutions(step, step.args)
end

-- Says what becomes of an application. Gives its entry in the catalog.
function pass:application(step, name)
  local report = self.report
  local known, near = catalog.application(name)
  if not known then
    local suggestion = misprints.application(step)
    if suggestion or not name:find "^[%a_][%w_]*$" then
      report:unknown(step, ("'%s' is not an application; a call that comes here ends"):format(name),
        suggestion and suggestion .. " was probably meant" or nil)
    else
      self.shims.applications[name] = self.shims.applications[name] or step
      report:unknown(step, ("application %s is not known"):format(name),
        near and near .. " was probably meant" or "fill in its shim")
    end
    report:name("applications", name)
  elseif known.gone and self.era >= known.gone then
    report:unknown(step, ("%s: Asterisk %s removed this application, and a call that comes here ends"):format(known.name,
      tostring(known.gone)), (known.instead and known.instead .. ", or " or "") .. "translate with --era for an earlier one")
    report:name("applications", known.name)
  elseif known.status == "later" or known.status == "gone" then
    report:unknown(step, ("%s: %s"):format(known.name, known.reason), known.suggestion)
    report:name("applications", known.name)
  elseif known.granted then
    self:granted(step, known)
  elseif known.status == "approximate" then
    report:approximate(step, ("%s: %s"):format(known.name, known.reason or "not all of it is there"), known.suggestion)
  end
  return known
end

-- The applications within ExecIf(condition?App(…):App(…)), Exec and TryExec.
function pass:nested(step, name)
  local branches
  if name == "execif" or name == "execiftime" then
    local parts = arguments.split(step.args, "?")
    if #parts < 2 then return end
    local rest = step.args:sub(#parts[1] + 2)
    branches = arguments.split(rest, ":")
  else
    branches = { step.args }
  end
  for _, branch in ipairs(branches) do
    local app = branch:match "^%s*([%w_]+)"
    if app and arguments.is_static(app) and not branch:find "^%s*%$" then self:application(step, app) end
  end
end

-- Option letters that the runtime does not know.
function pass:options(step, known)
  local at = known.options.argument
  local parts = arguments.split(step.args, ",")
  local written = parts[at]
  if not written or not arguments.is_static(written) then return end
  if self.old and #written > 2 and written:find "^%l+$" then return end -- words of old times: skip, noanswer
  local plain = written:gsub("%b()", "")
  for letter in plain:gmatch "%S" do
    if not known.options.letters:find(letter, 1, true) then
      local why = known.options.partly[letter]
      self.report:approximate(step, ("option %s of %s%s"):format(letter, known.name, why and ": " .. why or " has no effect"))
      self.report:name("options", known.name .. " " .. letter)
    end
  end
end

-- Functions, and what the compiler of expressions has to say.
function pass:substitutions(step, s)
  if arguments.is_static(s) then
    if step.app:lower() == "set" then self:assigned(step, s) end
    return
  end
  for name in s:gmatch "%${%s*([%a_][%w_]*)%(" do self:func(step, name) end
  if step.app:lower() == "set" then self:assigned(step, s) end
  local problems = self.problems[s]
  if problems == nil then
    local _, found = self.compile.text(s)
    problems = found and #found > 0 and found or false
    self.problems[s] = problems
  end
  for _, problem in ipairs(problems or {}) do
    if type(problem) == "string" then problem = { reason = problem } end
    local say = problem.status == "unknown" and self.report.unknown
      or problem.status == "approximate" and self.report.approximate or self.report.note
    say(self.report, step, problem.reason or problem.message, problem.suggestion)
  end
end

-- Notes what works as soon as the owner of the site allows it.
function pass:granted(step, known)
  self.plan.granted = self.plan.granted or {}
  self.plan.granted[known.name:lower()] = true
  self.report:note(step, ("%s: %s"):format(known.name, known.reason), "the grant for it stands in config.lua as a comment")
end

function pass:assigned(step, s)
  local name = s:match "^%s*([%a_][%w_]*)%("
  if name and s:find("=", 1, true) then self:func(step, name) end
end

function pass:func(step, name)
  local known, near = catalog.func(name)
  if not known then
    self.shims.functions[name] = self.shims.functions[name] or step
    self.report:unknown(step, ("function %s is not known"):format(name), near and near .. " was probably meant" or "fill in its shim")
    self.report:name("functions", name)
  elseif known.status == "later" then
    self.report:unknown(step, ("function %s: %s"):format(known.name, known.reason), known.suggestion)
    self.report:name("functions", known.name)
  elseif known.granted then
    self:granted(step, known)
  elseif known.status == "approximate" then
    self.report:approximate(step, ("function %s: %s"):format(known.name, known.reason), known.suggestion)
  end
end

-- Notes jumps within the dialplan that lead nowhere.
function pass:jump(context, extension, step, name)
  for _, place in ipairs(jumps_of[name](step.args)) do
    place = text.trim(place)
    if place ~= "" and arguments.is_static(place) then self:place(context, extension, step, place) end
  end
end

-- Which priorities any extension of a context has.
function pass:numbers(context)
  if not context.numbers then
    context.numbers = {}
    for _, extension in ipairs(context.extensions) do
      for _, step in ipairs(extension.steps) do context.numbers[step.priority] = true end
    end
  end
  return context.numbers
end

function pass:place(context, extension, step, place)
  local parts = arguments.split(place, ",")
  local priority = text.trim(parts[#parts]):gsub("%(.*$", "")
  if place:find("|", 1, true) then
    self.report:note(step, ("'%s' holds | where Asterisk from 1.6 on wants commas"):format(place),
      ("%s was probably meant; translate with --era 1.4 if the dialplan is that old"):format((place:gsub("|", ","))))
    return
  end
  if #parts == 1 and #context.items == 0 then
    if extension.labels[priority] then return end
    if priority:find "^%d+$" then
      if not self:numbers(context)[tonumber(priority)] then
        self.report:note(step, ("there is no priority %s to go to"):format(priority))
      end
      return
    elseif priority:find "^[+-]" then
      return
    end
    local namesake = dialplan.find(context, priority)
    if extension.pattern:byte() == 95 or extension.caller then
      if namesake then
        self.report:note(step, ("there is no label %s in this extension"):format(priority),
          ("%s(%s,1) was probably meant"):format(step.app, priority))
      end
      return
    end
    self.report:note(step, ("there is no label %s in extension %s; a call that jumps there ends"):format(priority, extension.pattern),
      namesake and ("%s(%s,1) was probably meant"):format(step.app, priority) or nil)
  elseif #parts == 3 and not self.plan.by_name[parts[1]] then
    self.report:note(step, ("there is no context [%s] to go to"):format(parts[1]), self:near_context(parts[1]))
  end
end

return analysis
