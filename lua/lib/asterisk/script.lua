-- Extensions whose steps are written as Lua rather than as a table:
--
--   asterisk.extension("internal", "_1XXX", function(ch)
--     ch:Dial("SIP/" .. ch.EXTEN, 20, "tT")
--     if ch:GotoIf(ch.DIALSTATUS == "BUSY", "busy") then
--       ch:VoiceMail(ch.EXTEN, "b") -- label busy
--       return ch:Hangup()
--     end
--     ch:VoiceMail(ch.EXTEN, "u")
--   end, { file = "extensions.conf", lines = "12-16", labels = { busy = 4 } })
--
-- Every method call is one priority: it runs its application at the channel's
-- place, exactly as a step of a table would, and then the place has moved on. The
-- text of the arguments is what is between the parentheses, joined by commas.
-- GotoIf, GotoIfTime and While give back whether their condition held, so that
-- Lua can go where they went; ch:go is a Goto that leads out of the text.
--
-- The Lua text follows the place, and not the other way round. After every step
-- the place is compared with the one that the text goes on with; where they
-- differ (an application went elsewhere, the caller's number changed, an earlier
-- extension fits too) the function is left by an error that only the runner
-- knows, and the interpreter goes on at the place. Where that is in the middle of
-- such a function, its steps are skipped up to there: they do nothing then,
-- variables and functions are empty, and conditions answer what leads to the
-- place. So whatever jumps where, the steps are those of the table.

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local registry = require "asterisk.registry"

local script = {}

local left = {} -- the error by which a function is left

local nestedMost = 8 -- routines within routines that run on top of each other

local conditional = {
  GotoIf = true, GotoIfTime = true, GosubIf = true, ExecIf = true, ExecIfTime = true, MacroIf = true,
}

-- Texts -----------------------------------------------------------------------------

local function shown(value)
  if value == true then return "1" end
  if value == false then return "0" end
  return tostring(value)
end

-- The arguments of an application as the one text that they are in a dialplan.
local function joined(name, ...)
  local count = select("#", ...)
  if count == 0 then return "" end
  local first = shown((...))
  if count == 1 then return first end
  if name == "Set" and count == 2 then return first .. "=" .. shown((select(2, ...))) end
  local list = { ... }
  for i = 1, count do list[i] = shown(list[i]) end
  if conditional[name] then
    local places = list[2]
    if list[3] then places = places .. ":" .. list[3] end
    return first .. "?" .. places
  end
  return table.concat(list, ",", 1, count)
end

-- Where a step leads ------------------------------------------------------------------

-- The priority that a place within the extension means, nil for any other.
local function priority(steps, at, place)
  local name = arguments.trim(place:match "[^,]*$")
  local sign, number = name:match "^([+-]?)(%d+)$"
  if not number then return steps.labels[name] end
  number = tonumber(number)
  if sign == "+" then return at + number elseif sign == "-" then return at - number end
  return number
end

-- The innermost loop around a priority: where it begins and ends.
local function around(steps, at)
  local first
  for from, to in pairs(steps.loops) do
    if from <= at and at <= to and (not first or from > first) then first = from end
  end
  return first, steps.loops[first]
end

-- By application, the priority that the text goes on with behind a step, given
-- whether its condition held. nil: the text has nothing there.
local leads = {}

function leads.Goto(steps, at, text) return priority(steps, at, text) end

function leads.GotoIf(steps, at, text, held)
  local yes, no = text:match "%?([^:]*):?(.*)$"
  local place = held and yes or no
  if not place or arguments.trim(place) == "" then return at + 1 end
  return priority(steps, at, place)
end

leads.GotoIfTime = leads.GotoIf

function leads.While(steps, at, _, held)
  local last = steps.loops[at]
  return held and at + 1 or last and last + 1
end

function leads.EndWhile(steps, at) return (around(steps, at)) end
leads.ContinueWhile = leads.EndWhile

function leads.ExitWhile(steps, at)
  local _, last = around(steps, at)
  return last and last + 1
end

local questions = { GotoIf = true, GotoIfTime = true, While = true }

-- Skipping ------------------------------------------------------------------------------

