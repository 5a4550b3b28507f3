-- Last pass: the dialplan to Lua.
--
-- One file a context. An extension is written in one of two forms, which do the
-- same: as Lua (script.lua), where its jumps are those of if and while; otherwise
-- as a function that gives a table of steps, which the runtime goes through as
-- Asterisk would, whatever the jumps. What is static is written as text; in a table,
-- what has ${…} or $[…] in it becomes a function of the channel.
--
-- What is written depends on nothing but the input, line by line: translating
-- twice gives the same bytes.

local text = require "text"
local arguments = require "arguments"
local asterisk = require "asterisk"
local script = require "script"

local writer = {}

local quote = text.quote

local most = 100 -- extensions in a file

local out = {}
out.__index = out

function out:add(...)
  local n = self.n
  for i = 1, select("#", ...) do
    n = n + 1
    self[n] = (select(i, ...))
  end
  self.n = n
end

-- Names of files that mean something else.
local taken = { config = true, asterisk = true, ivr = true, say = true, init = true }

-- Gives names to files: that of the context, as far as files can be called so.
local function namer()
  local used = {}
  return function(wanted)
    local base = wanted:gsub("[^%w_-]", "-"):gsub("^%-+", "")
    if base == "" or taken[base:lower()] or base:find "_test$" then base = base .. "-context" end
    local name, n = base, 1
    while used[name:lower()] do
      n = n + 1
      name = base .. "-" .. n
    end
    used[name:lower()] = true
    return name
  end
end

local function comments(o, above, indent)
  for _, line in ipairs(above or {}) do
    for part in line:gmatch "[^\r\n]+" do o:add(indent, "-- ", part, "\n") end
  end
end

local function trailing(o, comment)
  if comment then o:add(" -- ", (comment:gsub("[\r\n]", " "))) end
  o:add "\n"
end

-- A text of the dialplan as an expression over ch, or as a constant.
local function value(compile, cache, s)
  if arguments.is_static(s) then return quote(s) end
  local source = cache[s]
  if not source then
    source = "function(ch) return " .. (compile(s)) .. " end"
    cache[s] = source
  end
  return source
end

local pass = {}
pass.__index = pass

function pass:step(o, step, home)
  comments(o, step.above, "  ")
  o:add("  { ", tostring(step.priority), ", ", quote(step.app))
  if step.args ~= "" then o:add(", ", value(self.compile, self.cache, step.args)) end
  if step.label then o:add(", label = ", quote(step.label)) end
  if step.file ~= home then o:add(", file = ", quote(step.file)) end
  o:add(", line = ", tostring(step.line), " },")
  trailing(o, step.comment)
end

function pass:extension(o, extension, context)
  local first = extension.steps[1]
  o:add "\n"
  comments(o, first.above, "")
  if self.script and self.script:extension(o, extension, context) then return end
  o:add("asterisk.extension(here, ", quote(extension.pattern), ", function() return {\n")
  for i, step in ipairs(extension.steps) do
    local above = step.above
    if i == 1 then step.above = nil end
    self:step(o, step, first.file)
    step.above = above
  end
  o:add("} end, { file = ", quote(first.file))
  if extension.caller then o:add(", caller = ", quote(extension.caller)) end
  o:add " })\n"
end

local function include(o, item)
  comments(o, item.above, "")
  o:add("asterisk.include(here, ", quote(item.context))
  if item.when then
    o:add(", { when = ", quote(item.when))
    if item.zone and item.zone ~= "" then o:add(", zone = ", quote(item.zone)) end
    o:add " }"
  end
  o:add ")"
  trailing(o, item.comment or item.file .. ":" .. item.line)
end

local function begin(o, context)
  o:add("\nlocal asterisk = require \"asterisk\"\n\nlocal here = ", quote(context.name), "\ncontext(here)\n")
end

-- Whether calls to any number of a context may go through a switch. With a
-- pattern of its own for all numbers the context has no need of another.
local function switches(context)
  local any = false
  for _, item in ipairs(context.items) do any = any or item.what == "switch" end
  return any and not context.by_pattern["_!/\0"]
end

-- What a file of extensions begins with: it runs once for all calls, however many
-- extensions are in it.
local shared = "---@shared\n"

-- The files of a context: nearly always one. A call runs the file that its
-- extension stands in, so very long contexts are written in parts.
function pass:context(context, name, files)
  local o = setmetatable({ n = 0 }, out)
  o:add(shared, "-- Context [", (context.name:gsub("%c", " ")), "], from ", context.file, ".\n")
  comments(o, context.above, "")
  if context.comment then comments(o, { context.comment }, "") end
  begin(o, context)
  local any = false
  for _, item in ipairs(context.items) do
    if item.what == "include" then
      if not any then o:add "\n" end
      any = true
      include(o, item)
    end
  end
  if switches(context) and rawget(asterisk, "switched") then
    o:add "\nasterisk.switched(here) -- to what settings.lua lists\n"
  end
  local written, part = 0, 1
  for _, extension in ipairs(context.extensions) do
    if #extension.steps > 0 then
      if written == most then
        files["scripts/" .. name(part) .. ".lua"] = table.concat(o)
        written, part, o = 0, part + 1, setmetatable({ n = 0 }, out)
        o:add(shared, "-- Context [", (context.name:gsub("%c", " ")), "], part ", tostring(part), ".\n")
        begin(o, context)
      end
      written = written + 1
      self:extension(o, extension, context)
    end
  end
  files["scripts/" .. name(part) .. ".lua"] = table.concat(o)
