-- extconfig.conf, res_odbc.conf, func_odbc.conf and their kind: what Asterisk
-- looks up in databases of other makers.

local keys = require "config.keys"

local databases = {}

local other = "databases of other makers are reached by HTTP: http.get and http.post"

databases.realtime = keys.reader {
  reason = "configuration is not read from databases",
  sections = { settings = { otherwise = { suggestion = "write what the table holds to a file, and translate that" } }, other = {} },
}

databases.connections = keys.reader {
  reason = "the server connects to no databases",
  sections = {
    env = { otherwise = true },
    other = { plain = "pre-connect pooling limit share_connections sanitysql isolation max_connections connect_timeout negative_connection_cache logging idlecheck forcecommit slow_query_limit backslash_is_escape",
      enabled = { off = true, suggestion = other }, dsn = { suggestion = other }, username = { suggestion = other }, password = { suggestion = other },
      otherwise = { suggestion = other } },
  },
}

-- A section a function: [SQL] is ODBC_SQL().
databases.functions = function(_, list, report)
  for _, section in ipairs(list) do
    if not section.template and section.name:lower() ~= "general" then
      local prefix = "ODBC"
      for _, entry in ipairs(section.entries) do
        if entry.name:lower() == "prefix" then prefix = entry.value end
      end
      local name = prefix .. "_" .. section.name
      report:unknown(section, ("function %s asks a database that is not there"):format(name),
        ("where a dialplan uses it, scripts/shims/function_%s.lua is its place; %s"):format(name:lower(), other))
      for _, entry in ipairs(section.entries) do report:too(entry) end
    end
  end
end

return databases
