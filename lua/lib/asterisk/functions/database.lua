-- Functions of the database, which is the store: family and key are the same.

local registry = require "asterisk.registry"

local func = registry.func

local function key(name, text)
  local family, rest = text:match "^/?([^/]+)/(.+)$"
  if not family then log.warn("%s(%s): family/key is wanted", name, text) end
  return family, rest
end

func("DB", {
  read = function(ch, text)
    local family, name = key("DB", text)
    local value = family and store.get(family, name)
    if value then ch:set("DB_RESULT", value) end
    return value or ""
  end,
  write = function(_, text, value)
    local family, name = key("DB", text)
    if family then store.put(family, name, value) end
  end,
})

func("DB_EXISTS", { read = function(ch, text)
  local family, name = key("DB_EXISTS", text)
  local value = family and store.get(family, name)
  if value then ch:set("DB_RESULT", value) end
  return value and "1" or "0"
end })

func("DB_DELETE", {
  read = function(ch, text)
    local family, name = key("DB_DELETE", text)
    local value = family and store.get(family, name)
    if value then
      ch:set("DB_RESULT", value)
      store.delete(family, name)
    end
    return value or ""
  end,
  write = function(_, text)
    local family, name = key("DB_DELETE", text)
    if family then store.delete(family, name) end
  end,
})

func("DB_KEYS", { read = function(_, text)
  local family, prefix = text:match "^/?([^/]+)/?(.*)$"
  if not family then return "" end
  local list, seen, below = {}, {}, prefix ~= "" and prefix .. "/" or ""
  for _, name in ipairs(store.keys(family, below) or {}) do
    local part = name:sub(#below + 1):match "^[^/]*"
    if part ~= "" and not seen[part] then
      seen[part] = true
      list[#list + 1] = part
    end
  end
  return table.concat(list, ",")
end })

func("DB_KEYCOUNT", { read = function(_, text)
  local family, prefix = text:match "^/?([^/]+)/?(.*)$"
  return family and #(store.keys(family, prefix) or {}) or 0
end })
