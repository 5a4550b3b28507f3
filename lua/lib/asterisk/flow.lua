-- The interpreter of extensions: runs their priorities in order, the way that
-- Asterisk's pbx does.
--
-- asterisk.extension(context, pattern, build[, options])
--
--   build    function() return { step, step, … } end. It runs when a call comes
--            to the extension, so an extension that a call does not use costs it
--            nothing.
--   options  caller  as in context:extension: only for callers of this number
--            file    where the extension is written, for traces
--
-- A file of extensions should begin with a line ---@shared: it then runs once for
-- all calls instead of once for each, which is what makes dialplans of thousands
-- of extensions cheap.
--
-- A context with switches is declared by asterisk.switched(name), and the switches
-- are listed in the site's settings; see settings.lua. asterisk.start() puts
-- globals into force when a new version of the scripts begins to serve.
--
-- A step is { priority, application[, arguments], label =, line =, file = }:
--
--   { 1, "Answer", line = 12 }
--   { 2, "NoOp", "no ${…} in it: a text", line = 13 }
--   { 3, "Set", function(ch) return "X=" .. ch:get "EXTEN" end, label = "again", line = 14 }
--
-- Arguments that hold ${…} or $[…] are functions of the channel, as
-- compile.text writes them. Applications are named in any letter case. Steps may
-- stand in any order; of two with one priority the first counts.
--
-- Each priority is looked for anew, as in Asterisk: priority 1 may come from a
-- plain number, 2 from a pattern, 3 from an included context, and a changed
-- caller ID leads to other lines.
--
-- What the run function of an application returns says how to go on:
--   nothing           with the next priority, or where ch:jump led
--   "hangup"          the call ends here
--   "digit", key      as if the key had been dialled
--   "exit"            out of the macro
--   "incomplete"      wait for more digits of the extension

local arguments = require "asterisk.arguments"
local channel = require "asterisk.channel"
local compile = require "asterisk.compile"
local registry = require "asterisk.registry"

local flow = {}

local stepsAsked = "asterisk.steps" -- what an extension's function is given to get its steps
local ours = "asterisk " -- what the names of extensions begin with that have steps
local switched = "asterisk switch" -- the name of extensions that lead to switches

-- Declaring ---------------------------------------------------------------------

-- Declares an extension; see above. One that can never be reached, because
-- another holds the same numbers or its pattern holds none, is left out with a
-- warning, as Asterisk does.
function flow.extension(name, pattern, build, options)
  options = options or {}
  local where = context(name)
  local done, problem = pcall(where.extension, where, pattern, { caller = options.caller, name = ours .. (options.file or "") }, function(call)
    if call == stepsAsked then return build, options end
    return flow.serve(call, pattern)
  end)
  if not done then log.warn("extension %s of context %s is left out: %s", pattern, name, (tostring(problem):gsub("^.*context:extension: ", ""))) end
end

-- Includes a context in another, from several files alike.
function flow.include(name, other, options)
  context(other)
  context(name):include(other, options)
end

-- Says that a context has switches, which the settings list: calls to any number
-- of it are looked for there.
function flow.switched(name)
  context(name):extension("_!", { name = switched }, function(call)
    if call == stepsAsked then return end
    return flow.serve(call, "_!")
  end)
end

-- Takes a new version into service: globals that the settings give begin anew.
function flow.start()
  on("start", function()
    local settings = require "asterisk.settings"
    for _, one in ipairs(settings.globals or {}) do store.delete("asterisk globals", one[1]) end
    if settings.clearglobalvars then store.delete_tree "asterisk globals" end
  end)
end

-- Finding steps -------------------------------------------------------------------

-- The steps of an extension that is written as Lua; see script.lua.
local function script_of(run, options, match)
  local loops, priorities = options.loops or {}, {}
  local line = require("asterisk.script").lines(options.lines)
  local priority = 1
  while line(priority) do
    priorities[priority] = { priority, "", script = true, line = line(priority) }
    priority = priority + 1
  end
  for from, to in pairs(loops) do priorities[from][2], priorities[to][2] = "While", "EndWhile" end
  return {
    run = run, line = line, loops = loops, priorities = priorities, labels = options.labels or {},
    file = options.file, pattern = match.pattern, context = match.context,
  }
end

