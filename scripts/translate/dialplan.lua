-- Third pass: sections to a dialplan.
--
-- The tree that the later passes work on:
--
--   dialplan  general (by name), globals (list), contexts (list, and by name)
--   context   name, extensions (list), items (includes, switches, ignored
--             prefixes and hints, in order)
--   extension pattern, caller (nil: any), steps in order of priority
--   step      priority, label, app, args, and where it was written
--
-- Everything keeps file, line, comment and above (the comments over it).

local text = require "text"
local arguments = require "arguments"
local patterns = require "patterns"

local dialplan = {}

local parser = {}
parser.__index = parser

local words = { "exten", "same", "include", "ignorepat", "switch", "lswitch", "eswitch", "autohints" }

-- The extension of a context that is written as name, for all callers.
function dialplan.find(context, name)
  local key = patterns.canonical(name)
  return key and context.by_pattern[key .. "/\0"]
end

local function set_of(list)
  local set = {}
  for _, word in ipairs(list) do set[word] = true end
  return set
end
local known_word = set_of(words)

local settings = set_of {
  "static", "writeprotect", "autofallthrough", "clearglobalvars", "priorityjumping", "extenpatternmatchnew",
  "userscontext", "overrideswitch", "autohints",
}

-- Parses sections, as sections.parse returns them. options.old says that the
-- dialplan was written for Asterisk up to 1.4.
function dialplan.parse(list, report, options)
  local plan = { general = {}, globals = {}, contexts = {}, by_name = {}, values = {} }
  local self = setmetatable({ plan = plan, report = report, options = options or {} }, parser)
  for _, section in ipairs(list) do
    local name = section.name:lower()
    if section.template then -- only there to be built upon
    elseif name == "general" then
      self:general(section)
    elseif name == "globals" then
      self:globals(section)
    end
  end
  for _, section in ipairs(list) do
    local name = section.name:lower()
    if section.template or name == "general" or name == "globals" then -- done
    elseif section.name == "" then
      report:unknown(section, "a context without a name", "write [name]")
    else
      self:context(section)
    end
  end
  return plan
end

function parser:general(section)
  self.plan.general_above = section.above
  for _, entry in ipairs(section.entries) do
    local name = entry.name:lower()
    if settings[name] then
      self.plan.general[name] = entry
    else
      local near = text.nearest(name, { "static", "writeprotect", "autofallthrough", "clearglobalvars", "priorityjumping", "extenpatternmatchnew", "userscontext" })
      self.report:approximate(entry, ("setting '%s' of [general] is unknown and has no effect"):format(entry.name),
        near and near .. " was probably meant" or nil)
    end
  end
end

