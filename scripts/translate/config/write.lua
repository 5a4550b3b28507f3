-- Writes config.lua.

local text = require "text"

local write = {}

local quote = text.quote

local order = {
  "host", "transport", "user", "auth_user", "password", "register", "register_as", "expires", "context", "caller_id", "mailbox",
  "from_user", "from_domain", "outbound_proxy", "match", "auth", "trust_identity", "contacts", "min_expires", "max_expires",
  "qualify", "call_limit", "codecs", "dtmf", "language", "nat", "advertise", "local_nets", "realm", "user_agent",
  "certificate", "key", "rtp_ports", "pin", "name", "email", "pager", "zone", "maxmsg", "maxsecs", "minsecs", "maxsilence", "maxlogins",
  "review", "operator", "saycid", "envelope", "callback", "nextaftercmd", "attach", "delete", "calls",
}

local function value(v)
  if type(v) ~= "table" then return type(v) == "string" and quote(v) or tostring(v) end
  local list = {}
  for i, one in ipairs(v) do list[i] = quote(one) end
  return "{ " .. table.concat(list, ", ") .. " }"
end

local function fields(out, f, indent)
  for _, name in ipairs(order) do
    if f[name] ~= nil and f[name] ~= "" then out[#out + 1] = ("%s%s = %s,\n"):format(indent, name, value(f[name])) end
  end
end

local function comments(out, above)
  for _, line in ipairs(above or {}) do out[#out + 1] = "-- " .. line:gsub("%c", " ") .. "\n" end
end

local function declare(out, what, one, extra)
  out[#out + 1] = "\n"
  comments(out, one.above)
  out[#out + 1] = ("%s %s { -- %s:%d\n"):format(what, quote(one.name), one.file:gsub("%c", " "), one.line)
  if extra then out[#out + 1] = extra end
  fields(out, one.fields, "  ")
  out[#out + 1] = "}\n"
end

-- The same as a comment, for the owner of the site to make use of.
local function commented(out, what, one)
  local lines = {}
  declare(lines, what, one)
  out[#out + 1] = "\n" .. table.concat(lines):sub(2):gsub("[^\n]+", "-- %0")
end

-- What a dialplan may ask for, and what it is that asks.
local grants = {
  { 'programs = "agi-bin/*"', "agi eagi deadagi" }, { 'programs = "/bin/sh"', "system trysystem shell" },
  { 'http = "HOST"', "curl" }, { 'read = "/FOLDER"', "stat readfile file_count_line file_format" }, { 'write = "/FOLDER"', "file" },
}

local function granted(out, asked)
  local any = false
  for _, one in ipairs(grants) do
    local used = false
    for name in one[2]:gmatch "%S+" do used = used or asked[name] end
    if used then
      if not any then out[#out + 1] = "\n-- The dialplan asks for these; nothing is reached that is not granted.\n" end
      any = true
      out[#out + 1] = "-- grant { " .. one[1] .. " }\n"
    end
  end
end

-- The text of config.lua. has tells which functions this moonwire has.
function write.config(site, has)
  local out = { "-- Who may call, and how: from the configuration of Asterisk.\n\nlocal asterisk = require \"asterisk\"\n\nasterisk.start()\n" }
  for i, name in ipairs(site.contexts) do
    if i == 1 then out[#out + 1] = "\n-- Named here, and empty: the dialplan has no such contexts.\n" end
    out[#out + 1] = "context " .. quote(name) .. "\n"
  end
  if #site.listen > 0 then
    local seen, list = {}, {}
    for _, one in ipairs(site.listen) do
      if not seen[one.value] then list[#list + 1] = one.value end
      seen[one.value] = true
    end
    out[#out + 1] = "\nsip.listen " .. value(list) .. "\n"
  end
  if next(site.set) then
    out[#out + 1] = "\nsip.set {\n"
    fields(out, site.set, "  ")
    out[#out + 1] = "}\n"
  end
  if next(site.limits) then
    out[#out + 1] = "\nlimits {\n"
    fields(out, site.limits, "  ")
    out[#out + 1] = "}\n"
  end
  granted(out, site.granted)
  if site.guests then
    out[#out + 1] = "\n-- Unknown callers: Asterisk lets them in, and so does this line.\n"
    out[#out + 1] = ("sip.guests { context = %s }\n"):format(quote(site.guests.context))
  end
  for _, one in ipairs(site.trunks) do declare(out, "sip.trunk", one) end
  for _, one in ipairs(site.phones) do
    declare(out, "sip.phone", one, not one.fields.password and ("  password = secret %s,\n"):format(quote(one.name)) or nil)
  end
  for _, one in ipairs(site.mailboxes) do
    if has "mailbox" then declare(out, "mailbox", one) else commented(out, "mailbox", one) end
  end
  for _, one in ipairs(site.proposals) do commented(out, one.what, one) end
  return table.concat(out)
end

return write