end

local function truth(s)
  s = s:lower()
  return s == "yes" or s == "true" or s == "on" or s == "1" or s == "y" or s == "t"
end

function pass:globals(o, globals)
  if #globals == 0 then return end
  o:add "\n  globals = {\n"
  for _, entry in ipairs(globals) do
    comments(o, entry.above, "    ")
    o:add("    { ", quote(entry.name), ", ", entry.plain and quote(entry.value) or value(self.compile, self.cache, entry.value), ", line = ", tostring(entry.line), " },")
    trailing(o, entry.comment)
  end
  o:add "  },\n"
end

-- Writes what the contexts have of one kind of item, by context.
local function by_context(o, contexts, what, field, write)
  local open = false
  for _, context in ipairs(contexts) do
    local any = false
    for _, item in ipairs(context.items) do
      if item.what == what then
        if not open then o:add("\n  ", field, " = {\n") end
        if not any then o:add("    ", text.key(context.name), " = {\n") end
        open, any = true, true
        comments(o, item.above, "      ")
        o:add "      "
        write(item)
        o:add ","
        trailing(o, item.comment)
      end
    end
    if any then o:add "    },\n" end
  end
  if open then o:add "  },\n" end
end

-- Settings and global variables, for all contexts.
function pass:settings(plan, era)
  local o = setmetatable({ n = 0 }, out)
  local general = plan.general
  local function setting(name, default)
    local entry = general[name]
    if entry then return truth(entry.value) end
    return default
  end
  o:add "-- Settings and global variables, from [general] and [globals] of extensions.conf.\n"
  comments(o, plan.general_above, "")
  o:add "\nreturn {\n"
  o:add("  era = ", tostring(era.number), ",\n")
  o:add("  autofallthrough = ", tostring(setting("autofallthrough", era.autofallthrough)), ",\n")
  o:add("  priorityjumping = ", tostring(setting("priorityjumping", era.jumping)), ",\n")
  o:add("  clearglobalvars = ", tostring(setting("clearglobalvars", false)), ",\n")
  for _, name in ipairs { "country", "system" } do -- from files beside the dialplan
    local value = plan.runtime and plan.runtime[name]
    if value then o:add("  ", name, " = ", quote(value), ",\n") end
  end
  self:globals(o, plan.globals)
  by_context(o, plan.contexts, "switch", "switches", function(item)
    local kind, target = item.target:match "^%s*([^/]*)/?(.*)$"
    o:add("{ ", quote(kind), ", ", quote(target), ", line = ", tostring(item.line), " }")
  end)
  by_context(o, plan.contexts, "hint", "hints", function(item)
    o:add(#item.pattern > 0 and text.key(item.pattern) or '[""]', " = ", quote(item.target))
  end)
  o:add "}\n"
  return table.concat(o)
end

-- All files, by their path in the site. compile turns a text into the source of
-- an expression over ch; form is "structured" or "tables".
function writer.write(plan, era, compile, form)
  local self = setmetatable({ compile = compile, cache = {}, script = script.new(plan, form) }, pass)
  local files = { ["scripts/asterisk/settings.lua"] = self:settings(plan, era) }
  local names = namer()
  for _, context in ipairs(plan.contexts) do
    local base = names(context.name)
    self:context(context, function(part) return part == 1 and base or names(base .. "-" .. part) end, files)
  end
  return files
end

local application_shim = [[
-- What the application %s does. It is yours to write; the dialplan uses
-- it first at %s:%d.
--
-- Put a function in place of false: function(ch, arguments) … end. ch is the
-- channel, arguments the text between the parentheses, with the values of
-- variables in it. Until then a call that comes here ends, as it does in an
-- Asterisk without this application.

return false
]]

local function_shim = [[
-- What the function %s gives. It is yours to write; the dialplan uses it
-- first at %s:%d.
--
-- Put a table in place of false: read = function(ch, arguments) … end gives its
-- text, write = function(ch, arguments, value) … end serves Set(). arguments is the
-- text between the parentheses. Until then its text is empty.

return false
]]

local function sorted(names)
  local list = {}
  for name in pairs(names) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- What nothing is known of: a file each for the owner of the dialplan to fill in,
-- and one that lists them. The first result is the list, the second the files.
function writer.shims(shims)
  local files, o = {}, setmetatable({ n = 0 }, out)
  o:add [[
-- What the dialplan uses and moonwire does not have, each in a file of its own.

-- A shim that is written; nil for one that is not.
local function written(shim) return type(shim) ~= "boolean" and shim or nil end

return {
]]
  for _, kind in ipairs { "applications", "functions" } do
    o:add("  ", kind, " = {\n")
    for _, name in ipairs(sorted(shims[kind])) do
      local step, file = shims[kind][name], (kind == "functions" and "function_" or "") .. name:lower()
      o:add("    ", text.key(name), ' = written(require "shims.', file, '"),\n')
      local path = "scripts/shims/" .. file .. ".lua"
      local shim = kind == "applications" and application_shim or function_shim
      files[path] = shim:format(name, (step.file:gsub("%c", " ")), step.line)
    end
    o:add "  },\n"
  end
  o:add "}\n"
  return table.concat(o), files
end

return writer