-- Passes a step without running it. skip is { at =, target =, answers =, used =,
-- reached = }: where the text is, where to begin to run, and what conditions are
-- to answer. Without a target it finds out where the answers lead.
local function pass(ch, skip, name, text)
  local steps, at = ch.script.steps, skip.at
  if skip.reached then
    if skip.seen[at] then error(left, 0) end
    skip.seen[at] = true
    if not skip.reached[at] then skip.reached[at] = { unpack(skip.answers, 1, skip.used) } end
  end
  local held
  if questions[name] then
    skip.used = skip.used + 1
    held = skip.answers[skip.used]
    if held == nil then
      held = false
      skip.answers[skip.used] = false
      if not skip.asked[at] then
        skip.asked[at] = true
        local other = { unpack(skip.answers, 1, skip.used) }
        other[skip.used] = true
        skip.open[#skip.open + 1] = other
      end
    end
  end
  local to
  if leads[name] then to = leads[name](steps, at, text, held) else to = at + 1 end
  if not to then error(left, 0) end
  skip.at = to
  if to == skip.target then ch.skip = nil end
  return held
end

-- Runs the function without effect.
local function skipping(ch, run, skip)
  ch.skip = skip
  local done, problem = pcall(run, script.face(ch))
  ch.skip = nil
  if not done and problem ~= left then error(problem, 0) end
end

-- For each priority of an extension, what conditions must answer for it to be
-- reached.
local function reached(ch, run)
  local found, asked, open = {}, {}, { {} }
  while #open > 0 do
    skipping(ch, run, { at = 1, answers = table.remove(open), used = 0, reached = found, asked = asked, open = open, seen = {} })
  end
  return found
end

script.reached = reached

-- Running -------------------------------------------------------------------------------

local function leave(run, found, result, key)
  run.found, run.result, run.key = found, result, key
  error(left, 0)
end

-- Runs a routine that a step has entered, and comes back behind the step.
local function routine(ch, run, depth)
  ch.nested = (ch.nested or 0) + 1
  local found, result, key = flow.steps(ch, function() return #ch.stack > depth end)
  ch.nested = ch.nested - 1
  if not found or result then leave(run, found, result, key) end
end

-- Whether the next step would be found in the extension whose text is running.
local function still(ch, run)
  if ch.call.caller.number ~= run.number then return false end
  if not run.doubtful then return true end
  local _, steps = flow.step(ch, ch.context, ch.exten, ch.priority)
  return steps == run.steps
end

-- Runs one step, at the channel's place. out: the text does not follow where it
-- leads.
local function step(ch, name, text, out)
  local skip = ch.skip
  if skip then return pass(ch, skip, not out and name, text) end
  local run = ch.script
  local at, context, exten, depth = ch.priority, ch.context, ch.exten, #ch.stack
  if ch.call.state == "answered" then ch.wasAnswered = true end
  local result, key = flow.execute(ch, run.steps, name, text, run.steps.line(at))
  if result then leave(run, true, result, key) end
  if ch.jumped and #ch.stack > depth and (ch.nested or 0) < nestedMost then
    routine(ch, run, depth)
  elseif not ch.jumped then
    ch.priority = at + 1
  end
  ch.script = run
  local held
  if questions[name] then
    if name == "While" then held = not ch.jumped else held = ch.taken end
  end
  local to = at + 1
  if leads[name] then to = leads[name](run.steps, at, text, held) end
  if ch.priority ~= to or ch.exten ~= exten or ch.context ~= context or run.alone or out then leave(run, true) end
  if run.go_on and not run.go_on() then leave(run, true) end
  if run.steps.priorities[to] and not still(ch, run) then leave(run, true) end
  return held
end

-- Runs an extension from the channel's place on. alone: one step only; doubtful:
-- each step must be looked for. Returns what flow.spawn does.
function script.run(ch, steps, alone, doubtful, go_on)
  local outer = ch.script
  local run = {
    steps = steps, alone = alone, doubtful = doubtful, go_on = go_on, number = ch.call.caller.number, found = true,
  }
  ch.script = run
  if ch.priority ~= 1 then
    steps.reached = steps.reached or reached(ch, steps.run)
    local answers = steps.reached[ch.priority]
    if not answers then
      log.error("the text of this extension never comes to the place %s", ch:place())
      ch.script = outer
      return true, "hangup"
    end
    ch.skip = { at = 1, target = ch.priority, answers = answers, used = 0, asked = {}, open = {} }
  end
  local done, problem = pcall(steps.run, script.face(ch))
  ch.script, ch.skip = outer, nil
  if not done and problem ~= left then error(problem, 0) end
  ch.jumped = true -- the place has moved already
  return run.found, run.result, run.key
end

-- Reads "12-14,16": gives a function from priorities to lines.
function script.lines(text)
  local list
  return function(at)
    if not list then
      list = {}
      for from, to in text:gmatch "(%d+)%-?(%d*)" do
        from = tonumber(from)
        for line = from, tonumber(to) or from do list[#list + 1] = line end
      end
    end
    return list[at]
  end
end

-- What ch is in such a function ------------------------------------------------------------

local methods = {}

-- A variable: ch:get "NAME", or ch.NAME where no method has that name.
function methods.get(face, name)
  local ch = face[1]
  return ch.skip and "" or ch:get(name)
end

-- A function of Asterisk: ch:fn("CALLERID", "num").
function methods.fn(face, name, text)
  local ch = face[1]
  return ch.skip and "" or ch:fn(name, text)
end

function methods.expand(face, text)
  local ch = face[1]
  return ch.skip and "" or ch:expand(text)
end

-- An expression: ch:expression("1 + " .. ch.X).
function methods.expression(face, text)
  local ch = face[1]
  return ch.skip and "" or ch:expression(text)
end

function methods.slice(face, value, numbers) return face[1]:slice(value, numbers) end

local function plain(value) return #value <= 15 and value:find "^%d+$" and tonumber(value) end

local operators = {
  ["+"] = function(a, b) return ("%d"):format(a + b) end,
  ["-"] = function(a, b) return ("%d"):format(a - b) end,
  ["<"] = function(a, b) return a < b and "1" or "0" end,
  [">"] = function(a, b) return a > b and "1" or "0" end,
  ["<="] = function(a, b) return a <= b and "1" or "0" end,
  [">="] = function(a, b) return a >= b and "1" or "0" end,
  ["="] = function(a, b) return a == b and "1" or "0" end,
  ["!="] = function(a, b) return a ~= b and "1" or "0" end,
}

-- What $[a operator b] is. Both are texts or numbers; those that are not whole
-- numbers are left to the reader of expressions.
function methods.calc(face, a, operator, b)
  local ch = face[1]
  if ch.skip then return "" end
  a, b = tostring(a), tostring(b)
  local x, y = plain(a), plain(b)
  local known = operators[operator]
  if x and y and known then return known(x, y) end
  return ch:expression(a .. " " .. operator .. " " .. b)
end

local function quotable(a, b) return #a + #b < 4000 and not a:find('"', 1, true) and not b:find('"', 1, true) end

-- Whether two texts are the same: what $["a" = "b"] says.
function methods.same(face, a, b)
  local ch = face[1]
  if ch.skip then return false end
  if quotable(a, b) then return a == b end
  return ch:expression('"' .. a .. '" = "' .. b .. '"')
end

-- Whether two texts are not the same: what $["a" != "b"] says.
function methods.differs(face, a, b)
  local ch = face[1]
  if ch.skip then return false end
  if quotable(a, b) then return a ~= b end
  return ch:expression('"' .. a .. '" != "' .. b .. '"')
end

-- Goto a place that is not further on in the text.
function methods.go(face, ...) return step(face[1], "Goto", joined("Goto", ...), true) end

-- Runs an application by a name that is no method: ch:run("MyOwn", "argument").
function methods.run(face, name, ...) return step(face[1], name, joined(name, ...)) end

local known = {} -- applications by the name of their method

-- Makes methods of all applications that are registered.
function script.open()
  for _, name in ipairs(registry.names "application") do
    if not methods[name] then
      known[name] = true
      methods[name] = function(face, ...) return step(face[1], name, joined(name, ...)) end
    end
  end
end

-- Whether an application is a method, and whether a variable is a field.
function script.is_method(name) return known[name] ~= nil end
function script.is_field(name) return methods[name] == nil end

local Face = {}

function Face.__index(face, name) return methods[name] or methods.get(face, name) end
function Face.__newindex(face, name, value) face[1]:set(name, value) end

-- The channel as the functions of extensions see it.
function script.face(ch)
  if not ch.seen_as then ch.seen_as = setmetatable({ ch }, Face) end
  return ch.seen_as
end

return script
