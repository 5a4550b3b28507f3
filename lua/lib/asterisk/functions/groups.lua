-- Functions that count calls in groups. A call leaves its groups when it ends.

local registry = require "asterisk.registry"

local func = registry.func
local family = "asterisk groups"

-- Reads "group@category".
local function named(text)
  local group, category = text:match "^([^@]*)@?(.*)$"
  return group, category
end

local function key(category, group) return category .. "@" .. group end

local function count(category, group) return tonumber(store.get(family, key(category, group))) or 0 end

local function leave(ch, category)
  local group = ch.groups and ch.groups[category]
  if not group then return end
  if store.add(family, key(category, group), -1) <= 0 then store.delete(family, key(category, group)) end
  ch.groups[category] = nil
end

func("GROUP", {
  read = function(ch, text) return ch.groups and ch.groups[text] or "" end,
  write = function(ch, text, value)
    local group, category = named(value)
    if text ~= "" then category = text end
    if not ch.groups then
      ch.groups = {}
      ch.call:on_hangup(function()
        for one in pairs(ch.groups) do leave(ch, one) end
      end)
    end
    leave(ch, category)
    if group ~= "" then
      store.add(family, key(category, group))
      ch.groups[category] = group
    end
  end,
})

func("GROUP_COUNT", { read = function(ch, text)
  local group, category = named(text)
  if group == "" then group = ch.groups and ch.groups[category] or "" end
  return group == "" and 0 or count(category, group)
end })

func("GROUP_MATCH_COUNT", { read = function(_, text)
  local pattern, category = named(text)
  local sum = 0
  for _, name in ipairs(store.keys(family, category .. "@") or {}) do
    local group = name:sub(#category + 2)
    local good, found = pcall(re.match, group, pattern)
    if good and found then sum = sum + count(category, group) end
  end
  return sum
end })

func("GROUP_LIST", { read = function(ch)
  local list = {}
  for category, group in pairs(ch.groups or {}) do list[#list + 1] = category == "" and group or group .. "@" .. category end
  table.sort(list)
  return table.concat(list, " ")
end })
