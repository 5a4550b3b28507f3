-- Says things one after another, as long as the caller lets it.

local speak = {}

-- Says a list of prompts, paths of recordings, and tables for call:say. Keys that
-- are in keys end it; true is any. Returns the key.
function speak.say(call, items, keys)
  if keys == nil then keys = true end
  local waiting = {}
  local function play()
    if #waiting == 0 then return nil end
    local result = call:play(waiting, { interrupt = keys })
    waiting = {}
    return result.key
  end
  for _, item in ipairs(items) do
    if type(item) == "string" then
      waiting[#waiting + 1] = item
    else
      local key = play()
      if key then return key end
      local what = { interrupt = keys }
      for name, value in pairs(item) do what[name] = value end
      key = call:say(what).key
      if key then return key end
    end
  end
  return play()
end

-- Waits for a key; nil where none came.
function speak.key(call, seconds)
  return (call:read { max = 1, timeout = seconds or 5, terminators = "", answer = false })
end

-- Says a list and waits for a key. Asks so often before it gives up.
function speak.ask(call, items, attempts, seconds)
  for _ = 1, attempts or 3 do
    local key = speak.say(call, items) or speak.key(call, seconds)
    if key then return key end
  end
end

-- Asks until the key is one of some; others are told to be wrong.
function speak.choose(call, items, keys, attempts)
  local asked = items
  for _ = 1, attempts or 3 do
    local key = speak.say(call, asked) or speak.key(call)
    if key and keys:find(key, 1, true) then return key end
    asked = key and speak.add({ "vm-sorry" }, items) or items
  end
end

-- Adds all of a list to another, which it returns.
function speak.add(list, more)
  for _, item in ipairs(more) do list[#list + 1] = item end
  return list
end

return speak
