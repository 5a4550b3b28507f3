-- manager.conf, http.conf and ari.conf: how programs reach Asterisk.

local keys = require "config.keys"

local manager = {}

-- Whether what a file is about is switched on at all.
local function enabled(list)
  for _, section in ipairs(list) do
    if section.name:lower() == "general" then
      for _, entry in ipairs(section.entries) do
        if entry.name:lower() == "enabled" then return keys.words("yes true on 1 y t")[entry.value:lower()] == true end
      end
    end
  end
  return false
end

-- What is switched off is missed by nobody.
local function where_enabled(reader)
  return function(site, list, report)
    if enabled(list) then reader(site, list, report) end
  end
end

local programs = "the server's HTTP side lists calls and figures; scripts reach other programs with http.post_async"

manager.read = where_enabled(keys.reader {
  reason = "programs do not speak AMI with this version of moonwire",
  sections = {
    general = {
      plain = [[debug displayconnects timestampevents allowmultiplelogin authtimeout authlimit httptimeout brokeneventsaction
        broken_events_action channelvars displaysystemname block-sockets]],
      enabled = { suggestion = programs },
      webenabled = { off = true, suggestion = programs },
      tlsenable = { off = true },
      port = true, bindaddr = true, tlsbindaddr = true, tlscertfile = true, tlsprivatekey = true, tlscipher = true,
    },
    other = {
      head = { suggestion = programs },
      plain = "read write writetimeout displayconnects allowmultiplelogin setvar eventfilter",
      secret = { reason = "accounts of AMI are not there" }, permit = true, deny = true, acl = true,
    },
  },
})

manager.http = where_enabled(keys.reader {
  reason = "the HTTP server of moonwire is set by moonwire serve --http",
  sections = {
    general = {
      plain = "prefix sessionlimit session_inactivity session_keep_alive servername",
      enabled = { status = "approximate", suggestion = "moonwire serve --http 127.0.0.1:8088" },
      bindaddr = { status = "approximate", suggestion = "moonwire serve --http ADDRESS:PORT" },
      bindport = { status = "approximate", suggestion = "moonwire serve --http ADDRESS:PORT" },
      enablestatic = { off = true, reason = "files are not served by HTTP" }, enable_static = { off = true, reason = "files are not served by HTTP" },
      redirect = { reason = "files are not served by HTTP" },
      tlsenable = { off = true, reason = "HTTP is not encrypted here", suggestion = "put a web server in front" },
      tlsbindaddr = true, tlscertfile = true, tlsprivatekey = true,
    },
  },
})

manager.ari = where_enabled(keys.reader {
  reason = "programs do not steer calls by ARI; scripts do",
  sections = { general = { plain = "pretty allowed_origins websocket_write_timeout", enabled = {} }, other = { head = {}, otherwise = true } },
})

return manager
