-- What phones and trunks bring along to the dialplan: variables and accounts.
-- The runtime reads it from asterisk/peers.lua of the site.

local text = require "text"

local peers = {}

local facts = { accountcode = "accountcode", amaflags = "amaflags" }

-- Collects from a section what its calls begin with. variable is what the key is
-- called that sets a variable.
function peers.add(site, section, variable, report)
  local found = { variables = {}, at = section }
  for _, entry in ipairs(section.entries) do
    local name = entry.name:lower()
    if name == variable then
      local key, value = entry.value:match "^%s*(.-)%s*=(.*)$"
      if key and key ~= "" then
        found.variables[#found.variables + 1] = { key, text.trim(value) }
      else
        report:note(entry, ("%s=%s sets nothing"):format(entry.name, entry.value), ("write %s=NAME=value"):format(entry.name))
      end
    elseif facts[name] and entry.value ~= "" then
      found[facts[name]] = entry.value
    end
  end
  if #found.variables > 0 or found.accountcode or found.amaflags then
    site.peers[#site.peers + 1] = { name = section.name, found = found }
  end
end

-- The text of asterisk/peers.lua.
function peers.write(site)
  local quote = text.quote
  local out = { "-- What the calls of phones and trunks begin with: from setvar, accountcode and amaflags.\n\nreturn {\n" }
  for _, one in ipairs(site.peers) do
    local found = one.found
    out[#out + 1] = ("  [%s] = { -- %s:%d\n"):format(quote(one.name), found.at.file:gsub("%c", " "), found.at.line)
    for _, name in ipairs { "accountcode", "amaflags" } do
      if found[name] then out[#out + 1] = ("    %s = %s,\n"):format(name, quote(found[name])) end
    end
    if #found.variables > 0 then
      out[#out + 1] = "    variables = {\n"
      for _, variable in ipairs(found.variables) do
        out[#out + 1] = ("      { %s, %s },\n"):format(quote(variable[1]), quote(variable[2]))
      end
      out[#out + 1] = "    },\n"
    end
    out[#out + 1] = "  },\n"
  end
  out[#out + 1] = "}\n"
  return table.concat(out)
end

return peers