function parser:globals(section)
  for _, entry in ipairs(section.entries) do
    self.plan.globals[#self.plan.globals + 1] = entry
    if arguments.is_static(entry.value) then
      self.plan.values[entry.name] = entry.value
    else
      self.plan.values[entry.name] = self:with_globals(entry.value)
    end
  end
end

-- s with the values of [globals] in it: names of extensions and of included
-- contexts are looked up once, when the dialplan loads.
function parser:with_globals(s)
  if not s:find("${", 1, true) then return s end
  return (s:gsub("%${([%w_]+)}", function(name) return self.plan.values[name] or "" end))
end

-- The context of a section, made where it is new.
function dialplan.open(plan, section)
  local context = plan.by_name[section.name]
  if not context then
    context = {
      name = section.name, file = section.file, line = section.line, above = section.above, comment = section.comment,
      extensions = {}, by_pattern = {}, items = {},
    }
    plan.by_name[section.name] = context
    plan.contexts[#plan.contexts + 1] = context
  end
  return context
end

function parser:context(section)
  self.here = dialplan.open(self.plan, section)
  self.pattern, self.priority, self.aliases = nil, nil, nil
  for _, entry in ipairs(section.entries) do
    local word = entry.name:lower()
    if word == "exten" then
      self:exten(entry)
    elseif word == "same" then
      self:same(entry)
    elseif word == "include" then
      dialplan.include(self.here, entry, self:with_globals(entry.value), self.report)
    elseif word == "ignorepat" then
      self:item("ignorepat", entry, { prefix = entry.value })
    elseif word == "switch" or word == "lswitch" or word == "eswitch" then
      -- A plain switch substitutes variables when the dialplan loads, where no call is.
      local target = word == "switch" and self:with_globals(entry.value) or entry.value
      self:item("switch", entry, { target = target, written = entry.value, kind = word })
    elseif word == "autohints" then
      self:item("autohints", entry, { value = entry.value })
    else
      self:unknown_word(entry)
    end
  end
end

function parser:item(kind, entry, item)
  item.what, item.file, item.line, item.comment, item.above = kind, entry.file, entry.line, entry.comment, entry.above
  self.here.items[#self.here.items + 1] = item
end

function parser:unknown_word(entry)
  local first = entry.name:match "^%S*"
  local near = known_word[first:lower()] and first:lower() or text.nearest(entry.name, words)
  self.report:unknown(entry, ("there is no directive '%s'"):format(entry.name),
    near and ("%s => %s was probably meant"):format(near, entry.value) or "a comment begins with a semicolon")
end

-- Adds an include to a context: "context,times,days of week,days of month,months,
-- zone".
function dialplan.include(context, at, value, report)
  local parts = text.split(value, value:find("|", 1, true) and "|" or ",")
  local name = text.trim(parts[1])
  if name == "" then
    report:unknown(at, "include => without a context", "write include => CONTEXT")
    return
  end
  local when
  if #parts > 1 then
    local times = {}
    for i = 2, math.min(5, #parts) do
      local time = text.trim(parts[i])
      if not patterns.is_time(time) then
        report:unknown(at, ("'%s' is not a time; the include was left out"):format(time),
          "times are written 09:00-17:59,mon-fri,1-31,jan-dec")
        return
      end
      times[#times + 1] = time == "" and "*" or time
    end
    when = table.concat(times, ",")
  end
  context.items[#context.items + 1] = {
    what = "include", context = name, when = when, zone = parts[6] and text.trim(parts[6]),
    file = at.file, line = at.line, comment = at.comment, above = at.above,
  }
end

-- Cuts the extension's name off an entry. Names hold commas only inside of
-- brackets and braces.
local function cut(value)
  local first, rest = value:match "^([^,%[{]*),(.*)$"
  if first then return first, rest end
  local parts = arguments.split(value, ",")
  if #parts < 2 then return value, nil end
  return parts[1], value:sub(#parts[1] + 2)
end

function parser:exten(entry)
  local name, rest = cut(entry.value)
  name = text.trim(name)
  self.pattern = nil
  if not rest then
    self.report:unknown(entry, ("'%s' has no priority and no application"):format(entry.value),
      "an extension is written exten => NUMBER,PRIORITY,APPLICATION(ARGUMENTS)")
    return
  end
  local written = self:with_globals(name)
  local pattern, caller = written:match "^([^/]*)/(.*)$"
  pattern = pattern or written
  if pattern:byte() ~= 95 and pattern:find "%s" then
    local number = pattern:match "([_%d]%S*)$"
    self.report:note(entry, ("the extension '%s' is taken without its spaces"):format(pattern),
      number and ("%s was probably meant"):format(number) or nil)
    pattern = pattern:gsub("%s", "")
  end
  local known, wrong = dialplan.key(pattern, caller)
  if not known then
    self.report:unknown(entry, ("the pattern '%s' fits nothing: %s"):format(written, wrong), "patterns are written _0[1-7]XX.")
    return
  end
  self.pattern, self.caller = pattern, caller
  self:step(entry, rest)
end

function parser:same(entry)
  if not self.pattern then
    self.report:unknown(entry, "same => without an extension before it in this context", "write exten => NUMBER," .. entry.value)
    return
  end
  self:step(entry, entry.value)
end

-- What an extension is kept under: alike for all ways to write it. nil and the
-- reason where the pattern fits nothing. The second result is the caller as
-- routes have it: "-" for callers without a number.
function dialplan.key(pattern, caller)
  local key, wrong = patterns.canonical(pattern)
  if not key then return nil, wrong end
  if not caller then return key .. "/\0" end
  caller = caller:gsub("[%s()]", "")
  if caller == "" then return key .. "/", "-" end
  local caller_key, caller_wrong = patterns.canonical(caller)
  if not caller_key then return nil, caller_wrong end
  return key .. "/" .. caller_key, caller
end

-- The extension of a context, made where it is new.
function dialplan.extension(context, pattern, caller, at)
  local key, shown = dialplan.key(pattern, caller)
  if not key then return nil, shown end
  local extension = context.by_pattern[key]
  if not extension then
    extension = {
      pattern = pattern, caller = caller and shown, file = at.file, line = at.line, steps = {}, by_priority = {}, labels = {},
    }
    context.by_pattern[key] = extension
    context.extensions[#context.extensions + 1] = extension
  end
  return extension
end

-- Finds out which priority is meant by what is written: 3, n, n+101, s, hint, a
-- label, each with a label in parentheses behind it.
function parser:number(entry, extension, written)
  local base, label = written:match "^([^(]*)%((.*)$"
  if label then
    local name = label:match "^(.-)%).*$"
    if not name then
      self.report:note(entry, ("label '%s' has no closing parenthesis"):format(label), ("%s(%s) was probably meant"):format(base, label))
    end
    label = name or label
  else
    base = written
  end
  base = text.trim(base)
  local plus
  local sign = base:find("+", 1, true)
  if sign then
    plus = tonumber(base:sub(sign + 1):match "^%d*") or 0
    base = text.trim(base:sub(1, sign - 1))
  end
  local word = base:lower()
  local number
  if word == "hint" then
    return "hint", label
  elseif word == "n" or word == "next" then
    if not self.priority then return nil, "the first priority of a context cannot be n", "write 1 for the first priority" end
    number = self.priority + 1
  elseif word == "s" or word == "same" then
    if not self.priority then return nil, "the first priority of a context cannot be s", "write 1 for the first priority" end
    number = self.priority
  elseif base:find "^[+-]?%d" then
    number = tonumber((base:match "^%+?(%-?%d+)"))
  elseif extension.labels[base] then
    number = extension.labels[base].priority
  else
    return nil, ("'%s' is neither a priority nor a label of this extension"):format(written), "write n for the next priority"
  end
  return number + (plus or 0), label
end

function parser:step(entry, rest)
  self.report:step(entry)
  local written, app = rest:match "^([^,]*),%s*(.*)$"
  if not written then
    written, app = rest, ""
    self.report:note(entry, "no application", "write NoOp for a priority that does nothing")
  end
  local extension = dialplan.extension(self.here, self.pattern, self.caller, entry)
  local number, label, suggestion = self:number(entry, extension, text.trim(written))
  if not number then
    self.report:unknown(entry, label, suggestion)
    return
  end
  if number == "hint" then
    self.priority = -1
    self:item("hint", entry, { pattern = self.pattern, target = app })
    return
  end
  self.priority = number
  if number < 1 then
    self.report:note(entry, ("priority %d does not exist; Asterisk leaves this line out"):format(number), "priorities begin with 1")
    return
  end
  self:add(entry, extension, number, label, app)
end

function parser:add(entry, extension, number, label, written)
  local name, args, wrong, suggestion
  if self.options.old then
    name, args = arguments.old_application(written)
  else
    name, args, wrong, suggestion = arguments.application(written)
  end
  if wrong then self.report:note(entry, wrong, suggestion) end
  dialplan.put(extension, {
    priority = number, label = label, app = name, args = args, written = written,
    file = entry.file, line = entry.line, comment = entry.comment, above = entry.above,
  }, self.report)
end

-- Puts a step into its place. Of two with one priority the first stays.
function dialplan.put(extension, step, report)
  local number, label = step.priority, step.label
  if extension.by_priority[number] then
    report:note(step, ("priority %d of %s is already there; Asterisk keeps the first one"):format(number, extension.pattern),
      "number the priorities 1, n, n, …")
    return
  end
  if label and extension.labels[label] then
    report:note(step, ("label %s is already used at priority %d"):format(label, extension.labels[label].priority),
      "choose another name")
    step.label = nil
  end
  extension.by_priority[number] = step
  if step.label then extension.labels[step.label] = step end
  local steps = extension.steps
  local at = #steps + 1
  while at > 1 and steps[at - 1].priority > number do at = at - 1 end
  table.insert(steps, at, step)
end

return dialplan
