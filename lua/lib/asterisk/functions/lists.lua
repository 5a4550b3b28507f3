-- Functions that work on lists in variables: "a,b,c".

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

local func = registry.func

-- The separator that an argument names: "," where it is empty.
local function separator(text, standard)
  if text == nil or text == "" then return standard or "," end
  local escaped = { ["\\n"] = "\n", ["\\t"] = "\t", ["\\r"] = "\r" }
  return escaped[text] or text:gsub("^\\(.)", "%1"):sub(1, 1)
end

local function fields(text, at)
  local list = {}
  if text == "" then return list end
  local from = 1
  while true do
    local found = text:find(at, from, true)
    if not found then break end
    list[#list + 1] = text:sub(from, found - 1)
    from = found + 1
  end
  list[#list + 1] = text:sub(from)
  return list
end

func("CUT", { read = function(ch, text)
  local parts = arguments.raw(text, ",", 3)
  if #parts < 3 then
    log.error("CUT wants a variable, a separator and fields")
    return ""
  end
  local name, wanted = parts[1], parts[3]
  local at = parts[2] == "" and "-" or parts[2]:gsub('^"(.)"$', "%1")
  at = separator(at, "-")
  local list = fields(ch:get(name), at)
  local out, behind = {}, 0
  for range in (wanted .. "&"):gmatch "([^&]*)&" do
    local from, dash, to = range:match "^%s*(%d*)%s*(%-?)%s*(%d*)%s*$"
    if not from or from == "" and to == "" then
      log.error("CUT: '%s' names no fields", wanted)
      break
    end
    local first, last = tonumber(from) or 1, tonumber(to)
    if dash == "" then last = first elseif not last then last = #list end
    if first <= behind then
      log.error("CUT: the fields of '%s' are not in order", wanted)
      break
    end
    for i = math.max(first, 1), math.min(last, #list) do out[#out + 1] = list[i] end
    behind = last
  end
  return table.concat(out, at)
end })

func("FIELDQTY", { read = function(ch, text)
  local name, at = text:match "^([^,]*),(.*)$"
  if not name then name, at = text, "," end
  return #fields(ch:get(name), separator(at))
end })

func("FIELDNUM", { read = function(ch, text)
  local parts = arguments.split(text, ",", 3)
  local at = separator(parts[2])
  for i, one in ipairs(fields(ch:get(parts[1] or ""), at)) do
    if one == parts[3] then return i end
  end
  return 0
end })

-- Divides "name,separator" of the functions that take from a list and add to it.
local function named(text)
  local name, at = text:match "^([^,]*),(.*)$"
  return name or text, separator(at)
end

func("SHIFT", { read = function(ch, text)
  local name, at = named(text)
  local list = fields(ch:get(name), at)
  local first = table.remove(list, 1)
  ch:set(name, table.concat(list, at))
  return first or ""
end })

func("POP", { read = function(ch, text)
  local name, at = named(text)
  local list = fields(ch:get(name), at)
  local last = table.remove(list)
  ch:set(name, table.concat(list, at))
  return last or ""
end })

func("PUSH", { write = function(ch, text, value)
  local name, at = named(text)
  local list = ch:get(name)
  ch:set(name, list == "" and value or list .. at .. value)
end })

func("UNSHIFT", { write = function(ch, text, value)
  local name, at = named(text)
  local list = ch:get(name)
  ch:set(name, list == "" and value or value .. at .. list)
end })

func("LISTFILTER", { read = function(ch, text)
  local parts = arguments.split(text, ",", 3)
  local at = separator(parts[2])
  local out = {}
  for _, one in ipairs(fields(ch:get(parts[1] or ""), at)) do
    if one ~= parts[3] then out[#out + 1] = one end
  end
  return table.concat(out, at)
end })

func("SORT", { read = function(_, text)
  local list = {}
  for i, one in ipairs(arguments.split(text)) do
    local key, value = one:match "^([^:]*):(.*)$"
    if not key then return "" end
    list[i] = { key, arguments.number(value), i }
  end
  table.sort(list, function(a, b)
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[3] < b[3]
  end)
  local keys = {}
  for i, one in ipairs(list) do keys[i] = one[1] end
  return table.concat(keys, ",")
end })

func("ARRAY", { write = function(ch, text, value)
  local names, values = arguments.split(text), arguments.split(value)
  for i, name in ipairs(names) do
    if values[i] == nil then ch:set(name, "") else ch:assign(name, values[i]) end
  end
end })

-- Hashes -------------------------------------------------------------------------------

func("HASH", {
  read = function(ch, text)
    local name, key = text:match "^([^,]*),?(.*)$"
    local hash = ch.hashes[name]
    return hash and hash.values[key] or ""
  end,
  write = function(ch, text, value)
    local name, key = text:match "^([^,]*),?(.*)$"
    local hash = ch.hashes[name] or { values = {}, keys = {} }
    ch.hashes[name] = hash
    if key == "" then -- HASH(name)=values, for the columns of ~ODBCFIELDS~
      local columns = arguments.split(ch:get "~ODBCFIELDS~")
      for i, one in ipairs(arguments.split(value)) do
        local column = columns[i]
        if column then ch:set_fn("HASH", name .. "," .. column, one) end
      end
      return
    end
    if hash.values[key] == nil then table.insert(hash.keys, 1, key) end
    hash.values[key] = value
  end,
})

func("HASHKEYS", { read = function(ch, text)
  local hash = ch.hashes[arguments.split(text)[1] or ""]
  return hash and table.concat(hash.keys, ",") or ""
end })

func("CLEARHASH", { level = "unavailable", note = "is an application" })
