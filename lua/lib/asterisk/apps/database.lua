-- Applications of the database, which is the store: family and key are the same.

local registry = require "asterisk.registry"

local function key(text)
  local family, name = text:match "^/?([^/]+)/(.+)$"
  if not family then log.warn("'%s' is not family/key", text) end
  return family, name
end

registry.application("DBdel", { run = function(_, text)
  local family, name = key(text)
  if family then store.delete(family, name) end
end, gone = 16 })

registry.application("DBdeltree", { run = function(_, text)
  local family, root = text:match "^/?([^/]+)/(.+)$"
  if family then store.delete_tree(family, root) else store.delete_tree((text:gsub("^/", ""))) end
end })

registry.application("DBput", { run = function(_, text)
  local where, value = text:match "^([^=]*)=(.*)$"
  local family, name = key(where or "")
  if family then store.put(family, name, value) end
end, gone = 1.4 })

registry.application("DBget", { jump = function(ch) return ch.missing end, run = function(ch, text)
  local variable, where = text:match "^([^=]*)=(.*)$"
  local family, name = key(where or "")
  local value = family and store.get(family, name)
  ch.missing = not value
  if value then ch:set(variable, value) end
end, gone = 1.4 })

registry.application("LookupCIDName", { run = function(ch)
  local number = ch.call.caller.number
  local name = number ~= "" and store.get("cidname", number)
  if name then ch.call.caller.name = name end
end, gone = 1.6 })

registry.application("LookupBlacklist", { jump = function(ch) return ch:get "LOOKUPBLSTATUS" == "FOUND" end, run = function(ch)
  local caller = ch.call.caller
  local listed = caller.number ~= "" and store.get("blacklist", caller.number) or caller.name ~= "" and store.get("blacklist", caller.name)
  ch:set("LOOKUPBLSTATUS", listed and "FOUND" or "NOTFOUND")
end, gone = 1.6 })
