-- The configuration files beside the dialplan.

local reader = require "reader"
local sections = require "sections"
local model = require "config.model"
local sip = require "config.sip"
local pjsip = require "config.pjsip"
local voicemail = require "config.voicemail"
local write = require "config.write"

local config = {}

-- Files that are read for what they hold, and what that is.
local without = {
  ["iax.conf"] = "IAX2", ["musiconhold.conf"] = "music on hold", ["features.conf"] = "feature codes",
  ["queues.conf"] = "queues", ["agents.conf"] = "agents", ["confbridge.conf"] = "conferences", ["meetme.conf"] = "conferences",
  ["manager.conf"] = "the manager interface", ["chan_dahdi.conf"] = "telephone cards", ["zapata.conf"] = "telephone cards",
  ["misdn.conf"] = "telephone cards", ["cdr.conf"] = "call records in Asterisk's form", ["followme.conf"] = "follow-me",
  ["phoneprov.conf"] = "provisioning", ["skinny.conf"] = "Skinny", ["mgcp.conf"] = "MGCP", ["dundi.conf"] = "DUNDi",
  ["res_fax.conf"] = "fax", ["res_parking.conf"] = "parked calls", ["extensions.lua"] = "dialplans in Asterisk's Lua",
}
local without_order = {}
for name in pairs(without) do without_order[#without_order + 1] = name end
table.sort(without_order)

local function rtp(site, list, report)
  for _, section in ipairs(list) do
    local low, high
    for _, entry in ipairs(section.entries) do
      local name = entry.name:lower()
      if name == "rtpstart" then low = entry.value:match "^%d+"
      elseif name == "rtpend" then high = entry.value:match "^%d+"
      elseif name ~= "strictrtp" and name ~= "rtpchecksums" and name ~= "probation" and name ~= "dtmftimeout" and name ~= "icesupport" then
        report:approximate(entry, ("%s=%s of rtp.conf has no counterpart"):format(entry.name, entry.value))
      end
    end
    if low and high then site.set.rtp_ports = low .. "-" .. high end
  end
end

-- Says of each section of a file that it has no counterpart.
local function unknown(what, list, report)
  for _, section in ipairs(list) do
    if #section.entries > 0 then
      report:unknown(section, ("[%s]: this version of moonwire does not read the configuration of %s"):format(section.name, what))
      for _, entry in ipairs(section.entries) do report:too(entry) end
    end
  end
end

-- Notes the files that nothing has read.
local function unread(job, report)
  for _, name in ipairs(job.list "." or {}) do
    if name:find "%.conf$" and not job.seen[name] then
      report:note({ file = name, line = 1 }, "this file is not read: it has no counterpart in a site")
    end
  end
end

-- Finds the contexts that phones and trunks name and the dialplan does not have:
-- calls from there reach nothing.
local function missing(site, report, plan)
  local seen = {}
  for _, list in ipairs { site.phones, site.trunks } do
    for _, one in ipairs(list) do
      local context = one.fields.context
      if context and not plan.by_name[context] then
        report:note(one, ("there is no context [%s] for [%s]"):format(context, one.name))
        if not seen[context] then site.contexts[#site.contexts + 1] = context end
        seen[context] = true
      end
    end
  end
end

-- Reads what there is and writes config.lua.
function config.translate(job, report, plan)
  local site = model.new()
  local function parsed(name)
    if not job.exists_input(name) then return nil end
    local lines = reader.new(job, report):read(name)
    return lines and sections.parse(lines, report)
  end
  local function has(name) return job.has(name) end
  local files = {
    { "sip.conf", function(list) sip.read(site, list, report, plan) end },
    { "pjsip.conf", function(list) pjsip.read(site, list, report) end },
    { "pjsip_wizard.conf", function(list) pjsip.wizard(site, list, report) end },
    { "users.conf", function(list) sip.users(site, list, report) end },
    { "voicemail.conf", function(list) voicemail.read(site, list, report, has "mailbox") end },
    { "rtp.conf", function(list) rtp(site, list, report) end },
  }
  for _, file in ipairs(files) do
    local list = parsed(file[1])
    if list then file[2](list) end
  end
  for _, name in ipairs(without_order) do
    if name:find "%.conf$" then
      local list = parsed(name)
      if list then unknown(without[name], list, report) end
    elseif job.exists_input(name) then
      report:unknown({ file = name, line = 1 }, name .. " is not translated", "call its functions from scripts of moonwire")
    end
  end
  missing(site, report, plan)
  unread(job, report)
  job.write("scripts/config.lua", write.config(site, has))
  return site
end

return config
