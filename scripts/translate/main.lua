-- Translates the configuration of an Asterisk into a site.
--
-- The passes, each a file of its own, in the order in which they run:
--
--   reader      files to lines: includes, comments, character sets
--   sections    lines to sections and their entries
--   dialplan    sections to contexts, extensions and steps
--   analysis    what the dialplan uses, where it jumps, what is not known
--   writer      the dialplan to Lua: tables of steps; with structure (jumps to if
--               and while), express (arguments to values) and script (both to text)
--   report      what became of each line
--
-- ael/ reads extensions.ael to the same contexts, extensions and steps, pbx_lua
-- takes over extensions.lua as it is, and
-- config/ does the same for sip.conf and the other files beside the dialplan.
-- arguments, misprints, catalog, era and text are what they share.
--
-- job is what the program hands over:
--
--   job.read(path)     the text of a file of the installation, or nil and why
--   job.list(path)     the names in a folder of it
--   job.exists_input(path)  whether the installation has such a file
--   job.has(name)      whether this moonwire has a function of that name
--   job.path(name)     where a file is that the configuration names
--   job.exec(command)  the output of a command; nil where that is not allowed
--   job.exists(path)   whether the site has such a file already
--   job.write(path, content)
--   job.options        era, main (the name of the dialplan's file), form (structured
--                      or tables)

local reader = require "reader"
local sections = require "sections"
local dialplan = require "dialplan"
local analysis = require "analysis"
local writer = require "writer"
local reports = require "report"
local eras = require "era"
local config = require "config"
local ael = require "ael.parser"
local lower = require "ael.lower"
local pbx_lua = require "pbx_lua"

local compiler = require "asterisk.compile"

local function translate_dialplan(job, report)
  local main = job.options.main
  local lines = not main:find "%.ael$" and not main:find "%.lua$" and reader.new(job, report):read(main) or nil
  local trees = ael.parse(job, report, (main:gsub("%.conf$", ".ael")))
  local in_lua = main:gsub("%.%a+$", ".lua")
  if not lines and not trees and not job.exists_input(in_lua) then return false end
  lines = lines or {}
  local list = sections.parse(lines, report)
  local era, why = eras.of(job.options.era, list)
  if why then report:note({ file = job.options.main, line = 1 }, why, "say --era 20 if it is not that old") end
  local plan = dialplan.parse(list, report, { old = era.old })
  if trees then lower.into(plan, trees, report) end
  local shims = analysis.run(plan, report, { old = era.old, era = era.number, compile = compiler })
  plan.lua = pbx_lua.translate(job, report, shims, in_lua)
  plan.runtime = config.translate(job, report, plan).runtime
  for path, content in pairs(writer.write(plan, era, compiler.text, job.options.form)) do job.write(path, content) end
  local list, files = writer.shims(shims)
  job.write("scripts/asterisk/shims.lua", list)
  for path, content in pairs(files) do
    if not job.exists(path) then job.write(path, content) end -- it may be filled in
  end
  return true
end

translator(function(job)
  local read = job.read
  job.seen = {} -- files that were read, by path
  job.read = function(path)
    job.seen[path] = true
    return read(path)
  end
  local report = reports.new()
  if not translate_dialplan(job, report) then
    error(("there is no %s here"):format(job.options.main), 0)
  end
  local lines, summary = report:lines()
  return table.concat(lines, "\n") .. "\n", json.encode(summary), summary.total.lines - summary.total.exact
end)