-- The steps of an extension that was found: by priority, and by label. Those of
-- an extension that is written in moonwire's own way are nil.
local function load(ch, match)
  local key = match.context .. "\0" .. match.pattern .. "\0" .. match.caller
  local loaded = ch.loaded[key]
  if loaded ~= nil then return loaded or nil end
  if match.name == switched then
    ch.loaded[key] = { priorities = {}, labels = {} }
    return ch.loaded[key]
  end
  if match.name:sub(1, #ours) ~= ours then
    ch.loaded[key] = false
    return nil
  end
  local build, options = match.serve(stepsAsked)
  if options.lines then
    ch.loaded[key] = script_of(build, options, match)
    return ch.loaded[key]
  end
  loaded = { priorities = {}, labels = {}, file = options.file, pattern = match.pattern, context = match.context }
  for _, step in ipairs(build()) do
    local priority = step[1]
    if not loaded.priorities[priority] then loaded.priorities[priority] = step end
    if step.label and not loaded.labels[step.label] then loaded.labels[step.label] = priority end
  end
  ch.loaded[key] = loaded
  return loaded
end

local function native(match)
  return { priorities = { [1] = { 1, match.serve, native = true } }, labels = {}, pattern = match.pattern, context = match.context }
end

local deepestSwitch = 10

-- Calls visit with the steps of each extension that fits, in order, until it
-- returns something, which is the result. What is reached through a switch
-- comes with the number and the context there.
local function each(ch, context, extension, visit, depth)
  if extension == "" or not dialplan.has(context) then return nil end
  local switches = ch:settings().switches
  switches = switches and switches[context]
  local found = dialplan.find(context, extension, { caller = ch.call.caller.number })
  local switched = not switches
  local function through()
    switched = true
    if depth >= deepestSwitch then return nil end
    for _, switch in ipairs(switches) do
      local result = flow.switch(ch, switch, context, extension, function(there, number)
        return each(ch, there, number, function(steps)
          return visit(steps, there, number)
        end, depth + 1)
      end)
      if result ~= nil then return result end
    end
  end
  for _, match in ipairs(found) do
    if not switched and match.context ~= context then
      local result = through()
      if result ~= nil then return result end
    end
    local result = visit(load(ch, match) or native(match))
    if result ~= nil then return result end
  end
  if not switched then return through() end
end

-- Follows a switch: only Loopback leads somewhere here.
function flow.switch(ch, switch, context, extension, visit)
  if switch[1]:lower() ~= "loopback" then return nil end
  local target = switch[2]
  if type(target) == "function" or target:find("$", 1, true) then
    local here, there = ch.exten, ch.context
    ch.exten, ch.context = extension, context
    target = type(target) == "function" and target(ch) or compile.run(ch, target)
    ch.exten, ch.context = here, there
  end
  local number, rest = target:match "^([^@/]*)@?(.*)$"
  local there = rest:match "^[^/:]*"
  if number == "" then number = extension end
  if there == "" then there = context end
  if there == context and number == extension then return nil end
  return visit(there, number)
end

-- Finds the step that a priority of an extension is, with where it was found, and
-- whether it is in the first extension that fits.
function flow.step(ch, context, extension, priority)
  local step, steps, there, number
  local visited = 0
  each(ch, context, extension, function(found, switchedContext, switchedNumber)
    visited = visited + 1
    step = found.priorities[priority]
    if step then
      steps, there, number = found, switchedContext, switchedNumber
      return true
    end
  end, 1)
  return step, steps, there, number, visited == 1
end

-- Whether a priority of an extension exists.
function flow.exists(ch, context, extension, priority)
  return flow.step(ch, context, extension, priority or 1) ~= nil
end

-- The priority that a label stands for, nil where there is none.
function flow.label(ch, context, extension, label)
  return each(ch, context, extension, function(found) return found.labels[label] end, 1)
end

-- Reads the place that Goto and its kind name: "priority", "extension,priority"
-- or "context,extension,priority", where the priority may be a label. nil where
-- the label does not exist, or the place is malformed.
function flow.place(ch, text)
  local parts = arguments.raw(text, ",")
  if #parts == 1 and ch:older(1.6) then parts = arguments.raw(text, "|") end
  local context, extension, priority
  if #parts == 1 then priority = parts[1]
  elseif #parts == 2 then extension, priority = parts[1], parts[2]
  else context, extension, priority = parts[1], parts[2], parts[3] end
  if not priority or priority == "" then return nil end
  if not context or context == "" then context = ch.context end
  if not extension or extension == "" then extension = ch.exten end
  if extension == "BYEXTENSION" and ch:older(1.4) then extension = ch.exten end
  local sign, number = priority:match "^([+-]?)(%d+)$"
  number = tonumber(number)
  if sign == "+" then number = ch.priority + number
  elseif sign == "-" then number = ch.priority - number end
  if not number then
    local plain = arguments.whole(priority)
    if priority:find "^%d" and plain > 0 then number = plain
    else number = flow.label(ch, context, extension, priority) end
  end
  if not number then
    log.warn("there is no label '%s' in extension '%s' of context '%s', at %s", priority, extension, context, ch:place())
    return nil
  end
  if number < 1 then return nil end
  return context, extension, number
end

-- Goes to a place, as Goto does. Returns what its application is to return.
function flow.go(ch, text)
  local context, extension, priority = flow.place(ch, text)
  if not context then return "hangup" end
  ch:jump(context, extension, priority)
end

-- Running -----------------------------------------------------------------------------

-- Runs an application by name; see the top for the results.
function flow.run(ch, name, text)
  local own = require("asterisk.shims").applications
  local run = own[name]
  if run then return run(ch, text) end
  local entry = flow.application(ch, name)
  if not entry then
    log.error("there is no application '%s', for %s", name, ch:place())
    return "hangup"
  end
  if entry.level == "unavailable" then
    log.error("application %s %s; at %s", entry.name, entry.note, ch:place())
    if entry.status then ch:set(entry.status, "FAILED") end
    return
  end
  ch.application = entry.name
  local result, key = entry.run(ch, text)
  if entry.jump and not result and not ch.jumped and ch:settings().priorityjumping and entry.jump(ch) then
    if flow.exists(ch, ch.context, ch.exten, ch.priority + 101) then ch:jump(ch.context, ch.exten, ch.priority + 101) end
  end
  return result, key
end

-- The entry of an application that the dialplan's Asterisk had.
function flow.application(ch, name)
  local entry = registry.find(name)
  if entry and entry.gone and not ch:older(entry.gone) then return nil end
  return entry
end

-- The name under which an application is registered; what was written, where
-- there is none, and whether there is one.
function flow.known(ch, name)
  local entry = flow.application(ch, name)
  if entry then return entry.name, true end
  return name, require("asterisk.shims").applications[name] ~= nil
end

-- Runs the step at the channel's place, or as many as follow it in a text of Lua;
-- see steps for goOn. Returns false where there is none, or true and the results
-- of its application.
function flow.spawn(ch, goOn)
  if ch.call.state == "answered" then ch.wasAnswered = true end
  local step, steps, there, number, first = flow.step(ch, ch.context, ch.exten, ch.priority)
  if not step then return false end
  if there then ch.context, ch.exten = there, number end
  if step.native then
    step[2](ch.call)
    return true, "hangup"
  end
  if step.script then
    return require("asterisk.script").run(ch, steps, there ~= nil or not first, steps.context ~= ch.context, goOn)
  end
  local text = step[3] or ""
  if type(text) == "function" then text = text(ch) end
  return true, flow.execute(ch, steps, step[2], text, step.line, step.file)
end

-- Notes a step of an extension and runs it. Returns the results of its application.
function flow.execute(ch, steps, application, text, line, file)
  local name, known = flow.known(ch, application)
  if known then
    ch:note {
      context = ch.context, extension = ch.exten, priority = ch.priority, app = name, args = text,
      pattern = steps.pattern, found_in = steps.context, file = file or steps.file, line = line,
    }
  end
  ch.jumped = false
  return flow.timed(ch, name, text)
end

-- Runs an application within the time that TIMEOUT(absolute) leaves the call.
function flow.timed(ch, name, text)
  if not ch.absoluteEnd then return flow.run(ch, name, text) end
  local result, key
  local first = ch.call:race {
    function() result, key = flow.run(ch, name, text) end,
    function() ch.call:wait(math.max(ch.absoluteEnd - time.now(), 0)) end,
  }
  if first == 1 then return result, key end
  ch.absoluteEnd = nil
  return "timeout"
end

-- Runs steps from the channel's place until one does not exist, or says how to go
-- on. Returns found, result, key as the last step did.
local function steps(ch, goOn)
  while true do
    local found, result, key = flow.spawn(ch, goOn)
    if not found or result then return found, result, key end
    if not ch.jumped then ch.priority = ch.priority + 1 end
    if goOn and not goOn() then return true end
  end
end

flow.steps = steps

-- Leads to one of the special extensions, if the context has it.
local function special(ch, name)
  if not flow.exists(ch, ch.context, name, 1) then return false end
  ch.exten, ch.priority = name, 1
  return true
end

-- Leads to extension e with its reason in EXCEPTION().
local function exception(ch, reason)
  local before = { context = ch.context, exten = ch.exten, priority = ch.priority, reason = reason }
  if not special(ch, "e") then return false end
  ch.exception = before
  return true
end

flow.exception = exception

-- Waits for digits until they are an extension, or cannot become one. Returns
-- the digits, and whether the time ended without any.
function flow.collect(ch, digits, first)
  local wait = first
  while true do
    if digits ~= "" then
      local found, more = flow.probe(ch, digits)
      if not more then return digits, false end
      if not found and not more then return digits, false end
    end
    local key = flow.key(ch, wait)
    if not key then return digits, digits == "" end
    digits = digits .. key
    wait = ch.timeouts.digit or 5
  end
end

-- Whether digits are an extension, and whether longer ones could be.
function flow.probe(ch, digits)
  local found, more = dialplan.probe(ch.context, digits, { caller = ch.call.caller.number })
  local switches = (ch:settings().switches or {})[ch.context]
  if not switches then return found, more end
  found = flow.exists(ch, ch.context, digits, 1)
  for _, switch in ipairs(switches) do
    flow.switch(ch, switch, ch.context, digits, function(there, number)
      local one, further = dialplan.probe(there, number, { caller = ch.call.caller.number })
      found, more = found or one, more or further
    end)
  end
  return found, more
end

-- Waits so long for a key, nil where none comes.
function flow.key(ch, seconds)
  local key, status = ch.call:read { max = 1, min = 1, timeout = seconds, terminators = "", answer = false }
  if status == "hungup" then return nil end
  return key
end

-- What happens where priorities end with nothing dialled and autofallthrough.
local function fallThrough(ch)
  local status = ch:get "DIALSTATUS"
  log.debug("auto fallthrough, DIALSTATUS is '%s'", status)
  ch.ended = "fallthrough"
  if status == "BUSY" then ch.call:busy(10) end
  if status == "CONGESTION" or status == "CHANUNAVAIL" then ch.call:congestion(10) end
end

-- Deals with an extension that has no priority 1, after a jump.
local function invalid(ch, number, handled)
  if special(ch, "i") then
    ch:set("INVALID_EXTEN", number)
    return true
  end
  if exception(ch, "INVALID") then return true end
  log.warn("'%s' is no extension of context '%s', which has no i", number, ch.context)
  ch.ended = handled or "invalid"
  return false
end

-- Reads an extension after a key, or where autofallthrough is off. Returns
-- whether to go on.
local function dialled(ch, key, incomplete)
  local wait = ch.timeouts.digit or 5
  if key == "" then
    if ch:settings().autofallthrough ~= false then
      fallThrough(ch)
      return false
    end
    wait = ch.timeouts.response or 10
  end
  local digits, nothing = flow.collect(ch, key, wait)
  if incomplete and #digits == #key then nothing = true end
  if nothing then
    if special(ch, "t") or exception(ch, "RESPONSETIMEOUT") then return true end
    log.warn("nothing was dialled in context '%s', which has no t", ch.context)
    ch.ended = "timeout"
    return false
  end
  if flow.exists(ch, ch.context, digits, 1) then
    ch.exten, ch.priority = digits, 1
    return true
  end
  return invalid(ch, digits, "invalid-digits")
end

-- Runs a channel from its place until its call is to end.
function flow.loop(ch)
  while true do
    local found, result, key = steps(ch)
    local digits, incomplete, goOn = "", false, false
    if found and result == "digit" then
      digits = key
    elseif found and result == "incomplete" and select(2, flow.probe(ch, ch.exten)) then
      digits, incomplete = ch.exten, true
    elseif found and result == "incomplete" then
      goOn = invalid(ch, ch.exten)
      if not goOn then return end
    elseif found and result == "timeout" and (special(ch, "T") or exception(ch, "ABSOLUTETIMEOUT")) then
      goOn = true
    elseif found then
      ch.ended = ch.ended or "app"
      return
    end
    if goOn then
      digits = ""
    elseif digits == "" and not flow.exists(ch, ch.context, ch.exten, 1) then
      if not invalid(ch, ch.exten) then return end
    elseif not dialled(ch, digits, incomplete) then
      return
    end
  end
end

-- The end of a call -------------------------------------------------------------------

-- Leaves the macros that were under way: what follows belongs to the place that
-- called them.
local function leaveMacros(ch)
  for i = #ch.macros, 1, -1 do
    local macro = ch.macros[i]
    if ch.context == macro.context then ch.context, ch.exten, ch.priority = macro.from, macro.exten, macro.priority end
    ch.macros[i] = nil
  end
end

-- Runs something in which waiting means that it ends, because the line is gone.
local function last(ch, what, fn)
  local done, problem = pcall(fn)
  if not done and not tostring(problem):find "the call has ended" then
    log.error("in %s: %s", what, problem)
  end
end

-- Runs extension h and the hang-up handlers.
function flow.hungup(ch)
  if ch.over then return end
  ch.over = true
  if ch.call.cause then ch.hangupcause = ch.hangupcause or ch.call.cause end
  leaveMacros(ch)
  if flow.exists(ch, ch.context, "h", 1) then
    ch.exten, ch.priority, ch.whiles = "h", 1, {}
    last(ch, "extension h", function() steps(ch) end)
    leaveMacros(ch)
  end
  while #ch.handlers > 0 do
    local handler = table.remove(ch.handlers)
    last(ch, "a hangup handler", function() flow.handler(ch, handler) end)
  end
end

-- Runs a hang-up handler, which is a routine: "context,extension,priority(arguments)".
function flow.handler(ch, text)
  local depth = #ch.stack
  local context, extension, priority, values = flow.routine(ch, text)
  if not context then return end
  ch:push({ ch.context, ch.exten, ch.priority }, values)
  ch:jump(context, extension, priority)
  ch.jumped = false
  steps(ch, function() return #ch.stack > depth end)
  while #ch.stack > depth do ch:pop() end
end

-- Reads "place(arguments)" of Gosub: context, extension, priority, list of arguments.
function flow.routine(ch, text)
  local place, inside = text:match "^([^(]*)%((.*)$"
  place = place or text
  local values = {}
  if inside then
    inside = inside:match "^(.*)%)[^)]*$" or inside
    values = arguments.raw(inside, ",")
  end
  local context, extension, priority = flow.place(ch, place)
  return context, extension, priority, values
end

-- Serving --------------------------------------------------------------------------------

-- What the variables of a call are called that say how its dialplan begins: the
-- priority, and variables as JSON.
flow.first, flow.handed = "asterisk priority", "asterisk variables"

-- What call:hand_over and originate need for a channel to begin at a place.
function flow.beginning(context, extension, priority, variables)
  return {
    context = context, extension = extension,
    variables = { [flow.first] = priority, [flow.handed] = json.encode(variables or {}) },
  }
end

-- Takes over what flow.beginning left.
function flow.begin(ch)
  local vars = ch.call.vars
  ch.priority = vars[flow.first] or 1
  for _, one in ipairs(vars[flow.handed] and json.decode(vars[flow.handed]) or {}) do ch:assign(one[1], one[2]) end
  vars[flow.first], vars[flow.handed] = nil, nil
end

-- Serves a call at an extension: what the function of an extension does.
function flow.serve(call, pattern)
  local ch = channel.of(call)
  if ch.serving then -- entered from a script, or by a transfer: run it, and come back
    if ch.connected then ch:set("BLINDTRANSFER", channel.of(ch.connected):name()) end
    ch:jump(call.context, call.extension, 1)
    return flow.loop(ch)
  end
  ch.serving = true
  if (pattern == "i" and call.extension ~= "i" or pattern == "_!") and not flow.exists(ch, call.context, call.extension, 1) then
    return call:hangup "unallocated"
  end
  call:on_hangup(function() flow.hungup(ch) end)
  flow.take_over(ch)
  flow.begin(ch)
  flow.loop(ch)
  flow.finish(ch)
end

-- Variables that the channel which dialled this one hands down.
function flow.take_over(ch)
  for _, one in ipairs(channel.handed_down(ch.call)) do ch:set(one[1], one[2]) end
end

-- Ends a call whose dialplan has ended.
function flow.finish(ch)
  local cause = ch.cause or ch.dialcause
  if not cause or cause == 0 then cause = ch.call.state == "answered" and 16 or 31 end
  ch.call:hangup(cause)
end

return flow
