-- The configuration files beside the dialplan.

local reader = require "reader"
local sections = require "sections"
local model = require "config.model"
local cards = require "config.cards"
local conferences = require "config.conferences"
local databases = require "config.databases"
local features = require "config.features"
local iax = require "config.iax"
local manager = require "config.manager"
local peers = require "config.peers"
local pjsip = require "config.pjsip"
local queues = require "config.queues"
local records = require "config.records"
local server = require "config.server"
local sip = require "config.sip"
local voicemail = require "config.voicemail"
local write = require "config.write"

local config = {}

-- Files and their readers, in the order in which they are read.
local files = {
  { "sip.conf", sip.read }, { "pjsip.conf", pjsip.read }, { "pjsip_wizard.conf", pjsip.wizard }, { "users.conf", sip.users },
  { "voicemail.conf", voicemail.read }, { "rtp.conf", require "config.rtp" }, { "iax.conf", iax.read },
  { "musiconhold.conf", require "config.musiconhold" }, { "features.conf", features.read }, { "res_parking.conf", features.parking },
  { "queues.conf", queues.read }, { "queuerules.conf", queues.rules }, { "agents.conf", queues.agents },
  { "confbridge.conf", conferences.confbridge }, { "meetme.conf", conferences.meetme }, { "followme.conf", require "config.followme" },
  { "manager.conf", manager.read }, { "http.conf", manager.http }, { "ari.conf", manager.ari },
  { "chan_dahdi.conf", cards.read }, { "zapata.conf", cards.read }, { "misdn.conf", cards.other }, { "capi.conf", cards.other },
  { "asterisk.conf", server.asterisk }, { "logger.conf", server.logger }, { "modules.conf", server.modules },
  { "indications.conf", server.indications },
  { "cdr.conf", records.cdr }, { "cdr_manager.conf", records.other }, { "cdr_custom.conf", records.other }, { "cdr_odbc.conf", records.other },
  { "cdr_adaptive_odbc.conf", records.other }, { "cdr_mysql.conf", records.other }, { "cdr_pgsql.conf", records.other },
  { "cdr_sqlite3_custom.conf", records.other }, { "cdr_syslog.conf", records.other }, { "cel.conf", records.other },
  { "cel_custom.conf", records.other }, { "cel_odbc.conf", records.other }, { "cel_pgsql.conf", records.other },
  { "extconfig.conf", databases.realtime }, { "res_odbc.conf", databases.connections }, { "res_mysql.conf", databases.connections },
  { "res_pgsql.conf", databases.connections }, { "func_odbc.conf", databases.functions },
}

-- Files of which each section is reported as a whole, and what they are about.
local without = {
  { "phoneprov.conf", "provisioning" }, { "skinny.conf", "Skinny" }, { "mgcp.conf", "MGCP" }, { "h323.conf", "H.323" },
  { "ooh323.conf", "H.323" }, { "unistim.conf", "UNISTIM" }, { "sccp.conf", "Skinny" }, { "dundi.conf", "DUNDi" }, { "enum.conf", "ENUM" },
  { "res_fax.conf", "fax" }, { "udptl.conf", "T.38" }, { "minivm.conf", "Minivm" }, { "sla.conf", "shared lines" }, { "xmpp.conf", "XMPP" },
  { "jabber.conf", "XMPP" }, { "gtalk.conf", "Google Talk" }, { "motif.conf", "Google Talk" }, { "calendar.conf", "calendars" },
  { "alarmreceiver.conf", "alarm receiving" }, { "festival.conf", "speech synthesis" }, { "amd.conf", "the detection of answering machines" },
  { "dsp.conf", "the detection of tones" }, { "privacy.conf", "PrivacyManager" }, { "acl.conf", "lists of addresses" },
  { "sip_notify.conf", "notifications to phones" }, { "pjsip_notify.conf", "notifications to phones" },
}

-- Says of each section of a file that it has no counterpart.
local function unknown(what, list, report)
  for _, section in ipairs(list) do
    if #section.entries > 0 and not section.template then
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
        if not plan.lua then report:note(one, ("there is no context [%s] for [%s]"):format(context, one.name)) end
        if not seen[context] then site.contexts[#site.contexts + 1] = context end
        seen[context] = true
      end
    end
  end
end

-- Gives the mailboxes that phones name their context: the one that has a box of
-- that number, as far as there is no other.
local function mailboxes(site)
  for _, one in ipairs(site.phones) do
    local number = one.fields.mailbox
    if number and not number:find("@", 1, true) then
      local found = number .. "@default"
      local count = 0
      for _, box in ipairs(site.mailboxes) do
        if box.name:match "^[^@]*" == number then
          found, count = count == 0 and box.name or number .. "@default", count + 1
        end
      end
      one.fields.mailbox = found
    end
  end
end

-- Says once that passwords were copied, and of which it is dangerous.
local function passwords(site, report)
  local first
  for _, list in ipairs { site.trunks, site.phones } do
    for _, one in ipairs(list) do
      local password = one.fields.password
      if password and password ~= "" then
        first = first or one
        if list == site.phones and (password == one.name or #password < 6) then
          report:note(one, ("the password of [%s] is soon guessed, and then others call at your cost"):format(one.name),
            ("password = secret %q makes a new one; give it to the phone"):format(one.name))
        end
      end
    end
  end
  if first then
    report:note(first, "passwords stand in config.lua as they were", 'let nobody else read it, or write env "NAME" in their place')
  end
end

-- Reads what there is and writes config.lua.
function config.translate(job, report, plan)
  local site = model.new()
  site.granted = plan.granted or site.granted
  local function parsed(name)
    if not job.exists_input(name) then return nil end
    local lines = reader.new(job, report):read(name)
    return lines and sections.parse(lines, report)
  end
  for _, file in ipairs(files) do
    local list = parsed(file[1])
    if list then file[2](site, list, report, plan, job) end
  end
  for _, file in ipairs(without) do
    local list = parsed(file[1])
    if list then unknown(file[2], list, report) end
  end
  mailboxes(site)
  missing(site, report, plan)
  passwords(site, report)
  unread(job, report)
  job.write("scripts/config.lua", write.config(site, job.has))
  local path = "scripts/asterisk/peers.lua"
  if #site.peers > 0 or job.exists(path) then job.write(path, peers.write(site)) end
  return site
end

return config
