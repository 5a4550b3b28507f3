-- asterisk.conf, logger.conf and modules.conf: the program itself.

local keys = require "config.keys"
local text = require "text"

local server = {}

local function number(entry) return tonumber(entry.value:match "^%d+%.?%d*") end

local function compatible(name)
  return { unless = "1.6 1.8 10 11 12 13", status = "approximate",
    reason = "this part of the dialplan is of Asterisk 1.4", suggestion = "translate with --era 1.4 if " .. name .. " matters" }
end

server.asterisk = keys.reader {
  reason = "the server has no such setting",
  sections = {
    directories = { otherwise = true },
    files = { otherwise = true },
    options = {
      plain = [[verbose debug trace alwaysfork nofork quiet timestamp execincludes console highpriority initcrypto nocolor
        dontwarn dumpcore runuser rungroup lightbackground forceblackbackground cache_record_files record_cache_dir
        transmit_silence transmit_silence_during_record internal_timing astctlpermissions astctlowner astctlgroup astctl
        hideconnect lockconfdir stdexten live_dangerously sounds_search_custom_dir refdebug mindtmfduration minmemfree rtp_use_dynamic
        rtp_pt_dynamic lockmode documentation_language astmm entityid]],
      maxcalls = function(site, entry) site.limits.calls = number(entry) end,
      maxload = { off = true, reason = "the load of the machine refuses no calls", suggestion = "limits { calls = … } bounds them" },
      maxfiles = { status = "note", reason = "the limit of the service counts", suggestion = "LimitNOFILE= of its unit" },
      systemname = function(site, entry) site.runtime.system = entry.value end,
      autosystemname = { off = true, reason = "${SYSTEMNAME} is empty", suggestion = 'system = "NAME" in scripts/asterisk/settings.lua' },
      defaultlanguage = { unless = "en", reason = "phones say which language they have", suggestion = 'language = "…" of each sip.phone and sip.trunk' },
      languageprefix = { unless = "yes", reason = "sounds are looked for in sounds/LANGUAGE/" },
    },
    compat = {
      pbx_realtime = true, res_agi = true,
      app_set = compatible "Set with several values",
    },
  },
}

server.logger = keys.reader {
  reason = "the log goes to standard error, and its level is that of moonwire serve --log-level",
  sections = {
    general = { plain = "dateformat appendhostname use_callids rotatestrategy exec_after_rotate logger_queue_limit", queue_log = true, event_log = true,
      otherwise = true },
    logfiles = { otherwise = { status = "note", suggestion = "the service manager keeps the log: journalctl -u moonwire" } },
  },
}

-- Modules whose absence somebody may count on.
server.modules = keys.reader {
  reason = "moonwire has no modules to load",
  sections = {
    modules = {
      plain = "autoload noload",
      load = function(_, entry, section, report)
        local name = text.trim(entry.value):gsub("%.so$", "")
        if name:find "^app_" or name:find "^func_" or name:find "^res_" or name:find "^format_" or name:find "^codec_" or name:find "^pbx_"
          or name:find "^chan_.*sip" or name:find "^cdr_" or name:find "^bridge_" then return end
        report:note(entry, ("load=%s of [%s]: what it does is there or reported where it is used"):format(entry.value, section.name))
      end,
      require = true, preload = true, ["preload-require"] = true,
    },
    other = { otherwise = true },
  },
}

-- indications.conf: the country whose tones are played.
server.indications = keys.reader {
  reason = "tones of one's own are not read",
  sections = {
    general = { country = function(site, entry) site.runtime.country = entry.value:lower() end },
    other = { otherwise = true },
  },
}

return server
